package elbv2

import (
	"context"
	"net/netip"
	"testing"

	"fastness/internal/api/elbv2api"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/due"
	"fastness/internal/front"
	"fastness/internal/front/fronttest"
	"fastness/internal/store"
	"fastness/internal/store/table"
	"fastness/internal/wire/awsquery"
)

const (
	testAccount  = fronttest.Account
	otherAccount = fronttest.OtherAccount
	testRegion   = fronttest.Region
)

// harness is the room behind the real front door, on a real store in memory.
type harness struct {
	testing.TB
	house     *fronttest.House
	service   *Service
	door      *front.Door
	store     store.Store
	registry  *table.Registry
	clock     *clock.Manual
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
	house := fronttest.New(t)
	h := &harness{
		TB: t, house: house, store: house.Store, registry: house.Registry, clock: house.Clock, queue: house.Queue, health: healths{}, certs: certificates{},
	}
	config := Config{
		Store: house.Store, Registry: house.Registry, Pages: house.Pages(), Jobs: house.Queue, Clock: house.Clock, Log: house.Log,
		Health: h.health, Certificates: h.certs, Changed: func() { h.published++ },
		Deleted: func(_ store.Txn, _, _, arn string) error { h.deleted = append(h.deleted, arn); return nil },
	}
	for _, o := range options {
		o(&config)
	}
	var err error
	h.service, err = New(config)
	house.Must(err)
	h.door = house.Door([]*front.Room{{API: elbv2api.API, Service: h.service, Resolver: h.service}}, awsquery.New())
	return h
}

// allow gives a principal an identity policy.
func (h *harness) allow(who *call.Principal, document string) {
	h.Helper()
	h.house.Allow(who, document)
}

func root(account string) *call.Principal { return fronttest.Root(account) }

func user(account, name string) *call.Principal { return fronttest.User(account, name) }

// as returns a client that calls as who in a Region.
func (h *harness) as(who *call.Principal, region string) *elbv2api.Client {
	return elbv2api.NewClient(&fronttest.Caller{Door: h.door, Who: who, Region: region, Clock: h.clock})
}

// admin is the root user of the test account.
func (h *harness) admin() *elbv2api.Client { return h.as(root(testAccount), testRegion) }

func (h *harness) balancer(name string) *elbv2api.LoadBalancer {
	h.Helper()
	return &fronttest.Must[*elbv2api.CreateLoadBalancerOutput](h)(h.admin().CreateLoadBalancer(h.Context(), &elbv2api.CreateLoadBalancerInput{Name: &name})).LoadBalancers[0]
}

func (h *harness) group(name string) *elbv2api.TargetGroup {
	h.Helper()
	return &fronttest.Must[*elbv2api.CreateTargetGroupOutput](h)(h.admin().CreateTargetGroup(h.Context(), &elbv2api.CreateTargetGroupInput{
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
	return &fronttest.Must[*elbv2api.CreateListenerOutput](h)(h.admin().CreateListener(h.Context(), &elbv2api.CreateListenerInput{
		LoadBalancerArn: lb.LoadBalancerArn, Protocol: new(elbv2api.ProtocolEnumHTTP), Port: &port, DefaultActions: actions,
	})).Listeners[0]
}

func path(values ...string) []elbv2api.RuleCondition {
	return []elbv2api.RuleCondition{{Field: new("path-pattern"), Values: values}}
}
