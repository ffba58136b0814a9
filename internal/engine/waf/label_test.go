package waf

import (
	"fmt"
	"net/netip"
	"testing"

	"fastness/internal/engine/waf/request"
)

func TestLabelKeys(t *testing.T) {
	const name = "awswaf:111122223333:webacl:shop:ns1:ns2:name"
	for _, c := range []struct {
		key       string
		namespace bool
		context   string
		want      bool
	}{
		{"name", false, aclLabels, true},
		{"ns2:name", false, aclLabels, true},
		{"ns1:ns2:name", false, aclLabels, true},
		{"shop:ns1:ns2:name", false, aclLabels, true},
		{name, false, aclLabels, true},
		{name, false, groupLabels, true},
		{"name", false, groupLabels, false},
		{"ame", false, aclLabels, false},
		{"s2:name", false, aclLabels, false},
		{"ns1:name", false, aclLabels, false},
		{"NAME", false, aclLabels, false},
		{"ns2", false, aclLabels, false},
		{"awswaf:111122223333:webacl:shop:ns1:ns2", false, aclLabels, false},
		{"awswaf:111122223333:webacl:shop:name", false, aclLabels, false},

		{"ns1:", true, aclLabels, true},
		{"ns2:", true, aclLabels, true},
		{"ns1:ns2:", true, aclLabels, true},
		{"s1:", true, aclLabels, false},
		{"name:", true, aclLabels, false},
		{"ns1:", true, groupLabels, false},
		{"awswaf:111122223333:webacl:shop:", true, groupLabels, true},
		{"awswaf:111122223333:webacl:shop:ns1:", true, groupLabels, true},
		{"awswaf:111122223333:webacl:shop:ns2:", true, groupLabels, false},
		{"awswaf:111122223333:webacl:", true, groupLabels, true},
	} {
		if got := newLabelKey(c.key, c.namespace, c.context).matches(name); got != c.want {
			t.Errorf("%q (namespace %v) in %s: %v", c.key, c.namespace, c.context, got)
		}
	}
}

func TestLabelsOfCountRulesStayAndComeInOrder(t *testing.T) {
	p := compiled(t, acl(
		doing("late", Block, label("seen")),
		doing("count", Count, path("/"), "ns:seen", "other"),
		doing("block", Block, Statement{And: []Statement{label("ns:seen"), label("other"), namespace("ns:")}}, "blocked"),
	), Options{})
	v := judge(t, p, get("/"))
	wantStrings(t, "matched", matched(v), "count", "block")
	wantStrings(t, "labels", v.AppendLabels(nil), aclLabels+"ns:seen", aclLabels+"other", aclLabels+"blocked")
}

func TestARuleDoesNotSeeItsOwnLabel(t *testing.T) {
	p := compiled(t, acl(
		doing("one", Count, Statement{Or: []Statement{path("/"), label("x")}}, "x"),
		doing("two", Block, not(label("x"))),
	), Options{})
	if v := judge(t, p, get("/")); v.Action != Allow {
		t.Errorf("%v by %v", v.Action, matched(v))
	}
}

func TestCountryStatementsLabelWhateverTheyDecide(t *testing.T) {
	geo := func(f *ForwardedIP) Statement {
		return Statement{Geo: &GeoMatch{Countries: []string{"FR"}, Forwarded: f}}
	}
	xff := &ForwardedIP{Header: "X-Forwarded-For"}
	p := compiled(t, acl(
		doing("before", Block, label("awswaf:clientip:geo:country:US")),
		doing("geo", Block, geo(nil)),
		doing("again", Block, geo(nil)),
		doing("forwarded", Block, geo(xff)),
		doing("country", Count, label("awswaf:clientip:geo:country:US")),
		doing("region", Count, label("awswaf:clientip:geo:region:US-WA")),
		doing("other region", Count, label("awswaf:clientip:geo:region:US-OR")),
		doing("no prefix", Count, label("US")),
		doing("namespace", Count, namespace("awswaf:clientip:geo:country:")),
		doing("wide namespace", Count, namespace("awswaf:clientip:")),
		doing("forwarded namespace", Count, namespace("awswaf:forwardedip:geo:region:")),
		doing("unknown region", Count, label("awswaf:forwardedip:geo:region:DE-XX")),
		doing("unknown", Count, label("awswaf:clientip:geo:region:XX-XX")),
	), Options{Places: places})

	v := judge(t, p, get("/"))
	wantStrings(t, "matched", matched(v), "country", "region", "namespace", "wide namespace")
	wantStrings(t, "labels", v.AppendLabels(nil), "awswaf:clientip:geo:country:US", "awswaf:clientip:geo:region:US-WA")

	v = judge(t, p, get("/", "X-Forwarded-For: 198.51.100.1"))
	wantStrings(t, "matched", matched(v), "country", "region", "namespace", "wide namespace", "forwarded namespace", "unknown region")

	r := get("/")
	r.Remote = netip.MustParseAddr("10.0.0.1")
	v = judge(t, p, r)
	wantStrings(t, "matched", matched(v), "namespace", "wide namespace", "unknown")
	wantStrings(t, "labels", v.AppendLabels(nil), "awswaf:clientip:geo:country:XX", "awswaf:clientip:geo:region:XX-XX")

	v = judge(t, p, get("/", "X-Forwarded-For: nonsense"))
	wantStrings(t, "labels", v.AppendLabels(nil), "awswaf:clientip:geo:country:US", "awswaf:clientip:geo:region:US-WA")
}

