package seal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"fastness/internal/store"
)

// MaxValueBytes is the largest value that a sealed store takes; the sealed form is
// then as long as the inner store allows.
const MaxValueBytes = store.MaxValueBytes - Overhead

// Store seals every value of an inner store. It has the inner store's guarantees;
// the bounds on values and transactions are lower by Overhead for each value. Keys
// are not encrypted. The prefix of the keyring record is invisible: reading it finds
// nothing, writing it returns ErrReservedKey.
type Store struct {
	k     *Keyring
	inner store.Store
}

var _ store.Store = (*Store)(nil)

// Store returns a store whose values are sealed under PurposeStore. inner is the
// store that the keyring was opened on.
func (k *Keyring) Store(inner store.Store) *Store { return &Store{k: k, inner: inner} }

// View implements store.Store.
func (s *Store) View(ctx context.Context, f func(store.Reader) error) error {
	if _, err := s.k.domain(PurposeStore); err != nil {
		return err
	}
	return s.inner.View(ctx, func(r store.Reader) error { return f(&reader{k: s.k, inner: r}) })
}

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, f func(store.Txn) error) (store.Revision, error) {
	if _, err := s.k.domain(PurposeStore); err != nil {
		return 0, err
	}
	return s.inner.Update(ctx, func(inner store.Txn) error {
		t := &txn{reader: reader{k: s.k, inner: inner}, inner: inner}
		if err := f(t); err != nil {
			return err
		}
		return t.failed
	})
}

// Watch implements store.Store.
func (s *Store) Watch(ctx context.Context, prefix []byte, from store.Revision) (store.Watcher, error) {
	if _, err := s.k.domain(PurposeStore); err != nil {
		return nil, err
	}
	w, err := s.inner.Watch(ctx, prefix, from)
	if err != nil {
		return nil, err
	}
	return &watcher{k: s.k, inner: w}, nil
}

// WatchKeys implements store.Store.
func (s *Store) WatchKeys(ctx context.Context, match func(key []byte) bool, from store.Revision) (store.Watcher, error) {
	if _, err := s.k.domain(PurposeStore); err != nil {
		return nil, err
	}
	// There is nothing to open in what the inner watcher delivers.
	return s.inner.WatchKeys(ctx, func(key []byte) bool { return !reserved(key) && match(key) }, from)
}

// Campaign implements store.Store.
func (s *Store) Campaign(ctx context.Context, name string, ttl time.Duration) (store.Lease, error) {
	return s.inner.Campaign(ctx, name, ttl)
}

// Close closes the inner store. It does not destroy the keys: see Keyring.Seal.
func (s *Store) Close() error { return s.inner.Close() }

func reserved(key []byte) bool { return bytes.HasPrefix(key, []byte(reservedPrefix)) }

// valueAAD is the associated data of a record value, in a buffer that the caller
// puts back.
func valueAAD(buf []byte, key []byte) []byte {
	return append(append(buf[:0], "value\x00"...), key...)
}

// open opens a sealed value in place.
func (k *Keyring) openValue(r store.Reader, key, sealed []byte) ([]byte, error) {
	v, err := header(sealed)
	if err != nil {
		return nil, fmt.Errorf("value of key %q: %w", key, err)
	}
	d, err := k.domain(PurposeStore)
	if err != nil {
		return nil, err
	}
	x := d.keys[v]
	if x == nil {
		if x, err = k.versionInSnapshot(r, v); err != nil {
			return nil, fmt.Errorf("value of key %q: %w", key, err)
		}
	}
	buf := aadPool.Get().(*[]byte)
	*buf = valueAAD(*buf, key)
	const at = headerBytes + saltBytes
	out, err := openVersion(x, sealed[at:at:len(sealed)], sealed, *buf)
	aadPool.Put(buf)
	if err != nil {
		return nil, fmt.Errorf("value of key %q: %w", key, err)
	}
	return out, nil
}

// versionInSnapshot finds a version that memory does not know: another process has
// rotated the key, and the snapshot that holds the value also holds the keyring
// record that came before it.
func (k *Keyring) versionInSnapshot(r store.Reader, v uint32) (*xaes, error) {
	d, err := k.domain(PurposeStore)
	if err != nil {
		return nil, err
	}
	if v < d.active || v-d.active > maxAhead {
		return nil, fmt.Errorf("%w: %s version %d", ErrUnknownVersion, PurposeStore, v)
	}
	if r == nil {
		return k.version(PurposeStore, v)
	}
	raw, err := readRecord(r)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ring.Load() == nil {
		return nil, ErrSealed
	}
	if err := k.adopt(context.Background(), raw); err != nil {
		return nil, err
	}
	if d, err = k.domain(PurposeStore); err != nil {
		return nil, err
	}
	if x := d.keys[v]; x != nil {
		return x, nil
	}
	return nil, fmt.Errorf("%w: %s version %d", ErrUnknownVersion, PurposeStore, v)
}

// reader opens what an inner reader reads.
type reader struct {
	k     *Keyring
	inner store.Reader
}

// Get implements store.Reader.
func (r *reader) Get(key []byte) (store.Item, error) {
	if reserved(key) {
		return store.Item{}, store.ErrNotFound
	}
	it, err := r.inner.Get(key)
	if err != nil {
		return store.Item{}, err
	}
	if it.Value, err = r.k.openValue(r.inner, key, it.Value); err != nil {
		return store.Item{}, err
	}
	return it, nil
}

