package clients

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/wafv2"
	"github.com/aws/aws-sdk-go-v2/service/wafv2/types"
	"github.com/aws/smithy-go/middleware"
)

// wafOutcomes are the outcomes of the calls of one client, by operation. The empty code stands for success.
type wafOutcomes struct {
	sync.Mutex
	seen map[string]map[string]bool
}

func (o *wafOutcomes) record(s *middleware.Stack) error {
	operation := s.ID()
	return s.Initialize.Add(middleware.InitializeMiddlewareFunc("RecordOutcomes",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			out, metadata, err := next.HandleInitialize(ctx, in)
			o.Lock()
			defer o.Unlock()
			if o.seen[operation] == nil {
				o.seen[operation] = map[string]bool{}
			}
			if err == nil || code(err) != "" {
				o.seen[operation][code(err)] = true
			}
			return out, metadata, err
		}), middleware.Before)
}

// withoutSuccess are the operations that cannot succeed here, with the reason.
var withoutSuccess = map[string]string{
	"GetMobileSdkRelease":                   "there are no releases of the mobile SDK",
	"GenerateMobileSdkReleaseUrl":           "there are no releases of the mobile SDK",
	"GetManagedRuleSet":                     "no vendor has a rule set: operators make them, and no client can",
	"PutManagedRuleSetVersions":             "the same",
	"UpdateManagedRuleSetVersionExpiryDate": "the same",
}

// withoutError are the operations that answer nothing but success, with the reason.
var withoutError = map[string]string{"ListMobileSdkReleases": "there are none to list, of any platform"}

