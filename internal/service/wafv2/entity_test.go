package wafv2

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fastness/internal/api/wafv2api"
	"fastness/internal/front/fronttest"
)

func TestIPSetLifeCycle(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	sum := h.ipSet("office", "192.0.2.0/24", "198.51.100.7/32", "192.0.2.99/24")
	if want := "arn:aws:wafv2:us-east-1:111122223333:regional/ipset/office/" + *sum.Id; *sum.ARN != want {
		t.Errorf("ARN %s, want %s", *sum.ARN, want)
	}
	get := &wafv2api.GetIPSetRequest{Name: new("office"), Scope: regional(), Id: sum.Id}
	got := fronttest.Must[*wafv2api.GetIPSetResponse](t)(h.admin().GetIPSet(ctx, get))
	if want := []string{"192.0.2.0/24", "198.51.100.7/32"}; !slices.Equal(got.IPSet.Addresses, want) {
		t.Errorf("addresses %v, want %v", got.IPSet.Addresses, want)
	}
	if *got.LockToken != *sum.LockToken {
		t.Error("the lock token of the creation is not the set's")
	}
	update := &wafv2api.UpdateIPSetRequest{Name: new("office"), Scope: regional(), Id: sum.Id, Addresses: []string{"203.0.113.0/24"}, LockToken: sum.LockToken}
	up := fronttest.Must[*wafv2api.UpdateIPSetResponse](t)(h.admin().UpdateIPSet(ctx, update))
	_, err := h.admin().UpdateIPSet(ctx, update)
	fronttest.Wants(t, err, "WAFOptimisticLockException: AWS WAF couldn’t save your changes because someone changed the resource after you started editing it. Reapply your changes.")
	_, err = h.admin().DeleteIPSet(ctx, &wafv2api.DeleteIPSetRequest{Name: new("office"), Scope: regional(), Id: sum.Id, LockToken: sum.LockToken})
	fronttest.Wants(t, err, "WAFOptimisticLockException")
	fronttest.Must[*wafv2api.DeleteIPSetResponse](t)(h.admin().DeleteIPSet(ctx, &wafv2api.DeleteIPSetRequest{Name: new("office"), Scope: regional(), Id: sum.Id, LockToken: up.NextLockToken}))
	_, err = h.admin().GetIPSet(ctx, get)
	fronttest.Wants(t, err, "WAFNonexistentItemException: AWS WAF couldn’t perform the operation because your resource doesn’t exist.")
}

func TestIPSetAddresses(t *testing.T) {
	h := newHarness(t)
	create := func(version wafv2api.IPAddressVersion, addresses ...string) ([]string, error) {
		out, err := h.admin().CreateIPSet(t.Context(), &wafv2api.CreateIPSetRequest{
			Name: new(fmt.Sprintf("s%d", h.published)), Scope: regional(), IPAddressVersion: &version, Addresses: addresses,
		})
		if err != nil {
			return nil, err
		}
		return fronttest.Must[*wafv2api.GetIPSetResponse](t)(h.admin().GetIPSet(t.Context(), &wafv2api.GetIPSetRequest{Name: out.Summary.Name, Scope: regional(), Id: out.Summary.Id})).IPSet.Addresses, nil
	}
	for _, c := range []struct {
		version wafv2api.IPAddressVersion
		address string
		want    string // or the beginning of an error
	}{
		{"IPV4", "10.0.0.0/8", "10.0.0.0/8"},
		{"IPV6", "1111::111/128", "1111:0000:0000:0000:0000:0000:0000:0111/128"},
		{"IPV6", "2001:DB8::/32", "2001:0db8:0000:0000:0000:0000:0000:0000/32"},
		{"IPV4", "192.0.2.1", "WAFInvalidParameterException: Error reason: The parameter contains formatting that is not valid., field: IP_ADDRESS, parameter: 192.0.2.1"},
		{"IPV4", "0.0.0.0/0", "WAFInvalidParameterException"},
		{"IPV4", "10.0.0.0/33", "WAFInvalidParameterException"},
		{"IPV4", "010.0.0.0/8", "WAFInvalidParameterException"},
		{"IPV4", "2001:db8::/32", "WAFInvalidParameterException: Error reason: The combination of settings is not valid., field: IP_ADDRESS_VERSION"},
		{"IPV6", "10.0.0.0/8", "WAFInvalidParameterException"},
		{"IPV6", "::ffff:10.0.0.0/104", "WAFInvalidParameterException"},
	} {
		got, err := create(c.version, c.address)
		switch {
		case err != nil:
			fronttest.Wants(t, err, c.want)
		case got[0] != c.want:
			t.Errorf("%s is kept as %s, want %s", c.address, got[0], c.want)
		}
	}
}

