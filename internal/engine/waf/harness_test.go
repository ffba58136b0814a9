package waf

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/transform"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// get returns a request of a browser for a target.
func get(target string, fields ...string) *request.Request {
	r := &request.Request{
		Time: noon, Method: "GET", Target: target, Host: "shop.example", Scheme: "https", Proto: "HTTP/1.1",
		Remote: netip.MustParseAddr("192.0.2.7"),
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Fields = append(r.Fields, request.Field{Name: name, Value: value})
	}
	return r
}

func post(target, body string, fields ...string) *request.Request {
	r := get(target, fields...)
	r.Method, r.Body = "POST", []byte(body)
	return r
}

func in(kind request.Kind, kinds ...transform.Kind) Inspect {
	return Inspect{Component: request.Component{Kind: kind}, Transformations: kinds}
}

func named(kind request.Kind, name string, kinds ...transform.Kind) Inspect {
	return Inspect{Component: request.Component{Kind: kind, Name: name}, Transformations: kinds}
}

func contains(in Inspect, text string) Statement {
	return Statement{Byte: &ByteMatch{Inspect: in, Search: []byte(text), Position: Contains}}
}

func path(text string) Statement {
	return Statement{Byte: &ByteMatch{Inspect: in(request.URIPath), Search: []byte(text), Position: StartsWith}}
}

func not(s Statement) Statement { return Statement{Not: &s} }

func label(key string) Statement     { return Statement{Label: &LabelMatch{Key: key}} }
func namespace(key string) Statement { return Statement{Label: &LabelMatch{Key: key, Namespace: true}} }

const (
	aclLabels   = "awswaf:111122223333:webacl:shop:"
	groupLabels = "awswaf:111122223333:rulegroup:mine:"
)

// acl returns an ACL that allows what no rule decides on.
func acl(rules ...Rule) *ACL {
	for i := range rules {
		if rules[i].Name == "" {
			rules[i].Name = "rule" + string(rune('0'+i))
		}
		if rules[i].Priority == 0 {
			rules[i].Priority = int32(i + 1)
		}
	}
	return &ACL{Name: "shop", LabelNamespace: aclLabels, DefaultAction: Action{Kind: Allow}, Rules: rules}
}

func doing(name string, kind ActionKind, s Statement, labels ...string) Rule {
	return Rule{Name: name, Action: Action{Kind: kind}, Statement: s, Labels: labels}
}

func compiled(t testing.TB, a *ACL, o Options) *Program {
	t.Helper()
	p, err := Compile(a, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// judge evaluates with a scratch of its own.
func judge(t testing.TB, p *Program, r *request.Request) *Verdict {
	t.Helper()
	v, err := p.Evaluate(r, nil, NewScratch(request.DefaultLimits()))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// matched returns the paths of the rules that matched.
func matched(v *Verdict) []string {
	var all []string
	for i := range v.Matches {
		all = append(all, v.Matches[i].Rule.Path())
	}
	return all
}

// holds tells whether a statement matches a request.
func holds(t testing.TB, s Statement, o Options, r *request.Request) bool {
	t.Helper()
	v := judge(t, compiled(t, acl(doing("it", Block, s)), o), r)
	return v.Action == Block
}

func wantStrings(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// atlas is a Places for tests.
type atlas map[netip.Addr]struct {
	country, region string
	asn             uint32
}

func (a atlas) Country(addr netip.Addr) (string, string) { return a[addr].country, a[addr].region }
func (a atlas) ASN(addr netip.Addr) uint32               { return a[addr].asn }

var places = atlas{
	netip.MustParseAddr("192.0.2.7"):    {"US", "US-WA", 64500},
	netip.MustParseAddr("198.51.100.1"): {"DE", "", 64501},
	netip.MustParseAddr("2001:db8::1"):  {"JP", "JP-13", 64502},
}

// managedGroups is a ManagedGroups for tests.
type managedGroups func(vendor, name, version string, configs json.RawMessage) (RuleGroup, Sets, error)

func (m managedGroups) ManagedGroup(vendor, name, version string, configs json.RawMessage) (RuleGroup, Sets, error) {
	return m(vendor, name, version, configs)
}

// fixedToken is a Tokens that always says the same.
type fixedToken Token

func (f fixedToken) Token(*request.Request, []string, time.Time) Token { return Token(f) }

// countingTokens counts how often it is asked.
type countingTokens struct {
	token Token
	asked int
}

func (c *countingTokens) Token(*request.Request, []string, time.Time) Token {
	c.asked++
	return c.token
}

func withSet(name string, prefixes ...string) map[string][]netip.Prefix {
	var list []netip.Prefix
	for _, p := range prefixes {
		list = append(list, netip.MustParsePrefix(p))
	}
	return map[string][]netip.Prefix{name: list}
}
