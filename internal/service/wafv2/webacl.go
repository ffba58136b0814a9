package wafv2

import (
	"context"
	"strings"

	"golang.org/x/net/publicsuffix"

	"fastness/internal/api/wafv2api"
	"fastness/internal/call"
	"fastness/internal/store"
)

// webACL reads the web ACL of a record.
func (s *Service) webACL(e *entity) (*wafv2api.WebACL, error) {
	a := &wafv2api.WebACL{Description: &e.Description} // never absent in an answer
	return a, s.documents.decode(shapeWebACL, e.Document, a)
}

// CreateWebACL implements the operation of that name.
func (s *Service) CreateWebACL(ctx context.Context, in *wafv2api.CreateWebACLRequest) (*wafv2api.CreateWebACLResponse, error) {
	c, t, err := targetOf(ctx)
	if err != nil {
		return nil, err
	}
	e := newEntity(t.name, in.Description)
	a := &wafv2api.WebACL{
		Name: in.Name, Id: &e.ID, ARN: new(e.arn()), DefaultAction: in.DefaultAction, Description: in.Description, Rules: in.Rules,
		VisibilityConfig: in.VisibilityConfig, DataProtectionConfig: in.DataProtectionConfig, LabelNamespace: new(e.labelNamespace()),
		ManagedByFirewallManager: new(false), RetrofittedByFirewallManager: new(false),
		CustomResponseBodies: in.CustomResponseBodies, CaptchaConfig: in.CaptchaConfig, ChallengeConfig: in.ChallengeConfig,
		TokenDomains: in.TokenDomains, AssociationConfig: in.AssociationConfig,
		OnSourceDDoSProtectionConfig: in.OnSourceDDoSProtectionConfig, ApplicationConfig: in.ApplicationConfig,
	}
	if err := s.checkWebACL(c, e, a); err != nil {
		return nil, err
	}
	if err := s.create(c, e, shapeWebACL, a, in.Tags); err != nil {
		return nil, err
	}
	m := e.summary()
	return &wafv2api.CreateWebACLResponse{Summary: &wafv2api.WebACLSummary{Name: m.name, Id: m.id, Description: m.description, LockToken: m.token, ARN: m.arn}}, nil
}

// checkWebACL checks a web ACL as it will be, and fills in its capacity and what it refers to.
func (s *Service) checkWebACL(c *call.Call, e *entity, a *wafv2api.WebACL) error {
	return s.checkWebACLIn(c.Txn(), e, a)
}

// checkWebACLIn is checkWebACL in a state of the store.
func (s *Service) checkWebACLIn(r store.Reader, e *entity, a *wafv2api.WebACL) (err error) {
	k := s.newRuleCheck(r, e.Account, e.Region, e.Scope, false, a.CustomResponseBodies)
	for _, check := range []func() error{
		func() error { return checkMetric(a.VisibilityConfig) },
		func() error { return k.defaultAction(a.DefaultAction) },
		k.responseBodies,
		func() error { return k.rules(a.Rules) },
		func() error { return checkChallengeImmunity(a.ChallengeConfig) },
		func() error { return s.checkTokenDomains(a.TokenDomains) },
		func() error { return checkAssociationConfig(e.Scope, a.AssociationConfig) },
		func() error { return checkDataProtection(a.DataProtectionConfig) },
		func() error { return checkOnSource(e.Scope, a.OnSourceDDoSProtectionConfig) },
		func() error { return k.firewallManager(a) },
	} {
		if err := check(); err != nil {
			return err
		}
	}
	capacity, err := k.capacity(withFirewallManager(a), s.quotas.Capacity, wafv2api.ParameterExceptionFieldWebACL)
	if err != nil {
		return err
	}
	a.Capacity, e.References = &capacity, k.referencesOf()
	return nil
}

// firewallManager remembers the rule groups that Firewall Manager has put into the web ACL.
func (k *ruleCheck) firewallManager(a *wafv2api.WebACL) error {
	for _, r := range firewallManagerRules(a) {
		if g := r.Statement.RuleGroupReferenceStatement; g != nil {
			if err := k.refer(value(g.ARN), kindRuleGroup, wafv2api.ParameterExceptionFieldFirewallManagerStatement); err != nil {
				return err
			}
		}
	}
	return nil
}

// firewallManagerRules are the rules of Firewall Manager, as rules.
func firewallManagerRules(a *wafv2api.WebACL) (rules []wafv2api.Rule) {
	for _, list := range [][]wafv2api.FirewallManagerRuleGroup{a.PreProcessFirewallManagerRuleGroups, a.PostProcessFirewallManagerRuleGroups} {
		for i := range list {
			g := &list[i]
			st := new(wafv2api.Statement)
			if f := g.FirewallManagerStatement; f != nil {
				st.RuleGroupReferenceStatement, st.ManagedRuleGroupStatement = f.RuleGroupReferenceStatement, f.ManagedRuleGroupStatement
			}
			rules = append(rules, wafv2api.Rule{Name: g.Name, Priority: g.Priority, Statement: st, OverrideAction: g.OverrideAction, VisibilityConfig: g.VisibilityConfig})
		}
	}
	return rules
}

