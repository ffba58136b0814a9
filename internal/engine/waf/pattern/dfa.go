package pattern

import (
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"
)

// dfa is a deterministic automaton of a program that is built while it is used: a state is
// the set of instructions that a simulation would have reached. States are shared by all
// goroutines. Readers take no lock: a transition is one atomic word, and a table that has
// to grow is copied and replaced.
//
// The columns of the table are classes of bytes that the program does not tell apart, the
// end of the value, and a newline that is the value's last byte, if a dollar cares.
type dfa struct {
	program *program
	classes [256]uint8
	sample  []byte // a byte of each class
	end     uint32 // column of the end of the value
	last    uint32 // column of a newline that ends it; 0 if it is an ordinary one
	stride  uint32
	all     int // how many patterns there are
	memory  *budget

	table atomic.Pointer[dfaTable]
	mu    sync.Mutex // held to add states and transitions

	// What beginning a match at a position adds is not in the states: for many patterns
	// together it is large and nearly always the same. It is kept, by the byte before and
	// the symbol behind, when it is first needed; guarded by the mutex.
	begins [contexts]*places
	steps  [contexts][]*places
}

// places is a set of instructions in order, with the patterns that match on the way there.
type places struct {
	insts   []uint32
	matched []uint32
}

// dfaTable has the transitions. Numbers of states are offsets of their rows.
type dfaTable struct {
	next    []uint32 // entries, accessed atomically; rows beyond the last state are zero
	matched []Bits   // by row, the patterns that match when the state is reached
	start   uint32   // entry of the first state
	states  *dfaStates
}

// dfaStates is what is known of the states of a table and of those it replaced by growing.
// It is guarded by the mutex.
type dfaStates struct {
	list  []dfaState        // by number, divided by the stride
	index map[string]uint32 // key of a state to its entry
	size  int               // of all that, in bytes
}

// dfaState is what has been reached by matches that began before, with what is known of the
// byte before.
type dfaState struct {
	places
	before context
}

// context is what assertions want to know of the byte before a position.
type context uint8

const (
	afterStart context = iota
	afterNewline
	afterWord
	afterOther
	contexts = iota
)

// Entries of the table: the number of a state, with a mark or without, or none.
const (
	unknown   uint32 = 0       // not computed yet: no state has the first row
	marked    uint32 = 1 << 31 // look before going on: the state matches patterns, or is dead
	deadState uint32 = marked
	stateMask        = marked - 1
)

// budget is the memory that the automata of a Set have together, and what they share.
type budget struct {
	limit int64
	used  atomic.Int64

	mu   sync.Mutex
	free []*builderMemory
}

// guaranteed is the memory an automaton may have even if the budget is used up.
const guaranteed = 64 << 10

// builderMemory is what making a state needs.
type builderMemory struct {
	from, to sparse
	stack    []uint32
	key      []byte
	matched  []uint32
}

// match notes that patterns match.
func (m *builderMemory) match(patterns ...uint32) {
	for _, i := range patterns {
		if !slices.Contains(m.matched, i) {
			m.matched = append(m.matched, i)
		}
	}
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
	m.matched = m.matched[:0]
	return m
}

func (b *budget) release(m *builderMemory) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free = append(b.free, m)
}

func newDFA(p *program, all int, memory *budget) *dfa {
	d := &dfa{program: p, all: all, memory: memory}
	// The classes are refined by every set, and by what assertions look at.
	sets := slices.Clone(p.sets)
	if p.asserts&(wordEdge|noWordEdge) != 0 {
		sets = append(sets, wordBytes)
	}
	if p.asserts&(beginLine|beginLinePCRE|endLine|endTextOrLast) != 0 {
		sets = append(sets, oneByte('\n'))
	}
	d.classes, d.sample = partition(sets)
	columns := uint32(len(d.sample))
	d.end = columns
	columns++
	if p.asserts&endTextOrLast != 0 {
		d.last = columns
		columns++
	}
	d.stride = columns
	return d
}

// partition numbers the classes of bytes that no set tells apart, and gives a byte of each.
func partition(sets []byteSet) (classes [256]uint8, sample []byte) {
	groups := 1
	for i := range sets {
		var in, out [256]bool // which groups have bytes in the set, and which others
		for b := range 256 {
			if sets[i].has(byte(b)) {
				in[classes[b]] = true
			} else {
				out[classes[b]] = true
			}
		}
		var to [256]int
		for b := range 256 {
			if g := classes[b]; sets[i].has(byte(b)) && in[g] && out[g] {
				if to[g] == 0 {
					to[g] = groups
					groups++
				}
				classes[b] = uint8(to[g])
			}
		}
	}
	sample = make([]byte, groups)
	for b := 255; b >= 0; b-- {
		sample[classes[b]] = byte(b)
	}
	return classes, sample
}

