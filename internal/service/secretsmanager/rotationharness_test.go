package secretsmanager

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/due"
	"fastness/internal/engine/rotator"
	"fastness/internal/eventlog"
	"fastness/internal/front"
	"fastness/internal/policy"
	"fastness/internal/store"
	"fastness/internal/store/pebble"
	"fastness/internal/store/table"
	"fastness/internal/wire"
	"fastness/internal/wire/awsjson"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	rotationAccount = "111122223333"
	rotationRegion  = "eu-central-1"
	// singleUserARN is a built-in function by its ARN.
	singleUserARN = "arn:aws:lambda:eu-central-1:111122223333:function:SecretsManagerRDSPostgreSQLRotationSingleUser"
)

// rotationWorld is what outlives a process: the store, the database, the time.
type rotationWorld struct {
	testing.TB
	inner *pebble.Store
	clk   *clock.Manual
	db    *database
	tape  *tape
}

// process is one life of the room, behind the real front door.
type process struct {
	*rotationWorld
	*Service
	door  *front.Door
	jobs  *due.Queue
	audit *audit.Log
	fuse  *fuse
	log   *slog.Logger
}

func newRotationWorld(t testing.TB, at time.Time) *rotationWorld {
	t.Helper()
	w := &rotationWorld{TB: t, clk: clock.NewManual(at), db: &database{passwords: map[string]string{}}, tape: new(tape)}
	var err error
	if w.inner, err = pebble.Open("store", pebble.Options{FS: vfs.NewMem(), Clock: w.clk}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.inner.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// start begins a life, which may end when the fuse has burnt down.
func (w *rotationWorld) start(f *fuse) *process {
	w.Helper()
	if f == nil {
		f = &fuse{left: -1}
	}
	p := &process{rotationWorld: w, fuse: f, log: slog.New(slog.DiscardHandler)}
	s := &mortalStore{Store: w.inner, fuse: f}
	p.audit = audit.Open(s, w.clk, w.tape)
	w.Cleanup(p.audit.Close)
	registry := table.NewRegistry()
	queue, err := due.NewQueue(registry)
	if err != nil {
		w.Fatal(err)
	}
	p.jobs = queue
	service, err := New(Config{
		Store: s, Registry: registry, KMS: wrapper{}, Self: secretsmanagerapi.NewClient(p), Pages: noPages{}, Jobs: queue, Audit: p.audit,
		Clock: w.clk, Log: p.log, Regions: []string{rotationRegion},
		Rotation: RotationConfig{
			AsService: func(ctx context.Context, service, account, region string) context.Context {
				return p.door.AsService(ctx, service, account, region)
			},
			Rotators: func(name string) (BuiltIn, bool) {
				return &fakeRotator{w.db, f}, name == "SecretsManagerRDSPostgreSQLRotationSingleUser"
			},
		},
	})
	if err != nil {
		w.Fatal(err)
	}
	p.Service = service
	p.door, err = front.New(front.Config{
		Rooms:  []*front.Room{{API: secretsmanagerapi.API, Service: service, Resolver: service, MaxBody: MaxBody}},
		Codecs: []wire.Codec{awsjson.New(wire.AWSJSON11)}, Credentials: nobody{}, Principals: nobody{},
		Store: s, Audit: p.audit, Clock: w.clk, Log: p.log,
		Metrics: front.NewMetrics(prometheus.NewRegistry()), Regions: []string{rotationRegion},
	})
	if err != nil {
		w.Fatal(err)
	}
	return p
}

// Invoke is the late-bound door.
func (p *process) Invoke(ctx context.Context, op *wire.Operation, in any) (any, error) {
	return p.door.Invoke(ctx, op, in)
}

// client calls as the root user of the account, or as who.
func (p *process) client(who ...*call.Principal) *secretsmanagerapi.Client {
	principal := &call.Principal{Kind: call.Root, Account: rotationAccount, ARN: "arn:aws:iam::" + rotationAccount + ":root", ID: rotationAccount}
	if len(who) > 0 {
		principal = who[0]
	}
	return secretsmanagerapi.NewClient(caller{p, principal})
}

type caller struct {
	p   *process
	who *call.Principal
}

func (c caller) Invoke(ctx context.Context, op *wire.Operation, in any) (any, error) {
	return c.p.door.Invoke(call.With(ctx, &call.Call{
		Principal: c.who, Account: c.who.Account, Region: rotationRegion, Time: c.p.clk.Now(),
		Source: &call.Source{IP: netip.MustParseAddr("127.0.0.1"), UserAgent: "test"},
	}), op, in)
}

// drain does all jobs that are due, as the runners of the two queues do, until none is.
// It returns early if the process dies.
func (p *process) drain() {
	p.Helper()
	handlers := p.JobHandlers()
	for ran := true; ran && !p.fuse.dead(); {
		ran = false
		for kind, h := range handlers {
			ran = p.perform(p.jobs, kind, h) || ran
		}
		ran = p.perform(p.tables.rotationJobs, jobRotation, due.Handler{Run: p.rotation.carryOn}) || ran
	}
}

func (p *process) perform(q *due.Queue, kind string, h due.Handler) (ran bool) {
	p.Helper()
	ctx := p.Context()
	var jobs []due.Job
	p.must(p.inner.View(ctx, func(r store.Reader) (err error) {
		jobs, err = q.List(r, kind, "", 1000)
		return err
	}))
	for _, j := range jobs {
		if j.At.After(p.clk.Now()) || p.fuse.dead() {
			continue
		}
		ran = true
		if h.Run != nil {
			if err := h.Run(ctx, j); err != nil {
				if p.fuse.dead() {
					return ran
				}
				p.Fatalf("job %s: %v", j.ID, err)
			}
		}
		_, err := p.store.Update(ctx, func(tx store.Txn) error {
			now, err := q.Get(tx, kind, j.ID)
			if errors.Is(err, store.ErrNotFound) || err == nil && !now.At.Equal(j.At) {
				return nil // done, or put off
			}
			if _, err := q.Cancel(tx, kind, j.ID); err != nil || h.RunInTxn == nil {
				return err
			}
			return h.RunInTxn(ctx, tx, j)
		})
		if err != nil && !p.fuse.dead() {
			p.Fatalf("job %s/%s: %v", kind, j.ID, err)
		}
	}
	return ran
}

func (w *rotationWorld) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// make creates a secret for a user of the database.
func (p *process) make(name string) (arn string) {
	p.Helper()
	p.db.set(name, "first-"+name)
	out, err := p.client().CreateSecret(p.Context(), &secretsmanagerapi.CreateSecretRequest{
		Name: &name, ClientRequestToken: new(eventlog.NewID()), SecretString: new(document(name, "first-"+name)),
	})
	p.must(err)
	return *out.ARN
}

func document(user, password string) string {
	b, err := json.Marshal(login{User: user, Password: password})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// password is what the secret says, by label.
func (p *process) password(arn, stage string) string {
	p.Helper()
	out, err := p.client().GetSecretValue(p.Context(), &secretsmanagerapi.GetSecretValueRequest{SecretId: &arn, VersionStage: &stage})
	p.must(err)
	var l login
	p.must(json.Unmarshal([]byte(*out.SecretString), &l))
	return l.Password
}

func (p *process) describe(arn string) *secretsmanagerapi.DescribeSecretResponse {
	p.Helper()
	out, err := p.client().DescribeSecret(p.Context(), &secretsmanagerapi.DescribeSecretRequest{SecretId: &arn})
	p.must(err)
	return out
}

func (p *process) rotate(arn string, adjust ...func(*secretsmanagerapi.RotateSecretRequest)) string {
	p.Helper()
	in := &secretsmanagerapi.RotateSecretRequest{SecretId: &arn, ClientRequestToken: new(eventlog.NewID()), RotationLambdaARN: new(singleUserARN)}
	for _, f := range adjust {
		f(in)
	}
	out, err := p.client().RotateSecret(p.Context(), in)
	p.must(err)
	return *out.VersionId
}

// journal is the journal of a secret, nil if there is none.
func (p *process) journalOf(name string) (j *journalRecord) {
	p.Helper()
	p.must(p.inner.View(p.Context(), func(r store.Reader) error {
		s, err := p.tables.secret(r, secretName{rotationAccount, rotationRegion, name})
		if err != nil {
			return err
		}
		j, err = p.tables.rotation(r, s)
		return err
	}))
	return j
}

// agree fails unless the database knows the current value, and nothing is under way.
func (p *process) agree(name, arn string) {
	p.Helper()
	if got := p.password(arn, stageCurrent); !p.db.knows(name, got) {
		p.Errorf("the database does not know the current password of %s", name)
	}
	if j := p.journalOf(name); j != nil {
		p.Errorf("a journal is left: %+v", j)
	}
	for version, labels := range p.describe(arn).VersionIdsToStages {
		for _, l := range labels {
			if l == stagePending {
				p.Errorf("AWSPENDING is left on %s", version)
			}
		}
	}
}

// login is the value of these secrets.
type login struct {
	User     string `json:"username"`
	Password string `json:"password"`
}

// database is a server with users.
type database struct {
	mu        sync.Mutex
	passwords map[string]string
	changes   int
	down      bool
	busy      map[string]int // rotations at work on each user
	most      int            // of them, at any time on one user
	changed   func()         // if set: called when a rotation has changed a password
	entered   chan struct{}  // if set: Set waits for the end of its context, and says when it begins and ends
}

func (d *database) set(user, password string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.passwords[user] = password
	d.changes++
}

func (d *database) knows(user, password string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.passwords[user] == password && !d.down
}

// fakeRotator does what a real one does, in a database that the test can look into.
type fakeRotator struct {
	db   *database
	fuse *fuse
}

func (f *fakeRotator) Defaults() rotator.Options { return rotator.Options{} }

func (f *fakeRotator) MasterARN(current []byte) (string, error) {
	var m struct{ MasterARN string }
	return m.MasterARN, json.Unmarshal(current, &m)
}

func (f *fakeRotator) Create(current []byte, _ rotator.Options) ([]byte, error) {
	var l login
	if err := json.Unmarshal(current, &l); err != nil {
		return nil, err
	}
	return []byte(document(l.User, rand.Text())), nil
}

func (f *fakeRotator) Set(ctx context.Context, r rotator.Rotation) error {
	var pending login
	if err := json.Unmarshal(r.Pending, &pending); err != nil {
		return err
	}
	defer f.db.enter(pending.User)()
	if f.db.entered != nil {
		f.db.entered <- struct{}{}
		<-ctx.Done()
		f.db.entered <- struct{}{}
		return ctx.Err()
	}
	for _, known := range [][]byte{r.Pending, r.Current, r.Previous} {
		var l login
		if known == nil || json.Unmarshal(known, &l) != nil || !f.db.knows(l.User, l.Password) {
			continue
		}
		if l.Password == pending.Password {
			return nil
		}
		if f.fuse.burn() {
			return errDead
		}
		f.db.set(pending.User, pending.Password)
		if f.db.changed != nil {
			f.db.changed()
		}
		if f.fuse.burn() {
			return errDead
		}
		return nil
	}
	return errors.New("no login works")
}

func (f *fakeRotator) Test(_ context.Context, r rotator.Rotation) error {
	var pending login
	if err := json.Unmarshal(r.Pending, &pending); err != nil {
		return err
	}
	if !f.db.knows(pending.User, pending.Password) {
		return errors.New("the pending login does not work")
	}
	return nil
}

// enter counts who works on a user; the function it returns takes that back.
func (d *database) enter(user string) func() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy == nil {
		d.busy = map[string]int{}
	}
	d.busy[user]++
	d.most = max(d.most, d.busy[user])
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.busy[user]--
	}
}

var errDead = errors.New("the process is dead")

// fuse kills a process at a point: after so many effects, before or after the last one.
type fuse struct {
	mu    sync.Mutex
	left  int // -1: never
	after bool
	burnt bool
}

// burn counts an effect; it returns whether the process is dead.
func (f *fuse) burn() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.burnt {
		return true
	}
	if f.left == 0 {
		f.burnt = true
	} else if f.left > 0 {
		f.left--
	}
	return f.burnt
}

