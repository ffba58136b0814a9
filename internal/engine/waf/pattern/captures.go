package pattern

// threads are places in a program with the boundaries of groups on the way there.
type threads struct {
	pcs   []uint32
	saved []int // as many for each
}

func (t *threads) reset() { t.pcs, t.saved = t.pcs[:0], t.saved[:0] }

// undo is a place that is to be gone on with, or, if slot is not negative, a boundary that had another value
// there.
type undo struct {
	pc    uint32
	slot  int32
	value int
}

// pike finds the match that a backtracking matcher would find first, with its groups, in
// linear time (Pike's simulation; Cox, "Regular Expression Matching: the Virtual Machine
// Approach"). Its memory is used again.
type pike struct {
	now, then threads
	set       sparse
	stack     []undo
	saved     []int // of the thread that is followed
	best      []int
}

// find returns the boundaries of the groups of the leftmost match, -1 for groups without, or
// nil. They are good until the next call. m has the memory for look-arounds.
func (k *pike) find(p *program, value []byte, groups int, m *simulation) []int {
	n := 2 * groups
	k.set.grow(len(p.insts))
	m.resolve(p, value)
	k.now.reset()
	found := false
	for at := 0; ; at++ {
		if !found && (at == 0 || !p.anchored) {
			// Where nothing has begun to match and nothing can, there is nothing to do.
			for len(k.now.pcs) == 0 && at < len(value) && !p.anchored && !p.first.has(value[at]) {
				at++
			}
			k.set.reset()
			for _, pc := range k.now.pcs {
				k.set.add(pc)
			}
			k.saved = k.saved[:0]
			for range n {
				k.saved = append(k.saved, -1)
			}
			k.reach(p, &k.now, p.start, value, at, m)
		}
		k.set.reset()
		k.then.reset()
		for i, pc := range k.now.pcs {
			in := &p.insts[pc]
			saved := k.now.saved[i*n:][:n]
			if in.op == instMatch {
				k.best, found = append(k.best[:0], saved...), true
				break // what follows has less priority
			}
			if at < len(value) && p.sets[in.arg].has(value[at]) {
				k.saved = append(k.saved[:0], saved...)
				k.reach(p, &k.then, in.x, value, at+1, m)
			}
		}
		k.now, k.then = k.then, k.now
		if at == len(value) || len(k.now.pcs) == 0 && (found || p.anchored) {
			if !found {
				return nil
			}
			return k.best
		}
	}
}

// reach adds the threads that can be reached from pc without consuming a byte, in the order of
// their priority.
func (k *pike) reach(p *program, to *threads, pc uint32, value []byte, at int, m *simulation) {
	stack := append(k.stack[:0], undo{pc: pc, slot: -1})
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if top.slot >= 0 {
			k.saved[top.slot] = top.value
			continue
		}
		pc := top.pc
		for !k.set.has(pc) {
			k.set.add(pc)
			in := &p.insts[pc]
			m.steps++
			switch in.op {
			case instSplit:
				stack = append(stack, undo{pc: in.y, slot: -1})
			case instSave:
				stack = append(stack, undo{slot: int32(in.arg), value: k.saved[in.arg]})
				k.saved[in.arg] = at
			case instAssert:
				if assertionsAt(value, at)&assertion(in.arg) == 0 {
					goto next
				}
			case instLook:
				if m.looks[in.arg][at>>6]&(1<<(at&63)) == 0 {
					goto next
				}
			case instSet, instMatch:
				to.pcs = append(to.pcs, pc)
				to.saved = append(to.saved, k.saved...)
				goto next
			default:
				goto next
			}
			pc = in.x
		}
	next:
	}
	k.stack = stack
}

// AppendCaptures is Captures with memory that is used again: it appends the boundaries to dst, and nothing
// if there is no match.
func (s *Set) AppendCaptures(dst []int, i int, value []byte, m *Scratch) []int {
	c := &s.patterns[i]
	if c.how == byComparing {
		if start, end, ok := c.locate(value); ok {
			return append(dst, start, end)
		}
		return dst
	}
	p := c.explains()
	if p == nil {
		return dst
	}
	return append(dst, m.finder.find(p, value, c.groups, &m.simulation)...)
}

// Groups returns how many boundaries of groups Captures gives for a match of the pattern i, the whole match being the first.
func (s *Set) Groups(i int) int {
	c := &s.patterns[i]
	if c.how == byComparing || c.explains() == nil {
		return 1
	}
	return c.groups
}

// firstBytes returns the bytes with which a match can begin: all, if one can be empty.
func (p *program) firstBytes() byteSet {
	var set byteSet
	seen := make([]bool, len(p.insts))
	stack := []uint32{p.start}
	for len(stack) > 0 {
		pc := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		switch in := &p.insts[pc]; in.op {
		case instSplit:
			stack = append(stack, in.x, in.y)
		case instSave, instAssert, instLook:
			stack = append(stack, in.x)
		case instSet:
			set = set.or(p.sets[in.arg])
		case instMatch:
			return anyByte
		}
	}
	return set
}
