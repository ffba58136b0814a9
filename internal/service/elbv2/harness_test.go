package elbv2

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

	"fastness/internal/api/elbv2api"
	"fastness/internal/audit"
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
	"fastness/internal/wire/awsquery"

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
	health    healths
	certs     certificates
	deleted   []string
	published int
}

// healths answers with what it holds, by target.
type healths map[string]State

func (h healths) Target(_ context.Context, _ string, target netip.AddrPort) State {
	return h[target.String()]
}

// certificates are those that there are.
type certificates map[string]bool

func (c certificates) Usable(_ store.Reader, arn string) (bool, error) { return c[arn], nil }

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
		health: healths{}, certs: certificates{},
	}
	if h.queue, err = due.NewQueue(registry); err != nil {
		t.Fatal(err)
	}
	config := Config{
		Store: sealed, Registry: registry, Pages: page.New(aead(seal.PurposePage)), Jobs: h.queue, Clock: clk, Log: quiet,
		Health: h.health, Certificates: h.certs, Changed: func() { h.published++ },
		Deleted: func(_ store.Txn, _, _, arn string) error { h.deleted = append(h.deleted, arn); return nil },
	}
	for _, o := range options {
		o(&config)
	}
	if h.service, err = New(config); err != nil {
		t.Fatal(err)
	}
	h.door, err = front.New(front.Config{
		Rooms:  []*front.Room{{API: elbv2api.API, Service: h.service, Resolver: h.service}},
		Codecs: []wire.Codec{awsquery.New()}, Credentials: h.people, Principals: h.people,
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
func (h *harness) as(who *call.Principal, region string) *elbv2api.Client {
	return elbv2api.NewClient(&client{h.door, who, region, h.clock})
}

// admin is the root user of the test account.
func (h *harness) admin() *elbv2api.Client { return h.as(root(testAccount), testRegion) }

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

func (h *harness) balancer(name string) *elbv2api.LoadBalancer {
	h.Helper()
	return &must[*elbv2api.CreateLoadBalancerOutput](h)(h.admin().CreateLoadBalancer(h.Context(), &elbv2api.CreateLoadBalancerInput{Name: &name})).LoadBalancers[0]
}

func (h *harness) group(name string) *elbv2api.TargetGroup {
	h.Helper()
	return &must[*elbv2api.CreateTargetGroupOutput](h)(h.admin().CreateTargetGroup(h.Context(), &elbv2api.CreateTargetGroupInput{
		Name: &name, Protocol: new(elbv2api.ProtocolEnumHTTP), Port: new(int32(8000)), TargetType: new(elbv2api.TargetTypeEnumIp),
	})).TargetGroups[0]
}

func forwardTo(groups ...*elbv2api.TargetGroup) []elbv2api.Action {
	a := elbv2api.Action{Type: new(elbv2api.ActionTypeEnumForward)}
	if len(groups) == 1 {
		a.TargetGroupArn = groups[0].TargetGroupArn
		return []elbv2api.Action{a}
	}
	a.ForwardConfig = &elbv2api.ForwardActionConfig{}
	for _, g := range groups {
		a.ForwardConfig.TargetGroups = append(a.ForwardConfig.TargetGroups, elbv2api.TargetGroupTuple{TargetGroupArn: g.TargetGroupArn})
	}
	return []elbv2api.Action{a}
}

func answer(status string) []elbv2api.Action {
	return []elbv2api.Action{{Type: new(elbv2api.ActionTypeEnumFixedResponse), FixedResponseConfig: &elbv2api.FixedResponseActionConfig{StatusCode: &status}}}
}

func (h *harness) listener(lb *elbv2api.LoadBalancer, port int32, actions []elbv2api.Action) *elbv2api.Listener {
	h.Helper()
	return &must[*elbv2api.CreateListenerOutput](h)(h.admin().CreateListener(h.Context(), &elbv2api.CreateListenerInput{
		LoadBalancerArn: lb.LoadBalancerArn, Protocol: new(elbv2api.ProtocolEnumHTTP), Port: &port, DefaultActions: actions,
	})).Listeners[0]
}

func path(values ...string) []elbv2api.RuleCondition {
	return []elbv2api.RuleCondition{{Field: new("path-pattern"), Values: values}}
}
