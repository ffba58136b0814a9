package pattern

import "slices"

// instOp is what an instruction of a program does.
type instOp uint8

const (
	instFail   instOp = iota // nothing goes on here
	instMatch                // the program has matched
	instSet                  // consume a byte of set arg, go to x
	instSplit                // go to x, and with less priority to y
	instAssert               // go to x if the assertion arg holds
	instLook                 // go to x if look-around arg holds
	instSave                 // remember the position as boundary arg, go to x
)

type inst struct {
	op   instOp
	arg  uint32
	x, y uint32
}

// program is a nondeterministic automaton of bytes (Thompson's construction).
type program struct {
	insts []inst
	sets  []byteSet
	start uint32
	looks []look // those that inner ones need come first
	// anchored programs match only from the begin of the value.
	anchored bool
	// asserts are the assertions that occur.
	asserts assertion
	// first are the bytes with which a match can begin, of programs that save boundaries.
	first byteSet
}

// look is the automaton of a look-around assertion. That of a look-ahead runs backwards.
type look struct {
	program *program
	behind  bool
	negated bool
}

// builder makes a program from its end to its start: each node is compiled for the
// instruction that follows it.
type builder struct {
	p        *program
	index    map[byteSet]uint32
	limit    int
	saves    saving
	backward bool
	looks    *[]look
}

// tooLarge ends building.
type tooLarge struct{}

// saving is which boundaries a program remembers.
type saving uint8

const (
	saveNothing saving = iota
	saveWhole          // of the whole match, group 0
	saveGroups         // and of its groups
)

// build compiles a tree into a program of at most limit instructions.
func build(tree *node, limit int, saves saving) (p *program, ok bool) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case tooLarge:
			p, ok = nil, false
		default:
			panic(r)
		}
	}()
	b := newBuilder(limit, saves, false)
	b.looks = &b.p.looks
	b.p.anchored = tree.anchored()
	if saves != saveNothing {
		tree = &node{op: opCapture, subs: []*node{tree}}
	}
	b.p.start = b.node(tree, b.add(inst{op: instMatch}))
	if saves != saveNothing {
		b.p.first = b.p.firstBytes()
	}
	return b.p, true
}

func newBuilder(limit int, saves saving, backward bool) *builder {
	return &builder{p: &program{insts: []inst{{op: instFail}}}, index: map[byteSet]uint32{}, limit: limit, saves: saves, backward: backward}
}

func (b *builder) add(i inst) uint32 {
	if len(b.p.insts) >= b.limit {
		panic(tooLarge{})
	}
	b.p.insts = append(b.p.insts, i)
	return uint32(len(b.p.insts) - 1)
}

// fork goes to each of several places, the first with the highest priority.
func (b *builder) fork(to []uint32) uint32 {
	last := len(to) - 1
	at := to[last]
	for i := last - 1; i >= 0; i-- {
		at = b.add(inst{op: instSplit, x: to[i], y: at})
	}
	return at
}

// optional goes to body or past it.
func (b *builder) optional(body, past uint32, lazy bool) inst {
	if lazy {
		return inst{op: instSplit, x: past, y: body}
	}
	return inst{op: instSplit, x: body, y: past}
}

// node compiles n so that next follows it, and returns where it begins.
func (b *builder) node(n *node, next uint32) uint32 {
	switch n.op {
	case opSet:
		if n.set.empty() {
			return 0 // the failing instruction
		}
		id, ok := b.index[n.set]
		if !ok {
			id = uint32(len(b.p.sets))
			b.p.sets = append(b.p.sets, n.set)
			b.index[n.set] = id
		}
		return b.add(inst{op: instSet, arg: id, x: next})
	case opConcat:
		if b.backward {
			for _, s := range n.subs {
				next = b.node(s, next)
			}
			return next
		}
		for _, s := range slices.Backward(n.subs) {
			next = b.node(s, next)
		}
	case opAlternate:
		starts := make([]uint32, len(n.subs))
		for i, s := range n.subs {
			starts[i] = b.node(s, next)
		}
		return b.fork(starts)
	case opRepeat:
		return b.repeat(n, next)
	case opCapture:
		if b.saves == saveNothing || b.saves == saveWhole && n.index > 0 {
			return b.node(n.subs[0], next)
		}
		end := b.add(inst{op: instSave, arg: uint32(2*n.index + 1), x: next})
		return b.add(inst{op: instSave, arg: uint32(2 * n.index), x: b.node(n.subs[0], end)})
	case opAssert:
		b.p.asserts |= n.assert
		return b.add(inst{op: instAssert, arg: uint32(n.assert), x: next})
	case opLook:
		return b.add(inst{op: instLook, arg: b.look(n), x: next})
	}
	return next
}

// repeat writes the body out as often as it is counted.
func (b *builder) repeat(n *node, next uint32) uint32 {
	body := n.subs[0]
	if least, greatest := body.widths(); least == 0 && greatest == 0 && n.max != 0 {
		entry := b.node(body, next) // more often makes no difference
		if n.min == 0 {
			return b.add(b.optional(entry, next, n.lazy))
		}
		return entry
	}
	at := next
	switch {
	case n.max != unlimited:
		for range n.max - n.min {
			at = b.add(b.optional(b.node(body, at), next, n.lazy))
		}
	case n.min == 0 && nullable(body):
		// A body that can match nothing is (body+)?, or the priorities would be wrong.
		loop := b.add(inst{})
		entry := b.node(body, loop)
		b.p.insts[loop] = b.optional(entry, next, n.lazy)
		return b.add(b.optional(entry, next, n.lazy))
	default:
		loop := b.add(inst{})
		entry := b.node(body, loop)
		b.p.insts[loop] = b.optional(entry, next, n.lazy)
		if n.min == 0 {
			return loop
		}
		for range n.min - 1 {
			entry = b.node(body, entry)
		}
		return entry
	}
	for range n.min {
		at = b.node(body, at)
	}
	return at
}

func nullable(n *node) bool {
	least, _ := n.widths()
	return least == 0
}

// look compiles a look-around assertion and returns its number.
func (b *builder) look(n *node) uint32 {
	inner := newBuilder(b.limit-len(b.p.insts), saveNothing, !n.behind)
	inner.looks = b.looks
	end := inner.add(inst{op: instMatch})
	inner.p.start = inner.node(n.subs[0], end)
	b.limit -= len(inner.p.insts)
	*b.looks = append(*b.looks, look{program: inner.p, behind: n.behind, negated: n.negated})
	return uint32(len(*b.looks) - 1)
}

// anchored tells whether a node matches only at the begin of the value.
func (n *node) anchored() bool {
	switch n.op {
	case opAssert:
		return n.assert == beginText
	case opConcat, opCapture:
		// What comes before the anchor may be only what matches nothing; a set would make the
		// anchor fail.
		for _, s := range n.subs {
			if s.anchored() {
				return true
			}
			if _, greatest := s.widths(); greatest != 0 {
				return false
			}
		}
	case opAlternate:
		for _, s := range n.subs {
			if !s.anchored() {
				return false
			}
		}
		return true
	case opRepeat:
		return n.min > 0 && n.subs[0].anchored()
	}
	return false
}
