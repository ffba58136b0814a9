package seal

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"fastness/internal/store"
)

// memStore is a small store.Store for tests: one lock, a sorted map, a log of commits.
type memStore struct {
	mu      sync.Mutex
	data    map[string]store.Item
	rev     store.Revision
	log     []store.Commit
	changed chan struct{}
	// failCommit, if set, is returned by the next Update instead of committing.
	failCommit error
	// loseAnswer commits the next Update and returns store.ErrUnknownOutcome.
	loseAnswer bool
}

func newMemStore() *memStore {
	return &memStore{data: map[string]store.Item{}, changed: make(chan struct{})}
}

type memTxn struct {
	s      *memStore
	data   map[string]store.Item
	writes map[string]store.Change
	hooks  []func(store.Revision)
}

func (t *memTxn) Get(key []byte) (store.Item, error) {
	it, ok := t.data[string(key)]
	if !ok {
		return store.Item{}, store.ErrNotFound
	}
	return store.Item{Key: bytes.Clone(it.Key), Value: bytes.Clone(it.Value), Revision: it.Revision}, nil
}

func (t *memTxn) Scan(r store.Range) iter.Seq2[store.Item, error] {
	return func(yield func(store.Item, error) bool) {
		var keys []string
		for k := range t.data {
			if k >= string(r.Start) && (r.End == nil || k < string(r.End)) {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
		if r.Reverse {
			slices.Reverse(keys)
		}
		for i, k := range keys {
			if r.Limit > 0 && i == r.Limit {
				return
			}
			it, err := t.Get([]byte(k))
			if !yield(it, err) {
				return
			}
		}
	}
}

func (t *memTxn) Revision() store.Revision { return t.s.rev }

func (t *memTxn) Put(key, value []byte) error {
	if len(value) > store.MaxValueBytes || len(key) > store.MaxKeyBytes {
		return store.ErrTooLarge
	}
	it := store.Item{Key: bytes.Clone(key), Value: bytes.Clone(value), Revision: t.s.rev + 1}
	t.data[string(key)] = it
	t.writes[string(key)] = store.Change{Key: it.Key, Value: it.Value}
	if len(t.writes) > store.MaxTxnOps {
		return store.ErrTxnTooLarge
	}
	return nil
}

func (t *memTxn) Delete(key []byte) error {
	delete(t.data, string(key))
	t.writes[string(key)] = store.Change{Key: bytes.Clone(key), Deleted: true}
	return nil
}

func (t *memTxn) OnCommit(f func(store.Revision)) { t.hooks = append(t.hooks, f) }

func (t *memTxn) Fence(store.Lease) {}

func (t *memTxn) Savepoint(f func() error) error {
	data, writes, hooks := maps.Clone(t.data), maps.Clone(t.writes), slices.Clone(t.hooks)
	err := f()
	if err != nil {
		t.data, t.writes, t.hooks = data, writes, hooks
	}
	return err
}

func (s *memStore) txn() *memTxn {
	t := &memTxn{s: s, data: map[string]store.Item{}, writes: map[string]store.Change{}}
	for k, v := range s.data {
		t.data[k] = v
	}
	return t
}

func (s *memStore) View(_ context.Context, f func(store.Reader) error) error {
	s.mu.Lock()
	t := s.txn()
	s.mu.Unlock()
	return f(t)
}

func (s *memStore) Update(_ context.Context, f func(store.Txn) error) (store.Revision, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.txn()
	if err := f(t); err != nil {
		return 0, err
	}
	if len(t.writes) == 0 {
		return s.rev, nil
	}
	if err := s.failCommit; err != nil {
		s.failCommit = nil
		return 0, err
	}
	s.rev++
	s.data = t.data
	c := store.Commit{Revision: s.rev}
	for _, w := range t.writes {
		c.Changes = append(c.Changes, w)
	}
	slices.SortFunc(c.Changes, func(a, b store.Change) int { return bytes.Compare(a.Key, b.Key) })
	s.log = append(s.log, c)
	close(s.changed)
	s.changed = make(chan struct{})
	for _, h := range t.hooks {
		h(s.rev)
	}
	if s.loseAnswer {
		s.loseAnswer = false
		return 0, store.ErrUnknownOutcome
	}
	return s.rev, nil
}

type memWatcher struct {
	s      *memStore
	match  func(key []byte) bool
	values bool
	at     store.Revision
}

func (s *memStore) Watch(_ context.Context, prefix []byte, from store.Revision) (store.Watcher, error) {
	return &memWatcher{s: s, match: func(key []byte) bool { return bytes.HasPrefix(key, prefix) }, values: true, at: from}, nil
}

func (s *memStore) WatchKeys(_ context.Context, match func(key []byte) bool, from store.Revision) (store.Watcher, error) {
	return &memWatcher{s: s, match: match, at: from}, nil
}

func (w *memWatcher) Next(ctx context.Context) (store.Commit, error) {
	for {
		w.s.mu.Lock()
		changed := w.s.changed
		for _, c := range w.s.log {
			if c.Revision <= w.at {
				continue
			}
			w.at = c.Revision
			out := store.Commit{Revision: c.Revision}
			for _, ch := range c.Changes {
				if w.match(ch.Key) {
					if !w.values {
						ch.Value = nil
					}
					out.Changes = append(out.Changes, ch)
				}
			}
			if len(out.Changes) > 0 {
				w.s.mu.Unlock()
				return out, nil
			}
		}
		w.s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return store.Commit{}, ctx.Err()
		}
	}
}

func (w *memWatcher) Progress() store.Revision { return w.at }
func (w *memWatcher) Close()                   {}

func (s *memStore) Campaign(context.Context, string, time.Duration) (store.Lease, error) {
	return nil, errors.New("memStore has no leases")
}

func (s *memStore) Close() error { return nil }

// raw is the stored value of a key.
func (s *memStore) raw(key string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.data[key].Value)
}

// set writes past everything.
func (s *memStore) set(key string, value []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data[key] = store.Item{Key: []byte(key), Value: bytes.Clone(value), Revision: s.rev}
}
