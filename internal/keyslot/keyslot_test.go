package keyslot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"fastness/internal/securemem"
)

type fixture struct {
	path string
	aead *testAEAD
	o    Options
}

func newFixture(t testing.TB) fixture {
	t.Helper()
	arena := securemem.NewArena(securemem.Options{})
	t.Cleanup(arena.Close)
	aead := newTestAEAD(t)
	return fixture{
		path: filepath.Join(t.TempDir(), "keyslots"),
		aead: aead,
		o:    Options{Installation: "0123456789abcdef0123456789abcdef", AEAD: aead, Arena: arena, Create: true},
	}
}

func (x fixture) open(t testing.TB) *File {
	t.Helper()
	f, err := Open(t.Context(), x.path, x.o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func allocate(t testing.TB, f *File, owner string) (SlotID, []byte) {
	t.Helper()
	id, kek, err := f.Allocate(t.Context(), owner)
	if err != nil {
		t.Fatal(err)
	}
	defer kek.Destroy()
	var b []byte
	_ = kek.With(func(k []byte) { b = bytes.Clone(k) })
	return id, b
}

func wantKEK(t *testing.T, f *File, id SlotID, owner string, want []byte) {
	t.Helper()
	kek, err := f.OpenSlot(t.Context(), id, owner)
	if err != nil {
		t.Fatalf("%v: %v", id, err)
	}
	defer kek.Destroy()
	if !kek.Equal(want) {
		t.Fatalf("%v: another key", id)
	}
}

func TestSlotsSurviveReopening(t *testing.T) {
	x := newFixture(t)
	f := x.open(t)
	keys := map[SlotID][]byte{}
	for i := range 600 { // past the first growth
		id, k := allocate(t, f, fmt.Sprint("owner", i%7))
		keys[id] = k
		if _, err := f.OpenSlot(t.Context(), id, "stranger"); !errors.Is(err, ErrOwner) {
			t.Fatalf("another owner: %v", err)
		}
	}
	if len(keys) != 600 {
		t.Fatalf("%d different slots", len(keys))
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f = x.open(t)
	n := 0
	for id, k := range keys {
		for i := range 7 {
			kek, err := f.OpenSlot(t.Context(), id, fmt.Sprint("owner", i))
			if err == nil {
				if !kek.Equal(k) {
					t.Fatal("another key")
				}
				n++
			}
			kek.Destroy()
		}
	}
	if n != 600 {
		t.Errorf("%d of 600 keys opened", n)
	}
}

func TestShreddedSlotIsGoneFromTheFileAndReused(t *testing.T) {
	x := newFixture(t)
	f := x.open(t)
	other, otherKey := allocate(t, f, "other")
	id, _ := allocate(t, f, "victim")
	sealed := make([]byte, sealedBytes)
	if _, err := f.dev.ReadAt(sealed, offset(id.Index, 0)+offSealed); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(x.path)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(whole, sealed); n != 2 {
		t.Fatalf("the live key is in the file %d times, want 2", n)
	}
	var before bytes.Buffer
	if err := f.Backup(t.Context(), &before); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is gone, which is no error
		if err := f.Shred(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.OpenSlot(t.Context(), id, "victim"); !errors.Is(err, ErrGone) {
		t.Errorf("after Shred: %v", err)
	}
	if whole, err = os.ReadFile(x.path); err != nil || bytes.Contains(whole, sealed) || bytes.Contains(whole, sealed[29:61]) {
		t.Errorf("the shredded key is still in the file (%v)", err)
	}
	again, _ := allocate(t, f, "victim")
	if again.Index != id.Index || again.Generation == id.Generation {
		t.Errorf("slot %v was not reused with another generation: %v", id, again)
	}
	if _, err := f.OpenSlot(t.Context(), id, "victim"); !errors.Is(err, ErrGone) {
		t.Errorf("the old identifier opens the new key: %v", err)
	}
	if err := f.Shred(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	wantKEK(t, f, other, "other", otherKey)
	kek, err := f.OpenSlot(t.Context(), again, "victim")
	if err != nil {
		t.Errorf("a repeated Shred of the old identifier destroyed the new key: %v", err)
	}
	kek.Destroy()
	// A backup from before is what brings the key back: documented.
	y := x
	y.path = filepath.Join(t.TempDir(), "restored")
	if err := os.WriteFile(y.path, before.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	kek, err = y.open(t).OpenSlot(t.Context(), id, "victim")
	if err != nil {
		t.Errorf("restored backup: %v", err)
	}
	kek.Destroy()
}

func TestRewrapMovesEveryKeyToTheActiveVersion(t *testing.T) {
	x := newFixture(t)
	f := x.open(t)
	keys := map[SlotID][]byte{}
	for range 50 {
		id, k := allocate(t, f, "o")
		keys[id] = k
	}
	x.aead.active.Store(2)
	done, more, err := f.Rewrap(t.Context(), 20)
	if done != 20 || !more || err != nil {
		t.Fatalf("first part: %d, %v, %v", done, more, err)
	}
	done, more, err = f.Rewrap(t.Context(), 1000)
	if done != 30 || more || err != nil {
		t.Fatalf("second part: %d, %v, %v", done, more, err)
	}
	if done, more, err = f.Rewrap(t.Context(), 1000); done != 0 || more || err != nil {
		t.Fatalf("nothing left: %d, %v, %v", done, more, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f = x.open(t)
	for id, k := range keys {
		wantKEK(t, f, id, "o", k)
		if v := f.slots[id.Index].version; v != 2 {
			t.Fatalf("%v is sealed with version %d", id, v)
		}
	}
}

// countingDevice counts the syncs of a device.
type countingDevice struct {
	Device
	syncs atomic.Int64
}

func (d *countingDevice) Sync() error { d.syncs.Add(1); return d.Device.Sync() }

func TestConcurrentAllocationsShareSyncs(t *testing.T) {
	x := newFixture(t)
	if err := x.open(t).Close(); err != nil {
		t.Fatal(err)
	}
	dev, err := openFile(x.path)
	if err != nil {
		t.Fatal(err)
	}
	c := &countingDevice{Device: dev}
	f, err := OpenDevice(t.Context(), c, x.o)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const creators, each = 64, 20
	var wg sync.WaitGroup
	for g := range creators {
		wg.Go(func() {
			for i := range each {
				id, kek, err := f.Allocate(t.Context(), fmt.Sprint(g))
				if err != nil {
					t.Error(err)
					return
				}
				kek.Destroy()
				if i%5 == 0 {
					if err := f.Shred(t.Context(), id); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	// Alone, each allocation costs 2 syncs and each shredding 4.
	if alone, got := int64(creators*each*2+creators*each/5*4), c.syncs.Load(); got > alone/4 {
		t.Errorf("%d syncs, alone it were %d", got, alone)
	}
	if r, err := f.Check(t.Context(), maps.All(map[SlotID]string{})); err != nil || r.Live != creators*each*4/5 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestCheckFindsOrphansAndMissing(t *testing.T) {
	x := newFixture(t)
	f := x.open(t)
	kept, _ := allocate(t, f, "kept")
	orphan, _ := allocate(t, f, "orphan")
	gone, _ := allocate(t, f, "gone")
	stolen, _ := allocate(t, f, "rightful")
	if err := f.Shred(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	r, err := f.Check(t.Context(), maps.All(map[SlotID]string{kept: "kept", gone: "gone", stolen: "other"}))
	if err != nil {
		t.Fatal(err)
	}
	if r.Clean() || r.Live != 3 || fmt.Sprint(r.Orphans, r.Missing, r.Unopenable, r.Damaged) != fmt.Sprint([]SlotID{orphan}, []SlotID{gone}, []SlotID{stolen}, []uint32(nil)) {
		t.Errorf("%+v", r)
	}
}

func TestOneDamagedCopyIsRepairedTwoAreReported(t *testing.T) {
	x := newFixture(t)
	f := x.open(t)
	id, key := allocate(t, f, "o")
	dead, _ := allocate(t, f, "d")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(x.path)
	if err != nil {
		t.Fatal(err)
	}
	for c := range 2 {
		for at := range copyBytes {
			img := bytes.Clone(raw)
			img[offset(id.Index, c)+int64(at)] ^= 0x20
			img[offset(dead.Index, 0)+int64(at)] ^= 1
			img[offset(dead.Index, 1)+int64(at)] ^= 1
			if err := os.WriteFile(x.path, img, 0o600); err != nil {
				t.Fatal(err)
			}
			f := x.open(t)
			wantKEK(t, f, id, "o", key)
			if _, err := f.OpenSlot(t.Context(), dead, "d"); !errors.Is(err, ErrDamaged) {
				t.Fatalf("copy %d byte %d: both copies damaged: %v", c, at, err)
			}
			r, err := f.Check(t.Context(), maps.All(map[SlotID]string{id: "o"}))
			if err != nil || len(r.Damaged) != 1 || r.Damaged[0] != dead.Index {
				t.Fatalf("%+v, %v", r, err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			fixed, err := os.ReadFile(x.path)
			if err != nil || !bytes.Equal(fixed[offset(id.Index, c):][:copyBytes], raw[offset(id.Index, c):][:copyBytes]) {
				t.Fatalf("copy %d byte %d was not repaired (%v)", c, at, err)
			}
		}
	}
}

func TestSlotMovedToAnotherPlaceDoesNotOpen(t *testing.T) {
	x := newFixture(t)
	f := x.open(t)
	a, _ := allocate(t, f, "o")
	b, _ := allocate(t, f, "o")
	for c := range 2 {
		m, err := f.readSlot(a)
		if err != nil {
			t.Fatal(err)
		}
		m.gen = b.Generation
		if _, err := f.dev.WriteAt(encodeCopy(b.Index, m), offset(b.Index, c)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.OpenSlot(t.Context(), b, "o"); err == nil || errors.Is(err, ErrGone) {
		t.Errorf("a key copied into another slot: %v", err)
	}
}

func TestOpenRefusesForeignAndMissingFiles(t *testing.T) {
	x := newFixture(t)
	missing := x
	missing.o.Create = false
	if _, err := Open(t.Context(), missing.path, missing.o); !errors.Is(err, ErrMissing) {
		t.Errorf("missing: %v", err)
	}
	f := x.open(t)
	if _, err := Open(t.Context(), x.path, x.o); err == nil {
		t.Error("the file was opened twice")
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	foreign := x
	foreign.o.Installation = "other"
	if _, err := Open(t.Context(), x.path, foreign.o); !errors.Is(err, ErrFile) {
		t.Errorf("another installation: %v", err)
	}
	if st, err := os.Stat(x.path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	for _, content := range [][]byte{nil, []byte("short"), make([]byte, pageBytes), bytes.Repeat([]byte{0xFF}, 3*pageBytes)} {
		if err := os.WriteFile(x.path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), x.path, missing.o); !errors.Is(err, ErrFile) {
			t.Errorf("%d bytes of something else: %v", len(content), err)
		}
	}
}

// brokenDevice fails syncs when told to.
type brokenDevice struct {
	Device
	fail atomic.Bool
}

func (d *brokenDevice) Sync() error {
	if d.fail.Load() {
		return io.ErrShortWrite
	}
	return d.Device.Sync()
}

func TestFailedSyncStopsChangesUntilReopened(t *testing.T) {
	x := newFixture(t)
	d := &brokenDevice{Device: newCrashDisk(nil, 0, 1)}
	f, err := OpenDevice(t.Context(), d, x.o)
	if err != nil {
		t.Fatal(err)
	}
	id, key := allocate(t, f, "o")
	d.fail.Store(true)
	if err := f.Shred(t.Context(), id); !errors.Is(err, ErrBroken) {
		t.Errorf("Shred: %v", err)
	}
	d.fail.Store(false)
	if _, _, err := f.Allocate(t.Context(), "p"); !errors.Is(err, ErrBroken) {
		t.Errorf("Allocate after a failed sync: %v", err)
	}
	if _, err := f.OpenSlot(t.Context(), id, "o"); !errors.Is(err, ErrGone) {
		t.Errorf("a slot whose Shred began: %v", err)
	}
	_ = key
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Allocate(t.Context(), "p"); !errors.Is(err, ErrClosed) {
		t.Errorf("Allocate after Close: %v", err)
	}
	if err := f.Shred(t.Context(), id); !errors.Is(err, ErrClosed) {
		t.Errorf("Shred after Close: %v", err)
	}
}

func TestCancelledContextChangesNothing(t *testing.T) {
	x := newFixture(t)
	f := x.open(t)
	id, key := allocate(t, f, "o")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := f.Allocate(ctx, "o"); !errors.Is(err, context.Canceled) {
		t.Errorf("Allocate: %v", err)
	}
	if err := f.Shred(ctx, id); !errors.Is(err, context.Canceled) {
		t.Errorf("Shred: %v", err)
	}
	wantKEK(t, f, id, "o", key)
}

func TestSlotIDText(t *testing.T) {
	id := SlotID{Index: 7, Generation: 0xab}
	var got SlotID
	if err := got.UnmarshalText([]byte("7-00000000000000ab")); err != nil || got != id || id.String() != "7-00000000000000ab" {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "7", "7-ab", "-1-00000000000000ab", "07-00000000000000ab", "7-00000000000000AB", "4294967296-00000000000000ab"} {
		if err := got.UnmarshalText([]byte(bad)); !errors.Is(err, ErrSlotID) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzDecodeSlot(f *testing.F) {
	good := encodeCopy(3, image{state: live, gen: 5})
	f.Add(good, good)
	f.Add(make([]byte, copyBytes), good)
	f.Add(encodeCopy(3, image{state: shredding, gen: 5}), good)
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if len(a) != copyBytes || len(b) != copyBytes {
			return
		}
		ma, mb := decodeImage(a, 3), decodeImage(b, 3)
		for i, m := range []image{ma, mb} {
			if m.state != invalid && !bytes.Equal(encodeCopy(3, m), [][]byte{a, b}[i]) {
				t.Fatal("a copy that decodes is not what encodes")
			}
		}
		if m, _ := resolve(ma, mb); m.state == live && ma.state != live && mb.state != live {
			t.Fatal("a live slot of no live copy")
		}
	})
}

func FuzzSlotIDText(f *testing.F) {
	f.Add("7-00000000000000ab")
	f.Fuzz(func(t *testing.T, s string) {
		var id SlotID
		if id.UnmarshalText([]byte(s)) == nil && id.String() != s {
			t.Fatalf("%q became %v", s, id)
		}
	})
}

func BenchmarkAllocate64Creators(b *testing.B) {
	x := newFixture(b)
	f := x.open(b)
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, kek, err := f.Allocate(b.Context(), "owner")
			if err != nil {
				b.Error(err)
				return
			}
			kek.Destroy()
		}
	})
}

func BenchmarkOpenSlot(b *testing.B) {
	x := newFixture(b)
	f := x.open(b)
	id, _ := allocate(b, f, "owner")
	b.ReportAllocs()
	for b.Loop() {
		kek, err := f.OpenSlot(b.Context(), id, "owner")
		if err != nil {
			b.Fatal(err)
		}
		kek.Destroy()
	}
}
