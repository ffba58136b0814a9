package keyslot

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// Rewrap seals up to limit KEKs again that are sealed with an older version of the
// domain key. It returns how many it did and whether any are left.
func (f *File) Rewrap(ctx context.Context, limit int) (done int, more bool, err error) {
	active, err := f.opts.AEAD.Active()
	if err != nil {
		return 0, false, err
	}
	var ids []SlotID
	f.mu.Lock()
	for i, s := range f.slots {
		if s.state != live || s.version >= active {
			continue
		}
		if len(ids) == limit {
			more = true
			break
		}
		ids = append(ids, SlotID{Index: uint32(i), Generation: s.gen})
	}
	f.mu.Unlock()
	// Together, so that they share the syncs, but in bounded numbers.
	for part := range slices.Chunk(ids, maxBatch/4) {
		if err := ctx.Err(); err != nil {
			return done, true, err
		}
		errs := make([]error, len(part))
		var wg sync.WaitGroup
		for i, id := range part {
			wg.Go(func() { errs[i] = f.rewrapSlot(id) })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			return done, true, err
		}
		done += len(part)
	}
	return done, more, nil
}

func (f *File) rewrapSlot(id SlotID) error {
	switch err := f.lockSlot(id); {
	case errors.Is(err, ErrGone):
		return nil
	case err != nil:
		return err
	}
	f.mu.Lock()
	s := f.slots[id.Index]
	f.mu.Unlock()
	s.busy = false
	defer func() { f.unlockSlot(id.Index, s) }()
	if s.state != live {
		return nil
	}
	m, err := f.readSlot(id)
	if err != nil {
		return err
	}
	kek, err := f.openImage(m, id.Index)
	if err != nil {
		return err
	}
	defer kek.Destroy()
	m.seq++
	err = use(kek, func(k []byte) error { return f.sealInto(&m, id.Index, k) })
	if err != nil {
		return err
	}
	v, err := f.opts.AEAD.Version(m.sealed[:])
	if err != nil {
		return err
	}
	if err := f.w.do(liveOp(id.Index, m)); err != nil {
		return err
	}
	s.seq, s.version = m.seq, v
	return nil
}
