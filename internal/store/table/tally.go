package table

import (
	"fmt"
	"sync"

	"fastness/internal/store"
)

// Tally keeps a sum over the rows of each place K (an account in a Region, say) in memory,
// for quotas: a place is counted once, from then on commits of this process keep its sum V
// current. The sum is that of the last commit: rows made at the same moment are not in it
// yet, so a quota may be exceeded by their number. The zero value is ready; it is safe for
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

// Change changes the sum of a place, if it is known, once tx has committed.
func (t *Tally[K, V]) Change(tx store.Txn, at K, change func(V) V) {
	tx.OnCommit(func(store.Revision) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.generation++
		if sum, ok := t.known[at]; ok {
			t.known[at] = change(sum)
		}
	})
}

// Forget has every place counted again.
func (t *Tally[K, V]) Forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.generation++
	clear(t.known)
}
