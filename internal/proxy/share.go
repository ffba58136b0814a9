package proxy

import (
	"net/netip"
	"time"

	"fastness/internal/engine/waf"
)

// Shared are counts of a web ACL's rate-based rules.
type Shared struct {
	WebACL string
	waf.RuleCounts
}

// sharer is an Inspector that counts requests together with those of other proxies: that of an Engine.
type sharer interface {
	TakeCounts(most int) []waf.RuleCounts
	AddCounts(counts []waf.RuleCounts, now time.Time)
	AllLimited(now time.Time, limit int) map[string][]netip.Addr
}

// sharers are the inspectors that share, by web ACL.
func (p *Proxy) sharers() map[string]sharer {
	p.mu.Lock()
	s := p.state
	p.mu.Unlock()
	all := make(map[string]sharer)
	if s != nil {
		for arn, a := range s.acls {
			if x, ok := a.inspector.(sharer); ok {
				all[arn] = x
			}
		}
	}
	return all
}

// TakeCounts takes what rate-based rules have counted since it was last called, of about most keys.
func (p *Proxy) TakeCounts(most int) (all []Shared) {
	of := p.sharers()
	for arn, x := range of {
		for _, c := range x.TakeCounts(most / len(of)) {
			all = append(all, Shared{arn, c})
		}
	}
	return all
}

// AddCounts adds what other proxies have counted.
func (p *Proxy) AddCounts(counts []Shared) {
	now, of := p.clock.Now(), p.sharers()
	for i := range counts {
		if x := of[counts[i].WebACL]; x != nil {
			x.AddCounts([]waf.RuleCounts{counts[i].RuleCounts}, now)
		}
	}
}

// Limited are the addresses that rate-based rules limit now, by web ACL and rule (waf.Program.AllLimited), at
// most most for each.
func (p *Proxy) Limited(most int) map[string]map[string][]netip.Addr {
	now := p.clock.Now()
	all := make(map[string]map[string][]netip.Addr)
	for arn, x := range p.sharers() {
		if rules := x.AllLimited(now, most); len(rules) > 0 {
			all[arn] = rules
		}
	}
	return all
}
