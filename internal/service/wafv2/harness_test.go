package wafv2

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"fastness/internal/api/logsapi"
	"fastness/internal/api/wafv2api"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/front"
	"fastness/internal/front/fronttest"
	"fastness/internal/seal"
	"fastness/internal/service/logs"
	"fastness/internal/store"
	"fastness/internal/store/table"
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
	logs      *logs.Service
	door      *front.Door
	store     store.Store
	registry  *table.Registry
	clock     *clock.Manual
	resources resources
	live      *proxies
	published int
}

// resources are the resources that there are, by ARN.
type resources map[string]ResourceState

func (r resources) WebACLResource(_ store.Reader, arn string) (ResourceState, map[string]string, error) {
	return r[arn], nil, nil
}

// proxies answer with what they hold.
type proxies struct {
	limited []netip.Addr
	sampled Sampled
	paths   PathTraffic
	from    time.Time
}

func (p *proxies) RateLimited(context.Context, string, string, string) ([]netip.Addr, error) {
	return p.limited, nil
}

func (p *proxies) Samples(_ context.Context, _, _ string, from, _ time.Time, _ int) (Sampled, error) {
	p.from = from
	return p.sampled, nil
}

func (p *proxies) Paths(context.Context, PathQuery) (PathTraffic, error) { return p.paths, nil }

// testCatalogue has two managed rule groups in the manner of AWS's.
type testCatalogue struct{}

func (testCatalogue) ManagedGroups() []ManagedGroup {
	block := wafv2api.RuleAction{Block: &wafv2api.BlockAction{}}
	return []ManagedGroup{
		{
			Vendor: "AWS", Name: "AWSManagedRulesATPRuleSet", LabelNamespace: "awswaf:managed:aws:atp:", Advanced: true,
			Versions: []ManagedVersion{{Capacity: 50, Rules: []ManagedRule{{"VolumetricSession", block}}}},
		},
		{
			Vendor: "AWS", Name: "AWSManagedRulesAntiDDoSRuleSet", LabelNamespace: "awswaf:managed:aws:anti-ddos:", Advanced: true,
			Versions: []ManagedVersion{{Capacity: 50, Rules: []ManagedRule{{"ChallengeAllDuringEvent", block}, {"DDoSRequests", block}}}},
		},
		{
			Vendor: "AWS", Name: "AWSManagedRulesCommonRuleSet", Title: "Core rule set", LabelNamespace: "awswaf:managed:aws:core-rule-set:",
			Versioned: true, Default: "Version_1.1",
			Versions: []ManagedVersion{
				{Name: "Version_1.2", Updated: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), Capacity: 710, Rules: []ManagedRule{{"NoUserAgent_HEADER", block}, {"GenericLFI_BODY", block}}},
				{Name: "Version_1.1", Updated: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Capacity: 700, Rules: []ManagedRule{{"NoUserAgent_HEADER", block}}, Labels: []string{"awswaf:managed:aws:core-rule-set:NoUserAgent_Header"}},
				{Name: "Version_1.0", Updated: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), Expires: time.Date(2026, 2, 15, 0, 0, 0, 0, time.UTC), Capacity: 700},
			},
		},
	}
}

func newHarness(t testing.TB, options ...func(*Config)) *harness {
	t.Helper()
	house := fronttest.New(t)
	h := &harness{TB: t, house: house, store: house.Store, registry: house.Registry, clock: house.Clock, resources: resources{}, live: &proxies{}}
	inside := new(fronttest.Later)
	config := Config{
		Store: house.Store, Registry: house.Registry, Pages: house.Pages(), Keys: house.AEAD(seal.PurposeToken), Clock: house.Clock, Log: house.Log,
		Resources: h.resources, Catalogue: testCatalogue{}, Live: h.live, Changed: func() { h.published++ },
		IntegrationURL: func(account, _ string) string { return "https://127.0.0.1/" + account + "/" },
		Logs:           logsapi.NewClient(inside), Buckets: buckets{"aws-waf-logs-shop"},
	}
	for _, o := range options {
		o(&config)
	}
	var err error
	h.logs, err = logs.New(logs.Config{Store: house.Store, Registry: house.Registry, Pages: config.Pages, Jobs: house.Queue, Clock: house.Clock, Log: house.Log})
	house.Must(err)
	h.service, err = New(config)
	house.Must(err)
	h.door = house.Door([]*front.Room{
		{API: wafv2api.API, Service: h.service, Resolver: h.service, MaxBody: MaxBody},
		{API: logsapi.API, Service: h.logs, Resolver: h.logs, MaxBody: logs.MaxBody},
	})
	inside.Door = h.door
	return h
}

// buckets are the buckets that there are.
type buckets []string

func (b buckets) Bucket(_ context.Context, name string) error {
	if !slices.Contains(b, name) {
		return errors.New("no such bucket")
	}
	return nil
}

// logsAs returns clients of CloudWatch Logs that call as who.
func (h *harness) logsAs(who *call.Principal) *logsapi.Client {
	return logsapi.NewClient(h.caller(who, testRegion))
}

// logGroup makes a log group.
func (h *harness) logGroup(name string) {
	h.Helper()
	if _, err := h.logsAs(root(testAccount)).CreateLogGroup(h.Context(), &logsapi.CreateLogGroupRequest{LogGroupName: &name}); err != nil {
		h.Fatal(err)
	}
}

