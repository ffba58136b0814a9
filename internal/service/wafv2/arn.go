package wafv2

import (
	"strings"

	"fastness/internal/api/wafv2api"
	"fastness/internal/arn"
	"fastness/internal/call"
)

// globalRegion is where entities of the scope CLOUDFRONT live.
const globalRegion = "us-east-1"

// entityARN is the ARN of an entity (Service Authorization Reference, "Resource types defined
// by AWS WAF V2"): arn:aws:wafv2:REGION:ACCOUNT:{regional|global}/KIND/NAME/ID.
func entityARN(account, region string, scope wafv2api.Scope, k kind, name, id string) string {
	return "arn:" + call.Partition + ":wafv2:" + region + ":" + account + ":" + scopeWord(scope) + "/" + string(k) + "/" + name + "/" + id
}

func scopeWord(s wafv2api.Scope) string {
	if s == wafv2api.ScopeCloudfront {
		return "global"
	}
	return "regional"
}

// entityName is the identity of an entity, as an ARN or a request names it.
type entityName struct {
	account, region string
	scope           wafv2api.Scope
	kind            kind
	name, id        string
}

func (n entityName) arn() string {
	return entityARN(n.account, n.region, n.scope, n.kind, n.name, n.id)
}

// parseARN reads the ARN of an entity; ok is false for anything else.
func parseARN(text string) (n entityName, ok bool) {
	a, err := arn.Parse(text)
	if err != nil || a.Partition != call.Partition || a.Service != "wafv2" || a.Region == "" || !arn.IsAccountID(a.Account) {
		return n, false
	}
	parts := strings.Split(a.Resource, "/")
	if len(parts) != 4 || parts[2] == "" || parts[3] == "" {
		return n, false
	}
	n = entityName{account: a.Account, region: a.Region, kind: kind(parts[1]), name: parts[2], id: parts[3]}
	switch parts[0] {
	case "regional":
		n.scope = wafv2api.ScopeRegional
	case "global":
		n.scope = wafv2api.ScopeCloudfront
	default:
		return n, false
	}
	switch n.kind {
	case kindWebACL, kindRuleGroup, kindIPSet, kindRegexPatternSet, kindManagedRuleSet:
		return n, n.scope != wafv2api.ScopeCloudfront || n.region == globalRegion
	}
	return n, false
}

// checkScope refuses the scope CLOUDFRONT outside us-east-1 (AWS WAF API reference: "To work with
// CloudFront, you must also specify the Region US East (N. Virginia)").
func checkScope(c *call.Call, s *wafv2api.Scope) error {
	if value(s) == wafv2api.ScopeCloudfront && c.Region != globalRegion {
		return invalid(wafv2api.ParameterExceptionFieldScopeValue, string(value(s)), "The scope is not valid.")
	}
	return nil
}
