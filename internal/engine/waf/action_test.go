package waf

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"fastness/internal/engine/waf/request"
)

func TestRulesRunInTheOrderOfTheirPriorities(t *testing.T) {
	a := acl(
		Rule{Name: "third", Priority: 30, Action: Action{Kind: Block}, Statement: path("/")},
		Rule{Name: "first", Priority: 10, Action: Action{Kind: Count}, Statement: path("/")},
		Rule{Name: "second", Priority: 20, Action: Action{Kind: Allow}, Statement: path("/a")},
	)
	p := compiled(t, a, Options{})
	v := judge(t, p, get("/a"))
	wantStrings(t, "matched", matched(v), "first", "second")
	if v.Action != Allow || v.Terminating == nil || v.Terminating.Rule.Name != "second" {
		t.Errorf("%v by %+v", v.Action, v.Terminating)
	}
	v = judge(t, p, get("/b"))
	wantStrings(t, "matched", matched(v), "first", "third")
	if v.Action != Block || v.Terminating.Rule.Priority != 30 {
		t.Errorf("%v by %+v", v.Action, v.Terminating)
	}
	if a.Rules[0].Name != "third" {
		t.Error("the specification was changed")
	}
}

func TestTheDefaultActionDecidesLast(t *testing.T) {
	a := acl(doing("count", Count, path("/")))
	a.DefaultAction = Action{Kind: Block, Response: &Response{Status: 429, BodyKey: "busy", Headers: []HeaderField{{"Retry-After", "5"}}}}
	a.Bodies = map[string]ResponseBody{"busy": {ContentType: "TEXT_PLAIN", Content: "later"}}
	v := judge(t, compiled(t, a, Options{}), get("/"))
	if v.Action != Block || v.Terminating != nil || v.Response.Status != 429 || v.Body.Content != "later" || len(v.Matches) != 1 {
		t.Errorf("%+v", v)
	}
	a.DefaultAction = Action{Kind: Allow, Insert: []HeaderField{{"x-amzn-waf-checked", "1"}}}
	v = judge(t, compiled(t, a, Options{}), get("/"))
	if v.Action != Allow || len(v.Insert) != 1 || v.Response != nil {
		t.Errorf("%+v", v)
	}
}

func TestCustomRequestHandling(t *testing.T) {
	insert := func(kind ActionKind, value string) Action {
		return Action{Kind: kind, Insert: []HeaderField{{"x-amzn-waf-" + value, value}}}
	}
	p := compiled(t, acl(
		Rule{Name: "a", Action: insert(Count, "a"), Statement: path("/")},
		Rule{Name: "b", Action: insert(Captcha, "b"), Statement: path("/b")},
		Rule{Name: "c", Action: insert(Allow, "c"), Statement: path("/")},
	), Options{})
	names := func(v *Verdict) (all []string) {
		for _, f := range v.Insert {
			all = append(all, f.Value)
		}
		return all
	}
	wantStrings(t, "inserted", names(judge(t, p, get("/"))), "a", "c")
	wantStrings(t, "inserted without a token", names(judge(t, p, get("/b"))), "a")
	v, err := p.Evaluate(get("/b"), fixedToken{Status: TokenValid, CaptchaSolved: noon.Unix() - 10}, NewScratch(request.DefaultLimits()))
	if err != nil {
		t.Fatal(err)
	}
	wantStrings(t, "inserted with a token", names(v), "a", "b", "c")
}