// withFirewallManager are all rules of a web ACL: capacity is used by those of Firewall Manager too.
func withFirewallManager(a *wafv2api.WebACL) []wafv2api.Rule {
	extra := firewallManagerRules(a)
	return append(extra, a.Rules...)
}

// checkTokenDomains: no domain is a public suffix, under which everybody can have names (AWS WAF API
// reference, WebACL: "Public suffixes aren't allowed").
func (s *Service) checkTokenDomains(domains []string) error {
	const f = wafv2api.ParameterExceptionFieldTokenDomain
	if len(domains) > s.quotas.TokenDomains {
		return limitExceeded("TOKEN_DOMAIN")
	}
	seen := make(map[string]struct{}, len(domains))
	for _, d := range domains {
		name := strings.ToLower(d)
		if strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, "..") || strings.ContainsAny(name, "/_") {
			return invalid(f, d, reasonFormat)
		}
		if suffix, _ := publicsuffix.PublicSuffix(name); suffix == name && name != "localhost" {
			return invalid(f, d, reasonUnknown)
		}
		if _, twice := seen[name]; twice {
			return invalid(f, d, reasonDuplicate)
		}
		seen[name] = struct{}{}
	}
	return nil
}

// checkAssociationConfig: a web ACL of the scope CLOUDFRONT is for distributions, one of the scope
// REGIONAL for all else.
func checkAssociationConfig(sc wafv2api.Scope, a *wafv2api.AssociationConfig) error {
	if a == nil {
		return nil
	}
	for resource := range a.RequestBody {
		if (resource == wafv2api.AssociatedResourceTypeCloudfront) != (sc == wafv2api.ScopeCloudfront) {
			return invalid(wafv2api.ParameterExceptionFieldAssociatedResourceType, string(resource), reasonCombination)
		}
	}
	return nil
}

// checkDataProtection: a field is protected once, and only fields that have keys have them.
func checkDataProtection(d *wafv2api.DataProtectionConfig) error {
	if d == nil {
		return nil
	}
	const f = wafv2api.ParameterExceptionFieldDataProtectionConfig
	seen := make(map[string]struct{})
	for i := range d.DataProtections {
		field := d.DataProtections[i].Field
		kind := value(field.FieldType)
		keyed := kind == wafv2api.FieldToProtectTypeSingleHeader || kind == wafv2api.FieldToProtectTypeSingleCookie || kind == wafv2api.FieldToProtectTypeSingleQueryArgument
		if !keyed && len(field.FieldKeys) > 0 {
			return invalid(f, string(kind), reasonCombination)
		}
		keys := field.FieldKeys
		if len(keys) == 0 {
			keys = []string{""}
		}
		for _, key := range keys {
			id := string(kind) + "\x00" + strings.ToLower(key)
			if _, twice := seen[id]; twice {
				return invalid(f, string(kind), reasonDuplicate)
			}
			seen[id] = struct{}{}
		}
	}
	return nil
}

// checkOnSource: protection of load balancers at the source is for regional web ACLs.
func checkOnSource(sc wafv2api.Scope, o *wafv2api.OnSourceDDoSProtectionConfig) error {
	if o != nil && sc == wafv2api.ScopeCloudfront {
		return invalid(wafv2api.ParameterExceptionFieldLowReputationMode, string(value(o.ALBLowReputationMode)), reasonCombination)
	}
	return nil
}

// GetWebACL implements the operation of that name.
func (s *Service) GetWebACL(ctx context.Context, _ *wafv2api.GetWebACLRequest) (*wafv2api.GetWebACLResponse, error) {
	c, e, err := s.found(ctx)
	if err != nil {
		return nil, err
	}
	a, err := s.webACL(e)
	if err != nil {
		return nil, err
	}
	out := &wafv2api.GetWebACLResponse{WebACL: a, LockToken: &e.LockToken}
	if s.integrates(a) {
		out.ApplicationIntegrationURL = s.integrationURL(c.Account, c.Region)
	}
	return out, nil
}

// integrates tells whether a web ACL uses a managed rule group that looks at tokens: applications need the scripts
// only then (AWS WAF API reference, GetWebACL).
func (s *Service) integrates(a *wafv2api.WebACL) bool {
	rules := withFirewallManager(a)
	for i := range rules {
		st := rules[i].Statement
		if st == nil || st.ManagedRuleGroupStatement == nil {
			continue
		}
		for _, g := range s.catalogue.ManagedGroups() {
			if g.Advanced && g.Vendor == value(st.ManagedRuleGroupStatement.VendorName) && g.Name == value(st.ManagedRuleGroupStatement.Name) {
				return true
			}
		}
	}
	return false
}

