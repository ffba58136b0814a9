package wafv2

import (
	"strings"

	"fastness/internal/api/wafv2api"
)

// The costs of statements in web ACL capacity units (AWS WAF Developer Guide, the pages of the
// rule statements and "Web ACL capacity units (WCUs) in AWS WAF").
const (
	costAnchored   = 2  // string match: exactly, starts with, ends with
	costContains   = 10 // string match: contains, contains word
	costRegex      = 3
	costRegexSet   = 25
	costSize       = 1
	costSQLiLow    = 20
	costSQLiHigh   = 30
	costXSS        = 40
	costGeo        = 1
	costASN        = 1
	costLabel      = 1
	costIPSet      = 1
	costIPSetAny   = 5 // forwarded addresses, any position
	costRate       = 2
	costCustomKey  = 30
	costAllArgs    = 10 // added for the component all query arguments
	costTransform  = 10 // for each transformation of a component, once
	costPreParse   = 10 // for each transformation before the query is split, in each statement
	jsonBodyFactor = 2  // multiplies the base cost for the component JSON body
)

// referenced is what rules refer to and cost as a whole.
type referenced interface {
	// ruleGroupCapacity is the capacity of a rule group, 0 if there is none.
	ruleGroupCapacity(arn string) int64
	// managedCapacity is the capacity of a version of a managed rule group, 0 if there is none.
	managedCapacity(vendor, name, version string) int64
}

// capacityOf is what rules need together. A text transformation costs once for each
// component that it is applied to, however many statements of the rules apply it.
func capacityOf(rules []wafv2api.Rule, refs referenced) int64 {
	t := tally{refs: refs, transformed: make(map[string]struct{})}
	for i := range rules {
		t.statement(rules[i].Statement)
	}
	return t.sum
}

// tally adds up what statements need.
type tally struct {
	refs referenced
	sum  int64
	// transformed are the transformations that have been counted, each with its component.
	transformed map[string]struct{}
}

func (t *tally) statement(s *wafv2api.Statement) {
	if s == nil {
		return
	}
	switch {
	case s.ByteMatchStatement != nil:
		b := s.ByteMatchStatement
		base := int64(costAnchored)
		if p := value(b.PositionalConstraint); p == wafv2api.PositionalConstraintContains || p == wafv2api.PositionalConstraintContainsWord {
			base = costContains
		}
		t.match(base, b.FieldToMatch, b.TextTransformations, b.PreParseTextTransformations)
	case s.RegexMatchStatement != nil:
		t.match(costRegex, s.RegexMatchStatement.FieldToMatch, s.RegexMatchStatement.TextTransformations, s.RegexMatchStatement.PreParseTextTransformations)
	case s.RegexPatternSetReferenceStatement != nil:
		r := s.RegexPatternSetReferenceStatement
		t.match(costRegexSet, r.FieldToMatch, r.TextTransformations, r.PreParseTextTransformations)
	case s.SizeConstraintStatement != nil:
		t.match(costSize, s.SizeConstraintStatement.FieldToMatch, s.SizeConstraintStatement.TextTransformations, s.SizeConstraintStatement.PreParseTextTransformations)
	case s.SqliMatchStatement != nil:
		base := int64(costSQLiLow)
		if value(s.SqliMatchStatement.SensitivityLevel) == wafv2api.SensitivityLevelHigh {
			base = costSQLiHigh
		}
		t.match(base, s.SqliMatchStatement.FieldToMatch, s.SqliMatchStatement.TextTransformations, s.SqliMatchStatement.PreParseTextTransformations)
	case s.XssMatchStatement != nil:
		t.match(costXSS, s.XssMatchStatement.FieldToMatch, s.XssMatchStatement.TextTransformations, s.XssMatchStatement.PreParseTextTransformations)
	case s.GeoMatchStatement != nil:
		t.sum += costGeo
	case s.AsnMatchStatement != nil:
		t.sum += costASN
	case s.LabelMatchStatement != nil:
		t.sum += costLabel
	case s.IPSetReferenceStatement != nil:
		t.sum += costIPSet
		if f := s.IPSetReferenceStatement.IPSetForwardedIPConfig; f != nil && value(f.Position) == wafv2api.ForwardedIPPositionAny {
			t.sum += costIPSetAny - costIPSet
		}
	case s.RateBasedStatement != nil:
		t.sum += costRate + costCustomKey*int64(len(s.RateBasedStatement.CustomKeys))
		t.statement(s.RateBasedStatement.ScopeDownStatement)
	case s.RuleGroupReferenceStatement != nil:
		t.sum += t.refs.ruleGroupCapacity(value(s.RuleGroupReferenceStatement.ARN))
	case s.ManagedRuleGroupStatement != nil:
		m := s.ManagedRuleGroupStatement
		t.sum += t.refs.managedCapacity(value(m.VendorName), value(m.Name), value(m.Version))
		t.statement(m.ScopeDownStatement)
	case s.AndStatement != nil:
		t.statements(s.AndStatement.Statements)
	case s.OrStatement != nil:
		t.statements(s.OrStatement.Statements)
	case s.NotStatement != nil:
		t.statement(s.NotStatement.Statement)
	}
}