func TestCaptchaAndChallengeWithTokens(t *testing.T) {
	now := noon.Unix()
	for _, c := range []struct {
		name    string
		kind    ActionKind
		token   Token
		acl     time.Duration
		rule    time.Duration
		failure TokenStatus
	}{
		{"no token", Challenge, Token{}, 0, 0, TokenMissing},
		{"valid", Challenge, Token{Status: TokenValid, ChallengeSolved: now - 299}, 0, 0, TokenValid},
		{"after the default immunity", Challenge, Token{Status: TokenValid, ChallengeSolved: now - 300}, 0, 0, TokenExpired},
		{"immunity of the ACL", Challenge, Token{Status: TokenValid, ChallengeSolved: now - 599}, 10 * time.Minute, 0, TokenValid},
		{"after that of the ACL", Challenge, Token{Status: TokenValid, ChallengeSolved: now - 600}, 10 * time.Minute, 0, TokenExpired},
		{"immunity of the rule", Challenge, Token{Status: TokenValid, ChallengeSolved: now - 599}, time.Minute, 10 * time.Minute, TokenValid},
		{"after that of the rule", Challenge, Token{Status: TokenValid, ChallengeSolved: now - 60}, 10 * time.Minute, time.Minute, TokenExpired},
		{"a CAPTCHA is no challenge", Challenge, Token{Status: TokenValid, CaptchaSolved: now - 1}, 0, 0, TokenMissing},
		{"a challenge is no CAPTCHA", Captcha, Token{Status: TokenValid, ChallengeSolved: now - 1}, 0, 0, TokenMissing},
		{"a CAPTCHA", Captcha, Token{Status: TokenValid, CaptchaSolved: now - 1}, 0, 0, TokenValid},
		{"an old CAPTCHA", Captcha, Token{Status: TokenValid, CaptchaSolved: now - 301}, 0, 0, TokenExpired},
		{"expired", Captcha, Token{Status: TokenExpired, CaptchaSolved: now - 1}, 0, 0, TokenExpired},
		{"invalid", Captcha, Token{Status: TokenInvalid}, 0, 0, TokenInvalid},
		{"of another domain", Challenge, Token{Status: TokenDomainMismatch, ChallengeSolved: now - 1}, 0, 0, TokenDomainMismatch},
	} {
		r := doing("prove", c.kind, path("/"), "proved")
		r.Captcha.Duration, r.Challenge.Duration = c.rule, c.rule
		a := acl(r, doing("next", Count, label("proved")))
		a.Captcha.Duration, a.Challenge.Duration = c.acl, c.acl
		tokens := &countingTokens{token: c.token}
		v, err := compiled(t, a, Options{}).Evaluate(get("/"), tokens, NewScratch(request.DefaultLimits()))
		if err != nil {
			t.Fatal(err)
		}
		if v.Matches[0].Failure != c.failure || tokens.asked != 1 || !v.TokenAsked {
			t.Errorf("%s: %v (asked %d times)", c.name, v.Matches[0].Failure, tokens.asked)
		}
		if c.failure == TokenValid {
			if v.Action != Allow || len(v.Matches) != 2 || v.Matches[0].Terminating {
				t.Errorf("%s: %v, matched %q", c.name, v.Action, matched(v))
			}
		} else if v.Action != c.kind || len(v.Matches) != 1 || v.Terminating == nil {
			t.Errorf("%s: %v, matched %q", c.name, v.Action, matched(v))
		}
		wantStrings(t, c.name, v.AppendLabels(nil), aclLabels+"proved")
	}
}

func TestTheTokenIsReadOnceAndOnlyWhenNeeded(t *testing.T) {
	p := compiled(t, acl(
		doing("one", Challenge, path("/a")), doing("two", Challenge, path("/a")), doing("three", Captcha, path("/a")),
	), Options{})
	tokens := &countingTokens{token: Token{Status: TokenValid, ChallengeSolved: noon.Unix(), CaptchaSolved: noon.Unix()}}
	s := NewScratch(request.DefaultLimits())
	if v, err := p.Evaluate(get("/b"), tokens, s); err != nil || v.TokenAsked || tokens.asked != 0 {
		t.Errorf("asked %d times, %v", tokens.asked, err)
	}
	if v, err := p.Evaluate(get("/a"), tokens, s); err != nil || v.Action != Allow || tokens.asked != 1 {
		t.Errorf("asked %d times, %v", tokens.asked, err)
	}
}

func groupOf(rules ...Rule) Options {
	for i := range rules {
		rules[i].Priority = int32(i)
	}
	return Options{Sets: Sets{Groups: map[string]RuleGroup{"g": {
		Name: "mine", LabelNamespace: groupLabels, Rules: rules,
		Bodies: map[string]ResponseBody{"own": {ContentType: "TEXT_PLAIN", Content: "of the group"}},
	}}}}
}

