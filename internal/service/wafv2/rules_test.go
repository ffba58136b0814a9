package wafv2

import (
	"strings"
	"testing"

	"fastness/internal/api/wafv2api"
	"fastness/internal/front/fronttest"
)

func TestRuleChecks(t *testing.T) {
	h := newHarness(t)
	set := h.ipSet("set")
	ours := h.ruleGroup("ours", 10, rule(1, bytesIn("x")))
	const (
		one       = "Error reason: You have used none or multiple values for a field that requires exactly one value."
		reference = "Error reason: A reference in your rule statement is not valid."
		minimum   = "Error reason: You haven't met a minimum requirement for a threshold setting."
		duplicate = "Error reason: Your request has duplicate values"
	)
	with := func(r wafv2api.Rule, change func(*wafv2api.Rule)) wafv2api.Rule {
		change(&r)
		return r
	}
	byteMatch := func(change func(*wafv2api.ByteMatchStatement)) *wafv2api.Statement {
		st := bytesIn("x")
		change(st.ByteMatchStatement)
		return st
	}
	rate := func(change func(*wafv2api.RateBasedStatement)) *wafv2api.Statement {
		st := &wafv2api.RateBasedStatement{Limit: new(int64(100)), AggregateKeyType: new(wafv2api.RateBasedStatementAggregateKeyTypeIP)}
		change(st)
		return &wafv2api.Statement{RateBasedStatement: st}
	}
	managed := func(change func(*wafv2api.ManagedRuleGroupStatement)) *wafv2api.Statement {
		m := &wafv2api.ManagedRuleGroupStatement{VendorName: new("AWS"), Name: new("AWSManagedRulesCommonRuleSet")}
		change(m)
		return &wafv2api.Statement{ManagedRuleGroupStatement: m}
	}
	atp := func(configs ...wafv2api.ManagedRuleGroupConfig) *wafv2api.Statement {
		return managed(func(m *wafv2api.ManagedRuleGroupStatement) {
			m.Name, m.ManagedRuleGroupConfigs = new("AWSManagedRulesATPRuleSet"), configs
		})
	}
	login := func(pointer string) wafv2api.ManagedRuleGroupConfig {
		return wafv2api.ManagedRuleGroupConfig{AWSManagedRulesATPRuleSet: &wafv2api.AWSManagedRulesATPRuleSet{
			LoginPath: new("/login"), RequestInspection: &wafv2api.RequestInspection{
				PayloadType: new(wafv2api.PayloadTypeJSON), UsernameField: &wafv2api.UsernameField{Identifier: &pointer}, PasswordField: &wafv2api.PasswordField{Identifier: new("/word")},
			},
		}}
	}
	ddos := func(usage wafv2api.UsageOfAction, overridden *wafv2api.RuleAction, exempt ...string) *wafv2api.Statement {
		return managed(func(m *wafv2api.ManagedRuleGroupStatement) {
			m.Name = new("AWSManagedRulesAntiDDoSRuleSet")
			c := &wafv2api.ClientSideAction{UsageOfAction: &usage}
			for _, text := range exempt {
				c.ExemptUriRegularExpressions = append(c.ExemptUriRegularExpressions, wafv2api.Regex{RegexString: new(text)})
			}
			m.ManagedRuleGroupConfigs = []wafv2api.ManagedRuleGroupConfig{{AWSManagedRulesAntiDDoSRuleSet: &wafv2api.AWSManagedRulesAntiDDoSRuleSet{
				ClientSideActionConfig: &wafv2api.ClientSideActionConfig{Challenge: c},
			}}}
			if overridden != nil {
				m.RuleActionOverrides = []wafv2api.RuleActionOverride{{Name: new("ChallengeAllDuringEvent"), ActionToUse: overridden}}
			}
		})
	}
	ip := wafv2api.RateBasedStatementCustomKey{IP: &wafv2api.RateLimitIP{}}
	method := wafv2api.RateBasedStatementCustomKey{HTTPMethod: &wafv2api.RateLimitHTTPMethod{}}
	custom := wafv2api.RateBasedStatementAggregateKeyTypeCustomKeys
	label := func(scope wafv2api.LabelMatchScope, key string) *wafv2api.Statement {
		return &wafv2api.Statement{LabelMatchStatement: &wafv2api.LabelMatchStatement{Scope: &scope, Key: &key}}
	}
	inBody := func(m *wafv2api.JsonMatchPattern) *wafv2api.Statement {
		return byteMatch(func(b *wafv2api.ByteMatchStatement) {
			b.FieldToMatch = &wafv2api.FieldToMatch{JsonBody: &wafv2api.JsonBody{MatchPattern: m, MatchScope: new(wafv2api.JsonMatchScopeAll)}}
		})
	}
	for _, c := range []struct {
		name  string
		rules []wafv2api.Rule
		want  string // beginning of the message, "" if there is no error
		place string // what else it has
	}{
		{"a plain rule", []wafv2api.Rule{rule(1, bytesIn("x"))}, "", ""},
		{"two rules of one priority", []wafv2api.Rule{rule(1, bytesIn("x")), with(rule(1, bytesIn("x")), func(r *wafv2api.Rule) { r.Name = new("other") })}, duplicate, "field: RULE, parameter: 1"},
		{"two rules of one name", []wafv2api.Rule{rule(1, bytesIn("x")), with(rule(1, bytesIn("x")), func(r *wafv2api.Rule) { r.Priority = new(int32(2)) })}, duplicate, "field: RULE, parameter: rule-1"},
		{"no action", []wafv2api.Rule{with(rule(1, bytesIn("x")), func(r *wafv2api.Rule) { r.Action = nil })}, one, "field: RULE, parameter: Rule"},
		{"both actions", []wafv2api.Rule{with(rule(1, bytesIn("x")), func(r *wafv2api.Rule) { r.OverrideAction = &wafv2api.OverrideAction{None: &wafv2api.NoneAction{}} })}, one, "field: RULE, parameter: Rule"},
		{"an action that is none", []wafv2api.Rule{with(rule(1, bytesIn("x")), func(r *wafv2api.Rule) { r.Action = &wafv2api.RuleAction{} })}, one, "field: RULE_ACTION"},
		{"two actions", []wafv2api.Rule{with(rule(1, bytesIn("x")), func(r *wafv2api.Rule) { r.Action.Count = &wafv2api.CountAction{} })}, one, "field: RULE_ACTION"},
		{"an override that is none", []wafv2api.Rule{with(group(1, groupOf(*ours.ARN)), func(r *wafv2api.Rule) { r.OverrideAction = &wafv2api.OverrideAction{} })}, one, "field: OVERRIDE_ACTION"},
		{"a reserved metric", []wafv2api.Rule{with(rule(1, bytesIn("x")), func(r *wafv2api.Rule) { r.VisibilityConfig = visible("All") })}, "Error reason:", "field: METRIC_NAME, parameter: All"},
		{"a challenge that is forgotten too soon", []wafv2api.Rule{with(rule(1, bytesIn("x")), func(r *wafv2api.Rule) {
			r.ChallengeConfig = &wafv2api.ChallengeConfig{ImmunityTimeProperty: &wafv2api.ImmunityTimeProperty{ImmunityTime: new(int64(299))}}
		})}, minimum, "field: CHALLENGE_CONFIG"},
		{"a reserved label", []wafv2api.Rule{with(rule(1, bytesIn("x")), func(r *wafv2api.Rule) { r.RuleLabels = []wafv2api.Label{{Name: new("a:awswaf:b")}} })}, "Error reason:", "field: RULE, parameter: a:awswaf:b"},
		{"a label that ends in a colon", []wafv2api.Rule{with(rule(1, bytesIn("x")), func(r *wafv2api.Rule) { r.RuleLabels = []wafv2api.Label{{Name: new("a:")}} })}, "Error reason:", "parameter: a:"},

		{"no statement", []wafv2api.Rule{rule(1, &wafv2api.Statement{})}, one, "field: STATEMENT, parameter: Statement"},
		{"two statements", []wafv2api.Rule{rule(1, &wafv2api.Statement{ByteMatchStatement: bytesIn("x").ByteMatchStatement, GeoMatchStatement: &wafv2api.GeoMatchStatement{}})}, one, "field: STATEMENT"},
		{"AND of one", []wafv2api.Rule{rule(1, &wafv2api.Statement{AndStatement: &wafv2api.AndStatement{Statements: []wafv2api.Statement{*bytesIn("x")}}})}, minimum, "field: AND_STATEMENT, parameter: AndStatement"},
		{"OR of one", []wafv2api.Rule{rule(1, &wafv2api.Statement{OrStatement: &wafv2api.OrStatement{Statements: []wafv2api.Statement{*bytesIn("x")}}})}, minimum, "field: OR_STATEMENT, parameter: OrStatement"},
		{"NOT", []wafv2api.Rule{rule(1, &wafv2api.Statement{NotStatement: &wafv2api.NotStatement{Statement: bytesIn("x")}})}, "", ""},
		{"no search string", []wafv2api.Rule{rule(1, bytesIn(""))}, minimum, "field: BYTE_MATCH_STATEMENT"},
		{"a long search string", []wafv2api.Rule{rule(1, bytesIn(strings.Repeat("x", 201)))}, "Error reason: You exceeded a maximum limit", "field: BYTE_MATCH_STATEMENT"},
		{"no component", []wafv2api.Rule{rule(1, byteMatch(func(b *wafv2api.ByteMatchStatement) { b.FieldToMatch = &wafv2api.FieldToMatch{} }))}, one, "field: FIELD_TO_MATCH, parameter: FieldToMatch"},
		{"two components", []wafv2api.Rule{rule(1, byteMatch(func(b *wafv2api.ByteMatchStatement) { b.FieldToMatch.UriPath = &wafv2api.UriPath{} }))}, one, "field: FIELD_TO_MATCH, parameter: FieldToMatch"},
		{"a transformation of the developer guide", []wafv2api.Rule{rule(1, byteMatch(func(b *wafv2api.ByteMatchStatement) { b.TextTransformations = transforms("SHA256", "TRIM") }))}, "", ""},
		{"an unknown transformation", []wafv2api.Rule{rule(1, byteMatch(func(b *wafv2api.ByteMatchStatement) { b.TextTransformations = transforms("ROT13") }))}, "Error reason:", "field: TEXT_TRANSFORMATION, parameter: ROT13"},
		{"two transformations of one priority", []wafv2api.Rule{rule(1, byteMatch(func(b *wafv2api.ByteMatchStatement) {
			b.TextTransformations = transforms("LOWERCASE", "TRIM")
			b.TextTransformations[1].Priority = new(int32(0))
		}))}, duplicate, "field: TEXT_TRANSFORMATION, parameter: 0"},
		{"eleven transformations", []wafv2api.Rule{rule(1, byteMatch(func(b *wafv2api.ByteMatchStatement) {
			b.TextTransformations = transforms("TRIM", "TRIM", "TRIM", "TRIM", "TRIM", "TRIM", "TRIM", "TRIM", "TRIM", "TRIM", "TRIM")
		}))}, "Error reason: You exceeded a maximum limit", "field: TEXT_TRANSFORMATION"},
		{"JSON body, no pattern", []wafv2api.Rule{rule(1, inBody(&wafv2api.JsonMatchPattern{}))}, one, "field: JSON_MATCH_PATTERN"},
		{"JSON body, two patterns", []wafv2api.Rule{rule(1, inBody(&wafv2api.JsonMatchPattern{All: &wafv2api.All{}, IncludedPaths: []string{"/a"}}))}, one, "field: JSON_MATCH_PATTERN"},
		{"JSON body", []wafv2api.Rule{rule(1, inBody(&wafv2api.JsonMatchPattern{IncludedPaths: []string{"/a"}}))}, "", ""},
		{"headers, no pattern", []wafv2api.Rule{rule(1, byteMatch(func(b *wafv2api.ByteMatchStatement) {
			b.FieldToMatch = &wafv2api.FieldToMatch{Headers: &wafv2api.Headers{MatchPattern: &wafv2api.HeaderMatchPattern{}, MatchScope: new(wafv2api.MapMatchScopeAll), OversizeHandling: new(wafv2api.OversizeHandlingContinue)}}
		}))}, one, "field: HEADER_MATCH_PATTERN"},
		{"cookies, two patterns", []wafv2api.Rule{rule(1, byteMatch(func(b *wafv2api.ByteMatchStatement) {
			b.FieldToMatch = &wafv2api.FieldToMatch{Cookies: &wafv2api.Cookies{MatchPattern: &wafv2api.CookieMatchPattern{IncludedCookies: []string{"a"}, ExcludedCookies: []string{"b"}}, MatchScope: new(wafv2api.MapMatchScopeAll), OversizeHandling: new(wafv2api.OversizeHandlingContinue)}}
		}))}, one, "field: COOKIE_MATCH_PATTERN"},
		{"no country", []wafv2api.Rule{rule(1, &wafv2api.Statement{GeoMatchStatement: &wafv2api.GeoMatchStatement{}})}, minimum, "field: GEO_MATCH_STATEMENT"},
		{"a bad expression", []wafv2api.Rule{rule(1, &wafv2api.Statement{RegexMatchStatement: &wafv2api.RegexMatchStatement{RegexString: new("(a"), FieldToMatch: query(), TextTransformations: transforms("NONE")}})}, "Error reason: The parameter contains formatting that is not valid.", "parameter: (a"},
		{"a backreference", []wafv2api.Rule{rule(1, &wafv2api.Statement{RegexMatchStatement: &wafv2api.RegexMatchStatement{RegexString: new(`(a)\1`), FieldToMatch: query(), TextTransformations: transforms("NONE")}})}, "Error reason: The parameter contains formatting that is not valid.", ""},
		{"a label", []wafv2api.Rule{rule(1, label("LABEL", "a:b"))}, "", ""},
		{"a label that is a namespace", []wafv2api.Rule{rule(1, label("LABEL", "a:b:"))}, "Error reason:", "field: LABEL_MATCH_STATEMENT"},
		{"a namespace that is a label", []wafv2api.Rule{rule(1, label("NAMESPACE", "a:b"))}, "Error reason:", "field: LABEL_MATCH_STATEMENT"},

		{"an IP set that is none", []wafv2api.Rule{rule(1, ipSet(*ours.ARN))}, reference, "field: IP_SET_REFERENCE_STATEMENT"},
		{"no ARN", []wafv2api.Rule{rule(1, ipSet("this is not an ARN at all"))}, "Error reason: The ARN isn't valid.", "field: RESOURCE_ARN, parameter: this is not an ARN at all"},
		{"a rule group with an action", []wafv2api.Rule{rule(1, groupOf(*ours.ARN))}, reference, "field: RULE, parameter: Statement"},
		{"a match with an override", []wafv2api.Rule{group(1, bytesIn("x"))}, reference, "field: RULE, parameter: Statement"},
		{"a rule group in a statement", []wafv2api.Rule{rule(1, &wafv2api.Statement{NotStatement: &wafv2api.NotStatement{Statement: groupOf(*ours.ARN)}})}, reference, "field: RULE_GROUP_REFERENCE_STATEMENT, parameter: RuleGroupReferenceStatement"},
		{"a rate in a statement", []wafv2api.Rule{rule(1, &wafv2api.Statement{NotStatement: &wafv2api.NotStatement{Statement: rate(func(*wafv2api.RateBasedStatement) {})}})}, reference, "field: RATE_BASED_STATEMENT, parameter: RateBasedStatement"},
		{"an override of an unknown rule", []wafv2api.Rule{group(1, &wafv2api.Statement{RuleGroupReferenceStatement: &wafv2api.RuleGroupReferenceStatement{ARN: ours.ARN, RuleActionOverrides: []wafv2api.RuleActionOverride{{Name: new("none"), ActionToUse: blocking()}}}})}, reference, "field: EXCLUDED_RULE, parameter: none"},
		{"an override", []wafv2api.Rule{group(1, &wafv2api.Statement{RuleGroupReferenceStatement: &wafv2api.RuleGroupReferenceStatement{ARN: ours.ARN, RuleActionOverrides: []wafv2api.RuleActionOverride{{Name: new("rule-1"), ActionToUse: blocking()}}}})}, "", ""},

		{"a rate", []wafv2api.Rule{rule(1, rate(func(*wafv2api.RateBasedStatement) {}))}, "", ""},
		{"a strange window", []wafv2api.Rule{rule(1, rate(func(r *wafv2api.RateBasedStatement) { r.EvaluationWindowSec = new(int64(90)) }))}, "Error reason:", "field: RATE_BASED_STATEMENT, parameter: 90"},
		{"forwarded without a header", []wafv2api.Rule{rule(1, rate(func(r *wafv2api.RateBasedStatement) {
			r.AggregateKeyType = new(wafv2api.RateBasedStatementAggregateKeyTypeForwardedIP)
		}))}, one, "field: FORWARDED_IP_CONFIG"},
		{"a header without forwarded", []wafv2api.Rule{rule(1, rate(func(r *wafv2api.RateBasedStatement) {
			r.ForwardedIPConfig = &wafv2api.ForwardedIPConfig{HeaderName: new("X-Forwarded-For"), FallbackBehavior: new(wafv2api.FallbackBehaviorMatch)}
		}))}, one, "field: FORWARDED_IP_CONFIG"},
		{"custom keys without keys", []wafv2api.Rule{rule(1, rate(func(r *wafv2api.RateBasedStatement) { r.AggregateKeyType = &custom }))}, one, "field: CUSTOM_KEYS"},
		{"keys without custom keys", []wafv2api.Rule{rule(1, rate(func(r *wafv2api.RateBasedStatement) { r.CustomKeys = []wafv2api.RateBasedStatementCustomKey{method} }))}, one, "field: CUSTOM_KEYS"},
		{"the address alone", []wafv2api.Rule{rule(1, rate(func(r *wafv2api.RateBasedStatement) {
			r.AggregateKeyType, r.CustomKeys = &custom, []wafv2api.RateBasedStatementCustomKey{ip}
		}))}, "Error reason: The combination", "field: CUSTOM_KEYS"},
		{"the address and the method", []wafv2api.Rule{rule(1, rate(func(r *wafv2api.RateBasedStatement) {
			r.AggregateKeyType, r.CustomKeys = &custom, []wafv2api.RateBasedStatementCustomKey{ip, method}
		}))}, "", ""},
		{"an empty key", []wafv2api.Rule{rule(1, rate(func(r *wafv2api.RateBasedStatement) {
			r.AggregateKeyType, r.CustomKeys = &custom, []wafv2api.RateBasedStatementCustomKey{{}}
		}))}, one, "field: CUSTOM_KEYS"},
		{"all requests, not narrowed", []wafv2api.Rule{rule(1, rate(func(r *wafv2api.RateBasedStatement) {
			r.AggregateKeyType = new(wafv2api.RateBasedStatementAggregateKeyTypeConstant)
		}))}, one, "field: SCOPE_DOWN"},
		{"narrowed by a rate", []wafv2api.Rule{rule(1, rate(func(r *wafv2api.RateBasedStatement) {
			r.ScopeDownStatement = rate(func(*wafv2api.RateBasedStatement) {})
		}))}, reference, "field: RATE_BASED_STATEMENT"},

		{"a managed group", []wafv2api.Rule{group(1, managed(func(*wafv2api.ManagedRuleGroupStatement) {}))}, "", ""},
		{"a managed group with an action", []wafv2api.Rule{rule(1, managed(func(*wafv2api.ManagedRuleGroupStatement) {}))}, reference, "field: RULE, parameter: Statement"},
		{"a version", []wafv2api.Rule{group(1, managed(func(m *wafv2api.ManagedRuleGroupStatement) {
			m.Version = new("Version_1.2")
			m.ExcludedRules = []wafv2api.ExcludedRule{{Name: new("GenericLFI_BODY")}}
		}))}, "", ""},
		{"a rule that another version has", []wafv2api.Rule{group(1, managed(func(m *wafv2api.ManagedRuleGroupStatement) {
			m.ExcludedRules = []wafv2api.ExcludedRule{{Name: new("GenericLFI_BODY")}}
		}))}, reference, "field: EXCLUDED_RULE, parameter: GenericLFI_BODY"},
		{"account takeover prevention", []wafv2api.Rule{group(1, atp(wafv2api.ManagedRuleGroupConfig{AWSManagedRulesATPRuleSet: &wafv2api.AWSManagedRulesATPRuleSet{LoginPath: new("/login")}}))}, "", ""},
		{"without configuration", []wafv2api.Rule{group(1, atp())}, minimum, "field: MANAGED_RULE_GROUP_CONFIG"},
		{"with that of another group", []wafv2api.Rule{group(1, atp(wafv2api.ManagedRuleGroupConfig{AWSManagedRulesBotControlRuleSet: &wafv2api.AWSManagedRulesBotControlRuleSet{InspectionLevel: new(wafv2api.InspectionLevelCommon)}}))}, "Error reason: The combination", "field: MANAGED_RULE_GROUP_CONFIG, parameter: AWSManagedRulesBotControlRuleSet"},
		{"judged by nothing", []wafv2api.Rule{group(1, atp(wafv2api.ManagedRuleGroupConfig{AWSManagedRulesATPRuleSet: &wafv2api.AWSManagedRulesATPRuleSet{LoginPath: new("/login"), ResponseInspection: &wafv2api.ResponseInspection{}}}))}, one, "field: ATP_RULE_SET_RESPONSE_INSPECTION"},
		{"credentials at pointers", []wafv2api.Rule{group(1, atp(login("/user")))}, "", ""},
		{"credentials at no pointer", []wafv2api.Rule{group(1, atp(login("user")))}, "Error reason: The parameter contains formatting", "field: MANAGED_RULE_GROUP_CONFIG, parameter: user"},
		{"floods", []wafv2api.Rule{group(1, ddos(wafv2api.UsageOfActionEnabled, &wafv2api.RuleAction{Count: &wafv2api.CountAction{}}, `\\/api\\/`))}, "", ""},
		{"floods without challenges", []wafv2api.Rule{group(1, ddos(wafv2api.UsageOfActionDisabled, nil))}, "", ""},
		{"challenges for every URI", []wafv2api.Rule{group(1, ddos(wafv2api.UsageOfActionEnabled, nil))}, minimum, "parameter: ExemptUriRegularExpressions"},
		{"blocks instead of challenges for all", []wafv2api.Rule{group(1, ddos(wafv2api.UsageOfActionEnabled, &wafv2api.RuleAction{Block: &wafv2api.BlockAction{}}, "a"))}, "Error reason: The combination", "parameter: ChallengeAllDuringEvent"},
		{"an IP set", []wafv2api.Rule{rule(1, ipSet(*set.ARN))}, "", ""},
	} {
		_, err := h.admin().CheckCapacity(t.Context(), &wafv2api.CheckCapacityRequest{Scope: regional(), Rules: c.rules})
		got := strings.TrimPrefix(fronttest.Text(err), "WAFInvalidParameterException: ")
		if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) || !strings.Contains(got, c.place) {
			t.Errorf("%s: %q, want %q … %q", c.name, got, c.want, c.place)
		}
	}
}

