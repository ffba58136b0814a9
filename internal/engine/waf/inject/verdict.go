package inject

import "unsafe"

// Verdict is what was found.
type Verdict uint8

const (
	// Clean: it is no injection as far as can be told.
	Clean Verdict = iota
	// Found: it is one.
	Found
	// Exhausted: it looks like one enough to be looked into, but the budget was spent.
	Exhausted
)

// Budget is how much the library may still do for one request, in steps of package pattern (price.go). A value that the
// prefilter settles costs nothing.
type Budget int

// DefaultBudget lets a body of 64 KB of text be looked at as a whole and again in its parts. Content made to be slow costs some
// 10 ms of one core with it.
const DefaultBudget Budget = 4_000_000

// spend takes n steps from the budget if there are as many.
func (b *Budget) spend(n int) bool {
	if int(*b) < n {
		return false
	}
	*b -= Budget(n)
	return true
}

// text is b as a string for as long as nobody writes to b; the library keeps nothing of it.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
