package rotator

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	connectTimeout = 5 * time.Second // AWS's templates wait as long
	// handshakeTimeout is shorter: a server that speaks no TLS may wait for the end of a
	// line that never comes.
	handshakeTimeout = 2 * time.Second
	stepTimeout      = 60 * time.Second // for one step, with waiting for a free connection
	// drainTimeout bounds how long a closed connection waits for the server's end.
	drainTimeout = 250 * time.Millisecond
	// maxAddresses bounds how many of a name's addresses are tried.
	maxAddresses = 8
	// connectionsPerAddress are open at most, by all rotations together.
	connectionsPerAddress = 16
)

// target is a server that may be connected to: checked addresses, with slots taken on
// each of them. A rotation has one target at a time, so that none waits for slots while
// it holds others.
type target struct {
	registry *Registry
	host     string // as the document has it, for certificates and messages
	port     int
	addrs    []netip.Addr
	weight   int

	mu    sync.Mutex
	open  map[*connection]struct{}
	shut  bool // no new ones
	given bool // the slots are back
}

// reach looks a document's host up, checks it and takes slots for weight connections.
func (r *Registry) reach(ctx context.Context, host string, port, weight int) (*target, error) {
	addrs, err := r.resolve(ctx, host, port)
	if err != nil {
		return nil, err
	}
	t := &target{registry: r, host: host, port: port, weight: weight, open: map[*connection]struct{}{}}
	// In the same order for all, so that two rotations cannot wait for each other.
	slices.SortFunc(addrs, netip.Addr.Compare)
	for _, addr := range slices.Compact(addrs) {
		if err := r.slots.acquire(ctx, addr, weight); err != nil {
			t.close()
			f := fail(Canceled, "no connection to %s became free", host).because(err)
			f.cause = ctx.Err()
			return nil, f
		}
		t.addrs = append(t.addrs, addr)
	}
	return t, nil
}

// resolve gives the addresses of a host, all of which the operator allows.
func (r *Registry) resolve(ctx context.Context, host string, port int) ([]netip.Addr, error) {
	denied := fail(Forbidden, "the host %s with port %d is not among those that the operator allows for rotation", host, port)
	if addr, err := netip.ParseAddr(host); err == nil {
		if !r.config.Hosts.allows("", addr, port) {
			return nil, denied
		}
		return []netip.Addr{addr.Unmap()}, nil
	}
	name, ok := hostName(host)
	if !ok {
		return nil, fail(Misconfigured, "the host %s is neither a name nor an address", strconv.Quote(host))
	}
	if !r.config.Hosts.allowsName(name, port) {
		return nil, denied
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	addrs, err := r.config.Resolver.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return nil, fail(Unreachable, "the host %s has no address", host).because(err)
	}
	if len(addrs) == 0 {
		return nil, fail(Unreachable, "the host %s has no address", host)
	}
	addrs = slices.Clone(addrs[:min(len(addrs), maxAddresses)])
	for i := range addrs {
		// One address that is denied makes the whole answer suspect.
		if !r.config.Hosts.allows(name, addrs[i], port) {
			return nil, denied
		}
		addrs[i] = addrs[i].Unmap()
	}
	return addrs, nil
}

// tls is the configuration of a verified connection.
func (t *target) tls() *tls.Config {
	return &tls.Config{ServerName: t.host, RootCAs: t.registry.config.RootCAs, MinVersion: tls.VersionTLS12}
}

// errClosedTarget is what a driver gets that wants more connections than it may have,
// such as one to cancel a statement with.
var errClosedTarget = errors.New("no further connection in this session")

// dial connects to the first address that answers. Drivers call it, perhaps from
// goroutines of theirs; what address they ask for does not matter.
func (t *target) dial(ctx context.Context) (net.Conn, error) {
	c := &connection{target: t, ended: make(chan struct{})}
	if err := t.admit(ctx, c); err != nil {
		return nil, err
	}

	var first error
	for _, addr := range t.addrs {
		conn, err := t.registry.dial(ctx, netip.AddrPortFrom(addr, uint16(t.port)))
		if err != nil {
			first = cmp.Or(first, err)
			continue
		}
		t.mu.Lock()
		c.Conn = conn
		shut := t.shut
		t.mu.Unlock()
		if shut {
			c.Close()
			return nil, errClosedTarget
		}
		return c, nil
	}
	t.forget(c)
	return nil, first
}