func (f *fuse) dead() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.burnt
}

// mortalStore is a store whose process can die, before a commit or just after it.
type mortalStore struct {
	store.Store
	fuse *fuse
}

func (s *mortalStore) View(ctx context.Context, f func(store.Reader) error) error {
	if s.fuse.dead() {
		return errDead
	}
	return s.Store.View(ctx, f)
}

func (s *mortalStore) Update(ctx context.Context, f func(store.Txn) error) (store.Revision, error) {
	was := s.fuse.dead()
	if was {
		return 0, errDead
	}
	if s.fuse.burn() && !s.fuse.after {
		return 0, errDead
	}
	rev, err := s.Store.Update(ctx, f)
	if s.fuse.dead() {
		return 0, errDead
	}
	return rev, err
}

// tape keeps the events of committed transactions.
type tape struct {
	mu     sync.Mutex
	events []tapedEvent
	more   chan struct{} // closed and replaced with each event
}

// count is how many events of a name there are.
func (t *tape) count(name string) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.events {
		if e.name == name {
			n++
		}
	}
	return n
}

// await waits until there are so many events of a name.
func (t *tape) await(name string, n int) {
	for {
		t.mu.Lock()
		if t.more == nil {
			t.more = make(chan struct{})
		}
		more := t.more
		t.mu.Unlock()
		if t.count(name) >= n {
			return
		}
		<-more
	}
}

