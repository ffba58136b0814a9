package elbv2

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"fastness/internal/api/elbv2api"
	"fastness/internal/call"
	"fastness/internal/store"
)

// maxPriority is the highest priority of a rule.
const maxPriority = 50_000

func checkPriority(p int32) error {
	if p < 1 || p > maxPriority {
		return invalid("Rule priority '%d' must be between 1 and %d", p, maxPriority)
	}
	return nil
}

// CreateRule implements the operation of that name.
func (s *Service) CreateRule(ctx context.Context, in *elbv2api.CreateRuleInput) (*elbv2api.CreateRuleOutput, error) {
	c := call.From(ctx)
	r, ok := c.Resolved.(*resolved)
	if !ok || len(r.of) != 2 {
		return nil, errUnresolved
	}
	tx, of, n := c.Txn(), r.of[0], r.of[1]
	l, err := s.tables.listener(tx, of)
	if err != nil {
		return nil, err
	}
	if err := checkPriority(value(in.Priority)); err != nil {
		return nil, err
	}
	if len(in.Transforms) > 0 {
		return nil, unsupported("Transforms are not supported")
	}
	if l.hasPriority(value(in.Priority)) {
		return nil, priorityInUse(value(in.Priority))
	}
	siblings, err := s.tables.listenersOf(tx, l.balancer())
	if err != nil {
		return nil, err
	}
	total := 0
	for _, o := range siblings {
		total += len(o.Rules)
	}
	if total >= maxRules {
		return nil, &elbv2api.TooManyRulesException{Message: new("You've reached the limit on the number of rules per load balancer.")}
	}
	made := rule{ID: n.rule, Priority: value(in.Priority)}
	if made.Tags, err = withTags(nil, in.Tags); err != nil {
		return nil, err
	}
	if made.Conditions, err = checkConditions(in.Conditions); err != nil {
		return nil, err
	}
	if made.Actions, _, err = s.actions(tx, n.account, n.region, in.Actions); err != nil {
		return nil, err
	}
	l.Rules = append(l.Rules, made)
	l.sortRules()
	return &elbv2api.CreateRuleOutput{Rules: []elbv2api.Rule{l.describeRule(&made)}}, s.saveListener(tx, l)
}

func (l *listenerRecord) hasPriority(p int32) bool {
	return slices.ContainsFunc(l.Rules, func(r rule) bool { return r.Priority == p })
}

func (l *listenerRecord) sortRules() {
	slices.SortFunc(l.Rules, func(a, b rule) int { return cmp.Compare(a.Priority, b.Priority) })
}

func priorityInUse(p int32) error {
	return &elbv2api.PriorityInUseException{Message: new(fmt.Sprintf("Priority '%d' is currently in use", p))}
}

// describeRule is a rule as answers show it.
func (l *listenerRecord) describeRule(r *rule) elbv2api.Rule {
	return elbv2api.Rule{
		RuleArn: new(l.ruleName(r.ID).arn()), Priority: new(strconv.Itoa(int(r.Priority))), Conditions: r.Conditions, Actions: r.Actions, IsDefault: new(false),
	}
}

// defaultRule is the default action as a rule.
func (l *listenerRecord) defaultRule() elbv2api.Rule {
	return elbv2api.Rule{RuleArn: new(l.ruleName(l.DefaultRule).arn()), Priority: new("default"), Conditions: []elbv2api.RuleCondition{}, Actions: l.Default, IsDefault: new(true)}
}

// defaultOf is the listener whose default rule a name is, nil if it is not one.
func (s *Service) defaultOf(r store.Reader, n name) (*listenerRecord, error) {
	of := n
	of.kind, of.rule = kindListener, ""
	l, err := s.tables.listener(r, of)
	if isAbsent(err) || err == nil && l.DefaultRule != n.rule {
		return nil, nil
	}
	return l, err
}

