package wafv2

import (
	"slices"
	"strings"

	"fastness/internal/api/wafv2api"
)

// reservedLabels are names that no part of a label may have (AWS WAF Developer Guide, "Label
// syntax and naming requirements in AWS WAF").
var reservedLabels = []string{"awswaf", "aws", "waf", "rulegroup", "webacl", "regexpatternset", "ipset", "managed"}

const (
	// maxLabelParts is how many namespaces a label has at most, and its name.
	maxLabelParts = 11
	// maxLabelPart is how long each is, in characters.
	maxLabelPart = 128
)

// checkRuleLabel checks a label that a rule adds: namespaces and a name with colons between.
func checkRuleLabel(label string) error {
	bad := func(reason string) error { return invalid(wafv2api.ParameterExceptionFieldRule, label, reason) }
	names := strings.Split(label, ":")
	if len(names) > maxLabelParts {
		return bad(reasonMaximum)
	}
	for _, n := range names {
		switch {
		case n == "":
			return bad(reasonFormat)
		case len(n) > maxLabelPart:
			return bad(reasonMaximum)
		case slices.Contains(reservedLabels, strings.ToLower(n)):
			return bad(reasonUnknown)
		}
	}
	return nil
}

// checkLabelMatch: a namespace ends with a colon, a label does not.
func checkLabelMatch(m *wafv2api.LabelMatchStatement) error {
	key := value(m.Key)
	if namespace := value(m.Scope) == wafv2api.LabelMatchScopeNamespace; namespace != strings.HasSuffix(key, ":") {
		return invalid(wafv2api.ParameterExceptionFieldLabelMatchStatement, key, reasonFormat)
	}
	return nil
}

// labelsAdded are the labels that rules can add, with their namespace, in order.
func labelsAdded(namespace string, rules []wafv2api.Rule) (all []wafv2api.LabelSummary) {
	seen := make(map[string]struct{})
	for i := range rules {
		for _, l := range rules[i].RuleLabels {
			seen[namespace+value(l.Name)] = struct{}{}
		}
	}
	return summaries(seen)
}

// labelsConsumed are the labels that rules match against.
func labelsConsumed(rules []wafv2api.Rule) []wafv2api.LabelSummary {
	seen := make(map[string]struct{})
	for i := range rules {
		consumed(rules[i].Statement, seen)
	}
	return summaries(seen)
}

func consumed(s *wafv2api.Statement, seen map[string]struct{}) {
	switch {
	case s == nil:
	case s.LabelMatchStatement != nil:
		seen[value(s.LabelMatchStatement.Key)] = struct{}{}
	case s.NotStatement != nil:
		consumed(s.NotStatement.Statement, seen)
	case s.RateBasedStatement != nil:
		consumed(s.RateBasedStatement.ScopeDownStatement, seen)
	case s.AndStatement != nil:
		for i := range s.AndStatement.Statements {
			consumed(&s.AndStatement.Statements[i], seen)
		}
	case s.OrStatement != nil:
		for i := range s.OrStatement.Statements {
			consumed(&s.OrStatement.Statements[i], seen)
		}
	}
}

func summaries(set map[string]struct{}) (all []wafv2api.LabelSummary) {
	names := make([]string, 0, len(set))
	for n := range set {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		all = append(all, wafv2api.LabelSummary{Name: new(n)})
	}
	return all
}
