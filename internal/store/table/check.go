package table

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"fastness/internal/store"
)

// Checks are the consistency checks of all registered tables, for store.Fsck, and one
// that looks for keys of tables that are not registered.
func (r *Registry) Checks() []store.Check {
	var checks []store.Check
	for _, name := range slices.Sorted(maps.Keys(r.checks)) {
		checks = append(checks, r.checks[name]())
	}
	return append(checks, store.Check{Name: "tables", Run: r.strangers})
}

// strangers reports keys that belong to no registered table.
func (r *Registry) strangers(ctx context.Context, rd store.Reader, report func([]byte, string)) error {
	for it, err := range rd.Scan(store.Range{}) {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		parts, err := ParseKey(it.Key)
		if err != nil || len(parts) < 4 {
			report(it.Key, "not the key of a table")
			continue
		}
		service, _ := parts[2].Str()
		kind, _ := parts[3].Str()
		if !r.kinds[service+"/"+kind] {
			report(it.Key, fmt.Sprintf("table %s/%s is not known", service, kind))
		}
	}
	return nil
}

// check checks one table: records decode and lie under their own key, each has its
// index entries, and each entry leads to a record that has it.
func (t *Table[T]) check() store.Check {
	return store.Check{Name: "table " + t.Name(), Run: func(ctx context.Context, r store.Reader, report func([]byte, string)) error {
		for sc, err := range Scopes(r) {
			if errors.Is(err, ErrKey) {
				report(nil, err.Error())
				return nil
			}
			if err != nil {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := t.checkRecords(ctx, r, sc, report); err != nil {
				return err
			}
			for _, ix := range t.indexes {
				if err := t.checkIndex(ctx, r, sc, ix, report); err != nil {
					return err
				}
			}
		}
		return nil
	}}
}

func (t *Table[T]) checkRecords(ctx context.Context, r store.Reader, sc Scope, report func([]byte, string)) error {
	space := t.space(sc, t.kind)
	for it, err := range r.Scan(store.Prefix(space)) {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		record, err := t.codec.Decode(it.Value)
		if err != nil {
			report(it.Key, err.Error())
			continue
		}
		if !bytes.Equal(t.keyOf(record), it.Key) {
			report(it.Key, "the record belongs under another key")
			continue
		}
		for _, ix := range t.indexes {
			for _, k := range t.entriesIn(ix, record, it.Key[len(space):]) {
				e, err := r.Get(k)
				switch {
				case errors.Is(err, store.ErrNotFound):
					report(it.Key, fmt.Sprintf("the record is missing in index %s", ix.Name))
				case err != nil:
					return err
				case !bytes.Equal(e.Value, it.Key[len(space):]):
					report(it.Key, fmt.Sprintf("index %s leads to another record", ix.Name))
				}
			}
		}
	}
	return nil
}

func (t *Table[T]) checkIndex(ctx context.Context, r store.Reader, sc Scope, ix index[T], report func([]byte, string)) error {
	for it, err := range r.Scan(store.Prefix(t.space(sc, ix.kind))) {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		row, err := t.load(r, append(t.space(sc, t.kind), it.Value...))
		switch {
		case errors.Is(err, store.ErrNotFound):
			report(it.Key, fmt.Sprintf("entry of index %s leads to no record", ix.Name))
		case errors.Is(err, ErrDamaged), errors.Is(err, ErrNewerSchema):
			// Reported with the record.
		case err != nil:
			return err
		case !contains(t.entriesIn(ix, row.Record, it.Value), it.Key):
			report(it.Key, fmt.Sprintf("entry of index %s is not one of its record", ix.Name))
		}
	}
	return nil
}
