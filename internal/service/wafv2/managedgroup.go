package wafv2

import (
	"fastness/internal/api/wafv2api"
)

// The managed rule groups that are configured.
const (
	groupBotControl = "AWSManagedRulesBotControlRuleSet"
	groupATP        = "AWSManagedRulesATPRuleSet"
	groupACFP       = "AWSManagedRulesACFPRuleSet"
	groupAntiDDoS   = "AWSManagedRulesAntiDDoSRuleSet"
)

// vendorAWS is the vendor of AWS's managed rule groups.
const vendorAWS = "AWS"

// managedGroup checks a reference to a managed rule group.
func (k *ruleCheck) managedGroup(m *wafv2api.ManagedRuleGroupStatement, at place) error {
	k.managed++
	group, version, err := k.service.managedVersion(k.reader, k.region, k.scope, value(m.VendorName), value(m.Name), value(m.Version))
	switch {
	case err != nil:
		return err
	case group == nil || version == nil:
		return nonexistent()
	case k.service.expired(version):
		return &wafv2api.WAFExpiredManagedRuleGroupVersionException{
			Message: new("The operation failed because the specified version for the managed rule group has expired. You can retrieve the available versions for the managed rule group by calling ListAvailableManagedRuleGroupVersions."),
		}
	}
	names := make(map[string]struct{}, len(version.Rules))
	for _, r := range version.Rules {
		names[r.Name] = struct{}{}
	}
	if err := k.overrides(m.ExcludedRules, m.RuleActionOverrides, names); err != nil {
		return err
	}
	if err := checkEventOverride(m); err != nil {
		return err
	}
	if err := k.groupConfigs(m); err != nil {
		return err
	}
	if m.ScopeDownStatement != nil && version.RuleGroup != "" {
		// What accounts here publish is run as the rule group that it is.
		return invalid(wafv2api.ParameterExceptionFieldScopeDown, "ScopeDownStatement", reasonCombination)
	}
	if m.ScopeDownStatement != nil {
		return k.statement(m.ScopeDownStatement, place{scopeDown: true, depth: at.depth + 1})
	}
	return nil
}

// checkEventOverride: what challenges all requests during an event can only be allowed or counted instead (AWS
// WAF Developer Guide, "AWS WAF Distributed Denial of Service (DDoS) prevention rule group").
func checkEventOverride(m *wafv2api.ManagedRuleGroupStatement) error {
	if value(m.VendorName) != vendorAWS || value(m.Name) != groupAntiDDoS {
		return nil
	}
	for i := range m.RuleActionOverrides {
		o := &m.RuleActionOverrides[i]
		if a := o.ActionToUse; value(o.Name) == "ChallengeAllDuringEvent" && a != nil && a.Allow == nil && a.Count == nil && a.Challenge == nil {
			return invalid(wafv2api.ParameterExceptionFieldManagedRuleGroupConfig, value(o.Name), reasonCombination)
		}
	}
	return nil
}

// groupConfigs checks the configuration of a managed rule group: the one that belongs to the
// group, once, and for those that cannot do without it.
func (k *ruleCheck) groupConfigs(m *wafv2api.ManagedRuleGroupStatement) error {
	bad := func(parameter, reason string) error {
		return invalid(wafv2api.ParameterExceptionFieldManagedRuleGroupConfig, parameter, reason)
	}
	name := value(m.Name)
	if value(m.VendorName) != vendorAWS {
		name = ""
	}
	own := 0
	var former [4]bool // LoginPath, PayloadType, UsernameField, PasswordField
	for i := range m.ManagedRuleGroupConfigs {
		c := &m.ManagedRuleGroupConfigs[i]
		former[0] = former[0] || c.LoginPath != nil
		former[1] = former[1] || c.PayloadType != nil
		former[2] = former[2] || c.UsernameField != nil
		former[3] = former[3] || c.PasswordField != nil
		for of, given := range map[string]bool{
			groupBotControl: c.AWSManagedRulesBotControlRuleSet != nil, groupATP: c.AWSManagedRulesATPRuleSet != nil,
			groupACFP: c.AWSManagedRulesACFPRuleSet != nil, groupAntiDDoS: c.AWSManagedRulesAntiDDoSRuleSet != nil,
		} {
			if !given {
				continue
			}
			if of != name {
				return bad(of, reasonCombination)
			}
			if own++; own > 1 {
				return bad(of, reasonDuplicate)
			}
		}
		if err := k.groupConfig(c); err != nil {
			return err
		}
	}
	some := former[0] || former[1] || former[2] || former[3]
	switch {
	case some && name != groupATP:
		return bad("ManagedRuleGroupConfig", reasonCombination)
	case some && own > 0:
		return bad("ManagedRuleGroupConfig", reasonCombination)
	case name == groupATP && own == 0 && !former[0]:
		return bad("LoginPath", reasonMinimum)
	case (name == groupACFP || name == groupAntiDDoS) && own == 0:
		return bad(name, reasonMinimum)
	}
	return nil
}

