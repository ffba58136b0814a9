package securemem

import (
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"math/bits"
	"sync"
)

// MaxSecretBytes is the size of the largest Secret.
const MaxSecretBytes = 16 << 20

const (
	minClassBytes = 32
	maxClassBytes = 4096
	classCount    = 8 // 32, 64, … 4096
	slabBytes     = 64 << 10
)

// The errors of this package; match them with errors.Is.
var (
	// ErrDestroyed: the Secret was destroyed, or its Arena closed.
	ErrDestroyed = errors.New("securemem: secret destroyed")
	// ErrSize: a size below 1 or above MaxSecretBytes was asked for.
	ErrSize = errors.New("securemem: size out of bounds")
	// ErrNotLocked: the memory could not be locked and Options.RequireLock is set.
	ErrNotLocked = errors.New("securemem: memory cannot be locked")
)

// Options of an Arena. The zero value is usable.
type Options struct {
	// RequireLock makes an allocation fail with ErrNotLocked when its pages cannot be
	// locked into RAM. Without it they are used unlocked, and Stats reports that.
	RequireLock bool
}

// Stats tells what an Arena holds.
type Stats struct {
	Secrets       int   // live secrets
	SecretBytes   int64 // their sizes, summed
	MappedBytes   int64 // memory mapped for them, without guard pages
	UnlockedBytes int64 // part of MappedBytes that is not locked into RAM
	DumpableBytes int64 // part of MappedBytes that a core dump would contain
	// Err is why the last page could not be protected, nil if all are.
	Err error
}

// Arena hands out Secrets. It is safe for concurrent use. Close it to destroy all
// that are left.
type Arena struct {
	opts Options

	mu      sync.Mutex
	closed  bool
	partial [classCount]map[*slab]struct{} // slabs with a free slot
	slabs   map[*slab]struct{}             // all of them
	stats   Stats
	states  map[crypto.Hash]*sync.Pool // for HMACs
}

// slab is one mapping, cut into slots of one size.
type slab struct {
	pages  pages
	class  int // -1 for a mapping of one large secret
	slot   int // bytes
	free   []int32
	owners []*Secret
}

// NewArena returns an empty Arena; memory is mapped when it is needed.
func NewArena(o Options) *Arena {
	a := &Arena{opts: o, slabs: map[*slab]struct{}{}, states: map[crypto.Hash]*sync.Pool{}}
	for i := range a.partial {
		a.partial[i] = map[*slab]struct{}{}
	}
	return a
}

// New returns a Secret of size zero bytes (1 to MaxSecretBytes).
func (a *Arena) New(size int) (*Secret, error) {
	if size < 1 || size > MaxSecretBytes {
		return nil, fmt.Errorf("%w: %d bytes", ErrSize, size)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil, ErrDestroyed
	}
	s, err := a.slabFor(size)
	if err != nil {
		return nil, err
	}
	i := s.free[len(s.free)-1]
	s.free = s.free[:len(s.free)-1]
	if len(s.free) == 0 && s.class >= 0 {
		delete(a.partial[s.class], s)
	}
	off := int(i) * s.slot
	sec := &Secret{arena: a, slab: s, index: i, b: s.pages.data[off : off+size : off+size]}
	s.owners[i] = sec
	a.stats.Secrets++
	a.stats.SecretBytes += int64(size)
	return sec, nil
}

// Take moves b into a new Secret and overwrites b with zeros, also when it fails.
func (a *Arena) Take(b []byte) (*Secret, error) {
	defer clear(b)
	s, err := a.New(len(b))
	if err != nil {
		return nil, err
	}
	copy(s.b, b)
	return s, nil
}

// Random returns a Secret of size bytes from crypto/rand.
func (a *Arena) Random(size int) (*Secret, error) {
	s, err := a.New(size)
	if err != nil {
		return nil, err
	}
	if _, err := rand.Read(s.b); err != nil {
		s.Destroy()
		return nil, fmt.Errorf("securemem: reading random bytes: %w", err)
	}
	return s, nil
}

