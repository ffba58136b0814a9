package pattern

import (
	"slices"
	"sync"
)

// bundle is some neighbouring parts of a product as a product of their own, whose states are made of the same states of the parts.
//
// A product of hundreds of parts is the fastest way to go over a value whose like it has seen, as it takes one step a byte, and has
// to make a state every few bytes of one that it has not: the states that its parts are in are combined in as many ways as there are
// texts. A dozen parts have few combinations. So where a product gives up, its bundles go on, and they know nearly all of
// their states after some kilobytes of anything. One of them that makes too many states gives up in its turn, and its parts go on.
type bundle struct {
	product *product
	first   int // part of the product that it is a bundle of
}

// bundled is how many parts a bundle has.
const bundled = 16

// mostBundled is how many states of bundles may be made within one allowance of steps. They take half as long to make as those of
// products, which mostMade bounds, and recur everywhere.
const mostBundled = 4000

// bundleAllowance is how many states one value may make in a bundle.
var bundleAllowance = allowance{first: 128, every: 8, most: 1024}

// divideParts makes the bundles of a product.
func (p *product) divideParts(programs []*program) func() []bundle {
	return sync.OnceValue(func() []bundle {
		var list []bundle
		for from := 0; from < len(p.parts); from += bundled {
			to := min(from+bundled, len(p.parts))
			b := &product{columns: newColumns(programs[from:to]...), memory: p.memory, isBundle: true}
			b.of(p.parts[from:to])
			list = append(list, bundle{product: b, first: from})
		}
		return list
	})
}

// enter returns the state of a bundle in which its parts are as in a state of the product.
func (b *bundle) enter(s productState) (*productTable, uint32) {
	p := b.product
	to := productState{before: matter(s.before, p.asserts)}
	from, _ := slices.BinarySearchFunc(s.active, uint32(b.first), func(a active, part uint32) int { return int(a.part) - int(part) })
	for _, a := range s.active[from:] {
		if int(a.part) >= b.first+len(p.parts) {
			break
		}
		to.active = append(to.active, active{a.part - uint32(b.first), a.entry})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t, entry := p.intern(p.table.Load(), to, nil)
	if p.table.Load() != t {
		p.table.Store(t)
	}
	return t, entry & stateMask
}

// inBundles moves the parts of a group's product over a value from a position on, where it is in a state.
func (s *Set) inBundles(g *group, value []byte, at int, t *productTable, state uint32, want, got Bits, m *Scratch) {
	p := g.product
	p.mu.Lock()
	from := t.states.list[state/p.stride] // what it refers to is not changed any more
	p.mu.Unlock()
	m.steps += uint64(3 * len(g.members)) // each is asked about
	bundles := p.bundles()
	for k := range bundles {
		b := &bundles[k]
		asked, last := 0, 0
		for n, i := range g.members[b.first:][:len(b.product.parts)] {
			if !m.found.matched.Has(b.first+n) && !m.found.lost.Has(b.first+n) && s.possible(i, value, want, got, m) {
				asked, last = asked+1, n
			}
		}
		switch {
		case asked == 0:
		case asked == 1:
			// Alone it is as fast.
			m.lanes.add(b.product.parts[last], entryOf(p, &from, b.first+last), b.first+last)
			m.lanes.run(value, at, m.found, &m.simulation)
		case m.abreast.add(b, from, m):
			s.runBundles(g, value, at, want, got, m)
		}
	}
	s.runBundles(g, value, at, want, got, m)
}

// runBundles moves the bundles that are in lanes over the rest of a value, and the parts of those that give up.
func (s *Set) runBundles(g *group, value []byte, at int, want, got Bits, m *Scratch) {
	a := &m.abreast
	if a.used > 0 && !m.spent() {
		a.run(value, at, m)
		for j := range a.used {
			l := &a.lanes[j]
			p, first := l.bundle.product, l.bundle.first
			if l.end >= 0 {
				entries := p.entries(l.table, l.state)
				for n, i := range g.members[first:][:len(p.parts)] {
					if l.found.matched.Has(n) || l.found.lost.Has(n) || !s.possible(i, value, want, got, m) {
						continue
					}
					if m.lanes.add(p.parts[n], entries[n], first+n) {
						m.lanes.run(value, l.end, m.found, &m.simulation)
					}
				}
				m.lanes.run(value, l.end, m.found, &m.simulation)
			}
			if l.found.any {
				for n := range l.found.matched.All() {
					m.found.matched.Set(first + n)
				}
				for n := range l.found.lost.All() {
					m.found.lost.Set(first + n)
				}
				m.found.any = true
			}
		}
	}
	for j := range a.used {
		l := &a.lanes[j]
		l.bundle, l.table = nil, nil // a scratch keeps nothing of a Set
	}
	a.used = 0
}

// entryOf is the state of a part in a state of a product.
func entryOf(p *product, s *productState, part int) uint32 {
	if i, ok := slices.BinarySearchFunc(s.active, uint32(part), func(a active, part uint32) int { return int(a.part) - int(part) }); ok {
		return s.active[i].entry
	}
	return p.idle[s.before][part]
}
