package pattern

// abreast is products that move over the rest of a value side by side, as automata do in lanes: the bundles of a product that has given up. The
// tables of a bundle are larger than a processor's nearest cache, so that each step waits for memory, and those of four wait at once.
type abreast struct {
	lanes [laneCount]bundleLane
	used  int
}

// bundleLane is a product in a state, what it has found, and where it gave up, or -1.
type bundleLane struct {
	bundle  *bundle
	table   *productTable
	state   uint32
	found   *findings
	allowed allowance
	end     int
}

// enterSteps is what it costs to find the state of a bundle, and to put it in a lane.
const enterSteps = 60

// add puts a bundle in a lane, in the state of its parts in a state of the product, and tells whether all are taken.
func (a *abreast) add(b *bundle, from productState, m *Scratch) (full bool) {
	m.steps += enterSteps
	l := &a.lanes[a.used]
	l.bundle, l.found, l.allowed, l.end = b, l.found.begin(len(b.product.parts)), bundleAllowance, -1
	l.table, l.state = b.enter(from)
	a.used++
	return a.used == laneCount
}

// run moves the bundles over a value from a position on, and makes as many states as one value may.
func (a *abreast) run(value []byte, at int, m *Scratch) {
	if a.used == 1 {
		l := &a.lanes[0]
		l.end, l.table, l.state = l.bundle.product.resume(value, at, l.table, l.state, l.found, l.allowed, m)
		return
	}
	// What follows the last byte, and a last newline, each does by itself.
	end := len(value)
	if end > at && value[end-1] == '\n' {
		end--
	}
	var next [laneCount][]uint32
	var classes [laneCount]*[256]uint8
	var states [laneCount]uint32
	alive := a.used
	for j := range laneCount {
		next[j], classes[j], states[j] = restNext, &restColumns.classes, 1
		if j < a.used {
			l := &a.lanes[j]
			next[j], classes[j], states[j] = l.table.next, &l.bundle.product.classes, l.state
		}
	}
	m.steps += uint64(30 + 10*a.used)
	for k := at; k < end && alive > 0; k++ {
		from := k
		var entries [laneCount]uint32
		k, entries = sideBySide(value[:end], k, &next, &classes, &states)
		m.steps += uint64(alive*(k-from)*3/4 + stopSteps) // they wait for memory together
		if k == end {
			break
		}
		if m.spent() {
			return
		}
		for j, entry := range entries {
			l := &a.lanes[j]
			if j >= a.used || l.end >= 0 {
				continue
			}
			p := l.bundle.product
			if entry == unknown {
				if m.madeEnough(p, len(value)) || l.allowed.spent(k-at) {
					l.end, l.state = k, states[j]
					next[j], classes[j], states[j] = restNext, &restColumns.classes, 1
					alive--
					continue
				}
				before := m.steps
				l.table, entry = p.extend(l.table, states[j], uint32(p.classes[value[k]]), m)
				l.allowed.made += int(m.steps-before) / costlyState
				next[j] = l.table.next
			}
			if entry&marked != 0 {
				l.found.or(l.table.found[entry&stateMask/p.stride])
			}
			states[j] = entry & stateMask
		}
	}
	for j := range a.used {
		if l := &a.lanes[j]; l.end < 0 {
			l.end, l.table, l.state = l.bundle.product.resume(value, end, l.table, states[j], l.found, unlimitedStates, m)
		}
	}
}
