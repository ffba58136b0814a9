package waf

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"fastness/internal/engine/waf/pattern"
	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/transform"
)

func TestWrongSpecificationsAreRefused(t *testing.T) {
	ok := path("/")
	deep := ok
	for range 70 {
		deep = not(deep)
	}
	rate := func(f func(*RateBased)) Rule {
		r := RateBased{Aggregate: AggregateIP}
		rule := limited(10, r)
		f(rule.Statement.Rate)
		return rule
	}
	o := groupOf(doing("inner", Block, ok))
	o.Sets.Addresses = map[string][]netip.Prefix{"broken": {{}}, "fine": nil}
	for _, c := range []struct {
		name, path, text string
		acl              *ACL
	}{
		{"default", "", "default action", &ACL{DefaultAction: Action{Kind: Count}}},
		{"priority", "b", "priority", acl(Rule{Name: "a", Priority: 1, Action: Action{Kind: Block}, Statement: ok}, Rule{Name: "b", Priority: 1, Action: Action{Kind: Block}, Statement: ok})},
		{"no action", "rule0", "no action", acl(Rule{Statement: ok})},
		{"no statement", "a", "0 members", acl(doing("a", Block, Statement{}))},
		{"two statements", "a", "2 members", acl(doing("a", Block, Statement{Byte: ok.Byte, Not: &ok}))},
		{"nested nothing", "a", "0 members", acl(doing("a", Block, not(Statement{})))},
		{"depth", "a", "nested", acl(doing("a", Block, deep))},
		{"lonely AND", "a", "two", acl(doing("a", Block, Statement{And: []Statement{ok}}))},
		{"position", "a", "position", acl(doing("a", Block, byteMatch(in(request.URIPath), "NEAR", "x")))},
		{"comparison", "a", "comparison", acl(doing("a", Block, size(in(request.URIPath), "ABOUT", 1)))},
		{"component", "a", "unknown component", acl(doing("a", Block, contains(in("Footer"), "x")))},
		{"no header name", "a", "name", acl(doing("a", Block, contains(in(request.SingleHeader), "x")))},
		{"transformations", "a", "transformations", acl(doing("a", Block, contains(in(request.URIPath, make([]transform.Kind, 11)...), "x")))},
		{"encodings", "a", "longer", acl(doing("a", Block, contains(in(request.URIPath, transform.HexEncode, transform.HexEncode, transform.URLEncode), "x")))},
		{"regex", "b", "back reference", acl(doing("a", Block, regex(in(request.URIPath), "a")), doing("b", Block, regex(in(request.URIPath), `(a)\1`)))},
		{"regex in a group", "group/x", "malformed", acl(Rule{Name: "group", Statement: Statement{Group: &GroupReference{Group: "bad"}}})},
		{"regex set", "a", "no set", acl(doing("a", Block, Statement{RegexSet: &RegexSetMatch{Inspect: in(request.URIPath), Set: "none"}}))},
		{"addresses", "a", "no set", acl(doing("a", Block, Statement{IPSet: &IPSetMatch{Set: "none"}}))},
		{"broken addresses", "a", "prefix", acl(doing("a", Block, Statement{IPSet: &IPSetMatch{Set: "broken"}}))},
		{"header of addresses", "a", "header", acl(doing("a", Block, Statement{IPSet: &IPSetMatch{Set: "fine", Forwarded: &ForwardedIP{}}}))},
		{"position of an address", "a", "position", acl(doing("a", Block, Statement{IPSet: &IPSetMatch{Set: "fine", Forwarded: &ForwardedIP{Header: "x", Position: "MIDDLE"}}}))},
		{"position of a country", "a", "position", acl(doing("a", Block, Statement{Geo: &GeoMatch{Forwarded: &ForwardedIP{Header: "x", Position: AnyIP}}}))},
		{"label", "a", "colon", acl(doing("a", Block, label("ns:")))},
		{"empty label", "a", "name", acl(doing("a", Block, label("")))},
		{"namespace", "a", "colon", acl(doing("a", Block, namespace("ns")))},
		{"group", "a", "no group", acl(Rule{Name: "a", Statement: Statement{Group: &GroupReference{Group: "none"}}})},
		{"managed group", "a", "no managed group", acl(Rule{Name: "a", Statement: Statement{Managed: &ManagedGroup{Name: "none"}}})},
		{"group with an action", "a", "action", acl(Rule{Name: "a", Action: Action{Kind: Block}, Statement: Statement{Group: &GroupReference{Group: "g"}}})},
		{"group with labels", "a", "labels", acl(Rule{Name: "a", Labels: []string{"x"}, Statement: Statement{Group: &GroupReference{Group: "g"}}})},
		{"override", "a", "override", acl(Rule{Name: "a", Override: "ALLOW", Statement: Statement{Group: &GroupReference{Group: "g"}}})},
		{"override without a group", "a", "override", acl(Rule{Name: "a", Override: OverrideCount, Action: Action{Kind: Block}, Statement: ok})},
		{"override of no rule", "group", "override", acl(groupRef("", Overrides{Actions: map[string]Action{"outer": {Kind: Count}}}))},
		{"nested group", "a", "nested", acl(doing("a", Block, not(Statement{Group: &GroupReference{Group: "g"}})))},
		{"group in a group", "group/a", "group", acl(Rule{Name: "group", Statement: Statement{Group: &GroupReference{Group: "outer"}}})},
		{"nested rate", "a", "nested", acl(doing("a", Block, not(Statement{Rate: &RateBased{}})))},
		{"limit", "rate", "limit", acl(rate(func(r *RateBased) { r.Limit = 0 }))},
		{"window", "rate", "window", acl(rate(func(r *RateBased) { r.Window = time.Hour }))},
		{"aggregation", "rate", "aggregation", acl(rate(func(r *RateBased) { r.Aggregate = "ALL" }))},
		{"constant without a scope", "rate", "scope-down", acl(rate(func(r *RateBased) { r.Aggregate = AggregateConstant }))},
		{"no keys", "rate", "parts", acl(rate(func(r *RateBased) { r.Aggregate = AggregateKeys }))},
		{"six keys", "rate", "parts", acl(rate(func(r *RateBased) { r.Aggregate, r.Keys = AggregateKeys, make([]RateKey, 6) }))},
		{"keys of addresses", "rate", "parts", acl(rate(func(r *RateBased) { r.Keys = []RateKey{{Kind: KeyMethod}} }))},
		{"kind of key", "rate", "part", acl(rate(func(r *RateBased) { r.Aggregate, r.Keys = AggregateKeys, []RateKey{{Kind: "SHOE_SIZE"}} }))},
		{"name of a key", "rate", "name", acl(rate(func(r *RateBased) { r.Aggregate, r.Keys = AggregateKeys, []RateKey{{Kind: KeyHeader}} }))},
		{"needless name of a key", "rate", "name", acl(rate(func(r *RateBased) { r.Aggregate, r.Keys = AggregateKeys, []RateKey{{Kind: KeyMethod, Name: "x"}} }))},
		{"transformed address", "rate", "transformations", acl(rate(func(r *RateBased) {
			r.Aggregate, r.Keys = AggregateKeys, []RateKey{{Kind: KeyIP, Transformations: []transform.Kind{transform.Lowercase}}}
		}))},
		{"no forwarded header", "rate", "header", acl(rate(func(r *RateBased) { r.Aggregate = AggregateForwardedIP }))},
		{"no forwarded header of a key", "rate", "header", acl(rate(func(r *RateBased) {
			r.Aggregate, r.Keys = AggregateKeys, []RateKey{{Kind: KeyForwardedIP}, {Kind: KeyMethod}}
		}))},
		{"response of Count", "a", "response", acl(Rule{Name: "a", Action: Action{Kind: Count, Response: &Response{Status: 403}}, Statement: ok})},
		{"status", "a", "status", acl(Rule{Name: "a", Action: Action{Kind: Block, Response: &Response{Status: 99}}, Statement: ok})},
		{"body", "a", "body", acl(Rule{Name: "a", Action: Action{Kind: Block, Response: &Response{Status: 403, BodyKey: "none"}}, Statement: ok})},
	} {
		o.Sets.Groups["bad"] = RuleGroup{Rules: []Rule{doing("x", Block, regex(in(request.URIPath), "("))}}
		o.Sets.Groups["outer"] = RuleGroup{Rules: []Rule{{Name: "a", Statement: Statement{Group: &GroupReference{Group: "g"}}}}}
		_, err := Compile(c.acl, o)
		var e *SpecError
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if e.Rule != c.path || !strings.Contains(e.Error(), c.text) {
			t.Errorf("%s: rule %q: %v", c.name, e.Rule, e)
		}
	}
	var e *pattern.Error
	if _, err := Compile(acl(doing("a", Block, regex(in(request.URIPath), `(a)\1`))), o); !errors.As(err, &e) || e.Reason != pattern.BackReference {
		t.Error("the reason of a refused expression is lost")
	}
}

