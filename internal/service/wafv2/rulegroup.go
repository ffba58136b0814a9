package wafv2

import (
	"context"
	"strconv"

	"fastness/internal/api/wafv2api"
)

// ruleGroup reads the rule group of a record.
func (s *Service) ruleGroup(e *entity) (*wafv2api.RuleGroup, error) {
	g := &wafv2api.RuleGroup{Description: &e.Description} // never absent in an answer
	return g, s.documents.decode(shapeRuleGroup, e.Document, g)
}

// CreateRuleGroup implements the operation of that name.
func (s *Service) CreateRuleGroup(ctx context.Context, in *wafv2api.CreateRuleGroupRequest) (*wafv2api.CreateRuleGroupResponse, error) {
	c, t, err := targetOf(ctx)
	if err != nil {
		return nil, err
	}
	if limit := s.quotas.Capacity; value(in.Capacity) > limit {
		return nil, invalid(wafv2api.ParameterExceptionFieldRuleGroup, strconv.FormatInt(value(in.Capacity), 10), reasonCapacity)
	}
	e := newEntity(t.name, in.Description)
	g := &wafv2api.RuleGroup{
		Name: in.Name, Id: &e.ID, Capacity: in.Capacity, ARN: new(e.arn()), Description: in.Description, Rules: in.Rules,
		VisibilityConfig: in.VisibilityConfig, LabelNamespace: new(e.labelNamespace()), CustomResponseBodies: in.CustomResponseBodies,
	}
	k := s.newRuleCheck(c.Txn(), e.Account, e.Region, e.Scope, true, in.CustomResponseBodies)
	if err := k.groupRules(g); err != nil {
		return nil, err
	}
	e.References = k.referencesOf()
	if err := s.create(c, e, shapeRuleGroup, g, in.Tags); err != nil {
		return nil, err
	}
	m := e.summary()
	return &wafv2api.CreateRuleGroupResponse{Summary: &wafv2api.RuleGroupSummary{
		Name: m.name, Id: m.id, Description: m.description, LockToken: m.token, ARN: m.arn,
	}}, nil
}

// groupRules checks a rule group and fills in what follows from its rules.
func (k *ruleCheck) groupRules(g *wafv2api.RuleGroup) error {
	if err := checkMetric(g.VisibilityConfig); err != nil {
		return err
	}
	if err := k.responseBodies(); err != nil {
		return err
	}
	if err := k.rules(g.Rules); err != nil {
		return err
	}
	if _, err := k.capacity(g.Rules, value(g.Capacity), wafv2api.ParameterExceptionFieldRuleGroup); err != nil {
		return err
	}
	g.AvailableLabels, g.ConsumedLabels = labelsAdded(value(g.LabelNamespace), g.Rules), labelsConsumed(g.Rules)
	return nil
}

// GetRuleGroup implements the operation of that name.
func (s *Service) GetRuleGroup(ctx context.Context, _ *wafv2api.GetRuleGroupRequest) (*wafv2api.GetRuleGroupResponse, error) {
	_, e, err := s.found(ctx)
	if err != nil {
		return nil, err
	}
	g, err := s.ruleGroup(e)
	if err != nil {
		return nil, err
	}
	return &wafv2api.GetRuleGroupResponse{RuleGroup: g, LockToken: &e.LockToken}, nil
}

// UpdateRuleGroup implements the operation of that name. The capacity is that of the creation.
func (s *Service) UpdateRuleGroup(ctx context.Context, in *wafv2api.UpdateRuleGroupRequest) (*wafv2api.UpdateRuleGroupResponse, error) {
	c, e, err := s.locked(ctx, in.LockToken)
	if err != nil {
		return nil, err
	}
	g, err := s.ruleGroup(e)
	if err != nil {
		return nil, err
	}
	g.Description, g.Rules, g.VisibilityConfig, g.CustomResponseBodies = in.Description, in.Rules, in.VisibilityConfig, in.CustomResponseBodies
	k := s.newRuleCheck(c.Txn(), e.Account, e.Region, e.Scope, true, in.CustomResponseBodies)
	if err := k.groupRules(g); err != nil {
		return nil, err
	}
	was := e.References
	e.Description, e.References = value(in.Description), k.referencesOf()
	if err := s.update(c.Txn(), e, was, shapeRuleGroup, g); err != nil {
		return nil, err
	}
	return &wafv2api.UpdateRuleGroupResponse{NextLockToken: &e.LockToken}, nil
}

// DeleteRuleGroup implements the operation of that name.
func (s *Service) DeleteRuleGroup(ctx context.Context, in *wafv2api.DeleteRuleGroupRequest) (*wafv2api.DeleteRuleGroupResponse, error) {
	return &wafv2api.DeleteRuleGroupResponse{}, s.remove(ctx, in.LockToken)
}

// ListRuleGroups implements the operation of that name.
func (s *Service) ListRuleGroups(ctx context.Context, in *wafv2api.ListRuleGroupsRequest) (*wafv2api.ListRuleGroupsResponse, error) {
	l, err := s.listAll(ctx, kindRuleGroup, in.Scope, in.NextMarker, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &wafv2api.ListRuleGroupsResponse{RuleGroups: []wafv2api.RuleGroupSummary{}, NextMarker: l.next}
	for _, e := range l.entities {
		m := e.summary()
		out.RuleGroups = append(out.RuleGroups, wafv2api.RuleGroupSummary{Name: m.name, Id: m.id, Description: m.description, LockToken: m.token, ARN: m.arn})
	}
	return out, nil
}
