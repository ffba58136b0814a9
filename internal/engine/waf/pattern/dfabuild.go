package pattern

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
)

// budget is the memory that the automata of a Set have together.
type budget struct {
	limit int64
	part  int // states that a part of a product may have
	used  atomic.Int64
	parts atomic.Int64 // of that, what parts of products have and do not give back

	mu   sync.Mutex
	free []*builderMemory
}

// guaranteed is the memory an automaton may have even if the budget is used up.
const guaranteed = 64 << 10

// full tells whether an automaton that has some memory may not have more.
func (b *budget) full(has, more int) bool {
	return has+more > guaranteed && b.used.Load()+int64(more) > b.limit
}

// builderMemory is what making a state needs.
type builderMemory struct {
	from, to sparse
	stack    []uint32
	matched  bool
}

func (b *budget) builder(p *program) *builderMemory {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := &builderMemory{}
	if n := len(b.free); n > 0 {
		m, b.free = b.free[n-1], b.free[:n-1]
	}
	m.from.grow(len(p.insts))
	m.to.grow(len(p.insts))
	m.to.reset()
	m.matched = false
	return m
}

func (b *budget) release(m *builderMemory) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free = append(b.free, m)
}

// newTable makes a table with the first state.
func (d *dfa) newTable() *dfaTable {
	t := &dfaTable{
		next:   make([]uint32, 4*d.stride),
		states: &dfaStates{id: rand.Uint64(), list: make([]dfaState, 1), index: map[string]uint32{}},
	}
	before := matter(afterStart, d.program.asserts)
	first := d.begin(before)
	switch {
	case first.matched:
		t.start = matchState
	case !d.program.anchored:
		t, t.start = d.first(t, dfaState{before: before})
	case len(first.insts) == 0:
		t.start = deadState
	default:
		t, t.start = d.first(t, dfaState{insts: first.insts, before: before})
	}
	return t
}

// first adds the first state of a table, for which there is always room.
func (d *dfa) first(t *dfaTable, s dfaState) (*dfaTable, uint32) {
	return d.insert(t, s, s.appendKey(nil), 0)
}

// idle returns the entry of the state in which nothing has begun to match, behind a
// context. It is made if there is none.
func (d *dfa) idle(before context) uint32 {
	d.current()
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.table.Load()
	switch before = matter(before, d.program.asserts); {
	case before == matter(afterStart, d.program.asserts):
		return t.start
	case d.program.anchored:
		return deadState
	case d.begin(before).matched:
		return matchState
	}
	s := dfaState{before: before}
	key := s.appendKey(nil)
	if entry, ok := t.states.index[string(key)]; ok {
		return entry
	}
	t, entry := d.insert(t, s, key, 0) // there is always room for it
	d.table.Store(t)
	return entry
}

// begin returns what a match that begins at a position reaches at once.
func (d *dfa) begin(before context) *places {
	if d.begins[before] == nil {
		m := d.memory.builder(d.program)
		defer d.memory.release(m)
		d.reach(m, &m.to, d.program.start, holdsBehind(before), pendingAt(before))
		d.begins[before] = d.reached(m, before)
	}
	return d.begins[before]
}

// beginStep returns what a match that begins at a position reaches over a symbol.
func (d *dfa) beginStep(before context, symbol uint32) *places {
	if d.steps[before] == nil {
		d.steps[before] = make([]*places, d.stride)
		d.memory.used.Add(int64(8 * d.stride))
	}
	if d.steps[before][symbol] == nil {
		m := d.memory.builder(d.program)
		defer d.memory.release(m)
		after := d.step(m, d.begin(before).insts, before, symbol)
		d.steps[before][symbol] = d.reached(m, after)
		d.memory.used.Add(int64(32 + 4*len(d.steps[before][symbol].insts)))
	}
	return d.steps[before][symbol]
}

// reached returns what has been built in m.to.
func (d *dfa) reached(m *builderMemory, before context) *places {
	if m.matched {
		return &places{matched: true}
	}
	set := &places{insts: make([]uint32, 0, len(m.to.dense))}
	for _, pc := range m.to.dense {
		switch in := &d.program.insts[pc]; in.op {
		case instSet:
			set.insts = append(set.insts, pc)
		case instAssert:
			if pendingAt(before)&assertion(in.arg) != 0 {
				set.insts = append(set.insts, pc)
			}
		}
	}
	set.insts = slices.Clip(set.insts)
	slices.Sort(set.insts)
	return set
}

