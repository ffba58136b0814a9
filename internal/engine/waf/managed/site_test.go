package managed

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/account"
	"fastness/internal/engine/waf/request"
)

// clock is when the tests begin.
var clock = time.Unix(1_700_000_000, 0)

// site is a web ACL with one group, and clients of it.
type site struct {
	t       *testing.T
	program *waf.Program
	scratch *waf.Scratch
	now     time.Time
	tokens  map[string]waf.Token
	// answer, if set, is what the application answers.
	answer *waf.Answer
}

// lands are places for the tests: addresses 10.x are in country x and system x.
type lands struct{}

func (lands) Country(a netip.Addr) (string, string) { return string([]byte{'A', 'A' + a.As4()[1]}), "" }
func (lands) ASN(a netip.Addr) uint32               { return uint32(a.As4()[1]) }

func newSite(t *testing.T, group, configs string, feeds Feeds, overrides waf.Overrides) *site {
	t.Helper()
	groups, err := New(feeds)
	if err != nil {
		t.Fatal(err)
	}
	acl := waf.ACL{Name: "a", LabelNamespace: "awswaf:111122223333:webacl:a:", DefaultAction: waf.Action{Kind: waf.Allow}, Rules: []waf.Rule{
		{Name: "g", Statement: waf.Statement{Managed: &waf.ManagedGroup{Vendor: Vendor, Name: group, Configs: json.RawMessage(configs), Overrides: overrides}}},
	}}
	p, err := waf.Compile(&acl, waf.Options{Managed: groups, Places: lands{}})
	if err != nil {
		t.Fatal(err)
	}
	return &site{t: t, program: p, scratch: waf.NewScratch(request.DefaultLimits()), now: clock, tokens: map[string]waf.Token{}}
}

// Token implements waf.Tokens: the field X-Token names one.
func (s *site) Token(r *request.Request, _ []string, now time.Time) waf.Token {
	name, ok := r.Field("X-Token")
	if !ok {
		return waf.Token{}
	}
	if t, known := s.tokens[name]; known {
		if t.Status == waf.TokenValid && t.ChallengeSolved == 0 {
			t.ChallengeSolved, t.CaptchaSolved = now.Unix(), now.Unix()
		}
		return t
	}
	return waf.Token{Status: waf.TokenValid, ID: name, ChallengeSolved: now.Unix(), CaptchaSolved: 1}
}

// outcome is what became of a request.
type outcome struct {
	action waf.ActionKind
	rule   string // of the group, that ended it
	labels []string
}

// has tells whether there is a label; group's labels may be without their namespace.
func (o *outcome) has(label string) bool {
	return slices.ContainsFunc(o.labels, func(l string) bool { return l == label || strings.HasSuffix(l, ":"+label) })
}

// send sends a request, and has the application answer it if it gets there.
func (s *site) send(r *request.Request) outcome {
	s.t.Helper()
	r.Time = s.now
	v, err := s.program.Evaluate(r, s, s.scratch)
	if err != nil {
		s.t.Fatal(err)
	}
	o := outcome{action: v.Action, labels: v.AppendLabels(nil)}
	if v.Inner != nil {
		o.rule = v.Inner.Rule.Name
	}
	if s.answer != nil && v.Action == waf.Allow {
		for _, f := range v.Answered {
			a := *s.answer
			a.Time = s.now
			f(&a)
		}
	}
	return o
}

// client is who sends requests.
type client struct {
	address string // 10.1.1.1 if empty
	token   string // none if empty
	agent   string // a browser's if empty
	ja4     string
}

func (c client) request(method, target, body string, fields ...string) *request.Request {
	if c.address == "" {
		c.address = "10.1.1.1"
	}
	if c.agent == "" {
		c.agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	}
	r := &request.Request{
		Method: method, Target: target, Host: "shop.example", Scheme: "https", Proto: "HTTP/1.1", Body: []byte(body), Remote: netip.MustParseAddr(c.address), JA4: c.ja4,
		Fields: []request.Field{{Name: "Host", Value: "shop.example"}},
	}
	if c.agent != "-" {
		r.Fields = append(r.Fields, request.Field{Name: "User-Agent", Value: c.agent})
	}
	if c.token != "" {
		r.Fields = append(r.Fields, request.Field{Name: "X-Token", Value: c.token})
	}
	for i := 0; i < len(fields); i += 2 {
		r.Fields = append(r.Fields, request.Field{Name: fields[i], Value: fields[i+1]})
	}
	return r
}

// want checks what became of a request.
func (s *site) want(what string, o outcome, action waf.ActionKind, rule string, labels ...string) {
	s.t.Helper()
	if o.action != action || o.rule != rule {
		s.t.Errorf("%s: %v by %q, want %v by %q\n%s", what, o.action, o.rule, action, rule, strings.Join(o.labels, "\n"))
	}
	for _, l := range labels {
		if !o.has(l) {
			s.t.Errorf("%s: no label %s in\n%s", what, l, strings.Join(o.labels, "\n"))
		}
	}
}

func stolen(t *testing.T, pairs, passwords string) func() *account.Stolen {
	t.Helper()
	list, err := account.ReadStolen(strings.NewReader(pairs), strings.NewReader(passwords))
	if err != nil {
		t.Fatal(err)
	}
	return func() *account.Stolen { return list }
}
