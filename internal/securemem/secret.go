package securemem

import (
	"crypto/subtle"
	"fmt"
	"runtime"
	"sync"
)

// redacted is what a Secret looks like in any output.
const redacted = "[secret]"

// Secret is a piece of memory that holds a secret. It is safe for concurrent use:
// any number of With run at once, Destroy waits for them. It must not be copied (go
// vet says so).
type Secret struct {
	mu    sync.RWMutex // also makes vet's copylocks check refuse copies
	b     []byte       // nil when destroyed
	arena *Arena
	slab  *slab
	index int32
}

// With calls f with the secret bytes, or returns ErrDestroyed. The slice is valid
// only inside f: f must not keep it, copy it to ordinary memory longer than it must,
// or turn it into a string. f may write to it. f must not call Destroy on the same
// Secret (it would wait for itself).
func (s *Secret) With(f func(b []byte)) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.b == nil {
		return ErrDestroyed
	}
	f(s.b)
	return nil
}

// Len is the size in bytes, 0 when destroyed.
func (s *Secret) Len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.b)
}

// Equal reports in constant time whether the secret is b. A destroyed Secret equals
// nothing.
func (s *Secret) Equal(b []byte) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.b != nil && subtle.ConstantTimeCompare(s.b, b) == 1
}

// Destroy overwrites the secret with zeros and gives the memory back. It may be
// called more than once, and on nil.
func (s *Secret) Destroy() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.b == nil {
		return
	}
	n := len(s.b)
	clear(s.b)
	runtime.KeepAlive(s.b)
	s.b = nil
	s.arena.release(s, n)
}

// String hides the secret.
func (s *Secret) String() string { return redacted }

// GoString hides the secret.
func (s *Secret) GoString() string { return redacted }

// Format hides the secret from every verb of fmt.
func (s *Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText hides the secret from encoders of text, JSON and logs.
func (s *Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