// extend computes the transition of a state for a symbol. It returns the table in which
// the entry is, which need not be the one given.
func (d *dfa) extend(t *dfaTable, state, symbol uint32, steps *uint64) (*dfaTable, uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer func() {
		if d.table.Load() != t {
			d.table.Store(t)
		}
	}()
	if now := d.table.Load(); now != t {
		// Another goroutine has made the table grow, or start anew.
		if now.states != t.states {
			now, state = d.intern(now, t.states.list[state/d.stride])
		}
		t = now
	}
	if entry := t.next[state+symbol]; entry != unknown {
		return t, entry
	}
	m := d.memory.builder(d.program)
	defer d.memory.release(m)
	from := t.states.list[state/d.stride]
	after := d.step(m, from.insts, from.before, symbol)
	if !d.program.anchored {
		begun := d.beginStep(from.before, symbol)
		for _, pc := range begun.insts {
			if !m.to.has(pc) {
				m.to.add(pc)
			}
		}
		// Behind the end nothing begins.
		m.matched = m.matched || begun.matched || symbol != d.end && d.begin(after).matched
	}
	// Making a state costs some allocations and two steps for each instruction.
	*steps += uint64(300 + 2*(len(from.insts)+len(m.to.dense)))
	set := d.reached(m, after)
	was := t.states
	entry := deadState
	switch {
	case set.matched:
		entry = matchState
	case symbol != d.end && (len(set.insts) > 0 || !d.program.anchored):
		t, entry = d.intern(t, dfaState{insts: set.insts, before: after})
	}
	if t.states == was { // otherwise it started anew, and this state has another number or none
		atomic.StoreUint32(&t.next[state+symbol], entry)
	}
	return t, entry
}

// step builds in m.to what instructions reach over a symbol, and returns the context behind
// it.
func (d *dfa) step(m *builderMemory, insts []uint32, before context, symbol uint32) context {
	// What is pending is decided by the byte that follows.
	set := insts
	if slices.ContainsFunc(set, func(pc uint32) bool { return d.program.insts[pc].op == instAssert }) {
		holds := d.holds(before, symbol)
		m.from.reset()
		for _, pc := range set {
			d.reach(m, &m.from, pc, holds, 0)
		}
		set = m.from.dense
	}
	if symbol == d.end {
		return afterOther
	}
	b := d.byteOf(symbol)
	after := matter(behind(b), d.program.asserts)
	for _, pc := range set {
		if in := &d.program.insts[pc]; in.op == instSet && d.program.sets[in.arg].has(b) {
			d.reach(m, &m.to, in.x, holdsBehind(after), pendingAt(after))
		}
	}
	return after
}

// reach adds to set the instructions that can be reached from pc without consuming a byte.
// Those of pending assertions are kept, for the next byte to decide.
func (d *dfa) reach(m *builderMemory, set *sparse, pc uint32, holds, pending assertion) {
	stack := append(m.stack[:0], pc)
	for len(stack) > 0 {
		pc := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for !set.has(pc) {
			set.add(pc)
			in := &d.program.insts[pc]
			switch in.op {
			case instSplit:
				stack = append(stack, in.y)
			case instAssert:
				if holds&^pending&assertion(in.arg) == 0 {
					goto next
				}
			case instMatch:
				m.matched = true
				goto next
			default:
				goto next
			}
			pc = in.x
		}
	next:
	}
	m.stack = stack
}

// appendKey appends what identifies a state.
func (s *dfaState) appendKey(key []byte) []byte {
	key = append(key, byte(s.before))
	last := uint32(0)
	for _, pc := range s.insts {
		key = binary.AppendUvarint(key, uint64(pc-last))
		last = pc
	}
	return key
}

// intern returns the entry of a state in the table, or in the one that replaces it.
func (d *dfa) intern(t *dfaTable, s dfaState) (*dfaTable, uint32) {
	d.key = s.appendKey(d.key[:0])
	key := d.key
	if entry, ok := t.states.index[string(key)]; ok {
		return t, entry
	}
	size := 6*int(d.stride) + 4*len(s.insts) + len(key) + 160
	switch {
	case d.most > 0:
		// The other half is for automata that give their memory back.
		if len(t.states.list) > d.most || t.states.size+size > guaranteed && d.memory.parts.Load() > d.memory.limit/2 {
			return t, lostState
		}
		d.memory.parts.Add(int64(size))
	case d.memory.full(t.states.size, size):
		// Start anew with the first state and this one.
		d.memory.used.Add(-int64(t.states.size))
		t = d.newTable()
		if entry, ok := t.states.index[string(key)]; ok {
			return t, entry
		}
	}
	return d.insert(t, s, key, size)
}

// insert adds a state.
func (d *dfa) insert(t *dfaTable, s dfaState, key []byte, size int) (*dfaTable, uint32) {
	d.memory.used.Add(int64(size))
	t.states.size += size
	entry := uint32(len(t.states.list)) * d.stride
	if len(t.next) < int(entry+d.stride) {
		grown := &dfaTable{next: make([]uint32, 2*len(t.next)), start: t.start, states: t.states}
		copy(grown.next, t.next) // who writes holds the mutex, as we do
		t = grown
	}
	t.states.list = append(t.states.list, s)
	t.states.index[string(key)] = entry
	return t, entry
}