// An IP set of 10,000 addresses fits the store, one more is a limit.
func TestIPSetOfTenThousand(t *testing.T) {
	h := newHarness(t)
	many := make([]string, 10_000)
	for i := range many {
		many[i] = fmt.Sprintf("%x:%x:%x:%x:%x:%x:%x:%x/128", 0x2000+i%4096, i*7919%65536, i*104729%65536, i*15485863%65536, i*31337%65536, i*27449%65536, i*7%65536, i)
	}
	in := &wafv2api.CreateIPSetRequest{Name: new("many"), Scope: regional(), IPAddressVersion: new(wafv2api.IPAddressVersionIPV6), Addresses: many}
	out := fronttest.Must[*wafv2api.CreateIPSetResponse](t)(h.admin().CreateIPSet(t.Context(), in))
	got := fronttest.Must[*wafv2api.GetIPSetResponse](t)(h.admin().GetIPSet(t.Context(), &wafv2api.GetIPSetRequest{Name: new("many"), Scope: regional(), Id: out.Summary.Id}))
	if len(got.IPSet.Addresses) != len(many) {
		t.Errorf("%d addresses of %d", len(got.IPSet.Addresses), len(many))
	}
	in.Name, in.Addresses = new("more"), append(many, "2001:db8::1/128")
	_, err := h.admin().CreateIPSet(t.Context(), in)
	fronttest.Wants(t, err, "WAFLimitsExceededException: AWS WAF couldn’t perform the operation because you exceeded your resource limit.")
}

func TestRegexPatternSetLifeCycle(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	regexes := func(texts ...string) (all []wafv2api.Regex) {
		for _, x := range texts {
			all = append(all, wafv2api.Regex{RegexString: &x})
		}
		return all
	}
	create := func(name string, texts ...string) (*wafv2api.RegexPatternSetSummary, error) {
		out, err := h.admin().CreateRegexPatternSet(ctx, &wafv2api.CreateRegexPatternSetRequest{Name: &name, Scope: regional(), RegularExpressionList: regexes(texts...)})
		if err != nil {
			return nil, err
		}
		return out.Summary, nil
	}
	sum := fronttest.Must[*wafv2api.RegexPatternSetSummary](t)(create("bots", "(?i)curl", "^Wget/[0-9.]+$"))
	up := fronttest.Must[*wafv2api.UpdateRegexPatternSetResponse](t)(h.admin().UpdateRegexPatternSet(ctx, &wafv2api.UpdateRegexPatternSetRequest{
		Name: new("bots"), Scope: regional(), Id: sum.Id, LockToken: sum.LockToken, Description: new("bots of all sorts"), RegularExpressionList: regexes("python"),
	}))
	got := fronttest.Must[*wafv2api.GetRegexPatternSetResponse](t)(h.admin().GetRegexPatternSet(ctx, &wafv2api.GetRegexPatternSetRequest{Name: new("bots"), Scope: regional(), Id: sum.Id}))
	if *got.LockToken != *up.NextLockToken || len(got.RegexPatternSet.RegularExpressionList) != 1 || *got.RegexPatternSet.Description != "bots of all sorts" {
		t.Errorf("after the update: %+v", got.RegexPatternSet)
	}
	_, err := create("bots", "x")
	fronttest.Wants(t, err, "WAFDuplicateItemException")
	_, err = create("bad", "a(b")
	fronttest.Wants(t, err, "WAFInvalidParameterException: Error reason: The parameter contains formatting that is not valid., field: REGEX_PATTERN_SET, parameter: a(b")
	_, err = create("long", strings.Repeat("a", 201))
	fronttest.Wants(t, err, "WAFInvalidParameterException: Error reason: You exceeded a maximum limit")
	_, err = create("many", strings.Split(strings.Repeat("a ", 10)+"a", " ")...)
	fronttest.Wants(t, err, "WAFLimitsExceededException")
	fronttest.Must[*wafv2api.DeleteRegexPatternSetResponse](t)(h.admin().DeleteRegexPatternSet(ctx, &wafv2api.DeleteRegexPatternSetRequest{Name: new("bots"), Scope: regional(), Id: sum.Id, LockToken: up.NextLockToken}))
	if l := fronttest.Must[*wafv2api.ListRegexPatternSetsResponse](t)(h.admin().ListRegexPatternSets(ctx, &wafv2api.ListRegexPatternSetsRequest{Scope: regional()})); len(l.RegexPatternSets) != 0 {
		t.Errorf("%d sets are left", len(l.RegexPatternSets))
	}
	for i := range 10 {
		fronttest.Must[*wafv2api.RegexPatternSetSummary](t)(create(fmt.Sprintf("set-%d", i), "x"))
	}
	_, err = create("eleventh", "x")
	fronttest.Wants(t, err, "WAFLimitsExceededException")
}

