package rotator

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"strings"
)

// Resolver looks names up. [net.Resolver] is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Config is what the operator decides.
type Config struct {
	// Hosts are where a rotation may connect to; none by default.
	Hosts Hosts
	// RootCAs verify the servers' certificates; nil for those of the system.
	RootCAs *x509.CertPool
	// AllowPlaintext permits a connection without TLS to a server that offers none,
	// if the secret does not demand TLS ("ssl": true).
	AllowPlaintext bool
	// Resolver looks hosts up; nil for Go's. Its answers are checked and dialled.
	Resolver Resolver
}

// Registry has the built-in rotators, bound to an operator's decisions. It is safe for
// concurrent use.
type Registry struct {
	config Config
	slots  *slots
	// dial opens a connection to a checked address. Tests cut it at chosen points.
	dial func(ctx context.Context, to netip.AddrPort) (net.Conn, error)
}

// New makes a registry.
func New(config Config) *Registry {
	if config.Resolver == nil {
		config.Resolver = net.DefaultResolver
	}
	return &Registry{
		config: config,
		slots:  &slots{limit: connectionsPerAddress, hosts: map[netip.Addr]*hostSlots{}},
		dial: func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", to.String())
		},
	}
}

// Lookup finds a rotator by the name of AWS's template or of CloudFormation's
// HostedRotationLambda RotationType. Names are case sensitive, as AWS's are.
func (r *Registry) Lookup(name string) (*Rotator, bool) {
	k, ok := kinds[name]
	if !ok {
		return nil, false
	}
	return &Rotator{registry: r, name: name, kind: k}, true
}

// Rotator changes one kind of password. It has no state and is safe for concurrent use.
type Rotator struct {
	registry *Registry
	name     string
	kind     kind
}

// Name is the name it was looked up by.
func (r *Rotator) Name() string { return r.name }

// The names of the steps.
const (
	stepCreate = "createSecret"
	stepSet    = "setSecret"
	stepTest   = "testSecret"
)

// Rotation is one rotation of one secret: the values of its stages, as Secrets Manager
// holds them. The caller may erase them when a step has returned.
type Rotation struct {
	ARN     string // of the secret, for messages
	Current []byte // AWSCURRENT
	Pending []byte // AWSPENDING, the version that is being made
	// Previous is AWSPREVIOUS, or nil.
	Previous []byte
	// Master is AWSCURRENT of the secret that [Rotator.MasterARN] names, or nil.
	Master []byte
	// Options are those that the pending secret was created with.
	Options Options
}

// MasterARN tells which other secret Set needs, with whose credentials it changes the
// user. It is empty if none is needed.
func (r *Rotator) MasterARN(current []byte) (string, error) {
	if r.kind.server == nil || r.kind.strategy != alternating && !r.kind.server.usesMaster() {
		return "", nil
	}
	d, err := r.read(current)
	if err != nil {
		return "", stepError(context.Background(), stepSet, err)
	}
	defer d.wipe()
	if d.masterARN == "" && r.kind.strategy == alternating {
		return "", &Error{Step: stepSet, Reason: Misconfigured, Message: "masterarn key is missing from secret JSON"}
	}
	return d.masterARN, nil
}

// Create makes the pending secret: the current one with a new password and, for
// alternating users, with the other user's name. Everything else in the document stays
// as it is, byte for byte. Calling it again gives another password; a caller that
// stored one keeps it. The caller erases what it gets.
func (r *Rotator) Create(current []byte, o Options) ([]byte, error) {
	pending, err := r.create(current, o)
	if err != nil {
		return nil, stepError(context.Background(), stepCreate, err)
	}
	return pending, nil
}

func (r *Rotator) create(current []byte, o Options) ([]byte, error) {
	if r.kind.server == nil {
		return createGeneric(current, o)
	}
	d, err := r.read(current)
	if err != nil {
		return nil, err
	}
	defer d.wipe()
	var changes []change
	if r.kind.strategy == alternating {
		name := alternate(d.username)
		if name == "" {
			return nil, fail(Misconfigured, "the user name %s has nothing before _clone", d.username)
		}
		if strings.HasSuffix(name, cloneSuffix) && len(name) > o.UsernameLimit {
			return nil, fail(Misconfigured, "Unable to clone user, username length with _clone appended would exceed %d characters", o.UsernameLimit)
		}
		changes = append(changes, change{"username", []byte(name)})
	}
	password, err := o.Password.Generate()
	if err != nil {
		return nil, err
	}
	defer clear(password)
	return d.replaced(append(changes, change{"password", password})...), nil
}

// createGeneric makes a random string, or the document with one in a field.
func createGeneric(current []byte, o Options) ([]byte, error) {
	if o.JSONField == "" {
		return o.Password.Generate()
	}
	d, err := parseDocument(current)
	if err != nil {
		return nil, err
	}
	defer d.wipe()
	password, err := o.Password.Generate()
	if err != nil {
		return nil, err
	}
	defer clear(password)
	return d.replaced(change{o.JSONField, password}), nil
}

