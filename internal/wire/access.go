package wire

import (
	"iter"
	"unsafe"
)

// ListOps accesses a Go slice whose element type only the generated code knows.
// The pointers it takes address the slice header; those it returns address elements.
type ListOps interface {
	// Len is the number of elements; IsNil tells an absent list from an empty one.
	Len(list unsafe.Pointer) int
	IsNil(list unsafe.Pointer) bool
	// Index addresses element i.
	Index(list unsafe.Pointer, i int) unsafe.Pointer
	// Make sets the list to an empty, present one with room for n elements.
	Make(list unsafe.Pointer, n int)
	// Append adds a zero element and addresses it, until the next Append.
	Append(list unsafe.Pointer) unsafe.Pointer
}

// MapOps accesses a Go map with string keys.
type MapOps interface {
	Len(m unsafe.Pointer) int
	IsNil(m unsafe.Pointer) bool
	// Make sets the map to an empty, present one with room for n entries.
	Make(m unsafe.Pointer, n int)
	// Set stores what fill writes into a zero value under key. An error of fill is
	// returned and nothing is stored.
	Set(m unsafe.Pointer, key string, fill func(value unsafe.Pointer) error) error
	// Put is Set for a key that is only known once the value has been read.
	Put(m unsafe.Pointer, fill func(value unsafe.Pointer) (key string, err error)) error
	// Delete removes key.
	Delete(m unsafe.Pointer, key string)
	// All yields every key with the address of a copy of its value, in no order.
	All(m unsafe.Pointer) iter.Seq2[string, unsafe.Pointer]
}

// ListOf is the ListOps of []E.
type ListOf[E any] struct{}

func slice[E any](p unsafe.Pointer) *[]E { return (*[]E)(p) }

// Len implements ListOps.
func (ListOf[E]) Len(p unsafe.Pointer) int { return len(*slice[E](p)) }

// IsNil implements ListOps.
func (ListOf[E]) IsNil(p unsafe.Pointer) bool { return *slice[E](p) == nil }

// Index implements ListOps.
func (ListOf[E]) Index(p unsafe.Pointer, i int) unsafe.Pointer {
	return unsafe.Pointer(&(*slice[E](p))[i])
}

// Make implements ListOps.
func (ListOf[E]) Make(p unsafe.Pointer, n int) { *slice[E](p) = make([]E, 0, n) }

// Append implements ListOps.
func (ListOf[E]) Append(p unsafe.Pointer) unsafe.Pointer {
	s := slice[E](p)
	var zero E
	*s = append(*s, zero)
	return unsafe.Pointer(&(*s)[len(*s)-1])
}

// MapOf is the MapOps of map[K]V, where K is string or an enum type.
type MapOf[K ~string, V any] struct{}

func mapping[K ~string, V any](p unsafe.Pointer) *map[K]V { return (*map[K]V)(p) }

// Len implements MapOps.
func (MapOf[K, V]) Len(p unsafe.Pointer) int { return len(*mapping[K, V](p)) }

// IsNil implements MapOps.
func (MapOf[K, V]) IsNil(p unsafe.Pointer) bool { return *mapping[K, V](p) == nil }

// Make implements MapOps.
func (MapOf[K, V]) Make(p unsafe.Pointer, n int) { *mapping[K, V](p) = make(map[K]V, n) }

// Set implements MapOps.
func (MapOf[K, V]) Set(p unsafe.Pointer, key string, fill func(unsafe.Pointer) error) error {
	v := new(V)
	if err := fill(unsafe.Pointer(v)); err != nil {
		return err
	}
	(*mapping[K, V](p))[K(key)] = *v
	return nil
}

// Put implements MapOps.
func (MapOf[K, V]) Put(p unsafe.Pointer, fill func(unsafe.Pointer) (string, error)) error {
	v := new(V)
	key, err := fill(unsafe.Pointer(v))
	if err != nil {
		return err
	}
	(*mapping[K, V](p))[K(key)] = *v
	return nil
}

// Delete implements MapOps.
func (MapOf[K, V]) Delete(p unsafe.Pointer, key string) { delete(*mapping[K, V](p), K(key)) }

// All implements MapOps.
func (MapOf[K, V]) All(p unsafe.Pointer) iter.Seq2[string, unsafe.Pointer] {
	return func(yield func(string, unsafe.Pointer) bool) {
		for k, v := range *mapping[K, V](p) {
			if !yield(string(k), unsafe.Pointer(&v)) {
				return
			}
		}
	}
}

// Value returns *p, or the zero value when p is nil: the reading side of an
// optional member.
func Value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// Allocate is the New of a structure's Shape.
func Allocate[T any]() unsafe.Pointer { return unsafe.Pointer(new(T)) }