func (t *tally) statements(list []wafv2api.Statement) {
	for i := range list {
		t.statement(&list[i])
	}
}

// match adds a statement that looks at a component of the request.
func (t *tally) match(base int64, f *wafv2api.FieldToMatch, transformations []wafv2api.TextTransformation, before []wafv2api.PreParseTextTransformation) {
	if f != nil && f.JsonBody != nil {
		base *= jsonBodyFactor
	}
	t.sum += base
	if f != nil && f.AllQueryArguments != nil {
		t.sum += costAllArgs
	}
	for i := range before {
		if value(before[i].Type) != wafv2api.PreParseTextTransformationTypeNone {
			t.sum += costPreParse
		}
	}
	component := componentKey(f)
	for i := range transformations {
		kind := value(transformations[i].Type)
		if kind == wafv2api.TextTransformationTypeNone {
			continue
		}
		key := component + "\x00" + string(kind)
		if _, counted := t.transformed[key]; !counted {
			t.transformed[key] = struct{}{}
			t.sum += costTransform
		}
	}
}

// componentKey names what a FieldToMatch looks at, apart from what it does where the component
// is too large or missing.
func componentKey(f *wafv2api.FieldToMatch) string {
	if f == nil {
		return ""
	}
	join := func(parts ...string) string { return strings.Join(parts, "\x01") }
	switch {
	case f.SingleHeader != nil:
		return join("header", strings.ToLower(value(f.SingleHeader.Name)))
	case f.SingleQueryArgument != nil:
		return join("argument", strings.ToLower(value(f.SingleQueryArgument.Name)))
	case f.AllQueryArguments != nil:
		return "arguments"
	case f.UriPath != nil:
		return "path"
	case f.QueryString != nil:
		return "query"
	case f.Body != nil:
		return "body"
	case f.Method != nil:
		return "method"
	case f.JsonBody != nil:
		key := join("json", string(value(f.JsonBody.MatchScope)))
		if p := f.JsonBody.MatchPattern; p != nil {
			key = join(append([]string{key}, p.IncludedPaths...)...)
		}
		return key
	case f.Headers != nil:
		key := join("headers", string(value(f.Headers.MatchScope)))
		if p := f.Headers.MatchPattern; p != nil {
			key = join(key, join(p.IncludedHeaders...), "", join(p.ExcludedHeaders...))
		}
		return key
	case f.Cookies != nil:
		key := join("cookies", string(value(f.Cookies.MatchScope)))
		if p := f.Cookies.MatchPattern; p != nil {
			key = join(key, join(p.IncludedCookies...), "", join(p.ExcludedCookies...))
		}
		return key
	case f.HeaderOrder != nil:
		return "order"
	case f.JA3Fingerprint != nil:
		return "ja3"
	case f.JA4Fingerprint != nil:
		return "ja4"
	case f.UriFragment != nil:
		return "fragment"
	}
	return ""
}
