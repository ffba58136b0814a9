package pattern

import (
	"math"
	"sync"
	"sync/atomic"
)

// dfa is a deterministic automaton of a program that is built while it is used: a state is
// the set of instructions that a simulation would have reached. States are shared by all
// goroutines. Readers take no lock: a transition is one atomic word, and a table that has
// to grow is copied and replaced.
type dfa struct {
	*columns
	program *program
	memory  *budget
	most    int // states, beyond which the automaton is lost; 0 if it starts anew instead

	table atomic.Pointer[dfaTable]
	mu    sync.Mutex // held to add states and transitions
	key   []byte     // of a state that is looked up; guarded by the mutex

	// What beginning a match at a position adds is not in the states, as it is nearly
	// always the same. It is kept, by the byte before and the symbol behind, when it is
	// first needed; guarded by the mutex.
	begins [contexts]*places
	steps  [contexts][]*places
}

// places is a set of instructions in order, or a match.
type places struct {
	insts   []uint32
	matched bool
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
	id    uint64            // no other states have it: for what refers to them by number and outlives them
	list  []dfaState        // by number, divided by the stride
	index map[string]uint32 // key of a state to its number
	size  int               // of all that, in bytes
}

// dfaState is what has been reached by matches that began before, with what is known of the
// byte before.
type dfaState struct {
	insts  []uint32
	before context
}

// Entries of a table: the number of a state, or one of these.
const (
	unknown    uint32 = 0 // not computed yet: no state has the first row
	marked     uint32 = 1 << 31
	deadState         = marked     // nothing can match any more
	matchState        = marked | 1 // the pattern has matched
	lostState         = marked | 2 // there are too many states: whether it matches is for another automaton to say
	stateMask         = marked - 1
)

// allowance is how many states may be made for one value. Making one costs as much as
// moving over many bytes in another way, so it grows with the bytes that have been done;
// and it has an end, so that one value does not drive all states out of memory.
type allowance struct {
	made, first, every, most int
}

// unlimitedStates is for automata whose states are bounded otherwise.
var unlimitedStates = allowance{first: math.MaxInt, every: 1, most: math.MaxInt}

// spent takes one for a state at a position, and tells whether there is none left.
func (a *allowance) spent(at int) bool {
	a.made++
	return a.made > a.most || a.made > a.first && a.made-a.first > at/a.every
}

// newDFA makes the automaton of a program that makes up to most states, or if that is 0 as
// many as memory allows.
func newDFA(p *program, c *columns, most int, memory *budget) *dfa {
	return &dfa{columns: c, program: p, memory: memory, most: most}
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

// run tells whether the program matches a value: the entry is deadState, matchState or
// lostState. When more states have to be made than the allowance, it gives up, and says
// where, with the instructions reached there; otherwise at is -1.
func (d *dfa) run(value []byte, steps *uint64, allowed allowance) (entry uint32, at int, seeds []uint32) {
	t := d.current()
	return d.resume(t, t.start, value, 0, steps, allowed)
}

// resume is run from a position on, in a state of the current table.
func (d *dfa) resume(t *dfaTable, state uint32, value []byte, from int, steps *uint64, allowed allowance) (entry uint32, at int, seeds []uint32) {
	if state&marked != 0 {
		return state, -1, nil
	}
	body, last := d.split(value)
	next := t.next
	*steps += 4
	for i := from; i < len(body); i++ {
		symbol := uint32(d.classes[body[i]])
		entry := atomic.LoadUint32(&next[state+symbol])
		if entry-1 < stateMask { // neither unknown nor marked
			state = entry
			continue
		}
		if entry == unknown {
			if allowed.spent(i) {
				*steps += uint64(i - from)
				return unknown, i, d.seeds(t, state)
			}
			t, entry = d.extend(t, state, symbol, steps)
			next = t.next
		}
		if entry&marked != 0 {
			*steps += uint64(i - from)
			return entry, -1, nil
		}
		state = entry
	}
	*steps += uint64(len(body) - from)
	for {
		entry := atomic.LoadUint32(&t.next[state+last])
		if entry == unknown {
			t, entry = d.extend(t, state, last, steps)
		}
		if entry&marked != 0 || last == d.end {
			return entry, -1, nil
		}
		state, last = entry, d.end
	}
}

// enter returns the entry of a state for a symbol, for automata that run together.
func (d *dfa) enter(state, symbol uint32, steps *uint64) uint32 {
	t := d.current()
	entry := atomic.LoadUint32(&t.next[state+symbol])
	if entry == unknown {
		_, entry = d.extend(t, state, symbol, steps)
	}
	return entry
}

// seeds returns the instructions of a state, for a simulation to go on with.
func (d *dfa) seeds(t *dfaTable, state uint32) []uint32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return t.states.list[state/d.stride].insts
}
