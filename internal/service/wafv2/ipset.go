package wafv2

import (
	"context"
	"net/netip"

	"fastness/internal/api/wafv2api"
	"fastness/internal/call"
	"fastness/internal/store"
)

// The modelled structures that documents hold.
const (
	shapeIPSet           = "IPSet"
	shapeRegexPatternSet = "RegexPatternSet"
	shapeRuleGroup       = "RuleGroup"
	shapeWebACL          = "WebACL"
	shapeManagedRuleSet  = "ManagedRuleSet"
	shapeLogging         = "LoggingConfiguration"
)

// CreateIPSet implements the operation of that name.
func (s *Service) CreateIPSet(ctx context.Context, in *wafv2api.CreateIPSetRequest) (*wafv2api.CreateIPSetResponse, error) {
	c, t, err := targetOf(ctx)
	if err != nil {
		return nil, err
	}
	addresses, err := s.addresses(value(in.IPAddressVersion), in.Addresses)
	if err != nil {
		return nil, err
	}
	e := newEntity(t.name, in.Description)
	set := &wafv2api.IPSet{
		Name: in.Name, Id: &e.ID, ARN: new(e.arn()), Description: in.Description, IPAddressVersion: in.IPAddressVersion, Addresses: addresses,
	}
	if err := s.create(c, e, shapeIPSet, set, in.Tags); err != nil {
		return nil, err
	}
	sum := e.summary()
	return &wafv2api.CreateIPSetResponse{Summary: &wafv2api.IPSetSummary{Name: sum.name, Id: sum.id, Description: sum.description, LockToken: sum.token, ARN: sum.arn}}, nil
}

// addresses checks the addresses of a set and writes them as AWS does: the network's address with
// its length, those of IPv6 in full.
func (s *Service) addresses(version wafv2api.IPAddressVersion, list []string) ([]string, error) {
	if len(list) > s.quotas.AddressesPerIPSet {
		return nil, limitExceeded("IP_SET_ADDRESSES")
	}
	const f = wafv2api.ParameterExceptionFieldIPAddress
	out := make([]string, 0, len(list))
	seen := make(map[netip.Prefix]struct{}, len(list))
	for _, text := range list {
		p, err := netip.ParsePrefix(text)
		switch {
		case err != nil || p.Bits() == 0:
			// "AWS WAF supports all IPv4 and IPv6 CIDR ranges except for /0."
			return nil, invalid(f, text, reasonFormat)
		case p.Addr().Is4() != (version == wafv2api.IPAddressVersionIPV4):
			return nil, invalid(wafv2api.ParameterExceptionFieldIPAddressVersion, text, reasonCombination)
		case p.Addr().Is4In6():
			return nil, invalid(f, text, reasonFormat)
		}
		p = p.Masked()
		if _, twice := seen[p]; twice {
			continue
		}
		seen[p] = struct{}{}
		if p.Addr().Is4() {
			text = p.String()
		} else {
			text = p.Addr().StringExpanded() + p.String()[lastSlash(p.String()):]
		}
		out = append(out, text)
	}
	return out, nil
}

func lastSlash(s string) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '/' {
			return i
		}
	}
	return len(s)
}

// GetIPSet implements the operation of that name.
func (s *Service) GetIPSet(ctx context.Context, _ *wafv2api.GetIPSetRequest) (*wafv2api.GetIPSetResponse, error) {
	_, e, err := s.found(ctx)
	if err != nil {
		return nil, err
	}
	set := &wafv2api.IPSet{Description: &e.Description} // never absent in an answer
	if err := s.documents.decode(shapeIPSet, e.Document, set); err != nil {
		return nil, err
	}
	return &wafv2api.GetIPSetResponse{IPSet: set, LockToken: &e.LockToken}, nil
}

// UpdateIPSet implements the operation of that name.
func (s *Service) UpdateIPSet(ctx context.Context, in *wafv2api.UpdateIPSetRequest) (*wafv2api.UpdateIPSetResponse, error) {
	c, e, err := s.locked(ctx, in.LockToken)
	if err != nil {
		return nil, err
	}
	set := new(wafv2api.IPSet)
	if err := s.documents.decode(shapeIPSet, e.Document, set); err != nil {
		return nil, err
	}
	if set.Addresses, err = s.addresses(value(set.IPAddressVersion), in.Addresses); err != nil {
		return nil, err
	}
	e.Description, set.Description = value(in.Description), in.Description
	if err := s.update(c.Txn(), e, nil, shapeIPSet, set); err != nil {
		return nil, err
	}
	return &wafv2api.UpdateIPSetResponse{NextLockToken: &e.LockToken}, nil
}

// DeleteIPSet implements the operation of that name.
func (s *Service) DeleteIPSet(ctx context.Context, in *wafv2api.DeleteIPSetRequest) (*wafv2api.DeleteIPSetResponse, error) {
	return &wafv2api.DeleteIPSetResponse{}, s.remove(ctx, in.LockToken)
}

// ListIPSets implements the operation of that name.
func (s *Service) ListIPSets(ctx context.Context, in *wafv2api.ListIPSetsRequest) (*wafv2api.ListIPSetsResponse, error) {
	l, err := s.listAll(ctx, kindIPSet, in.Scope, in.NextMarker, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &wafv2api.ListIPSetsResponse{IPSets: []wafv2api.IPSetSummary{}, NextMarker: l.next}
	for _, e := range l.entities {
		m := e.summary()
		out.IPSets = append(out.IPSets, wafv2api.IPSetSummary{Name: m.name, Id: m.id, Description: m.description, LockToken: m.token, ARN: m.arn})
	}
	return out, nil
}

// summary is what listings show of an entity of any kind.
type summary struct{ name, id, description, token, arn *string }

func (e *entity) summary() summary {
	return summary{&e.Name, &e.ID, &e.Description, &e.LockToken, new(e.arn())}
}

func newEntity(n entityName, description *string) *entity {
	return &entity{Account: n.account, Region: n.region, Scope: n.scope, Kind: n.kind, Name: n.name, ID: n.id, Description: value(description)}
}

// listAll lists a page of the entities of a kind.
func (s *Service) listAll(ctx context.Context, k kind, sc *wafv2api.Scope, marker *string, limit *int32) (l listing, err error) {
	err = s.store.View(ctx, func(r store.Reader) (err error) {
		l, err = s.list(call.From(ctx), r, k, sc, marker, limit)
		return err
	})
	return l, err
}
