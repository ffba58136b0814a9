package seclang

// Every request has values for which the first conditions of some rules hold: a method GET, a protocol that is not HTTP/2. Most of these rules
// ask for something else then that ordinary requests have not, like a Content-Length with GET. Such a rule is not run if a condition
// on single values, for which none of the request's values is right, stands behind it before anything is done.

// needs finds the conditions without which rules come to nothing.
func (c *compiler) needs() {
	if c.plain {
		return
	}
	borrowed := c.borrowsGroups()
	for _, r := range c.p.rules {
		for n, l := range r.links {
			if n > 0 && l.id >= 0 {
				r.needs = append(r.needs, l.id)
			}
			if len(l.sets)+len(l.ctls) > 0 || borrowed && r.captures && l.capture {
				break // it leaves something behind
			}
		}
	}
}

// borrowsGroups tells whether a rule may see what the groups of another rule's expression matched: whether it reads a numbered variable that
// no condition of its own has set before.
func (c *compiler) borrowsGroups() bool {
	for _, r := range c.p.rules {
		set := 0 // how many numbered variables are set
		reads := func(m *macro) bool {
			if m == nil {
				return false
			}
			for _, p := range m.pieces {
				if p.variable != nil && p.variable.kind == ofTX && isNumbered(p.key) && int(p.key[0]-'0') >= set {
					return true
				}
			}
			return false
		}
		for _, l := range r.links {
			for i := range l.targets {
				t := &l.targets[i]
				if t.variable.kind != ofTX {
					continue
				}
				if t.only == nil || t.only.pattern != nil && set < 10 && namesNumbers(t.only) || t.only.pattern == nil && isNumbered(t.only.key) && int(t.only.key[0]-'0') >= set {
					return true
				}
			}
			if reads(l.op.operand) {
				return true
			}
			if l.capture && !l.action && !l.op.negate {
				set = max(set, c.groups(&l.op))
			}
			for i := range l.sets {
				if reads(l.sets[i].key) || reads(l.sets[i].value) {
					return true
				}
			}
		}
	}
	return false
}

// namesNumbers tells whether an expression for names means a numbered variable.
func namesNumbers(s *selection) bool {
	for b := byte('0'); b <= '9'; b++ {
		if s.pattern.Match([]byte{b}) {
			return true
		}
	}
	return false
}

// groups is how many numbered variables a condition sets whenever it holds.
func (c *compiler) groups(o *operator) int {
	if o.kind != byPattern || o.whole {
		return 1
	}
	return min(c.p.set.Groups(int(o.pattern)), 9)
}

// possible tells whether all conditions without which the rule comes to nothing hold for some value.
func (s *Scratch) possible(r *rule) bool {
	for _, id := range r.needs {
		if !s.held.Has(int(id)) {
			return false
		}
	}
	return true
}