// Stats tells what the Arena holds now.
func (a *Arena) Stats() Stats {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.stats
}

// Close destroys every Secret of the Arena and unmaps its memory. It waits for
// functions that run inside With. Close may be called more than once.
func (a *Arena) Close() {
	a.mu.Lock()
	a.closed = true
	var live []*Secret
	for s := range a.slabs {
		for _, o := range s.owners {
			if o != nil {
				live = append(live, o)
			}
		}
	}
	a.mu.Unlock()
	// A Secret's own lock comes before the Arena's, so they are destroyed unlocked.
	for _, s := range live {
		s.Destroy()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for s := range a.slabs {
		a.drop(s) // the spare empty slabs
	}
}

// classOf is the size class of size, or -1 when it needs a mapping of its own.
func classOf(size int) int {
	if size > maxClassBytes {
		return -1
	}
	if size <= minClassBytes {
		return 0
	}
	return bits.Len(uint(size-1)) - bits.Len(uint(minClassBytes-1))
}

// slabFor returns a slab with a free slot for size bytes. The caller holds a.mu.
func (a *Arena) slabFor(size int) (*slab, error) {
	class := classOf(size)
	if class >= 0 {
		for s := range a.partial[class] {
			return s, nil
		}
	}
	slot, total := size, size
	if class >= 0 {
		slot, total = minClassBytes<<class, slabBytes
	}
	p, err := mapPages(total)
	if err != nil {
		return nil, fmt.Errorf("securemem: mapping %d bytes: %w", total, err)
	}
	if !p.locked && a.opts.RequireLock {
		lockErr := p.err
		if err := p.unmap(); err != nil {
			return nil, fmt.Errorf("securemem: unmapping: %w", err)
		}
		return nil, fmt.Errorf("%w: %w", ErrNotLocked, lockErr)
	}
	n := 1
	if class >= 0 {
		n = total / slot
	}
	s := &slab{pages: p, class: class, slot: slot, free: make([]int32, n), owners: make([]*Secret, n)}
	for i := range s.free {
		s.free[i] = int32(n - 1 - i)
	}
	a.slabs[s] = struct{}{}
	if class >= 0 {
		a.partial[class][s] = struct{}{}
	}
	size64 := int64(len(p.data))
	a.stats.MappedBytes += size64
	if !p.locked {
		a.stats.UnlockedBytes += size64
	}
	if !p.undumped {
		a.stats.DumpableBytes += size64
	}
	if p.err != nil {
		a.stats.Err = p.err
	}
	return s, nil
}

// release takes back the slot of a Secret whose bytes are already zero.
func (a *Arena) release(sec *Secret, size int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := sec.slab
	s.owners[sec.index] = nil
	s.free = append(s.free, sec.index)
	a.stats.Secrets--
	a.stats.SecretBytes -= int64(size)
	if s.class < 0 {
		a.drop(s)
		return
	}
	a.partial[s.class][s] = struct{}{}
	// One empty slab of each class is kept, or a single short-lived secret would cost
	// a map, a lock and an unmap each time.
	if len(s.free) == len(s.owners) && (a.closed || len(a.partial[s.class]) > 1) {
		a.drop(s)
	}
}

// drop unmaps a slab without secrets. The caller holds a.mu.
func (a *Arena) drop(s *slab) {
	size := int64(len(s.pages.data))
	a.stats.MappedBytes -= size
	if !s.pages.locked {
		a.stats.UnlockedBytes -= size
	}
	if !s.pages.undumped {
		a.stats.DumpableBytes -= size
	}
	if s.class >= 0 {
		delete(a.partial[s.class], s)
	}
	delete(a.slabs, s)
	if err := s.pages.unmap(); err != nil {
		a.stats.Err = fmt.Errorf("securemem: unmapping: %w", err)
	}
}
