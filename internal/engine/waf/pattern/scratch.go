package pattern

import "math"

// Scratch is the memory of one goroutine at a time for matching with any Sets, of which it
// keeps nothing alive. It grows to what the largest of them needs.
type Scratch struct {
	simulation

	epoch      uint32   // of the value: what is stamped with another one is not valid
	ends       []uint32 // stamps of states where strings end
	clauses    []uint32 // stamps of clauses that hold
	counted    []uint32 // stamps of patterns of which a clause holds
	counts     []uint32 // how many, if the stamp is valid
	candidates []uint32 // patterns to look at
	scanned    bool     // whether the strings were looked for
	looked     bool     // whether present is known
	present    uint64   // classes of bytes that occur

	jumps *jumps // of a screen

	learns bool

	// States made since the last Allow: of products, of bundles, of screens.
	made, bundled, learned int

	lanes   lanes
	abreast abreast
	finder  pike
	active  [2][]active // parts of a product
	found   *findings   // of a product for a value
	step    *findings   // for a symbol
}

// NewScratch returns empty memory.
func NewScratch() *Scratch { return &Scratch{} }

// Steps returns how many steps have been taken in total: a byte moved over by an automaton,
// an instruction visited by a simulation; making a state counts as many. Each stands for a
// few nanoseconds. It measures work independently of the machine.
func (m *Scratch) Steps() uint64 { return m.steps }

// Allow lets n more steps be taken, from now on: after them a Match ends, with what it has found, and
// Exhausted tells so. Without a call there is no bound. A Match may take a little more than what is left: the
// states that one value may make, and one pass over it.
func (m *Scratch) Allow(n uint64) {
	m.limit, m.limited, m.exhausted, m.reserve, m.loan = m.steps+n, true, false, nil, 0
	m.made, m.bundled, m.learned = 0, 0, 0
}

// Borrow lets up to most steps beyond those of the last Allow, and the states that may be made within them, be taken from a reserve, for as long as there is any.
func (m *Scratch) Borrow(r *Reserve, most uint64) { m.reserve, m.loan = r, most }

// mayBorrow tells whether there is something left to borrow.
func (m *simulation) mayBorrow() bool { return m.loan >= reserveChunk && !m.reserve.empty() }

// Learn has values that are matched from now on teach the automata of Sets more than these values need: what goes over each of them goes over all of it.
// It is for ordinary text that is matched before there is anything to match, so that values that are like it find their states made.
func (m *Scratch) Learn() { m.learns = true }

// mostMade is how many states of products may be made within one allowance of steps. Making one takes two or three
// microseconds, once for all values to come. Without new states the parts of a product run by themselves, which
// costs a short value little: its states count thrice.
const mostMade = 1000

// madeEnough counts a state of a product that is to be made for a value, and tells whether there were enough.
func (m *Scratch) madeEnough(p *product, length int) bool {
	if p.isBundle {
		m.bundled++
		return m.limited && m.bundled > mostBundled
	}
	if m.made++; length < longValue {
		m.made += 2
	}
	return m.limited && m.made > mostMade
}

// Spend takes n steps for work that somebody does beside matching.
func (m *Scratch) Spend(n int) { m.steps += uint64(n) }

// Afford tells whether n steps are left, for work that somebody is about to do beside matching. If not, that is not done, and Exhausted tells so.
func (m *Scratch) Afford(n int) bool {
	if m.limited && m.Left() < uint64(n) {
		m.exhausted = true
	}
	return !m.exhausted
}

// Left returns how many steps are left, with those that may be borrowed, as many as there can be without a bound; 0 only if a Match would end for want of them.
func (m *Scratch) Left() uint64 {
	switch {
	case !m.limited:
		return math.MaxInt64
	case m.spent():
		return 0
	}
	left := max(m.limit-m.steps, 1)
	if m.mayBorrow() {
		left += m.loan
	}
	return left
}

// Exhausted tells whether a Match ended because there were no steps left, since the last Allow.
func (m *Scratch) Exhausted() bool { return m.exhausted }

// begin starts a value.
func (m *Scratch) begin(s *Set) {
	m.epoch++
	if m.epoch == 0 {
		clear(m.ends)
		clear(m.clauses)
		clear(m.counted)
		m.epoch = 1
	}
	if len(m.ends) < len(s.strings.ends) {
		m.ends = make([]uint32, len(s.strings.ends))
	}
	if len(m.clauses) < len(s.owners) {
		m.clauses = make([]uint32, len(s.owners))
	}
	if len(m.counted) < len(s.patterns) {
		m.counted = make([]uint32, len(s.patterns))
		m.counts = make([]uint32, len(s.patterns))
	}
	m.candidates = m.candidates[:0]
	m.looked, m.scanned = false, false
}