type tapedEvent struct {
	name, secret, request, failure, reason string
	at                                     time.Time
}

// Recorded implements audit.Follower.
func (t *tape) Recorded(tx store.Txn, r audit.Recorded) error {
	if !r.Service {
		return nil
	}
	var d struct {
		EventName, EventTime, ErrorMessage, RequestID string
		AdditionalEventData                           struct{ SecretId, Reason string }
	}
	if err := json.Unmarshal(r.JSON, &d); err != nil {
		return err
	}
	at, err := time.Parse(time.RFC3339, d.EventTime)
	if err != nil {
		return err
	}
	tx.OnCommit(func(store.Revision) {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.more != nil {
			close(t.more)
			t.more = nil
		}
		t.events = append(t.events, tapedEvent{d.EventName, d.AdditionalEventData.SecretId, d.RequestID, d.ErrorMessage, d.AdditionalEventData.Reason, at})
	})
	return nil
}

// names of the events so far, about one secret.
func (t *tape) names(arn string) (names []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.events {
		if e.secret == arn {
			names = append(names, e.name)
		}
	}
	return names
}

// times of the events of a name.
func (t *tape) times(arn, name string) (times []time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.events {
		if e.secret == arn && e.name == name {
			times = append(times, e.at)
		}
	}
	return times
}

