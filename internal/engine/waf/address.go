package waf

import (
	"fmt"
	"net/netip"

	"github.com/gaissmai/bart"

	"fastness/internal/engine/waf/request"
)

// addressSet is a set of prefixes with its longest-prefix table.
type addressSet struct {
	table bart.Lite
}

func newAddressSet(prefixes []netip.Prefix) (*addressSet, error) {
	s := new(addressSet)
	for _, p := range prefixes {
		if !p.IsValid() {
			return nil, fmt.Errorf("%v is no prefix", p)
		}
		if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
		}
		s.table.Insert(p.Masked())
	}
	return s, nil
}

func (s *addressSet) contains(a netip.Addr) bool { return s.table.Contains(a) }

// address returns the address that a statement is about: the client's, or the first or last one
// of a header field. Where there is none, ok is false and t is the outcome.
func (s *Scratch) address(header string, position IPPosition, matchInvalid bool) (a netip.Addr, t truth, ok bool) {
	r := s.inspection.Request()
	if header == "" {
		return r.Remote.Unmap(), no, r.Remote.IsValid()
	}
	list, state := r.ForwardedAddresses(s.addresses[:0], header, request.Position(position))
	s.addresses = list
	switch state {
	case request.NotForwarded:
		return a, unknown, false
	case request.ForwardedInvalid:
		return a, truthOf(matchInvalid), false
	}
	return list[0], no, true
}

// anyForwarded tells whether one of the last addresses of a header is in the set.
func (s *Scratch) anyForwarded(l *leaf) truth {
	list, state := s.inspection.Request().ForwardedAddresses(s.addresses[:0], l.forwarded, request.AnyAddress)
	s.addresses = list
	switch state {
	case request.NotForwarded:
		return unknown
	case request.ForwardedInvalid:
		return truthOf(l.matchInvalid)
	}
	for _, a := range list {
		if l.addresses.contains(a) {
			return yes
		}
	}
	return no
}
