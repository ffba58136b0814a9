package pebble

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"sync/atomic"

	"fastness/internal/store"

	lsm "github.com/cockroachdb/pebble/v2"
)

// reader reads the state at rev: of each key the newest version not above rev.
type reader struct {
	s    *Store
	ctx  context.Context
	rev  store.Revision
	iter *lsm.Iterator // pins one state of the tree; Get moves it, Scan clones it; nil before the first read
	buf  []byte        // scratch for keys
	over bool          // the function that was given the reader has returned
	lost bool          // the versions of rev are gone; see open
}

var errReaderOver = errors.New("store: reader used after its View or Update ended")

// newReader opens a reader at the revision that at holds.
func (s *Store) newReader(ctx context.Context, at *atomic.Uint64) (*reader, error) {
	for {
		r := &reader{s: s, ctx: ctx, rev: store.Revision(at.Load())}
		// When the versions of this revision are gone, the next try finds a later one.
		if err := r.open(); !errors.Is(err, errRetry) {
			return r, err
		}
	}
}

// open opens the iterator. It is opened after rev was read, so the versions of rev
// could have been trimmed in between; that needs a whole change log of commits, and
// gives errRetry.
func (r *reader) open() error {
	it, err := r.s.db.NewIter(spaceBounds(spaceData))
	if err != nil {
		return r.s.readErr(err)
	}
	if r.s.horizon.Load() > uint64(r.rev) {
		r.lost = true
		return errors.Join(errRetry, it.Close())
	}
	r.iter = it
	return nil
}

// ready opens the iterator of a transaction at its first read: one that only writes
// needs none.
func (r *reader) ready() error {
	if r.over {
		return errReaderOver
	}
	if r.iter != nil {
		return nil
	}
	return r.open()
}

func (r *reader) close() {
	r.over = true
	if r.iter != nil {
		// Close reports errors that the reads reported already.
		_ = r.iter.Close()
	}
}

// Revision is the revision of the state that is read.
func (r *reader) Revision() store.Revision { return r.rev }

// Get returns the item under key.
func (r *reader) Get(key []byte) (store.Item, error) {
	if err := r.ready(); err != nil {
		return store.Item{}, err
	}
	if len(key) == 0 || len(key) > store.MaxKeyBytes {
		return store.Item{}, store.ErrNotFound
	}
	r.buf = versionKey(r.buf[:0], key, r.rev)
	if !r.iter.SeekPrefixGE(r.buf) {
		if err := r.iter.Error(); err != nil {
			return store.Item{}, r.s.readErr(err)
		}
		return store.Item{}, store.ErrNotFound
	}
	item, live, err := currentItem(r.iter)
	if err != nil {
		return store.Item{}, r.s.readErr(err)
	}
	if !live {
		return store.Item{}, store.ErrNotFound
	}
	return item, nil
}

var errVersion = errors.New("damaged version")

// currentItem copies the version an iterator stands on; live is false for a deletion.
func currentItem(it *lsm.Iterator) (item store.Item, live bool, err error) {
	name, rev, ok := splitVersion(it.Key())
	if !ok {
		return item, false, errVersion
	}
	v, err := it.ValueAndErr()
	if err != nil {
		return item, false, err
	}
	if len(v) == 0 {
		return item, false, errVersion
	}
	if v[0] != valueLive {
		return item, false, nil
	}
	buf := make([]byte, len(name)+len(v)-1)
	n := copy(buf, name)
	copy(buf[n:], v[1:])
	return store.Item{Key: buf[:n:n], Value: buf[n:], Revision: rev}, true, nil
}

// Scan yields the items of rg in order.
func (r *reader) Scan(rg store.Range) iter.Seq2[store.Item, error] {
	return func(yield func(store.Item, error) bool) {
		left := rg.Limit
		r.scan(rg, func(it store.Item, err error) bool {
			left--
			return yield(it, err) && err == nil && left != 0
		})
	}
}

// contextEvery is the number of items between two looks at the context.
const contextEvery = 64

// scan calls yield for the items of rg, regardless of its limit, until yield returns
// false. An error is the last call.
func (r *reader) scan(rg store.Range, yield func(store.Item, error) bool) {
	if err := r.ready(); err != nil {
		yield(store.Item{}, err)
		return
	}
	if rg.End != nil && bytes.Compare(rg.Start, rg.End) >= 0 {
		return
	}
	bounds := spaceBounds(spaceData)
	bounds.LowerBound = plainKey(nil, spaceData, rg.Start)
	if rg.End != nil {
		bounds.UpperBound = plainKey(nil, spaceData, rg.End)
	}
	it, err := r.iter.Clone(lsm.CloneOptions{IterOptions: bounds})
	if err != nil {
		yield(store.Item{}, r.s.readErr(err))
		return
	}
	defer it.Close()
	count := 0
	visit := func(item store.Item) bool {
		if count++; count%contextEvery == 0 && r.ctx.Err() != nil {
			yield(store.Item{}, r.ctx.Err())
			return false
		}
		return yield(item, nil)
	}
	if rg.Reverse {
		err = r.backward(it, visit)
	} else {
		err = r.forward(it, visit)
	}
	if err != nil {
		yield(store.Item{}, r.s.readErr(err))
	}
}

func (r *reader) forward(it *lsm.Iterator, visit func(store.Item) bool) error {
	var seek []byte
	for ok := it.First(); ok; {
		name, rev, valid := splitVersion(it.Key())
		if !valid {
			return errVersion
		}
		if rev > r.rev {
			// The next stop is the newest visible version of this key or the first of
			// the next key; both are looked at anew.
			seek = versionKey(seek[:0], name, r.rev)
			ok = it.SeekGE(seek)
			continue
		}
		item, live, err := currentItem(it)
		if err != nil {
			return err
		}
		if live && !visit(item) {
			return nil
		}
		ok = it.NextPrefix()
	}
	return it.Error()
}

func (r *reader) backward(it *lsm.Iterator, visit func(store.Item) bool) error {
	var prefix, seek []byte
	for ok := it.Last(); ok; {
		// The iterator stands on the oldest version of a key.
		name, rev, valid := splitVersion(it.Key())
		if !valid {
			return errVersion
		}
		prefix = plainKey(prefix[:0], spaceData, name)
		var item store.Item
		var live bool
		var err error
		if rev <= r.rev {
			if item, live, err = currentItem(it); err != nil {
				return err
			}
		}
		ok = it.Prev()
		if ok && bytes.HasPrefix(it.Key(), prefix) && len(it.Key()) == len(prefix)+versionLen {
			// Several versions: seek the newest visible one, then go below the key.
			seek = versionKey(seek[:0], prefix[1:len(prefix)-1], r.rev)
			live = false
			if it.SeekGE(seek) && bytes.HasPrefix(it.Key(), prefix) && len(it.Key()) == len(prefix)+versionLen {
				if item, live, err = currentItem(it); err != nil {
					return err
				}
			}
			if err := it.Error(); err != nil {
				return err
			}
			ok = it.SeekLT(prefix)
		}
		if live && !visit(item) {
			return nil
		}
	}
	return it.Error()
}
