package pattern

import (
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

// screenAllowance is how many states one value may make.
var screenAllowance = allowance{first: 48, every: 4, most: 512}

// Clear tells that a value has only bytes that the Screen is for, and letters in upper case, and that no pattern
// matches it in lower case. If it does not say so, a pattern may match, or the automaton would have had to
// learn too many states.
func (s *Screen) Clear(value []byte, m *Scratch) bool {
	d := s.dfa
	m.steps += 20 + uint64(len(value))
	if m.spent() {
		return false
	}
	t := d.current()
	state := t.start
	if state&marked != 0 {
		return state == deadState
	}
	body, last := d.split(value)
	next, allowed := t.next, screenAllowance
	for i, b := range body {
		symbol := uint32(d.classes[b])
		entry := atomic.LoadUint32(&next[state+symbol])
		if entry-1 < stateMask { // neither unknown nor marked
			state = entry
			continue
		}
		if entry == unknown {
			if m.madeEnough(len(value)) || allowed.spent(i) {
				return false
			}
			t, entry = d.extend(t, state, symbol, &m.steps)
			next = t.next
		}
		if entry&marked != 0 {
			return entry == deadState
		}
		state = entry
	}
	for {
		entry := atomic.LoadUint32(&t.next[state+last])
		if entry == unknown {
			t, entry = d.extend(t, state, last, &m.steps)
		}
		if entry&marked != 0 || last == d.end {
			return entry == deadState
		}
		state, last = entry, d.end
	}
}
