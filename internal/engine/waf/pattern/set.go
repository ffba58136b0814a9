package pattern

// Set is an immutable compilation of patterns, safe for any number of goroutines.
type Set struct {
	patterns []compiled
	strings  *automaton
	owners   []clauseOwner // of clauses, by the number that strings have
	atoms    [256]uint64   // the classes that each byte is of
	loose    []uint32      // patterns without strings that are in no group
	waiting  Bits          // patterns with strings that are in no group
	groups   []group

	// For long values: other groups, and what is in none of them, with strings and without.
	long        []group
	waitingLong Bits
	fat         []uint32
	memory      *budget
}

// Len returns the number of patterns.
func (s *Set) Len() int { return len(s.patterns) }

// Match adds to got the indexes of the wanted patterns that match the value. What is
// already in got is left alone and not looked for. A nil want is all patterns; want and got
// have the length of NewBits(s.Len()). When the Set and the scratch have seen the like of
// the value, nothing is allocated.
func (s *Set) Match(value []byte, want, got Bits, m *Scratch) {
	before, making := m.steps, m.making
	m.begin(s)
	m.steps += 60 // whatever the value
	if m.spent() {
		return
	}
	waiting, loose, groups, allowed := s.waiting, s.loose, s.groups, allowance{first: 48, every: 12, most: 512}
	long := len(value) >= longValue
	if long {
		waiting, loose, groups, allowed = s.waitingLong, s.fat, s.long, allowance{first: 96, every: 48, most: 1024}
	}
	if want == nil && waiting.Any() || want != nil && want.Intersects(waiting) {
		s.scan(value, want, got, m)
	}
	for _, i := range m.candidates {
		if !long || !s.patterns[i].long {
			s.evaluate(i, value, want, got, m)
		}
	}
	for _, i := range loose {
		s.evaluate(i, value, want, got, m)
	}
	for k := range groups {
		if m.spent() {
			return
		}
		s.together(&groups[k], value, want, got, allowed, m)
	}
	if !long {
		m.steps += (shortFactor - 1) * (m.steps - before - (m.making - making))
	}
}

// shortFactor is how much more a step of a short value costs than one of a long value, where a table is used long enough
// to be near the processor, and where automata begin and end but once. To make a state costs the same.
const shortFactor = 2

// longRest is from how many bytes on the bundles of a product go over the rest of a value.
const longRest = 32

// together matches the patterns of a group.
func (s *Set) together(g *group, value []byte, want, got Bits, allowed allowance, m *Scratch) {
	if want != nil && !want.Intersects(g.bits) {
		return
	}
	m.found = m.found.begin(len(g.members))
	if m.learns {
		s.inBundles(g, value, 0, g.product.table.Load(), g.product.stride, want, got, m)
		m.found = m.found.begin(len(g.members))
	}
	switch at, t, state := g.product.run(value, m.found, allowed, m); {
	case at >= 0 && len(value)-at < longRest:
		g.product.onward(value, at, t, state, m.found, m)
	case at >= 0:
		s.inBundles(g, value, at, t, state, want, got, m)
	}
	if !m.found.any {
		return
	}
	for n := range m.found.matched.All() {
		if i := g.members[n]; want == nil || want.Has(int(i)) {
			got.Set(int(i))
		}
	}
	for n := range m.found.lost.All() {
		if i := g.members[n]; s.mayHold(i, value, want, got, m) {
			s.evaluate(i, value, want, got, m)
		}
	}
}

// mayHold tells whether the strings that a pattern of a group needs, if they are known, are in the value.
func (s *Set) mayHold(i uint32, value []byte, want, got Bits, m *Scratch) bool {
	if !s.waiting.Has(int(i)) {
		return true
	}
	if !m.scanned {
		s.scan(value, want, got, m)
	}
	return m.counted[i] == m.epoch && m.counts[i] >= s.patterns[i].needs
}