func TestRulesOfNoGroup(t *testing.T) {
	h := newHarness(t)
	managed := func(name, version string) error {
		m := &wafv2api.ManagedRuleGroupStatement{VendorName: new("AWS"), Name: &name}
		if version != "" {
			m.Version = &version
		}
		_, err := h.tryWebACL("managed", group(1, &wafv2api.Statement{ManagedRuleGroupStatement: m}))
		return err
	}
	fronttest.Wants(t, managed("AWSManagedRulesNone", ""), "WAFNonexistentItemException")
	fronttest.Wants(t, managed("AWSManagedRulesCommonRuleSet", "Version_9"), "WAFNonexistentItemException")
	fronttest.Wants(t, managed("AWSManagedRulesCommonRuleSet", "Version_1.0"), "WAFExpiredManagedRuleGroupVersionException")
	fronttest.Wants(t, managed("AWSManagedRulesATPRuleSet", "Version_1.0"), "WAFNonexistentItemException")

	// Rule groups hold no rule groups.
	_, err := h.admin().CreateRuleGroup(t.Context(), &wafv2api.CreateRuleGroupRequest{
		Name: new("nested"), Scope: regional(), Capacity: new(int64(100)), VisibilityConfig: visible("nested"),
		Rules: []wafv2api.Rule{group(1, &wafv2api.Statement{ManagedRuleGroupStatement: &wafv2api.ManagedRuleGroupStatement{VendorName: new("AWS"), Name: new("AWSManagedRulesCommonRuleSet")}})},
	})
	fronttest.Wants(t, err, "WAFInvalidParameterException: Error reason: A reference in your rule statement is not valid., field: MANAGED_RULE_SET_STATEMENT")
	_, err = h.tryWebACL("x", rule(1, ipSet("arn:aws:wafv2:us-east-1:111122223333:regional/ipset/none/01234567-89ab-cdef-0123-456789abcdef")))
	fronttest.Wants(t, err, "WAFNonexistentItemException")
}

