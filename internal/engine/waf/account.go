package waf

import (
	"net/netip"

	"fastness/internal/engine/waf/request"
)

// Program is the program that made the verdict; nil for a verdict that none made.
func (v *Verdict) Program() *Program { return v.program }

// Clone returns a copy of the verdict that stays valid, for whoever tells of it later: all of it but
// the answer (Response, Body), the token, and what AppendLabels needs.
func (v *Verdict) Clone() *Verdict {
	c := &Verdict{
		Action: v.Action, Matches: append([]Match(nil), v.Matches...), Insert: append([]HeaderField(nil), v.Insert...),
		Rates: append([]RateState(nil), v.Rates...), Exhausted: v.Exhausted,
	}
	for i := range v.Matches {
		switch &v.Matches[i] {
		case v.Terminating:
			c.Terminating = &c.Matches[i]
		case v.Inner:
			c.Inner = &c.Matches[i]
		}
	}
	return c
}

// Origin is where an address is, as far as the program knows places: the country (ISO 3166-1 alpha-2,
// empty if unknown) and the number of the autonomous system (0 if unknown).
func (p *Program) Origin(a netip.Addr) (country string, asn uint32) {
	if p.places == nil {
		return "", 0
	}
	country, _ = p.places.Country(a)
	return country, p.places.ASN(a)
}

// ForwardedASN is the number of the autonomous system of the client that a request was forwarded for: of the first
// address in the header field that the first rule that looks at one names. It is 0 if there is none or it is unknown.
func (p *Program) ForwardedASN(r *request.Request) uint32 {
	if p.asnHeader == "" || p.places == nil {
		return 0
	}
	list, state := r.ForwardedAddresses(nil, p.asnHeader, request.FirstAddress)
	if state != request.Forwarded || len(list) == 0 {
		return 0
	}
	return p.places.ASN(list[0])
}

// detectsInjection tells whether a statement, or one inside it, looks for SQL injection or cross-site
// scripting.
func (s *Statement) detectsInjection() bool {
	if s.SQLi != nil || s.XSS != nil || s.Attack != nil || s.Not != nil && s.Not.detectsInjection() {
		return true
	}
	if s.Rate != nil && s.Rate.ScopeDown != nil && s.Rate.ScopeDown.detectsInjection() {
		return true
	}
	for _, list := range [][]Statement{s.And, s.Or} {
		for i := range list {
			if list[i].detectsInjection() {
				return true
			}
		}
	}
	return false
}