func TestRuleGroupCapacityIsThatOfTheCreation(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	sum := h.ruleGroup("ours", 15, rule(1, bytesIn("evil")))
	update := func(rules ...wafv2api.Rule) (*wafv2api.UpdateRuleGroupResponse, error) {
		got := fronttest.Must[*wafv2api.GetRuleGroupResponse](t)(h.admin().GetRuleGroup(ctx, &wafv2api.GetRuleGroupRequest{ARN: sum.ARN}))
		return h.admin().UpdateRuleGroup(ctx, &wafv2api.UpdateRuleGroupRequest{
			Name: sum.Name, Scope: regional(), Id: sum.Id, LockToken: got.LockToken, Rules: rules, VisibilityConfig: visible("ours"),
		})
	}
	_, err := update(rule(1, bytesIn("a")), rule(2, bytesIn("b")))
	fronttest.Wants(t, err, "WAFInvalidParameterException: Error reason: You exceeded the capacity limit for a rule group or web ACL., field: RULE_GROUP, parameter: 20")
	fronttest.Must[*wafv2api.UpdateRuleGroupResponse](t)(update(rule(1, bytesIn("a"))))
	_, err = h.admin().CreateRuleGroup(ctx, &wafv2api.CreateRuleGroupRequest{Name: new("big"), Scope: regional(), Capacity: new(int64(5001)), VisibilityConfig: visible("big")})
	fronttest.Wants(t, err, "WAFInvalidParameterException: Error reason: You exceeded the capacity limit for a rule group or web ACL., field: RULE_GROUP, parameter: 5001")
}

func TestRuleGroupLabels(t *testing.T) {
	h := newHarness(t)
	r := rule(1, &wafv2api.Statement{LabelMatchStatement: &wafv2api.LabelMatchStatement{Scope: new(wafv2api.LabelMatchScopeLabel), Key: new("awswaf:managed:aws:x:y")}})
	r.RuleLabels = []wafv2api.Label{{Name: new("ns:seen")}}
	sum := h.ruleGroup("labels", 10, r)
	g := fronttest.Must[*wafv2api.GetRuleGroupResponse](t)(h.admin().GetRuleGroup(t.Context(), &wafv2api.GetRuleGroupRequest{Name: sum.Name, Scope: regional(), Id: sum.Id})).RuleGroup
	if *g.LabelNamespace != "awswaf:111122223333:rulegroup:labels:" || *g.AvailableLabels[0].Name != "awswaf:111122223333:rulegroup:labels:ns:seen" || *g.ConsumedLabels[0].Name != "awswaf:managed:aws:x:y" {
		t.Errorf("labels of the group: %s, %s, %s", *g.LabelNamespace, *g.AvailableLabels[0].Name, *g.ConsumedLabels[0].Name)
	}
}