func (k *ruleCheck) groupConfig(c *wafv2api.ManagedRuleGroupConfig) error {
	const f = wafv2api.ParameterExceptionFieldManagedRuleGroupConfig
	if a := c.AWSManagedRulesATPRuleSet; a != nil {
		if value(a.EnableRegexInPath) {
			if err := k.regex(value(a.LoginPath), f); err != nil {
				return err
			}
		}
		if r := a.RequestInspection; r != nil {
			if err := checkFields(r.PayloadType, r.UsernameField.Identifier, r.PasswordField.Identifier); err != nil {
				return err
			}
		}
		return checkInspection(a.ResponseInspection, wafv2api.ParameterExceptionFieldAtpRuleSetResponseInspection)
	}
	if a := c.AWSManagedRulesACFPRuleSet; a != nil {
		if value(a.EnableRegexInPath) {
			for _, path := range []*string{a.CreationPath, a.RegistrationPagePath} {
				if err := k.regex(value(path), f); err != nil {
					return err
				}
			}
		}
		if r := a.RequestInspection; r != nil {
			var all []*string
			if r.UsernameField != nil {
				all = append(all, r.UsernameField.Identifier)
			}
			if r.PasswordField != nil {
				all = append(all, r.PasswordField.Identifier)
			}
			if r.EmailField != nil {
				all = append(all, r.EmailField.Identifier)
			}
			for i := range r.PhoneNumberFields {
				all = append(all, r.PhoneNumberFields[i].Identifier)
			}
			for i := range r.AddressFields {
				all = append(all, r.AddressFields[i].Identifier)
			}
			if err := checkFields(r.PayloadType, all...); err != nil {
				return err
			}
		}
		return checkInspection(a.ResponseInspection, wafv2api.ParameterExceptionFieldAcpRuleSetResponseInspection)
	}
	if a := c.AWSManagedRulesAntiDDoSRuleSet; a != nil && a.ClientSideActionConfig != nil && a.ClientSideActionConfig.Challenge != nil {
		ch := a.ClientSideActionConfig.Challenge
		if value(ch.UsageOfAction) == wafv2api.UsageOfActionEnabled && len(ch.ExemptUriRegularExpressions) == 0 {
			return invalid(f, "ExemptUriRegularExpressions", reasonMinimum)
		}
		if len(ch.ExemptUriRegularExpressions) > maxExemptions {
			return invalid(f, "ExemptUriRegularExpressions", reasonMaximum)
		}
		for i := range ch.ExemptUriRegularExpressions {
			if err := k.regex(value(ch.ExemptUriRegularExpressions[i].RegexString), f); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxExemptions is how many expressions exempt URIs from challenges (AWS WAF API reference,
// ClientSideAction: 1 to 5 where the action is used).
const maxExemptions = 5

// checkFields checks where the fields of a payload are: in JSON by pointers (RFC 6901).
func checkFields(kind *wafv2api.PayloadType, identifiers ...*string) error {
	if value(kind) != wafv2api.PayloadTypeJSON {
		return nil
	}
	for _, identifier := range identifiers {
		if text := value(identifier); text != "" && text[0] != '/' {
			return invalid(wafv2api.ParameterExceptionFieldManagedRuleGroupConfig, text, reasonFormat)
		}
	}
	return nil
}

// checkInspection: answers are judged by one thing.
func checkInspection(r *wafv2api.ResponseInspection, f field) error {
	if r != nil && count(r.StatusCode != nil, r.Header != nil, r.BodyContains != nil, r.Json != nil) != 1 {
		return invalid(f, "ResponseInspection", reasonExactlyOne)
	}
	return nil
}