const cloneSuffix = "_clone"

// alternate is the name of the other user of a pair.
func alternate(username string) string {
	if base, ok := strings.CutSuffix(username, cloneSuffix); ok {
		return base
	}
	return username + cloneSuffix
}

// Set puts the pending password into the server. It may run again after it was
// interrupted anywhere; if the pending secret can log in, nothing is left to do.
func (r *Rotator) Set(ctx context.Context, rotation Rotation) error {
	return r.step(ctx, stepSet, &rotation, func(ctx context.Context, docs *documents) error {
		if r.kind.strategy == alternating {
			return r.setAlternating(ctx, docs)
		}
		return r.setSingle(ctx, docs)
	})
}

// Test logs in with the pending secret on a new connection and runs a query.
func (r *Rotator) Test(ctx context.Context, rotation Rotation) error {
	return r.step(ctx, stepTest, &rotation, func(ctx context.Context, docs *documents) error {
		s, err := r.login(ctx, docs.pending)
		if rejected(err) {
			return fail(LoginFailed, "Unable to log into database with pending secret of secret ARN %s", docs.arn).because(err)
		}
		if err != nil {
			return err
		}
		defer s.close()
		return s.probe(ctx, docs.pending)
	})
}

// documents are the parsed values of a rotation.
type documents struct {
	arn                                string
	current, pending, previous, master *document
	options                            Options
}

// step parses, runs, erases, and makes the error fit to be shown.
func (r *Rotator) step(ctx context.Context, name string, in *Rotation, run func(context.Context, *documents) error) error {
	if r.kind.server == nil {
		return nil // a random string is in no server
	}
	ctx, cancel := context.WithTimeoutCause(ctx, stepTimeout, errors.New("the step took more than 60 s"))
	defer cancel()
	docs := &documents{arn: in.ARN, options: in.Options}
	var secrets [][]byte
	defer func() {
		for _, s := range secrets {
			clear(s)
		}
	}()
	for _, v := range []struct {
		raw      []byte
		to       **document
		optional bool
	}{{in.Current, &docs.current, false}, {in.Pending, &docs.pending, false}, {in.Previous, &docs.previous, true}, {in.Master, &docs.master, true}} {
		if v.optional && v.raw == nil {
			continue
		}
		d, err := r.read(v.raw)
		if err != nil {
			if v.to == &docs.previous {
				continue // the templates, too, do without one that is not usable
			}
			return stepError(ctx, name, err)
		}
		*v.to = d
		secrets = append(secrets, d.password)
	}
	if err := run(ctx, docs); err != nil {
		return stepError(ctx, name, err, secrets...)
	}
	return nil
}

// read parses a document and checks that it has what every rotation needs.
func (r *Rotator) read(raw []byte) (*document, error) {
	d, err := parseDocument(raw)
	if err != nil {
		return nil, err
	}
	if err := r.kind.server.check(d); err != nil {
		d.wipe()
		return nil, err
	}
	return d, nil
}

// requireKeys reports a missing key in the templates' words.
func (d *document) requireKeys(keys ...string) error {
	for _, key := range keys {
		if !d.has(key) {
			return fail(Misconfigured, "%s key is missing from secret JSON", key)
		}
	}
	return nil
}

// login opens a session as a document says, over TLS, or in plaintext where that is
// what the document, the server and the operator agree on.
func (r *Rotator) login(ctx context.Context, d *document) (session, error) {
	if d.ssl == tlsOff && !r.registry.config.AllowPlaintext {
		return nil, fail(Forbidden, "the secret asks for a connection in plaintext (ssl is false), which the operator does not allow")
	}
	port := d.port
	if port == 0 {
		port = r.kind.server.port()
	}
	t, err := r.registry.reach(ctx, d.host, port, r.kind.server.weight())
	if err != nil {
		return nil, err
	}
	s, err := r.connect(ctx, t, d)
	if err != nil {
		t.close()
		return nil, err
	}
	return s, nil
}

func (r *Rotator) connect(ctx context.Context, t *target, d *document) (session, error) {
	if d.ssl != tlsOff {
		s, err := r.attempt(ctx, t, d, t.tls())
		if err == nil || !errors.Is(err, errNoTLS) || d.ssl == tlsRequired || !r.registry.config.AllowPlaintext {
			return s, err
		}
	}
	return r.attempt(ctx, t, d, nil)
}

// attempt bounds the time of connecting, which is not that of the statements after it.
func (r *Rotator) attempt(ctx context.Context, t *target, d *document, config *tls.Config) (session, error) {
	bounded, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	s, err := r.kind.server.connect(bounded, t, d, config)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		return nil, fail(Unreachable, "no connection to %s within %v", t.host, connectTimeout)
	}
	return s, err
}

// rejected tells a login that the server refused from one that could not be tried.
func rejected(err error) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && f.reason == LoginFailed
}