func (t *tape) last() tapedEvent {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.events[len(t.events)-1]
}

// nobody has no credentials and no policies.
type nobody struct{}

func (nobody) Credential(context.Context, string, string) (call.Credential, error) {
	return call.Credential{}, call.ErrUnknownAccessKey
}

func (nobody) Policies(_ context.Context, who *call.Principal) (*policy.Policies, error) {
	if who.Kind != call.User {
		return &policy.Policies{}, nil
	}
	document, ok := rotationPolicies[who.UserName]
	if !ok {
		return &policy.Policies{}, nil
	}
	p, err := policy.New(policy.IdentityInline, "test", []byte(document))
	if err != nil {
		return nil, err
	}
	return &policy.Policies{Identity: []*policy.Policy{p}}, nil
}

// rotationPolicies are the identity policies of users.
var rotationPolicies = map[string]string{
	"rotates": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"secretsmanager:RotateSecret","Resource":"*"}}`,
	"invokes": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["secretsmanager:RotateSecret","lambda:InvokeFunction"],"Resource":"*"}}`,
}

// wrapper stands for KMS, whose own tests are elsewhere: a data key is bound to its
// context.
type wrapper struct{}

func (wrapper) GenerateDataKey(_ context.Context, in *kmsapi.GenerateDataKeyRequest) (*kmsapi.GenerateDataKeyResponse, error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	return &kmsapi.GenerateDataKeyResponse{
		KeyId: new("arn:aws:kms:eu-central-1:111122223333:key/test"), Plaintext: key,
		CiphertextBlob: []byte(hex.EncodeToString(key) + fmt.Sprint(in.EncryptionContext)),
	}, nil
}

func (wrapper) Decrypt(_ context.Context, in *kmsapi.DecryptRequest) (*kmsapi.DecryptResponse, error) {
	blob := string(in.CiphertextBlob)
	if len(blob) < 64 || blob[64:] != fmt.Sprint(in.EncryptionContext) {
		return nil, &kmsapi.InvalidCiphertextException{}
	}
	key, err := hex.DecodeString(blob[:64])
	return &kmsapi.DecryptResponse{Plaintext: key}, err
}

type noPages struct{}

func (noPages) Seal(_, _, _ string, position []byte) (string, error) { return string(position), nil }
func (noPages) Open(_, _, _, token string) ([]byte, error)           { return []byte(token), nil }
