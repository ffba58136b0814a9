package pebble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"fastness/internal/store"

	lsm "github.com/cockroachdb/pebble/v2"
)

var (
	errLoading = errors.New("store: a restore is running")
	errInUse   = errors.New("store: in use")
)

// loadBatchBytes is the size of the batches that Load writes.
const loadBatchBytes = 1 << 20

// Load fills this empty store with img. Until the last item has arrived without error
// and everything is durable, nothing of it can be seen: the items carry revisions that
// readers do not reach. After an error, or a crash, the store is empty as before.
func (s *Store) Load(ctx context.Context, img store.Image) error {
	if err := s.beginLoad(); err != nil {
		return err
	}
	defer func() {
		s.mu.Lock()
		s.loading = false
		s.mu.Unlock()
		s.done()
	}()
	if err := s.checkEmpty(); err != nil {
		return err
	}
	marker := plainKey(nil, spaceMeta, []byte(metaLoading))
	if err := s.db.Set(marker, nil, lsm.Sync); err != nil {
		return s.readErr(err)
	}
	if err := s.loadItems(ctx, img); err != nil {
		return errors.Join(err, s.clearLoad())
	}
	b := s.db.NewBatch()
	defer b.Close()
	err := b.Delete(marker, nil)
	for name, token := range img.Tokens {
		if err == nil {
			err = s.loadToken(b, name, token)
		}
	}
	base := binary.BigEndian.AppendUint64(nil, uint64(img.Revision))
	base = binary.BigEndian.AppendUint64(base, 0)
	if err == nil {
		err = b.Set(plainKey(nil, spaceMeta, []byte(metaBase)), base, nil)
	}
	if err == nil {
		err = s.db.Apply(b, lsm.Sync)
	}
	if err != nil {
		return errors.Join(s.readErr(err), s.clearLoad())
	}
	s.leases.forget()
	s.recent.start = img.Revision
	s.horizon.Store(uint64(img.Revision))
	s.applied.Store(uint64(img.Revision))
	s.feed.start(img.Revision)
	s.durable.Store(uint64(img.Revision))
	return nil
}

// beginLoad shuts every other call out; it needs a moment in which there is none.
func (s *Store) beginLoad() error {
	if err := s.begin(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active != 1 {
		s.active--
		return fmt.Errorf("%w: restore needs the store to itself", errInUse)
	}
	s.loading = true
	return nil
}

func (s *Store) checkEmpty() error {
	if s.applied.Load() != 0 {
		return store.ErrNotEmpty
	}
	it, err := s.db.NewIter(spaceBounds(spaceData))
	if err != nil {
		return s.readErr(err)
	}
	defer it.Close()
	if it.First() {
		return store.ErrNotEmpty
	}
	return it.Error()
}

func (s *Store) loadItems(ctx context.Context, img store.Image) error {
	b := s.db.NewBatch()
	defer func() { b.Close() }()
	for item, err := range img.Items {
		if err != nil {
			return err
		}
		if item.Revision == 0 || item.Revision > img.Revision {
			return fmt.Errorf("store: load: key %x has revision %d, image %d", item.Key, item.Revision, img.Revision)
		}
		if len(item.Key) == 0 || len(item.Key) > store.MaxKeyBytes || len(item.Value) > store.MaxValueBytes {
			return fmt.Errorf("store: load: %w", store.ErrTooLarge)
		}
		p := pending{revision: item.Revision, writes: []write{{key: item.Key, value: item.Value}}}
		if err := putVersions(b, &p); err != nil {
			return s.readErr(err)
		}
		if b.Len() < loadBatchBytes {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.db.Apply(b, lsm.NoSync); err != nil {
			return s.readErr(err)
		}
		if err := b.Close(); err != nil {
			return s.readErr(err)
		}
		b = s.db.NewBatch()
	}
	if err := s.db.Apply(b, lsm.NoSync); err != nil {
		return s.readErr(err)
	}
	return nil
}

// loadToken sets a fencing token, never below the one that is there.
func (s *Store) loadToken(b *lsm.Batch, name string, token uint64) error {
	if name == "" || len(name) > store.MaxKeyBytes {
		return fmt.Errorf("store: load: bad lease name %q", name)
	}
	key := plainKey(nil, spaceLease, []byte(name))
	have, err := s.readToken(key)
	if err != nil {
		return err
	}
	return b.Set(key, binary.BigEndian.AppendUint64(nil, max(have, token)), nil)
}

// forget makes the next campaigns read their tokens from the tree.
func (ls *leases) forget() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	clear(ls.tokens)
}

// clearLoad removes what an unfinished Load wrote.
func (s *Store) clearLoad() error {
	b := s.db.NewBatch()
	defer b.Close()
	bounds := spaceBounds(spaceData)
	if err := b.DeleteRange(bounds.LowerBound, bounds.UpperBound, nil); err != nil {
		return err
	}
	if err := b.Delete(plainKey(nil, spaceMeta, []byte(metaLoading)), nil); err != nil {
		return err
	}
	return s.db.Apply(b, lsm.Sync)
}

// LeaseTokens returns the last fencing token of every lease name.
func (s *Store) LeaseTokens(ctx context.Context) (map[string]uint64, error) {
	if err := s.begin(); err != nil {
		return nil, err
	}
	defer s.done()
	it, err := s.db.NewIter(spaceBounds(spaceLease))
	if err != nil {
		return nil, s.readErr(err)
	}
	defer it.Close()
	tokens := make(map[string]uint64)
	for ok := it.First(); ok; ok = it.Next() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		k, v := it.Key(), it.Value()
		if len(k) < 3 || len(v) != 8 {
			return nil, fmt.Errorf("store: damaged token of lease %q", k)
		}
		tokens[string(k[1:len(k)-1])] = binary.BigEndian.Uint64(v)
	}
	if err := it.Error(); err != nil {
		return nil, s.readErr(err)
	}
	return tokens, nil
}