func TestACountryStatementThatIsNotReachedDoesNotLabel(t *testing.T) {
	p := compiled(t, acl(
		doing("and", Block, Statement{And: []Statement{path("/x"), {Geo: &GeoMatch{Countries: []string{"US"}}}}}),
		doing("label", Count, namespace("awswaf:clientip:geo:")),
	), Options{Places: places})
	if v := judge(t, p, get("/")); len(v.Matches) != 0 {
		t.Errorf("matched %q", matched(v))
	}
	if v := judge(t, p, get("/x")); v.Action != Block {
		t.Errorf("matched %q", matched(v))
	}
}

func TestARequestHasAHundredLabelsAtMost(t *testing.T) {
	var rules []Rule
	for i := range 120 {
		rules = append(rules, Rule{Name: fmt.Sprint("r", i), Priority: int32(i + 1), Action: Action{Kind: Count}, Statement: path("/"), Labels: []string{fmt.Sprint("l", i)}})
	}
	rules = append(rules,
		Rule{Name: "kept", Priority: 200, Action: Action{Kind: Count}, Statement: label("l99")},
		Rule{Name: "beyond", Priority: 201, Action: Action{Kind: Block}, Statement: label("l100")},
	)
	v := judge(t, compiled(t, acl(rules...), Options{}), get("/"))
	if n := len(v.AppendLabels(nil)); n != 100 || v.Action != Allow || len(v.Matches) != 121 {
		t.Errorf("%d labels, %v, %d matches", n, v.Action, len(v.Matches))
	}
}

func TestGroupsHaveLabelsOfTheirOwn(t *testing.T) {
	group := RuleGroup{Name: "mine", LabelNamespace: groupLabels, Rules: []Rule{
		{Name: "mark", Priority: 1, Action: Action{Kind: Count}, Statement: path("/a"), Labels: []string{"marked"}},
		{Name: "not matched", Priority: 2, Action: Action{Kind: Count}, Statement: path("/b"), Labels: []string{"unmarked"}},
		{Name: "sees its own", Priority: 3, Action: Action{Kind: Count}, Statement: label("marked")},
		{Name: "sees no other's", Priority: 4, Action: Action{Kind: Count}, Statement: label("outer")},
		{Name: "sees another's in full", Priority: 5, Action: Action{Kind: Count}, Statement: label(aclLabels + "outer")},
	}}
	p := compiled(t, acl(
		doing("outer", Count, path("/"), "outer"),
		Rule{Name: "group", Statement: Statement{Group: &GroupReference{Group: "g"}}},
		doing("not by the short name", Count, label("marked")),
		doing("by the full name", Count, label(groupLabels+"marked")),
		doing("by the namespace", Count, namespace(groupLabels)),
		doing("only of rules that match", Count, label(groupLabels+"unmarked")),
	), Options{Sets: Sets{Groups: map[string]RuleGroup{"g": group}}})
	v := judge(t, p, get("/a"))
	wantStrings(t, "matched", matched(v), "outer", "group/mark", "group/sees its own", "group/sees another's in full", "by the full name", "by the namespace")
}

func TestRequestComponentsOfLabelsAreNotCachedAcrossRules(t *testing.T) {
	// The same statement before and after the label is there.
	p := compiled(t, acl(
		doing("before", Count, label("x")),
		doing("mark", Count, contains(in(request.URIPath), "a"), "x"),
		doing("after", Count, label("x")),
		doing("not after", Block, not(label("x"))),
	), Options{})
	v := judge(t, p, get("/a"))
	wantStrings(t, "matched", matched(v), "mark", "after")
}