func TestEqualStatementsAreOneLeafAndEqualChainsOneNode(t *testing.T) {
	chain := []transform.Kind{transform.URLDecode, transform.Lowercase}
	p := compiled(t, acl(
		doing("a", Count, contains(named(request.SingleHeader, "X-A", chain...), "x")),
		doing("b", Count, not(contains(named(request.SingleHeader, "x-a", chain...), "x"))),
		doing("c", Count, contains(named(request.SingleHeader, "x-a", transform.URLDecode), "x")),
		doing("d", Count, contains(named(request.SingleHeader, "x-a", transform.URLDecode, transform.None), "y")),
	), Options{})
	if len(p.parts) != 1 || len(p.nodes) != 3 || p.set.Len() != 2 {
		t.Errorf("%d components, %d nodes, %d patterns", len(p.parts), len(p.nodes), p.set.Len())
	}
}

func TestTenThousandAddressesCompileAndMatch(t *testing.T) {
	var list []netip.Prefix
	for i := range 10_000 {
		list = append(list, netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(11 + i>>8), byte(i), 0, 0}), 20))
	}
	p := compiled(t, acl(doing("set", Block, Statement{IPSet: &IPSetMatch{Set: "big"}})), Options{Sets: Sets{Addresses: map[string][]netip.Prefix{"big": list}}})
	for i := range 10_000 {
		r := get("/")
		r.Remote = netip.AddrFrom4([4]byte{byte(11 + i>>8), byte(i), 15, 255})
		if v := judge(t, p, r); v.Action != Block {
			t.Fatalf("%v is not in the set", r.Remote)
		}
		r.Remote = netip.AddrFrom4([4]byte{byte(11 + i>>8), byte(i), 16, 0})
		if v := judge(t, p, r); v.Action != Allow {
			t.Fatalf("%v is in the set", r.Remote)
		}
	}
}

