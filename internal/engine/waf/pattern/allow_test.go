package pattern

import (
	"fmt"
	"slices"
	"testing"
)

// explosiveRules are rules for arguments and expressions with many states, and the set of them.
func explosiveRules(t *testing.T) ([]Pattern, *Set) {
	t.Helper()
	rules := argumentRules(t)
	for _, text := range explosive {
		rules = append(rules, Pattern{Kind: Regexp, Text: text, Syntax: SecLang})
	}
	set, err := Compile(rules, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return rules, set
}

// TestAnAllowanceOfStepsBoundsTheWork holds matching on values made to cost much to a bound, and finds
// the same as without where it is not reached.
func TestAnAllowanceOfStepsBoundsTheWork(t *testing.T) {
	rules, set := explosiveRules(t)
	free, bound := NewScratch(), NewScratch()
	want, got := NewBits(set.Len()), NewBits(set.Len())
	for name, value := range hostileValues(t, 64<<10) {
		want.Reset()
		before := free.Steps()
		set.Match(value, nil, want, free)
		all := free.Steps() - before
		for _, n := range []uint64{0, 1000, 100_000, 1_000_000, 1 << 40} {
			before := bound.Steps()
			bound.Allow(n)
			got.Reset()
			set.Match(value, nil, got, bound)
			// What one pass and the states of one value may take beyond it.
			spent := bound.Steps() - before
			if slack := uint64(1_000_000 + 4*len(value)); spent > n+slack && n < 1<<40 {
				t.Errorf("%s: %d steps of %d", name, spent, n)
			}
			switch {
			case bound.Exhausted():
				if spent <= n {
					t.Errorf("%s: exhausted after %d steps of %d", name, spent, n)
				}
				for i := range got.All() {
					if !want.Has(i) {
						t.Errorf("%s: exhausted, it matches %s", name, rules[i].Text)
					}
				}
			case !slices.Equal(got, want):
				t.Errorf("%s: what matches with %d steps is not what matches with %d", name, n, all)
			}
		}
		if bound.Exhausted() {
			t.Errorf("%s: without a bound to speak of it is exhausted", name)
		}
	}
}

// TestScratchOfALargerSetServesASmallerOne uses memory of a set of many patterns for one of few, whose states
// are then used with memory of its own.
func TestScratchOfALargerSetServesASmallerOne(t *testing.T) {
	group := func(n int) (*Set, []byte) {
		var patterns []Pattern
		for i := range n {
			patterns = append(patterns, Pattern{Kind: Regexp, Text: fmt.Sprintf(`[%c-z]%d[^\s]*\d`, 'a'+i%20, i%10), Syntax: AWS})
		}
		s, err := Compile(patterns, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(s.groups) == 0 || len(s.groups[0].members) != n {
			t.Fatal("the patterns are not one group")
		}
		return s, []byte("z0a1 z1b2 z3c4 m5d6 z9x9")
	}
	large, value := group(200)
	small, _ := group(20)
	shared, own := NewScratch(), NewScratch()
	large.Match(value, nil, NewBits(large.Len()), shared)
	a, b := NewBits(small.Len()), NewBits(small.Len())
	small.Match(value, nil, a, shared)
	small.Match(value, nil, b, own)
	if !a.Any() || !slices.Equal(a, b) {
		t.Errorf("%v, %v", a, b)
	}
}