func TestCapacityOfAWebACL(t *testing.T) {
	h := newHarness(t)
	var rules []wafv2api.Rule
	for i := range 126 {
		rules = append(rules, rule(int32(i), &wafv2api.Statement{XssMatchStatement: &wafv2api.XssMatchStatement{FieldToMatch: query(), TextTransformations: transforms("NONE")}}))
	}
	_, err := h.tryWebACL("big", rules...)
	fronttest.Wants(t, err, "WAFInvalidParameterException: Error reason: You exceeded the capacity limit for a rule group or web ACL., field: WEB_ACL, parameter: 5040")
	h.webACL("big", rules[:125]...)
	out := fronttest.Must[*wafv2api.CheckCapacityResponse](t)(h.admin().CheckCapacity(t.Context(), &wafv2api.CheckCapacityRequest{Scope: regional(), Rules: rules[:2]}))
	if *out.Capacity != 80 {
		t.Errorf("capacity %d", *out.Capacity)
	}
}

func TestRateRulesAndReferencesAreLimited(t *testing.T) {
	h := newHarness(t)
	var rules []wafv2api.Rule
	for i := range 11 {
		rules = append(rules, rule(int32(i), &wafv2api.Statement{RateBasedStatement: &wafv2api.RateBasedStatement{Limit: new(int64(100)), AggregateKeyType: new(wafv2api.RateBasedStatementAggregateKeyTypeIP)}}))
	}
	_, err := h.tryWebACL("rates", rules...)
	fronttest.Wants(t, err, "WAFLimitsExceededException")
	h.webACL("rates", rules[:10]...)
	_, err = h.admin().CreateRuleGroup(t.Context(), &wafv2api.CreateRuleGroupRequest{Name: new("rates"), Scope: regional(), Capacity: new(int64(100)), VisibilityConfig: visible("r"), Rules: rules[:5]})
	fronttest.Wants(t, err, "WAFLimitsExceededException")
	h.ruleGroup("rates", 100, rules[:4]...)
	// What AWS answers where the window was left out.
	g := fronttest.Must[*wafv2api.ListRuleGroupsResponse](t)(h.admin().ListRuleGroups(t.Context(), &wafv2api.ListRuleGroupsRequest{Scope: regional()}))
	got := fronttest.Must[*wafv2api.GetRuleGroupResponse](t)(h.admin().GetRuleGroup(t.Context(), &wafv2api.GetRuleGroupRequest{ARN: g.RuleGroups[0].ARN}))
	if w := got.RuleGroup.Rules[0].Statement.RateBasedStatement.EvaluationWindowSec; w == nil || *w != 300 {
		t.Errorf("the window is %v", w)
	}
}

