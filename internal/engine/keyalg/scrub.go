package keyalg

import (
	"math/big"
	"reflect"
	"runtime"
	"unsafe"
)

// maxScrubDepth bounds how deep scrub follows a structure. The deepest one, the key
// inside rsa.PrecomputedValues, nests seven levels.
const maxScrubDepth = 12

// scrub overwrites with zeros all numbers and bytes that the structure at p is made of,
// those behind its pointers and slices too: the copies that key types of the standard
// library keep in fields that are not exported. It does not follow interfaces, maps and
// functions, behind which the library keeps what keys share, such as curves. p must be a
// pointer to a structure that nothing else uses.
func scrub(p any) {
	v := reflect.ValueOf(p)
	if v.Kind() == reflect.Pointer {
		scrubAt(v, 0)
	}
}

func scrubAt(v reflect.Value, depth int) {
	if depth > maxScrubDepth {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			scrubAt(v.Elem(), depth+1)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			scrubAt(v.Field(i), depth+1)
		}
	case reflect.Slice:
		if number(v.Type().Elem().Kind()) {
			// Beyond its length a slice may hold what it was longer by once.
			overwrite(v.UnsafePointer(), uintptr(v.Cap())*v.Type().Elem().Size())
			return
		}
		for i := range v.Len() {
			scrubAt(v.Index(i), depth+1)
		}
	case reflect.Array:
		if number(v.Type().Elem().Kind()) && v.CanAddr() {
			overwrite(v.Addr().UnsafePointer(), v.Type().Size())
			return
		}
		for i := range v.Len() {
			scrubAt(v.Index(i), depth+1)
		}
	default:
		if number(v.Kind()) && v.CanAddr() {
			overwrite(v.Addr().UnsafePointer(), v.Type().Size())
		}
	}
}

// number reports whether values of a kind are what scrub overwrites.
func number(k reflect.Kind) bool {
	return k >= reflect.Bool && k <= reflect.Complex128 && k != reflect.Uintptr
}

func overwrite(p unsafe.Pointer, size uintptr) {
	if p != nil {
		clear(unsafe.Slice((*byte)(p), size))
		runtime.KeepAlive(p)
	}
}

// wipeInt overwrites the words of n.
func wipeInt(n *big.Int) {
	if n != nil {
		words := n.Bits()
		clear(words[:cap(words)])
	}
}
