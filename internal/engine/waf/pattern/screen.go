package pattern

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"sync/atomic"
)

// Screen tells of values of nothing but some bytes that none of some patterns matches them, in one pass and
// without a look at each pattern. It is sound and not exact: what it does not clear need not match.
//
// It is one lazily built automaton of all patterns at once, and of the bytes that values may not have. Without
// those most expressions have few ways left to match, and where they count far or look around, the Screen takes
// the count for any number and the look-around for true. A Screen is immutable and safe for any number of
// goroutines.
type Screen struct {
	dfa   *dfa
	bytes byteSet // that values are of, and letters in upper case
}

// maxCount is up to where the automaton of a Screen counts repetitions: a state for each set of places where a
// match may have begun is more than the exactness is worth.
const maxCount = 8

// NewScreen makes the Screen of patterns for values of the given bytes, in which upper-case letters are
// read as lower-case ones: the bytes have no upper case, and the patterns are those of values in lower case. The
// error is an *Error with the index of the first pattern refused.
func NewScreen(patterns []Pattern, bytes string, o Options) (*Screen, error) {
	list := make([]Reading, len(patterns))
	for i, p := range patterns {
		list[i].Pattern = p
	}
	return NewScreenOf(list, bytes, o)
}

// NewScreenOf is NewScreen of patterns that are looked for in what is made of a value first.
func NewScreenOf(patterns []Reading, bytes string, o Options) (*Screen, error) {
	o = o.withDefaults()
	var in byteSet
	in.addString(bytes)
	if in != (byteSet{in[0], in[1] &^ upperCase, in[2], in[3]}) {
		return nil, &Error{Reason: Malformed, Detail: "a screen reads upper case as lower case"}
	}
	any := &node{op: opAlternate, subs: []*node{{op: opSet, set: in.folded().not()}}}
	for i := range patterns {
		p := patterns[i].Pattern
		c := compiled{Pattern: p, bytes: []byte(p.Text)}
		tree, _, err := c.parse()
		if err != nil {
			err.Index = i
			return nil, err
		}
		switch p.Kind {
		case Exact:
			tree = concat(&node{op: opAssert, assert: beginText}, tree, &node{op: opAssert, assert: endText})
		case Prefix:
			tree = concat(&node{op: opAssert, assert: beginText}, tree)
		case Suffix:
			tree = concat(tree, &node{op: opAssert, assert: endText})
		}
		if tree = patterns[i].of(tree, in); !tree.never() {
			any.subs = append(any.subs, tree)
		}
	}
	limit := o.MaxProgram * max(len(patterns), 1)
	p, ok := build(any, limit, saveNothing)
	if !ok {
		return nil, &Error{Reason: TooLarge, Detail: fmt.Sprintf("more than %d instructions", limit)}
	}
	columns := newColumns(p)
	for b := byte('A'); b <= 'Z'; b++ {
		columns.classes[b] = columns.classes[lower(b)]
	}
	return &Screen{newDFA(p, columns, 0, &budget{limit: int64(o.CacheBytes)}), in.folded()}, nil
}

// never tells whether a node is the one that matches nothing.
func (n *node) never() bool { return n.op == opSet && n.set.empty() }

// within returns a node that matches at least what n matches in values of nothing but some bytes.
func (n *node) within(in byteSet) *node {
	switch n.op {
	case opSet:
		return &node{op: opSet, set: n.set.and(in)}
	case opConcat:
		subs := make([]*node, 0, len(n.subs))
		for _, s := range n.subs {
			if s = s.within(in); s.never() {
				return s
			}
			subs = append(subs, s)
		}
		return concat(subs...)
	case opAlternate:
		var subs []*node
		for _, s := range n.subs {
			if s = s.within(in); !s.never() {
				subs = append(subs, s)
			}
		}
		if len(subs) == 0 {
			return &node{op: opSet}
		}
		return alternate(subs...)
	case opRepeat:
		sub := n.subs[0].within(in)
		switch {
		case n.max == 0 || sub.never() && n.min == 0:
			return &node{op: opEmpty}
		case sub.never():
			return sub
		case n.max == unlimited || n.max > maxCount:
			return &node{op: opRepeat, subs: []*node{sub}, min: min(n.min, maxCount), max: unlimited}
		}
		return &node{op: opRepeat, subs: []*node{sub}, min: n.min, max: n.max}
	case opCapture:
		return n.subs[0].within(in)
	case opLook:
		return &node{op: opEmpty}
	}
	return n
}

