package app

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"fastness/internal/keyslot"
)

// TestSlotsAreMadeAfterACrashBeforeTheirFile opens a store that was initialized by a
// process that ended before it made the file.
func TestSlotsAreMadeAfterACrashBeforeTheirFile(t *testing.T) {
	c := newCellar(t)
	f, err := c.openSlots()
	c.must(err)
	c.must(f.Close())
	// And one that ended before it noted that it had made the file.
	c2 := newCellar(t)
	f, err = c2.openSlots()
	c2.must(err)
	c2.must(f.Close())
	made, err := c2.own.slotFileMade(t.Context(), c2.sealed)
	c2.must(err)
	if !made {
		t.Error("the file is not noted")
	}
}

func TestALostSlotFileIsNotMadeAgain(t *testing.T) {
	c := newCellar(t)
	f, err := c.openSlots()
	c.must(err)
	c.must(f.Close())
	path := filepath.Join(c.config.DataDir, slotsFile)
	c.must(os.Remove(path))
	for range 2 {
		if _, err := c.openSlots(); !errors.Is(err, keyslot.ErrMissing) {
			t.Errorf("opening a lost file: %v", err)
		}
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the file was made again")
	}
}

func TestSlotsWithoutARecordAreDestroyedAtTheStart(t *testing.T) {
	c := newCellar(t)
	slots := c.slots()
	id, kek, err := slots.Allocate(t.Context(), "nobody")
	c.must(err)
	kek.Destroy()
	c.config.Log = slog.New(slog.DiscardHandler)
	a := &App{config: *c.config}
	c.must(a.sweepSlots(t.Context(), slots, c.sealed))
	if _, err := slots.OpenSlot(t.Context(), id, "nobody"); !errors.Is(err, keyslot.ErrGone) {
		t.Errorf("the slot is still there: %v", err)
	}
}
