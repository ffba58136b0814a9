package seclang

import (
	"hash/maphash"
	"sync/atomic"
	"unsafe"
)

// The memo's bounds.
const (
	defaultMemoBytes = 32 << 20
	maxMemoValue     = 2048 // bytes of a value that is kept
	memoWays         = 4
	memoOverhead     = 112 // of an entry beside its value and conditions
	maxMemoHits      = 128
)

// memo remembers which conditions hold for values of classes, under the exact bytes. It is a table
// of sets of four entries, each of which is immutable and replaced as a whole: reading takes no
// lock and allocates nothing. Only what comes a second time is kept.
type memo struct {
	seed  maphash.Seed
	limit int64
	bytes atomic.Int64
	mask  uint64
	tags  []atomic.Uint32
	slots []atomic.Pointer[memoEntry]
	seen  []atomic.Uint32
}

type memoEntry struct {
	class int32
	used  atomic.Bool // since it was last passed over
	value string
	hits  []int32
}

func (e *memoEntry) size() int64 { return int64(len(e.value) + 4*len(e.hits) + memoOverhead) }

func newMemo(limit int) *memo {
	sets := uint64(1)
	for int64(sets)*memoWays*2*256 <= int64(limit) {
		sets *= 2
	}
	places := int64(sets * memoWays)
	fixed := places * int64(unsafe.Sizeof(atomic.Pointer[memoEntry]{})+2*unsafe.Sizeof(atomic.Uint32{}))
	if fixed >= int64(limit) {
		return nil
	}
	return &memo{
		seed: maphash.MakeSeed(), limit: int64(limit) - fixed, mask: sets - 1,
		tags: make([]atomic.Uint32, places), slots: make([]atomic.Pointer[memoEntry], places), seen: make([]atomic.Uint32, places),
	}
}

func (m *memo) hash(class int32, value []byte) uint64 {
	h := maphash.Bytes(m.seed, value) ^ uint64(class+1)*0x9e3779b97f4a7c15
	return h ^ h>>29
}

// tag is the part of a hash that does not say which set is meant, never 0.
func tag(h uint64) uint32 { return uint32(h>>32) | 1 }

// find returns the entry of a value, or nil.
func (m *memo) find(h uint64, class int32, value []byte) *memoEntry {
	first := (h & m.mask) * memoWays
	tags := m.tags[first:][:memoWays]
	for i := range tags {
		if tags[i].Load() != tag(h) {
			continue
		}
		e := m.slots[first+uint64(i)].Load()
		if e != nil && e.class == class && e.value == string(value) {
			if !e.used.Load() {
				e.used.Store(true)
			}
			return e
		}
	}
	return nil
}

// again tells whether a value came before, as far as is remembered.
func (m *memo) again(h uint64) bool {
	s := &m.seen[h%uint64(len(m.seen))]
	if s.Load() == tag(h) {
		return true
	}
	s.Store(tag(h))
	return false
}

// keep stores what was found out about a value.
func (m *memo) keep(h uint64, class int32, value []byte, hits []int32) {
	if len(hits) > maxMemoHits {
		return
	}
	first := (h & m.mask) * memoWays
	place := int64(-1)
	for i := range uint64(memoWays) {
		e := m.slots[first+i].Load()
		if e == nil || !e.used.Swap(false) {
			place = int64(first + i)
			if e == nil {
				break
			}
		}
	}
	if place < 0 {
		return
	}
	e := &memoEntry{class: class, value: string(value), hits: append([]int32(nil), hits...)}
	slot := &m.slots[place]
	change, old := e.size(), slot.Load()
	if old != nil {
		change -= old.size()
	}
	if m.bytes.Add(change) > m.limit || !slot.CompareAndSwap(old, e) {
		m.bytes.Add(-change)
		return
	}
	m.tags[place].Store(tag(h))
}
