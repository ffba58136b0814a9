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
	looked     bool     // whether present is known
	present    uint64   // classes of bytes that occur

	jumps *jumps // of a screen

	// States made since the last Allow: of products, of screens.
	made, learned int

	lanes  lanes
	finder pike
	active [2][]active // parts of a product
	found  *findings   // of a product for a value
	step   *findings   // for a symbol
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
	m.limit, m.limited, m.exhausted, m.made = m.steps+n, true, false, 0
	m.learned = 0
}

// mostMade is how many states of products may be made within one allowance of steps. Making one takes two or three
// microseconds, once for all values to come: so it counts as a few hundred steps and not as a thousand, by which the first
// requests of a new Set would be refused. Without new states the parts of a product run by themselves, which
// costs a short value little: its states count thrice.
const mostMade = 2500

// madeEnough counts a state that is to be made for a value, and tells whether there were enough.
func (m *Scratch) madeEnough(length int) bool {
	if m.made++; length < longValue {
		m.made += 2
	}
	return m.limited && m.made > mostMade
}

// Spend takes n steps for work that somebody does beside matching.
func (m *Scratch) Spend(n int) { m.steps += uint64(n) }

// Left returns how many steps are left, as many as there can be without a bound.
func (m *Scratch) Left() uint64 {
	switch {
	case !m.limited:
		return math.MaxInt64
	case m.steps > m.limit:
		return 0
	}
	return m.limit - m.steps
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
	m.looked = false
}
