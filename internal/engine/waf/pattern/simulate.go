package pattern

// sparse is a set of instructions that remembers their order and empties at once (Briggs
// and Torczon, "An Efficient Representation for Sparse Sets", 1993).
type sparse struct {
	dense []uint32
	place []uint32
}

func (s *sparse) grow(n int) {
	if len(s.place) < n {
		s.place = make([]uint32, n)
		s.dense = make([]uint32, 0, n)
	}
}

func (s *sparse) has(i uint32) bool {
	at := s.place[i]
	return int(at) < len(s.dense) && s.dense[at] == i
}

func (s *sparse) add(i uint32) {
	s.place[i] = uint32(len(s.dense))
	s.dense = append(s.dense, i)
}

func (s *sparse) reset() { s.dense = s.dense[:0] }

// simulation is the memory for running programs as sets of instructions: linear in the
// value for any program, though slow.
type simulation struct {
	now, then sparse
	stack     []uint32
	matched   bool       // whether reach has come to a match
	looks     [][]uint64 // for each look-around, a bit for each position
	steps     uint64
	making    uint64 // steps for states of products
	limit     uint64 // steps, if limited
	limited   bool
	exhausted bool
	reserve   *Reserve
	loan      uint64 // what may still be taken from it
}

// spent tells whether there are no steps left, and notes it.
func (m *simulation) spent() bool {
	if m.limited && m.steps > m.limit {
		m.beyond()
	}
	return m.exhausted
}

// beyond takes what is beyond the limit from the reserve, if there is one that has it.
func (m *simulation) beyond() {
	for !m.exhausted && m.steps > m.limit {
		if m.mayBorrow() && m.reserve.take(reserveChunk) {
			m.limit += reserveChunk
			m.loan -= reserveChunk
		} else {
			m.exhausted = true
		}
	}
}

func (m *simulation) grow(p *program) {
	n := len(p.insts)
	m.now.grow(n)
	m.then.grow(n)
	if cap(m.stack) < n {
		m.stack = make([]uint32, 0, n)
	}
}

// reach adds to set what can be reached from pc at position at, where holds is true,
// without consuming a byte.
func (m *simulation) reach(p *program, set *sparse, pc uint32, holds assertion, at int) {
	stack := append(m.stack[:0], pc)
	for len(stack) > 0 {
		pc := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for !set.has(pc) {
			set.add(pc)
			m.steps += 2 // it costs more than a byte for an automaton
			in := &p.insts[pc]
			switch in.op {
			case instSplit:
				stack = append(stack, in.y)
			case instSave:
			case instAssert:
				if holds&assertion(in.arg) == 0 {
					goto next
				}
			case instLook:
				if m.looks[in.arg][at>>6]&(1<<(at&63)) == 0 {
					goto next
				}
			case instMatch:
				m.matched = true
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

// advance moves set now over byte b to position at.
func (m *simulation) advance(p *program, b byte, holds assertion, at int) {
	m.then.reset()
	m.steps += 2 * uint64(len(m.now.dense))
	for _, pc := range m.now.dense {
		if in := &p.insts[pc]; in.op == instSet && p.sets[in.arg].has(b) {
			m.reach(p, &m.then, in.x, holds, at)
		}
	}
	m.now, m.then = m.then, m.now
}

// search runs a program from position at on, where it has reached the seeds, and tells
// whether it matches.
func (m *simulation) search(p *program, value []byte, at int, seeds []uint32) bool {
	m.grow(p)
	m.now.reset()
	m.matched = false
	holds := assertion(0)
	if p.asserts != 0 {
		holds = assertionsAt(value, at)
	}
	for _, pc := range seeds {
		m.reach(p, &m.now, pc, holds, at)
	}
	for ; ; at++ {
		if at == 0 || !p.anchored {
			m.reach(p, &m.now, p.start, holds, at)
		}
		if m.matched || at == len(value) || len(m.now.dense) == 0 && p.anchored || m.spent() {
			return m.matched
		}
		if p.asserts != 0 {
			holds = assertionsAt(value, at+1)
		}
		m.advance(p, value[at], holds, at+1)
	}
}

// resolve computes where the look-arounds of a program hold.
func (m *simulation) resolve(p *program, value []byte) {
	for len(m.looks) < len(p.looks) {
		m.looks = append(m.looks, nil)
	}
	words := len(value)/64 + 1 // there is one position more than bytes
	for i := range p.looks {
		l := &p.looks[i]
		if cap(m.looks[i]) < words {
			m.looks[i] = make([]uint64, words)
		}
		m.looks[i] = m.looks[i][:words]
		clear(m.looks[i])
		m.ends(l, value, m.looks[i])
		if l.negated {
			for w, b := range m.looks[i] {
				m.looks[i][w] = ^b
			}
		}
	}
}

// ends sets the bits of the positions where a match of a look-around's automaton ends that
// began anywhere: for a look-ahead, which runs backwards, those are where one begins.
func (m *simulation) ends(l *look, value []byte, bits []uint64) {
	p := l.program
	m.grow(p)
	m.now.reset()
	m.matched = false
	at, step := 0, 1
	if !l.behind {
		at, step = len(value), -1
	}
	holds := assertion(0)
	for i := 0; ; i++ {
		if p.asserts != 0 {
			holds = assertionsAt(value, at)
		}
		if i > 0 {
			m.advance(p, value[min(at, at-step)], holds, at)
		}
		m.reach(p, &m.now, p.start, holds, at)
		if m.matched {
			bits[at>>6] |= 1 << (at & 63)
			m.matched = false
		}
		if i == len(value) || m.spent() {
			return
		}
		at += step
	}
}