// admit counts a connection that is to be made. It waits for those that are being closed.
func (t *target) admit(ctx context.Context, c *connection) error {
	for {
		t.mu.Lock()
		if t.shut {
			t.mu.Unlock()
			return errClosedTarget
		}
		if len(t.open) < t.weight {
			t.open[c] = struct{}{}
			t.mu.Unlock()
			return nil
		}
		var closing *connection
		for other := range t.open {
			if other.closing {
				closing = other
			}
		}
		t.mu.Unlock()
		if closing == nil {
			return errClosedTarget
		}
		select {
		case <-closing.ended:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (t *target) forget(c *connection) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, c)
	close(c.ended)
	if t.shut && len(t.open) == 0 {
		t.giveBack()
	}
}

// giveBack returns the slots, once.
func (t *target) giveBack() {
	if t.given {
		return
	}
	t.given = true
	for _, addr := range t.addrs {
		t.registry.slots.release(addr, t.weight)
	}
}

// dialTLS is dial with the handshake done, for drivers that would hide how it failed.
func (t *target) dialTLS(ctx context.Context, config *tls.Config) (net.Conn, error) {
	conn, err := t.dial(ctx)
	if err != nil || config == nil {
		return conn, err
	}
	secured := tls.Client(conn, config)
	bounded, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	err = secured.HandshakeContext(bounded)
	if err == nil {
		return secured, nil
	}
	conn.Close()
	if ctx.Err() == nil && noTLSSpoken(err) {
		return nil, errNoTLS
	}
	return nil, err
}

// noTLSSpoken tells that what answered a handshake was no TLS: another protocol, an end,
// or silence. Such servers do not announce whether they do TLS.
func noTLSSpoken(err error) bool {
	_, foreign := errors.AsType[tls.RecordHeaderError](err)
	return foreign || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, context.DeadlineExceeded)
}

// close ends what is still open. The slots are given back when the last connection has
// ended.
func (t *target) close() {
	t.mu.Lock()
	t.shut = true
	var left []*connection
	for c := range t.open {
		if c.Conn != nil { // else it is being dialled, and ends itself
			left = append(left, c)
		}
	}
	if len(t.open) == 0 {
		t.giveBack()
	}
	t.mu.Unlock()
	for _, c := range left {
		c.Close()
	}
}

// connection is one that its target counts until both ends are closed.
type connection struct {
	net.Conn
	target  *target
	once    sync.Once
	err     error
	closing bool          // under target.mu: our half is closed
	ended   chan struct{} // closed when the connection counts no more
}

// Close closes our half. The connection counts until the server has closed the other, for
// which it gets a little time, so that the server, too, never counts more connections than
// the limit. Nobody waits for that but who wants its slots: a rotation goes on meanwhile.
func (c *connection) Close() error {
	c.once.Do(func() {
		half, ok := c.Conn.(interface{ CloseWrite() error })
		if !ok || half.CloseWrite() != nil || c.Conn.SetReadDeadline(time.Now().Add(drainTimeout)) != nil {
			c.err = c.Conn.Close()
			c.target.forget(c)
			return
		}
		c.target.mu.Lock()
		c.closing = true
		c.target.mu.Unlock()
		go func() {
			// What still comes is of no interest.
			_, _ = io.Copy(io.Discard, io.LimitReader(c.Conn, 1<<20))
			_ = c.Conn.Close()
			c.target.forget(c)
		}()
	})
	return c.err
}

// errNoTLS: the server speaks no TLS. It is what allows a fallback to plaintext; a
// certificate that does not verify is not.
var errNoTLS = fail(Untrusted, "the server does not offer TLS")

// notConnected sorts the errors of connecting that have nothing to do with a login.
func (t *target) notConnected(err error) error {
	where := net.JoinHostPort(t.host, strconv.Itoa(t.port))
	_, badCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, wrongName := errors.AsType[x509.HostnameError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	if badCertificate || unknown || wrongName || alert {
		return fail(Untrusted, "the TLS handshake with %s failed", where).because(err)
	}
	return fail(Unreachable, "no connection to %s", where).because(err)
}
