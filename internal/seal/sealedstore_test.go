package seal

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"fastness/internal/store"
)

func TestEveryFlippedBitOfAValueIsFound(t *testing.T) {
	x := newFixture(t)
	s := x.open(t).Store(x.inner)
	putValue(t, s, "k", "some value")
	good := x.inner.raw("k")
	for i := range good {
		for bit := range 8 {
			bad := bytes.Clone(good)
			bad[i] ^= 1 << bit
			x.inner.set("k", bad)
			v, err := getValue(t, s, "k")
			// A changed version names a key that is not there.
			if want := error(ErrIntegrity); !errors.Is(err, want) && (i < 1 || i > 4 || !errors.Is(err, ErrUnknownVersion)) || v != "" {
				t.Fatalf("byte %d bit %d: %q, %v", i, bit, v, err)
			}
		}
	}
	for cut := range good {
		x.inner.set("k", good[:cut])
		if _, err := getValue(t, s, "k"); !errors.Is(err, ErrIntegrity) {
			t.Fatalf("cut after %d bytes: %v", cut, err)
		}
	}
	x.inner.set("other", good)
	if _, err := getValue(t, s, "other"); !errors.Is(err, ErrIntegrity) {
		t.Errorf("a value moved to another key: %v", err)
	}
	x.inner.set("k", append(good, 0))
	if _, err := getValue(t, s, "k"); !errors.Is(err, ErrIntegrity) {
		t.Errorf("a value with a byte more: %v", err)
	}
}

func TestSealedStoreReadsItsOwnWrites(t *testing.T) {
	x := newFixture(t)
	s := x.open(t).Store(x.inner)
	committed := store.Revision(0)
	rev, err := s.Update(t.Context(), func(tx store.Txn) error {
		tx.OnCommit(func(r store.Revision) { committed = r })
		buf := []byte("first")
		if err := tx.Put([]byte("a"), buf); err != nil {
			return err
		}
		clear(buf)
		it, err := tx.Get([]byte("a"))
		if err != nil || string(it.Value) != "first" {
			return fmt.Errorf("%q, %w", it.Value, err)
		}
		if err := tx.Put([]byte("empty"), nil); err != nil {
			return err
		}
		return tx.Delete([]byte("nothing"))
	})
	if err != nil || rev != committed {
		t.Fatalf("%v; revision %d, committed %d", err, rev, committed)
	}
	wantValue(t, s, "a", "first")
	wantValue(t, s, "empty", "")
	if _, err := getValue(t, s, "nothing"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("absent key: %v", err)
	}
}

func TestTheKeyringRecordIsInvisible(t *testing.T) {
	x := newFixture(t)
	s := x.open(t).Store(x.inner)
	for _, key := range []string{"\x00", "\x00r", "\x00seal\x01", "a", "b", "\xff"} {
		putValue(t, s, key, "v"+key)
	}
	for _, key := range []string{recordKey, reservedPrefix, reservedPrefix + "x"} {
		if _, err := getValue(t, s, key); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Get(%q): %v", key, err)
		}
		for name, f := range map[string]func(store.Txn) error{
			"Put":    func(tx store.Txn) error { return tx.Put([]byte(key), nil) },
			"Delete": func(tx store.Txn) error { return tx.Delete([]byte(key)) },
		} {
			if _, err := s.Update(t.Context(), f); !errors.Is(err, ErrReservedKey) {
				t.Errorf("%s(%q): %v", name, key, err)
			}
		}
	}
	for _, c := range []struct {
		r    store.Range
		want string
	}{
		{store.Range{}, "\x00 \x00r \x00seal\x01 a b \xff"},
		{store.Range{Reverse: true}, "\xff b a \x00seal\x01 \x00r \x00"},
		{store.Range{Limit: 3}, "\x00 \x00r \x00seal\x01"},
		{store.Range{Limit: 4, Reverse: true}, "\xff b a \x00seal\x01"},
		{store.Range{Limit: 2}, "\x00 \x00r"},
		{store.Range{Start: []byte("\x00seal\x00k")}, "\x00seal\x01 a b \xff"},
		{store.Range{Start: []byte("\x00r"), End: []byte("\x00seal\x00z")}, "\x00r"},
		{store.Prefix([]byte(reservedPrefix)), ""},
		{store.Prefix([]byte("a")), "a"},
		{store.Range{Start: []byte("a"), End: []byte("b")}, "a"},
	} {
		var got []string
		err := s.View(t.Context(), func(r store.Reader) error {
			for it, err := range r.Scan(c.r) {
				if err != nil {
					return err
				}
				if string(it.Value) != "v"+string(it.Key) {
					t.Errorf("%q has value %q", it.Key, it.Value)
				}
				got = append(got, string(it.Key))
			}
			return nil
		})
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %q, %v; want %q", c.r, strings.Join(got, " "), err, c.want)
		}
	}
}

