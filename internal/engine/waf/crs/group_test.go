package crs

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
)

func group(t *testing.T) *Group {
	t.Helper()
	g, err := New(Embedded())
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// judge evaluates a request with a reference to the group.
func judge(t *testing.T, g *Group, target string, m waf.ManagedGroup) (action waf.ActionKind, inner string, labels []string) {
	t.Helper()
	m.Vendor, m.Name = Vendor, Name
	p, err := waf.Compile(&waf.ACL{
		Name: "acl", LabelNamespace: "awswaf:111122223333:webacl:acl:", DefaultAction: waf.Action{Kind: waf.Allow},
		Rules: []waf.Rule{{Name: "crs", Statement: waf.Statement{Managed: &m}}},
	}, waf.Options{Managed: g})
	if err != nil {
		t.Fatal(err)
	}
	r := &request.Request{
		Method: "GET", Target: target, Proto: "HTTP/1.1", Host: "shop.example",
		Fields: []request.Field{{Name: "Host", Value: "shop.example"}, {Name: "User-Agent", Value: "Mozilla/5.0"}, {Name: "Accept", Value: "*/*"}},
	}
	s := waf.NewScratch(request.DefaultLimits())
	v, err := p.Evaluate(r, nil, s)
	if err != nil {
		t.Fatal(err)
	}
	if v.Inner != nil {
		inner = v.Inner.Rule.Name
	}
	action, labels = v.Action, v.AppendLabels(nil)
	e, err := p.Explain(r, nil, s)
	if err != nil {
		t.Fatal(err)
	}
	if e.Action != action {
		t.Errorf("explained as %v, not %v", e.Action, action)
	}
	return action, inner, labels
}

const injection = "/?q=1'%20or%201=1--"

func TestAnAttackIsLabelledByItsRulesAndBlockedByTheScore(t *testing.T) {
	action, inner, labels := judge(t, group(t), injection, waf.ManagedGroup{})
	if action != waf.Block || inner != "AnomalyScore_5" {
		t.Errorf("%v by %q", action, inner)
	}
	for _, want := range []string{LabelNamespace + "attack-sqli:942100", LabelNamespace + "anomaly-score:5"} {
		if !slices.Contains(labels, want) {
			t.Errorf("no label %s in %v", want, labels)
		}
	}
}

func TestAnOrdinaryRequestPassesWithoutLabels(t *testing.T) {
	if action, _, labels := judge(t, group(t), "/search?q=rock+%26+roll&page=2", waf.ManagedGroup{}); action != waf.Allow || len(labels) > 0 {
		t.Errorf("%v, labels %v", action, labels)
	}
}

func TestAnExcludedRuleAddsNothingToTheScore(t *testing.T) {
	count := waf.Overrides{Actions: map[string]waf.Action{"942100": {Kind: waf.Count}}}
	if action, _, labels := judge(t, group(t), injection, waf.ManagedGroup{Overrides: count}); action != waf.Allow {
		t.Errorf("%v, labels %v", action, labels)
	}
	if action, _, _ := judge(t, group(t), injection, waf.ManagedGroup{Overrides: waf.Overrides{Excluded: []string{"942100"}}}); action != waf.Allow {
		t.Errorf("%v", action)
	}
	// Another web ACL with the same group is not affected.
	if action, _, _ := judge(t, group(t), injection, waf.ManagedGroup{}); action != waf.Block {
		t.Errorf("without the override: %v", action)
	}
}

func TestTheThresholdIsARule(t *testing.T) {
	higher := waf.Overrides{Actions: map[string]waf.Action{"AnomalyScore_5": {Kind: waf.Count}, "AnomalyScore_10": {Kind: waf.Block}}}
	if action, _, _ := judge(t, group(t), injection, waf.ManagedGroup{Overrides: higher}); action != waf.Allow {
		t.Errorf("a score of 5 at a threshold of 10: %v", action)
	}
	if action, inner, _ := judge(t, group(t), injection+"&x=<script>alert(1)</script>", waf.ManagedGroup{Overrides: higher}); action != waf.Block || inner != "AnomalyScore_10" {
		t.Errorf("%v by %s", action, inner)
	}
}

func TestARuleCanBlockAlone(t *testing.T) {
	o := waf.Overrides{Actions: map[string]waf.Action{"942100": {Kind: waf.Block}}}
	if action, inner, _ := judge(t, group(t), injection, waf.ManagedGroup{Overrides: o}); action != waf.Block || inner != "942100" {
		t.Errorf("%v by %s", action, inner)
	}
}

func TestAVersionIsAParanoiaLevel(t *testing.T) {
	g := group(t)
	var names []string
	for i, v := range g.Versions {
		names = append(names, v.Name)
		if i > 0 && len(v.Rules) <= len(g.Versions[i-1].Rules) {
			t.Errorf("%s has no more rules than %s", v.Name, g.Versions[i-1].Name)
		}
	}
	if got := strings.Join(names, " "); got != "4.25.0-PL1 4.25.0-PL2 4.25.0-PL3 4.25.0-PL4" {
		t.Errorf("versions %s", got)
	}
	// 920272 of level 3 refuses a percent sign in what is decoded.
	const target = "/?q=100%25"
	if action, _, _ := judge(t, g, target, waf.ManagedGroup{}); action != waf.Allow {
		t.Errorf("level 1: %v", action)
	}
	if action, _, _ := judge(t, g, target, waf.ManagedGroup{Version: "4.25.0-PL3"}); action != waf.Block {
		t.Errorf("level 3: %v", action)
	}
	if _, _, err := g.ManagedGroup(Vendor, Name, "3.0.0", nil); err == nil {
		t.Error("a version that is not there")
	}
}

func TestADirectoryOfTheOperatorsTakesTheirPlace(t *testing.T) {
	g, err := New(fstest.MapFS{"rules/REQUEST-942-X.conf": {Data: []byte(`
SecComponentSignature "OWASP_CRS/4.99.1"
SecRule ARGS "@contains needle" "id:942001,phase:2,block,tag:'attack-sqli',msg:'found',setvar:'tx.blocking_inbound_anomaly_score=+5'"
`)}})
	if err != nil {
		t.Fatal(err)
	}
	if name := g.Versions[0].Name; name != "4.99.1-PL1" {
		t.Errorf("version %s", name)
	}
	if action, _, _ := judge(t, g, "/?q=a+needle", waf.ManagedGroup{}); action != waf.Block {
		t.Errorf("%v", action)
	}
	if _, err := New(fstest.MapFS{}); err == nil {
		t.Error("an empty directory")
	}
	if err := g.Check(); err != nil {
		t.Error(err)
	}
	g, err = New(fstest.MapFS{"rules/REQUEST-1.conf": {Data: []byte(`SecRule ARGS "@rx (a)\1" "id:7"` + "\nSecComponentSignature OWASP_CRS/4.0.0")}})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Check(); err == nil || !strings.Contains(err.Error(), "REQUEST-1.conf:1: rule 7: back reference") {
		t.Errorf("a back reference: %v", err)
	}
}

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New(Embedded()); err != nil {
			b.Fatal(err)
		}
	}
}
