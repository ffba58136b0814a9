package pattern

// onward moves the parts of a product over a value from a position on, where it is in a state, without making
// states of the product: it costs some steps for each part that has begun to match, and those are few in most
// places. It is for values that lead to new states all the time, of which none would be seen again.
func (p *product) onward(value []byte, at int, t *productTable, state uint32, found *findings, m *Scratch) {
	p.mu.Lock()
	s := t.states.list[state/p.stride]
	p.mu.Unlock()
	now, before := append(m.active[0][:0], s.active...), s.before
	then := m.active[1]
	body, last := p.split(value)
	for _, b := range body[at:] {
		if m.spent() {
			break
		}
		symbol := uint32(p.classes[b])
		then = p.advance(then[:0], now, before, symbol, found, m, &m.steps)
		now, then = then, now
		before = matter(behind(b), p.asserts)
	}
	if !m.exhausted {
		if last != p.end {
			then = p.advance(then[:0], now, before, last, found, m, &m.steps)
			now, then = then, now
			before = matter(afterNewline, p.asserts)
		}
		then = p.advance(then[:0], now, before, p.end, found, m, &m.steps)
	}
	m.active = [2][]active{now, then}
}