func TestWebACLLifeCycle(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	set := h.ipSet("office", "192.0.2.0/24")
	group1 := h.ruleGroup("ours", 50, rule(1, bytesIn("evil")))
	sum := h.webACL("shop", rule(1, ipSet(*set.ARN)), group(2, groupOf(*group1.ARN)), rule(3, bytesIn("1=1")))
	got := fronttest.Must[*wafv2api.GetWebACLResponse](t)(h.admin().GetWebACL(ctx, &wafv2api.GetWebACLRequest{Name: sum.Name, Scope: regional(), Id: sum.Id}))
	a := got.WebACL
	if *a.Capacity != 1+50+10 || *a.LabelNamespace != "awswaf:111122223333:webacl:shop:" || *a.ManagedByFirewallManager || len(a.Rules) != 3 {
		t.Errorf("web ACL: capacity %d, namespace %s, %d rules", *a.Capacity, *a.LabelNamespace, len(a.Rules))
	}
	if string(a.Rules[2].Statement.ByteMatchStatement.SearchString) != "1=1" {
		t.Errorf("search string %q", a.Rules[2].Statement.ByteMatchStatement.SearchString)
	}
	if got.ApplicationIntegrationURL != nil {
		t.Errorf("integration URL %s of a web ACL without a group that uses it", *got.ApplicationIntegrationURL)
	}
	flooded := h.webACL("flooded", group(1, &wafv2api.Statement{ManagedRuleGroupStatement: &wafv2api.ManagedRuleGroupStatement{
		VendorName: new("AWS"), Name: new("AWSManagedRulesATPRuleSet"),
		ManagedRuleGroupConfigs: []wafv2api.ManagedRuleGroupConfig{{AWSManagedRulesATPRuleSet: &wafv2api.AWSManagedRulesATPRuleSet{LoginPath: new("/login")}}},
	}}))
	other := fronttest.Must[*wafv2api.GetWebACLResponse](t)(h.admin().GetWebACL(ctx, &wafv2api.GetWebACLRequest{Name: flooded.Name, Scope: regional(), Id: flooded.Id}))
	if u := other.ApplicationIntegrationURL; u == nil || *u != "https://127.0.0.1/111122223333/" {
		t.Errorf("integration URL %v", u)
	}

	// What is referred to stays.
	_, err := h.admin().DeleteIPSet(ctx, &wafv2api.DeleteIPSetRequest{Name: set.Name, Scope: regional(), Id: set.Id, LockToken: set.LockToken})
	fronttest.Wants(t, err, "WAFAssociatedItemException: AWS WAF couldn’t perform the operation because your resource is being used by another resource or it’s associated with another resource.")
	_, err = h.admin().DeleteRuleGroup(ctx, &wafv2api.DeleteRuleGroupRequest{Name: group1.Name, Scope: regional(), Id: group1.Id, LockToken: group1.LockToken})
	fronttest.Wants(t, err, "WAFAssociatedItemException")

	up := fronttest.Must[*wafv2api.UpdateWebACLResponse](t)(h.admin().UpdateWebACL(ctx, &wafv2api.UpdateWebACLRequest{
		Name: sum.Name, Scope: regional(), Id: sum.Id, LockToken: sum.LockToken, DefaultAction: &wafv2api.DefaultAction{Block: &wafv2api.BlockAction{}},
		VisibilityConfig: visible("shop"), Rules: []wafv2api.Rule{rule(3, bytesIn("x"))},
	}))
	fronttest.Must[*wafv2api.DeleteIPSetResponse](t)(h.admin().DeleteIPSet(ctx, &wafv2api.DeleteIPSetRequest{Name: set.Name, Scope: regional(), Id: set.Id, LockToken: set.LockToken}))
	_, err = h.admin().UpdateWebACL(ctx, &wafv2api.UpdateWebACLRequest{
		Name: sum.Name, Scope: regional(), Id: sum.Id, LockToken: sum.LockToken, DefaultAction: allowing(), VisibilityConfig: visible("shop"),
	})
	fronttest.Wants(t, err, "WAFOptimisticLockException")
	fronttest.Must[*wafv2api.DeleteWebACLResponse](t)(h.admin().DeleteWebACL(ctx, &wafv2api.DeleteWebACLRequest{Name: sum.Name, Scope: regional(), Id: sum.Id, LockToken: up.NextLockToken}))
	_, err = h.admin().GetWebACL(ctx, &wafv2api.GetWebACLRequest{ARN: sum.ARN})
	fronttest.Wants(t, err, "WAFNonexistentItemException")
}

