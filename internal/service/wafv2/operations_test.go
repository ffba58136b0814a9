package wafv2

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"fastness/internal/api/wafv2api"
	"fastness/internal/engine/waf/challenge"
	"fastness/internal/front/fronttest"
	"fastness/internal/store"
)

func TestAssociations(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	lb := h.loadBalancer("shop")
	first, second := h.webACL("first"), h.webACL("second")
	associate := func(acl *wafv2api.WebACLSummary, resource string) error {
		_, err := h.admin().AssociateWebACL(ctx, &wafv2api.AssociateWebACLRequest{WebACLArn: acl.ARN, ResourceArn: &resource})
		return err
	}
	protecting := func() string {
		out := fronttest.Must[*wafv2api.GetWebACLForResourceResponse](t)(h.admin().GetWebACLForResource(ctx, &wafv2api.GetWebACLForResourceRequest{ResourceArn: &lb}))
		if out.WebACL == nil {
			return ""
		}
		return *out.WebACL.Name
	}
	if got := protecting(); got != "" {
		t.Errorf("protected by %s before anything", got)
	}
	before := h.published
	fronttest.Wants(t, associate(first, lb), "")
	if h.published == before {
		t.Error("the proxies are not told")
	}
	if got := protecting(); got != "first" {
		t.Errorf("protected by %q", got)
	}
	// Another web ACL takes the place of the first.
	fronttest.Wants(t, associate(second, lb), "")
	if got := protecting(); got != "second" {
		t.Errorf("protected by %q", got)
	}
	list := func(acl *wafv2api.WebACLSummary, kind *wafv2api.ResourceType) []string {
		return fronttest.Must[*wafv2api.ListResourcesForWebACLResponse](t)(h.admin().ListResourcesForWebACL(ctx, &wafv2api.ListResourcesForWebACLRequest{WebACLArn: acl.ARN, ResourceType: kind})).ResourceArns
	}
	if got := list(second, nil); !slices.Equal(got, []string{lb}) {
		t.Errorf("resources %v", got)
	}
	if got := list(second, new(wafv2api.ResourceTypeAPIGateway)); len(got) != 0 {
		t.Errorf("stages %v", got)
	}
	_, err := h.admin().DeleteWebACL(ctx, &wafv2api.DeleteWebACLRequest{Name: second.Name, Scope: regional(), Id: second.Id, LockToken: second.LockToken})
	fronttest.Wants(t, err, "WAFAssociatedItemException")

	fronttest.Wants(t, associate(first, strings.Replace(lb, "shop", "none", 1)), "WAFNonexistentItemException")
	pending := h.loadBalancer("pending")
	h.resources[pending] = ResourcePending
	fronttest.Wants(t, associate(first, pending), "WAFUnavailableEntityException: AWS WAF couldn’t retrieve the resource that you requested. Retry your request.")
	fronttest.Wants(t, associate(first, strings.Replace(lb, testAccount, otherAccount, 1)), "WAFNonexistentItemException")
	fronttest.Wants(t, associate(first, "arn:aws:apigateway:us-east-1::/apis/pl3pgi6ue8/stages/dev"), "WAFInvalidParameterException: Error reason: The ARN isn't valid. A valid ARN begins with arn: and includes other information separated by colons or slashes., field: RESOURCE_ARN, parameter: arn:aws:apigateway:us-east-1::/apis/pl3pgi6ue8/stages/dev")
	fronttest.Wants(t, associate(first, "arn:aws:apigateway:us-east-1::/restapis/pl3pgi6ue8/stages/dev"), "WAFNonexistentItemException")
	_, err = h.admin().AssociateWebACL(ctx, &wafv2api.AssociateWebACLRequest{WebACLArn: new(strings.Replace(*first.ARN, "first", "third", 1)), ResourceArn: &lb})
	fronttest.Wants(t, err, "WAFNonexistentItemException")

	fronttest.Must[*wafv2api.DisassociateWebACLResponse](t)(h.admin().DisassociateWebACL(ctx, &wafv2api.DisassociateWebACLRequest{ResourceArn: &lb}))
	fronttest.Must[*wafv2api.DisassociateWebACLResponse](t)(h.admin().DisassociateWebACL(ctx, &wafv2api.DisassociateWebACLRequest{ResourceArn: &lb}))
	fronttest.Must[*wafv2api.DeleteWebACLResponse](t)(h.admin().DeleteWebACL(ctx, &wafv2api.DeleteWebACLRequest{Name: second.Name, Scope: regional(), Id: second.Id, LockToken: second.LockToken}))
}

// Who attaches a web ACL to a load balancer needs leave of both services.
func TestAssociationNeedsThePermissionOfTheLoadBalancer(t *testing.T) {
	h := newHarness(t)
	lb := h.loadBalancer("shop")
	acl := h.webACL("acl")
	who := user(testAccount, "attacher")
	in := &wafv2api.AssociateWebACLRequest{WebACLArn: acl.ARN, ResourceArn: &lb}
	h.allow(who, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"wafv2:AssociateWebACL","Resource":"*"}}`)
	_, err := h.as(who, testRegion).AssociateWebACL(t.Context(), in)
	fronttest.Wants(t, err, "AccessDeniedException")
	if !strings.Contains(fronttest.Text(err), "elasticloadbalancing:SetWebACL") {
		t.Errorf("the refusal does not name the action: %s", fronttest.Text(err))
	}
	h.allow(who, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"elasticloadbalancing:SetWebACL","Resource":"`+lb+`"}}`)
	fronttest.Must[*wafv2api.AssociateWebACLResponse](t)(h.as(who, testRegion).AssociateWebACL(t.Context(), in))
}

