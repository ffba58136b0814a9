package waf

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/netip"
	"slices"
	"time"

	"fastness/internal/engine/waf/rate"
)

// RuleCounts are requests that a rate-based rule has counted.
type RuleCounts struct {
	// Rule is the name of the rule, in a group with the name of the rule that refers to it and a slash
	// before it. Settings tells its settings apart: counts under others mean something else.
	Rule, Settings string
	Deltas         []rate.Delta
}

// settingsID is a short form of settings.
func (rr *rateRule) settingsID() string {
	sum := sha256.Sum256([]byte(rr.settings))
	return hex.EncodeToString(sum[:8])
}

// TakeCounts takes what the rate-based rules have counted since it was last called, of about most keys, 64 for
// a rule at least. Options.ShareCounts is needed.
func (p *Program) TakeCounts(most int) (all []RuleCounts) {
	if len(p.rates) == 0 {
		return nil
	}
	each := most / len(p.rates)
	for _, name := range slices.Sorted(maps.Keys(p.rates)) {
		rr := p.rates[name]
		if deltas := rr.limiter.Take(nil, each); len(deltas) > 0 {
			all = append(all, RuleCounts{name, rr.settingsID(), deltas})
		}
	}
	return all
}

// AddCounts adds what the same rules have counted elsewhere. Counts of other rules, or under other
// settings, are left out.
func (p *Program) AddCounts(counts []RuleCounts, now time.Time) {
	for i := range counts {
		c := &counts[i]
		rr := p.rates[c.Rule]
		if rr == nil || rr.settingsID() != c.Settings {
			continue
		}
		for _, d := range c.Deltas {
			if d.N > 0 {
				rr.limiter.Add(d.Key, d.N, now)
			}
		}
	}
}

// AllLimited returns the addresses that each rate-based rule limits that counts by address alone, as Limited
// does, without the rules that limit none.
func (p *Program) AllLimited(now time.Time, limit int) map[string][]netip.Addr {
	var all map[string][]netip.Addr
	for name := range p.rates {
		if list, err := p.Limited(name, now, limit); err == nil && len(list) > 0 {
			if all == nil {
				all = make(map[string][]netip.Addr)
			}
			all[name] = list
		}
	}
	return all
}
