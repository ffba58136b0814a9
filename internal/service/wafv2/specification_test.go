package wafv2

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"fastness/internal/api/wafv2api"
	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/request"
	"fastness/internal/front/fronttest"
	"fastness/internal/store"
)

// specification reads a web ACL for the engine.
func (h *harness) specification(arn string) (out *Specification) {
	h.Helper()
	if err := h.store.View(h.Context(), func(r store.Reader) (err error) {
		out, err = h.service.Specification(r, arn)
		return err
	}); err != nil {
		h.Fatal(err)
	}
	return out
}

// compile makes the program of a web ACL, by the way of JSON, as a proxy on another host does.
func (h *harness) compile(arn string) *waf.Program {
	h.Helper()
	text, err := json.Marshal(h.specification(arn))
	if err != nil {
		h.Fatal(err)
	}
	var spec Specification
	if err := json.Unmarshal(text, &spec); err != nil {
		h.Fatal(err)
	}
	p, err := waf.Compile(&spec.ACL, waf.Options{Sets: spec.Sets})
	if err != nil {
		h.Fatal(err)
	}
	return p
}

// decide evaluates a request with a query.
func (h *harness) decide(p *waf.Program, query string) waf.ActionKind {
	h.Helper()
	v, err := p.Evaluate(&request.Request{
		Time: h.clock.Now(), Method: "GET", Target: "/?" + query, Host: "shop.example.com", Scheme: "http", Proto: "HTTP/1.1", Remote: netip.MustParseAddr("192.0.2.1"),
		Fields: []request.Field{{Name: "Host", Value: "shop.example.com"}, {Name: "User-Agent", Value: "curl/8"}},
	}, nil, waf.NewScratch(request.DefaultLimits()))
	if err != nil {
		h.Fatal(err)
	}
	return v.Action
}

func TestTheEngineDecidesAsTheWebACLSays(t *testing.T) {
	h := newHarness(t)
	sqli := rule(1, &wafv2api.Statement{SqliMatchStatement: &wafv2api.SqliMatchStatement{
		FieldToMatch: &wafv2api.FieldToMatch{AllQueryArguments: &wafv2api.AllQueryArguments{}}, TextTransformations: transforms("URL_DECODE"),
	}})
	acl := h.webACL("shop", sqli)
	p := h.compile(*acl.ARN)
	if got := h.decide(p, "q=1%27%20or%201=1--"); got != waf.Block {
		t.Errorf("an injection is answered with %v", got)
	}
	if got := h.decide(p, "q=rock%20%26%20roll"); got != waf.Allow {
		t.Errorf("rock & roll is answered with %v", got)
	}
}