func TestAResourceThatGoesIsUnprotected(t *testing.T) {
	h := newHarness(t)
	lb := h.loadBalancer("shop")
	acl := h.webACL("acl")
	fronttest.Must[*wafv2api.AssociateWebACLResponse](t)(h.admin().AssociateWebACL(t.Context(), &wafv2api.AssociateWebACLRequest{WebACLArn: acl.ARN, ResourceArn: &lb}))
	if _, err := h.store.Update(t.Context(), func(tx store.Txn) error { return h.service.Unprotect(tx, testAccount, testRegion, lb) }); err != nil {
		t.Fatal(err)
	}
	fronttest.Must[*wafv2api.DeleteWebACLResponse](t)(h.admin().DeleteWebACL(t.Context(), &wafv2api.DeleteWebACLRequest{Name: acl.Name, Scope: regional(), Id: acl.Id, LockToken: acl.LockToken}))
}

func TestLogging(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	acl := h.webACL("acl")
	h.logGroup("aws-waf-logs-shop")
	const group = "arn:aws:logs:us-east-1:111122223333:log-group:aws-waf-logs-shop"
	const unable = "WAFLogDestinationPermissionIssueException: Unable to deliver logs to the configured destination."
	put := func(change func(*wafv2api.LoggingConfiguration)) error {
		l := &wafv2api.LoggingConfiguration{ResourceArn: acl.ARN, LogDestinationConfigs: []string{group}}
		change(l)
		_, err := h.admin().PutLoggingConfiguration(ctx, &wafv2api.PutLoggingConfigurationRequest{LoggingConfiguration: l})
		return err
	}
	to := func(list ...string) func(*wafv2api.LoggingConfiguration) {
		return func(l *wafv2api.LoggingConfiguration) { l.LogDestinationConfigs = list }
	}
	redact := func(f wafv2api.FieldToMatch) func(*wafv2api.LoggingConfiguration) {
		return func(l *wafv2api.LoggingConfiguration) { l.RedactedFields = []wafv2api.FieldToMatch{f} }
	}
	filter := func(c wafv2api.Condition) func(*wafv2api.LoggingConfiguration) {
		return func(l *wafv2api.LoggingConfiguration) {
			l.LoggingFilter = &wafv2api.LoggingFilter{DefaultBehavior: new(wafv2api.FilterBehaviorDrop), Filters: []wafv2api.Filter{{
				Behavior: new(wafv2api.FilterBehaviorKeep), Requirement: new(wafv2api.FilterRequirementMeetsAny), Conditions: []wafv2api.Condition{c},
			}}}
		}
	}
	const bad = "WAFInvalidParameterException: Error reason: "
	for _, c := range []struct {
		change func(*wafv2api.LoggingConfiguration)
		want   string
	}{
		{to(group), ""},
		{to(group + ":*"), ""},
		{to("arn:aws:s3:::aws-waf-logs-shop"), ""},
		{to("arn:aws:firehose:us-east-1:111122223333:deliverystream/aws-waf-logs-shop"), unable},
		{to("arn:aws:s3:::aws-waf-logs-none"), unable},
		{to("arn:aws:logs:us-east-1:111122223333:log-group:aws-waf-logs-sho"), unable},
		{to("arn:aws:logs:us-east-1:111122223333:log-group:aws-waf-logs-none"), unable},
		{to("arn:aws:s3:::shop-logs"), bad + "The ARN of the log destination isn't valid. The name of the destination must begin with aws-waf-logs-., field: LOG_DESTINATION, parameter: arn:aws:s3:::shop-logs"},
		{to("arn:aws:logs:us-east-1:444455556666:log-group:aws-waf-logs-shop"), bad + "The ARN isn't valid."},
		{to("arn:aws:logs:us-west-2:111122223333:log-group:aws-waf-logs-shop"), bad + "The ARN isn't valid."},
		{to("arn:aws:sqs:us-east-1:111122223333:aws-waf-logs-shop"), bad + "The ARN isn't valid."},
		{to(group, "arn:aws:s3:::aws-waf-logs-shop"), bad + "You have used none or multiple values"},
		{redact(wafv2api.FieldToMatch{SingleHeader: &wafv2api.SingleHeader{Name: new("authorization")}}), ""},
		{redact(wafv2api.FieldToMatch{Body: &wafv2api.Body{}}), bad + "The combination of settings is not valid., field: FIELD_TO_MATCH"},
		{redact(wafv2api.FieldToMatch{}), bad + "You have used none or multiple values"},
		{filter(wafv2api.Condition{ActionCondition: &wafv2api.ActionCondition{Action: new(wafv2api.ActionValueBlock)}}), ""},
		{filter(wafv2api.Condition{LabelNameCondition: &wafv2api.LabelNameCondition{LabelName: new("awswaf:111122223333:webacl:acl:x")}}), ""},
		{filter(wafv2api.Condition{LabelNameCondition: &wafv2api.LabelNameCondition{LabelName: new("x")}}), bad + "The parameter contains formatting that is not valid., field: FILTER_CONDITION, parameter: x"},
		{filter(wafv2api.Condition{}), bad + "You have used none or multiple values for a field that requires exactly one value., field: FILTER_CONDITION"},
	} {
		if err := put(c.change); c.want == "" && err != nil || !strings.HasPrefix(fronttest.Text(err), c.want) {
			t.Errorf("%q, want %q", fronttest.Text(err), c.want)
		}
	}
	got := fronttest.Must[*wafv2api.GetLoggingConfigurationResponse](t)(h.admin().GetLoggingConfiguration(ctx, &wafv2api.GetLoggingConfigurationRequest{ResourceArn: acl.ARN})).LoggingConfiguration
	if *got.LogScope != wafv2api.LogScopeCustomer || *got.LogType != wafv2api.LogTypeWAFLogs || *got.ManagedByFirewallManager || got.LoggingFilter == nil {
		t.Errorf("configuration %+v", got)
	}
	_, err := h.admin().GetLoggingConfiguration(ctx, &wafv2api.GetLoggingConfigurationRequest{ResourceArn: acl.ARN, LogScope: new(wafv2api.LogScopeSecurityLake)})
	fronttest.Wants(t, err, "WAFNonexistentItemException")
	other := h.webACL("other")
	fronttest.Must[*wafv2api.PutLoggingConfigurationResponse](t)(h.admin().PutLoggingConfiguration(ctx, &wafv2api.PutLoggingConfigurationRequest{LoggingConfiguration: &wafv2api.LoggingConfiguration{ResourceArn: other.ARN, LogDestinationConfigs: []string{group}}}))
	page := fronttest.Must[*wafv2api.ListLoggingConfigurationsResponse](t)(h.admin().ListLoggingConfigurations(ctx, &wafv2api.ListLoggingConfigurationsRequest{Scope: regional(), Limit: new(int32(1))}))
	rest := fronttest.Must[*wafv2api.ListLoggingConfigurationsResponse](t)(h.admin().ListLoggingConfigurations(ctx, &wafv2api.ListLoggingConfigurationsRequest{Scope: regional(), NextMarker: page.NextMarker}))
	if len(page.LoggingConfigurations) != 1 || len(rest.LoggingConfigurations) != 1 || *rest.LoggingConfigurations[0].ResourceArn != *other.ARN || rest.NextMarker != nil {
		t.Errorf("pages %v, %v", page, rest)
	}
	del := &wafv2api.DeleteLoggingConfigurationRequest{ResourceArn: acl.ARN}
	fronttest.Must[*wafv2api.DeleteLoggingConfigurationResponse](t)(h.admin().DeleteLoggingConfiguration(ctx, del))
	_, err = h.admin().DeleteLoggingConfiguration(ctx, del)
	fronttest.Wants(t, err, "WAFNonexistentItemException")
	// A web ACL takes its logging along.
	fronttest.Must[*wafv2api.DeleteWebACLResponse](t)(h.admin().DeleteWebACL(ctx, &wafv2api.DeleteWebACLRequest{Name: other.Name, Scope: regional(), Id: other.Id, LockToken: other.LockToken}))
	if l := fronttest.Must[*wafv2api.ListLoggingConfigurationsResponse](t)(h.admin().ListLoggingConfigurations(ctx, &wafv2api.ListLoggingConfigurationsRequest{Scope: regional()})); len(l.LoggingConfigurations) != 0 {
		t.Errorf("%d configurations are left", len(l.LoggingConfigurations))
	}
}

