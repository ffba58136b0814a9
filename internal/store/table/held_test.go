package table_test

import (
	"errors"
	"testing"

	"fastness/internal/store"
	"fastness/internal/store/table"
)

func TestAHeldRecordTakesItsIndexEntriesAlong(t *testing.T) {
	reg, tab, s := aliases(t)
	must(t, update(t, s, func(tx store.Txn) error {
		must(t, tab.Insert(tx, row("a", "k1", "red", "blue")))
		return tab.Insert(tx, row("b", "k2"))
	}))
	a := table.String("a")
	must(t, update(t, s, func(tx store.Txn) error {
		h, err := tab.Hold(tx, home, a)
		must(t, err)
		h.Record.Target = "k3"
		h.Record.Tags = append(h.Record.Tags[:0], "green", "blue") // in the memory that was read
		return tab.PutHeld(tx, h)
	}))
	view(t, s, func(r store.Reader) {
		for tag, want := range map[string]string{"red": "", "blue": "a", "green": "a"} {
			if got := names(t, tab.ScanIndex(r, home, "tag", table.Page{Prefix: []table.Part{table.String(tag)}})); got != want {
				t.Errorf("%s: %q, want %q", tag, got, want)
			}
		}
		if _, err := tab.GetUnique(r, home, "target", table.String("k1")); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the former target: %v", err)
		}
		if got, err := tab.GetUnique(r, home, "target", table.String("k3")); err != nil || got.Name != "a" {
			t.Errorf("the target: %v, %v", got, err)
		}
	})
	if p := fsck(t, reg, s); len(p) > 0 {
		t.Errorf("fsck: %v", p)
	}
	for name, f := range map[string]func(tx store.Txn, h *table.Held[alias]) error{
		"another id": func(tx store.Txn, h *table.Held[alias]) error { h.Record.Name = "c"; return tab.PutHeld(tx, h) },
		"twice":      func(tx store.Txn, h *table.Held[alias]) error { must(t, tab.PutHeld(tx, h)); return tab.PutHeld(tx, h) },
		"a unique index taken": func(tx store.Txn, h *table.Held[alias]) error {
			h.Record.Target = "k2"
			return tab.PutHeld(tx, h)
		},
	} {
		err := update(t, s, func(tx store.Txn) error {
			h, err := tab.Hold(tx, home, a)
			must(t, err)
			return f(tx, h)
		})
		if err == nil || name == "a unique index taken" && !errors.Is(err, table.ErrExists) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := update(t, s, func(tx store.Txn) error { _, err := tab.Hold(tx, home, table.String("z")); return err }); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("nothing to hold: %v", err)
	}
}

func TestARemovedRecordTakesItsIndexEntriesAlong(t *testing.T) {
	reg, tab, s := aliases(t)
	must(t, update(t, s, func(tx store.Txn) error { return tab.Insert(tx, row("a", "k1", "red", "blue")) }))
	must(t, update(t, s, func(tx store.Txn) error {
		a, err := tab.Get(tx, home, table.String("a"))
		must(t, err)
		return tab.Remove(tx, a)
	}))
	view(t, s, func(r store.Reader) {
		if _, err := tab.Get(r, home, table.String("a")); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the record: %v", err)
		}
		if _, err := tab.GetUnique(r, home, "target", table.String("k1")); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("its target: %v", err)
		}
	})
	if p := fsck(t, reg, s); len(p) > 0 {
		t.Errorf("fsck: %v", p)
	}
}
