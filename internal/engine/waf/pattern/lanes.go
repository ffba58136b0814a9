package pattern

import "sync/atomic"

// lanes are automata that move over the rest of a value side by side. Each step of one
// waits for its own last step only, so that a processor takes those of all at once: four
// cost little more than one.
type lanes struct {
	parts  [laneCount]*dfa
	states [laneCount]uint32
	number [laneCount]int // of the parts in the product
	used   int
}

const laneCount = 4

// stopSteps is what it costs that one of the lanes has to be looked at.
const stopSteps = 12

// The lane without an automaton has one state, in which it stays.
var (
	restNext    = []uint32{1, 1}
	restColumns columns
)

// add puts an automaton in a lane, and tells whether all are taken.
func (l *lanes) add(d *dfa, state uint32, number int) (full bool) {
	l.parts[l.used], l.states[l.used], l.number[l.used] = d, state, number
	l.used++
	return l.used == laneCount
}

// run moves the automata over a value from a position on, adds what matches to found, and
// empties the lanes.
func (l *lanes) run(value []byte, at int, found *findings, m *simulation) {
	// What follows the last byte, and a last newline, each does by itself.
	end := len(value)
	if end > at && value[end-1] == '\n' {
		end--
	}
	var next [laneCount][]uint32
	var classes [laneCount]*[256]uint8
	rest := func(j int) {
		next[j], classes[j], l.states[j] = restNext, &restColumns.classes, 1
		l.parts[j] = nil
	}
	steps, alive := &m.steps, 0
	*steps += uint64(30 + 15*l.used)
	for j := range laneCount {
		if j >= l.used {
			rest(j)
			continue
		}
		if l.states[j]&marked != 0 {
			found.add(active{uint32(l.number[j]), l.states[j]})
			rest(j)
			continue
		}
		next[j], classes[j] = l.parts[j].current().next, &l.parts[j].classes
		alive++
	}
	for k := at; k < end && alive > 0 && !m.spent(); {
		from := k
		var entries [laneCount]uint32
		k, entries = sideBySide(value[:end], k, &next, &classes, &l.states)
		*steps += uint64(alive*(k-from) + stopSteps)
		if k == end {
			break
		}
		for j, entry := range entries {
			d := l.parts[j]
			if d == nil {
				continue
			}
			if entry == unknown {
				var t *dfaTable
				t, entry = d.extend(d.current(), l.states[j], uint32(d.classes[value[k]]), steps)
				next[j] = t.next
			}
			l.states[j] = entry
			if entry&marked != 0 {
				found.add(active{uint32(l.number[j]), entry})
				rest(j)
				alive--
			}
		}
		k++
	}
	for j, d := range l.parts {
		if d != nil && j < l.used && !m.exhausted {
			entry, _, _ := d.resume(d.current(), l.states[j], value, end, steps, unlimitedStates)
			found.add(active{uint32(l.number[j]), entry})
		}
	}
	*l = lanes{}
}

// sideBySide moves automata over a value from a position on, all with one byte at a time, until an entry of one of their tables is more
// than a state to go on in, or the value ends. It gives the position and the entries there; states are those before it.
func sideBySide(value []byte, k int, next *[laneCount][]uint32, classes *[laneCount]*[256]uint8, states *[laneCount]uint32) (at int, entries [laneCount]uint32) {
	n0, n1, n2, n3 := next[0], next[1], next[2], next[3]
	c0, c1, c2, c3 := classes[0], classes[1], classes[2], classes[3]
	s0, s1, s2, s3 := states[0], states[1], states[2], states[3]
	var e0, e1, e2, e3 uint32
	for ; k < len(value); k++ {
		b := value[k]
		e0 = atomic.LoadUint32(&n0[s0+uint32(c0[b])])
		e1 = atomic.LoadUint32(&n1[s1+uint32(c1[b])])
		e2 = atomic.LoadUint32(&n2[s2+uint32(c2[b])])
		e3 = atomic.LoadUint32(&n3[s3+uint32(c3[b])])
		if e0-1 >= stateMask || e1-1 >= stateMask || e2-1 >= stateMask || e3-1 >= stateMask {
			break
		}
		s0, s1, s2, s3 = e0, e1, e2, e3
	}
	*states = [laneCount]uint32{s0, s1, s2, s3}
	return k, [laneCount]uint32{e0, e1, e2, e3}
}
