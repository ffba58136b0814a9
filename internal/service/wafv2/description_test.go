package wafv2

import (
	"testing"

	"fastness/internal/api/wafv2api"
	"fastness/internal/front/fronttest"
)

// What has no description answers an empty one, as in the AWS CLI's examples of get-web-acl, get-rule-group and
// get-ip-set: clients compare it with what they have.
func TestAnswersHaveADescription(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	admin := h.admin()
	seen := &wafv2api.VisibilityConfig{SampledRequestsEnabled: new(false), CloudWatchMetricsEnabled: new(false), MetricName: new("plain")}

	ips := fronttest.Must[*wafv2api.CreateIPSetResponse](t)(admin.CreateIPSet(ctx, &wafv2api.CreateIPSetRequest{
		Name: new("plain"), Scope: regional(), IPAddressVersion: new(wafv2api.IPAddressVersionIPV4), Addresses: []string{},
	})).Summary
	expressions := fronttest.Must[*wafv2api.CreateRegexPatternSetResponse](t)(admin.CreateRegexPatternSet(ctx, &wafv2api.CreateRegexPatternSetRequest{
		Name: new("plain"), Scope: regional(), RegularExpressionList: []wafv2api.Regex{},
	})).Summary
	group := fronttest.Must[*wafv2api.CreateRuleGroupResponse](t)(admin.CreateRuleGroup(ctx, &wafv2api.CreateRuleGroupRequest{
		Name: new("plain"), Scope: regional(), Capacity: new(int64(1)), VisibilityConfig: seen,
	})).Summary
	acl := fronttest.Must[*wafv2api.CreateWebACLResponse](t)(admin.CreateWebACL(ctx, &wafv2api.CreateWebACLRequest{
		Name: new("plain"), Scope: regional(), DefaultAction: &wafv2api.DefaultAction{Allow: &wafv2api.AllowAction{}}, VisibilityConfig: seen,
	})).Summary

	for what, got := range map[string]*string{
		"IP set":            fronttest.Must[*wafv2api.GetIPSetResponse](t)(admin.GetIPSet(ctx, &wafv2api.GetIPSetRequest{Name: ips.Name, Scope: regional(), Id: ips.Id})).IPSet.Description,
		"regex pattern set": fronttest.Must[*wafv2api.GetRegexPatternSetResponse](t)(admin.GetRegexPatternSet(ctx, &wafv2api.GetRegexPatternSetRequest{Name: expressions.Name, Scope: regional(), Id: expressions.Id})).RegexPatternSet.Description,
		"rule group":        fronttest.Must[*wafv2api.GetRuleGroupResponse](t)(admin.GetRuleGroup(ctx, &wafv2api.GetRuleGroupRequest{Name: group.Name, Scope: regional(), Id: group.Id})).RuleGroup.Description,
		"web ACL":           fronttest.Must[*wafv2api.GetWebACLResponse](t)(admin.GetWebACL(ctx, &wafv2api.GetWebACLRequest{Name: acl.Name, Scope: regional(), Id: acl.Id})).WebACL.Description,
	} {
		if got == nil || *got != "" {
			t.Errorf("%s: no empty description in the answer", what)
		}
	}
}
