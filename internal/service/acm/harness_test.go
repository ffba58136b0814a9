package acm

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fastness/internal/api/acmapi"
	"fastness/internal/audit"
	"fastness/internal/ca"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/due"
	"fastness/internal/front"
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
	service   *Service
	door      *front.Door
	store     store.Store
	registry  *table.Registry
	clock     *clock.Manual
	people    *people
	queue     *due.Queue
	users     users
	authority *ca.Authority
	published int
}

// users use certificates, by ARN.
type users map[string][]string

func (u users) CertificateUsers(_ store.Reader, _, _, arn string) ([]string, error) {
	return u[arn], nil
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
	ring, err := seal.Open(t.Context(), inner, seal.NewFile(arena, filepath.Join(t.TempDir(), "root.key")), seal.Options{Clock: clk, Arena: arena, Initialize: true})
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
	sealed := ring.Store(inner)
	log := audit.Open(sealed, clk)
	t.Cleanup(log.Close)
	registry := table.NewRegistry()
	if err := audit.Reserve(registry); err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	h := &harness{
		TB: t, store: sealed, registry: registry, clock: clk, people: &people{identity: map[string][]*policy.Policy{}},
		users: users{},
	}
	if h.authority, err = ca.New(clk.Now()); err != nil {
		t.Fatal(err)
	}
	if h.queue, err = due.NewQueue(registry); err != nil {
		t.Fatal(err)
	}
	config := Config{
		Store: sealed, Registry: registry, Pages: page.New(aead(seal.PurposePage)), Jobs: h.queue, Clock: clk, Log: quiet,
		Authority: h.authority, Users: h.users, Changed: func() { h.published++ },
	}
	for _, o := range options {
		o(&config)
	}
	if h.service, err = New(config); err != nil {
		t.Fatal(err)
	}
	h.door, err = front.New(front.Config{
		Rooms:  []*front.Room{{API: acmapi.API, Service: h.service, Resolver: h.service, MaxBody: MaxBody}},
		Codecs: []wire.Codec{awsjson.New(wire.AWSJSON11)}, Credentials: h.people, Principals: h.people,
		Store: sealed, Audit: log, Clock: clk, Log: quiet, Metrics: front.NewMetrics(prometheus.NewRegistry()), Regions: []string{testRegion, "us-west-2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
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

// as returns a client that calls as who in a Region.
func (h *harness) as(who *call.Principal, region string) *acmapi.Client {
	return acmapi.NewClient(&client{h.door, who, region, h.clock})
}

// admin is the root user of the test account.
func (h *harness) admin() *acmapi.Client { return h.as(root(testAccount), testRegion) }

// must fails the test on an error.
func must[T any](t testing.TB) func(out T, err error) T {
	t.Helper()
	return func(out T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(textOf(err))
		}
		return out
	}
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

// wants fails the test unless an error's text begins with want.
func wants(t testing.TB, err error, want string) {
	t.Helper()
	if got := textOf(err); want == "" && got != "" || !strings.HasPrefix(got, want) {
		t.Errorf("error %q, want %q", got, want)
	}
}
