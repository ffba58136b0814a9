package wafv2

import (
	"testing"

	"fastness/internal/api/wafv2api"
)

// known stands for what rules refer to.
type known struct{}

func (known) ruleGroupCapacity(string) int64                     { return 77 }
func (known) managedCapacity(_, _, version string) int64         { return map[string]int64{"": 700}[version] }
func componentOf(f wafv2api.FieldToMatch) *wafv2api.FieldToMatch { return &f }

// Every line of the pages of the rule statements in the AWS WAF Developer Guide.
func TestCapacity(t *testing.T) {
	const (
		none  = wafv2api.TextTransformationTypeNone
		lower = wafv2api.TextTransformationTypeLowercase
		url   = wafv2api.TextTransformationTypeURLDecode
	)
	match := func(p wafv2api.PositionalConstraint, f *wafv2api.FieldToMatch, kinds ...wafv2api.TextTransformationType) wafv2api.Statement {
		return wafv2api.Statement{ByteMatchStatement: &wafv2api.ByteMatchStatement{
			SearchString: []byte("x"), FieldToMatch: f, TextTransformations: transforms(kinds...), PositionalConstraint: &p,
		}}
	}
	allArgs := componentOf(wafv2api.FieldToMatch{AllQueryArguments: &wafv2api.AllQueryArguments{}})
	json := componentOf(wafv2api.FieldToMatch{JsonBody: &wafv2api.JsonBody{MatchPattern: &wafv2api.JsonMatchPattern{All: &wafv2api.All{}}, MatchScope: new(wafv2api.JsonMatchScopeAll)}})
	path := componentOf(wafv2api.FieldToMatch{UriPath: &wafv2api.UriPath{}})
	header := func(name string) *wafv2api.FieldToMatch {
		return componentOf(wafv2api.FieldToMatch{SingleHeader: &wafv2api.SingleHeader{Name: &name}})
	}
	regex := func(f *wafv2api.FieldToMatch, kinds ...wafv2api.TextTransformationType) wafv2api.Statement {
		return wafv2api.Statement{RegexMatchStatement: &wafv2api.RegexMatchStatement{RegexString: new("x"), FieldToMatch: f, TextTransformations: transforms(kinds...)}}
	}
	regexSet := func(f *wafv2api.FieldToMatch, kinds ...wafv2api.TextTransformationType) wafv2api.Statement {
		return wafv2api.Statement{RegexPatternSetReferenceStatement: &wafv2api.RegexPatternSetReferenceStatement{FieldToMatch: f, TextTransformations: transforms(kinds...)}}
	}
	size := func(f *wafv2api.FieldToMatch, kinds ...wafv2api.TextTransformationType) wafv2api.Statement {
		return wafv2api.Statement{SizeConstraintStatement: &wafv2api.SizeConstraintStatement{FieldToMatch: f, TextTransformations: transforms(kinds...)}}
	}
	sqli := func(level *wafv2api.SensitivityLevel, f *wafv2api.FieldToMatch, kinds ...wafv2api.TextTransformationType) wafv2api.Statement {
		return wafv2api.Statement{SqliMatchStatement: &wafv2api.SqliMatchStatement{FieldToMatch: f, TextTransformations: transforms(kinds...), SensitivityLevel: level}}
	}
	xss := func(f *wafv2api.FieldToMatch, kinds ...wafv2api.TextTransformationType) wafv2api.Statement {
		return wafv2api.Statement{XssMatchStatement: &wafv2api.XssMatchStatement{FieldToMatch: f, TextTransformations: transforms(kinds...)}}
	}
	geo := wafv2api.Statement{GeoMatchStatement: &wafv2api.GeoMatchStatement{}}
	label := wafv2api.Statement{LabelMatchStatement: &wafv2api.LabelMatchStatement{}}
	forwarded := func(p wafv2api.ForwardedIPPosition) wafv2api.Statement {
		return wafv2api.Statement{IPSetReferenceStatement: &wafv2api.IPSetReferenceStatement{IPSetForwardedIPConfig: &wafv2api.IPSetForwardedIPConfig{Position: &p}}}
	}
	rate := func(keys int, down *wafv2api.Statement) wafv2api.Statement {
		return wafv2api.Statement{RateBasedStatement: &wafv2api.RateBasedStatement{CustomKeys: make([]wafv2api.RateBasedStatementCustomKey, keys), ScopeDownStatement: down}}
	}
	for _, c := range []struct {
		name string
		want int64
		of   []wafv2api.Statement
	}{
		{"no rules", 0, nil},
		{"exactly", 2, []wafv2api.Statement{match(wafv2api.PositionalConstraintExactly, path, none)}},
		{"starts with", 2, []wafv2api.Statement{match(wafv2api.PositionalConstraintStartsWith, path, none)}},
		{"ends with", 2, []wafv2api.Statement{match(wafv2api.PositionalConstraintEndsWith, path, none)}},
		{"contains", 10, []wafv2api.Statement{match(wafv2api.PositionalConstraintContains, path, none)}},
		{"contains word", 10, []wafv2api.Statement{match(wafv2api.PositionalConstraintContainsWord, path, none)}},
		{"contains, one transformation", 20, []wafv2api.Statement{match(wafv2api.PositionalConstraintContains, path, lower)}},
		{"contains, two transformations", 30, []wafv2api.Statement{match(wafv2api.PositionalConstraintContains, path, url, lower)}},
		{"contains in all query arguments", 20, []wafv2api.Statement{match(wafv2api.PositionalConstraintContains, allArgs, none)}},
		{"contains in a JSON body", 20, []wafv2api.Statement{match(wafv2api.PositionalConstraintContains, json, none)}},
		{"a JSON body doubles the base alone", 30, []wafv2api.Statement{match(wafv2api.PositionalConstraintContains, json, lower)}},
		{"regex", 3, []wafv2api.Statement{regex(path, none)}},
		{"regex in a JSON body", 6, []wafv2api.Statement{regex(json, none)}},
		{"regex in all query arguments, transformed", 23, []wafv2api.Statement{regex(allArgs, lower)}},
		{"regex pattern set", 25, []wafv2api.Statement{regexSet(path, none)}},
		{"regex pattern set in a JSON body", 50, []wafv2api.Statement{regexSet(json, none)}},
		{"regex pattern set in all query arguments", 35, []wafv2api.Statement{regexSet(allArgs, none)}},
		{"size", 1, []wafv2api.Statement{size(path, none)}},
		{"size in a JSON body, transformed", 12, []wafv2api.Statement{size(json, lower)}},
		{"SQL injection, the default sensitivity", 20, []wafv2api.Statement{sqli(nil, path, none)}},
		{"SQL injection, low", 20, []wafv2api.Statement{sqli(new(wafv2api.SensitivityLevelLow), path, none)}},
		{"SQL injection, high", 30, []wafv2api.Statement{sqli(new(wafv2api.SensitivityLevelHigh), path, none)}},
		{"SQL injection, high, all query arguments, two transformations", 60, []wafv2api.Statement{sqli(new(wafv2api.SensitivityLevelHigh), allArgs, url, lower)}},
		{"scripts", 40, []wafv2api.Statement{xss(path, none)}},
		{"scripts in a JSON body", 80, []wafv2api.Statement{xss(json, none)}},
		{"places", 1, []wafv2api.Statement{geo}},
		{"networks", 1, []wafv2api.Statement{{AsnMatchStatement: &wafv2api.AsnMatchStatement{}}}},
		{"labels", 1, []wafv2api.Statement{label}},
		{"IP set", 1, []wafv2api.Statement{*ipSet("x")}},
		{"IP set, first forwarded address", 1, []wafv2api.Statement{forwarded(wafv2api.ForwardedIPPositionFirst)}},
		{"IP set, any forwarded address", 5, []wafv2api.Statement{forwarded(wafv2api.ForwardedIPPositionAny)}},
		{"rate", 2, []wafv2api.Statement{rate(0, nil)}},
		{"rate with custom keys", 62, []wafv2api.Statement{rate(2, nil)}},
		{"rate, narrowed", 13, []wafv2api.Statement{rate(0, new(wafv2api.Statement{OrStatement: &wafv2api.OrStatement{Statements: []wafv2api.Statement{geo, match(wafv2api.PositionalConstraintContains, path, none)}}}))}},
		{"and", 2, []wafv2api.Statement{{AndStatement: &wafv2api.AndStatement{Statements: []wafv2api.Statement{geo, label}}}}},
		{"or", 41, []wafv2api.Statement{{OrStatement: &wafv2api.OrStatement{Statements: []wafv2api.Statement{geo, xss(path, none)}}}}},
		{"not", 3, []wafv2api.Statement{{NotStatement: &wafv2api.NotStatement{Statement: new(regex(path, none))}}}},
		{"rule group", 77, []wafv2api.Statement{*groupOf("x")}},
		{"managed rule group, narrowed", 701, []wafv2api.Statement{{ManagedRuleGroupStatement: &wafv2api.ManagedRuleGroupStatement{ScopeDownStatement: &geo}}}},
		// A transformation of a component costs once for all rules.
		{"the same transformation twice", 30, []wafv2api.Statement{
			match(wafv2api.PositionalConstraintContains, path, lower), match(wafv2api.PositionalConstraintContains, path, lower),
		}},
		{"the same transformation of two components", 40, []wafv2api.Statement{
			match(wafv2api.PositionalConstraintContains, path, lower), match(wafv2api.PositionalConstraintContains, query(), lower),
		}},
		{"the same transformation of two headers", 40, []wafv2api.Statement{
			match(wafv2api.PositionalConstraintContains, header("a"), lower), match(wafv2api.PositionalConstraintContains, header("b"), lower),
		}},
		{"the same header in another spelling", 30, []wafv2api.Statement{
			match(wafv2api.PositionalConstraintContains, header("Host"), lower), match(wafv2api.PositionalConstraintContains, header("host"), lower),
		}},
		{"shared within one rule", 16, []wafv2api.Statement{{OrStatement: &wafv2api.OrStatement{Statements: []wafv2api.Statement{regex(path, lower), regex(path, lower)}}}}},
	} {
		var rules []wafv2api.Rule
		for i := range c.of {
			rules = append(rules, rule(int32(i), &c.of[i]))
		}
		if got := capacityOf(rules, known{}); got != c.want {
			t.Errorf("%s: %d WCU, want %d", c.name, got, c.want)
		}
	}
}