func groupRef(override Override, o Overrides) Rule {
	return Rule{Name: "group", Override: override, Statement: Statement{Group: &GroupReference{Group: "g", Overrides: o}}}
}

func TestAGroupDecides(t *testing.T) {
	o := groupOf(
		doing("count", Count, path("/"), "counted"),
		Rule{Name: "block", Statement: path("/block"), Action: Action{Kind: Block, Response: &Response{Status: 418, BodyKey: "own"}}},
		doing("allow", Allow, path("/allow")),
	)
	p := compiled(t, acl(groupRef("", Overrides{}), doing("after", Block, path("/"))), o)

	v := judge(t, p, get("/block"))
	wantStrings(t, "matched", matched(v), "group/count", "group/block", "group")
	if v.Action != Block || v.Terminating.Rule.Name != "group" || v.Inner.Rule.Name != "block" || v.Response.Status != 418 || v.Body.Content != "of the group" {
		t.Errorf("%+v", v)
	}
	if k := v.Terminating.Rule; k.Kind != GroupRule || k.GroupName != "g" || k.Action != 0 {
		t.Errorf("%+v", k)
	}
	v = judge(t, p, get("/allow"))
	if v.Action != Allow || v.Terminating.Rule.Name != "group" || v.Inner.Rule.Name != "allow" {
		t.Errorf("%+v", v)
	}
	v = judge(t, p, get("/"))
	wantStrings(t, "matched", matched(v), "group/count", "after")
	if v.Inner != nil {
		t.Errorf("%+v", v.Inner)
	}
}

func TestAnOverriddenGroupOnlyCounts(t *testing.T) {
	o := groupOf(
		Rule{Name: "count", Statement: path("/"), Action: Action{Kind: Count, Insert: []HeaderField{{"x-amzn-waf-a", "kept"}}}, Labels: []string{"counted"}},
		Rule{Name: "block", Statement: path("/"), Action: Action{Kind: Block, Response: &Response{Status: 418}}, Labels: []string{"blocked"}},
		doing("not reached", Count, path("/"), "unreached"),
	)
	p := compiled(t, acl(groupRef(OverrideCount, Overrides{}), doing("after", Count, path("/"))), o)
	v := judge(t, p, get("/"))
	wantStrings(t, "matched", matched(v), "group/count", "group/block", "group", "after")
	wantStrings(t, "labels", v.AppendLabels(nil), groupLabels+"counted", groupLabels+"blocked")
	m := v.Matches[2]
	if v.Action != Allow || v.Terminating != nil || v.Inner != nil || v.Response != nil || m.Action != Count || m.Own != Block || m.Terminating || len(v.Insert) != 1 {
		t.Errorf("%+v", v)
	}
	if !v.Matches[1].Terminating {
		t.Error("inside the group the rule ended the evaluation")
	}
}

func TestActionsOfAGroupsRulesAreOverridden(t *testing.T) {
	o := groupOf(
		doing("a", Block, path("/"), "a"),
		doing("b", Block, path("/"), "b"),
		doing("c", Count, path("/c"), "c"),
	)
	a := acl(groupRef("", Overrides{
		Actions: map[string]Action{
			"a": {Kind: Count},
			"c": {Kind: Block, Response: &Response{Status: 410, BodyKey: "gone"}},
		},
		Excluded: []string{"b"},
	}))
	a.Bodies = map[string]ResponseBody{"gone": {Content: "of the ACL"}}
	v := judge(t, compiled(t, a, o), get("/c"))
	wantStrings(t, "matched", matched(v), "group/a", "group/b", "group/c", "group")
	wantStrings(t, "labels", v.AppendLabels(nil), groupLabels+"a", groupLabels+"b", groupLabels+"c")
	if v.Matches[0].Own != Block || v.Matches[0].Excluded || !v.Matches[1].Excluded || v.Matches[1].Action != Count || v.Matches[2].Own != Count ||
		v.Action != Block || v.Body.Content != "of the ACL" {
		t.Errorf("%+v", v)
	}
}