// current returns the table in use, made at first use.
func (d *dfa) current() *dfaTable {
	if t := d.table.Load(); t != nil {
		return t
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.table.Load(); t != nil {
		return t
	}
	t := d.newTable()
	d.table.Store(t)
	return t
}

// newTable makes a table with the first state.
func (d *dfa) newTable() *dfaTable {
	t := &dfaTable{
		next:    make([]uint32, 4*d.stride),
		matched: make([]Bits, 4),
		states:  &dfaStates{list: make([]dfaState, 1), index: map[string]uint32{}},
	}
	first := *d.begin(afterStart)
	if !d.program.anchored {
		first.insts = nil
	} else if len(first.insts) == 0 && len(first.matched) == 0 {
		t.start = deadState
		return t
	}
	t, start := d.intern(t, dfaState{places: first, before: afterStart})
	t.start = start
	return t
}

// begin returns what a match that begins at a position reaches at once.
func (d *dfa) begin(before context) *places {
	if d.begins[before] == nil {
		m := d.memory.builder(d.program)
		defer d.memory.release(m)
		holds := assertion(0)
		switch before {
		case afterStart:
			holds = beginText | beginLine | beginLinePCRE
		case afterNewline:
			holds = beginLine
		}
		d.reach(m, &m.to, d.program.start, holds, pendingAt(before))
		d.begins[before] = d.reached(m, before)
	}
	return d.begins[before]
}

// beginStep returns what a match that begins at a position reaches over a symbol.
func (d *dfa) beginStep(before context, symbol uint32) *places {
	if d.steps[before] == nil {
		d.steps[before] = make([]*places, d.stride)
	}
	if d.steps[before][symbol] == nil {
		m := d.memory.builder(d.program)
		defer d.memory.release(m)
		after := d.step(m, d.begin(before).insts, before, symbol)
		d.steps[before][symbol] = d.reached(m, after)
	}
	return d.steps[before][symbol]
}

// reached returns what has been built in m.to.
func (d *dfa) reached(m *builderMemory, before context) *places {
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
	slices.Sort(m.matched)
	set.matched = slices.Clone(m.matched)
	return set
}

// run matches a value and adds to found the numbers of the patterns that match. It says
// where it gave up because too many states had to be made, with the instructions reached
// there; at is -1 if it did not. The states that may be made are left.
func (d *dfa) run(value []byte, found Bits, steps *uint64, left int) (at int, seeds []uint32) {
	t := d.current()
	body := value
	last := d.end
	if d.last != 0 && len(value) > 0 && value[len(value)-1] == '\n' {
		body = value[:len(value)-1]
		last = d.last
	}
	*steps += uint64(len(value) + 4)
	state := t.start
	if state&marked != 0 {
		if state == deadState || d.arrived(t, state, found) {
			return -1, nil
		}
		state &= stateMask
	}
	next := t.next
	for i := 0; i < len(body); i++ {
		entry := atomic.LoadUint32(&next[state+uint32(d.classes[body[i]])])
		if entry-1 < stateMask { // neither unknown nor marked
			state = entry
			continue
		}
		if entry == unknown {
			if left--; left < 0 {
				return i, d.seeds(t, state)
			}
			t, entry = d.extend(t, state, uint32(d.classes[body[i]]), steps)
			next = t.next
			if entry&marked == 0 {
				state = entry
				continue
			}
		}
		if entry == deadState || d.arrived(t, entry, found) {
			return -1, nil
		}
		state = entry & stateMask
	}
	for _, symbol := range [2]uint32{last, d.end} {
		entry := atomic.LoadUint32(&t.next[state+symbol])
		if entry == unknown {
			t, entry = d.extend(t, state, symbol, steps)
		}
		if entry == deadState {
			return -1, nil
		}
		if entry&marked != 0 && d.arrived(t, entry, found) {
			return -1, nil
		}
		state = entry & stateMask
		if symbol == d.end {
			break
		}
	}
	return -1, nil
}

// arrived notes the patterns that match where a marked state is reached, and tells whether
// nothing is left to find.
func (d *dfa) arrived(t *dfaTable, entry uint32, found Bits) bool {
	if d.all == 1 {
		found[0] = 1
		return true
	}
	found.Or(t.matched[entry&stateMask/d.stride])
	return false
}

// seeds returns the instructions of a state, for a simulation to go on with.
func (d *dfa) seeds(t *dfaTable, state uint32) []uint32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return t.states.list[state/d.stride].insts
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
			state &= stateMask
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
		m.match(begun.matched...)
		if symbol != d.end { // behind it nothing begins
			m.match(d.begin(after).matched...)
		}
	}
	// Making a state costs about as much as ten steps for each instruction it has.
	*steps += uint64(10 * (8 + len(from.insts) + len(m.to.dense)))
	if d.all == 1 && len(m.matched) > 0 {
		m.to.reset() // nothing is left to do
	}
	set := d.reached(m, after)
	was := t.states
	entry := deadState
	if len(set.insts) > 0 || len(set.matched) > 0 || !d.program.anchored && symbol != d.end {
		t, entry = d.intern(t, dfaState{places: *set, before: after})
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
	b := byte('\n')
	if symbol < d.end {
		b = d.sample[symbol]
	}
	after := d.behind(b)
	holds := assertion(0)
	if b == '\n' {
		holds = beginLine
	}
	for _, pc := range set {
		if in := &d.program.insts[pc]; in.op == instSet && d.program.sets[in.arg].has(b) {
			d.reach(m, &m.to, in.x, holds, pendingAt(after))
		}
	}
	return after
}

