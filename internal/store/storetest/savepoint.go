package storetest

import (
	"errors"
	"fmt"
	"testing"

	"fastness/internal/store"
)

// errUndone is what the functions of savepoints fail with.
var errUndone = errors.New("undone")

func testSavepoint(t *testing.T, s store.Store) {
	put(t, s, "stored", "old")
	put(t, s, "deleted", "old")
	var hooks []string
	hook := func(name string) func(store.Revision) {
		return func(store.Revision) { hooks = append(hooks, name) }
	}
	all := store.Range{}
	const before = "before=1 deleted=old stored=new"
	_, err := s.Update(within(t), func(tx store.Txn) error {
		write := func(key, value string) {
			if err := tx.Put([]byte(key), []byte(value)); err != nil {
				t.Errorf("put %s: %v", key, err)
			}
		}
		remove := func(key string) {
			if err := tx.Delete([]byte(key)); err != nil {
				t.Errorf("delete %s: %v", key, err)
			}
		}
		write("before", "1")
		write("stored", "new")
		tx.OnCommit(hook("before"))
		if err := tx.Savepoint(func() error {
			write("before", "2")
			write("inside", "2")
			remove("stored")
			remove("deleted")
			tx.OnCommit(hook("undone"))
			if got, want := scan(t, tx, all), "before=2 inside=2"; got != want {
				t.Errorf("inside a savepoint: %q, want %q", got, want)
			}
			// One within, which succeeds, is undone with the one around it.
			if err := tx.Savepoint(func() error { write("deeper", "3"); tx.OnCommit(hook("deeper")); return nil }); err != nil {
				t.Error(err)
			}
			if v := get(t, tx, "deeper"); v != "3" {
				t.Errorf("after a savepoint that succeeded: %q", v)
			}
			return errUndone
		}); !errors.Is(err, errUndone) {
			t.Errorf("Savepoint returned %v", err)
		}
		if got := scan(t, tx, all); got != before {
			t.Errorf("after a savepoint that failed: %q, want %q", got, before)
		}
		// Own writes that the function removed are there again, and the other way round.
		_ = tx.Savepoint(func() error { remove("before"); return errUndone })
		if v := get(t, tx, "before"); v != "1" {
			t.Errorf("a write whose removal was undone: %q", v)
		}
		tx.OnCommit(hook("between"))
		return tx.Savepoint(func() error {
			write("kept", "4")
			tx.OnCommit(hook("kept"))
			// One within, which fails, undoes its own alone.
			_ = tx.Savepoint(func() error { write("kept", "5"); write("lost", "5"); return errUndone })
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(hooks), "[before between kept]"; got != want {
		t.Errorf("hooks %s, want %s", got, want)
	}
	view(t, s, func(r store.Reader) error {
		if got, want := scan(t, r, all), "before=1 deleted=old kept=4 stored=new"; got != want {
			t.Errorf("committed %q, want %q", got, want)
		}
		return nil
	})
	// With everything undone there is nothing to commit.
	at := revision(t, s)
	rev, err := s.Update(within(t), func(tx store.Txn) error {
		_ = tx.Savepoint(func() error { _ = tx.Put([]byte("x"), nil); return errUndone })
		return nil
	})
	if err != nil || rev != at || revision(t, s) != at {
		t.Errorf("an Update whose writes were undone: revision %d after %d, %v", rev, at, err)
	}
}

func revision(t *testing.T, s store.Store) (rev store.Revision) {
	t.Helper()
	view(t, s, func(r store.Reader) error { rev = r.Revision(); return nil })
	return rev
}

// testSavepointBounds: what was undone does not count, and passing a bound is undone too.
func testSavepointBounds(t *testing.T, s store.Store) {
	fill := func(tx store.Txn, name string, n int) error {
		for i := range n {
			if err := tx.Put(fmt.Appendf(nil, "%s/%03d", name, i), nil); err != nil {
				return err
			}
		}
		return nil
	}
	large := make([]byte, store.MaxValueBytes)
	for name, pass := range map[string]func(store.Txn) error{
		"operations": func(tx store.Txn) error { return fill(tx, "over", store.MaxTxnOps) },
		"bytes": func(tx store.Txn) error {
			for i := range store.MaxTxnBytes/store.MaxValueBytes + 1 {
				if err := tx.Put(fmt.Append(nil, i), large); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		_, err := s.Update(within(t), func(tx store.Txn) error {
			if err := tx.Put([]byte("first"), nil); err != nil {
				return err
			}
			if err := tx.Savepoint(func() error { return pass(tx) }); !errors.Is(err, store.ErrTxnTooLarge) {
				t.Errorf("%s: Savepoint returned %v", name, err)
			}
			return fill(tx, name, store.MaxTxnOps-1)
		})
		if err != nil {
			t.Errorf("%s: a transaction that undid what passed a bound: %v", name, err)
		}
	}
	// A function that overlooks the bound it passed saves nothing.
	_, err := s.Update(within(t), func(tx store.Txn) error {
		return tx.Savepoint(func() error { _ = fill(tx, "over", store.MaxTxnOps+1); return nil })
	})
	if !errors.Is(err, store.ErrTxnTooLarge) {
		t.Errorf("a bound passed in a savepoint that succeeded: %v", err)
	}
}

// testSavepointReads: what follows may depend on what was read before the undoing.
func testSavepointReads(t *testing.T, s store.Store) {
	n := between(t, s, func() { put(t, s, "read", "other") }, func(tx store.Txn) error {
		_ = tx.Savepoint(func() error { get(t, tx, "read"); return errUndone })
		return tx.Put([]byte("result"), nil)
	})
	if n != 2 {
		t.Errorf("a read inside an undone savepoint: %d attempts, want 2", n)
	}
}