// integrationURL is where applications find the scripts that get tokens.
func (s *Service) integrationURL(account, region string) *string {
	if s.integration == nil {
		return nil
	}
	return some(s.integration(account, region))
}

// UpdateWebACL implements the operation of that name. What Firewall Manager has put into the web
// ACL stays.
func (s *Service) UpdateWebACL(ctx context.Context, in *wafv2api.UpdateWebACLRequest) (*wafv2api.UpdateWebACLResponse, error) {
	c, e, err := s.locked(ctx, in.LockToken)
	if err != nil {
		return nil, err
	}
	a, err := s.webACL(e)
	if err != nil {
		return nil, err
	}
	a.DefaultAction, a.Description, a.Rules, a.VisibilityConfig = in.DefaultAction, in.Description, in.Rules, in.VisibilityConfig
	a.DataProtectionConfig, a.CustomResponseBodies, a.CaptchaConfig, a.ChallengeConfig = in.DataProtectionConfig, in.CustomResponseBodies, in.CaptchaConfig, in.ChallengeConfig
	a.TokenDomains, a.AssociationConfig = in.TokenDomains, in.AssociationConfig
	a.OnSourceDDoSProtectionConfig, a.ApplicationConfig = in.OnSourceDDoSProtectionConfig, in.ApplicationConfig
	was := e.References
	if err := s.checkWebACL(c, e, a); err != nil {
		return nil, err
	}
	e.Description = value(in.Description)
	if err := s.update(c.Txn(), e, was, shapeWebACL, a); err != nil {
		return nil, err
	}
	return &wafv2api.UpdateWebACLResponse{NextLockToken: &e.LockToken}, nil
}

// DeleteWebACL implements the operation of that name.
func (s *Service) DeleteWebACL(ctx context.Context, in *wafv2api.DeleteWebACLRequest) (*wafv2api.DeleteWebACLResponse, error) {
	return &wafv2api.DeleteWebACLResponse{}, s.remove(ctx, in.LockToken)
}

// ListWebACLs implements the operation of that name.
func (s *Service) ListWebACLs(ctx context.Context, in *wafv2api.ListWebACLsRequest) (*wafv2api.ListWebACLsResponse, error) {
	l, err := s.listAll(ctx, kindWebACL, in.Scope, in.NextMarker, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &wafv2api.ListWebACLsResponse{WebACLs: []wafv2api.WebACLSummary{}, NextMarker: l.next}
	for _, e := range l.entities {
		m := e.summary()
		out.WebACLs = append(out.WebACLs, wafv2api.WebACLSummary{Name: m.name, Id: m.id, Description: m.description, LockToken: m.token, ARN: m.arn})
	}
	return out, nil
}

// CheckCapacity implements the operation of that name.
func (s *Service) CheckCapacity(ctx context.Context, in *wafv2api.CheckCapacityRequest) (*wafv2api.CheckCapacityResponse, error) {
	c := call.From(ctx)
	var need int64
	err := s.view(ctx, func(k *ruleCheck) (err error) {
		k.account, k.region, k.scope = c.Account, c.Region, value(in.Scope)
		k.anyBody = true
		if err := k.rules(in.Rules); err != nil {
			return err
		}
		need, err = k.capacity(in.Rules, s.quotas.Capacity, wafv2api.ParameterExceptionFieldWebACL)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &wafv2api.CheckCapacityResponse{Capacity: &need}, nil
}

// DeleteFirewallManagerRuleGroups implements the operation of that name: for web ACLs that
// Firewall Manager has left.
func (s *Service) DeleteFirewallManagerRuleGroups(ctx context.Context, in *wafv2api.DeleteFirewallManagerRuleGroupsRequest) (*wafv2api.DeleteFirewallManagerRuleGroupsResponse, error) {
	c, e, err := s.locked(ctx, in.WebACLLockToken)
	if err != nil {
		return nil, err
	}
	a, err := s.webACL(e)
	if err != nil {
		return nil, err
	}
	if value(a.ManagedByFirewallManager) || value(a.RetrofittedByFirewallManager) {
		return nil, invalidOperation("The operation isn't valid. The web ACL is managed by Firewall Manager.")
	}
	a.PreProcessFirewallManagerRuleGroups, a.PostProcessFirewallManagerRuleGroups = nil, nil
	was := e.References
	if err := s.checkWebACL(c, e, a); err != nil {
		return nil, err
	}
	if err := s.update(c.Txn(), e, was, shapeWebACL, a); err != nil {
		return nil, err
	}
	return &wafv2api.DeleteFirewallManagerRuleGroupsResponse{NextWebACLLockToken: &e.LockToken}, nil
}
