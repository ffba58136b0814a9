package wafv2

import (
	"context"
	"strconv"

	"fastness/internal/api/wafv2api"
	"fastness/internal/store"
)

// field is what WAFInvalidParameterException names as the place of what is wrong.
type field = wafv2api.ParameterExceptionField

// ruleCheck checks the rules of one web ACL or rule group, and collects what they refer to. All
// of it happens before anything is written.
type ruleCheck struct {
	service *Service
	reader  store.Reader
	// account and region are those of the entity, scope its scope.
	account, region string
	scope           wafv2api.Scope
	// group says that the rules are those of a rule group.
	group bool
	// bodies are the keys of the custom response bodies.
	bodies map[string]wafv2api.CustomResponseBody
	// anyBody lets rules name bodies that are not known: there is no entity yet.
	anyBody bool

	references map[string]*entity // by ARN
	managed    int                // references to managed rule groups
	rateRules  int
	inserted   int // headers that actions insert
	answered   int // headers of custom responses
}

func (s *Service) newRuleCheck(r store.Reader, account, region string, scope wafv2api.Scope, group bool, bodies map[string]wafv2api.CustomResponseBody) *ruleCheck {
	return &ruleCheck{
		service: s, reader: r, account: account, region: region, scope: scope, group: group, bodies: bodies,
		references: make(map[string]*entity),
	}
}

// view checks rules that are not written.
func (s *Service) view(ctx context.Context, f func(*ruleCheck) error) error {
	return s.store.View(ctx, func(r store.Reader) error { return f(s.newRuleCheck(r, "", "", "", false, nil)) })
}

// rules checks a list of rules.
func (k *ruleCheck) rules(rules []wafv2api.Rule) error {
	names := make(map[string]struct{}, len(rules))
	priorities := make(map[int32]struct{}, len(rules))
	for i := range rules {
		r := &rules[i]
		if _, taken := names[value(r.Name)]; taken {
			return invalid(wafv2api.ParameterExceptionFieldRule, value(r.Name), reasonDuplicate)
		}
		names[value(r.Name)] = struct{}{}
		if _, taken := priorities[value(r.Priority)]; taken {
			return invalid(wafv2api.ParameterExceptionFieldRule, strconv.Itoa(int(value(r.Priority))), reasonDuplicate)
		}
		priorities[value(r.Priority)] = struct{}{}
		if err := k.rule(r); err != nil {
			return err
		}
	}
	q := &k.service.quotas
	limit := q.RateRulesPerWebACL
	if k.group {
		limit = q.RateRulesPerGroup
	}
	switch {
	case k.rateRules > limit:
		return limitExceeded("RATE_BASED_STATEMENT")
	case len(k.references)+k.managed > q.References:
		return limitExceeded("RULE_REFERENCE")
	case k.inserted > q.InsertedHeaders || k.answered > q.ResponseHeaders:
		return limitExceeded("CUSTOM_HTTP_HEADER")
	}
	return nil
}

// rule checks one rule. A rule that refers to a rule group overrides its action, another one
// has an action.
func (k *ruleCheck) rule(r *wafv2api.Rule) error {
	if err := checkMetric(r.VisibilityConfig); err != nil {
		return err
	}
	if (r.Action == nil) == (r.OverrideAction == nil) {
		return invalid(wafv2api.ParameterExceptionFieldRule, "Rule", reasonExactlyOne)
	}
	if err := k.statement(r.Statement, place{top: true}); err != nil {
		return err
	}
	refersToGroup := r.Statement.RuleGroupReferenceStatement != nil || r.Statement.ManagedRuleGroupStatement != nil
	if refersToGroup != (r.OverrideAction != nil) {
		return invalid(wafv2api.ParameterExceptionFieldRule, "Statement", reasonReference)
	}
	if r.OverrideAction != nil {
		if count(r.OverrideAction.Count != nil, r.OverrideAction.None != nil) != 1 {
			return invalid(wafv2api.ParameterExceptionFieldOverrideAction, "OverrideAction", reasonExactlyOne)
		}
		if len(r.RuleLabels) > 0 {
			// The rules of the group have labels of their own.
			return invalid(wafv2api.ParameterExceptionFieldRule, "RuleLabels", reasonCombination)
		}
	}
	if r.Action != nil {
		if err := k.action(r.Action); err != nil {
			return err
		}
	}
	for _, l := range r.RuleLabels {
		if err := checkRuleLabel(value(l.Name)); err != nil {
			return err
		}
	}
	return checkChallengeImmunity(r.ChallengeConfig)
}

// checkMetric refuses the names of metrics that AWS WAF has for itself (AWS WAF API reference,
// VisibilityConfig).
func checkMetric(v *wafv2api.VisibilityConfig) error {
	if v == nil {
		return nil
	}
	switch name := value(v.MetricName); name {
	case "All", "Default_Action":
		return invalid(wafv2api.ParameterExceptionFieldMetricName, name, reasonUnknown)
	}
	return nil
}

// minChallengeImmunity is the shortest immunity time after a challenge, in seconds (AWS WAF API
// reference, ImmunityTimeProperty); the model allows the 60 that are for CAPTCHA.
const minChallengeImmunity = 300

func checkChallengeImmunity(c *wafv2api.ChallengeConfig) error {
	if c != nil && c.ImmunityTimeProperty != nil && value(c.ImmunityTimeProperty.ImmunityTime) < minChallengeImmunity {
		return invalid(wafv2api.ParameterExceptionFieldChallengeConfig, strconv.FormatInt(value(c.ImmunityTimeProperty.ImmunityTime), 10), reasonMinimum)
	}
	return nil
}

// count is how many are true.
func count(all ...bool) (n int) {
	for _, b := range all {
		if b {
			n++
		}
	}
	return n
}
