package pattern

import (
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"
)

// product is the automata of several patterns run as one: a state is what states they are
// in, and it is built while it is used, too. Most patterns have not begun to match at most
// positions, so only those that have are in a state; it costs no more to make one than to
// look up a transition of each. A pattern that has matched begins anew.
//
// One pass over a value is enough for any number of patterns as long as states recur. If
// too many are new, the parts go on one after the other.
type product struct {
	*columns
	parts   []*dfa
	symbols [][]uint8 // of the parts, by that of the product
	memory  *budget
	asserts assertion          // of all parts
	idle    [contexts][]uint32 // entry of each part that has not begun to match

	table atomic.Pointer[productTable]
	mu    sync.Mutex // held to add states and transitions
	key   []byte     // of a state that is looked up; guarded by the mutex

	bundles  func() []bundle // made when they are needed
	isBundle bool

	// starts are the parts that a symbol makes begin to match, by the context before.
	starts [contexts][]atomic.Pointer[[]active]
}

// active is a part that has begun to match.
type active struct {
	part  uint32
	entry uint32 // of the part's table
}

// productTable is to the product what dfaTable is to a dfa.
type productTable struct {
	next   []uint32
	found  []*findings // by row, what is found when the state is reached; nil for most
	states *productStates
}

type productStates struct {
	list  []productState
	index map[string]uint32
	size  int
}

// productState is the parts that have begun to match, in order, and the byte before.
type productState struct {
	active []active
	before context
}

// findings are sets of parts: those that match, and those of which an automaton of their
// own has to say whether they do, as they have too many states here.
type findings struct {
	matched, lost Bits
	any           bool // whether there are any
}

func newFindings(n int) *findings {
	return &findings{matched: NewBits(n), lost: NewBits(n)}
}

// begin empties findings, which may be nil, for n parts. They have the length for n parts exactly, whatever
// set they were used for before: those of a table are copies, and are added to others.
func (f *findings) begin(n int) *findings {
	words := (n + 63) / 64
	if f == nil || cap(f.matched) < words {
		return newFindings(n)
	}
	if f.any {
		f.matched.Reset()
		f.lost.Reset()
		f.any = false
	}
	f.matched, f.lost = f.matched[:words], f.lost[:words]
	return f
}

func (f *findings) or(o *findings) {
	f.matched.Or(o.matched)
	f.lost.Or(o.lost)
	f.any = true
}

// add notes what an entry with a mark says.
func (f *findings) add(a active) {
	switch a.entry {
	case matchState:
		f.matched.Set(int(a.part))
		f.any = true
	case lostState:
		f.lost.Set(int(a.part))
		f.any = true
	}
}

// costlyState is of how many steps a state is that counts twice in an allowance.
const costlyState = 512

// foundSteps is what it costs to note what is found in a state.
const foundSteps = 6

// stateSteps is what it costs at least to make a state of a product.
const stateSteps = 900

// maxPart is how many states a part may have.
const maxPart = 4000

// newProduct makes the product of programs, none of which matches everything.
func newProduct(programs []*program, memory *budget) *product {
	p := &product{columns: newColumns(programs...), memory: memory}
	var parts []*dfa
	for _, q := range programs {
		parts = append(parts, newDFA(q, newColumns(q), memory.part, memory))
	}
	p.of(parts)
	p.bundles = p.divideParts(programs)
	return p
}

// of makes a product, of which the columns are known, one of parts.
func (p *product) of(parts []*dfa) {
	p.parts = parts
	for _, d := range parts {
		p.asserts |= d.program.asserts
		symbols := make([]uint8, p.stride)
		for i, b := range p.sample {
			symbols[i] = d.classes[b]
		}
		symbols[p.end] = uint8(d.end)
		if p.last != 0 {
			symbols[p.last] = d.classes['\n']
			if d.last != 0 {
				symbols[p.last] = uint8(d.last)
			}
		}
		p.symbols = append(p.symbols, symbols)
	}
	for c := range context(contexts) {
		p.idle[c] = make([]uint32, len(p.parts))
		p.starts[c] = make([]atomic.Pointer[[]active], p.stride)
		for i, d := range p.parts {
			p.idle[c][i] = d.idle(c)
		}
	}
	p.table.Store(p.newTable())
}

// run adds to found the parts that match a value. When more states have to be made than the
// allowance, it gives up, and says where and in which state of which table; otherwise at is -1.
func (p *product) run(value []byte, found *findings, allowed allowance, m *Scratch) (at int, t *productTable, state uint32) {
	// The first state has the first row that is used.
	return p.resume(value, 0, p.table.Load(), p.stride, found, allowed, m)
}

