package securemem

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"unsafe"
)

// An expanded AES key contains the key, and the standard library allocates it on
// the Go heap. Its cipher objects are flat structures, without pointers, behind a
// pointer. Such an object may live anywhere: the code here copies it into an Arena,
// makes a pointer of the same type to the copy (reflect.NewAt), and overwrites the
// original. That the type is flat is checked with reflection each time it is not
// already known; if a future library used pointers, the object would stay on the
// heap and OffHeap would report false (a test fails on that).

// GCMOverhead is how much longer GCM.Seal's output is than the plaintext: a nonce of
// 12 bytes before and a tag of 16 bytes after the ciphertext.
const GCMOverhead = 12 + 16

var errNotAESKey = errors.New("securemem: an AES-256 key has 32 bytes")

// Block is an AES-256 block cipher whose key schedule lives in an Arena.
type Block struct {
	sec   *Secret // holds the schedule; nil when the object could not be moved
	block cipher.Block
}

// NewBlock expands key (32 bytes) into the Arena.
func (a *Arena) NewBlock(key []byte) (*Block, error) {
	if len(key) != 32 {
		return nil, errNotAESKey
	}
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("securemem: AES: %w", err)
	}
	moved, sec, err := a.move(reflect.ValueOf(b))
	if err != nil {
		return nil, err
	}
	if sec != nil {
		b = moved.Interface().(cipher.Block)
	}
	return &Block{sec: sec, block: b}, nil
}

// With calls f with the cipher, or returns ErrDestroyed. f must not keep it.
func (b *Block) With(f func(cipher.Block)) error {
	if b.sec == nil {
		f(b.block)
		return nil
	}
	b.sec.mu.RLock()
	defer b.sec.mu.RUnlock()
	if b.sec.b == nil {
		return ErrDestroyed
	}
	f(b.block)
	return nil
}

// Encrypt encrypts one block of 16 bytes from src to dst, which may be the same.
func (b *Block) Encrypt(dst, src []byte) error {
	if b.sec != nil {
		b.sec.mu.RLock()
		defer b.sec.mu.RUnlock()
		if b.sec.b == nil {
			return ErrDestroyed
		}
	}
	b.block.Encrypt(dst, src)
	return nil
}

// OffHeap reports whether the key schedule is outside the Go heap.
func (b *Block) OffHeap() bool { return b.sec != nil }

// Destroy overwrites the key schedule; the Block then returns ErrDestroyed.
func (b *Block) Destroy() {
	if b != nil {
		b.sec.Destroy()
	}
}

// GCM is AES-256-GCM with random nonces (NIST SP 800-38D, section 8.2.2), whose key
// schedule lives in an Arena. One key may seal at most 2^32 messages.
type GCM struct {
	sec  *Secret
	aead cipher.AEAD
}

// NewGCM expands key (32 bytes) into the Arena.
func (a *Arena) NewGCM(key []byte) (*GCM, error) {
	if len(key) != 32 {
		return nil, errNotAESKey
	}
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("securemem: AES: %w", err)
	}
	defer wipe(reflect.ValueOf(b))
	// The variant with a random nonce is the one that FIPS 140-3 mode allows.
	g, err := cipher.NewGCMWithRandomNonce(b)
	if err != nil {
		return nil, fmt.Errorf("securemem: GCM: %w", err)
	}
	v := reflect.ValueOf(g)
	// The library wraps the flat object into a structure with one pointer to it.
	if v.Kind() == reflect.Struct && v.NumField() == 1 && v.Type().Field(0).IsExported() {
		moved, sec, err := a.move(v.Field(0))
		if err != nil {
			return nil, err
		}
		if sec != nil {
			w := reflect.New(v.Type()).Elem()
			w.Field(0).Set(moved)
			return &GCM{sec: sec, aead: w.Interface().(cipher.AEAD)}, nil
		}
	}
	return &GCM{aead: g}, nil
}

// Seal appends nonce, ciphertext and tag of plaintext to dst. The tag covers aad.
func (g *GCM) Seal(dst, plaintext, aad []byte) ([]byte, error) {
	if g.sec != nil {
		g.sec.mu.RLock()
		defer g.sec.mu.RUnlock()
		if g.sec.b == nil {
			return nil, ErrDestroyed
		}
	}
	return g.aead.Seal(dst, nil, plaintext, aad), nil
}

// Open appends the plaintext of sealed to dst, or fails when sealed or aad is not
// what Seal made and got.
func (g *GCM) Open(dst, sealed, aad []byte) ([]byte, error) {
	if g.sec != nil {
		g.sec.mu.RLock()
		defer g.sec.mu.RUnlock()
		if g.sec.b == nil {
			return nil, ErrDestroyed
		}
	}
	return g.aead.Open(dst, nil, sealed, aad)
}

// OffHeap reports whether the key schedule is outside the Go heap.
func (g *GCM) OffHeap() bool { return g.sec != nil }

// Destroy overwrites the key schedule; the GCM then returns ErrDestroyed.
func (g *GCM) Destroy() {
	if g != nil {
		g.sec.Destroy()
	}
}

// move copies the flat object behind pointer v into the Arena and zeroes the
// original. The Secret is nil, without an error, when the object is not flat.
func (a *Arena) move(v reflect.Value) (reflect.Value, *Secret, error) {
	if v.Kind() != reflect.Pointer || v.IsNil() || !flat(v.Type().Elem(), 0) {
		return reflect.Value{}, nil, nil
	}
	s, err := a.New(int(v.Type().Elem().Size()))
	if err != nil {
		wipe(v)
		return reflect.Value{}, nil, err
	}
	copy(s.b, unsafe.Slice((*byte)(v.UnsafePointer()), len(s.b)))
	wipe(v)
	return reflect.NewAt(v.Type().Elem(), unsafe.Pointer(&s.b[0])), s, nil
}

// wipe zeroes the flat object behind pointer v and does nothing to any other.
func wipe(v reflect.Value) {
	if v.Kind() != reflect.Pointer || v.IsNil() || !flat(v.Type().Elem(), 0) {
		return
	}
	clear(unsafe.Slice((*byte)(v.UnsafePointer()), v.Type().Elem().Size()))
	runtime.KeepAlive(v)
}

// flat reports whether a type holds no pointer. The depth is bounded; cipher
// objects nest three or four levels.
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
	default:
		return false
	}
}
