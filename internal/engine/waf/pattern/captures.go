package pattern

// thread is a place in a program with the boundaries of groups on the way there.
type thread struct {
	pc    uint32
	saved []int
}

// pike finds the match that a backtracking matcher would find first, with its groups, in
// linear time (Pike's simulation; Cox, "Regular Expression Matching: the Virtual Machine
// Approach"). It allocates: it explains matches and does not look for them.
type pike struct {
	p     *program
	m     *simulation // for look-arounds
	value []byte
	set   sparse
}

// find returns the boundaries of the groups of the leftmost match, -1 for groups without,
// or nil.
func (k *pike) find(groups int) []int {
	p := k.p
	k.set.grow(len(p.insts))
	k.m.resolve(p, k.value)
	first := p.firstBytes()
	empty := make([]int, 2*groups)
	for i := range empty {
		empty[i] = -1
	}
	var now, then []thread
	var best []int
	for at := 0; ; at++ {
		if best == nil && (at == 0 || !p.anchored) {
			// Where nothing has begun to match and nothing can, there is nothing to do.
			for len(now) == 0 && at < len(k.value) && !p.anchored && !first.has(k.value[at]) {
				at++
			}
			k.set.reset()
			for _, t := range now {
				k.set.add(t.pc)
			}
			now = k.reach(now, p.start, empty, at)
		}
		k.set.reset()
		then = then[:0]
		for _, t := range now {
			in := &p.insts[t.pc]
			if in.op == instMatch {
				best = t.saved
				break // what follows has less priority
			}
			if at < len(k.value) && p.sets[in.arg].has(k.value[at]) {
				then = k.reach(then, in.x, t.saved, at+1)
			}
		}
		now, then = then, now
		if at == len(k.value) || len(now) == 0 && (best != nil || p.anchored) {
			return best
		}
	}
}

// reach appends the threads that can be reached from pc without consuming a byte, in the
// order of their priority.
func (k *pike) reach(to []thread, pc uint32, saved []int, at int) []thread {
	stack := []thread{{pc, saved}}
	for len(stack) > 0 {
		t := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for !k.set.has(t.pc) {
			k.set.add(t.pc)
			in := &k.p.insts[t.pc]
			k.m.steps++
			switch in.op {
			case instSplit:
				stack = append(stack, thread{in.y, t.saved})
			case instSave:
				t.saved = append([]int(nil), t.saved...)
				t.saved[in.arg] = at
			case instAssert:
				if assertionsAt(k.value, at)&assertion(in.arg) == 0 {
					goto next
				}
			case instLook:
				if k.m.looks[in.arg][at>>6]&(1<<(at&63)) == 0 {
					goto next
				}
			case instSet, instMatch:
				to = append(to, t)
				goto next
			default:
				goto next
			}
			t.pc = in.x
		}
	next:
	}
	return to
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
