package waf

import (
	"testing"

	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/transform"
)

func TestAnExplanationTellsWhatMatchedWhere(t *testing.T) {
	decode := []transform.Kind{transform.URLDecode, transform.Lowercase}
	p := compiled(t, acl(
		doing("missing", Block, contains(named(request.SingleHeader, "x-a"), "x")),
		doing("absent", Block, Statement{IPSet: &IPSetMatch{Set: "s", Forwarded: &ForwardedIP{Header: "X-Forwarded-For"}}}),
		doing("both", Count, Statement{And: []Statement{
			Statement{Or: []Statement{contains(named(request.SingleQueryArgument, "q", decode...), "union"), path("/never")}},
			regex(in(request.AllQueryArguments), "[0-9]{4}"),
		}}, "seen"),
		groupRef("", Overrides{}),
		doing("after", Block, path("/")),
	), func() Options {
		o := groupOf(doing("sql", Block, Statement{SQLi: &SQLiMatch{Inspect: named(request.SingleQueryArgument, "q", transform.URLDecode)}}))
		o.Sets.Addresses = withSet("s", "192.0.2.0/24")
		return o
	}())
	r := get("/?id=xx1234&q=1%27%20UNION%20select%201,2--")
	s := NewScratch(request.DefaultLimits())
	e, err := p.Explain(r, nil, s)
	if err != nil {
		t.Fatal(err)
	}
	if e.Action != Block || e.Terminating != "group/sql" || len(e.Rules) != 5 {
		t.Fatalf("%+v", e)
	}
	wantStrings(t, "labels", e.Labels, aclLabels+"seen")
	if st := e.Rules[0].Statement; st.Outcome != NotMatched || st.Why != "missing" || st.Component.Name != "x-a" {
		t.Errorf("%+v", st)
	}
	if st := e.Rules[1].Statement; st.Outcome != NotApplied || st.Why != "no address" {
		t.Errorf("%+v", st)
	}
	both := e.Rules[2]
	if !both.Matched || both.Action != Count || both.Statement.Outcome != Matched {
		t.Fatalf("%+v", both)
	}
	or := both.Statement.Statements[0]
	if or.Statements[1].Outcome != NotEvaluated {
		t.Errorf("%+v", or.Statements[1])
	}
	f := or.Statements[0].Findings
	if len(f) != 1 || f[0].Name != "q" || string(f[0].Value) != "1' union select 1,2--" || string(f[0].Value[f[0].Start:f[0].End]) != "union" || f[0].Pattern != "union" {
		t.Errorf("%+v", f)
	}
	f = both.Statement.Statements[1].Findings
	if len(f) != 1 || f[0].Name != "id" || string(f[0].Value[f[0].Start:f[0].End]) != "1234" {
		t.Errorf("%+v", f)
	}
	if g := e.Rules[3]; g.Rule != "group" || g.Kind != GroupRule || !g.Matched || g.Action != Block {
		t.Errorf("%+v", g)
	}
	if in := e.Rules[4]; in.Rule != "group/sql" || !in.Matched || in.Statement.Findings[0].Injection != "SQL" {
		t.Errorf("%+v", in)
	}

	v, err := p.Evaluate(r, nil, s)
	if err != nil {
		t.Fatal(err)
	}
	if f := v.Findings(v.Inner); len(f) != 1 || f[0].Injection != "SQL" || string(f[0].Value) != "1' UNION select 1,2--" {
		t.Errorf("%+v", f)
	}
	if f := v.Findings(v.Terminating); f != nil {
		t.Errorf("of a group: %+v", f)
	}
	if f := v.Findings(&v.Matches[0]); len(f) != 2 {
		t.Errorf("%+v", f)
	}
}

func TestFindingsOfLongValuesAreCut(t *testing.T) {
	p := compiled(t, acl(doing("a", Block, contains(in(request.Body), "needle"))), Options{})
	body := make([]byte, 20_000)
	for i := range body {
		body[i] = 'x'
	}
	for _, at := range []int{0, 10, 10_000, 20_000 - 6} {
		b := append([]byte{}, body...)
		copy(b[at:], "needle")
		e, err := p.Explain(post("/", string(b)), nil, NewScratch(request.DefaultLimits()))
		if err != nil {
			t.Fatal(err)
		}
		f := e.Rules[0].Statement.Findings[0]
		if len(f.Value) > maxFindingValue || string(f.Value[f.Start:f.End]) != "needle" {
			t.Errorf("at %d: %d bytes, %q", at, len(f.Value), f.Value[f.Start:f.End])
		}
	}
}
