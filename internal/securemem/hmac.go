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
)

// HMAC (RFC 2104, FIPS 198-1) starts both of its hashes with one block that is the key
// with a constant added. Those two blocks are what an HMAC keeps in its Arena: nothing
// that depends on the key is on the Go heap between two messages. Hashing the two blocks
// anew for each message costs a few dozen nanoseconds, less than restoring the saved
// state of a hash.

var errNotHMACKey = errors.New("securemem: not a hash with keys of this length")

// maxHMACBlock is the longest block of a hash this package takes, in bytes: SHA-512's.
const maxHMACBlock = 128

// HMAC is a keyed hash whose key lives in an Arena. It is safe for concurrent use.
type HMAC struct {
	hash  crypto.Hash
	block int
	// sec holds the two first blocks; in FIPS mode it holds the key.
	sec    *Secret
	states *sync.Pool // of *hmacState, shared by all keys of the hash
	fips   bool
}

// hmacState is the memory that one message needs. Between messages it holds nothing of
// a key.
type hmacState struct {
	inner, outer hash.Hash
	sum          [maxHMACBlock]byte
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
	m := &HMAC{hash: h, fips: fips140.Enabled(), states: a.hmacStates(h)}
	s := m.take()
	defer m.states.Put(s)
	m.block = s.inner.BlockSize()
	size := 2 * m.block
	if m.fips {
		size = len(key)
	}
	var err error
	if m.sec, err = a.New(size); err != nil {
		return nil, fmt.Errorf("securemem: HMAC: %w", err)
	}
	m.fill(key, s)
	return m, nil
}

// fill writes what sec keeps of the key.
func (m *HMAC) fill(key []byte, s *hmacState) {
	b := m.sec.b
	if m.fips {
		copy(b, key)
		return
	}
	inner, outer := b[:m.block], b[m.block:]
	if len(key) <= m.block {
		copy(inner, key)
	} else {
		overwriteStack() // room for what follows, so that it does not move
		s.inner.Write(key)
		copy(inner, s.inner.Sum(s.sum[:0]))
		// A hash keeps the end of what it was given. Zeros take its place.
		clear(s.sum[:])
		s.inner.Write(s.sum[:m.block])
		s.inner.Reset()
		overwriteStack()
	}
	for i := range inner {
		outer[i] = inner[i] ^ 0x5c
		inner[i] ^= 0x36
	}
}

func (m *HMAC) take() *hmacState {
	if s, ok := m.states.Get().(*hmacState); ok {
		return s
	}
	return &hmacState{inner: m.hash.New(), outer: m.hash.New()}
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
	if m.fips {
		return m.sumInModule(dst, message), nil
	}
	s := m.take()
	s.inner.Write(m.sec.b[:m.block])
	s.inner.Write(message)
	sum := s.inner.Sum(s.sum[:0])
	s.outer.Write(m.sec.b[m.block:])
	s.outer.Write(sum)
	dst = s.outer.Sum(dst)
	s.inner.Reset()
	s.outer.Reset()
	clear(sum)
	m.states.Put(s)
	overwriteStack()
	return dst, nil
}

// sumInModule is Sum by the HMAC of the FIPS 140-3 module, which hashes cannot be put
// together to outside of it. The object holds the key, so it is overwritten.
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
