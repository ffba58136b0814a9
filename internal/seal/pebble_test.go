package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"fastness/internal/store"
	"fastness/internal/store/pebble"
)

// On the real engine: nothing readable in the data directory or a backup, and all of
// it opens again after a restart and from the backup.
func TestDataDirectoryAndBackupHoldNoPlaintext(t *testing.T) {
	const canary = "canary-5b0d3c1e-plaintext"
	x := newFixture(t)
	dir := t.TempDir()
	open := func(dir string) (store.Store, *Keyring) {
		t.Helper()
		inner, err := pebble.Open(dir, pebble.Options{})
		if err != nil {
			t.Fatal(err)
		}
		k, err := Open(t.Context(), inner, x.provider(), x.options())
		if err != nil {
			t.Fatal(err)
		}
		return inner, k
	}
	inner, k := open(dir)
	s := k.Store(inner)
	const writers, each = 8, 25
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				putValue(t, s, fmt.Sprintf("%d/%d", w, i), canary+fmt.Sprint(w, i))
				if w == 0 && i%5 == 0 {
					if _, err := k.Rotate(t.Context(), PurposeStore); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	check := func(s store.Store) {
		t.Helper()
		for w := range writers {
			for i := range each {
				wantValue(t, s, fmt.Sprintf("%d/%d", w, i), canary+fmt.Sprint(w, i))
			}
		}
	}
	check(s)
	var backup bytes.Buffer
	if _, err := store.Backup(t.Context(), inner, &backup); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(backup.Bytes(), []byte(canary)) {
		t.Error("the backup holds plaintext")
	}
	key, err := os.ReadFile(x.path)
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(canary)) || bytes.Contains(b, key[20:40]) {
			t.Errorf("%s holds plaintext or the key", filepath.Base(path))
		}
		files++
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files, %v", files, err)
	}
	inner, k = open(dir)
	check(k.Store(inner))
	for next := []byte(nil); ; {
		p, err := k.Store(inner).Rewrap(t.Context(), next, 40)
		if err != nil {
			t.Fatal(err)
		}
		if next = p.Next; p.Done {
			break
		}
	}
	if n, err := countVersion(t.Context(), inner, 6); err != nil || n != writers*each {
		t.Errorf("%d of %d values are sealed with the active version, %v", n, writers*each, err)
	}
	check(k.Store(inner))
	if err := inner.Close(); err != nil {
		t.Fatal(err)
	}
	restored := t.TempDir()
	empty, err := pebble.Open(restored, pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Restore(t.Context(), &backup, empty); err != nil {
		t.Fatal(err)
	}
	if err := empty.Close(); err != nil {
		t.Fatal(err)
	}
	inner, k = open(restored)
	check(k.Store(inner))
	if err := inner.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestATransactionWithAFailedWriteDoesNotCommit(t *testing.T) {
	x := newFixture(t)
	s := x.open(t).Store(x.inner)
	for name, c := range map[string]struct {
		write func(store.Txn) error
		want  error
	}{
		"too large": {func(tx store.Txn) error { return tx.Put([]byte("b"), make([]byte, MaxValueBytes+1)) }, store.ErrTooLarge},
		"reserved":  {func(tx store.Txn) error { return tx.Delete([]byte(recordKey)) }, ErrReservedKey},
	} {
		_, err := s.Update(t.Context(), func(tx store.Txn) error {
			if err := tx.Put([]byte("a"), []byte("1")); err != nil {
				return err
			}
			_ = c.write(tx) // overlooked
			return nil
		})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := getValue(t, s, "a"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: something was written (%v)", name, err)
		}
	}
}