// DescribeRules implements the operation of that name. The rules of a listener are in the order of
// their priorities, the default one last.
func (s *Service) DescribeRules(ctx context.Context, in *elbv2api.DescribeRulesInput) (*elbv2api.DescribeRulesOutput, error) {
	c := call.From(ctx)
	if (in.ListenerArn == nil) == (len(in.RuleArns) == 0) {
		return nil, invalid("You must specify either a listener ARN or rule ARNs")
	}
	out := &elbv2api.DescribeRulesOutput{Rules: []elbv2api.Rule{}}
	p, err := s.pageOf(c, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(r store.Reader) error {
		for _, text := range in.RuleArns {
			n, ok := parseARN(text, kindRule, c.Account, c.Region)
			if !ok {
				return malformed(kindRule, text)
			}
			l, err := s.defaultOf(r, n)
			if err != nil {
				return err
			}
			if l != nil {
				out.Rules = append(out.Rules, l.defaultRule())
				continue
			}
			of, x, err := s.tables.rule(r, n)
			if err != nil {
				return err
			}
			out.Rules = append(out.Rules, of.describeRule(x))
		}
		if in.ListenerArn == nil {
			return nil
		}
		l, err := s.listenerAt(r, c, *in.ListenerArn)
		if err != nil {
			return err
		}
		for i := range l.Rules {
			if p.take(fmt.Sprintf("%05d", l.Rules[i].Priority)) {
				out.Rules = append(out.Rules, l.describeRule(&l.Rules[i]))
			}
		}
		if p.take("default") {
			out.Rules = append(out.Rules, l.defaultRule())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.NextMarker, err = s.nextMarker(c, p)
	return out, err
}

// ModifyRule implements the operation of that name. Of a default rule the actions alone can change.
func (s *Service) ModifyRule(ctx context.Context, in *elbv2api.ModifyRuleInput) (*elbv2api.ModifyRuleOutput, error) {
	c, n, err := one(ctx)
	if err != nil {
		return nil, err
	}
	tx := c.Txn()
	if len(in.Transforms) > 0 {
		return nil, unsupported("Transforms are not supported")
	}
	l, err := s.defaultOf(tx, n)
	if err != nil {
		return nil, err
	}
	if l != nil {
		if len(in.Conditions) > 0 {
			return nil, &elbv2api.OperationNotPermittedException{Message: new(fmt.Sprintf("The conditions of the default rule '%s' cannot be modified", n.arn()))}
		}
		if len(in.Actions) > 0 {
			if l.Default, _, err = s.actions(tx, n.account, n.region, in.Actions); err != nil {
				return nil, err
			}
		}
		return &elbv2api.ModifyRuleOutput{Rules: []elbv2api.Rule{l.defaultRule()}}, s.saveListener(tx, l)
	}
	l, r, err := s.tables.rule(tx, n)
	if err != nil {
		return nil, err
	}
	if len(in.Conditions) > 0 {
		if r.Conditions, err = checkConditions(in.Conditions); err != nil {
			return nil, err
		}
	}
	if len(in.Actions) > 0 {
		if r.Actions, _, err = s.actions(tx, n.account, n.region, in.Actions); err != nil {
			return nil, err
		}
	}
	return &elbv2api.ModifyRuleOutput{Rules: []elbv2api.Rule{l.describeRule(r)}}, s.saveListener(tx, l)
}

// DeleteRule implements the operation of that name.
func (s *Service) DeleteRule(ctx context.Context, _ *elbv2api.DeleteRuleInput) (*elbv2api.DeleteRuleOutput, error) {
	c, n, err := one(ctx)
	if err != nil {
		return nil, err
	}
	l, err := s.defaultOf(c.Txn(), n)
	if err != nil {
		return nil, err
	}
	if l != nil {
		return nil, &elbv2api.OperationNotPermittedException{Message: new(fmt.Sprintf("Default rule '%s' cannot be deleted", n.arn()))}
	}
	l, r, err := s.tables.rule(c.Txn(), n)
	if err != nil {
		return nil, err
	}
	l.Rules = slices.DeleteFunc(l.Rules, func(x rule) bool { return x.ID == r.ID })
	return &elbv2api.DeleteRuleOutput{}, s.saveListener(c.Txn(), l)
}

// SetRulePriorities implements the operation of that name. Rules may trade places.
func (s *Service) SetRulePriorities(ctx context.Context, in *elbv2api.SetRulePrioritiesInput) (*elbv2api.SetRulePrioritiesOutput, error) {
	c := call.From(ctx)
	of, ok := c.Resolved.(*resolved)
	if !ok {
		return nil, errUnresolved
	}
	tx := c.Txn()
	if len(of.of) == 0 {
		return nil, invalid("At least one rule must be specified")
	}
	var l *listenerRecord
	out := new(elbv2api.SetRulePrioritiesOutput)
	for i, n := range of.of {
		fallback, err := s.defaultOf(tx, n)
		if err != nil {
			return nil, err
		}
		if fallback != nil {
			return nil, &elbv2api.OperationNotPermittedException{Message: new(fmt.Sprintf("The priority of the default rule '%s' cannot be modified", n.arn()))}
		}
		if l != nil && l.ID != n.listener {
			return nil, invalid("The rules must be those of one listener")
		}
		if l == nil {
			if l, _, err = s.tables.rule(tx, n); err != nil {
				return nil, err
			}
		}
		at := slices.IndexFunc(l.Rules, func(r rule) bool { return r.ID == n.rule })
		if at < 0 {
			return nil, noRule()
		}
		l.Rules[at].Priority = value(in.RulePriorities[i].Priority)
		if err := checkPriority(l.Rules[at].Priority); err != nil {
			return nil, err
		}
		out.Rules = append(out.Rules, l.describeRule(&l.Rules[at]))
	}
	l.sortRules()
	for i := 1; i < len(l.Rules); i++ {
		if l.Rules[i].Priority == l.Rules[i-1].Priority {
			return nil, priorityInUse(l.Rules[i].Priority)
		}
	}
	return out, s.saveListener(tx, l)
}