func TestTheSameGroupTwice(t *testing.T) {
	o := groupOf(doing("a", Block, path("/")))
	one, two := groupRef("", Overrides{Excluded: []string{"a"}}), groupRef("", Overrides{})
	one.Name, two.Name = "one", "two"
	v := judge(t, compiled(t, acl(one, two), o), get("/"))
	wantStrings(t, "matched", matched(v), "one/a", "two/a", "two")
}

func TestManagedGroups(t *testing.T) {
	var asked string
	o := Options{Managed: managedGroups(func(vendor, name, version string, configs json.RawMessage) (RuleGroup, Sets, error) {
		asked = vendor + " " + name + " " + version + " " + string(configs)
		if name != "Common" {
			return RuleGroup{}, Sets{}, errors.New("there is no such group")
		}
		return RuleGroup{
			LabelNamespace: "awswaf:managed:aws:core-rule-set:",
			Rules: []Rule{
				{Name: "Agents_HEADER", Action: Action{Kind: Block}, Labels: []string{"Agents"},
					Statement: Statement{RegexSet: &RegexSetMatch{Inspect: named(request.SingleHeader, "user-agent"), Set: "agents"}}},
			},
		}, Sets{Regexes: map[string][]string{"agents": {"nikto"}}}, nil
	})}
	managed := func(name string) Rule {
		down := not(path("/open"))
		return Rule{Name: "managed", Statement: Statement{Managed: &ManagedGroup{
			Vendor: "AWS", Name: name, Version: "Version_1.0", Configs: json.RawMessage(`[{"LoginPath":"/in"}]`), ScopeDown: &down,
			// AWS ignores overrides of rules that a managed group does not have.
			Overrides: Overrides{Actions: map[string]Action{"Nothing": {Kind: Count}}},
		}}}
	}
	// A set of the same name that the ACL's own rules would mean.
	o.Sets.Regexes = map[string][]string{"agents": {"curl"}}
	own := doing("own", Count, Statement{RegexSet: &RegexSetMatch{Inspect: named(request.SingleHeader, "user-agent"), Set: "agents"}})
	p := compiled(t, acl(own, managed("Common")), o)
	if asked != `AWS Common Version_1.0 [{"LoginPath":"/in"}]` {
		t.Errorf("asked for %s", asked)
	}
	v := judge(t, p, get("/", "User-Agent: nikto"))
	wantStrings(t, "matched", matched(v), "managed/Agents_HEADER", "managed")
	wantStrings(t, "labels", v.AppendLabels(nil), "awswaf:managed:aws:core-rule-set:Agents")
	if v.Action != Block || v.Terminating.Rule.Kind != ManagedGroupRule || v.Terminating.Rule.GroupName != "AWS#Common#Version_1.0" {
		t.Errorf("%+v", v.Terminating.Rule)
	}
	wantStrings(t, "matched", matched(judge(t, p, get("/open", "User-Agent: nikto"))))
	wantStrings(t, "matched", matched(judge(t, p, get("/", "User-Agent: curl"))), "own")
	if _, err := Compile(acl(managed("Other")), o); err == nil {
		t.Error("a group that there is not is accepted")
	}
}

func TestSpecificationsSurviveJSON(t *testing.T) {
	down := not(path("/x"))
	a := acl(
		doing("bytes", Block, contains(named(request.SingleHeader, "x"), "\x00\xff"), "l"),
		Rule{Name: "rate", Action: Action{Kind: Captcha}, Statement: Statement{Rate: &RateBased{
			Limit: 10, Window: time.Minute, Aggregate: AggregateKeys, ScopeDown: &down,
			Keys: []RateKey{{Kind: KeyHeader, Name: "x"}}, Forwarded: &ForwardedIP{Header: "X-Forwarded-For", MatchInvalid: true},
		}}, Captcha: Immunity{time.Hour}},
		groupRef(OverrideCount, Overrides{Actions: map[string]Action{"a": {Kind: Challenge}}}),
		Rule{Name: "managed", Priority: 9, Statement: Statement{Managed: &ManagedGroup{Vendor: "AWS", Name: "n", Configs: json.RawMessage(`[]`)}}},
	)
	b, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var back ACL
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(*a, back) {
		t.Errorf("%s\n%+v\n%+v", b, *a, back)
	}
}