func TestListingsAreInTheOrderOfNames(t *testing.T) {
	h := newHarness(t)
	long := strings.Repeat("z", 128)
	for _, name := range []string{"b", "a", "c", long, "B"} {
		h.webACL(name)
	}
	var names []string
	var marker *string
	for {
		l := fronttest.Must[*wafv2api.ListWebACLsResponse](t)(h.admin().ListWebACLs(t.Context(), &wafv2api.ListWebACLsRequest{Scope: regional(), Limit: new(int32(1)), NextMarker: marker}))
		for _, s := range l.WebACLs {
			names = append(names, *s.Name)
		}
		if marker = l.NextMarker; marker == nil {
			break
		}
		if len(*marker) > 256 {
			t.Errorf("a marker of %d characters", len(*marker))
		}
	}
	if want := []string{"B", "a", "b", "c", long}; !slices.Equal(names, want) {
		t.Errorf("names %v, want %v", names, want)
	}
	_, err := h.admin().ListIPSets(t.Context(), &wafv2api.ListIPSetsRequest{Scope: regional(), NextMarker: new("nonsense")})
	fronttest.Wants(t, err, "WAFInvalidOperationException")
}

func TestScopeCloudFrontIsInOneRegion(t *testing.T) {
	h := newHarness(t)
	in := &wafv2api.CreateIPSetRequest{Name: new("x"), Scope: new(wafv2api.ScopeCloudfront), IPAddressVersion: new(wafv2api.IPAddressVersionIPV4), Addresses: []string{}}
	out := fronttest.Must[*wafv2api.CreateIPSetResponse](t)(h.admin().CreateIPSet(t.Context(), in))
	if !strings.HasPrefix(*out.Summary.ARN, "arn:aws:wafv2:us-east-1:111122223333:global/ipset/x/") {
		t.Errorf("ARN %s", *out.Summary.ARN)
	}
	elsewhere := h.as(root(testAccount), "us-west-2")
	_, err := elsewhere.CreateIPSet(t.Context(), in)
	fronttest.Wants(t, err, "WAFInvalidParameterException: Error reason: The scope is not valid., field: SCOPE_VALUE, parameter: CLOUDFRONT")
	_, err = elsewhere.ListWebACLs(t.Context(), &wafv2api.ListWebACLsRequest{Scope: new(wafv2api.ScopeCloudfront)})
	fronttest.Wants(t, err, "WAFInvalidParameterException")
	// A regional web ACL cannot use what is for distributions.
	_, err = h.tryWebACL("mixed", rule(1, ipSet(*out.Summary.ARN)))
	fronttest.Wants(t, err, "WAFInvalidParameterException: Error reason: A reference in your rule statement is not valid., field: IP_SET_REFERENCE_STATEMENT")
}

