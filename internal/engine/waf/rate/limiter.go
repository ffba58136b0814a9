package rate

import (
	"cmp"
	"errors"
	"hash/maphash"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// DefaultMaxKeys is the number of keys of a limiter that sets none: about 170 MB when full.
const DefaultMaxKeys = 1_000_000

// Settings of a limiter.
type Settings struct {
	Limit  int64         // events in the window; more is above the limit
	Window time.Duration // at least one second
	// MaxKeys bounds the keys that are kept, 0 is DefaultMaxKeys. As keys spread unevenly over
	// the shards, the bound is kept to within a twentieth, and is never below 64 for a shard.
	MaxKeys int
	// Shares has the limiter keep what Count counted until it is taken, for other processes.
	Shares bool
	// Budget, if set, bounds the memory, together with that of others.
	Budget *Budget
}

// shards is a power of two; keys spread over the shards by a hash, and each has its own lock.
const (
	shardBits = 6
	shards    = 1 << shardBits
)

// Limiter counts the events of one rule. Safe for concurrent use.
type Limiter struct {
	settings Settings
	cell     int64 // length of a cell in nanoseconds
	seed     maphash.Seed
	shard    [shards]shard
}

// New returns a limiter.
func New(s Settings) (*Limiter, error) {
	if s.Window < time.Second {
		return nil, errors.New("rate: the window must be one second or more")
	}
	if s.Limit < 0 || s.MaxKeys < 0 {
		return nil, errors.New("rate: a limit is negative")
	}
	if s.MaxKeys == 0 {
		s.MaxKeys = DefaultMaxKeys
	}
	l := &Limiter{settings: s, cell: int64(s.Window) / cells, seed: maphash.MakeSeed()}
	spender := s.Budget.spend(l)
	for i := range l.shard {
		l.shard[i].spender = spender
		l.shard[i].init(max(chunkSize, s.MaxKeys/shards*21/20), l.seed)
		l.shard[i].shares, l.shard[i].limit = s.Shares, s.Limit
	}
	return l, nil
}

// Limit returns the limit.
func (l *Limiter) Limit() int64 { return l.settings.Limit }

// Window returns the length of the window.
func (l *Limiter) Window() time.Duration { return l.settings.Window }

// Count counts one event of key at now and returns the number of events in the window, with this
// one. A time before one that the key has seen counts as that one.
func (l *Limiter) Count(key Key, now time.Time) int64 {
	at := l.cellAt(now)
	h := maphash.Bytes(l.seed, key[:])
	s := &l.shard[h>>(64-shardBits)]
	s.mu.Lock()
	sum := s.add(h, key, 1, at)
	if s.shares {
		s.keep(h, key)
	}
	s.mu.Unlock()
	return int64(sum)
}

// Add counts n events, for counts that come from another process: they are not shared again. n is at
// least 1.
func (l *Limiter) Add(key Key, n uint32, now time.Time) int64 {
	at := l.cellAt(now)
	h := maphash.Bytes(l.seed, key[:])
	s := &l.shard[h>>(64-shardBits)]
	s.mu.Lock()
	sum := s.add(h, key, n, at)
	s.mu.Unlock()
	return int64(sum)
}

// Peek returns the number of events of key in the window that ends now and counts none.
func (l *Limiter) Peek(key Key, now time.Time) int64 {
	at := l.cellAt(now)
	h := maphash.Bytes(l.seed, key[:])
	s := &l.shard[h>>(64-shardBits)]
	s.mu.Lock()
	defer s.mu.Unlock()
	slot, found := s.find(h, key)
	if !found {
		return 0
	}
	i := s.index[slot] - 1
	s.advance(i, at)
	return int64(s.entry(i).sum)
}

// Limited is a key above its limit.
type Limited struct {
	Key   Key
	Count int64
}

// Address returns the address that the key is, for limiters that count by address.
func (l Limited) Address() netip.Addr { return l.Key.Address() }

// Limited returns the keys above the limit at now, the highest counts first, at most limit of
// them.
func (l *Limiter) Limited(now time.Time, limit int) []Limited {
	at := l.cellAt(now)
	var all []Limited
	for i := range l.shard {
		all = l.shard[i].above(uint64(l.settings.Limit), at, all)
	}
	slices.SortFunc(all, func(a, b Limited) int {
		if c := cmp.Compare(b.Count, a.Count); c != 0 {
			return c
		}
		return slices.Compare(a.Key[:], b.Key[:])
	})
	return all[:min(len(all), limit)]
}

// Len returns the number of keys that are kept, some of which may have no event in the window.
func (l *Limiter) Len() int {
	n := 0
	for i := range l.shard {
		s := &l.shard[i]
		s.mu.Lock()
		n += s.used
		s.mu.Unlock()
	}
	return n
}

// cellAt returns the number of the cell that now is in, modulo 2^32.
func (l *Limiter) cellAt(now time.Time) uint32 { return uint32(now.UnixNano() / l.cell) }

// padded keeps the lock of a shard and that of its neighbour on different cache lines.
type padded struct {
	sync.Mutex
	_ [56]byte
}