// behind returns the context behind a byte, as far as the program's assertions care.
func (d *dfa) behind(b byte) context {
	switch {
	case b == '\n' && d.program.asserts&(beginLine|beginLinePCRE) != 0:
		return afterNewline
	case d.program.asserts&(wordEdge|noWordEdge) != 0 && isWord(b):
		return afterWord
	}
	return afterOther
}

// pendingAt returns the assertions that the byte before does not decide.
func pendingAt(before context) assertion {
	pending := endText | endTextOrLast | endLine | wordEdge | noWordEdge
	if before == afterNewline {
		pending |= beginLinePCRE
	}
	return pending
}

// holds returns which assertions hold between a context and a symbol.
func (d *dfa) holds(before context, symbol uint32) assertion {
	var a assertion
	switch before {
	case afterStart:
		a = beginText | beginLine | beginLinePCRE
	case afterNewline:
		a = beginLine
		if symbol != d.end {
			a |= beginLinePCRE
		}
	}
	word := false
	switch {
	case symbol == d.end:
		a |= endText | endTextOrLast | endLine
	case d.last != 0 && symbol == d.last:
		a |= endTextOrLast | endLine
	default:
		word = isWord(d.sample[symbol])
		if d.sample[symbol] == '\n' {
			a |= endLine
		}
	}
	if word != (before == afterWord) {
		return a | wordEdge
	}
	return a | noWordEdge
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
				m.match(in.arg)
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

// key identifies a state.
func (s *dfaState) key() []byte {
	key := make([]byte, 0, 2+len(s.matched)+2*len(s.insts))
	key = append(key, byte(s.before))
	key = binary.AppendUvarint(key, uint64(len(s.matched)))
	for _, i := range s.matched {
		key = binary.AppendUvarint(key, uint64(i))
	}
	last := uint32(0)
	for _, pc := range s.insts {
		key = binary.AppendUvarint(key, uint64(pc-last))
		last = pc
	}
	return key
}

// intern returns the entry of a state in the table, or in the one that replaces it.
func (d *dfa) intern(t *dfaTable, s dfaState) (*dfaTable, uint32) {
	key := s.key()
	if entry, ok := t.states.index[string(key)]; ok {
		return t, entry
	}
	size := 6*int(d.stride) + 4*len(s.insts) + len(key) + 200
	if t.states.size+size > guaranteed && d.memory.used.Load()+int64(size) > d.memory.limit {
		// Start anew with the first state and this one.
		d.memory.used.Add(-int64(t.states.size))
		t = d.newTable()
	}
	d.memory.used.Add(int64(size))
	t.states.size += size
	entry := uint32(len(t.states.list)) * d.stride
	row := len(t.states.list)
	if row >= len(t.matched) {
		grown := &dfaTable{next: make([]uint32, 2*len(t.next)), matched: make([]Bits, 2*row), start: t.start, states: t.states}
		copy(grown.next, t.next) // who writes holds the mutex, as we do
		copy(grown.matched, t.matched)
		t = grown
	}
	t.states.list = append(t.states.list, s)
	if len(s.matched) > 0 {
		entry |= marked
		if d.all > 1 {
			t.matched[row] = NewBits(d.all) // written before the entry is, and not again
			for _, i := range s.matched {
				t.matched[row].Set(int(i))
			}
		}
	}
	t.states.index[string(key)] = entry
	return t, entry
}

// size returns the memory of the states.
func (d *dfa) size() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.table.Load(); t != nil {
		return t.states.size
	}
	return 0
}

// states returns how many states there are.
func (d *dfa) states() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.table.Load(); t != nil {
		return len(t.states.list) - 1
	}
	return 0
}
