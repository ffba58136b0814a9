package keyslot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
)

// Report is what Check found.
type Report struct {
	Slots int // slots in the file
	Live  int // slots in use
	// Orphans are live slots that no reference names. Shred them: their owner's record
	// was never committed.
	Orphans []SlotID
	// Missing are references whose slot is gone: that key cannot be opened any more.
	Missing []SlotID
	// Unopenable are references whose slot is there but does not open for the owner.
	Unopenable []SlotID
	// Damaged are slots of which both copies are damaged; they are not used again.
	Damaged []uint32
}

// Clean reports whether nothing is wrong.
func (r Report) Clean() bool {
	return len(r.Orphans)+len(r.Missing)+len(r.Unopenable)+len(r.Damaged) == 0
}

// Check compares the slots with the references (slot and owner) of all records and
// opens each one. A slot that was allocated but whose record is not committed yet
// looks like an orphan: run Check while nothing allocates, as at the start.
func (f *File) Check(ctx context.Context, refs iter.Seq2[SlotID, string]) (Report, error) {
	var r Report
	named := map[SlotID]bool{}
	for id, owner := range refs {
		named[id] = true
		kek, err := f.OpenSlot(ctx, id, owner)
		switch {
		case err == nil:
			kek.Destroy()
		case errors.Is(err, ErrGone):
			r.Missing = append(r.Missing, id)
		case errors.Is(err, ErrClosed) || ctx.Err() != nil:
			return Report{}, err
		default:
			r.Unopenable = append(r.Unopenable, id)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	r.Slots = len(f.slots)
	for i, s := range f.slots {
		id := SlotID{Index: uint32(i), Generation: s.gen}
		switch s.state {
		case live:
			r.Live++
			if !named[id] {
				r.Orphans = append(r.Orphans, id)
			}
		case invalid:
			r.Damaged = append(r.Damaged, uint32(i))
		}
	}
	return r, nil
}

// Backup writes a copy of the file to w. It is a file that Open takes. No change runs
// meanwhile. The copy can bring back keys that are deleted later; see the package
// comment.
func (f *File) Backup(ctx context.Context, w io.Writer) error {
	f.w.paused.Lock()
	defer f.w.paused.Unlock()
	f.mu.Lock()
	closed, size := f.closed, offset(uint32(len(f.slots)), 0)
	f.mu.Unlock()
	if closed {
		return ErrClosed
	}
	buf := make([]byte, pageBytes)
	for off := int64(0); off < size; off += pageBytes {
		if err := ctx.Err(); err != nil {
			return err
		}
		clear(buf)
		if _, err := f.dev.ReadAt(buf, off); err != nil && err != io.EOF {
			return fmt.Errorf("keyslot: reading for the backup: %w", err)
		}
		if _, err := w.Write(buf); err != nil {
			return fmt.Errorf("keyslot: writing the backup: %w", err)
		}
	}
	return nil
}
