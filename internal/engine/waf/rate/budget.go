package rate

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// chunkBytes is the memory of a chunk of entries, with its part of the index.
const chunkBytes = chunkSize * (int64(unsafe.Sizeof(entry{})) + 8)

// Budget bounds the memory of several limiters together. A limiter that finds it used up goes on with the
// entries that it has, 64 for a shard at least, as when it has MaxKeys keys. What a limiter took comes back
// when it is garbage. Safe for concurrent use.
type Budget struct{ left atomic.Int64 }

// NewBudget makes a budget of a number of bytes.
func NewBudget(bytes int64) *Budget {
	b := new(Budget)
	b.left.Store(bytes / chunkBytes)
	return b
}

// Left is how many bytes are left; it is negative when limiters were made that have just the least.
func (b *Budget) Left() int64 { return b.left.Load() * chunkBytes }

// spender is what a limiter took from its budget.
type spender struct {
	budget *Budget
	chunks atomic.Int64
}

// spend begins to spend for a limiter.
func (b *Budget) spend(l *Limiter) *spender {
	if b == nil {
		return nil
	}
	s := &spender{budget: b}
	runtime.AddCleanup(l, func(s *spender) { s.budget.left.Add(s.chunks.Load()) }, s)
	return s
}

// chunk asks for a chunk; one that a shard cannot do without is given in any case.
func (s *spender) chunk(needed bool) bool {
	if s == nil {
		return true
	}
	if s.budget.left.Add(-1) < 0 && !needed {
		s.budget.left.Add(1)
		return false
	}
	s.chunks.Add(1)
	return true
}
