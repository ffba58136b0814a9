package table

import (
	"bytes"
	"errors"
	"fmt"
	"iter"

	"fastness/internal/store"
)

// Row is a record as a scan yields it.
type Row[T any] struct {
	Record *T
	// Revision is the commit that wrote the record; 0 when the reading transaction did.
	Revision store.Revision
	// Cursor is the place of the row in its scan, for Page.After. It is opaque, names
	// the record's parts in the clear and must be sealed before a client sees it.
	Cursor []byte
}

// Page selects a part of a scan.
type Page struct {
	// Prefix keeps the rows whose tuple begins with these parts.
	Prefix []Part
	// After leaves out everything up to and including the row with this Cursor (in
	// reverse: from that row on). The row itself may be gone by now.
	After []byte
	// Limit is the largest number of rows; 0 means no limit.
	Limit   int
	Reverse bool
}

// span is the range of keys that p selects below space.
func (p Page) span(space []byte) store.Range {
	rg := store.Prefix(AppendKey(bytes.Clone(space), p.Prefix...))
	rg.Limit, rg.Reverse = p.Limit, p.Reverse
	if p.After == nil {
		return rg
	}
	after := append(bytes.Clone(space), p.After...)
	if p.Reverse {
		if bytes.Compare(after, rg.End) < 0 {
			rg.End = after
		}
	} else if after = append(after, 0); bytes.Compare(after, rg.Start) > 0 {
		rg.Start = after
	}
	return rg
}

// Scan yields the records of sc in the order of their ids.
func (t *Table[T]) Scan(r store.Reader, sc Scope, p Page) iter.Seq2[Row[T], error] {
	return func(yield func(Row[T], error) bool) {
		space := t.space(sc, t.kind)
		for it, err := range r.Scan(p.span(space)) {
			if err != nil {
				yield(Row[T]{}, fmt.Errorf("table %s: %w", t.Name(), err))
				return
			}
			record, err := t.codec.Decode(it.Value)
			if err != nil {
				yield(Row[T]{}, fmt.Errorf("table %s: key %x: %w", t.Name(), it.Key, err))
				return
			}
			if !yield(Row[T]{Record: record, Revision: it.Revision, Cursor: it.Key[len(space):]}, nil) {
				return
			}
		}
	}
}

