package wafv2

import (
	"strconv"

	"fastness/internal/api/wafv2api"
)

// place is where a statement stands.
type place struct {
	top       bool // it is the statement of a rule
	scopeDown bool // it narrows a rate-based rule or a managed rule group
	depth     int
}

func (p place) below() place { return place{scopeDown: p.scopeDown, depth: p.depth + 1} }

// statement checks a statement and all in it.
func (k *ruleCheck) statement(s *wafv2api.Statement, at place) error {
	const all = wafv2api.ParameterExceptionFieldStatement
	if at.depth > k.service.quotas.NestedStatements {
		return invalid(all, "Statement", reasonMaximum)
	}
	if s == nil || count(
		s.ByteMatchStatement != nil, s.SqliMatchStatement != nil, s.XssMatchStatement != nil, s.SizeConstraintStatement != nil,
		s.GeoMatchStatement != nil, s.RuleGroupReferenceStatement != nil, s.IPSetReferenceStatement != nil,
		s.RegexPatternSetReferenceStatement != nil, s.RateBasedStatement != nil, s.AndStatement != nil, s.OrStatement != nil,
		s.NotStatement != nil, s.ManagedRuleGroupStatement != nil, s.LabelMatchStatement != nil, s.RegexMatchStatement != nil,
		s.AsnMatchStatement != nil,
	) != 1 {
		return invalid(all, "Statement", reasonExactlyOne)
	}
	switch {
	case s.ByteMatchStatement != nil:
		return k.byteMatch(s.ByteMatchStatement)
	case s.RegexMatchStatement != nil:
		m := s.RegexMatchStatement
		if err := k.regex(value(m.RegexString), all); err != nil {
			return err
		}
		return k.component(m.FieldToMatch, m.TextTransformations, m.PreParseTextTransformations)
	case s.RegexPatternSetReferenceStatement != nil:
		m := s.RegexPatternSetReferenceStatement
		if err := k.refer(value(m.ARN), kindRegexPatternSet, wafv2api.ParameterExceptionFieldRegexPatternReferenceStatement); err != nil {
			return err
		}
		return k.component(m.FieldToMatch, m.TextTransformations, m.PreParseTextTransformations)
	case s.SqliMatchStatement != nil:
		return k.component(s.SqliMatchStatement.FieldToMatch, s.SqliMatchStatement.TextTransformations, s.SqliMatchStatement.PreParseTextTransformations)
	case s.XssMatchStatement != nil:
		return k.component(s.XssMatchStatement.FieldToMatch, s.XssMatchStatement.TextTransformations, s.XssMatchStatement.PreParseTextTransformations)
	case s.SizeConstraintStatement != nil:
		return k.component(s.SizeConstraintStatement.FieldToMatch, s.SizeConstraintStatement.TextTransformations, s.SizeConstraintStatement.PreParseTextTransformations)
	case s.GeoMatchStatement != nil:
		if len(s.GeoMatchStatement.CountryCodes) == 0 {
			return invalid(wafv2api.ParameterExceptionFieldGeoMatchStatement, "CountryCodes", reasonMinimum)
		}
		return nil
	case s.AsnMatchStatement != nil:
		return nil
	case s.LabelMatchStatement != nil:
		return checkLabelMatch(s.LabelMatchStatement)
	case s.IPSetReferenceStatement != nil:
		return k.refer(value(s.IPSetReferenceStatement.ARN), kindIPSet, wafv2api.ParameterExceptionFieldIPSetReferenceStatement)
	case s.AndStatement != nil:
		return k.several(s.AndStatement.Statements, at, wafv2api.ParameterExceptionFieldAndStatement, "AndStatement")
	case s.OrStatement != nil:
		return k.several(s.OrStatement.Statements, at, wafv2api.ParameterExceptionFieldOrStatement, "OrStatement")
	case s.NotStatement != nil:
		return k.statement(s.NotStatement.Statement, at.below())
	case s.RateBasedStatement != nil:
		if !at.top {
			return invalid(wafv2api.ParameterExceptionFieldRateBasedStatement, "RateBasedStatement", reasonReference)
		}
		return k.rateBased(s.RateBasedStatement, at)
	case s.RuleGroupReferenceStatement != nil:
		if !at.top || k.group {
			return invalid(wafv2api.ParameterExceptionFieldRuleGroupReferenceStatement, "RuleGroupReferenceStatement", reasonReference)
		}
		return k.ruleGroup(s.RuleGroupReferenceStatement)
	default:
		if !at.top || k.group {
			return invalid(wafv2api.ParameterExceptionFieldManagedRuleSetStatement, "ManagedRuleGroupStatement", reasonReference)
		}
		return k.managedGroup(s.ManagedRuleGroupStatement, at)
	}
}

