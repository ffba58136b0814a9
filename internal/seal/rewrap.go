package seal

import (
	"context"
	"fmt"

	"fastness/internal/store"
)

const (
	// rewrapOps and rewrapBytes keep one transaction of Rewrap well below the store's
	// bounds, so that it seldom conflicts.
	rewrapOps   = 32
	rewrapBytes = 512 << 10
)

// Progress tells how far a Rewrap came.
type Progress struct {
	Scanned   int    // values looked at
	Rewrapped int    // values sealed again
	Next      []byte // where to go on, nil when Done
	Done      bool
}

// Rewrap seals values again that are sealed with an older version of the domain key,
// from the key after on (nil: from the beginning), looking at no more than limit
// values (at least 1). Watchers see each rewrapped value as a change to the same
// value. When a walk that began after the last Rotate is done, Drop takes the older
// versions.
func (s *Store) Rewrap(ctx context.Context, after []byte, limit int) (Progress, error) {
	d, err := s.k.domain(PurposeStore)
	if err != nil {
		return Progress{}, err
	}
	p := Progress{Done: true}
	var old [][]byte // keys of this transaction
	size := 0
	limit = max(limit, 1)
	err = s.inner.View(ctx, func(r store.Reader) error {
		// The smallest key after `after` is `after` with a zero byte.
		start := after
		if after != nil {
			start = append(append([]byte(nil), after...), 0)
		}
		for _, part := range withoutReserved(store.Range{Start: start}) {
			for it, err := range r.Scan(part) {
				if err != nil {
					return err
				}
				if p.Scanned == limit || len(old) == rewrapOps || (len(old) > 0 && size+len(it.Value) > rewrapBytes) {
					p.Done = false
					return nil
				}
				p.Scanned++
				p.Next = it.Key
				v, err := header(it.Value)
				if err != nil {
					return fmt.Errorf("value of key %q: %w", it.Key, err)
				}
				if v < d.active {
					old = append(old, it.Key)
					size += len(it.Value) + len(it.Key)
				}
			}
		}
		return nil
	})
	if err != nil {
		return Progress{}, fmt.Errorf("seal: looking for values to rewrap: %w", err)
	}
	if p.Done {
		p.Next = nil
	}
	if len(old) == 0 {
		return p, nil
	}
	_, err = s.inner.Update(ctx, func(inner store.Txn) error {
		p.Rewrapped = 0
		t := &txn{reader: reader{k: s.k, inner: inner}, inner: inner}
		for _, key := range old {
			it, err := inner.Get(key)
			if isNotFound(err) {
				continue
			}
			if err != nil {
				return err
			}
			if v, err := header(it.Value); err != nil || v >= d.active {
				continue // written again meanwhile
			}
			plain, err := s.k.openValue(inner, key, it.Value)
			if err != nil {
				return err
			}
			if err := t.Put(key, plain); err != nil {
				return err
			}
			p.Rewrapped++
		}
		return nil
	})
	if err != nil {
		return Progress{}, fmt.Errorf("seal: rewrapping values: %w", err)
	}
	return p, nil
}

// countVersion counts the values that are sealed with a version.
func countVersion(ctx context.Context, inner store.Store, version uint32) (n int, err error) {
	err = inner.View(ctx, func(r store.Reader) error {
		n = 0
		for _, part := range withoutReserved(store.Range{}) {
			for it, err := range r.Scan(part) {
				if err != nil {
					return err
				}
				if v, err := header(it.Value); err == nil && v == version {
					n++
				}
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("seal: counting values of version %d: %w", version, err)
	}
	return n, nil
}