// TestEveryWAFOperation calls each of the 55 operations of the model with success and with a modelled error.
func TestEveryWAFOperation(t *testing.T) {
	ctx := t.Context()
	outcomes := &wafOutcomes{seen: map[string]map[string]bool{}}
	client := func(inRegion string) *wafv2.Client {
		return wafv2.NewFromConfig(server.config(server.credentials, inRegion), func(o *wafv2.Options) { o.APIOptions = append(o.APIOptions, outcomes.record) })
	}
	// The scope of CloudFront is that of one Region.
	c, elsewhere := client(region), client("eu-west-1")
	balancing := elb.NewFromConfig(server.config(server.credentials, region))
	const scope, nobody = types.ScopeRegional, "a1b2c3d4-5678-90ab-cdef-111122223333"
	s := aws.String
	lb := must[*elb.CreateLoadBalancerOutput](t)(balancing.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: s("ops")})).LoadBalancers[0].LoadBalancerArn
	succeed(t, t.TempDir(), server.environment(server.credentials), need(t, "aws"), "--endpoint-url", server.http(), "logs", "create-log-group", "--log-group-name", "aws-waf-logs-ops")

	byteMatch := &types.Statement{ByteMatchStatement: &types.ByteMatchStatement{
		SearchString: []byte("x"), FieldToMatch: &types.FieldToMatch{UriPath: &types.UriPath{}}, PositionalConstraint: types.PositionalConstraintContains,
		TextTransformations: []types.TextTransformation{{Type: types.TextTransformationTypeNone}},
	}}
	rate := &types.Statement{RateBasedStatement: &types.RateBasedStatement{Limit: aws.Int64(100), AggregateKeyType: types.RateBasedStatementAggregateKeyTypeIp}}
	rule := func(name string, priority int32, st *types.Statement) types.Rule {
		return types.Rule{Name: &name, Priority: priority, Statement: st, Action: &types.RuleAction{Block: &types.BlockAction{}}, VisibilityConfig: visibleAs(name)}
	}
	allow := &types.DefaultAction{Allow: &types.AllowAction{}}
	now := time.Now()
	window := &types.TimeWindow{StartTime: aws.Time(now.Add(-time.Hour)), EndTime: aws.Time(now)}
	absent := s("arn:aws:wafv2:" + region + ":" + account + ":regional/webacl/none/" + nobody)

	// Each operation is called by the next lines; what has to fail is wrapped in bad.
	bad := func(want string) func(any, error) {
		return func(_ any, err error) {
			t.Helper()
			wantCode(t, err, want)
		}
	}
	const missing, invalid, duplicate, stale, associated = "WAFNonexistentItemException", "WAFInvalidParameterException", "WAFDuplicateItemException", "WAFOptimisticLockException", "WAFAssociatedItemException"
	const marker = "WAFInvalidOperationException" // of a marker that no listing gave
	two := func(v any, err error) (any, error) { return v, err }

	set := must[*wafv2.CreateIPSetOutput](t)(c.CreateIPSet(ctx, &wafv2.CreateIPSetInput{Name: s("ops"), Scope: scope, IPAddressVersion: types.IPAddressVersionIpv4, Addresses: []string{"192.0.2.0/24"}})).Summary
	bad(duplicate)(two(c.CreateIPSet(ctx, &wafv2.CreateIPSetInput{Name: s("ops"), Scope: scope, IPAddressVersion: types.IPAddressVersionIpv4, Addresses: []string{}})))
	must[*wafv2.GetIPSetOutput](t)(c.GetIPSet(ctx, &wafv2.GetIPSetInput{Name: s("ops"), Scope: scope, Id: set.Id}))
	bad(missing)(two(c.GetIPSet(ctx, &wafv2.GetIPSetInput{Name: s("none"), Scope: scope, Id: s(nobody)})))
	setToken := must[*wafv2.UpdateIPSetOutput](t)(c.UpdateIPSet(ctx, &wafv2.UpdateIPSetInput{Name: s("ops"), Scope: scope, Id: set.Id, LockToken: set.LockToken, Addresses: []string{"198.51.100.7/32"}})).NextLockToken
	bad(stale)(two(c.UpdateIPSet(ctx, &wafv2.UpdateIPSetInput{Name: s("ops"), Scope: scope, Id: set.Id, LockToken: set.LockToken, Addresses: []string{}})))
	must[*wafv2.ListIPSetsOutput](t)(c.ListIPSets(ctx, &wafv2.ListIPSetsInput{Scope: scope}))
	bad(marker)(two(c.ListIPSets(ctx, &wafv2.ListIPSetsInput{Scope: scope, NextMarker: s("no marker")})))

	regex := must[*wafv2.CreateRegexPatternSetOutput](t)(c.CreateRegexPatternSet(ctx, &wafv2.CreateRegexPatternSetInput{Name: s("ops"), Scope: scope, RegularExpressionList: []types.Regex{{RegexString: s("^a+$")}}})).Summary
	bad(duplicate)(two(c.CreateRegexPatternSet(ctx, &wafv2.CreateRegexPatternSetInput{Name: s("ops"), Scope: scope, RegularExpressionList: []types.Regex{{RegexString: s("a")}}})))
	must[*wafv2.GetRegexPatternSetOutput](t)(c.GetRegexPatternSet(ctx, &wafv2.GetRegexPatternSetInput{Name: s("ops"), Scope: scope, Id: regex.Id}))
	bad(missing)(two(c.GetRegexPatternSet(ctx, &wafv2.GetRegexPatternSetInput{Name: s("none"), Scope: scope, Id: s(nobody)})))
	regexToken := must[*wafv2.UpdateRegexPatternSetOutput](t)(c.UpdateRegexPatternSet(ctx, &wafv2.UpdateRegexPatternSetInput{Name: s("ops"), Scope: scope, Id: regex.Id, LockToken: regex.LockToken, RegularExpressionList: []types.Regex{{RegexString: s("b")}}})).NextLockToken
	bad(stale)(two(c.UpdateRegexPatternSet(ctx, &wafv2.UpdateRegexPatternSetInput{Name: s("ops"), Scope: scope, Id: regex.Id, LockToken: regex.LockToken, RegularExpressionList: []types.Regex{{RegexString: s("c")}}})))
	must[*wafv2.ListRegexPatternSetsOutput](t)(c.ListRegexPatternSets(ctx, &wafv2.ListRegexPatternSetsInput{Scope: scope}))
	bad(marker)(two(c.ListRegexPatternSets(ctx, &wafv2.ListRegexPatternSetsInput{Scope: scope, NextMarker: s("no marker")})))

	group := must[*wafv2.CreateRuleGroupOutput](t)(c.CreateRuleGroup(ctx, &wafv2.CreateRuleGroupInput{Name: s("ops"), Scope: scope, Capacity: aws.Int64(50), VisibilityConfig: visibleAs("g"), Rules: []types.Rule{rule("r", 0, byteMatch)}})).Summary
	bad(duplicate)(two(c.CreateRuleGroup(ctx, &wafv2.CreateRuleGroupInput{Name: s("ops"), Scope: scope, Capacity: aws.Int64(50), VisibilityConfig: visibleAs("g")})))
	must[*wafv2.GetRuleGroupOutput](t)(c.GetRuleGroup(ctx, &wafv2.GetRuleGroupInput{ARN: group.ARN}))
	bad(missing)(two(c.GetRuleGroup(ctx, &wafv2.GetRuleGroupInput{Name: s("none"), Scope: scope, Id: s(nobody)})))
	groupToken := must[*wafv2.UpdateRuleGroupOutput](t)(c.UpdateRuleGroup(ctx, &wafv2.UpdateRuleGroupInput{Name: s("ops"), Scope: scope, Id: group.Id, LockToken: group.LockToken, VisibilityConfig: visibleAs("g"), Rules: []types.Rule{rule("r", 0, byteMatch)}})).NextLockToken
	bad(stale)(two(c.UpdateRuleGroup(ctx, &wafv2.UpdateRuleGroupInput{Name: s("ops"), Scope: scope, Id: group.Id, LockToken: group.LockToken, VisibilityConfig: visibleAs("g")})))
	must[*wafv2.ListRuleGroupsOutput](t)(c.ListRuleGroups(ctx, &wafv2.ListRuleGroupsInput{Scope: scope}))
	bad(marker)(two(c.ListRuleGroups(ctx, &wafv2.ListRuleGroupsInput{Scope: scope, NextMarker: s("no marker")})))
	share := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":["wafv2:CreateWebACL","wafv2:UpdateWebACL","wafv2:PutFirewallManagerRuleGroups"]}}`
	must[*wafv2.PutPermissionPolicyOutput](t)(c.PutPermissionPolicy(ctx, &wafv2.PutPermissionPolicyInput{ResourceArn: group.ARN, Policy: &share}))
	bad("WAFInvalidPermissionPolicyException")(two(c.PutPermissionPolicy(ctx, &wafv2.PutPermissionPolicyInput{ResourceArn: group.ARN, Policy: s("[]")})))
	must[*wafv2.GetPermissionPolicyOutput](t)(c.GetPermissionPolicy(ctx, &wafv2.GetPermissionPolicyInput{ResourceArn: group.ARN}))
	must[*wafv2.DeletePermissionPolicyOutput](t)(c.DeletePermissionPolicy(ctx, &wafv2.DeletePermissionPolicyInput{ResourceArn: group.ARN}))
	bad(missing)(two(c.GetPermissionPolicy(ctx, &wafv2.GetPermissionPolicyInput{ResourceArn: group.ARN})))
	bad(missing)(two(c.DeletePermissionPolicy(ctx, &wafv2.DeletePermissionPolicyInput{ResourceArn: group.ARN})))

	must[*wafv2.CheckCapacityOutput](t)(c.CheckCapacity(ctx, &wafv2.CheckCapacityInput{Scope: scope, Rules: []types.Rule{rule("r", 0, byteMatch)}}))
	bad(invalid)(two(c.CheckCapacity(ctx, &wafv2.CheckCapacityInput{Scope: scope, Rules: []types.Rule{rule("r", 0, &types.Statement{})}})))
	acl := must[*wafv2.CreateWebACLOutput](t)(c.CreateWebACL(ctx, &wafv2.CreateWebACLInput{
		Name: s("ops"), Scope: scope, DefaultAction: allow, VisibilityConfig: visibleAs("ops"),
		Rules: []types.Rule{rule("r", 0, byteMatch), rule("rate", 1, rate), rule("set", 2, &types.Statement{IPSetReferenceStatement: &types.IPSetReferenceStatement{ARN: set.ARN}})},
	})).Summary
	bad(duplicate)(two(c.CreateWebACL(ctx, &wafv2.CreateWebACLInput{Name: s("ops"), Scope: scope, DefaultAction: allow, VisibilityConfig: visibleAs("ops")})))
	full := must[*wafv2.GetWebACLOutput](t)(c.GetWebACL(ctx, &wafv2.GetWebACLInput{ARN: acl.ARN}))
	bad(missing)(two(c.GetWebACL(ctx, &wafv2.GetWebACLInput{Name: s("none"), Scope: scope, Id: s(nobody)})))
	must[*wafv2.UpdateWebACLOutput](t)(c.UpdateWebACL(ctx, &wafv2.UpdateWebACLInput{Name: s("ops"), Scope: scope, Id: acl.Id, LockToken: acl.LockToken, DefaultAction: allow, VisibilityConfig: visibleAs("ops"), Rules: full.WebACL.Rules}))
	bad(stale)(two(c.UpdateWebACL(ctx, &wafv2.UpdateWebACLInput{Name: s("ops"), Scope: scope, Id: acl.Id, LockToken: acl.LockToken, DefaultAction: allow, VisibilityConfig: visibleAs("ops")})))
	must[*wafv2.ListWebACLsOutput](t)(c.ListWebACLs(ctx, &wafv2.ListWebACLsInput{Scope: scope}))
	bad(marker)(two(c.ListWebACLs(ctx, &wafv2.ListWebACLsInput{Scope: scope, NextMarker: s("no marker")})))
	must[*wafv2.AssociateWebACLOutput](t)(c.AssociateWebACL(ctx, &wafv2.AssociateWebACLInput{WebACLArn: acl.ARN, ResourceArn: lb}))
	bad(missing)(two(c.AssociateWebACL(ctx, &wafv2.AssociateWebACLInput{WebACLArn: absent, ResourceArn: lb})))
	must[*wafv2.GetWebACLForResourceOutput](t)(c.GetWebACLForResource(ctx, &wafv2.GetWebACLForResourceInput{ResourceArn: lb}))
	bad(missing)(two(c.GetWebACLForResource(ctx, &wafv2.GetWebACLForResourceInput{ResourceArn: s(*lb + "0")})))
	must[*wafv2.ListResourcesForWebACLOutput](t)(c.ListResourcesForWebACL(ctx, &wafv2.ListResourcesForWebACLInput{WebACLArn: acl.ARN}))
	bad(missing)(two(c.ListResourcesForWebACL(ctx, &wafv2.ListResourcesForWebACLInput{WebACLArn: absent})))
	bad(associated)(two(c.DeleteIPSet(ctx, &wafv2.DeleteIPSetInput{Name: s("ops"), Scope: scope, Id: set.Id, LockToken: setToken})))

	must[*wafv2.PutLoggingConfigurationOutput](t)(c.PutLoggingConfiguration(ctx, &wafv2.PutLoggingConfigurationInput{LoggingConfiguration: &types.LoggingConfiguration{
		ResourceArn: acl.ARN, LogDestinationConfigs: []string{"arn:aws:logs:" + region + ":" + account + ":log-group:aws-waf-logs-ops"},
	}}))
	bad("WAFLogDestinationPermissionIssueException")(two(c.PutLoggingConfiguration(ctx, &wafv2.PutLoggingConfigurationInput{LoggingConfiguration: &types.LoggingConfiguration{
		ResourceArn: acl.ARN, LogDestinationConfigs: []string{"arn:aws:logs:" + region + ":" + account + ":log-group:aws-waf-logs-none"},
	}})))
	must[*wafv2.GetLoggingConfigurationOutput](t)(c.GetLoggingConfiguration(ctx, &wafv2.GetLoggingConfigurationInput{ResourceArn: acl.ARN}))
	must[*wafv2.ListLoggingConfigurationsOutput](t)(c.ListLoggingConfigurations(ctx, &wafv2.ListLoggingConfigurationsInput{Scope: scope}))
	bad(marker)(two(c.ListLoggingConfigurations(ctx, &wafv2.ListLoggingConfigurationsInput{Scope: scope, NextMarker: s("no marker")})))
	must[*wafv2.DeleteLoggingConfigurationOutput](t)(c.DeleteLoggingConfiguration(ctx, &wafv2.DeleteLoggingConfigurationInput{ResourceArn: acl.ARN}))
	bad(missing)(two(c.DeleteLoggingConfiguration(ctx, &wafv2.DeleteLoggingConfigurationInput{ResourceArn: acl.ARN})))
	bad(missing)(two(c.GetLoggingConfiguration(ctx, &wafv2.GetLoggingConfigurationInput{ResourceArn: acl.ARN})))

	must[*wafv2.GetSampledRequestsOutput](t)(c.GetSampledRequests(ctx, &wafv2.GetSampledRequestsInput{WebAclArn: acl.ARN, RuleMetricName: s("r"), Scope: scope, MaxItems: aws.Int64(10), TimeWindow: window}))
	bad(missing)(two(c.GetSampledRequests(ctx, &wafv2.GetSampledRequestsInput{WebAclArn: absent, RuleMetricName: s("r"), Scope: scope, MaxItems: aws.Int64(10), TimeWindow: window})))
	must[*wafv2.GetRateBasedStatementManagedKeysOutput](t)(c.GetRateBasedStatementManagedKeys(ctx, &wafv2.GetRateBasedStatementManagedKeysInput{Scope: scope, WebACLName: s("ops"), WebACLId: acl.Id, RuleName: s("rate")}))
	bad(missing)(two(c.GetRateBasedStatementManagedKeys(ctx, &wafv2.GetRateBasedStatementManagedKeysInput{Scope: scope, WebACLName: s("ops"), WebACLId: acl.Id, RuleName: s("r")})))
	must[*wafv2.GetTopPathStatisticsByTrafficOutput](t)(c.GetTopPathStatisticsByTraffic(ctx, &wafv2.GetTopPathStatisticsByTrafficInput{WebAclArn: acl.ARN, Scope: scope, TimeWindow: window, Limit: aws.Int32(10), NumberOfTopTrafficBotsPerPath: aws.Int32(1)}))
	bad(missing)(two(c.GetTopPathStatisticsByTraffic(ctx, &wafv2.GetTopPathStatisticsByTrafficInput{WebAclArn: absent, Scope: scope, TimeWindow: window, Limit: aws.Int32(10), NumberOfTopTrafficBotsPerPath: aws.Int32(1)})))
	now2 := must[*wafv2.GetWebACLOutput](t)(c.GetWebACL(ctx, &wafv2.GetWebACLInput{ARN: acl.ARN}))
	must[*wafv2.DeleteFirewallManagerRuleGroupsOutput](t)(c.DeleteFirewallManagerRuleGroups(ctx, &wafv2.DeleteFirewallManagerRuleGroupsInput{WebACLArn: acl.ARN, WebACLLockToken: now2.LockToken}))
	bad(missing)(two(c.DeleteFirewallManagerRuleGroups(ctx, &wafv2.DeleteFirewallManagerRuleGroupsInput{WebACLArn: absent, WebACLLockToken: s(nobody)})))

	must[*wafv2.TagResourceOutput](t)(c.TagResource(ctx, &wafv2.TagResourceInput{ResourceARN: acl.ARN, Tags: []types.Tag{{Key: s("team"), Value: s("ops")}}}))
	bad(missing)(two(c.TagResource(ctx, &wafv2.TagResourceInput{ResourceARN: absent, Tags: []types.Tag{{Key: s("team"), Value: s("ops")}}})))
	must[*wafv2.ListTagsForResourceOutput](t)(c.ListTagsForResource(ctx, &wafv2.ListTagsForResourceInput{ResourceARN: acl.ARN}))
	bad(missing)(two(c.ListTagsForResource(ctx, &wafv2.ListTagsForResourceInput{ResourceARN: absent})))
	must[*wafv2.UntagResourceOutput](t)(c.UntagResource(ctx, &wafv2.UntagResourceInput{ResourceARN: acl.ARN, TagKeys: []string{"team"}}))
	bad(missing)(two(c.UntagResource(ctx, &wafv2.UntagResourceInput{ResourceARN: absent, TagKeys: []string{"team"}})))

	key := must[*wafv2.CreateAPIKeyOutput](t)(c.CreateAPIKey(ctx, &wafv2.CreateAPIKeyInput{Scope: scope, TokenDomains: []string{"shop.example.com"}})).APIKey
	bad(invalid)(two(c.CreateAPIKey(ctx, &wafv2.CreateAPIKeyInput{Scope: scope, TokenDomains: []string{"com"}})))
	must[*wafv2.GetDecryptedAPIKeyOutput](t)(c.GetDecryptedAPIKey(ctx, &wafv2.GetDecryptedAPIKeyInput{Scope: scope, APIKey: key}))
	bad("WAFInvalidResourceException")(two(c.GetDecryptedAPIKey(ctx, &wafv2.GetDecryptedAPIKeyInput{Scope: scope, APIKey: s("nothing that was ever made here")})))
	must[*wafv2.ListAPIKeysOutput](t)(c.ListAPIKeys(ctx, &wafv2.ListAPIKeysInput{Scope: scope}))
	bad(marker)(two(c.ListAPIKeys(ctx, &wafv2.ListAPIKeysInput{Scope: scope, NextMarker: s("no marker")})))
	must[*wafv2.DeleteAPIKeyOutput](t)(c.DeleteAPIKey(ctx, &wafv2.DeleteAPIKeyInput{Scope: scope, APIKey: key}))
	bad(missing)(two(c.DeleteAPIKey(ctx, &wafv2.DeleteAPIKeyInput{Scope: scope, APIKey: key})))

	vendor, common := s("AWS"), s("AWSManagedRulesCommonRuleSet")
	must[*wafv2.ListAvailableManagedRuleGroupsOutput](t)(c.ListAvailableManagedRuleGroups(ctx, &wafv2.ListAvailableManagedRuleGroupsInput{Scope: scope}))
	bad(marker)(two(c.ListAvailableManagedRuleGroups(ctx, &wafv2.ListAvailableManagedRuleGroupsInput{Scope: scope, NextMarker: s("no marker")})))
	must[*wafv2.ListAvailableManagedRuleGroupVersionsOutput](t)(c.ListAvailableManagedRuleGroupVersions(ctx, &wafv2.ListAvailableManagedRuleGroupVersionsInput{Scope: scope, VendorName: vendor, Name: common}))
	bad(missing)(two(c.ListAvailableManagedRuleGroupVersions(ctx, &wafv2.ListAvailableManagedRuleGroupVersionsInput{Scope: scope, VendorName: vendor, Name: s("none")})))
	must[*wafv2.DescribeManagedRuleGroupOutput](t)(c.DescribeManagedRuleGroup(ctx, &wafv2.DescribeManagedRuleGroupInput{Scope: scope, VendorName: vendor, Name: common}))
	bad(missing)(two(c.DescribeManagedRuleGroup(ctx, &wafv2.DescribeManagedRuleGroupInput{Scope: scope, VendorName: vendor, Name: s("none")})))
	must[*wafv2.DescribeAllManagedProductsOutput](t)(c.DescribeAllManagedProducts(ctx, &wafv2.DescribeAllManagedProductsInput{Scope: scope}))
	bad(invalid)(two(elsewhere.DescribeAllManagedProducts(ctx, &wafv2.DescribeAllManagedProductsInput{Scope: types.ScopeCloudfront})))
	must[*wafv2.DescribeManagedProductsByVendorOutput](t)(c.DescribeManagedProductsByVendor(ctx, &wafv2.DescribeManagedProductsByVendorInput{Scope: scope, VendorName: vendor}))
	bad(invalid)(two(elsewhere.DescribeManagedProductsByVendor(ctx, &wafv2.DescribeManagedProductsByVendorInput{Scope: types.ScopeCloudfront, VendorName: vendor})))
	must[*wafv2.ListManagedRuleSetsOutput](t)(c.ListManagedRuleSets(ctx, &wafv2.ListManagedRuleSetsInput{Scope: scope}))
	bad(marker)(two(c.ListManagedRuleSets(ctx, &wafv2.ListManagedRuleSetsInput{Scope: scope, NextMarker: s("no marker")})))
	bad(missing)(two(c.GetManagedRuleSet(ctx, &wafv2.GetManagedRuleSetInput{Name: s("none"), Scope: scope, Id: s(nobody)})))
	bad(missing)(two(c.PutManagedRuleSetVersions(ctx, &wafv2.PutManagedRuleSetVersionsInput{Name: s("none"), Scope: scope, Id: s(nobody), LockToken: s(nobody)})))
	bad(missing)(two(c.UpdateManagedRuleSetVersionExpiryDate(ctx, &wafv2.UpdateManagedRuleSetVersionExpiryDateInput{Name: s("none"), Scope: scope, Id: s(nobody), LockToken: s(nobody), VersionToExpire: s("1.0"), ExpiryTimestamp: aws.Time(now.Add(time.Hour))})))
	must[*wafv2.ListMobileSdkReleasesOutput](t)(c.ListMobileSdkReleases(ctx, &wafv2.ListMobileSdkReleasesInput{Platform: types.PlatformIos}))
	bad(missing)(two(c.GetMobileSdkRelease(ctx, &wafv2.GetMobileSdkReleaseInput{Platform: types.PlatformIos, ReleaseVersion: s("1.0")})))
	bad(missing)(two(c.GenerateMobileSdkReleaseUrl(ctx, &wafv2.GenerateMobileSdkReleaseUrlInput{Platform: types.PlatformIos, ReleaseVersion: s("1.0")})))

	must[*wafv2.DisassociateWebACLOutput](t)(c.DisassociateWebACL(ctx, &wafv2.DisassociateWebACLInput{ResourceArn: lb}))
	bad(missing)(two(c.DisassociateWebACL(ctx, &wafv2.DisassociateWebACLInput{ResourceArn: s(*lb + "0")})))
	now2 = must[*wafv2.GetWebACLOutput](t)(c.GetWebACL(ctx, &wafv2.GetWebACLInput{ARN: acl.ARN}))
	bad(stale)(two(c.DeleteWebACL(ctx, &wafv2.DeleteWebACLInput{Name: s("ops"), Scope: scope, Id: acl.Id, LockToken: acl.LockToken})))
	must[*wafv2.DeleteWebACLOutput](t)(c.DeleteWebACL(ctx, &wafv2.DeleteWebACLInput{Name: s("ops"), Scope: scope, Id: acl.Id, LockToken: now2.LockToken}))
	must[*wafv2.DeleteIPSetOutput](t)(c.DeleteIPSet(ctx, &wafv2.DeleteIPSetInput{Name: s("ops"), Scope: scope, Id: set.Id, LockToken: setToken}))
	bad(stale)(two(c.DeleteRegexPatternSet(ctx, &wafv2.DeleteRegexPatternSetInput{Name: s("ops"), Scope: scope, Id: regex.Id, LockToken: regex.LockToken})))
	must[*wafv2.DeleteRegexPatternSetOutput](t)(c.DeleteRegexPatternSet(ctx, &wafv2.DeleteRegexPatternSetInput{Name: s("ops"), Scope: scope, Id: regex.Id, LockToken: regexToken}))
	bad(stale)(two(c.DeleteRuleGroup(ctx, &wafv2.DeleteRuleGroupInput{Name: s("ops"), Scope: scope, Id: group.Id, LockToken: group.LockToken})))
	must[*wafv2.DeleteRuleGroupOutput](t)(c.DeleteRuleGroup(ctx, &wafv2.DeleteRuleGroupInput{Name: s("ops"), Scope: scope, Id: group.Id, LockToken: groupToken}))
	must[*elb.DeleteLoadBalancerOutput](t)(balancing.DeleteLoadBalancer(ctx, &elb.DeleteLoadBalancerInput{LoadBalancerArn: lb}))

	outcomes.complete(t)
}

// complete compares what was seen with the model: every operation succeeded, or says why it cannot, and
// answered an error that the model has for it.
func (o *wafOutcomes) complete(t *testing.T) {
	t.Helper()
	root := must[string](t)(repository())
	var model kmsModel
	if err := json.Unmarshal(must[[]byte](t)(os.ReadFile(filepath.Join(root, "models", "wafv2.json"))), &model); err != nil {
		t.Fatal(err)
	}
	if len(model.Operations) != 55 {
		t.Errorf("the model has %d operations", len(model.Operations))
	}
	for name, operation := range model.Operations {
		if succeeded := o.seen[name][""]; succeeded == (withoutSuccess[name] != "") {
			t.Errorf("%s succeeded: %v; %q", name, succeeded, withoutSuccess[name])
		}
		erred := false
		for code := range o.seen[name] {
			erred = erred || slices.ContainsFunc(operation.Errors, func(e struct {
				Shape string `json:"shape"`
			}) bool {
				return e.Shape == code
			})
		}
		if erred == (withoutError[name] != "") {
			t.Errorf("%s answered an error of its own: %v of %v", name, erred, o.seen[name])
		}
	}
}