// several checks the statements of AND and OR, of which there are two at least.
func (k *ruleCheck) several(list []wafv2api.Statement, at place, f field, name string) error {
	if len(list) < 2 {
		return invalid(f, name, reasonMinimum)
	}
	for i := range list {
		if err := k.statement(&list[i], at.below()); err != nil {
			return err
		}
	}
	return nil
}

func (k *ruleCheck) byteMatch(m *wafv2api.ByteMatchStatement) error {
	if n := len(m.SearchString); n == 0 || n > k.service.quotas.SearchStringBytes {
		reason := reasonMaximum
		if n == 0 {
			reason = reasonMinimum
		}
		return invalid(wafv2api.ParameterExceptionFieldByteMatchStatement, "SearchString", reason)
	}
	return k.component(m.FieldToMatch, m.TextTransformations, m.PreParseTextTransformations)
}

// regex checks a regular expression.
func (k *ruleCheck) regex(text string, f field) error {
	return k.service.checkRegex(text, f)
}

func (s *Service) checkRegex(text string, f field) error {
	if len([]rune(text)) > s.quotas.PatternCharacters {
		return invalid(f, text, reasonMaximum)
	}
	if err := validRegex(text); err != nil {
		return invalid(f, text, reasonFormat)
	}
	return nil
}

// refer checks a reference to another entity, and remembers it.
func (k *ruleCheck) refer(text string, want kind, f field) error {
	n, ok := parseARN(text)
	if !ok {
		return invalid(wafv2api.ParameterExceptionFieldResourceARN, text, reasonARN)
	}
	if n.kind != want || n.scope != k.scope || n.region != k.region {
		return invalid(f, text, reasonReference)
	}
	if n.account != k.account && want != kindRuleGroup {
		// Only rule groups can be shared.
		return nonexistent()
	}
	if _, known := k.references[text]; known {
		return nil
	}
	e, err := k.service.tables.entity(k.reader, n)
	if err != nil {
		return err
	}
	k.references[text] = e
	return nil
}

// ruleGroup checks a reference to a rule group and what overrides its rules.
func (k *ruleCheck) ruleGroup(g *wafv2api.RuleGroupReferenceStatement) error {
	if err := k.refer(value(g.ARN), kindRuleGroup, wafv2api.ParameterExceptionFieldRuleGroupReferenceStatement); err != nil {
		return err
	}
	group, err := k.service.ruleGroup(k.references[value(g.ARN)])
	if err != nil {
		return err
	}
	names := make(map[string]struct{}, len(group.Rules))
	for i := range group.Rules {
		names[value(group.Rules[i].Name)] = struct{}{}
	}
	return k.overrides(g.ExcludedRules, g.RuleActionOverrides, names)
}

// overrides checks what changes the actions of the rules of a group.
func (k *ruleCheck) overrides(excluded []wafv2api.ExcludedRule, overridden []wafv2api.RuleActionOverride, names map[string]struct{}) error {
	seen := make(map[string]struct{})
	each := func(name string) error {
		if _, known := names[name]; !known {
			return invalid(wafv2api.ParameterExceptionFieldExcludedRule, name, reasonReference)
		}
		if _, twice := seen[name]; twice {
			return invalid(wafv2api.ParameterExceptionFieldExcludedRule, name, reasonDuplicate)
		}
		seen[name] = struct{}{}
		return nil
	}
	for _, e := range excluded {
		if err := each(value(e.Name)); err != nil {
			return err
		}
	}
	for _, o := range overridden {
		if err := each(value(o.Name)); err != nil {
			return err
		}
		if err := k.action(o.ActionToUse); err != nil {
			return err
		}
	}
	return nil
}

// ruleGroupCapacity and managedCapacity implement referenced.
func (k *ruleCheck) ruleGroupCapacity(text string) int64 {
	e := k.references[text]
	if e == nil {
		return 0
	}
	g, err := k.service.ruleGroup(e)
	if err != nil {
		return 0
	}
	return value(g.Capacity)
}

func (k *ruleCheck) managedCapacity(vendor, name, version string) int64 {
	g, v, err := k.service.managedVersion(k.reader, k.region, k.scope, vendor, name, version)
	if err != nil || g == nil || v == nil {
		return 0
	}
	return v.Capacity
}

// capacity is what rules need; it is refused if it is more than there may be. f is WEB_ACL or
// RULE_GROUP.
func (k *ruleCheck) capacity(rules []wafv2api.Rule, limit int64, f field) (int64, error) {
	need := capacityOf(rules, k)
	if need > limit {
		return need, invalid(f, strconv.FormatInt(need, 10), reasonCapacity)
	}
	return need, nil
}
