package table

import (
	"bytes"
	"errors"
	"fmt"

	"fastness/internal/store"
)

// ErrExists: a record with this id, or with these parts of a unique index, is there.
var ErrExists = errors.New("table: record exists")

// Table is a set of records of type T. It holds no data: every method works on the
// reader or transaction it is given.
type Table[T any] struct {
	service, kind string
	codec         Codec[T]
	scope         func(*T) Scope
	id            func(*T) []Part
	indexes       []index[T]
}

type index[T any] struct {
	Index[T]
	kind string // of its keys
}

// Name is service/kind.
func (t *Table[T]) Name() string { return t.service + "/" + t.kind }

// space is the prefix of the keys of kind in sc.
func (t *Table[T]) space(sc Scope, kind string) []byte {
	return Key(String(sc.Account), String(sc.Region), String(t.service), String(kind))
}

// Key is the store's key of the record with the given id.
func (t *Table[T]) Key(sc Scope, id ...Part) []byte {
	return AppendKey(t.space(sc, t.kind), id...)
}

func (t *Table[T]) keyOf(record *T) []byte { return t.Key(t.scope(record), t.id(record)...) }

// Get returns the record with the given id, or store.ErrNotFound.
func (t *Table[T]) Get(r store.Reader, sc Scope, id ...Part) (*T, error) {
	row, err := t.GetRow(r, sc, id...)
	return row.Record, err
}

// GetRow is Get with the revision that wrote the record.
func (t *Table[T]) GetRow(r store.Reader, sc Scope, id ...Part) (Row[T], error) {
	return t.load(r, t.Key(sc, id...))
}

func (t *Table[T]) load(r store.Reader, key []byte) (Row[T], error) {
	it, err := r.Get(key)
	if err != nil {
		return Row[T]{}, fmt.Errorf("table %s: %w", t.Name(), err)
	}
	record, err := t.codec.Decode(it.Value)
	if err != nil {
		return Row[T]{}, fmt.Errorf("table %s: key %x: %w", t.Name(), key, err)
	}
	return Row[T]{Record: record, Revision: it.Revision}, nil
}

