package table

import (
	"fmt"
	"sync"
)

// Tally keeps a sum over the rows of each place K (an account in a Region, say) in memory,
// for quotas: a place is counted once, from then on Change keeps its sum V current with the
// commits of this process. The sum is that of the last commit: rows made at the same moment
// are not in it yet, so a quota may be exceeded by their number. The zero value is ready; it is safe for
// concurrent use and must not be copied.
type Tally[K comparable, V any] struct {
	mu    sync.Mutex
	known map[K]V
	// generation tells a count that commits went on while it ran; it is not kept then.
	generation uint64
}

// Sum is the sum of a place. count reads it from the store where it is not known yet; its
// error is wrapped.
func (t *Tally[K, V]) Sum(at K, count func() (V, error)) (V, error) {
	t.mu.Lock()
	sum, ok := t.known[at]
	generation := t.generation
	t.mu.Unlock()
	if ok {
		return sum, nil
	}
	sum, err := count()
	if err != nil {
		return sum, fmt.Errorf("count rows: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.generation == generation {
		if t.known == nil {
			t.known = make(map[K]V)
		}
		t.known[at] = sum
	}
	return sum, nil
}

// Change changes the sum of a place, if it is known. It is called when the transaction that
// changed rows has committed.
func (t *Tally[K, V]) Change(at K, change func(V) V) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.generation++
	if sum, ok := t.known[at]; ok {
		t.known[at] = change(sum)
	}
}

// Recount has a place counted again: somebody else has changed its rows.
func (t *Tally[K, V]) Recount(at K) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.generation++
	delete(t.known, at)
}

// Forget has every place counted again.
func (t *Tally[K, V]) Forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.generation++
	clear(t.known)
}
