package waf

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fastness/internal/engine/waf/request"
	"fastness/internal/engine/waf/seclang"
	"fastness/internal/engine/waf/transform"
)

// TestARequestBeyondTheBoundSaysSo has a request cost more than it may: what refuses it is told from what finds something, by a label that is not
// AWS's and that other rules can ask for.
func TestARequestBeyondTheBoundSaysSo(t *testing.T) {
	expensive := Statement{Or: []Statement{regex(in(request.Body), `(?:a|b)[^c]*d\d`), regex(in(request.Body, transform.Lowercase), `(?:b|a)[^x]*dd?\d`)}}
	dear, cheap := post("/", "D1 "+strings.Repeat("AB ", 4000)), post("/", "ab")
	o := Options{Steps: 30_000, Reserve: -1} // of which its 12 KB take 24,000
	for _, c := range []struct {
		name        string
		rules       []Rule
		r           *request.Request
		action      ActionKind
		by          string
		uninspected bool
		label       bool
	}{
		{"within", []Rule{doing("dear", Block, expensive)}, cheap, Allow, "", false, false},
		{"beyond", []Rule{doing("dear", Block, expensive)}, dear, Block, "dear", true, true},
		{"counted", []Rule{doing("dear", Count, expensive)}, dear, Allow, "", false, true},
		{"a label for it", []Rule{doing("dear", Count, expensive), doing("bound", Challenge, label(BoundLabel))}, dear, Challenge, "bound", false, true},
		{"a namespace for it", []Rule{doing("dear", Count, expensive), doing("bound", Block, namespace("fastness:waf:"))}, dear, Block, "bound", false, true},
		{"no label without it", []Rule{doing("dear", Count, expensive), doing("bound", Block, label(BoundLabel))}, cheap, Allow, "", false, false},
		{"found before", []Rule{doing("found", Block, contains(in(request.URIPath), "/")), doing("dear", Block, expensive)}, dear, Block, "found", false, false},
	} {
		p := compiled(t, acl(c.rules...), o)
		s := NewScratch(request.DefaultLimits())
		v, err := p.Evaluate(c.r, nil, s)
		if err != nil {
			t.Fatal(err)
		}
		if v.Action != c.action || slices.Contains(v.AppendLabels(nil), BoundLabel) != c.label || v.Exhausted != c.label {
			t.Errorf("%s: %v, exhausted %v, labels %v", c.name, v.Action, v.Exhausted, v.AppendLabels(nil))
		}
		if c.by != "" && (v.Terminating == nil || v.Terminating.Rule.Name != c.by || v.Terminating.Uninspected != c.uninspected) {
			t.Errorf("%s: by %+v", c.name, v.Terminating)
		}
		e, err := p.Explain(c.r, nil, s)
		if err != nil {
			t.Fatal(err)
		}
		if e.Action != c.action || e.Uninspected != c.uninspected || e.Exhausted != c.label || slices.Contains(e.Labels, BoundLabel) != c.label {
			t.Errorf("%s: explained as %+v", c.name, e)
		}
	}
}

// TestNoRuleAddsTheLabelOfTheBound has a rule name it as its own label, which is then one of the ACL's.
func TestNoRuleAddsTheLabelOfTheBound(t *testing.T) {
	p := compiled(t, acl(doing("mine", Count, contains(in(request.URIPath), "x"), BoundLabel), doing("bound", Block, namespace("fastness:"))), Options{})
	v := judge(t, p, get("/x"))
	if labels := v.AppendLabels(nil); len(labels) != 1 || labels[0] == BoundLabel {
		t.Errorf("labels %v", labels)
	}
}

// TestASecLangProgramLeavesAQuarter has a program of SecLang take all that it may: a quarter is left for the groups behind it, and
// together they cost no more than a request may.
func TestASecLangProgramLeavesAQuarter(t *testing.T) {
	program, err := seclang.Compile([]seclang.Source{{Name: "test", Text: `SecRule ARGS "@rx ^(?:[a-f]+[0-9])+x$" "id:1,phase:2,pass,log"`}}, seclang.Options{})
	if err != nil {
		t.Fatal(err)
	}
	groups := managedGroups(func(string, string, string, json.RawMessage) (RuleGroup, Sets, error) {
		return RuleGroup{SecLang: program, Rules: []Rule{doing("one", Count, Statement{SecLang: &SecLangMatch{Rule: 1}})}}, Sets{}, nil
	})
	const steps = 200_000
	p := compiled(t, acl(
		Rule{Name: "dear", Statement: Statement{Managed: &ManagedGroup{Vendor: "v", Name: "n"}}},
		doing("behind", Block, regex(in(request.URIPath), `z9z9`)),
	), Options{Managed: groups, Steps: steps, Reserve: -1})
	var query strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&query, "n%d=abc%ddef%d&", i, i, i*7)
	}
	s := NewScratch(request.DefaultLimits())
	r := get("/z9z9?" + query.String())
	v, err := p.Evaluate(r, nil, s)
	if err != nil {
		t.Fatal(err)
	}
	const overshoot = steps / 10 // of what is begun
	if n := s.programs[0].scratch.Steps(); n < steps/2 || n > steps/4*3+overshoot {
		t.Errorf("the program took %d steps of %d", n, steps)
	}
	if !v.Exhausted || v.Action != Block || v.Terminating.Rule.Name != "behind" || v.Terminating.Uninspected {
		t.Errorf("exhausted %v, %v by %+v", v.Exhausted, v.Action, v.Terminating)
	}
}
