package pebble

import (
	"bytes"
	"errors"
	"iter"
	"slices"
	"sort"

	"fastness/internal/store"
)

// errRetry says that another commit changed what a transaction read.
var errRetry = errors.New("store: conflict")

// write is one pending write; key and value share a buffer that the txn owns.
type write struct {
	key, value []byte
	deleted    bool
}

// span is a scanned range, Start <= key < End; a nil End has no upper bound.
type span struct{ start, end []byte }

func (s span) holds(key []byte) bool {
	return bytes.Compare(s.start, key) <= 0 && (s.end == nil || bytes.Compare(key, s.end) < 0)
}

// txn collects what one attempt of an Update reads and writes.
type txn struct {
	*reader
	writes []write // sorted by key
	size   int     // key and value bytes of writes
	points map[string]store.Revision
	spans  []span
	hooks  []func(store.Revision)
	fences []store.Lease
	err    error // a bound was passed; nothing can be committed any more
}

// run calls f. It returns nil when there is nothing to commit. The tree is left
// before the commit begins, so that a waiting transaction pins nothing.
func (t *txn) run(f func(store.Txn) error) (*pending, error) {
	defer t.reader.close()
	err := f(t)
	if t.lost {
		return nil, errRetry // whatever f made of the failed read
	}
	if err != nil {
		return nil, err
	}
	if t.err != nil {
		return nil, t.err
	}
	if len(t.writes) == 0 {
		return nil, nil
	}
	return &pending{
		rev: t.rev, writes: t.writes, size: t.size, points: t.points, spans: t.spans,
		hooks: t.hooks, fences: t.fences, done: make(chan struct{}),
	}, nil
}

// find returns where key is or belongs in writes.
func (t *txn) find(key []byte) (int, bool) {
	return slices.BinarySearchFunc(t.writes, key, func(w write, k []byte) int { return bytes.Compare(w.key, k) })
}

// Get returns the item under key: what this transaction wrote, or what the store has.
func (t *txn) Get(key []byte) (store.Item, error) {
	if i, ok := t.find(key); ok && !t.over {
		w := t.writes[i]
		if w.deleted {
			return store.Item{}, store.ErrNotFound
		}
		return w.item(), nil
	}
	return t.base(key)
}

// base reads key in the store and notes that it was read.
func (t *txn) base(key []byte) (store.Item, error) {
	item, live, known := t.s.latest.get(key, t.rev)
	var err error
	switch {
	case t.over:
		return store.Item{}, errReaderOver
	case !known:
		if item, err = t.reader.Get(key); err != nil && !errors.Is(err, store.ErrNotFound) {
			return item, err
		}
	case !live:
		err = store.ErrNotFound
	}
	if t.points == nil {
		t.points = make(map[string]store.Revision, 4)
	}
	t.points[string(key)] = item.Revision // 0 when the key is absent
	return item, err
}

func (w write) item() store.Item {
	return store.Item{Key: bytes.Clone(w.key), Value: append([]byte{}, w.value...)}
}

// Scan yields the items of rg, merged with what this transaction wrote before the
// iteration began, and notes the part of rg that was looked at.
func (t *txn) Scan(rg store.Range) iter.Seq2[store.Item, error] {
	return func(yield func(store.Item, error) bool) {
		if rg.End != nil && bytes.Compare(rg.Start, rg.End) >= 0 {
			return
		}
		seen := span{start: bytes.Clone(rg.Start), end: bytes.Clone(rg.End)}
		own := t.within(seen, rg.Reverse)
		left, stopped := rg.Limit, false
		emit := func(it store.Item, err error) bool {
			var key []byte
			if err == nil {
				key = bytes.Clone(it.Key) // the receiver may change it
			}
			left--
			if yield(it, err) && err == nil && left != 0 {
				return true
			}
			stopped = true
			// What lies beyond the last item was not looked at.
			if key != nil && rg.Reverse {
				seen.start = key
			} else if key != nil {
				seen.end = append(key, 0)
			}
			return false
		}
		defer func() { t.spans = append(t.spans, seen) }()
		t.reader.scan(rg, func(it store.Item, err error) bool {
			if err != nil {
				emit(it, err)
				return false
			}
			for len(own) > 0 {
				c := bytes.Compare(own[0].key, it.Key)
				if rg.Reverse {
					c = -c
				}
				if c > 0 {
					break
				}
				w := own[0]
				own = own[1:]
				if !w.deleted && !emit(w.item(), nil) {
					return false
				}
				if c == 0 {
					return true // the write replaces the item
				}
			}
			return emit(it, nil)
		})
		for _, w := range own {
			if stopped {
				return
			}
			if !w.deleted && !emit(w.item(), nil) {
				return
			}
		}
	}
}