func TestCustomResponses(t *testing.T) {
	h := newHarness(t)
	try := func(bodies map[string]wafv2api.CustomResponseBody, r *wafv2api.CustomResponse) error {
		one := rule(1, bytesIn("x"))
		one.Action.Block.CustomResponse = r
		_, err := h.admin().CreateWebACL(t.Context(), &wafv2api.CreateWebACLRequest{
			Name: new("custom"), Scope: regional(), DefaultAction: allowing(), VisibilityConfig: visible("custom"), Rules: []wafv2api.Rule{one}, CustomResponseBodies: bodies,
		})
		return err
	}
	page := wafv2api.CustomResponseBody{ContentType: new(wafv2api.ResponseContentTypeTextPlain), Content: new("no")}
	bodies := map[string]wafv2api.CustomResponseBody{"no": page}
	twice := []wafv2api.CustomHTTPHeader{{Name: new("X-A"), Value: new("1")}, {Name: new("x-a"), Value: new("2")}}
	fronttest.Wants(t, try(nil, &wafv2api.CustomResponse{ResponseCode: new(int32(418))}), "WAFInvalidParameterException: Error reason: The value isn't one of those that are allowed for the setting., field: CUSTOM_RESPONSE")
	fronttest.Wants(t, try(nil, &wafv2api.CustomResponse{ResponseCode: new(int32(403)), CustomResponseBodyKey: new("no")}), "WAFInvalidParameterException: Error reason: A reference in your rule statement is not valid., field: CUSTOM_RESPONSE_BODY, parameter: no")
	fronttest.Wants(t, try(bodies, &wafv2api.CustomResponse{ResponseCode: new(int32(403)), ResponseHeaders: twice}), "WAFInvalidParameterException: Error reason: Your request has duplicate values")
	many := make(map[string]wafv2api.CustomResponseBody)
	for i := range 51 {
		many[strings.Repeat("k", i+1)] = page
	}
	fronttest.Wants(t, try(many, nil), "WAFLimitsExceededException")
	fronttest.Wants(t, try(bodies, &wafv2api.CustomResponse{ResponseCode: new(int32(429)), CustomResponseBodyKey: new("no")}), "")
}

