package wafv2

import (
	"context"

	"fastness/internal/api/wafv2api"
	"fastness/internal/call"
	"fastness/internal/store"
)

// groups are the managed rule groups for the caller's Region and a scope.
func (s *Service) groups(ctx context.Context, sc *wafv2api.Scope) (all []ManagedGroup, err error) {
	err = s.store.View(ctx, func(r store.Reader) (err error) {
		all, err = s.managedGroups(r, call.From(ctx).Region, value(sc))
		return err
	})
	return all, err
}

// groupNamed is a managed rule group, or WAFNonexistentItemException.
func (s *Service) groupNamed(ctx context.Context, sc *wafv2api.Scope, vendor, name *string) (g *ManagedGroup, err error) {
	err = s.store.View(ctx, func(r store.Reader) (err error) {
		g, err = s.managedGroupOf(r, call.From(ctx).Region, value(sc), value(vendor), value(name))
		return err
	})
	if err == nil && g == nil {
		err = nonexistent()
	}
	return g, err
}

// ListAvailableManagedRuleGroups implements the operation of that name.
func (s *Service) ListAvailableManagedRuleGroups(ctx context.Context, in *wafv2api.ListAvailableManagedRuleGroupsRequest) (*wafv2api.ListAvailableManagedRuleGroupsResponse, error) {
	c := call.From(ctx)
	after, err := s.position(c, string(value(in.Scope)), in.NextMarker)
	if err != nil {
		return nil, err
	}
	all, err := s.groups(ctx, in.Scope)
	if err != nil {
		return nil, err
	}
	page, next := pageOf(all, func(g *ManagedGroup) string { return g.Vendor + "\x00" + g.Name }, after, limitOf(in.Limit))
	out := &wafv2api.ListAvailableManagedRuleGroupsResponse{ManagedRuleGroups: []wafv2api.ManagedRuleGroupSummary{}}
	for i := range page {
		g := &page[i]
		out.ManagedRuleGroups = append(out.ManagedRuleGroups, wafv2api.ManagedRuleGroupSummary{
			VendorName: &g.Vendor, Name: &g.Name, VersioningSupported: &g.Versioned, Description: some(g.Description),
		})
	}
	out.NextMarker, err = s.nextMarker(c, string(value(in.Scope)), next)
	return out, err
}

// ListAvailableManagedRuleGroupVersions implements the operation of that name: the newest first, and
// none that is to expire.
func (s *Service) ListAvailableManagedRuleGroupVersions(ctx context.Context, in *wafv2api.ListAvailableManagedRuleGroupVersionsRequest) (*wafv2api.ListAvailableManagedRuleGroupVersionsResponse, error) {
	c := call.From(ctx)
	query := string(value(in.Scope)) + "/" + value(in.VendorName) + "/" + value(in.Name)
	after, err := s.position(c, query, in.NextMarker)
	if err != nil {
		return nil, err
	}
	g, err := s.groupNamed(ctx, in.Scope, in.VendorName, in.Name)
	if err != nil {
		return nil, err
	}
	out := &wafv2api.ListAvailableManagedRuleGroupVersionsResponse{Versions: []wafv2api.ManagedRuleGroupVersion{}}
	if !g.Versioned {
		return out, nil
	}
	out.CurrentDefaultVersion = &g.Default
	next, reached := "", after == ""
	for i := range g.Versions {
		v := &g.Versions[i]
		if !reached {
			reached = v.Name == after
			continue
		}
		if !v.Expires.IsZero() {
			continue
		}
		if len(out.Versions) == limitOf(in.Limit) {
			next = value(out.Versions[len(out.Versions)-1].Name)
			break
		}
		out.Versions = append(out.Versions, wafv2api.ManagedRuleGroupVersion{Name: &v.Name, LastUpdateTimestamp: &v.Updated})
	}
	out.NextMarker, err = s.nextMarker(c, query, next)
	return out, err
}

// DescribeManagedRuleGroup implements the operation of that name.
func (s *Service) DescribeManagedRuleGroup(ctx context.Context, in *wafv2api.DescribeManagedRuleGroupRequest) (*wafv2api.DescribeManagedRuleGroupResponse, error) {
	g, err := s.groupNamed(ctx, in.Scope, in.VendorName, in.Name)
	if err != nil {
		return nil, err
	}
	v := g.version(value(in.VersionName))
	switch {
	case v == nil:
		return nil, nonexistent()
	case s.expired(v):
		return nil, &wafv2api.WAFExpiredManagedRuleGroupVersionException{
			Message: new("The operation failed because the specified version for the managed rule group has expired. You can retrieve the available versions for the managed rule group by calling ListAvailableManagedRuleGroupVersions."),
		}
	}
	out := &wafv2api.DescribeManagedRuleGroupResponse{
		VersionName: some(v.Name), SnsTopicArn: some(g.Topic), Capacity: &v.Capacity, LabelNamespace: &g.LabelNamespace,
		Rules: []wafv2api.RuleSummary{},
	}
	for i := range v.Rules {
		r := &v.Rules[i]
		out.Rules = append(out.Rules, wafv2api.RuleSummary{Name: &r.Name, Action: &r.Action})
	}
	for _, l := range v.Labels {
		out.AvailableLabels = append(out.AvailableLabels, wafv2api.LabelSummary{Name: &l})
	}
	for _, l := range v.Consumed {
		out.ConsumedLabels = append(out.ConsumedLabels, wafv2api.LabelSummary{Name: &l})
	}
	return out, nil
}

func (g *ManagedGroup) product() wafv2api.ManagedProductDescriptor {
	return wafv2api.ManagedProductDescriptor{
		VendorName: &g.Vendor, ManagedRuleSetName: &g.Name, ProductId: some(g.ProductID), ProductLink: some(g.Link), ProductTitle: some(g.Title),
		ProductDescription: some(g.Description), SnsTopicArn: some(g.Topic), IsVersioningSupported: &g.Versioned, IsAdvancedManagedRuleSet: &g.Advanced,
	}
}

// DescribeAllManagedProducts implements the operation of that name.
func (s *Service) DescribeAllManagedProducts(ctx context.Context, in *wafv2api.DescribeAllManagedProductsRequest) (*wafv2api.DescribeAllManagedProductsResponse, error) {
	all, err := s.groups(ctx, in.Scope)
	out := &wafv2api.DescribeAllManagedProductsResponse{ManagedProducts: []wafv2api.ManagedProductDescriptor{}}
	for i := range all {
		out.ManagedProducts = append(out.ManagedProducts, all[i].product())
	}
	return out, err
}

// DescribeManagedProductsByVendor implements the operation of that name.
func (s *Service) DescribeManagedProductsByVendor(ctx context.Context, in *wafv2api.DescribeManagedProductsByVendorRequest) (*wafv2api.DescribeManagedProductsByVendorResponse, error) {
	all, err := s.groups(ctx, in.Scope)
	out := &wafv2api.DescribeManagedProductsByVendorResponse{ManagedProducts: []wafv2api.ManagedProductDescriptor{}}
	for i := range all {
		if all[i].Vendor == value(in.VendorName) {
			out.ManagedProducts = append(out.ManagedProducts, all[i].product())
		}
	}
	return out, err
}
