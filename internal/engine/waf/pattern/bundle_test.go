package pattern

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestBundlesGoOnAsTheProductDoes gives values to the bundles of groups from every place on, in the state in which the product is there, and finds the
// same as the product.
func TestBundlesGoOnAsTheProductDoes(t *testing.T) {
	rules, set := explosiveRules(t)
	rng := rand.New(rand.NewPCG(3, 4))
	values := crsValues(t)
	rng.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
	values = append(values[:min(len(values), 400)], hostileValues(t, 300)["keywords"], hostileValues(t, 300)["random ascii"], []byte("a\n"), []byte("\n\n"))
	m := NewScratch()
	matched := 0
	for _, groups := range [][]group{set.groups, set.long} {
		for k := range groups {
			g := &groups[k]
			p := g.product
			for _, value := range values {
				want := newFindings(len(p.parts))
				if at, _, _ := p.run(value, want, unlimitedStates, m); at >= 0 {
					t.Fatal("the product gave up without a bound")
				}
				// One byte at a time as far as a place, then the bundles.
				body, _ := p.split(value)
				at := rng.IntN(len(body) + 1)
				found := newFindings(len(p.parts))
				table, state := p.table.Load(), p.stride
				for _, b := range body[:at] {
					var entry uint32
					table, entry = p.extend(table, state, uint32(p.classes[b]), m)
					if entry&marked != 0 {
						found.or(table.found[entry&stateMask/p.stride])
					}
					state = entry & stateMask
				}
				m.begin(set)
				m.found = found
				got := NewBits(set.Len())
				set.inBundles(g, value, at, table, state, nil, got, m)
				for n, i := range g.members {
					if want.lost.Has(n) || m.found.lost.Has(n) || !set.possible(i, value, nil, got, m) {
						continue
					}
					if m.found.matched.Has(n) != want.matched.Has(n) {
						t.Fatalf("%q from %d on: bundles say %v of %s", value, at, m.found.matched.Has(n), rules[i].Text)
					}
					if want.matched.Has(n) {
						matched++
					}
				}
			}
		}
	}
	if matched < 100 {
		t.Errorf("%d matches only", matched)
	}
}

// TestAReserveIsTakenOnce has two scratches borrow what their allowances lack.
func TestAReserveIsTakenOnce(t *testing.T) {
	set, err := Compile(argumentRules(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	value := hostileValues(t, 8<<10)["keywords"]
	want := NewBits(set.Len())
	free := NewScratch()
	set.Match(value, nil, want, free)
	reserve := NewReserve(4 * int64(free.Steps()))
	borrowed := uint64(0)
	for i := 0; ; i++ {
		m, got := NewScratch(), NewBits(set.Len())
		m.Allow(1000)
		m.Borrow(reserve, 1<<40)
		set.Match(value, nil, got, m)
		if m.Exhausted() {
			if i == 0 || !reserve.empty() {
				t.Errorf("exhausted at match %d, the reserve is empty: %v", i, reserve.empty())
			}
			break
		}
		if !slices.Equal(got, want) {
			t.Fatalf("match %d found other patterns", i)
		}
		if borrowed += m.Steps() - 1000; borrowed > 4*free.Steps()+reserveChunk {
			t.Fatalf("%d steps of %d were borrowed", borrowed, 4*free.Steps())
		}
	}
}
