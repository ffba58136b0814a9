package kms

import (
	"context"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/due"
	"fastness/internal/front"
	"fastness/internal/keyslot"
	"fastness/internal/page"
	"fastness/internal/policy"
	"fastness/internal/seal"
	"fastness/internal/securemem"
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

// harness is the room behind the real front door, on a real store in memory.
type harness struct {
	testing.TB
	service  *Service
	door     *front.Door
	queue    *due.Queue
	slots    *keyslot.File
	store    store.Store
	registry *table.Registry
	audit    *audit.Log
	clock    *clock.Manual
	people   *people
	config   Config
}

func newHarness(t testing.TB, options ...func(*Config)) *harness {
	t.Helper()
	clk := clock.NewManual(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	arena := securemem.NewArena(securemem.Options{})
	t.Cleanup(arena.Close)
	inner, err := pebble.Open("store", pebble.Options{FS: vfs.NewMem(), Clock: clk})
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
	config := Config{
		Store: sealed, Registry: registry, Jobs: queue, Slots: slots, Arena: arena, Tokens: aead(seal.PurposeToken), Pages: page.New(aead(seal.PurposePage)), Audit: log, Clock: clk,
		Log: slog.New(slog.DiscardHandler), Regions: []string{testRegion, "us-west-2", "eu-west-1"},
	}
	for _, o := range options {
		o(&config)
	}
	h := &harness{TB: t, queue: queue, slots: slots, store: sealed, registry: registry, audit: log, clock: clk, people: &people{identity: map[string][]*policy.Policy{}}, config: config}
	h.serve()
	return h
}

// beside is a second room on the same store, as another process has one.
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
	s, err := New(h.config)
	if err != nil {
		h.Fatal(err)
	}
	h.service = s
	h.door, err = front.New(front.Config{
		Rooms:  []*front.Room{{API: kmsapi.API, Service: s, Resolver: s, MaxBody: MaxBody}},
		Codecs: []wire.Codec{awsjson.New(wire.AWSJSON11)}, Credentials: h.people, Principals: h.people,
		Store: h.store, Audit: h.audit, Clock: h.clock, Log: slog.New(slog.DiscardHandler),
		Metrics: front.NewMetrics(prometheus.NewRegistry()), Regions: []string{testRegion, "us-west-2", "eu-west-1"},
	})
	if err != nil {
		h.Fatal(err)
	}
}

// runJobs does the jobs that are due by the clock, and the ones they lead to, until none
// is due: what the runner does in the product, without a goroutine to wait for.
func (h *harness) runJobs() {
	h.Helper()
	ctx := h.Context()
	for ran := true; ran; {
		ran = false
		for kind, handler := range h.service.JobHandlers() {
			var jobs []due.Job
			if err := h.store.View(ctx, func(r store.Reader) (err error) {
				jobs, err = h.queue.List(r, kind, "", 1000)
				return err
			}); err != nil {
				h.Fatal(err)
			}
			for _, j := range jobs {
				if j.At.After(h.clock.Now()) {
					continue
				}
				ran = true
				if handler.Run != nil {
					if err := handler.Run(ctx, j); err != nil {
						h.Fatalf("job %s/%s: %v", kind, j.ID, err)
					}
				}
				if _, err := h.store.Update(ctx, func(tx store.Txn) error {
					if _, err := h.queue.Cancel(tx, kind, j.ID); err != nil || handler.Run != nil {
						return err
					}
					return handler.RunInTxn(ctx, tx, j)
				}); err != nil {
					h.Fatalf("job %s/%s: %v", kind, j.ID, err)
				}
			}
		}
	}
}

// after lets time pass, a day at a time, and does what becomes due.
func (h *harness) after(days int) {
	h.Helper()
	for range days {
		h.clock.Advance(24 * time.Hour)
		h.runJobs()
	}
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

// as returns a client that calls as who, in a Region, through the door.
func (h *harness) as(who *call.Principal, region string) *client {
	return &client{h.door, who, region, h.clock}
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

func (c *client) kms() *kmsapi.Client { return kmsapi.NewClient(c) }

// codeOf is the error code of err, or "".
func codeOf(err error) string {
	if e, ok := err.(wire.APIError); ok {
		return e.ErrorCode()
	}
	if err != nil {
		return "not an API error: " + err.Error()
	}
	return ""
}