// mostLearned is how many states of Screens may be made within one allowance of steps. Making one takes several
// microseconds, as all patterns take part in it, and is done once for all values to come; a value that needs more is
// looked at in the other ways.
const mostLearned = 400

// screenFactor is how much more a step for a state of a Screen costs than one for a state of another automaton: all patterns take part in it, and
// its memory is near the processor for none of them.
const screenFactor = 5

// screenAllowance is how many states one value may make.
var screenAllowance = allowance{first: 48, every: 4, most: 512}

// screening is a value that a Screen is moving over, and what states it may still make for it.
type screening struct {
	allowance
	text    []byte
	foreign bool // text has a byte that the Screen is not for
	checked bool // whether it has is known
}

// vain tells whether making states is in vain: a value with a byte that the Screen is not for is not clear, whatever stands before it.
func (v *screening) vain(s *Screen) bool {
	if !v.checked {
		v.checked = true
		for _, c := range v.text {
			if !s.bytes.has(c) {
				v.foreign = true
				break
			}
		}
	}
	return v.foreign
}

// screenSteps is what it takes to begin with a value, in steps; a byte of it takes half of one.
const screenSteps = 10

// Clear tells that a value has only bytes that the Screen is for, and letters in upper case, and that no pattern
// matches it in lower case. If it does not say so, a pattern may match, or the automaton would have had to
// learn too many states.
func (s *Screen) Clear(value []byte, m *Scratch) bool {
	m.steps += screenSteps
	if m.spent() || s.endsLine(value) {
		return false
	}
	t := s.dfa.current()
	return s.clear(t, t.start, value, m)
}

// endsLine tells whether a value ends in a newline that is a symbol of its own there.
func (s *Screen) endsLine(value []byte) bool {
	return s.dfa.last != 0 && len(value) > 0 && value[len(value)-1] == '\n'
}

// Mark is where the automaton of a Screen is behind the beginning of a value: many values that begin alike are looked at
// from there on. The zero Mark is of no automaton. A Mark is good for as long as the automaton keeps its
// states; later, nothing is clear behind it.
type Mark struct {
	table uint64
	state uint32
}

// Start is the Mark at the beginning of values.
func (s *Screen) Start(m *Scratch) Mark {
	t := s.dfa.current()
	if m.jumpsOf(t); t.start&marked == 0 {
		return Mark{t.states.id, t.start}
	}
	return Mark{}
}

// Behind is the Mark behind a text that follows a Mark; the zero Mark if the values that begin so are not clear whatever
// follows, or it cannot be told.
func (s *Screen) Behind(mark Mark, text []byte, m *Scratch) Mark {
	t := s.dfa.current()
	m.steps += screenSteps + uint64(len(text))/2
	if mark.table != t.states.id || m.spent() || s.endsLine(text) {
		return Mark{}
	}
	m.jumpsOf(t)
	state, allowed := mark.state, screening{allowance: screenAllowance, text: text}
	for len(text) > 0 {
		n := min(len(text), 8)
		var ok bool
		if t, state, ok = s.leap(t, state, lastBytes(text[:n], n), text[:n], 0, &allowed, m); !ok || t.states.id != mark.table {
			return Mark{}
		}
		text = text[n:]
	}
	return Mark{mark.table, state}
}

// ClearBehind is Clear of a value that has a Mark behind its beginning and text behind that.
func (s *Screen) ClearBehind(mark Mark, text []byte, m *Scratch) bool {
	m.steps += screenSteps
	t := s.dfa.current()
	if mark.table != t.states.id || m.spent() || s.endsLine(text) {
		return false
	}
	return s.clear(t, mark.state, text, m)
}

// ShortText is the longest text, in bytes, that ClearShort and BehindShort take.
const ShortText = 7

