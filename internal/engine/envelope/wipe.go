package envelope

import (
	"crypto/aes"
	"crypto/cipher"
	"reflect"
	"runtime"
	"sync"
	"unsafe"
)

// The AES-GCM of a message holds the key of the message in its round keys, on the Go
// heap, and the standard library offers no way to overwrite it. Its objects are flat
// structures, without pointers, behind a pointer; so they are overwritten here. What they
// are is looked at once, with reflection; if a future library made them otherwise, they
// would be left alone (a test fails on that).

// shape is what is known about the cipher objects of the standard library.
type shape struct {
	block, gcm         reflect.Type // as interfaces hold them
	blockSize, gcmSize uintptr      // of what they point to; 0 when it is not flat
}

// cipherShape looks at a sample.
var cipherShape = sync.OnceValue(func() (s shape) {
	block, err := aes.NewCipher(make([]byte, messageKeySize))
	if err != nil {
		return s
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return s
	}
	s.block, s.gcm = reflect.TypeOf(block), reflect.TypeOf(aead)
	if s.block.Kind() == reflect.Pointer && flat(s.block.Elem(), 0) {
		s.blockSize = s.block.Elem().Size()
	}
	// A structure around one pointer.
	if s.gcm.Kind() == reflect.Struct && s.gcm.NumField() == 1 {
		if p := s.gcm.Field(0).Type; p.Kind() == reflect.Pointer && flat(p.Elem(), 0) {
			s.gcmSize = p.Elem().Size()
		}
	}
	return s
})

// wipeCipher overwrites a cipher that is not used any more and the block cipher that it
// was made of.
func wipeCipher(block cipher.Block, aead cipher.AEAD) {
	s := cipherShape()
	if v := reflect.ValueOf(block); s.blockSize > 0 && v.Type() == s.block {
		overwrite(v.UnsafePointer(), s.blockSize)
	}
	if v := reflect.ValueOf(aead); s.gcmSize > 0 && v.Type() == s.gcm {
		overwrite(v.Field(0).UnsafePointer(), s.gcmSize)
	}
}

func overwrite(p unsafe.Pointer, size uintptr) {
	clear(unsafe.Slice((*byte)(p), size))
	runtime.KeepAlive(p)
}

// flat reports whether a type holds no pointer. The depth is bounded; cipher objects
// nest three or four levels.
func flat(t reflect.Type, depth int) bool {
	if depth > 16 {
		return false
	}
	switch t.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	case reflect.Array:
		return flat(t.Elem(), depth+1)
	case reflect.Struct:
		for i := range t.NumField() {
			if !flat(t.Field(i).Type, depth+1) {
				return false
			}
		}
		return true
	}
	return false
}
