package seclang

// How many values there are of a kind is counted while they are added, for conditions like &REQUEST_HEADERS:Host: values for which no
// condition holds need not be kept for that.

// counters are the numbers in Scratch.counts of values of a source.
type counters struct {
	all   int32            // of all values; -1: nobody asks
	named map[string]int32 // of those of a name, in lower case
}

// count gives the targets that count values their counters. Those that need more than a number have all values of their
// sources kept.
func (c *compiler) count() {
	p := c.p
	for src := range sources {
		p.counters[src].all = -1
	}
	counter := func() int32 {
		p.counted++
		return int32(p.counted - 1)
	}
	for _, r := range p.rules {
		for _, l := range r.links {
			for i := range l.targets {
				t := &l.targets[i]
				if t.variable.kind != ofRequest || l.id >= 0 {
					continue
				}
				if !t.count || len(t.except) > 0 || t.only != nil && t.only.pattern != nil || c.plain || c.removes(r, t) {
					for _, src := range t.sources {
						p.whole[src] = true
					}
					continue
				}
				for _, src := range t.sources {
					of := &p.counters[src]
					if t.only == nil {
						if of.all < 0 {
							of.all = counter()
						}
						t.counters = append(t.counters, of.all)
						continue
					}
					id, ok := of.named[t.only.key]
					if !ok {
						if of.named == nil {
							of.named = map[string]int32{}
						}
						id = counter()
						of.named[t.only.key] = id
					}
					t.counters = append(t.counters, id)
				}
			}
		}
	}
}

// removes tells whether a rule may take values away from a target (ctl:ruleRemoveTarget…).
func (c *compiler) removes(of *rule, t *target) bool {
	for _, r := range c.p.rules {
		for _, l := range r.links {
			for i := range l.ctls {
				ctl := &l.ctls[i]
				if ctl.op != removeTargetByID && ctl.op != removeTargetByTag || !ctl.rules.Has(int(of.index)) {
					continue
				}
				for k := range ctl.targets {
					if ctl.targets[k].variable == t.variable {
						return true
					}
				}
			}
		}
	}
	return false
}

// counted is how many values a target has that counts.
func (s *Scratch) counted(t *target) (n int) {
	for _, id := range t.counters {
		n += int(s.counts[id])
	}
	return n
}
