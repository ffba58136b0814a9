package wafv2

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fastness/internal/api/wafv2api"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// managedRuleSet reads the managed rule set of a record.
func (s *Service) managedRuleSet(e *entity) (*wafv2api.ManagedRuleSet, error) {
	m := new(wafv2api.ManagedRuleSet)
	return m, s.documents.decode(shapeManagedRuleSet, e.Document, m)
}

// maxVendorName bounds the names of a vendor and a managed rule set together, so that both fit
// into a token.
const maxVendorName = 140

// CreateManagedRuleSet makes an account a vendor: it can publish versions of a managed rule group of
// the name for everybody in the Region. AWS does this for its partners without an API; here the
// operator does it. No two managed rule groups have the same vendor and name.
func (s *Service) CreateManagedRuleSet(ctx context.Context, account, region string, sc wafv2api.Scope, vendor, name, description string) (arn string, err error) {
	if vendor == "" || name == "" || len(vendor)+len(name) > maxVendorName || strings.ContainsFunc(name, func(r rune) bool { return !isWord(r) && r != '-' }) {
		return "", fmt.Errorf("wafv2: %q and %q are no names of a vendor and a managed rule set", vendor, name)
	}
	n := entityName{account: account, region: region, scope: sc, kind: kindManagedRuleSet, name: name, id: newUUID()}
	_, err = s.store.Update(ctx, func(tx store.Txn) error {
		taken, err := s.managedGroupOf(tx, region, sc, vendor, name)
		if err != nil {
			return err
		}
		known, err := s.tables.vendors.Has(tx, table.Scope{Region: region}, parts(string(sc), vendor, name)...)
		if err != nil {
			return err
		}
		exists, err := s.tables.entities.Has(tx, scope(account, region), parts(string(kindManagedRuleSet), string(sc), name)...)
		if err != nil {
			return err
		}
		if taken != nil || known || exists {
			return duplicate()
		}
		e := newEntity(n, some(description))
		e.Vendor = vendor
		set := &wafv2api.ManagedRuleSet{
			Name: &e.Name, Id: &e.ID, ARN: new(e.arn()), Description: some(description),
			LabelNamespace: new("awswaf:managed:" + strings.ToLower(vendor) + ":" + strings.ToLower(name) + ":"),
		}
		if err := s.write(tx, e, nil, shapeManagedRuleSet, set); err != nil {
			return err
		}
		return s.tables.vendors.Insert(tx, &vendorRecord{Region: region, Scope: sc, Vendor: vendor, Name: name, Account: account})
	})
	return n.arn(), err
}