// within copies the writes inside s, in the order of the scan.
func (t *txn) within(s span, reverse bool) []write {
	i := sort.Search(len(t.writes), func(i int) bool { return bytes.Compare(t.writes[i].key, s.start) >= 0 })
	j := len(t.writes)
	if s.end != nil {
		j = sort.Search(len(t.writes), func(i int) bool { return bytes.Compare(t.writes[i].key, s.end) >= 0 })
	}
	own := slices.Clone(t.writes[i:j])
	if reverse {
		slices.Reverse(own)
	}
	return own
}

// Put writes value under key.
func (t *txn) Put(key, value []byte) error {
	if err := t.check(key, value); err != nil {
		return err
	}
	buf := make([]byte, len(key)+len(value))
	n := copy(buf, key)
	copy(buf[n:], value)
	return t.set(write{key: buf[:n:n], value: buf[n:]})
}

// Delete removes key. It reads the key first, because a deletion of nothing is not a
// change and must not become a commit.
func (t *txn) Delete(key []byte) error {
	if err := t.check(key, nil); err != nil {
		return err
	}
	var err error
	if t.points[string(key)] == 0 { // else this transaction has read that it is there
		_, err = t.base(key)
	}
	if errors.Is(err, store.ErrNotFound) {
		if i, ok := t.find(key); ok {
			t.size -= len(t.writes[i].key) + len(t.writes[i].value)
			t.writes = slices.Delete(t.writes, i, i+1)
		}
		return nil
	}
	if err != nil {
		return err
	}
	return t.set(write{key: bytes.Clone(key), deleted: true})
}

func (t *txn) check(key, value []byte) error {
	switch {
	case t.over:
		return errReaderOver
	case t.err != nil:
	case len(key) == 0:
		t.err = store.ErrEmptyKey
	case len(key) > store.MaxKeyBytes || len(value) > store.MaxValueBytes:
		t.err = store.ErrTooLarge
	}
	return t.err
}

func (t *txn) set(w write) error {
	i, ok := t.find(w.key)
	if ok {
		t.size -= len(t.writes[i].key) + len(t.writes[i].value)
		t.writes[i] = w
	} else {
		t.writes = slices.Insert(t.writes, i, w)
	}
	t.size += len(w.key) + len(w.value)
	if len(t.writes) > store.MaxTxnOps || t.size > store.MaxTxnBytes {
		t.err = store.ErrTxnTooLarge
	}
	return t.err
}

// OnCommit registers f to run after the commit.
func (t *txn) OnCommit(f func(store.Revision)) { t.hooks = append(t.hooks, f) }

// Fence makes the commit conditional on l.
func (t *txn) Fence(l store.Lease) { t.fences = append(t.fences, l) }

// Savepoint runs f and undoes what it wrote if it fails. Pending writes are never
// changed, only replaced, so that a copy of the list is all of the earlier state.
func (t *txn) Savepoint(f func() error) error {
	writes, size, bound := slices.Clone(t.writes), t.size, t.err
	hooks, fences := len(t.hooks), len(t.fences)
	err := f()
	if err != nil {
		t.writes, t.size, t.err = writes, size, bound
		t.hooks = slices.Delete(t.hooks, hooks, len(t.hooks))
		t.fences = slices.Delete(t.fences, fences, len(t.fences))
	}
	return err
}