// ClearShort is Screen.ClearBehind of a text of n bytes, at most ShortText, that are the lower bytes of a word, the first one lowest; all
// others are 0. It only knows what another call has found out since the last Start of a Screen, and is not counted as steps.
func (m *Scratch) ClearShort(mark Mark, word uint64, n int) bool {
	k := m.jumps
	to, ok := k.find(word, mark.state|uint32(lastJump+n)<<jumpLength)
	return ok && to == deadState && k.table == mark.table
}

// BehindShort is Screen.Behind of a text as ClearShort takes it, not an empty one. It only knows what another call has found out,
// and gives the zero Mark otherwise.
func (m *Scratch) BehindShort(mark Mark, word uint64, n int) Mark {
	if to, ok := m.jumps.find(word, mark.state|uint32(n)<<jumpLength); ok && m.jumps.table == mark.table {
		return Mark{mark.table, to}
	}
	return Mark{}
}

// ClearQuoted is ClearBehind of what stands before the first quotation mark in a text. n is how many bytes those are; -1 if there is
// a backslash before it, or none. There has to have been a Start.
func (s *Screen) ClearQuoted(mark Mark, text []byte, m *Scratch) (n int, clear bool) {
	state, k := mark.state, m.jumps
	if k.table != mark.table {
		state = unknown // only the end is looked for
	}
	i := 0
	for ; i+8 <= len(text); i += 8 {
		word := binary.LittleEndian.Uint64(text[i:])
		// A borrow may mark a byte too many, but only above one that is marked rightly.
		quotes, backslashes := EqualBytes(word, '"'), EqualBytes(word, '\\')
		if quotes|backslashes == 0 {
			if to, ok := k.find(word, state|8<<jumpLength); ok && state != unknown {
				state = to
			} else {
				state = unknown
			}
			continue
		}
		if quotes == 0 || backslashes != 0 && backslashes&-backslashes < quotes&-quotes {
			return -1, false
		}
		last := bits.TrailingZeros64(quotes) / 8
		n = i + last
		if state != unknown {
			if to, ok := k.find(word&(1<<(8*last)-1), state|uint32(lastJump+last)<<jumpLength); ok {
				return n, to == deadState
			}
		}
		return n, s.ClearBehind(mark, text[:n], m)
	}
	for ; i < len(text); i++ {
		switch text[i] {
		case '"':
			return i, s.ClearBehind(mark, text[:i], m)
		case '\\':
			return -1, false
		}
	}
	return -1, false
}

// EqualBytes has the high bit of the lowest byte of a word that is c, and none below it.
func EqualBytes(word uint64, c byte) uint64 {
	const ones = 0x0101010101010101
	x := word ^ ones*uint64(c)
	return (x - ones) &^ x & (ones << 7)
}

// clear moves from a state over the rest of a value.
func (s *Screen) clear(t *dfaTable, state uint32, value []byte, m *Scratch) bool {
	if state&marked != 0 {
		return state == deadState
	}
	passed, clear := s.pass(t, state, value, m)
	m.steps += uint64(passed) / 2
	return clear
}

// pass is clear, and tells how many bytes it has been at.
func (s *Screen) pass(t *dfaTable, state uint32, value []byte, m *Scratch) (passed int, clear bool) {
	m.jumpsOf(t)
	d, allowed := s.dfa, screening{allowance: screenAllowance, text: value}
	i := 0
	for ; i+8 <= len(value); i += 8 {
		word := binary.LittleEndian.Uint64(value[i:])
		if to, ok := m.jumps.find(word, state|8<<jumpLength); ok && m.jumps.table == t.states.id {
			state = to
			continue
		}
		var ok bool
		if t, state, ok = s.leap(t, state, word, value[i:i+8], i, &allowed, m); !ok {
			return i, state == deadState
		}
	}
	n := uint32(len(value) - i)
	word, from := lastBytes(value, int(n)), state|(lastJump+n)<<jumpLength
	if to, ok := m.jumps.find(word, from); ok && m.jumps.table == t.states.id {
		return len(value), to == deadState
	}
	before, start, ok := t, state, true
	for k := i; k < len(value) && ok; k++ {
		t, state, ok = s.step(t, state, uint32(d.classes[value[k]]), k, &allowed, m)
	}
	if ok {
		t, state, _ = s.step(t, state, d.end, len(value), &allowed, m)
	}
	if t.states == before.states && start>>jumpLength == 0 && state != unknown {
		m.addJump(t, word, from, state)
	}
	return len(value), state == deadState
}