// Scan implements store.Reader.
func (r *reader) Scan(rg store.Range) iter.Seq2[store.Item, error] {
	return func(yield func(store.Item, error) bool) {
		left := rg.Limit
		for _, part := range withoutReserved(rg) {
			if part.Limit = left; rg.Limit > 0 && left == 0 {
				return
			}
			for it, err := range r.inner.Scan(part) {
				if err == nil {
					it.Value, err = r.k.openValue(r.inner, it.Key, it.Value)
				}
				if err != nil {
					yield(store.Item{}, err)
					return
				}
				if !yield(it, nil) {
					return
				}
				left--
			}
		}
	}
}

// withoutReserved cuts the keyring's keys out of a range, in the order of the walk.
func withoutReserved(r store.Range) []store.Range {
	lo := []byte(reservedPrefix)
	hi := store.PrefixEnd(lo)
	if bytes.Compare(r.Start, hi) >= 0 || (r.End != nil && bytes.Compare(r.End, lo) <= 0) {
		return []store.Range{r}
	}
	var parts []store.Range
	if bytes.Compare(r.Start, lo) < 0 {
		before := r
		before.End = lo
		parts = append(parts, before)
	}
	if r.End == nil || bytes.Compare(r.End, hi) > 0 {
		after := r
		after.Start = hi
		parts = append(parts, after)
	}
	if r.Reverse && len(parts) == 2 {
		parts[0], parts[1] = parts[1], parts[0]
	}
	return parts
}

// Revision implements store.Reader.
func (r *reader) Revision() store.Revision { return r.inner.Revision() }

// txn seals what it writes.
type txn struct {
	reader
	inner store.Txn
	// failed is the first error of a write: a transaction in which a write failed does
	// not commit, even if its function overlooked the error.
	failed error
}

// fail remembers the first error of a write.
func (t *txn) fail(err error) error {
	if err != nil && t.failed == nil {
		t.failed = err
	}
	return err
}

// sealPool keeps buffers for sealed values on their way to the inner store.
var sealPool = sync.Pool{New: func() any { return new(make([]byte, 0, 4096)) }}

// maxPooledBytes keeps rare large buffers out of the pool.
const maxPooledBytes = 64 << 10

// Put implements store.Txn.
func (t *txn) Put(key, value []byte) error { return t.fail(t.put(key, value)) }

func (t *txn) put(key, value []byte) error {
	if reserved(key) {
		return ErrReservedKey
	}
	if len(value) > MaxValueBytes {
		return fmt.Errorf("%w: value of %d bytes", store.ErrTooLarge, len(value))
	}
	d, err := t.k.domain(PurposeStore)
	if err != nil {
		return err
	}
	aad := aadPool.Get().(*[]byte)
	*aad = valueAAD(*aad, key)
	buf := sealPool.Get().(*[]byte)
	out, err := sealVersion(d.keys[d.active], d.active, (*buf)[:0], value, *aad)
	aadPool.Put(aad)
	if err == nil {
		err = t.inner.Put(key, out)
	}
	if cap(out) > cap(*buf) && cap(out) <= maxPooledBytes {
		*buf = out
	}
	sealPool.Put(buf)
	return err
}

// Delete implements store.Txn.
func (t *txn) Delete(key []byte) error {
	if reserved(key) {
		return t.fail(ErrReservedKey)
	}
	return t.fail(t.inner.Delete(key))
}

// OnCommit implements store.Txn.
func (t *txn) OnCommit(f func(store.Revision)) { t.inner.OnCommit(f) }

// Fence implements store.Txn.
func (t *txn) Fence(l store.Lease) { t.inner.Fence(l) }

// Savepoint implements store.Txn.
func (t *txn) Savepoint(f func() error) error {
	failed := t.failed
	err := t.inner.Savepoint(f)
	if err != nil {
		t.failed = failed
	}
	return err
}

// watcher opens what an inner watcher reports.
type watcher struct {
	k     *Keyring
	inner store.Watcher
}

// Next implements store.Watcher. Commits that touch only the keyring are left out.
func (w *watcher) Next(ctx context.Context) (store.Commit, error) {
	for {
		c, err := w.inner.Next(ctx)
		if err != nil {
			return store.Commit{}, err
		}
		out := make([]store.Change, 0, len(c.Changes))
		for _, ch := range c.Changes {
			if reserved(ch.Key) {
				continue
			}
			if !ch.Deleted {
				if ch.Value, err = w.k.openWatched(ctx, ch.Key, ch.Value); err != nil {
					return store.Commit{}, err
				}
			}
			out = append(out, ch)
		}
		if len(out) > 0 {
			c.Changes = out
			return c, nil
		}
	}
}

// openWatched opens a value of a watched commit. A version that memory does not know
// makes it read the keyring record again.
func (k *Keyring) openWatched(ctx context.Context, key, sealed []byte) ([]byte, error) {
	if d, err := k.domain(PurposeStore); err != nil {
		return nil, err
	} else if v, err := header(sealed); err == nil && d.keys[v] == nil && v > d.active {
		if err := k.Reload(ctx); err != nil && !errors.Is(err, ErrIntegrity) {
			return nil, err
		}
	}
	// A watcher may deliver the same slice to several; opening works in place.
	return k.openValue(nil, key, bytes.Clone(sealed))
}

// Progress implements store.Watcher.
func (w *watcher) Progress() store.Revision { return w.inner.Progress() }

// Close implements store.Watcher.
func (w *watcher) Close() { w.inner.Close() }