// Has reports whether a record with the given id is there, without decoding it.
func (t *Table[T]) Has(r store.Reader, sc Scope, id ...Part) (bool, error) {
	_, err := r.Get(t.Key(sc, id...))
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Insert writes a new record. It returns ErrExists when one with its id, or with its
// parts of a unique index, is there.
func (t *Table[T]) Insert(tx store.Txn, record *T) error {
	key := t.keyOf(record)
	_, err := tx.Get(key)
	if err == nil {
		return fmt.Errorf("table %s: %w", t.Name(), ErrExists)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("table %s: %w", t.Name(), err)
	}
	return t.write(tx, key, nil, record)
}

// Put writes a record, over the one with its id if there is one. It returns ErrExists
// when another record has its parts of a unique index.
func (t *Table[T]) Put(tx store.Txn, record *T) error {
	key := t.keyOf(record)
	if len(t.indexes) == 0 {
		return t.write(tx, key, nil, record)
	}
	old, err := t.load(tx, key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return t.write(tx, key, old.Record, record)
}

// Replace is Put for a record that must be there; else it returns store.ErrNotFound.
func (t *Table[T]) Replace(tx store.Txn, record *T) error {
	key := t.keyOf(record)
	old, err := t.load(tx, key)
	if err != nil {
		return err
	}
	return t.write(tx, key, old.Record, record)
}

// Held is a record that was read in a transaction to be changed there. It remembers what
// the indexes hold of the record, so that PutHeld need not read it again.
type Held[T any] struct {
	// Record may be changed in all but its scope and id.
	Record *T

	key  []byte
	were entries
}

// Hold reads the record with the given id for PutHeld, or returns store.ErrNotFound.
func (t *Table[T]) Hold(tx store.Txn, sc Scope, id ...Part) (*Held[T], error) {
	key := t.Key(sc, id...)
	row, err := t.load(tx, key)
	if err != nil {
		return nil, err
	}
	return &Held[T]{row.Record, key, t.entries(row.Record, key)}, nil
}

// PutHeld writes the record of h as Put does, once. It belongs to the transaction of Hold,
// in which nothing else may have written the record since.
func (t *Table[T]) PutHeld(tx store.Txn, h *Held[T]) error {
	if key := t.keyOf(h.Record); !bytes.Equal(key, h.key) {
		return fmt.Errorf("table %s: a held record changed its id, or was written before", t.Name())
	}
	key := h.key
	h.key = nil // what the indexes hold is no longer what h remembers
	return t.replace(tx, key, h.were, h.Record)
}

// Delete removes the record with the given id, or returns store.ErrNotFound.
func (t *Table[T]) Delete(tx store.Txn, sc Scope, id ...Part) error {
	key := t.Key(sc, id...)
	old, err := t.load(tx, key)
	if err != nil {
		return err
	}
	if err := t.writeIndexes(tx, t.entries(old.Record, key), entries{}); err != nil {
		return err
	}
	return tx.Delete(key)
}

// Remove removes a record that is there, and is as given: the caller has read it, which
// Remove does not do again.
func (t *Table[T]) Remove(tx store.Txn, record *T) error {
	key := t.keyOf(record)
	if err := t.writeIndexes(tx, t.entries(record, key), entries{}); err != nil {
		return err
	}
	return tx.Delete(key)
}

func (t *Table[T]) write(tx store.Txn, key []byte, old, record *T) error {
	return t.replace(tx, key, t.entries(old, key), record)
}

// replace writes a record over the one whose index entries are given.
func (t *Table[T]) replace(tx store.Txn, key []byte, before entries, record *T) error {
	value, err := t.codec.Encode(record)
	if err != nil {
		return fmt.Errorf("table %s: %w", t.Name(), err)
	}
	if err := t.writeIndexes(tx, before, t.entries(record, key)); err != nil {
		return err
	}
	if err := tx.Put(key, value); err != nil {
		return fmt.Errorf("table %s: %w", t.Name(), err)
	}
	return nil
}

// entries are what the indexes hold of a record: its encoded id, and under which keys in
// each index. The zero value is that of no record.
type entries struct {
	id   []byte
	keys [][][]byte
}

// in are the keys in the index of a number.
func (e entries) in(index int) [][]byte {
	if e.keys == nil {
		return nil
	}
	return e.keys[index]
}

// entries are those of record, which may be nil. key is the record's own.
func (t *Table[T]) entries(record *T, key []byte) entries {
	if record == nil || len(t.indexes) == 0 {
		return entries{}
	}
	e := entries{id: key[len(t.space(t.scope(record), t.kind)):], keys: make([][][]byte, len(t.indexes))}
	for i, ix := range t.indexes {
		e.keys[i] = t.entriesIn(ix, record, e.id)
	}
	return e
}

// entriesIn are the keys of record in ix, without duplicates. id is the encoded id.
func (t *Table[T]) entriesIn(ix index[T], record *T, id []byte) [][]byte {
	var keys [][]byte
	space := t.space(t.scope(record), ix.kind)
	for _, parts := range ix.Keys(record) {
		k := AppendKey(bytes.Clone(space), parts...)
		if !ix.Unique {
			k = append(k, id...)
		}
		if !contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return keys
}

func contains(keys [][]byte, key []byte) bool {
	for _, k := range keys {
		if bytes.Equal(k, key) {
			return true
		}
	}
	return false
}

// writeIndexes turns the entries of one record into those of another with its id.
func (t *Table[T]) writeIndexes(tx store.Txn, was, is entries) error {
	for i, ix := range t.indexes {
		before, after := was.in(i), is.in(i)
		for _, k := range before {
			if !contains(after, k) {
				if err := tx.Delete(k); err != nil {
					return fmt.Errorf("table %s: index %s: %w", t.Name(), ix.Name, err)
				}
			}
		}
		for _, k := range after {
			if contains(before, k) {
				continue
			}
			if ix.Unique {
				_, err := tx.Get(k)
				if err == nil {
					return fmt.Errorf("table %s: index %s: %w", t.Name(), ix.Name, ErrExists)
				}
				if !errors.Is(err, store.ErrNotFound) {
					return fmt.Errorf("table %s: index %s: %w", t.Name(), ix.Name, err)
				}
			}
			if err := tx.Put(k, is.id); err != nil {
				return fmt.Errorf("table %s: index %s: %w", t.Name(), ix.Name, err)
			}
		}
	}
	return nil
}
