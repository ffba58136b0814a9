package ssm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/api/ssmapi"
	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/due"
	"fastness/internal/eventlog"
	"fastness/internal/front"
	"fastness/internal/keyslot"
	"fastness/internal/page"
	"fastness/internal/policy"
	"fastness/internal/seal"
	"fastness/internal/securemem"
	"fastness/internal/service/kms"
	"fastness/internal/store"
	"fastness/internal/store/pebble"
	"fastness/internal/store/table"
	"fastness/internal/wire"
	"fastness/internal/wire/awsjson"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	testAccount  = "111122223333"
	otherAccount = "444455556666"
	testRegion   = "us-east-1"
)

var regions = []string{testRegion, "us-west-2"}

// harness is the room and KMS behind the real front door, on a real store in memory.
type harness struct {
	testing.TB
	service  *Service
	door     *front.Door
	queue    *due.Queue
	store    store.Store
	fs       vfs.FS
	registry *table.Registry
	audit    *audit.Log
	events   *eventlog.Log
	clock    *clock.Manual
	people   *people
	seen     eventlog.Cursor
	keys     *kms.Service
	config   Config
}

// later is the door before it is there.
type later struct{ door *front.Door }

func (l *later) Invoke(ctx context.Context, op *wire.Operation, in any) (any, error) {
	return l.door.Invoke(ctx, op, in)
}

