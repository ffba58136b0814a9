package wafv2

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"fastness/internal/api/wafv2api"
	"fastness/internal/policy"
	"fastness/internal/store"
)

// The actions that a permission policy names: all of sharedActions, and optionally
// wafv2:GetRuleGroup. "AWS WAF rejects any extra actions or wildcard actions in the policy." (AWS WAF
// API reference, PutPermissionPolicy)
var sharedActions = []string{"wafv2:CreateWebACL", "wafv2:UpdateWebACL", "wafv2:PutFirewallManagerRuleGroups"}

const optionalAction = "wafv2:GetRuleGroup"

func badPolicy(why string) error {
	return &wafv2api.WAFInvalidPermissionPolicyException{Message: new("The operation failed because the specified policy isn't in the proper format. " + why)}
}

// permissionStatement is what is read of a statement; package policy checks its form.
type permissionStatement struct {
	Effect       string
	Principal    json.RawMessage
	NotPrincipal json.RawMessage
	Action       oneOrMore
	NotAction    json.RawMessage
	Resource     json.RawMessage
	NotResource  json.RawMessage
}

// oneOrMore is a string, or a list of strings.
type oneOrMore []string

// UnmarshalJSON implements json.Unmarshaler.
func (l *oneOrMore) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*l = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(l))
}

// compilePermissions makes a policy of a permission policy: it has no resource, which is the rule
// group it is attached to.
func compilePermissions(ruleGroup, text string) (*policy.Policy, error) {
	var document struct {
		Version   string
		Statement json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return nil, badPolicy("It is not a JSON object.")
	}
	if document.Version != "2012-10-17" {
		return nil, badPolicy("The version must be 2012-10-17.")
	}
	var list []map[string]json.RawMessage
	if json.Unmarshal(document.Statement, &list) != nil {
		var one map[string]json.RawMessage
		if json.Unmarshal(document.Statement, &one) != nil {
			return nil, badPolicy("It has no statement.")
		}
		list = []map[string]json.RawMessage{one}
	}
	resource, err := json.Marshal(ruleGroup)
	if err != nil {
		return nil, fmt.Errorf("wafv2: %w", err)
	}
	for _, st := range list {
		if err := checkPermission(st); err != nil {
			return nil, err
		}
		st["Resource"] = resource
	}
	full, err := json.Marshal(map[string]any{"Version": document.Version, "Statement": list})
	if err != nil {
		return nil, fmt.Errorf("wafv2: %w", err)
	}
	p, err := policy.New(policy.Resource, ruleGroup, full)
	if err != nil {
		return nil, badPolicy("It is not a resource policy of IAM.")
	}
	return p, nil
}

// checkPermission checks a statement against what AWS WAF allows.
func checkPermission(raw map[string]json.RawMessage) error {
	b, err := json.Marshal(raw)
	if err != nil {
		return fmt.Errorf("wafv2: %w", err)
	}
	var st permissionStatement
	if err := json.Unmarshal(b, &st); err != nil {
		return badPolicy("A statement has elements that it cannot have.")
	}
	switch {
	case st.Effect != "Allow":
		return badPolicy("Effect must specify Allow.")
	case len(st.Principal) == 0:
		return badPolicy("The policy must include a Principal.")
	case len(st.Resource)+len(st.NotResource)+len(st.NotAction)+len(st.NotPrincipal) > 0:
		return badPolicy("The policy must not include a Resource parameter.")
	}
	named := make(map[string]bool)
	for _, a := range st.Action {
		known := slices.IndexFunc(append(slices.Clone(sharedActions), optionalAction), func(k string) bool { return strings.EqualFold(k, a) })
		if known < 0 {
			return badPolicy("The action " + a + " cannot be shared.")
		}
		named[strings.ToLower(a)] = true
	}
	for _, a := range sharedActions {
		if !named[strings.ToLower(a)] {
			return badPolicy("Action must specify " + a + ".")
		}
	}
	return nil
}

// sharing is the permission policy of a rule group, nil if it has none.
func (s *Service) sharing(r store.Reader, e *entity) (*policy.Policy, error) {
	row, err := s.tables.policies.Get(r, scope(e.Account, e.Region), parts(e.arn())...)
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return compilePermissions(row.RuleGroup, row.Text)
}

// PutPermissionPolicy implements the operation of that name.
func (s *Service) PutPermissionPolicy(ctx context.Context, in *wafv2api.PutPermissionPolicyRequest) (*wafv2api.PutPermissionPolicyResponse, error) {
	c, t, err := targetOf(ctx)
	if err != nil {
		return nil, err
	}
	e, err := s.tables.entity(c.Txn(), t.name)
	if err != nil {
		return nil, err
	}
	if _, err := compilePermissions(e.arn(), value(in.Policy)); err != nil {
		return nil, err
	}
	return &wafv2api.PutPermissionPolicyResponse{}, s.tables.policies.Put(c.Txn(), &policyRecord{
		Account: e.Account, Region: e.Region, RuleGroup: e.arn(), Text: value(in.Policy),
	})
}

// GetPermissionPolicy implements the operation of that name.
func (s *Service) GetPermissionPolicy(ctx context.Context, _ *wafv2api.GetPermissionPolicyRequest) (*wafv2api.GetPermissionPolicyResponse, error) {
	_, e, err := s.found(ctx)
	if err != nil {
		return nil, err
	}
	out := new(wafv2api.GetPermissionPolicyResponse)
	err = s.store.View(ctx, func(r store.Reader) error {
		row, err := s.tables.policies.Get(r, scope(e.Account, e.Region), parts(e.arn())...)
		if isNotFound(err) {
			return nonexistent()
		}
		if err == nil {
			out.Policy = &row.Text
		}
		return err
	})
	return out, err
}

// DeletePermissionPolicy implements the operation of that name.
func (s *Service) DeletePermissionPolicy(ctx context.Context, _ *wafv2api.DeletePermissionPolicyRequest) (*wafv2api.DeletePermissionPolicyResponse, error) {
	c, t, err := targetOf(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := s.tables.entity(c.Txn(), t.name); err != nil {
		return nil, err
	}
	err = s.tables.policies.Delete(c.Txn(), scope(t.name.account, t.name.region), parts(t.name.arn())...)
	if isNotFound(err) {
		return nil, nonexistent()
	}
	return &wafv2api.DeletePermissionPolicyResponse{}, err
}