// leap moves over up to eight bytes of a value, which are those of word and stand at a position, and remembers it.
func (s *Screen) leap(t *dfaTable, state uint32, word uint64, bytes []byte, at int, allowed *screening, m *Scratch) (*dfaTable, uint32, bool) {
	from := state | uint32(len(bytes))<<jumpLength
	if to, ok := m.jumps.find(word, from); ok && m.jumps.table == t.states.id {
		return t, to, true
	}
	before, start := t, state
	for k, c := range bytes {
		symbol := uint32(s.dfa.classes[c])
		if entry := atomic.LoadUint32(&t.next[state+symbol]); entry-1 < stateMask { // neither unknown nor marked
			state = entry
			continue
		}
		var ok bool
		if t, state, ok = s.step(t, state, symbol, at+k, allowed, m); !ok {
			return t, state, false
		}
	}
	if t.states == before.states && start>>jumpLength == 0 {
		m.addJump(t, word, from, state)
	}
	return t, state, true
}

// step moves over a symbol, and tells whether there is more to come: the entry is not marked, and it could be
// made.
func (s *Screen) step(t *dfaTable, state, symbol uint32, at int, allowed *screening, m *Scratch) (*dfaTable, uint32, bool) {
	entry := atomic.LoadUint32(&t.next[state+symbol])
	if entry == unknown {
		if !allowed.checked {
			m.steps += uint64(len(allowed.text)) / 4 // vain looks at all of it
		}
		if m.learned++; m.limited && m.learned > mostLearned || allowed.vain(s) || allowed.spent(at) {
			return t, unknown, false
		}
		var made uint64
		t, entry = s.dfa.extend(t, state, symbol, &made)
		m.steps += screenFactor * made
	}
	return t, entry, entry&marked == 0
}

// jump is what up to eight bytes, or the last ones and the end, make of a state. Values
// repeat what others had, keys and words, if not at the same place, and a jump costs as much as a byte or
// two. Those of a Scratch are the ones that it made last, all of one table.
type jump struct {
	word uint64
	from uint32 // with the number of bytes from bit jumpLength on, and lastJump more if they are the last ones
	to   uint32
}

// jumps are those of the table with some id.
type jumps struct {
	table uint64
	list  [1 << jumpBits]jump
}

const (
	jumpBits   = 10
	jumpLength = 27 // states beyond that are not remembered
	lastJump   = 16
)

// jumpOf is where a jump is kept.
func jumpOf(word uint64, from uint32) uint64 {
	return (word ^ uint64(from)<<32) * 0x9e3779b97f4a7c15 >> (64 - jumpBits)
}

// jumpsOf has the jumps be those of a table.
func (m *Scratch) jumpsOf(t *dfaTable) *jumps {
	if m.jumps == nil {
		m.jumps = &jumps{table: t.states.id}
	}
	if m.jumps.table != t.states.id {
		*m.jumps = jumps{table: t.states.id}
	}
	return m.jumps
}

// find returns the jump if it is known.
func (k *jumps) find(word uint64, from uint32) (to uint32, ok bool) {
	j := &k.list[jumpOf(word, from)]
	return j.to, j.word == word && j.from == from
}

// add remembers a jump in a table, if that is still the one whose states from and to are of.
func (m *Scratch) addJump(t *dfaTable, word uint64, from, to uint32) {
	if k := m.jumps; k.table == t.states.id {
		k.list[jumpOf(word, from)] = jump{word, from, to}
	}
}

// lastBytes are the last n bytes of a value, at most eight.
func lastBytes(value []byte, n int) uint64 {
	switch b := value[len(value)-n:]; {
	case n == 0:
		return 0
	case len(value) >= 8:
		return binary.LittleEndian.Uint64(value[len(value)-8:]) >> (8 * (8 - n))
	case n >= 4:
		return uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[n-4:]))<<(8*(n-4))
	case n >= 2:
		return uint64(binary.LittleEndian.Uint16(b)) | uint64(binary.LittleEndian.Uint16(b[n-2:]))<<(8*(n-2))
	default:
		return uint64(b[0])
	}
}
