package pattern

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"
)

// Screen tells of values of nothing but some bytes that none of some patterns matches them, in one pass and
// without a look at each pattern. It is sound and not exact: what it does not clear need not match.
//
// It is one lazily built automaton of all patterns at once, and of the bytes that values may not have. Without
// those most expressions have few ways left to match, and where they count far or look around, the Screen takes
// the count for any number and the look-around for true. A Screen is immutable and safe for any number of
// goroutines.
type Screen struct{ dfa *dfa }

// maxCount is up to where the automaton of a Screen counts repetitions: a state for each set of places where a
// match may have begun is more than the exactness is worth.
const maxCount = 8

// NewScreen makes the Screen of patterns for values of the given bytes, in which upper-case letters are
// read as lower-case ones: the bytes have no upper case, and the patterns are those of values in lower case. The
// error is an *Error with the index of the first pattern refused.
func NewScreen(patterns []Pattern, bytes string, o Options) (*Screen, error) {
	o = o.withDefaults()
	var in byteSet
	in.addString(bytes)
	if in != (byteSet{in[0], in[1] &^ upperCase, in[2], in[3]}) {
		return nil, &Error{Reason: Malformed, Detail: "a screen reads upper case as lower case"}
	}
	any := &node{op: opAlternate, subs: []*node{{op: opSet, set: in.folded().not()}}}
	for i, p := range patterns {
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
		if tree = tree.within(in); !tree.never() {
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
	return &Screen{newDFA(p, columns, 0, &budget{limit: int64(o.CacheBytes)})}, nil
}

// never tells whether a node is the one that matches nothing.
func (n *node) never() bool { return n.op == opSet && n.set.empty() }

// within returns a node that matches at least what n matches in values of nothing but some bytes.
func (n *node) within(in byteSet) *node {
	switch n.op {
	case opSet:
		return &node{op: opSet, set: byteSet{n.set[0] & in[0], n.set[1] & in[1], n.set[2] & in[2], n.set[3] & in[3]}}
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

// screenAllowance is how many states one value may make.
var screenAllowance = allowance{first: 48, every: 4, most: 512}

// Clear tells that a value has only bytes that the Screen is for, and letters in upper case, and that no pattern
// matches it in lower case. If it does not say so, a pattern may match, or the automaton would have had to
// learn too many states.
func (s *Screen) Clear(value []byte, m *Scratch) bool {
	d := s.dfa
	m.steps += 20 + uint64(len(value))/2
	if m.spent() || d.last != 0 && len(value) > 0 && value[len(value)-1] == '\n' {
		return false
	}
	t := d.current()
	state := t.start
	if state&marked != 0 {
		return state == deadState
	}
	if m.jumps == nil {
		m.jumps = new([jumpCount]jump)
	}
	id, allowed := t.states.id, screenAllowance
	i := 0
	for ; i+8 <= len(value); i += 8 {
		word := binary.LittleEndian.Uint64(value[i:])
		j := &m.jumps[jumpOf(word, state)]
		if j.word == word && j.from == state|8<<jumpLength && j.table == id {
			state = j.to
			continue
		}
		from := state
		for k := i; k < i+8; k++ {
			var ok bool
			if t, state, ok = s.step(t, state, uint32(d.classes[value[k]]), k, &allowed, m); !ok {
				return state == deadState
			}
		}
		if t.states.id == id && from>>jumpLength == 0 {
			*j = jump{word, id, from | 8<<jumpLength, state}
		}
		id = t.states.id
	}
	n := uint32(len(value) - i)
	word := lastBytes(value, int(n))
	j := &m.jumps[jumpOf(word, state+n)]
	if j.word == word && j.from == state|n<<jumpLength && j.table == id {
		return j.to == deadState
	}
	from, before := state, t
	ok := true
	for k := i; k < len(value) && ok; k++ {
		t, state, ok = s.step(t, state, uint32(d.classes[value[k]]), k, &allowed, m)
	}
	if ok {
		t, state, _ = s.step(t, state, d.end, len(value), &allowed, m)
	}
	if t.states == before.states && from>>jumpLength == 0 && state != unknown {
		*j = jump{word, id, from | n<<jumpLength, state}
	}
	return state == deadState
}

// step moves over a symbol, and tells whether there is more to come: the entry is not marked, and it could be
// made.
func (s *Screen) step(t *dfaTable, state, symbol uint32, at int, allowed *allowance, m *Scratch) (*dfaTable, uint32, bool) {
	entry := atomic.LoadUint32(&t.next[state+symbol])
	if entry == unknown {
		if m.learned++; m.limited && m.learned > mostLearned || allowed.spent(at) {
			return t, unknown, false
		}
		var made uint64 // not counted: mostLearned bounds them
		t, entry = s.dfa.extend(t, state, symbol, &made)
	}
	return t, entry, entry&marked == 0
}

// jump is what eight bytes, or the last ones and the end, make of a state of the table with some id. Values
// repeat what others had, keys and words, if not at the same place, and a jump costs as much as a byte or
// two. Those of a Scratch are the ones that it made last.
type jump struct {
	word, table uint64
	from        uint32 // with the number of bytes from bit jumpLength on
	to          uint32
}

const (
	jumpCount  = 1 << 9
	jumpLength = 27 // states beyond that are not remembered
)

// jumpOf is where a jump is kept.
func jumpOf(word uint64, state uint32) uint64 {
	return (word ^ uint64(state)<<32) * 0x9e3779b97f4a7c15 >> (64 - 9)
}

// lastBytes are the last n bytes of a value, which are less than eight.
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
