package keyslot

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"fastness/internal/clock"
	"fastness/internal/seal"
	"fastness/internal/securemem"
	"fastness/internal/store/pebble"
)

var _ AEAD = (*seal.AEAD)(nil)

// With real domain keys: rotate, rewrap, drop; then even the old contents of the
// file, put back by a forensic tool, say nothing.
func TestOldContentsOfTheFileAreNoiseAfterTheDomainKeyIsDropped(t *testing.T) {
	arena := securemem.NewArena(securemem.Options{})
	defer arena.Close()
	inner, err := pebble.Open(t.TempDir(), pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	c := clock.NewManual(time.Unix(1_800_000_000, 0))
	k, err := seal.Open(t.Context(), inner, seal.NewFile(arena, filepath.Join(t.TempDir(), "key")), seal.Options{Clock: c, Arena: arena, Initialize: true})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Seal()
	if sealedBytes != kekBytes+seal.Overhead {
		t.Fatalf("a sealed key has %d bytes, the slot %d", kekBytes+seal.Overhead, sealedBytes)
	}
	aead, err := k.AEAD(seal.PurposeKeyslot)
	if err != nil {
		t.Fatal(err)
	}
	info, err := k.Info()
	if err != nil {
		t.Fatal(err)
	}
	disk := newCrashDisk(nil, 0, 1)
	o := Options{Installation: info.Installation, AEAD: aead, Arena: arena, Create: true}
	f, err := OpenDevice(t.Context(), disk, o)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	kept, keptKey := allocate(t, f, "kept")
	victim, victimKey := allocate(t, f, "victim")
	residue := disk.afterCrash()
	disk.dead = false
	wantKEK(t, f, victim, "victim", victimKey)
	if err := f.Shred(t.Context(), victim); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Rotate(t.Context(), seal.PurposeKeyslot); err != nil {
		t.Fatal(err)
	}
	if done, more, err := f.Rewrap(t.Context(), 10); done != 1 || more || err != nil {
		t.Fatalf("%d, %v, %v", done, more, err)
	}
	c.Advance(2 * time.Hour)
	if err := k.Drop(t.Context(), seal.PurposeKeyslot, 1); err != nil {
		t.Fatal(err)
	}
	wantKEK(t, f, kept, "kept", keptKey)
	old, err := OpenDevice(t.Context(), newCrashDisk(residue, 0, 1), o)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if _, err := old.OpenSlot(t.Context(), victim, "victim"); !errors.Is(err, seal.ErrUnknownVersion) {
		t.Errorf("the old contents: %v", err)
	}
}