func TestTags(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	sum := h.ipSet("tagged")
	tag := func(pairs ...string) (all []wafv2api.Tag) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, wafv2api.Tag{Key: &pairs[i], Value: &pairs[i+1]})
		}
		return all
	}
	fronttest.Must[*wafv2api.TagResourceResponse](t)(h.admin().TagResource(ctx, &wafv2api.TagResourceRequest{ResourceARN: sum.ARN, Tags: tag("b", "1", "a", "2", "c", "3")}))
	fronttest.Must[*wafv2api.TagResourceResponse](t)(h.admin().TagResource(ctx, &wafv2api.TagResourceRequest{ResourceARN: sum.ARN, Tags: tag("b", "9")}))
	fronttest.Must[*wafv2api.UntagResourceResponse](t)(h.admin().UntagResource(ctx, &wafv2api.UntagResourceRequest{ResourceARN: sum.ARN, TagKeys: []string{"c", "none"}}))
	first := fronttest.Must[*wafv2api.ListTagsForResourceResponse](t)(h.admin().ListTagsForResource(ctx, &wafv2api.ListTagsForResourceRequest{ResourceARN: sum.ARN, Limit: new(int32(1))}))
	second := fronttest.Must[*wafv2api.ListTagsForResourceResponse](t)(h.admin().ListTagsForResource(ctx, &wafv2api.ListTagsForResourceRequest{ResourceARN: sum.ARN, NextMarker: first.NextMarker}))
	if l := first.TagInfoForResource.TagList; len(l) != 1 || *l[0].Key != "a" || *l[0].Value != "2" {
		t.Errorf("first page %v", l)
	}
	if l := second.TagInfoForResource.TagList; len(l) != 1 || *l[0].Key != "b" || *l[0].Value != "9" {
		t.Errorf("second page %v", l)
	}
	_, err := h.admin().TagResource(ctx, &wafv2api.TagResourceRequest{ResourceARN: sum.ARN, Tags: tag("aws:x", "1")})
	fronttest.Wants(t, err, "WAFTagOperationException")
	_, err = h.admin().TagResource(ctx, &wafv2api.TagResourceRequest{ResourceARN: new("arn:aws:kms:us-east-1:111122223333:key/x"), Tags: tag("x", "1")})
	fronttest.Wants(t, err, "WAFInvalidParameterException: Error reason: The ARN isn't valid.")
	// Tags are conditions.
	who := user(testAccount, "reader")
	h.allow(who, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"wafv2:GetIPSet","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/a":"2"}}}}`)
	fronttest.Must[*wafv2api.GetIPSetResponse](t)(h.as(who, testRegion).GetIPSet(ctx, &wafv2api.GetIPSetRequest{Name: sum.Name, Scope: regional(), Id: sum.Id}))
	other := h.ipSet("untagged")
	_, err = h.as(who, testRegion).GetIPSet(ctx, &wafv2api.GetIPSetRequest{Name: other.Name, Scope: regional(), Id: other.Id})
	fronttest.Wants(t, err, "AccessDeniedException")
}

// Who may make a web ACL may use in it only what he may use.
func TestReferencesNeedPermission(t *testing.T) {
	h := newHarness(t)
	set := h.ipSet("secret")
	who := user(testAccount, "maker")
	h.allow(who, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"wafv2:CreateWebACL","Resource":"arn:aws:wafv2:*:*:regional/webacl/*"}}`)
	create := func(name string, rules ...wafv2api.Rule) error {
		_, err := h.as(who, testRegion).CreateWebACL(t.Context(), &wafv2api.CreateWebACLRequest{Name: &name, Scope: regional(), DefaultAction: allowing(), VisibilityConfig: visible(name), Rules: rules})
		return err
	}
	fronttest.Wants(t, create("one"), "")
	err := create("two", rule(1, ipSet(*set.ARN)))
	fronttest.Wants(t, err, "AccessDeniedException")
	if !strings.Contains(fronttest.Text(err), *set.ARN) {
		t.Errorf("the refusal does not name the set: %s", fronttest.Text(err))
	}
}