// resume is run from a position on, where it is in a state of a table.
func (p *product) resume(value []byte, from int, t *productTable, state uint32, found *findings, allowed allowance, m *Scratch) (int, *productTable, uint32) {
	body, last := p.split(value)
	m.steps += uint64(len(value) - from + 4)
	next := t.next
	for i := from; i < len(body); i++ {
		symbol := uint32(p.classes[body[i]])
		entry := atomic.LoadUint32(&next[state+symbol])
		if entry-1 < stateMask { // neither unknown nor marked
			state = entry
			continue
		}
		if entry == unknown {
			if m.madeEnough(p, len(value)) || allowed.spent(i-from) {
				m.steps -= uint64(len(value) - i)
				return i, t, state
			}
			before := m.steps
			t, entry = p.extend(t, state, symbol, m)
			// One that many parts are in costs as much as several, and comes again less often.
			allowed.made += int(m.steps-before) / costlyState
			next = t.next
		}
		if entry&marked != 0 {
			m.steps += foundSteps
			found.or(t.found[entry&stateMask/p.stride])
		}
		state = entry & stateMask
	}
	for {
		entry := atomic.LoadUint32(&t.next[state+last])
		if entry == unknown {
			t, entry = p.extend(t, state, last, m)
		}
		if entry&marked != 0 {
			found.or(t.found[entry&stateMask/p.stride])
		}
		if last == p.end {
			return -1, t, state
		}
		state, last = entry&stateMask, p.end
	}
}

// entries returns the state of each part in a state.
func (p *product) entries(t *productTable, state uint32) []uint32 {
	p.mu.Lock()
	s := t.states.list[state/p.stride]
	p.mu.Unlock()
	entries := slices.Clone(p.idle[s.before])
	for _, a := range s.active {
		entries[a.part] = a.entry
	}
	return entries
}

// advance appends to then the parts that have begun to match after a symbol, those before
// it being now. What matches is added to found, and to made the steps for states of parts.
func (p *product) advance(then, now []active, before context, symbol uint32, found *findings, m *Scratch, made *uint64) []active {
	starts := p.starting(before, symbol, made)
	idle := p.idle[afterOther]
	if symbol != p.end {
		idle = p.idle[behind(p.byteOf(symbol))]
	}
	m.steps += uint64(8*len(now) + 2*len(starts))
	for len(now) > 0 || len(starts) > 0 {
		var a active
		if len(now) > 0 && (len(starts) == 0 || now[0].part <= starts[0].part) {
			a = now[0]
			if len(starts) > 0 && a.part == starts[0].part {
				starts = starts[1:] // it is not idle
			}
			now = now[1:]
			a.entry = p.parts[a.part].enter(a.entry, uint32(p.symbols[a.part][symbol]), made)
			if a.entry == idle[a.part] {
				continue
			}
		} else {
			a = starts[0]
			starts = starts[1:]
		}
		if a.entry&marked != 0 {
			found.add(a)
			continue
		}
		then = append(then, a)
	}
	return then
}

// starting returns the parts that are not idle behind a symbol if they were before it.
func (p *product) starting(before context, symbol uint32, steps *uint64) []active {
	if s := p.starts[before][symbol].Load(); s != nil {
		return *s
	}
	idle := p.idle[afterOther]
	if symbol != p.end {
		idle = p.idle[behind(p.byteOf(symbol))]
	}
	list := []active{}
	for i, d := range p.parts {
		was := p.idle[before][i]
		if was&marked != 0 {
			continue
		}
		if entry := d.enter(was, uint32(p.symbols[i][symbol]), steps); entry != idle[i] && entry != deadState {
			list = append(list, active{uint32(i), entry})
		}
	}
	if p.starts[before][symbol].CompareAndSwap(nil, &list) {
		p.memory.used.Add(int64(32 + 8*len(list)))
	}
	return list
}

// newTable makes a table with the first state.
func (p *product) newTable() *productTable {
	t := &productTable{
		next:   make([]uint32, 16*p.stride),
		found:  make([]*findings, 16),
		states: &productStates{list: make([]productState, 1), index: map[string]uint32{}},
	}
	s := productState{before: matter(afterStart, p.asserts)}
	t, _ = p.insert(t, s, nil, string(s.appendKey(nil, nil)))
	return t
}