// scan finds the strings of all patterns in the value.
func (s *Set) scan(value []byte, want, got Bits, m *Scratch) {
	a := s.strings
	m.scanned = true
	if !a.strings {
		return
	}
	m.steps += uint64(len(value))
	next, outputs := a.next, a.outputs
	state := uint32(0)
	for _, b := range value {
		state = next[state+uint32(a.classes[b])]
		if state >= outputs {
			if end := next[state+a.width-1]; m.ends[end] != m.epoch {
				m.ends[end] = m.epoch
				s.hold(a.ends[end], want, got, m)
			}
		}
	}
}

// present returns which classes of bytes occur in the value, computed when first needed.
func (s *Set) present(value []byte, m *Scratch) uint64 {
	if !m.looked {
		m.looked = true
		m.steps += uint64(len(value) / 2)
		m.present = 0
		for _, b := range value {
			m.present |= s.atoms[b]
		}
	}
	return m.present
}

// hold notes that clauses hold.
func (s *Set) hold(clauses []uint32, want, got Bits, m *Scratch) {
	m.steps += uint64(len(clauses))
	for _, n := range clauses {
		if m.clauses[n] == m.epoch {
			continue
		}
		m.clauses[n] = m.epoch
		o := s.owners[n]
		i := o.pattern
		if o.decides {
			if want == nil || want.Has(int(i)) {
				got.Set(int(i))
			}
			continue
		}
		if m.counted[i] != m.epoch {
			m.counted[i] = m.epoch
			m.counts[i] = 0
		}
		if m.counts[i]++; m.counts[i] == s.patterns[i].needs {
			m.candidates = append(m.candidates, i)
		}
	}
}

// possible tells whether a pattern is wanted and can match the value.
func (s *Set) possible(i uint32, value []byte, want, got Bits, m *Scratch) bool {
	c := &s.patterns[i]
	word, bit := i>>6, uint64(1)<<(i&63)
	if len(value) < c.least || got[word]&bit != 0 || want != nil && want[word]&bit == 0 {
		return false
	}
	return c.mask == 0 || c.mask&^s.present(value, m) == 0
}

// evaluate matches one pattern that may match.
func (s *Set) evaluate(i uint32, value []byte, want, got Bits, m *Scratch) {
	if !m.spent() && s.possible(i, value, want, got, m) && s.patterns[i].matches(value, m) {
		got.Set(int(i))
	}
}

// matches evaluates a pattern without filters.
func (c *compiled) matches(value []byte, m *Scratch) bool {
	switch c.how {
	case byComparing:
		m.steps += uint64(len(value)/16 + len(c.Text))
		_, _, ok := c.locate(value)
		return ok
	case byLooking:
		for i, b := range value {
			if c.one.has(b) {
				m.steps += uint64(i)
				return true
			}
		}
		m.steps += uint64(len(value))
		return false
	case byAutomaton:
		entry, at, seeds := c.alone().run(value, &m.steps, allowance{first: 24, every: 32, most: 1024})
		if at >= 0 {
			return m.search(c.program, value, at, seeds)
		}
		return entry == matchState
	}
	m.resolve(c.program, value)
	return m.search(c.program, value, 0, nil)
}

// SizeBytes estimates the memory of the Set now, with the states of its automata made so
// far, which Options.CacheBytes bounds.
func (s *Set) SizeBytes() int {
	total := s.strings.sizeBytes() + len(s.owners)*8 + 2048
	for i := range s.patterns {
		c := &s.patterns[i]
		total += 512 + len(c.Text)
		for _, t := range c.Texts {
			total += len(t) + 16
		}
		if c.program != nil {
			total += c.program.sizeBytes()
		}
	}
	return total + int(s.memory.used.Load())
}

func (p *program) sizeBytes() int {
	n := 16*len(p.insts) + 32*len(p.sets)
	for i := range p.looks {
		n += p.looks[i].program.sizeBytes()
	}
	return n
}
