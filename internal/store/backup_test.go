package store_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"testing"

	"fastness/internal/store"
)

// fixed is a reader of items that never change.
type fixed []store.Item

func (f fixed) Get([]byte) (store.Item, error) { return store.Item{}, store.ErrNotFound }
func (f fixed) Revision() store.Revision       { return 9 }
func (f fixed) Scan(store.Range) iter.Seq2[store.Item, error] {
	return func(yield func(store.Item, error) bool) {
		for _, it := range f {
			if !yield(it, nil) {
				return
			}
		}
	}
}

// still is a store that can only be backed up.
type still struct {
	store.Store
	items fixed
}

func (s still) View(_ context.Context, f func(store.Reader) error) error { return f(s.items) }
func (s still) LeaseTokens(context.Context) (map[string]uint64, error) {
	return map[string]uint64{"due": 3, "rotation": 300}, nil
}

// sink keeps what is restored into it.
type sink struct {
	store.Store
	img   store.Image
	items []store.Item
}

func (s *sink) Load(_ context.Context, img store.Image) error {
	s.img = img
	for it, err := range img.Items {
		if err != nil {
			return err
		}
		s.items = append(s.items, it)
	}
	return nil
}

func small(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	_, err := store.Backup(t.Context(), still{items: fixed{
		{Key: []byte("a"), Value: []byte("1"), Revision: 9},
		{Key: []byte("b"), Value: nil, Revision: 1},
	}}, &b)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBackupCarriesTokens(t *testing.T) {
	var s sink
	rev, err := store.Restore(t.Context(), bytes.NewReader(small(t)), &s)
	if err != nil || rev != 9 {
		t.Fatalf("revision %d, %v", rev, err)
	}
	if len(s.items) != 2 || s.img.Tokens["due"] != 3 || s.img.Tokens["rotation"] != 300 {
		t.Errorf("restored %v with tokens %v", s.items, s.img.Tokens)
	}
}

func TestRestoreNeedsALoader(t *testing.T) {
	_, err := store.Restore(t.Context(), bytes.NewReader(small(t)), still{})
	if !errors.Is(err, store.ErrUnsupported) {
		t.Errorf("%v", err)
	}
}

func TestEveryBitOfABackupCounts(t *testing.T) {
	good := small(t)
	for i := range len(good) * 8 {
		bad := bytes.Clone(good)
		bad[i/8] ^= 1 << (i % 8)
		if _, _, err := store.VerifyBackup(t.Context(), bytes.NewReader(bad)); err == nil {
			t.Errorf("bit %d flipped: not noticed", i)
		}
	}
	for n := range good {
		if _, _, err := store.VerifyBackup(t.Context(), bytes.NewReader(good[:n])); !errors.Is(err, store.ErrBackupDamaged) {
			t.Errorf("cut off after %d: %v", n, err)
		}
	}
}

func TestPrefixEnd(t *testing.T) {
	for in, want := range map[string]string{"a": "b", "a\xff": "b", "ab\xff\xff": "ac", "": "", "\xff": "", "\xff\xff": "", "\x00": "\x01"} {
		if got := store.PrefixEnd([]byte(in)); string(got) != want || want == "" && got != nil {
			t.Errorf("PrefixEnd(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzVerifyBackup(f *testing.F) {
	f.Add(small(f))
	f.Add([]byte("fastness-backup\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _, err := store.VerifyBackup(t.Context(), bytes.NewReader(b))
		if err != nil && !errors.Is(err, store.ErrBackupDamaged) && !errors.Is(err, store.ErrBackupTooNew) {
			t.Errorf("%v", err)
		}
	})
}
