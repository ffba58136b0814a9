package pattern

import "sync/atomic"

// Reserve is steps that are there once, for all who borrow from it together. What has not been used yet has automata that know nothing, and the first values
// that it sees cost several times what such values cost later. They take it from a reserve, so that they are looked at whole; it is as large
// as learning is dear, so that what all values cost beyond their allowances is bounded, too, whatever they are. It is safe for any number
// of goroutines. A nil Reserve is empty.
type Reserve struct{ left atomic.Int64 }

// reserveChunk is how many steps are taken from a reserve at once.
const reserveChunk = 1 << 16

// DefaultLoan is how many steps a request may borrow from a reserve, at most: what 40 KB of ordinary text of a new kind take that nothing has been learned of.
const DefaultLoan = 288 * reserveChunk

// NewReserve returns a reserve of n steps.
func NewReserve(n int64) *Reserve {
	r := &Reserve{}
	r.left.Store(n)
	return r
}

// empty tells whether there is nothing left.
func (r *Reserve) empty() bool { return r == nil || r.left.Load() <= 0 }

// take takes n steps, and tells whether there were as many.
func (r *Reserve) take(n int64) bool { return !r.empty() && r.left.Add(-n) >= 0 }