func TestScanStopsAtADamagedValue(t *testing.T) {
	x := newFixture(t)
	s := x.open(t).Store(x.inner)
	for _, key := range []string{"a", "b", "c"} {
		putValue(t, s, key, key)
	}
	x.inner.set("b", []byte("not sealed at all, but long enough to be a value with a header"))
	var got []string
	err := s.View(t.Context(), func(r store.Reader) error {
		for it, err := range r.Scan(store.Range{}) {
			if err != nil {
				return err
			}
			got = append(got, string(it.Value))
		}
		return nil
	})
	if !errors.Is(err, ErrIntegrity) || len(got) != 1 {
		t.Errorf("%q, %v", got, err)
	}
}

func TestSizesAtTheBound(t *testing.T) {
	x := newFixture(t)
	s := x.open(t).Store(x.inner)
	big := strings.Repeat("x", MaxValueBytes)
	putValue(t, s, "big", big)
	wantValue(t, s, "big", big)
	if _, err := s.Update(t.Context(), func(tx store.Txn) error { return tx.Put([]byte("big"), []byte(big+"x")) }); !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("one byte more: %v", err)
	}
}

func TestWatchOpensValuesAndHidesTheKeyring(t *testing.T) {
	x := newFixture(t)
	k := x.open(t)
	s := k.Store(x.inner)
	w, err := s.Watch(t.Context(), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := k.Rotate(t.Context(), PurposeStore); err != nil {
		t.Fatal(err)
	}
	_, err = s.Update(t.Context(), func(tx store.Txn) error {
		return errors.Join(tx.Put([]byte("a"), []byte("1")), tx.Delete([]byte("b")))
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := w.Next(t.Context())
	if err != nil || len(c.Changes) != 2 || string(c.Changes[0].Value) != "1" || !c.Changes[1].Deleted || w.Progress() != c.Revision {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestWatchKeysHidesTheKeyring(t *testing.T) {
	x := newFixture(t)
	k := x.open(t)
	s := k.Store(x.inner)
	w, err := s.WatchKeys(t.Context(), func([]byte) bool { return true }, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := k.Rotate(t.Context(), PurposeStore); err != nil {
		t.Fatal(err)
	}
	putValue(t, s, "a", "1")
	c, err := w.Next(t.Context())
	if err != nil || len(c.Changes) != 1 || string(c.Changes[0].Key) != "a" || c.Changes[0].Value != nil {
		t.Errorf("%+v, %v", c, err)
	}
	k.Seal()
	if _, err := s.WatchKeys(t.Context(), func([]byte) bool { return true }, 0); !errors.Is(err, ErrSealed) {
		t.Errorf("a sealed store: %v", err)
	}
}

func TestSealWhileInUse(t *testing.T) {
	x := newFixture(t)
	k := x.open(t)
	s := k.Store(x.inner)
	putValue(t, s, "a", "1")
	var started, wg sync.WaitGroup
	for range 8 {
		started.Add(1)
		wg.Go(func() {
			for i := 0; ; i++ {
				if i == 1 {
					started.Done()
				}
				v, err := getValue(t, s, "a")
				if errors.Is(err, ErrSealed) {
					if i < 1 {
						started.Done()
					}
					return
				}
				if err != nil || v != "1" {
					t.Errorf("%q, %v", v, err)
					return
				}
			}
		})
	}
	started.Wait()
	k.Seal()
	wg.Wait()
	if _, err := s.Update(t.Context(), func(store.Txn) error { return nil }); !errors.Is(err, ErrSealed) {
		t.Errorf("Update: %v", err)
	}
	if _, err := s.Watch(t.Context(), nil, 0); !errors.Is(err, ErrSealed) {
		t.Errorf("Watch: %v", err)
	}
}

func FuzzOpenValue(f *testing.F) {
	x := newFixture(f)
	k := x.open(f)
	s := k.Store(x.inner)
	putValue(f, s, "k", "value")
	good := x.inner.raw("k")
	f.Add(good)
	f.Add(good[:Overhead])
	f.Add([]byte{1, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := k.openValue(nil, []byte("k"), bytes.Clone(b))
		if err == nil && !bytes.Equal(b, good) {
			t.Fatalf("opened %q", got)
		}
	})
}

func BenchmarkSealOpen1KiB(b *testing.B) {
	x := newFixture(b)
	k := x.open(b)
	a, err := k.AEAD(PurposeStore)
	if err != nil {
		b.Fatal(err)
	}
	value, aad := make([]byte, 1024), []byte("000000000000/us-east-1/kms/key/1234")
	sealed, plain := make([]byte, 0, 2048), make([]byte, 0, 2048)
	b.SetBytes(1024)
	b.ReportAllocs()
	for b.Loop() {
		out, err := a.Seal(sealed, value, aad)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := a.Open(plain, out, aad); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenValueInPlace1KiB(b *testing.B) {
	x := newFixture(b)
	k := x.open(b)
	s := k.Store(x.inner)
	key := []byte("000000000000/us-east-1/kms/key/1234")
	putValue(b, s, string(key), strings.Repeat("v", 1024))
	good := x.inner.raw(string(key))
	buf := bytes.Clone(good)
	b.ReportAllocs()
	for b.Loop() {
		copy(buf, good)
		if _, err := k.openValue(nil, key, buf); err != nil {
			b.Fatal(err)
		}
	}
}