// extend computes the transition of a state for a symbol. It returns the table in which the
// entry is, which need not be the one given.
func (p *product) extend(t *productTable, state, symbol uint32, m *Scratch) (*productTable, uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() {
		if p.table.Load() != t {
			p.table.Store(t)
		}
	}()
	if now := p.table.Load(); now != t {
		// Another goroutine has made the table grow, or start anew.
		if now.states != t.states {
			entry := uint32(0)
			now, entry = p.intern(now, t.states.list[state/p.stride], t.found[state/p.stride])
			state = entry & stateMask
		}
		t = now
	}
	if entry := t.next[state+symbol]; entry != unknown {
		return t, entry
	}
	before := m.steps
	defer func() { m.making += m.steps - before }()
	from := &t.states.list[state/p.stride]
	m.step = m.step.begin(len(p.parts))
	var made uint64 // of states of parts
	m.active[1] = p.advance(m.active[1][:0], from.active, from.before, symbol, m.step, m, &made)
	to := productState{active: m.active[1], before: afterOther}
	if symbol != p.end {
		to.before = matter(behind(p.byteOf(symbol)), p.asserts)
	}
	m.steps += made + uint64(stateSteps+4*len(to.active))
	if p.isBundle {
		m.steps -= stateSteps / 2 // few parts are in it
	}
	var found *findings
	if m.step.any {
		found = m.step
	}
	was, size := t.states, len(t.next)
	t, entry := p.intern(t, to, found)
	if len(t.next) != size {
		m.steps += uint64(len(t.next)) / 4 // copied, into memory that is new to the process
	}
	if t.states == was { // otherwise it started anew, and this state has another number or none
		atomic.StoreUint32(&t.next[state+symbol], entry)
	}
	return t, entry
}

// appendKey appends what identifies a state that is reached with findings.
func (s *productState) appendKey(key []byte, found *findings) []byte {
	key = append(key, byte(s.before))
	key = binary.AppendUvarint(key, uint64(len(s.active)))
	for _, a := range s.active {
		key = binary.AppendUvarint(key, uint64(a.part))
		key = binary.AppendUvarint(key, uint64(a.entry))
	}
	if found != nil {
		for i := range found.matched.All() {
			key = binary.AppendUvarint(key, uint64(2*i))
		}
		for i := range found.lost.All() {
			key = binary.AppendUvarint(key, uint64(2*i+1))
		}
	}
	return key
}

// intern returns the entry of a state in the table, or in the one that replaces it. What is
// given is copied.
func (p *product) intern(t *productTable, s productState, found *findings) (*productTable, uint32) {
	p.key = s.appendKey(p.key[:0], found)
	if entry, ok := t.states.index[string(p.key)]; ok {
		return t, entry
	}
	key := string(p.key)
	s.active = slices.Clone(s.active)
	if p.memory.full(t.states.size, p.sizeOf(&s, key)) {
		// Start anew with the first state and this one.
		p.memory.used.Add(-int64(t.states.size))
		t = p.newTable()
		if entry, ok := t.states.index[key]; ok {
			return t, entry
		}
	}
	return p.insert(t, s, found, key)
}

func (p *product) sizeOf(s *productState, key string) int {
	return 6*int(p.stride) + 8*len(s.active) + len(key) + 180
}

// insert adds a state.
func (p *product) insert(t *productTable, s productState, found *findings, key string) (*productTable, uint32) {
	size := p.sizeOf(&s, key)
	p.memory.used.Add(int64(size))
	t.states.size += size
	row := len(t.states.list)
	entry := uint32(row) * p.stride
	if row >= len(t.found) {
		grown := &productTable{next: make([]uint32, 2*len(t.next)), found: make([]*findings, 2*row), states: t.states}
		copy(grown.next, t.next) // who writes holds the mutex, as we do
		copy(grown.found, t.found)
		t = grown
	}
	t.states.list = append(t.states.list, s)
	if found != nil {
		// Written before the entry is, which is how readers find it, and not again.
		t.found[row] = &findings{matched: slices.Clone(found.matched), lost: slices.Clone(found.lost), any: true}
		entry |= marked
	}
	t.states.index[key] = entry
	return t, entry
}

// states returns how many states there are.
func (p *product) states() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.table.Load().states.list) - 1
}

// size returns the memory of the states of the product and of its parts.
func (p *product) size() int {
	p.mu.Lock()
	total := p.table.Load().states.size
	p.mu.Unlock()
	for _, d := range p.parts {
		d.mu.Lock()
		if t := d.table.Load(); t != nil {
			total += t.states.size
		}
		d.mu.Unlock()
	}
	return total
}
