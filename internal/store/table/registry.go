package table

import (
	"errors"
	"fmt"
	"slices"

	"fastness/internal/store"
)

// Registry holds the tables of one program. The composition root makes it and hands
// it to whoever defines tables. It is not safe for concurrent use while tables are
// being registered.
type Registry struct {
	checks map[string]func() store.Check // by space
	kinds  map[string]bool               // every space, those of indexes too
}

// NewRegistry returns an empty registry.
func NewRegistry() *Registry {
	return &Registry{checks: make(map[string]func() store.Check), kinds: make(map[string]bool)}
}

// ErrDefinition: a table's definition is wrong, or its name is taken.
var ErrDefinition = errors.New("table: bad definition")

// Def defines a table of records of type T.
type Def[T any] struct {
	// Service and Kind name the table: lower-case letters, digits and hyphens.
	Service, Kind string
	// Codec encodes the records; nil means JSON of schema 1.
	Codec Codec[T]
	// Scope and ID tell where a record lives. They never change for a record.
	Scope func(*T) Scope
	ID    func(*T) []Part
	// Indexes lead to records by other parts than the id.
	Indexes []Index[T]
}

// Index defines a secondary index.
type Index[T any] struct {
	// Name is written like Kind, and is unique within the table.
	Name string
	// Unique refuses a second record with the same parts in the same scope.
	Unique bool
	// Keys are the tuples under which a record is found: none, one or several.
	Keys func(*T) [][]Part
}

// Scope is the account and the Region that a record belongs to; either is empty for
// what belongs to none.
type Scope struct{ Account, Region string }

// Register defines a table.
func Register[T any](r *Registry, def Def[T]) (*Table[T], error) {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s/%s: %s", ErrDefinition, def.Service, def.Kind, fmt.Sprintf(format, args...))
	}
	if !validName(def.Service) || !validName(def.Kind) {
		return nil, bad("service and kind are lower-case letters, digits and hyphens")
	}
	if def.Scope == nil || def.ID == nil {
		return nil, bad("Scope and ID are needed")
	}
	if def.Codec == nil {
		def.Codec = &JSON[T]{schema: 1}
	}
	t := &Table[T]{service: def.Service, kind: def.Kind, codec: def.Codec, scope: def.Scope, id: def.ID}
	spaces := []string{t.Name()}
	for _, ix := range def.Indexes {
		if !validName(ix.Name) || ix.Keys == nil {
			return nil, bad("index %q needs a name of lower-case letters, digits and hyphens, and Keys", ix.Name)
		}
		ix := index[T]{Index: ix, kind: def.Kind + "@" + ix.Name}
		t.indexes = append(t.indexes, ix)
		spaces = append(spaces, def.Service+"/"+ix.kind)
	}
	for i, s := range spaces {
		if r.kinds[s] || slices.Contains(spaces[:i], s) {
			return nil, bad("%s is defined twice", s)
		}
	}
	for _, s := range spaces {
		r.kinds[s] = true
	}
	r.checks[t.Name()] = t.check
	return t, nil
}

func validName(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != ""
}
