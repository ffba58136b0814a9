package wire

import (
	"io"
	"time"
	"unsafe"
)

// This file is how codecs reach values in generated structs. A value sits either in
// place (a list element, a blob, a list, a map, a document) or behind a pointer (a
// scalar member of a structure, any element of a sparse list or map): boxed.

// Boxed tells whether a structure holds members of this kind by pointer. Lists,
// maps, blobs and documents are nil when absent and need none.
func (k Kind) Boxed() bool {
	switch k {
	case List, Map, Blob, Document:
		return false
	}
	return true
}

// Boxed tells whether the member's field, seen in a structure, is a pointer.
func (m *Member) Boxed() bool { return m.shape.Kind.Boxed() }

// Place addresses the value at p for writing. For a boxed value it allocates a zero
// one and stores its pointer at p.
func (s *Shape) Place(p unsafe.Pointer, boxed bool) unsafe.Pointer {
	if !boxed {
		return p
	}
	var v unsafe.Pointer
	switch s.Kind {
	case Structure:
		v = s.New()
	case String:
		v = unsafe.Pointer(new(string))
	case Boolean:
		v = unsafe.Pointer(new(bool))
	case Integer, Float:
		v = unsafe.Pointer(new(int32))
	case Long, Double:
		v = unsafe.Pointer(new(int64))
	case Timestamp:
		v = unsafe.Pointer(new(time.Time))
	case List, Blob:
		// Every slice header has the shape of this one.
		v = unsafe.Pointer(new([]unsafe.Pointer))
	case Map:
		v = unsafe.Pointer(new(unsafe.Pointer))
	case Document:
		v = unsafe.Pointer(new(any))
	}
	*(*unsafe.Pointer)(p) = v
	return v
}

// PlaceString stores a copy of text in the string at p. A boxed string and its pointer are
// one piece of memory if the text is short, as most members are.
func PlaceString(p unsafe.Pointer, boxed bool, text []byte) {
	if !boxed {
		*(*string)(p) = string(text)
		return
	}
	*(**string)(p) = box(text)
}

func box(text []byte) *string {
	switch n := len(text); {
	case n == 0:
		return new(string)
	case n <= 16:
		b := new(struct {
			s    string
			text [16]byte
		})
		b.s = unsafe.String(&b.text[0], copy(b.text[:], text))
		return &b.s
	case n <= 48:
		b := new(struct {
			s    string
			text [48]byte
		})
		b.s = unsafe.String(&b.text[0], copy(b.text[:], text))
		return &b.s
	case n <= 112:
		b := new(struct {
			s    string
			text [112]byte
		})
		b.s = unsafe.String(&b.text[0], copy(b.text[:], text))
		return &b.s
	}
	return new(string(text))
}

// Present addresses the value at p for reading, or returns nil when it is absent.
func (s *Shape) Present(p unsafe.Pointer, boxed bool) unsafe.Pointer {
	if boxed {
		p = *(*unsafe.Pointer)(p)
		if p == nil {
			return nil
		}
	}
	switch s.Kind {
	case List:
		if s.ListOps.IsNil(p) {
			return nil
		}
	case Map:
		if s.MapOps.IsNil(p) {
			return nil
		}
	case Blob:
		if s.Streaming {
			if *(*io.ReadCloser)(p) == nil {
				return nil
			}
		} else if *(*[]byte)(p) == nil {
			return nil
		}
	case Document:
		if *(*any)(p) == nil {
			return nil
		}
	}
	return p
}

// Clear makes the value at p absent.
func (s *Shape) Clear(p unsafe.Pointer, boxed bool) {
	if boxed {
		*(*unsafe.Pointer)(p) = nil
		return
	}
	switch s.Kind {
	case List, Blob:
		*(*[]unsafe.Pointer)(p) = nil
	case Map:
		*(*unsafe.Pointer)(p) = nil
	case Document:
		*(*any)(p) = nil
	}
}

// ValueSize is the number of bytes one element of this shape takes in a list. Codecs
// charge it against their memory budget.
func (s *Shape) ValueSize(boxed bool) int {
	n := 8
	switch s.Kind {
	case Structure:
		n = int(s.Size)
	case String, Document:
		n = 16
	case Timestamp, List, Blob:
		n = 24
	}
	if boxed {
		n += 8
	}
	return n
}

// PointerOf is the pointer that v holds. v must hold a pointer, as inputs, outputs
// and generated errors do.
func PointerOf(v any) unsafe.Pointer {
	// An interface is a type word and a data word, and a pointer is its own data word.
	return (*[2]unsafe.Pointer)(unsafe.Pointer(&v))[1]
}

// ModelledError is an error of the API's model: a pointer to a generated struct whose
// members ErrorShape describes.
type ModelledError interface {
	APIError
	ErrorShape() *Shape
}