// allow gives a principal an identity policy.
func (h *harness) allow(who *call.Principal, document string) {
	h.Helper()
	h.house.Allow(who, document)
}

func root(account string) *call.Principal { return fronttest.Root(account) }

func user(account, name string) *call.Principal { return fronttest.User(account, name) }

// caller makes calls as who in a Region.
func (h *harness) caller(who *call.Principal, region string) *fronttest.Caller {
	return &fronttest.Caller{Door: h.door, Who: who, Region: region, Clock: h.clock}
}

// as returns a client that calls as who in a Region.
func (h *harness) as(who *call.Principal, region string) *wafv2api.Client {
	return wafv2api.NewClient(h.caller(who, region))
}

// admin is the root user of the test account.
func (h *harness) admin() *wafv2api.Client { return h.as(root(testAccount), testRegion) }

func regional() *wafv2api.Scope { return new(wafv2api.ScopeRegional) }

func visible(name string) *wafv2api.VisibilityConfig {
	return &wafv2api.VisibilityConfig{SampledRequestsEnabled: new(true), CloudWatchMetricsEnabled: new(true), MetricName: &name}
}

func blocking() *wafv2api.RuleAction { return &wafv2api.RuleAction{Block: &wafv2api.BlockAction{}} }

func allowing() *wafv2api.DefaultAction {
	return &wafv2api.DefaultAction{Allow: &wafv2api.AllowAction{}}
}

// rule is a blocking rule with a statement.
func rule(priority int32, st *wafv2api.Statement) wafv2api.Rule {
	name := fmt.Sprintf("rule-%d", priority)
	return wafv2api.Rule{Name: &name, Priority: &priority, Statement: st, Action: blocking(), VisibilityConfig: visible(name)}
}

// group is a rule that refers to a group.
func group(priority int32, st *wafv2api.Statement) wafv2api.Rule {
	r := rule(priority, st)
	r.Action, r.OverrideAction = nil, &wafv2api.OverrideAction{None: &wafv2api.NoneAction{}}
	return r
}

func query() *wafv2api.FieldToMatch {
	return &wafv2api.FieldToMatch{QueryString: &wafv2api.QueryString{}}
}

func transforms(kinds ...wafv2api.TextTransformationType) (all []wafv2api.TextTransformation) {
	for i, k := range kinds {
		all = append(all, wafv2api.TextTransformation{Priority: new(int32(i)), Type: &k})
	}
	return all
}

// bytesIn matches a string anywhere in the query.
func bytesIn(text string) *wafv2api.Statement {
	return &wafv2api.Statement{ByteMatchStatement: &wafv2api.ByteMatchStatement{
		SearchString: []byte(text), FieldToMatch: query(), TextTransformations: transforms(wafv2api.TextTransformationTypeNone),
		PositionalConstraint: new(wafv2api.PositionalConstraintContains),
	}}
}

func ipSet(arn string) *wafv2api.Statement {
	return &wafv2api.Statement{IPSetReferenceStatement: &wafv2api.IPSetReferenceStatement{ARN: &arn}}
}

// webACL makes a web ACL.
func (h *harness) webACL(name string, rules ...wafv2api.Rule) *wafv2api.WebACLSummary {
	h.Helper()
	out := fronttest.Must[*wafv2api.CreateWebACLResponse](h)(h.tryWebACL(name, rules...))
	return out.Summary
}

func (h *harness) tryWebACL(name string, rules ...wafv2api.Rule) (*wafv2api.CreateWebACLResponse, error) {
	return h.admin().CreateWebACL(h.Context(), &wafv2api.CreateWebACLRequest{
		Name: &name, Scope: regional(), DefaultAction: allowing(), VisibilityConfig: visible(name), Rules: rules,
	})
}

func (h *harness) ipSet(name string, addresses ...string) *wafv2api.IPSetSummary {
	h.Helper()
	return fronttest.Must[*wafv2api.CreateIPSetResponse](h)(h.admin().CreateIPSet(h.Context(), &wafv2api.CreateIPSetRequest{
		Name: &name, Scope: regional(), IPAddressVersion: new(wafv2api.IPAddressVersionIPV4), Addresses: append([]string{}, addresses...),
	})).Summary
}

func (h *harness) ruleGroup(name string, capacity int64, rules ...wafv2api.Rule) *wafv2api.RuleGroupSummary {
	h.Helper()
	return fronttest.Must[*wafv2api.CreateRuleGroupResponse](h)(h.admin().CreateRuleGroup(h.Context(), &wafv2api.CreateRuleGroupRequest{
		Name: &name, Scope: regional(), Capacity: &capacity, Rules: rules, VisibilityConfig: visible(name),
	})).Summary
}

func groupOf(arn string) *wafv2api.Statement {
	return &wafv2api.Statement{RuleGroupReferenceStatement: &wafv2api.RuleGroupReferenceStatement{ARN: &arn}}
}

// loadBalancer is the ARN of a load balancer that is there.
func (h *harness) loadBalancer(name string) string {
	arn := "arn:aws:elasticloadbalancing:" + testRegion + ":" + testAccount + ":loadbalancer/app/" + name + "/0123456789abcdef"
	h.resources[arn] = ResourceReady
	return arn
}