func TestTokenDomainsAndWhatElseAWebACLHas(t *testing.T) {
	h := newHarness(t)
	try := func(change func(*wafv2api.CreateWebACLRequest)) error {
		in := &wafv2api.CreateWebACLRequest{Name: new(strings.Repeat("x", h.published+1)), Scope: regional(), DefaultAction: allowing(), VisibilityConfig: visible("x")}
		change(in)
		_, err := h.admin().CreateWebACL(t.Context(), in)
		return err
	}
	domains := func(list ...string) func(*wafv2api.CreateWebACLRequest) {
		return func(in *wafv2api.CreateWebACLRequest) { in.TokenDomains = list }
	}
	protect := func(field wafv2api.FieldToProtectType, keys ...string) func(*wafv2api.CreateWebACLRequest) {
		return func(in *wafv2api.CreateWebACLRequest) {
			in.DataProtectionConfig = &wafv2api.DataProtectionConfig{DataProtections: []wafv2api.DataProtection{{
				Field: &wafv2api.FieldToProtect{FieldType: &field, FieldKeys: keys}, Action: new(wafv2api.DataProtectionActionHash),
			}}}
		}
	}
	fronttest.Wants(t, try(domains("example.com", "shop.example.org")), "")
	fronttest.Wants(t, try(domains("co.uk")), "WAFInvalidParameterException: Error reason: The value isn't one of those that are allowed for the setting., field: TOKEN_DOMAIN, parameter: co.uk")
	fronttest.Wants(t, try(domains("gov.au")), "WAFInvalidParameterException")
	fronttest.Wants(t, try(domains("a.example.com", "A.example.com")), "WAFInvalidParameterException")
	fronttest.Wants(t, try(domains("a.com", "b.com", "c.com", "d.com", "e.com", "f.com", "g.com", "h.com", "i.com", "j.com", "k.com")), "WAFLimitsExceededException")
	fronttest.Wants(t, try(protect("SINGLE_HEADER", "authorization")), "")
	fronttest.Wants(t, try(protect("BODY", "x")), "WAFInvalidParameterException: Error reason: The combination of settings is not valid., field: DATA_PROTECTION_CONFIG, parameter: BODY")
	fronttest.Wants(t, try(protect("SINGLE_COOKIE", "a", "A")), "WAFInvalidParameterException")
	fronttest.Wants(t, try(func(in *wafv2api.CreateWebACLRequest) {
		in.AssociationConfig = &wafv2api.AssociationConfig{RequestBody: map[wafv2api.AssociatedResourceType]wafv2api.RequestBodyAssociatedResourceTypeConfig{
			wafv2api.AssociatedResourceTypeCloudfront: {DefaultSizeInspectionLimit: new(wafv2api.SizeInspectionLimit("KB_32"))},
		}}
	}), "WAFInvalidParameterException: Error reason: The combination of settings is not valid., field: ASSOCIATED_RESOURCE_TYPE, parameter: CLOUDFRONT")
	fronttest.Wants(t, try(func(in *wafv2api.CreateWebACLRequest) { in.DefaultAction = &wafv2api.DefaultAction{} }), "WAFInvalidParameterException: Error reason: You have used none or multiple values for a field that requires exactly one value., field: DEFAULT_ACTION")
}