func TestSharedRuleGroups(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	sum := h.ruleGroup("ours", 20, rule(1, bytesIn("x")))
	stranger := h.as(root(otherAccount), testRegion)
	_, err := stranger.GetRuleGroup(ctx, &wafv2api.GetRuleGroupRequest{ARN: sum.ARN})
	fronttest.Wants(t, err, "AccessDeniedException")
	put := func(text string) error {
		_, err := h.admin().PutPermissionPolicy(ctx, &wafv2api.PutPermissionPolicyRequest{ResourceArn: sum.ARN, Policy: &text})
		return err
	}
	statement := func(more string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":["wafv2:CreateWebACL","wafv2:UpdateWebACL","wafv2:PutFirewallManagerRuleGroups"` + more + `}}`
	}
	const bad = "WAFInvalidPermissionPolicyException: The operation failed because the specified policy isn't in the proper format. "
	fronttest.Wants(t, put(`[]`), bad+"It is not a JSON object.")
	fronttest.Wants(t, put(`{"Version":"2008-10-17","Statement":[]}`), bad+"The version must be 2012-10-17.")
	fronttest.Wants(t, put(statement(`,"wafv2:DeleteRuleGroup"]`)), bad+"The action wafv2:DeleteRuleGroup cannot be shared.")
	fronttest.Wants(t, put(statement(`,"wafv2:*"]`)), bad+"The action wafv2:* cannot be shared.")
	fronttest.Wants(t, put(statement(`],"Resource":"*"`)), bad+"The policy must not include a Resource parameter.")
	fronttest.Wants(t, put(strings.Replace(statement(`]`), `"wafv2:UpdateWebACL",`, "", 1)), bad+"Action must specify wafv2:UpdateWebACL.")
	fronttest.Wants(t, put(strings.Replace(statement(`]`), "Allow", "Deny", 1)), bad+"Effect must specify Allow.")
	fronttest.Wants(t, put(strings.Replace(statement(`]`), `"Principal":{"AWS":"444455556666"},`, "", 1)), bad+"The policy must include a Principal.")
	fronttest.Wants(t, put(statement(`,"wafv2:GetRuleGroup"]`)), "")
	fronttest.Must[*wafv2api.GetRuleGroupResponse](t)(stranger.GetRuleGroup(ctx, &wafv2api.GetRuleGroupRequest{ARN: sum.ARN}))
	theirs := fronttest.Must[*wafv2api.CreateWebACLResponse](t)(stranger.CreateWebACL(ctx, &wafv2api.CreateWebACLRequest{
		Name: new("theirs"), Scope: regional(), DefaultAction: allowing(), VisibilityConfig: visible("theirs"), Rules: []wafv2api.Rule{group(1, groupOf(*sum.ARN))},
	}))
	if theirs.Summary == nil {
		t.Error("no summary")
	}
	_, err = h.admin().DeleteRuleGroup(ctx, &wafv2api.DeleteRuleGroupRequest{Name: sum.Name, Scope: regional(), Id: sum.Id, LockToken: sum.LockToken})
	fronttest.Wants(t, err, "WAFAssociatedItemException")
	p := fronttest.Must[*wafv2api.GetPermissionPolicyResponse](t)(h.admin().GetPermissionPolicy(ctx, &wafv2api.GetPermissionPolicyRequest{ResourceArn: sum.ARN}))
	if *p.Policy != statement(`,"wafv2:GetRuleGroup"]`) {
		t.Errorf("policy %s", *p.Policy)
	}
	fronttest.Must[*wafv2api.DeletePermissionPolicyResponse](t)(h.admin().DeletePermissionPolicy(ctx, &wafv2api.DeletePermissionPolicyRequest{ResourceArn: sum.ARN}))
	_, err = h.admin().GetPermissionPolicy(ctx, &wafv2api.GetPermissionPolicyRequest{ResourceArn: sum.ARN})
	fronttest.Wants(t, err, "WAFNonexistentItemException")
	_, err = stranger.GetRuleGroup(ctx, &wafv2api.GetRuleGroupRequest{ARN: sum.ARN})
	fronttest.Wants(t, err, "AccessDeniedException")
	_, err = stranger.PutPermissionPolicy(ctx, &wafv2api.PutPermissionPolicyRequest{ResourceArn: sum.ARN, Policy: new(statement(`]`))})
	fronttest.Wants(t, err, "WAFNonexistentItemException")
}