// ScanIndex yields the records of sc in the order of the named index. Prefix and
// Cursor are about the indexed parts.
func (t *Table[T]) ScanIndex(r store.Reader, sc Scope, name string, p Page) iter.Seq2[Row[T], error] {
	return func(yield func(Row[T], error) bool) {
		ix, err := t.index(name)
		if err != nil {
			yield(Row[T]{}, err)
			return
		}
		space := t.space(sc, ix.kind)
		records := t.space(sc, t.kind)
		for it, err := range r.Scan(p.span(space)) {
			if err != nil {
				yield(Row[T]{}, fmt.Errorf("table %s: index %s: %w", t.Name(), name, err))
				return
			}
			row, err := t.follow(r, records, it.Value, name)
			row.Cursor = it.Key[len(space):]
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// ErrIndex: an index and its table do not agree; fsck tells more.
var ErrIndex = errors.New("table: index and records disagree")

// follow loads the record an index entry leads to.
func (t *Table[T]) follow(r store.Reader, records, id []byte, name string) (Row[T], error) {
	row, err := t.load(r, append(bytes.Clone(records), id...))
	if errors.Is(err, store.ErrNotFound) {
		return row, fmt.Errorf("table %s: index %s: %w", t.Name(), name, ErrIndex)
	}
	return row, err
}

func (t *Table[T]) index(name string) (index[T], error) {
	for _, ix := range t.indexes {
		if ix.Name == name {
			return ix, nil
		}
	}
	return index[T]{}, fmt.Errorf("table %s: no index %q", t.Name(), name)
}

// GetUnique returns the record that the named unique index has under parts, or
// store.ErrNotFound.
func (t *Table[T]) GetUnique(r store.Reader, sc Scope, name string, parts ...Part) (*T, error) {
	ix, err := t.index(name)
	if err != nil {
		return nil, err
	}
	if !ix.Unique {
		return nil, fmt.Errorf("table %s: index %s is not unique", t.Name(), name)
	}
	it, err := r.Get(AppendKey(t.space(sc, ix.kind), parts...))
	if err != nil {
		return nil, fmt.Errorf("table %s: index %s: %w", t.Name(), name, err)
	}
	row, err := t.follow(r, t.space(sc, t.kind), it.Value, name)
	return row.Record, err
}

// Scopes yields every scope that holds anything in the store, of this table or of
// another, in order. It skips from scope to scope without reading what is in them.
func Scopes(r store.Reader) iter.Seq2[Scope, error] {
	return func(yield func(Scope, error) bool) {
		// Scopes begin with a string. What begins otherwise is no tuple: rooms that keep
		// records outside of tables put them there.
		start, end := []byte{tagString}, []byte{tagString + 1}
		for {
			var key []byte
			for it, err := range r.Scan(store.Range{Start: start, End: end, Limit: 1}) {
				if err != nil {
					yield(Scope{}, err)
					return
				}
				key = it.Key
			}
			if key == nil {
				return
			}
			sc, rest, err := splitScope(key)
			if err != nil {
				yield(Scope{}, fmt.Errorf("key %x: %w", key, err))
				return
			}
			if !yield(sc, nil) {
				return
			}
			if start = store.PrefixEnd(key[:len(key)-len(rest)]); start == nil {
				return
			}
		}
	}
}

// splitScope takes the scope off a key.
func splitScope(key []byte) (sc Scope, rest []byte, err error) {
	var fields [2]string
	rest = key
	for i := range fields {
		if len(rest) == 0 {
			return sc, nil, ErrKey
		}
		var p Part
		if p, rest, err = parsePart(rest); err != nil {
			return sc, nil, err
		}
		s, ok := p.Str()
		if !ok {
			return sc, nil, ErrKey
		}
		fields[i] = s
	}
	return Scope{Account: fields[0], Region: fields[1]}, rest, nil
}

// ScanAll yields the records of every scope.
func (t *Table[T]) ScanAll(r store.Reader) iter.Seq2[Row[T], error] {
	return func(yield func(Row[T], error) bool) {
		for sc, err := range Scopes(r) {
			if err != nil {
				yield(Row[T]{}, fmt.Errorf("table %s: %w", t.Name(), err))
				return
			}
			for row, err := range t.Scan(r, sc, Page{}) {
				if !yield(row, err) || err != nil {
					return
				}
			}
		}
	}
}

// Changed is a change of one record, as a watch sees it.
type Changed[T any] struct {
	Scope Scope
	// ID is what the record is or was called.
	ID []Part
	// Record is nil when the record was deleted.
	Record *T
}

// Decode reads a change of a watched commit. ok is false when it does not concern a
// record of this table. Watch everything, or one account by the key of its name.
func (t *Table[T]) Decode(c store.Change) (ch Changed[T], ok bool, err error) {
	sc, rest, err := splitScope(c.Key)
	if err != nil {
		return ch, false, nil // not a table's key
	}
	id, ok := bytes.CutPrefix(rest, Key(String(t.service), String(t.kind)))
	if !ok {
		return ch, false, nil
	}
	ch.Scope = sc
	if ch.ID, err = ParseKey(id); err != nil {
		return ch, false, fmt.Errorf("table %s: %w", t.Name(), err)
	}
	if c.Deleted {
		return ch, true, nil
	}
	if ch.Record, err = t.codec.Decode(c.Value); err != nil {
		return ch, false, fmt.Errorf("table %s: key %x: %w", t.Name(), c.Key, err)
	}
	return ch, true, nil
}
