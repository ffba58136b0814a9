package waf

import (
	"hash/maphash"
	"sync/atomic"
	"unsafe"

	"fastness/internal/engine/waf/pattern"
)

// The memo's bounds.
const (
	defaultMemoBytes = 32 << 20
	// Values from minMemoValue to maxMemoValue bytes are kept: shorter ones are scanned as
	// fast as they are found.
	minMemoValue = 16
	maxMemoValue = 2048
	memoWays     = 4
	// memoOverhead is what an entry takes beside its value and bits: the entry, two
	// allocations' rounding.
	memoOverhead = 96
)

// memo remembers which of the patterns of a component match a value, and whether it is an
// injection. The key is the exact bytes,
// never only a hash of them. It is a table of sets of four entries; an entry is immutable and is
// replaced as a whole, so that reading takes no lock. A hit allocates nothing, and neither does
// a value that is seen once: only what comes a second time is kept.
type memo struct {
	seed  maphash.Seed
	limit int64
	bytes atomic.Int64
	mask  uint64
	slots []atomic.Pointer[memoEntry]
	// seen holds pieces of hashes of values that came once.
	seen []atomic.Uint32
}

type memoEntry struct {
	hash  uint64
	part  int32
	used  atomic.Bool // since it was last passed over
	value string
	got   pattern.Bits
}

func (e *memoEntry) size() int64 { return int64(len(e.value) + 8*len(e.got) + memoOverhead) }

// newMemo returns a memo that takes at most limit bytes, 0 is none.
func newMemo(limit int) *memo {
	if limit <= 0 {
		return nil
	}
	sets := uint64(1)
	for int64(sets)*memoWays*2*512 <= int64(limit) {
		sets *= 2
	}
	fixed := int64(sets*memoWays)*int64(unsafe.Sizeof(atomic.Pointer[memoEntry]{})) + int64(sets*memoWays*4)
	if fixed >= int64(limit) {
		return nil
	}
	return &memo{
		seed:  maphash.MakeSeed(),
		limit: int64(limit) - fixed,
		mask:  sets - 1,
		slots: make([]atomic.Pointer[memoEntry], sets*memoWays),
		seen:  make([]atomic.Uint32, sets*memoWays),
	}
}

// hash returns the hash of a value for a component.
func (m *memo) hash(part int32, value []byte) uint64 {
	h := maphash.Bytes(m.seed, value) ^ uint64(part)*0x9e3779b97f4a7c15
	return h ^ h>>29
}

// find returns which patterns match the value; nil tells that it is not known.
func (m *memo) find(h uint64, part int32, value []byte) pattern.Bits {
	set := m.slots[(h&m.mask)*memoWays:][:memoWays]
	for i := range set {
		e := set[i].Load()
		if e != nil && e.hash == h && e.part == part && e.value == string(value) {
			if !e.used.Load() {
				e.used.Store(true)
			}
			return e.got
		}
	}
	return nil
}

// offer keeps the outcome if the value came before.
func (m *memo) offer(h uint64, part int32, value []byte, got pattern.Bits) {
	mark := uint32(h>>32) | 1
	if s := &m.seen[h%uint64(len(m.seen))]; s.Load() != mark {
		s.Store(mark)
		return
	}
	set := m.slots[(h&m.mask)*memoWays:][:memoWays]
	victim := vacancy(set)
	if victim < 0 {
		return
	}
	e := &memoEntry{hash: h, part: part, value: string(value), got: append(pattern.Bits{}, got...)}
	// The bytes are taken before the entry is stored, so that goroutines that store at once
	// do not exceed the limit together.
	old := set[victim].Load()
	change := e.size()
	if old != nil {
		change -= old.size()
	}
	if m.bytes.Add(change) > m.limit {
		m.bytes.Add(-change)
		return
	}
	if !set[victim].CompareAndSwap(old, e) {
		m.bytes.Add(-change) // somebody else was faster
	}
}

// vacancy returns a place that is empty, or whose entry was not used since it was last asked for
// one; -1 if all were. They keep their places then, so that five values that come with every
// request do not push each other out in turn.
func vacancy(set []atomic.Pointer[memoEntry]) int {
	for i := range set {
		if set[i].Load() == nil {
			return i
		}
	}
	unused := -1
	for i := range set {
		if e := set[i].Load(); !e.used.Swap(false) {
			unused = i
		}
	}
	return unused
}