// Every statement, component, transformation and action is something that the engine compiles.
func TestAllOfTheAPIIsTranslated(t *testing.T) {
	h := newHarness(t)
	set := h.ipSet("set", "192.0.2.0/24")
	regexes := fronttest.Must[*wafv2api.CreateRegexPatternSetResponse](t)(h.admin().CreateRegexPatternSet(t.Context(), &wafv2api.CreateRegexPatternSetRequest{
		Name: new("regexes"), Scope: regional(), RegularExpressionList: []wafv2api.Regex{{RegexString: new("^/admin")}, {RegexString: new("(?i)x{2,3}$")}},
	})).Summary
	all := &wafv2api.All{}
	fallback := new(wafv2api.FallbackBehaviorMatch)
	components := []wafv2api.FieldToMatch{
		{SingleHeader: &wafv2api.SingleHeader{Name: new("user-agent")}},
		{SingleQueryArgument: &wafv2api.SingleQueryArgument{Name: new("q")}},
		{AllQueryArguments: &wafv2api.AllQueryArguments{}},
		{UriPath: &wafv2api.UriPath{}},
		{QueryString: &wafv2api.QueryString{}},
		{Body: &wafv2api.Body{}},
		{Body: &wafv2api.Body{OversizeHandling: new(wafv2api.OversizeHandlingMatch)}},
		{Method: &wafv2api.Method{}},
		{JsonBody: &wafv2api.JsonBody{MatchPattern: &wafv2api.JsonMatchPattern{All: all}, MatchScope: new(wafv2api.JsonMatchScopeKey)}},
		{JsonBody: &wafv2api.JsonBody{MatchPattern: &wafv2api.JsonMatchPattern{IncludedPaths: []string{"/a/*/b"}}, MatchScope: new(wafv2api.JsonMatchScopeAll), InvalidFallbackBehavior: new(wafv2api.BodyParsingFallbackBehaviorEvaluateAsString), OversizeHandling: new(wafv2api.OversizeHandlingNoMatch)}},
		{Headers: &wafv2api.Headers{MatchPattern: &wafv2api.HeaderMatchPattern{All: all}, MatchScope: new(wafv2api.MapMatchScopeValue), OversizeHandling: new(wafv2api.OversizeHandlingContinue)}},
		{Headers: &wafv2api.Headers{MatchPattern: &wafv2api.HeaderMatchPattern{ExcludedHeaders: []string{"cookie"}}, MatchScope: new(wafv2api.MapMatchScopeAll), OversizeHandling: new(wafv2api.OversizeHandlingContinue)}},
		{Cookies: &wafv2api.Cookies{MatchPattern: &wafv2api.CookieMatchPattern{IncludedCookies: []string{"session"}}, MatchScope: new(wafv2api.MapMatchScopeKey), OversizeHandling: new(wafv2api.OversizeHandlingMatch)}},
		{HeaderOrder: &wafv2api.HeaderOrder{OversizeHandling: new(wafv2api.OversizeHandlingContinue)}},
		{JA3Fingerprint: &wafv2api.JA3Fingerprint{FallbackBehavior: fallback}},
		{JA4Fingerprint: &wafv2api.JA4Fingerprint{FallbackBehavior: fallback}},
		{UriFragment: &wafv2api.UriFragment{FallbackBehavior: fallback}},
	}
	var rules []wafv2api.Rule
	add := func(st *wafv2api.Statement) *wafv2api.Rule {
		rules = append(rules, rule(int32(len(rules)), st))
		return &rules[len(rules)-1]
	}
	for i := range components {
		add(&wafv2api.Statement{SizeConstraintStatement: &wafv2api.SizeConstraintStatement{
			FieldToMatch: &components[i], ComparisonOperator: new(wafv2api.ComparisonOperatorGt), Size: new(int64(100)), TextTransformations: transforms("NONE"),
		}})
	}
	kinds := wafv2api.TextTransformationType("").Values()
	for k := range newerTransformations {
		kinds = append(kinds, k)
	}
	for _, k := range kinds {
		add(&wafv2api.Statement{SizeConstraintStatement: &wafv2api.SizeConstraintStatement{
			FieldToMatch: query(), ComparisonOperator: new(wafv2api.ComparisonOperatorEq), Size: new(int64(1)), TextTransformations: transforms(k),
		}})
	}
	add(&wafv2api.Statement{RegexMatchStatement: &wafv2api.RegexMatchStatement{RegexString: new("^a+$"), FieldToMatch: query(), TextTransformations: transforms("LOWERCASE")}})
	add(&wafv2api.Statement{RegexPatternSetReferenceStatement: &wafv2api.RegexPatternSetReferenceStatement{ARN: regexes.ARN, FieldToMatch: query(), TextTransformations: transforms("NONE")}})
	add(&wafv2api.Statement{SqliMatchStatement: &wafv2api.SqliMatchStatement{FieldToMatch: query(), TextTransformations: transforms("NONE"), SensitivityLevel: new(wafv2api.SensitivityLevelHigh)}})
	add(&wafv2api.Statement{XssMatchStatement: &wafv2api.XssMatchStatement{FieldToMatch: query(), TextTransformations: transforms("NONE")}})
	add(&wafv2api.Statement{GeoMatchStatement: &wafv2api.GeoMatchStatement{CountryCodes: []wafv2api.CountryCode{"NZ"}}})
	add(&wafv2api.Statement{AsnMatchStatement: &wafv2api.AsnMatchStatement{AsnList: []int64{64496}, ForwardedIPConfig: &wafv2api.ForwardedIPConfig{HeaderName: new("X-Forwarded-For"), FallbackBehavior: fallback}}})
	add(&wafv2api.Statement{LabelMatchStatement: &wafv2api.LabelMatchStatement{Scope: new(wafv2api.LabelMatchScopeNamespace), Key: new("ns:")}})
	add(&wafv2api.Statement{IPSetReferenceStatement: &wafv2api.IPSetReferenceStatement{ARN: set.ARN, IPSetForwardedIPConfig: &wafv2api.IPSetForwardedIPConfig{HeaderName: new("X-Forwarded-For"), FallbackBehavior: fallback, Position: new(wafv2api.ForwardedIPPositionAny)}}})
	add(&wafv2api.Statement{AndStatement: &wafv2api.AndStatement{Statements: []wafv2api.Statement{*bytesIn("a"), {NotStatement: &wafv2api.NotStatement{Statement: bytesIn("b")}}}}})
	add(&wafv2api.Statement{OrStatement: &wafv2api.OrStatement{Statements: []wafv2api.Statement{*bytesIn("a"), *ipSet(*set.ARN)}}})
	rate := &wafv2api.RateBasedStatement{Limit: new(int64(100)), AggregateKeyType: new(wafv2api.RateBasedStatementAggregateKeyTypeCustomKeys), CustomKeys: []wafv2api.RateBasedStatementCustomKey{
		{Header: &wafv2api.RateLimitHeader{Name: new("x-key"), TextTransformations: transforms("LOWERCASE")}}, {ForwardedIP: &wafv2api.RateLimitForwardedIP{}},
		{LabelNamespace: &wafv2api.RateLimitLabelNamespace{Namespace: new("ns:")}}, {UriPath: &wafv2api.RateLimitUriPath{TextTransformations: transforms("NONE")}}, {ASN: &wafv2api.RateLimitAsn{}},
	}, ForwardedIPConfig: &wafv2api.ForwardedIPConfig{HeaderName: new("X-Forwarded-For"), FallbackBehavior: fallback}, ScopeDownStatement: bytesIn("a")}
	add(&wafv2api.Statement{RateBasedStatement: rate})
	actions := []wafv2api.RuleAction{
		{Allow: &wafv2api.AllowAction{CustomRequestHandling: &wafv2api.CustomRequestHandling{InsertHeaders: []wafv2api.CustomHTTPHeader{{Name: new("seen"), Value: new("1")}}}}},
		{Count: &wafv2api.CountAction{}}, {Captcha: &wafv2api.CaptchaAction{}}, {Challenge: &wafv2api.ChallengeAction{}},
		{Block: &wafv2api.BlockAction{CustomResponse: &wafv2api.CustomResponse{ResponseCode: new(int32(429)), ResponseHeaders: []wafv2api.CustomHTTPHeader{{Name: new("Retry-After"), Value: new("1")}}}}},
	}
	for i := range actions {
		r := add(bytesIn("x"))
		r.Action, r.RuleLabels = &actions[i], []wafv2api.Label{{Name: new("ns:x")}}
	}
	g := h.ruleGroup("ours", 20, rule(1, bytesIn("grouped")))
	over := groupOf(*g.ARN)
	over.RuleGroupReferenceStatement.RuleActionOverrides = []wafv2api.RuleActionOverride{{Name: new("rule-1"), ActionToUse: &actions[1]}}
	rules = append(rules, group(int32(len(rules)), over))
	acl := fronttest.Must[*wafv2api.CreateWebACLResponse](t)(h.admin().CreateWebACL(t.Context(), &wafv2api.CreateWebACLRequest{
		Name: new("everything"), Scope: regional(), DefaultAction: allowing(), VisibilityConfig: visible("everything"), Rules: rules, TokenDomains: []string{"example.com"},
		CaptchaConfig:        &wafv2api.CaptchaConfig{ImmunityTimeProperty: &wafv2api.ImmunityTimeProperty{ImmunityTime: new(int64(60))}},
		DataProtectionConfig: &wafv2api.DataProtectionConfig{DataProtections: []wafv2api.DataProtection{{Field: &wafv2api.FieldToProtect{FieldType: new(wafv2api.FieldToProtectTypeBody)}, Action: new(wafv2api.DataProtectionActionSubstitution)}}},
	})).Summary
	h.compile(*acl.ARN)
	spec := h.specification(*acl.ARN)
	if spec.ACL.Captcha.Duration != time.Minute || len(spec.ACL.DataProtection) != 1 || len(spec.Sets.Addresses) != 1 || len(spec.Sets.Regexes) != 1 || len(spec.Sets.Groups) != 1 {
		t.Errorf("specification %+v", spec.ACL)
	}
	last := spec.ACL.Rules[len(spec.ACL.Rules)-1].Statement.Group
	if last == nil || last.Actions["rule-1"].Kind != waf.Count {
		t.Errorf("overrides %+v", last)
	}
}

func TestTheSetsOfASpecificationAreCurrent(t *testing.T) {
	h := newHarness(t)
	set := h.ipSet("set", "198.51.100.0/24")
	acl := h.webACL("acl", rule(1, ipSet(*set.ARN)))
	if got := h.decide(h.compile(*acl.ARN), "q=1"); got != waf.Allow {
		t.Errorf("an address that is not in the set is answered with %v", got)
	}
	fronttest.Must[*wafv2api.UpdateIPSetResponse](t)(h.admin().UpdateIPSet(t.Context(), &wafv2api.UpdateIPSetRequest{
		Name: set.Name, Scope: regional(), Id: set.Id, LockToken: set.LockToken, Addresses: []string{"192.0.2.0/24"},
	}))
	if got := h.decide(h.compile(*acl.ARN), "q=1"); got != waf.Block {
		t.Errorf("an address that is in the set is answered with %v", got)
	}
}
