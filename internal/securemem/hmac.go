package securemem

import (
	"crypto"
	"crypto/fips140"
	"crypto/hmac"
	"errors"
	"fmt"
	"hash"
	"reflect"
	"runtime"
	"sync"
	"unsafe"
)

// HMAC (RFC 2104, FIPS 198-1) starts both of its hashes with one block that is the key
// with a constant added. The states of the two hashes after that block are what an HMAC
// keeps in its Arena: the hashes of the standard library are flat structures, like its
// ciphers (see cipher.go), and a copy of one is a hash that goes on from there. Nothing
// that depends on the key is on the Go heap between two messages.
//
// In FIPS mode, and should a future library's hashes not be flat, the Arena holds the key
// itself, and the library's HMAC is made anew for each message and overwritten after it.

var errNotHMACKey = errors.New("securemem: not a hash with keys of this length")

// maxHMACBlock is the longest block of a hash this package takes, in bytes: SHA-512's.
const maxHMACBlock = 128

// HMAC is a keyed hash whose key lives in an Arena. It is safe for concurrent use.
type HMAC struct {
	hash crypto.Hash
	// sec holds the inner and the outer state, each of size bytes; or the key, when size
	// is 0.
	sec    *Secret
	size   int
	states *sync.Pool // of *hmacState, shared by all keys of the hash
}

// hmacState is the memory that one message needs. Between messages it holds nothing of
// a key.
type hmacState struct {
	inner, outer           hash.Hash
	innerBytes, outerBytes []byte // the same as memory; nil when they are not flat
	sum                    [maxHMACBlock]byte
}

func newHMACState(h crypto.Hash) *hmacState {
	s := &hmacState{inner: h.New(), outer: h.New()}
	s.innerBytes, s.outerBytes = flatBytes(s.inner), flatBytes(s.outer)
	return s
}

// flatBytes is the memory of the flat object behind a pointer, nil for any other.
func flatBytes(p any) []byte {
	v := reflect.ValueOf(p)
	if v.Kind() != reflect.Pointer || v.IsNil() || !flat(v.Type().Elem(), 0) {
		return nil
	}
	return unsafe.Slice((*byte)(v.UnsafePointer()), v.Type().Elem().Size())
}

// NewHMAC makes the HMAC with a SHA-2 hash under key (1 to MaxSecretBytes), and keeps no
// reference to key: the caller may wipe it at once.
func (a *Arena) NewHMAC(h crypto.Hash, key []byte) (*HMAC, error) {
	switch h {
	case crypto.SHA224, crypto.SHA256, crypto.SHA384, crypto.SHA512:
	default:
		return nil, errNotHMACKey
	}
	if !h.Available() || len(key) == 0 || len(key) > MaxSecretBytes {
		return nil, errNotHMACKey
	}
	m := &HMAC{hash: h, states: a.hmacStates(h)}
	s := newHMACState(h)
	defer s.clear()
	var err error
	if fips140.Enabled() || s.innerBytes == nil {
		if m.sec, err = a.New(len(key)); err == nil {
			copy(m.sec.b, key)
		}
	} else {
		m.size = len(s.innerBytes)
		if m.sec, err = a.New(2 * m.size); err == nil {
			m.fill(key, s)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("securemem: HMAC: %w", err)
	}
	return m, nil
}

// fill hashes the first blocks and keeps the states.
func (m *HMAC) fill(key []byte, s *hmacState) {
	size := s.inner.BlockSize()
	block := s.sum[:size]
	defer clear(block)
	if len(key) <= size {
		copy(block, key)
	} else {
		overwriteStack() // room for what follows, so that it does not move
		long := m.hash.New()
		long.Write(key)
		long.Sum(block[:0])
		clear(flatBytes(long)) // a hash keeps the end of what it was given
		overwriteStack()
	}
	for i := range block {
		block[i] ^= 0x36
	}
	s.inner.Write(block)
	for i := range block {
		block[i] ^= 0x36 ^ 0x5c
	}
	s.outer.Write(block)
	copy(m.sec.b[:m.size], s.innerBytes)
	copy(m.sec.b[m.size:], s.outerBytes)
}

// clear leaves nothing in the hashes, neither of a key nor of what they are: the only use
// of them is to be copied to.
func (s *hmacState) clear() {
	clear(s.innerBytes)
	clear(s.outerBytes)
}

func (m *HMAC) take() *hmacState {
	if s, ok := m.states.Get().(*hmacState); ok {
		return s
	}
	return newHMACState(m.hash)
}

// Size is the length of a MAC, in bytes.
func (m *HMAC) Size() int { return m.hash.Size() }

// Sum appends the MAC of message to dst, or returns ErrDestroyed.
func (m *HMAC) Sum(dst, message []byte) ([]byte, error) {
	m.sec.mu.RLock()
	defer m.sec.mu.RUnlock()
	if m.sec.b == nil {
		return nil, ErrDestroyed
	}
	if m.size == 0 {
		return m.sumInModule(dst, message), nil
	}
	s := m.take()
	copy(s.innerBytes, m.sec.b[:m.size])
	copy(s.outerBytes, m.sec.b[m.size:])
	s.inner.Write(message)
	sum := s.inner.Sum(s.sum[:0])
	s.outer.Write(sum)
	dst = s.outer.Sum(dst)
	s.clear()
	clear(sum)
	m.states.Put(s)
	overwriteStack()
	return dst, nil
}

// sumInModule is Sum by the HMAC of the standard library, which in FIPS mode is that of the
// module: hashes cannot be put together to one outside of it. The object holds the key, so
// it is overwritten.
func (m *HMAC) sumInModule(dst, message []byte) []byte {
	h := hmac.New(m.hash.New, m.sec.b)
	h.Write(message)
	dst = h.Sum(dst)
	wipeHMAC(h)
	overwriteStack()
	return dst
}

// Destroy overwrites the key; the HMAC then returns ErrDestroyed.
func (m *HMAC) Destroy() {
	if m != nil {
		m.sec.Destroy()
	}
}

// String hides the key.
func (m *HMAC) String() string { return redacted }

// Format hides the key from every verb of fmt.
func (m *HMAC) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// hmacStates is the pool of scratch memory for a hash.
func (a *Arena) hmacStates(h crypto.Hash) *sync.Pool {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.states[h]
	if p == nil {
		p = new(sync.Pool)
		a.states[h] = p
	}
	return p
}

// wipeHMAC overwrites an HMAC of the standard library: a structure with two byte slices,
// the first blocks, and two hashes behind interfaces.
func wipeHMAC(h hash.Hash) {
	v := reflect.ValueOf(h)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return
	}
	for i := range v.Elem().NumField() {
		switch f := v.Elem().Field(i); f.Kind() {
		case reflect.Slice:
			if f.Type().Elem().Kind() == reflect.Uint8 {
				clear(f.Bytes())
			}
		case reflect.Interface:
			wipe(f.Elem())
		}
	}
}

// overwriteStack overwrites what functions that have returned left on the stack, where
// hashes keep copies of their state.
//
//go:noinline
func overwriteStack() {
	var b [1024]byte
	clear(b[:])
	runtime.KeepAlive(&b)
}