func TestBlocksHideNoRule(t *testing.T) {
	// More rules than a block has, one of which matches; each in turn.
	var rules []Rule
	for i := range 200 {
		s := contains(in(request.URIPath), fmt.Sprintf("/r%03d/", i))
		if i%7 == 0 {
			s = Statement{And: []Statement{s, contains(in(request.QueryString), "q")}}
		}
		if i%31 == 5 {
			s = not(not(s))
		}
		rules = append(rules, doing(fmt.Sprint("r", i), Block, s))
	}
	p := compiled(t, acl(rules...), Options{})
	if len(p.top.blocks) < 5 {
		t.Errorf("%d blocks", len(p.top.blocks))
	}
	for i := range 200 {
		v := judge(t, p, get(fmt.Sprintf("/r%03d/?q", i)))
		if v.Action != Block || v.Terminating.Rule.Name != fmt.Sprint("r", i) {
			t.Errorf("rule %d: %v", i, v.Action)
		}
		if v := judge(t, p, get(fmt.Sprintf("/r%03d/", i))); (v.Action == Block) != (i%7 != 0) {
			t.Errorf("rule %d without a query: %v", i, v.Action)
		}
	}
}

func TestAProgramDoesNotFollowItsSpecification(t *testing.T) {
	r := Rule{Name: "a", Action: Action{Kind: Block, Response: &Response{Status: 410, Headers: []HeaderField{{"a", "b"}}}}, Statement: contains(Inspect{Component: request.Component{Kind: request.Headers, Included: []string{"x"}}}, "evil")}
	a := acl(r)
	a.TokenDomains = []string{"shop.example"}
	p := compiled(t, a, Options{})
	r.Action.Response.Status, r.Action.Response.Headers[0].Name = 500, "c"
	a.Rules[0].Statement.Byte.Component.Included[0], a.Rules[0].Statement.Byte.Search[0] = "y", 'X'
	a.TokenDomains[0] = "other.example"
	v := judge(t, p, get("/", "X: evil"))
	if v.Action != Block || v.Response.Status != 410 || v.Response.Headers[0].Name != "a" || p.ACL().TokenDomains[0] != "shop.example" {
		t.Errorf("%+v", v)
	}
	if f := v.Findings(v.Terminating); len(f) != 1 || f[0].Component.Included[0] != "x" {
		t.Errorf("%+v", f)
	}
}