// ListManagedRuleSets implements the operation of that name.
func (s *Service) ListManagedRuleSets(ctx context.Context, in *wafv2api.ListManagedRuleSetsRequest) (*wafv2api.ListManagedRuleSetsResponse, error) {
	l, err := s.listAll(ctx, kindManagedRuleSet, in.Scope, in.NextMarker, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &wafv2api.ListManagedRuleSetsResponse{ManagedRuleSets: []wafv2api.ManagedRuleSetSummary{}, NextMarker: l.next}
	for _, e := range l.entities {
		set, err := s.managedRuleSet(e)
		if err != nil {
			return nil, err
		}
		m := e.summary()
		out.ManagedRuleSets = append(out.ManagedRuleSets, wafv2api.ManagedRuleSetSummary{
			Name: m.name, Id: m.id, Description: m.description, LockToken: m.token, ARN: m.arn, LabelNamespace: set.LabelNamespace,
		})
	}
	return out, nil
}

// GetManagedRuleSet implements the operation of that name.
func (s *Service) GetManagedRuleSet(ctx context.Context, _ *wafv2api.GetManagedRuleSetRequest) (*wafv2api.GetManagedRuleSetResponse, error) {
	_, e, err := s.found(ctx)
	if err != nil {
		return nil, err
	}
	set, err := s.managedRuleSet(e)
	if err != nil {
		return nil, err
	}
	return &wafv2api.GetManagedRuleSetResponse{ManagedRuleSet: set, LockToken: &e.LockToken}, nil
}

// PutManagedRuleSetVersions implements the operation of that name.
func (s *Service) PutManagedRuleSetVersions(ctx context.Context, in *wafv2api.PutManagedRuleSetVersionsRequest) (*wafv2api.PutManagedRuleSetVersionsResponse, error) {
	const f = wafv2api.ParameterExceptionFieldManagedRuleSet
	c, e, err := s.locked(ctx, in.LockToken)
	if err != nil {
		return nil, err
	}
	set, err := s.managedRuleSet(e)
	if err != nil {
		return nil, err
	}
	if set.PublishedVersions == nil {
		set.PublishedVersions = make(map[string]wafv2api.ManagedRuleSetVersion)
	}
	k := s.newRuleCheck(c.Txn(), e.Account, e.Region, e.Scope, false, nil)
	now := s.clock.Now().UTC().Truncate(time.Millisecond)
	for name, v := range in.VersionsToPublish {
		old := set.PublishedVersions[name]
		group := cmp.Or(value(v.AssociatedRuleGroupArn), value(old.AssociatedRuleGroupArn))
		n, ok := parseARN(group)
		if !ok || n.account != e.Account {
			return nil, invalid(wafv2api.ParameterExceptionFieldResourceARN, group, reasonARN)
		}
		if err := k.refer(group, kindRuleGroup, wafv2api.ParameterExceptionFieldRuleGroup); err != nil {
			return nil, err
		}
		published := wafv2api.ManagedRuleSetVersion{
			AssociatedRuleGroupArn: &group, Capacity: new(k.ruleGroupCapacity(group)), ForecastedLifetime: v.ForecastedLifetime,
			PublishTimestamp: old.PublishTimestamp, LastUpdateTimestamp: &now, ExpiryTimestamp: old.ExpiryTimestamp,
		}
		if published.PublishTimestamp == nil {
			published.PublishTimestamp = &now
		}
		set.PublishedVersions[name] = published
	}
	if in.RecommendedVersion != nil {
		set.RecommendedVersion = in.RecommendedVersion
	}
	recommended, ok := set.PublishedVersions[value(set.RecommendedVersion)]
	if !ok || recommended.ExpiryTimestamp != nil {
		return nil, invalid(f, value(set.RecommendedVersion), reasonReference)
	}
	was := e.References
	e.References = nil
	for _, v := range set.PublishedVersions {
		if !slices.Contains(e.References, value(v.AssociatedRuleGroupArn)) {
			e.References = append(e.References, value(v.AssociatedRuleGroupArn))
		}
	}
	slices.Sort(e.References)
	if len(e.References) > s.quotas.References {
		return nil, limitExceeded("MANAGED_RULE_SET")
	}
	if err := s.update(c.Txn(), e, was, shapeManagedRuleSet, set); err != nil {
		return nil, err
	}
	return &wafv2api.PutManagedRuleSetVersionsResponse{NextLockToken: &e.LockToken}, nil
}

// UpdateManagedRuleSetVersionExpiryDate implements the operation of that name. The version that is
// recommended cannot expire.
func (s *Service) UpdateManagedRuleSetVersionExpiryDate(ctx context.Context, in *wafv2api.UpdateManagedRuleSetVersionExpiryDateRequest) (*wafv2api.UpdateManagedRuleSetVersionExpiryDateResponse, error) {
	c, e, err := s.locked(ctx, in.LockToken)
	if err != nil {
		return nil, err
	}
	set, err := s.managedRuleSet(e)
	if err != nil {
		return nil, err
	}
	v, ok := set.PublishedVersions[value(in.VersionToExpire)]
	if !ok {
		return nil, nonexistent()
	}
	at := value(in.ExpiryTimestamp).UTC()
	switch {
	case value(in.VersionToExpire) == value(set.RecommendedVersion):
		return nil, invalidOperation("The operation isn't valid. The recommended version cannot expire.")
	case !at.After(s.clock.Now()):
		return nil, invalid(wafv2api.ParameterExceptionFieldExpireTimestamp, strconv.FormatInt(at.Unix(), 10), reasonUnknown)
	}
	v.ExpiryTimestamp, v.LastUpdateTimestamp = &at, new(s.clock.Now().UTC().Truncate(time.Millisecond))
	set.PublishedVersions[*in.VersionToExpire] = v
	if err := s.update(c.Txn(), e, e.References, shapeManagedRuleSet, set); err != nil {
		return nil, err
	}
	return &wafv2api.UpdateManagedRuleSetVersionExpiryDateResponse{ExpiringVersion: in.VersionToExpire, ExpiryTimestamp: &at, NextLockToken: &e.LockToken}, nil
}

// publishedGroups are the managed rule groups that accounts here have published.
func (s *Service) publishedGroups(r store.Reader, region string, sc wafv2api.Scope) (all []ManagedGroup, err error) {
	for row, err := range s.tables.vendors.Scan(r, table.Scope{Region: region}, table.Page{Prefix: parts(string(sc))}) {
		if err != nil {
			return nil, err
		}
		g, err := s.publishedBy(r, row.Record)
		if err != nil {
			return nil, err
		}
		if g != nil {
			all = append(all, *g)
		}
	}
	return all, nil
}

// publishedGroup is one of them, or nil.
func (s *Service) publishedGroup(r store.Reader, region string, sc wafv2api.Scope, vendor, name string) (*ManagedGroup, error) {
	v, err := s.tables.vendors.Get(r, table.Scope{Region: region}, parts(string(sc), vendor, name)...)
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return s.publishedBy(r, v)
}

// publishedBy makes a managed rule group of what a vendor has published; it is nil if that is
// nothing.
func (s *Service) publishedBy(r store.Reader, v *vendorRecord) (*ManagedGroup, error) {
	e, err := s.lookup(r, entityName{account: v.Account, region: v.Region, scope: v.Scope, kind: kindManagedRuleSet, name: v.Name})
	if err != nil || e == nil {
		return nil, err
	}
	set, err := s.managedRuleSet(e)
	if err != nil || len(set.PublishedVersions) == 0 {
		return nil, err
	}
	g := &ManagedGroup{
		Vendor: v.Vendor, Name: v.Name, Title: v.Name, Description: e.Description, ProductID: e.ID, LabelNamespace: value(set.LabelNamespace),
		Versioned: true, Default: value(set.RecommendedVersion),
	}
	for name, p := range set.PublishedVersions {
		version := ManagedVersion{Name: name, Updated: value(p.LastUpdateTimestamp), Expires: value(p.ExpiryTimestamp), Capacity: value(p.Capacity), RuleGroup: value(p.AssociatedRuleGroupArn)}
		n, ok := parseARN(version.RuleGroup)
		if !ok {
			continue
		}
		of, err := s.lookup(r, n)
		if err != nil {
			return nil, err
		}
		if of == nil {
			continue
		}
		rules, err := s.ruleGroup(of)
		if err != nil {
			return nil, err
		}
		for i := range rules.Rules {
			version.Rules = append(version.Rules, ManagedRule{Name: value(rules.Rules[i].Name), Action: value(rules.Rules[i].Action)})
		}
		for _, l := range labelsAdded(g.LabelNamespace, rules.Rules) {
			version.Labels = append(version.Labels, value(l.Name))
		}
		for _, l := range rules.ConsumedLabels {
			version.Consumed = append(version.Consumed, value(l.Name))
		}
		g.Versions = append(g.Versions, version)
	}
	slices.SortFunc(g.Versions, func(a, b ManagedVersion) int {
		return cmp.Or(b.Updated.Compare(a.Updated), cmp.Compare(b.Name, a.Name))
	})
	if len(g.Versions) == 0 {
		return nil, nil
	}
	return g, nil
}

// isWord tells whether r is one of \w.
func isWord(r rune) bool {
	return r == '_' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z'
}
