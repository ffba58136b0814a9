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
}

// dfaTable has the transitions. Numbers of states are offsets of their rows.
type dfaTable struct {
	next   []uint32 // entries, accessed atomically; rows beyond the last state are zero
	start  uint32   // entry of the first state
	states *dfaStates
}

// dfaStates is what is known of the states of a table and of those it replaced by growing.
// It is guarded by the mutex.
type dfaStates struct {
	list  []dfaState        // by number, divided by the stride
	index map[string]uint32 // key of a state to its entry
	size  int               // of all that, in bytes
}

// dfaState is a set of instructions, in order, with what is known of the byte before.
type dfaState struct {
	insts   []uint32
	before  context
	matched []uint32 // patterns that match when the state is reached
}

// context is what assertions want to know of the byte before a position.
type context uint8

const (
	afterStart context = iota
	afterNewline
	afterWord
	afterOther
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

// partition numbers the classes of bytes that no set tells apart.
func partition(sets []byteSet) (classes [256]uint8, sample []byte) {
	var group [256]uint32
	groups := uint32(1)
	for i := range sets {
		split := map[uint32]uint32{} // a group to the new group of its bytes that are in the set
		var in, out [256]bool
		for b := range 256 {
			if sets[i].has(byte(b)) {
				in[group[b]] = true
			} else {
				out[group[b]] = true
			}
		}
		for b := range 256 {
			g := group[b]
			if !sets[i].has(byte(b)) || !out[g] || !in[g] {
				continue
			}
			to, ok := split[g]
			if !ok {
				to = groups
				groups++
				split[g] = to
			}
			group[b] = to
		}
	}
	number := map[uint32]uint8{}
	for b := range 256 {
		c, ok := number[group[b]]
		if !ok {
			c = uint8(len(sample))
			number[group[b]] = c
			sample = append(sample, byte(b))
		}
		classes[b] = c
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
	m := d.memory.builder(d.program)
	defer d.memory.release(m)
	d.reach(m, &m.to, d.program.start, beginText|beginLine|beginLinePCRE, pendingAt(afterStart))
	t := &dfaTable{
		next:   make([]uint32, 4*d.stride),
		states: &dfaStates{list: make([]dfaState, 1), index: map[string]uint32{}},
	}
	t, start := d.add(t, m, afterStart)
	t.start = start
	return t
}

// run matches a value and adds to found the numbers of the patterns that match. It says
// where it gave up because too many states had to be made, with the instructions reached
// there; at is -1 if it did not.
func (d *dfa) run(value []byte, found Bits, steps *uint64) (at int, seeds []uint32) {
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
	left := 24 + len(value)/64 // states that may be made
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
		found.Set(0)
		return true
	}
	d.mu.Lock()
	matched := t.states.list[entry&stateMask/d.stride].matched
	d.mu.Unlock()
	for _, i := range matched {
		found.Set(int(i))
	}
	return found.Count() == d.all
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
	set := from.insts
	// Making a state costs about as much as ten steps for each instruction it has.
	defer func() { *steps += uint64(10 * (8 + len(set) + len(m.to.dense))) }()

	// What is pending is decided by the byte that follows.
	if slices.ContainsFunc(set, func(pc uint32) bool { return d.program.insts[pc].op == instAssert }) {
		holds := d.holds(from.before, symbol)
		m.from.reset()
		for _, pc := range set {
			d.reach(m, &m.from, pc, holds, 0)
		}
		set = m.from.dense
	}
	after := afterOther
	if symbol != d.end {
		b := byte('\n')
		if symbol < d.end {
			b = d.sample[symbol]
		}
		holds := assertion(0)
		switch {
		case b == '\n':
			after, holds = afterNewline, beginLine
		case isWord(b):
			after = afterWord
		}
		for _, pc := range set {
			if in := &d.program.insts[pc]; in.op == instSet && d.program.sets[in.arg].has(b) {
				d.reach(m, &m.to, in.x, holds, pendingAt(after))
			}
		}
		if !d.program.anchored {
			d.reach(m, &m.to, d.program.start, holds, pendingAt(after))
		}
	}
	was := t.states
	t, entry := d.add(t, m, after)
	if t.states == was { // otherwise it started anew, and this state has another number or none
		atomic.StoreUint32(&t.next[state+symbol], entry)
	}
	return t, entry
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
				if !slices.Contains(m.matched, in.arg) {
					m.matched = append(m.matched, in.arg)
				}
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

// add returns the entry of the state that has been built in m.to.
func (d *dfa) add(t *dfaTable, m *builderMemory, before context) (*dfaTable, uint32) {
	if d.all == 1 && len(m.matched) > 0 {
		m.to.reset() // nothing is left to do
	}
	insts := make([]uint32, 0, len(m.to.dense))
	pending := false
	for _, pc := range m.to.dense {
		switch in := &d.program.insts[pc]; in.op {
		case instSet:
			insts = append(insts, pc)
		case instAssert:
			if pendingAt(before)&assertion(in.arg) != 0 {
				insts = append(insts, pc)
				pending = true
			}
		}
	}
	if len(insts) == 0 && len(m.matched) == 0 && d.program.anchored {
		return t, deadState
	}
	if !pending {
		before = afterOther
	}
	slices.Sort(insts)
	slices.Sort(m.matched)
	return d.intern(t, dfaState{insts: slices.Clip(insts), before: before, matched: slices.Clone(m.matched)})
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
	size := 6*int(d.stride) + 4*len(s.insts) + len(key) + 160
	if t.states.size+size > guaranteed && d.memory.used.Load()+int64(size) > d.memory.limit {
		// Start anew with the first state and this one.
		d.memory.used.Add(-int64(t.states.size))
		t = d.newTable()
	}
	d.memory.used.Add(int64(size))
	t.states.size += size
	entry := uint32(len(t.states.list)) * d.stride
	if len(t.next) < int(entry+d.stride) {
		grown := &dfaTable{next: make([]uint32, 2*len(t.next)), start: t.start, states: t.states}
		copy(grown.next, t.next) // who writes holds the mutex, as we do
		t = grown
	}
	t.states.list = append(t.states.list, s)
	if len(s.matched) > 0 {
		entry |= marked
	}
	t.states.index[string(key)] = entry
	return t, entry
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