func newHarness(t testing.TB, options ...func(*Config)) *harness {
	t.Helper()
	clk := clock.NewManual(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	arena := securemem.NewArena(securemem.Options{})
	t.Cleanup(arena.Close)
	fs := vfs.NewMem()
	inner, err := pebble.Open("store", pebble.Options{FS: fs, Clock: clk})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := inner.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	dir := t.TempDir()
	ring, err := seal.Open(t.Context(), inner, seal.NewFile(arena, filepath.Join(dir, "root.key")), seal.Options{Clock: clk, Arena: arena, Initialize: true})
	if err != nil {
		t.Fatal(err)
	}
	info, err := ring.Info()
	if err != nil {
		t.Fatal(err)
	}
	aead := func(purpose string) *seal.AEAD {
		a, err := ring.AEAD(purpose)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	slots, err := keyslot.Open(t.Context(), filepath.Join(dir, "slots"), keyslot.Options{
		Installation: info.Installation, AEAD: aead(seal.PurposeKeyslot), Arena: arena, Create: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = slots.Close() })
	sealed := ring.Store(inner)
	log := audit.Open(sealed, clk)
	t.Cleanup(log.Close)
	registry := table.NewRegistry()
	if err := audit.Reserve(registry); err != nil {
		t.Fatal(err)
	}
	queue, err := due.NewQueue(registry)
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	events, err := eventlog.Open(sealed, registry, eventlog.Options{Clock: clk, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	pages := page.New(aead(seal.PurposePage))
	keys, err := kms.New(kms.Config{
		Store: sealed, Registry: registry, Jobs: queue, Slots: slots, Arena: arena, Tokens: aead(seal.PurposeToken), Pages: pages, Audit: log, Clock: clk, Log: quiet, Regions: regions,
	})
	if err != nil {
		t.Fatal(err)
	}
	config := Config{Store: sealed, Registry: registry, Pages: pages, Jobs: queue, Events: events, Audit: log, Clock: clk, Log: quiet}
	for _, o := range options {
		o(&config)
	}
	h := &harness{TB: t, keys: keys, config: config, queue: queue, store: sealed, fs: fs, registry: registry, audit: log, events: events, clock: clk, people: &people{identity: map[string][]*policy.Policy{}}}
	h.serve()
	return h
}

// beside is a second room on the same store, as another process has one, with the same
// KMS.
func (h *harness) beside() *harness {
	h.Helper()
	other := *h
	other.registry = table.NewRegistry()
	queue, err := due.NewQueue(other.registry)
	if err != nil {
		h.Fatal(err)
	}
	other.queue, other.config.Jobs, other.config.Registry = queue, queue, other.registry
	other.serve()
	return &other
}

// serve makes the room and its door.
func (h *harness) serve() {
	h.Helper()
	inside := new(later)
	h.config.Door = inside
	var err error
	if h.service, err = New(h.config); err != nil {
		h.Fatal(err)
	}
	h.door, err = front.New(front.Config{
		Rooms: []*front.Room{
			{API: kmsapi.API, Service: h.keys, Resolver: h.keys, MaxBody: kms.MaxBody},
			{API: ssmapi.API, Service: h.service, Resolver: h.service},
			{API: secretsmanagerapi.API, Service: secrets{}, Resolver: open{}},
		},
		Codecs: []wire.Codec{awsjson.New(wire.AWSJSON11)}, Credentials: h.people, Principals: h.people,
		Store: h.store, Audit: h.audit, Clock: h.clock, Log: h.config.Log, Metrics: front.NewMetrics(prometheus.NewRegistry()), Regions: regions,
	})
	if err != nil {
		h.Fatal(err)
	}
	inside.door = h.door
}

// runJobs does the jobs of the room that are due by the clock, and the ones they lead to,
// until none is due: what the runner does in the product, without a goroutine to wait for.
func (h *harness) runJobs() {
	h.Helper()
	for ran := true; ran; {
		ran = false
		for kind, handler := range h.service.JobHandlers() {
			for _, j := range h.jobs(kind) {
				if j.At.After(h.clock.Now()) {
					continue
				}
				ran = true
				if _, err := h.store.Update(h.Context(), func(tx store.Txn) error {
					if _, err := h.queue.Cancel(tx, kind, j.ID); err != nil {
						return err
					}
					return handler.RunInTxn(h.Context(), tx, j)
				}); err != nil {
					h.Fatalf("job %s/%s: %v", kind, j.ID, err)
				}
			}
		}
	}
}

func (h *harness) jobs(kind string) (jobs []due.Job) {
	h.Helper()
	if err := h.store.View(h.Context(), func(r store.Reader) (err error) {
		jobs, err = h.queue.List(r, kind, "", 1000)
		return err
	}); err != nil {
		h.Fatal(err)
	}
	return jobs
}

// reported are the events since the last call, as kind and detail.
func (h *harness) reported() (all []event) {
	h.Helper()
	rows := h.take()
	for i := range rows {
		e := event{kind: rows[i].DetailType, resources: rows[i].Resources, at: rows[i].Time}
		if err := json.Unmarshal(rows[i].Detail, &e.detail); err != nil {
			h.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

type event struct {
	kind      string
	resources []string
	at        time.Time
	detail    map[string]string
}

// people stands for IAM: identity policies by principal ARN.
type people struct {
	mu       sync.Mutex
	identity map[string][]*policy.Policy
}

func (p *people) Credential(context.Context, string, string) (call.Credential, error) {
	return call.Credential{}, call.ErrUnknownAccessKey
}

func (p *people) Policies(_ context.Context, who *call.Principal) (*policy.Policies, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &policy.Policies{Identity: p.identity[who.PolicyARN()]}, nil
}

// allow gives a principal an identity policy.
func (h *harness) allow(who *call.Principal, document string) {
	h.Helper()
	p, err := policy.New(policy.IdentityInline, "test", []byte(document))
	if err != nil {
		h.Fatal(err)
	}
	h.people.mu.Lock()
	defer h.people.mu.Unlock()
	h.people.identity[who.PolicyARN()] = append(h.people.identity[who.PolicyARN()], p)
}

func root(account string) *call.Principal {
	return &call.Principal{Kind: call.Root, Account: account, ARN: "arn:aws:iam::" + account + ":root", ID: account}
}

func user(account, name string) *call.Principal {
	return &call.Principal{Kind: call.User, Account: account, ARN: "arn:aws:iam::" + account + ":user/" + name, ID: "AIDA" + name, UserName: name}
}

// client puts a caller into the context of each call.
type client struct {
	door   *front.Door
	who    *call.Principal
	region string
	clock  clock.Clock
}

func (c *client) Invoke(ctx context.Context, op *wire.Operation, in any) (any, error) {
	parent := &call.Call{
		Principal: c.who, Account: c.who.Account, Region: c.region, Time: c.clock.Now(),
		Source: &call.Source{IP: netip.MustParseAddr("127.0.0.1"), UserAgent: "test"},
	}
	return c.door.Invoke(call.With(ctx, parent), op, in)
}

// as returns clients that call as who through the door.
func (h *harness) as(who *call.Principal) *ssmapi.Client {
	return ssmapi.NewClient(&client{h.door, who, testRegion, h.clock})
}

func (h *harness) kmsAs(who *call.Principal) *kmsapi.Client {
	return kmsapi.NewClient(&client{h.door, who, testRegion, h.clock})
}

// admin is the root user of the test account.
func (h *harness) admin() *ssmapi.Client { return h.as(root(testAccount)) }

// put stores a String, with changes to the request.
func (h *harness) put(name, text string, changes ...func(*ssmapi.PutParameterRequest)) *ssmapi.PutParameterResult {
	h.Helper()
	out, err := h.tryPut(name, text, changes...)
	if err != nil {
		h.Fatalf("put %s: %v", name, err)
	}
	return out
}

func (h *harness) tryPut(name, text string, changes ...func(*ssmapi.PutParameterRequest)) (*ssmapi.PutParameterResult, error) {
	in := &ssmapi.PutParameterRequest{Name: &name, Value: &text, Type: new(ssmapi.ParameterTypeString)}
	for _, change := range changes {
		change(in)
	}
	return h.admin().PutParameter(h.Context(), in)
}

func overwrite(in *ssmapi.PutParameterRequest) { in.Overwrite = new(true) }
func advanced(in *ssmapi.PutParameterRequest)  { in.Tier = new(ssmapi.ParameterTierAdvanced) }
func secure(in *ssmapi.PutParameterRequest)    { in.Type = new(ssmapi.ParameterTypeSecureString) }

func policies(text string) func(*ssmapi.PutParameterRequest) {
	return func(in *ssmapi.PutParameterRequest) { in.Policies = &text }
}

func under(key string) func(*ssmapi.PutParameterRequest) {
	return func(in *ssmapi.PutParameterRequest) { in.KeyId = &key }
}

// get reads a parameter with decryption.
func (h *harness) get(name string) *ssmapi.Parameter {
	h.Helper()
	out, err := h.admin().GetParameter(h.Context(), &ssmapi.GetParameterRequest{Name: &name, WithDecryption: new(true)})
	if err != nil {
		h.Fatalf("get %s: %v", name, err)
	}
	return out.Parameter
}

// getError is the error of reading a parameter, as code and message.
func (h *harness) getError(name string) string {
	h.Helper()
	_, err := h.admin().GetParameter(h.Context(), &ssmapi.GetParameterRequest{Name: &name, WithDecryption: new(true)})
	return textOf(err)
}

// textOf is the code and the message of an API error.
func textOf(err error) string {
	var api wire.APIError
	switch {
	case errors.As(err, &api):
		return api.ErrorCode() + ": " + api.ErrorMessage()
	case err != nil:
		return "not an API error: " + err.Error()
	}
	return ""
}

func codeOf(err error) string {
	var api wire.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	if err != nil {
		return fmt.Sprintf("not an API error: %v", err)
	}
	return ""
}

// take numbers the events and returns those that are new.
func (h *harness) take() (all []eventlog.Event) {
	h.Helper()
	for {
		n, err := h.events.Sequence(h.Context())
		if err != nil {
			h.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
	for {
		entries, err := h.events.Read(h.Context(), eventlog.Place{Account: testAccount, Region: testRegion}, h.seen, eventlog.MaxRead)
		if err != nil {
			h.Fatal(err)
		}
		if len(entries) == 0 {
			return all
		}
		for _, e := range entries {
			h.seen = e.Sequence
			all = append(all, e.Event)
		}
	}
}

// open lets everybody in: the room behind it is none that is tested here.
type open struct{}

func (open) Resolve(context.Context, *call.Call) ([]call.Access, error) { return nil, nil }