func TestAPIKeys(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	create := func(domains ...string) (string, error) {
		out, err := h.admin().CreateAPIKey(ctx, &wafv2api.CreateAPIKeyRequest{Scope: regional(), TokenDomains: domains})
		if err != nil {
			return "", err
		}
		return *out.APIKey, nil
	}
	key := fronttest.Must[string](t)(create("example.com", "shop.example.com"))
	_, err := create("a.com", "b.com", "c.com", "d.com", "e.com", "f.com")
	fronttest.Wants(t, err, "WAFLimitsExceededException")
	_, err = create("com")
	fronttest.Wants(t, err, "WAFInvalidParameterException")
	got := fronttest.Must[*wafv2api.GetDecryptedAPIKeyResponse](t)(h.admin().GetDecryptedAPIKey(ctx, &wafv2api.GetDecryptedAPIKeyRequest{Scope: regional(), APIKey: &key}))
	if !slices.Equal(got.TokenDomains, []string{"example.com", "shop.example.com"}) || !got.CreationTimestamp.Equal(h.clock.Now()) {
		t.Errorf("key %v of %v", got.TokenDomains, got.CreationTimestamp)
	}
	if h.published == 0 {
		t.Error("proxies are not told of the key")
	}
	list := fronttest.Must[*wafv2api.ListAPIKeysResponse](t)(h.admin().ListAPIKeys(ctx, &wafv2api.ListAPIKeysRequest{Scope: regional()}))
	if len(list.APIKeySummaries) != 1 || *list.APIKeySummaries[0].APIKey != key || list.ApplicationIntegrationURL == nil {
		t.Errorf("keys %v", list)
	}
	// Proxies learn of it, for web ACLs of the account, the Region and the scope.
	known := func(arn string) (domains [][]string) {
		t.Helper()
		err := h.store.View(ctx, func(r store.Reader) error {
			keys, _, err := h.service.APIKeys(r, arn)
			for _, k := range keys {
				if k.ID != challenge.APIKeyID(key) {
					t.Errorf("key %s", k.ID)
				}
				domains = append(domains, k.Domains)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return domains
	}
	acl := "arn:aws:wafv2:" + testRegion + ":" + testAccount + ":regional/webacl/a/b"
	if got := known(acl); len(got) != 1 || !slices.Equal(got[0], []string{"example.com", "shop.example.com"}) {
		t.Errorf("proxies know %v", got)
	}
	for _, other := range []string{strings.Replace(acl, testAccount, otherAccount, 1), strings.Replace(acl, testRegion, "eu-west-3", 1), strings.Replace(acl, "regional", "global", 1)} {
		if got := known(other); len(got) != 0 {
			t.Errorf("%s: %v", other, got)
		}
	}
	// A key is of an account, a Region and a scope.
	_, err = h.as(root(otherAccount), testRegion).GetDecryptedAPIKey(ctx, &wafv2api.GetDecryptedAPIKeyRequest{Scope: regional(), APIKey: &key})
	fronttest.Wants(t, err, "WAFInvalidResourceException")
	_, err = h.admin().GetDecryptedAPIKey(ctx, &wafv2api.GetDecryptedAPIKeyRequest{Scope: new(wafv2api.ScopeCloudfront), APIKey: &key})
	fronttest.Wants(t, err, "WAFInvalidResourceException")
	_, err = h.admin().GetDecryptedAPIKey(ctx, &wafv2api.GetDecryptedAPIKeyRequest{Scope: regional(), APIKey: new(key[:20])})
	fronttest.Wants(t, err, "WAFInvalidResourceException")
	fronttest.Must[*wafv2api.DeleteAPIKeyResponse](t)(h.admin().DeleteAPIKey(ctx, &wafv2api.DeleteAPIKeyRequest{Scope: regional(), APIKey: &key}))
	_, err = h.admin().GetDecryptedAPIKey(ctx, &wafv2api.GetDecryptedAPIKeyRequest{Scope: regional(), APIKey: &key})
	fronttest.Wants(t, err, "WAFNonexistentItemException")
	_, err = h.admin().DeleteAPIKey(ctx, &wafv2api.DeleteAPIKeyRequest{Scope: regional(), APIKey: &key})
	fronttest.Wants(t, err, "WAFNonexistentItemException")
}

func TestManagedProducts(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	one := fronttest.Must[*wafv2api.ListAvailableManagedRuleGroupsResponse](t)(h.admin().ListAvailableManagedRuleGroups(ctx, &wafv2api.ListAvailableManagedRuleGroupsRequest{Scope: regional(), Limit: new(int32(1))}))
	two := fronttest.Must[*wafv2api.ListAvailableManagedRuleGroupsResponse](t)(h.admin().ListAvailableManagedRuleGroups(ctx, &wafv2api.ListAvailableManagedRuleGroupsRequest{Scope: regional(), NextMarker: one.NextMarker}))
	if len(one.ManagedRuleGroups) != 1 || len(two.ManagedRuleGroups) != 2 || *two.ManagedRuleGroups[1].Name != "AWSManagedRulesCommonRuleSet" || !*two.ManagedRuleGroups[1].VersioningSupported {
		t.Errorf("groups %v, %v", one, two)
	}
	versions := fronttest.Must[*wafv2api.ListAvailableManagedRuleGroupVersionsResponse](t)(h.admin().ListAvailableManagedRuleGroupVersions(ctx, &wafv2api.ListAvailableManagedRuleGroupVersionsRequest{
		Scope: regional(), VendorName: new("AWS"), Name: new("AWSManagedRulesCommonRuleSet"),
	}))
	if len(versions.Versions) != 2 || *versions.Versions[0].Name != "Version_1.2" || *versions.CurrentDefaultVersion != "Version_1.1" {
		t.Errorf("versions %v", versions)
	}
	describe := func(version *string) (*wafv2api.DescribeManagedRuleGroupResponse, error) {
		return h.admin().DescribeManagedRuleGroup(ctx, &wafv2api.DescribeManagedRuleGroupRequest{Scope: regional(), VendorName: new("AWS"), Name: new("AWSManagedRulesCommonRuleSet"), VersionName: version})
	}
	d := fronttest.Must[*wafv2api.DescribeManagedRuleGroupResponse](t)(describe(nil))
	if *d.Capacity != 700 || *d.VersionName != "Version_1.1" || len(d.Rules) != 1 || d.Rules[0].Action.Block == nil || *d.AvailableLabels[0].Name != "awswaf:managed:aws:core-rule-set:NoUserAgent_Header" {
		t.Errorf("group %+v", d)
	}
	_, err := describe(new("Version_1.0"))
	fronttest.Wants(t, err, "WAFExpiredManagedRuleGroupVersionException")
	_, err = describe(new("Version_7"))
	fronttest.Wants(t, err, "WAFNonexistentItemException")
	if all := fronttest.Must[*wafv2api.DescribeAllManagedProductsResponse](t)(h.admin().DescribeAllManagedProducts(ctx, &wafv2api.DescribeAllManagedProductsRequest{Scope: regional()})); len(all.ManagedProducts) != 3 {
		t.Errorf("%d products", len(all.ManagedProducts))
	}
	if all := fronttest.Must[*wafv2api.DescribeManagedProductsByVendorResponse](t)(h.admin().DescribeManagedProductsByVendor(ctx, &wafv2api.DescribeManagedProductsByVendorRequest{Scope: regional(), VendorName: new("Other")})); len(all.ManagedProducts) != 0 {
		t.Errorf("%d products of another vendor", len(all.ManagedProducts))
	}
}

func TestPublishedRuleSets(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	arn, err := h.service.CreateManagedRuleSet(ctx, testAccount, testRegion, wafv2api.ScopeRegional, "Example", "shield", "rules of ours")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.service.CreateManagedRuleSet(ctx, otherAccount, testRegion, wafv2api.ScopeRegional, "Example", "shield", ""); codeIs(err) != "WAFDuplicateItemException" {
		t.Errorf("the same product twice: %v", err)
	}
	id := arn[strings.LastIndexByte(arn, '/')+1:]
	r := rule(1, bytesIn("x"))
	r.RuleLabels = []wafv2api.Label{{Name: new("seen")}}
	g := h.ruleGroup("v1", 40, r)
	list := fronttest.Must[*wafv2api.ListManagedRuleSetsResponse](t)(h.admin().ListManagedRuleSets(ctx, &wafv2api.ListManagedRuleSetsRequest{Scope: regional()}))
	token := list.ManagedRuleSets[0].LockToken
	put := func(recommended string, versions ...string) error {
		in := &wafv2api.PutManagedRuleSetVersionsRequest{Name: new("shield"), Scope: regional(), Id: &id, LockToken: token, RecommendedVersion: &recommended, VersionsToPublish: map[string]wafv2api.VersionToPublish{}}
		for _, v := range versions {
			in.VersionsToPublish[v] = wafv2api.VersionToPublish{AssociatedRuleGroupArn: g.ARN, ForecastedLifetime: new(int32(90))}
		}
		out, err := h.admin().PutManagedRuleSetVersions(ctx, in)
		if err == nil {
			token = out.NextLockToken
		}
		return err
	}
	fronttest.Wants(t, put("2.0", "1.0"), "WAFInvalidParameterException: Error reason: A reference in your rule statement is not valid., field: MANAGED_RULE_SET, parameter: 2.0")
	fronttest.Wants(t, put("1.0", "1.0"), "")
	h.clock.Advance(time.Hour)
	fronttest.Wants(t, put("2.0", "2.0"), "")
	// Every account can use it.
	stranger := h.as(root(otherAccount), testRegion)
	d := fronttest.Must[*wafv2api.DescribeManagedRuleGroupResponse](t)(stranger.DescribeManagedRuleGroup(ctx, &wafv2api.DescribeManagedRuleGroupRequest{Scope: regional(), VendorName: new("Example"), Name: new("shield")}))
	if *d.Capacity != 40 || *d.VersionName != "2.0" || *d.AvailableLabels[0].Name != "awswaf:managed:example:shield:seen" {
		t.Errorf("group %+v", d)
	}
	fronttest.Must[*wafv2api.CreateWebACLResponse](t)(stranger.CreateWebACL(ctx, &wafv2api.CreateWebACLRequest{
		Name: new("theirs"), Scope: regional(), DefaultAction: allowing(), VisibilityConfig: visible("x"),
		Rules: []wafv2api.Rule{group(1, &wafv2api.Statement{ManagedRuleGroupStatement: &wafv2api.ManagedRuleGroupStatement{VendorName: new("Example"), Name: new("shield"), Version: new("1.0")}})},
	}))
	_, err = h.admin().DeleteRuleGroup(ctx, &wafv2api.DeleteRuleGroupRequest{Name: g.Name, Scope: regional(), Id: g.Id, LockToken: g.LockToken})
	fronttest.Wants(t, err, "WAFAssociatedItemException")
	expire := func(version string, at time.Time) error {
		out, err := h.admin().UpdateManagedRuleSetVersionExpiryDate(ctx, &wafv2api.UpdateManagedRuleSetVersionExpiryDateRequest{
			Name: new("shield"), Scope: regional(), Id: &id, LockToken: token, VersionToExpire: &version, ExpiryTimestamp: &at,
		})
		if err == nil {
			token = out.NextLockToken
		}
		return err
	}
	fronttest.Wants(t, expire("2.0", h.clock.Now().Add(time.Hour)), "WAFInvalidOperationException")
	fronttest.Wants(t, expire("3.0", h.clock.Now().Add(time.Hour)), "WAFNonexistentItemException")
	fronttest.Wants(t, expire("1.0", h.clock.Now().Add(-time.Hour)), "WAFInvalidParameterException: Error reason: The value isn't one of those that are allowed for the setting., field: EXPIRE_TIMESTAMP")
	fronttest.Wants(t, expire("1.0", h.clock.Now().Add(time.Hour)), "")
	versions := fronttest.Must[*wafv2api.ListAvailableManagedRuleGroupVersionsResponse](t)(stranger.ListAvailableManagedRuleGroupVersions(ctx, &wafv2api.ListAvailableManagedRuleGroupVersionsRequest{Scope: regional(), VendorName: new("Example"), Name: new("shield")}))
	if len(versions.Versions) != 1 || *versions.Versions[0].Name != "2.0" {
		t.Errorf("versions %v", versions.Versions)
	}
	got := fronttest.Must[*wafv2api.GetManagedRuleSetResponse](t)(h.admin().GetManagedRuleSet(ctx, &wafv2api.GetManagedRuleSetRequest{Name: new("shield"), Scope: regional(), Id: &id})).ManagedRuleSet
	if len(got.PublishedVersions) != 2 || got.PublishedVersions["1.0"].ExpiryTimestamp == nil || *got.RecommendedVersion != "2.0" {
		t.Errorf("set %+v", got)
	}
}

func codeIs(err error) string {
	code, _, _ := strings.Cut(fronttest.Text(err), ":")
	return code
}

func TestRateLimitedAddresses(t *testing.T) {
	h := newHarness(t)
	rate := func(kind wafv2api.RateBasedStatementAggregateKeyType) *wafv2api.Statement {
		st := &wafv2api.RateBasedStatement{Limit: new(int64(100)), AggregateKeyType: &kind}
		if kind == wafv2api.RateBasedStatementAggregateKeyTypeConstant {
			st.ScopeDownStatement = bytesIn("x")
		}
		return &wafv2api.Statement{RateBasedStatement: st}
	}
	g := h.ruleGroup("rates", 20, rule(1, rate("IP")))
	acl := h.webACL("acl", rule(1, rate("IP")), rule(2, rate("CONSTANT")), group(3, groupOf(*g.ARN)), rule(4, bytesIn("x")))
	h.live.limited = []netip.Addr{netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}
	get := func(group, rule string) (*wafv2api.GetRateBasedStatementManagedKeysResponse, error) {
		return h.admin().GetRateBasedStatementManagedKeys(t.Context(), &wafv2api.GetRateBasedStatementManagedKeysRequest{Scope: regional(), WebACLName: acl.Name, WebACLId: acl.Id, RuleName: &rule, RuleGroupRuleName: some(group)})
	}
	got := fronttest.Must[*wafv2api.GetRateBasedStatementManagedKeysResponse](t)(get("", "rule-1"))
	if !slices.Equal(got.ManagedKeysIPV4.Addresses, []string{"192.0.2.1/32", "198.51.100.7/32"}) || !slices.Equal(got.ManagedKeysIPV6.Addresses, []string{"2001:0db8:0000:0000:0000:0000:0000:0001/128"}) {
		t.Errorf("addresses %v, %v", got.ManagedKeysIPV4.Addresses, got.ManagedKeysIPV6.Addresses)
	}
	fronttest.Must[*wafv2api.GetRateBasedStatementManagedKeysResponse](t)(get("rule-3", "rule-1"))
	_, err := get("", "rule-2")
	fronttest.Wants(t, err, "WAFUnsupportedAggregateKeyTypeException")
	_, err = get("", "rule-4")
	fronttest.Wants(t, err, "WAFNonexistentItemException")
	_, err = get("rule-1", "rule-1")
	fronttest.Wants(t, err, "WAFNonexistentItemException")
}

func TestSampledRequests(t *testing.T) {
	h := newHarness(t)
	acl := h.webACL("acl", rule(1, bytesIn("x")))
	now := h.clock.Now()
	h.live.sampled = Sampled{Population: 5000, To: now.Add(-time.Hour), Requests: []wafv2api.SampledHTTPRequest{{Weight: new(int64(5000)), Request: &wafv2api.HTTPRequest{Method: new("GET")}}}}
	get := func(metric string, from, to time.Time) (*wafv2api.GetSampledRequestsResponse, error) {
		return h.admin().GetSampledRequests(t.Context(), &wafv2api.GetSampledRequestsRequest{
			WebAclArn: acl.ARN, RuleMetricName: &metric, Scope: regional(), MaxItems: new(int64(10)), TimeWindow: &wafv2api.TimeWindow{StartTime: &from, EndTime: &to},
		})
	}
	got := fronttest.Must[*wafv2api.GetSampledRequestsResponse](t)(get("rule-1", now.Add(-5*time.Hour), now))
	if *got.PopulationSize != 5000 || !got.TimeWindow.EndTime.Equal(now.Add(-time.Hour)) || !got.TimeWindow.StartTime.Equal(now.Add(-3*time.Hour)) || !h.live.from.Equal(now.Add(-3*time.Hour)) {
		t.Errorf("sample %+v of %v", got, got.TimeWindow)
	}
	fronttest.Must[*wafv2api.GetSampledRequestsResponse](t)(get("acl", now.Add(-time.Hour), now))
	_, err := get("none", now.Add(-time.Hour), now)
	fronttest.Wants(t, err, "WAFNonexistentItemException")
	_, err = get("acl", now.Add(-6*time.Hour), now.Add(-5*time.Hour))
	fronttest.Wants(t, err, "WAFInvalidOperationException")
}

func TestTopPaths(t *testing.T) {
	h := newHarness(t)
	acl := h.webACL("acl")
	h.live.paths = PathTraffic{Total: 200, Paths: []PathCount{
		{Path: "/api/", Requests: 150, Bots: []BotCount{{"gptbot", 75}}}, {Path: "/img/", Requests: 50},
	}, Categories: []PathCount{{Path: "/api/", Category: "ai", Requests: 75}}}
	in := &wafv2api.GetTopPathStatisticsByTrafficRequest{
		WebAclArn: acl.ARN, Scope: regional(), Limit: new(int32(1)), NumberOfTopTrafficBotsPerPath: new(int32(3)),
		TimeWindow: &wafv2api.TimeWindow{StartTime: new(h.clock.Now().Add(-time.Hour)), EndTime: new(h.clock.Now())},
	}
	one := fronttest.Must[*wafv2api.GetTopPathStatisticsByTrafficResponse](t)(h.admin().GetTopPathStatisticsByTraffic(t.Context(), in))
	p := one.PathStatistics[0]
	if *one.TotalRequestCount != 200 || *p.Path != "/api/" || *p.Percentage != 75 || *p.TopBots[0].Percentage != 50 || p.Source != nil || *one.TopCategories[0].Source.BotCategory != "ai" {
		t.Errorf("first page %+v", one)
	}
	in.NextMarker = one.NextMarker
	two := fronttest.Must[*wafv2api.GetTopPathStatisticsByTrafficResponse](t)(h.admin().GetTopPathStatisticsByTraffic(t.Context(), in))
	if *two.PathStatistics[0].Path != "/img/" || two.NextMarker != nil {
		t.Errorf("second page %+v", two)
	}
	in.NextMarker, in.BotCategory = nil, new("ai")
	filtered := fronttest.Must[*wafv2api.GetTopPathStatisticsByTrafficResponse](t)(h.admin().GetTopPathStatisticsByTraffic(t.Context(), in))
	if *filtered.PathStatistics[0].Source.BotCategory != "ai" || filtered.TopCategories != nil {
		t.Errorf("filtered %+v", filtered)
	}
}

func TestMobileReleases(t *testing.T) {
	h := newHarness(t)
	list := fronttest.Must[*wafv2api.ListMobileSdkReleasesResponse](t)(h.admin().ListMobileSdkReleases(t.Context(), &wafv2api.ListMobileSdkReleasesRequest{Platform: new(wafv2api.PlatformIos)}))
	if len(list.ReleaseSummaries) != 0 {
		t.Errorf("releases %v", list.ReleaseSummaries)
	}
	_, err := h.admin().GetMobileSdkRelease(t.Context(), &wafv2api.GetMobileSdkReleaseRequest{Platform: new(wafv2api.PlatformIos), ReleaseVersion: new("1.0")})
	fronttest.Wants(t, err, "WAFNonexistentItemException")
	_, err = h.admin().GenerateMobileSdkReleaseUrl(t.Context(), &wafv2api.GenerateMobileSdkReleaseUrlRequest{Platform: new(wafv2api.PlatformIos), ReleaseVersion: new("1.0")})
	fronttest.Wants(t, err, "WAFNonexistentItemException")
}

func TestFirewallManagerRuleGroups(t *testing.T) {
	h := newHarness(t)
	acl := h.webACL("acl", rule(1, bytesIn("x")))
	g := h.ruleGroup("ours", 30, rule(1, bytesIn("x")))
	if _, err := h.store.Update(t.Context(), func(tx store.Txn) error {
		n, _ := parseARN(*acl.ARN)
		e, err := h.service.tables.entity(tx, n)
		if err != nil {
			return err
		}
		a, err := h.service.webACL(e)
		if err != nil {
			return err
		}
		a.PreProcessFirewallManagerRuleGroups = []wafv2api.FirewallManagerRuleGroup{{
			Name: new("fm"), Priority: new(int32(0)), OverrideAction: &wafv2api.OverrideAction{None: &wafv2api.NoneAction{}}, VisibilityConfig: visible("fm"),
			FirewallManagerStatement: &wafv2api.FirewallManagerStatement{RuleGroupReferenceStatement: &wafv2api.RuleGroupReferenceStatement{ARN: g.ARN}},
		}}
		e.References = []string{*g.ARN}
		return h.service.update(tx, e, nil, shapeWebACL, a)
	}); err != nil {
		t.Fatal(err)
	}
	get := func() *wafv2api.GetWebACLResponse {
		return fronttest.Must[*wafv2api.GetWebACLResponse](t)(h.admin().GetWebACL(t.Context(), &wafv2api.GetWebACLRequest{ARN: acl.ARN}))
	}
	// An update of the customer's rules leaves them alone, and counts them.
	fronttest.Must[*wafv2api.UpdateWebACLResponse](t)(h.admin().UpdateWebACL(t.Context(), &wafv2api.UpdateWebACLRequest{
		Name: acl.Name, Scope: regional(), Id: acl.Id, LockToken: get().LockToken, DefaultAction: allowing(), VisibilityConfig: visible("acl"), Rules: []wafv2api.Rule{rule(1, bytesIn("y"))},
	}))
	if a := get().WebACL; len(a.PreProcessFirewallManagerRuleGroups) != 1 || *a.Capacity != 40 {
		t.Errorf("after the update: %d groups, capacity %d", len(a.PreProcessFirewallManagerRuleGroups), *a.Capacity)
	}
	fronttest.Must[*wafv2api.DeleteFirewallManagerRuleGroupsResponse](t)(h.admin().DeleteFirewallManagerRuleGroups(t.Context(), &wafv2api.DeleteFirewallManagerRuleGroupsRequest{WebACLArn: acl.ARN, WebACLLockToken: get().LockToken}))
	if a := get().WebACL; len(a.PreProcessFirewallManagerRuleGroups) != 0 || *a.Capacity != 10 {
		t.Errorf("after the deletion: %d groups, capacity %d", len(a.PreProcessFirewallManagerRuleGroups), *a.Capacity)
	}
	fronttest.Must[*wafv2api.DeleteRuleGroupResponse](t)(h.admin().DeleteRuleGroup(t.Context(), &wafv2api.DeleteRuleGroupRequest{Name: g.Name, Scope: regional(), Id: g.Id, LockToken: g.LockToken}))
}

// The store's checks find nothing wrong with what the room has written.
func TestTheStoreIsConsistent(t *testing.T) {
	h := newHarness(t)
	set := h.ipSet("set", "192.0.2.0/24")
	h.webACL("acl", rule(1, ipSet(*set.ARN)))
	if err := h.store.View(t.Context(), func(r store.Reader) error {
		from, err := h.service.tables.referrers(r, testRegion, *set.ARN)
		if len(from) != 1 || !strings.Contains(from[0], "/webacl/acl/") {
			t.Errorf("referrers %v", from)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	problems, err := store.Fsck(t.Context(), h.store, h.registry.Checks()...)
	if err != nil || len(problems) > 0 {
		t.Errorf("problems %v, error %v", problems, err)
	}
}
