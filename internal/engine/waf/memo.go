package waf

import (
	"hash/maphash"
	"math/bits"
	"sync/atomic"
	"unsafe"
)

// The memo's bounds.
const (
	defaultMemoBytes = 32 << 20
	// maxMemoValue is the longest value that is kept, in bytes.
	maxMemoValue = 2048
	memoWays     = 4
	// memoOverhead is what an entry takes beside its value and hits: the entry, the rounding
	// of three allocations.
	memoOverhead = 128
	// maxHits is how many hits an entry has at most; what has more is an attack.
	maxHits = 64
)

// memo remembers what is known of the values of components: for each aspect which patterns match,
// or whether it is an injection. The user agent and the cookies that come with every request
// are taken through their transformations and automata once.
//
// The key is the exact bytes, never only a hash of them. The memo is a table of sets of four
// entries; an entry is immutable and is replaced as a whole, so that reading takes no lock. A hit
// allocates nothing, and neither does a value that is seen once: only what comes a second time
// is kept.
type memo struct {
	seed  maphash.Seed
	limit int64
	bytes atomic.Int64
	mask  uint64
	// tags are parts of the hashes of the entries: most values are not there, and this tells
	// without a look at the entries.
	tags  []atomic.Uint32
	slots []atomic.Pointer[memoEntry]
	// seen holds parts of the hashes of values that came once.
	seen []atomic.Uint32
}

type memoEntry struct {
	part  int32
	used  atomic.Bool // since it was last passed over
	value string
	known uint64 // aspects
	hits  []memoHit
}

// memoHit is a pattern that matches, an injection, or a set of families of attacks.
type memoHit struct {
	what   int32
	aspect uint8
}

// hit returns what is known of an aspect, 0 for nothing.
func (e *memoEntry) hit(aspect uint8) int32 {
	for _, h := range e.hits {
		if h.aspect == aspect {
			return h.what
		}
	}
	return 0
}

func (e *memoEntry) size() int64 { return int64(len(e.value) + 8*len(e.hits) + memoOverhead) }

// aspectBit returns a set of one aspect; that of noAspect is empty.
func aspectBit(aspect uint8) uint64 { return 1 << aspect }

// newMemo returns a memo that takes at most limit bytes, 0 is none.
func newMemo(limit int) *memo {
	if limit <= 0 {
		return nil
	}
	sets := uint64(1)
	for int64(sets)*memoWays*2*512 <= int64(limit) {
		sets *= 2
	}
	places := int64(sets * memoWays)
	fixed := places * int64(unsafe.Sizeof(atomic.Pointer[memoEntry]{})+2*unsafe.Sizeof(atomic.Uint32{}))
	if fixed >= int64(limit) {
		return nil
	}
	return &memo{
		seed:  maphash.MakeSeed(),
		limit: int64(limit) - fixed,
		mask:  sets - 1,
		tags:  make([]atomic.Uint32, places),
		slots: make([]atomic.Pointer[memoEntry], places),
		seen:  make([]atomic.Uint32, places),
	}
}

// hash returns the hash of a value of a component.
func (m *memo) hash(part int32, value []byte) uint64 {
	h := maphash.Bytes(m.seed, value) ^ uint64(part)*0x9e3779b97f4a7c15
	return h ^ h>>29
}

// tag returns the part of a hash that does not say which set is meant. It is never 0.
func tag(h uint64) uint32 { return uint32(h>>32) | 1 }

// find returns what is known of a value of a component, or nil.
func (m *memo) find(h uint64, part int32, value []byte) *memoEntry {
	first := (h & m.mask) * memoWays
	tags := m.tags[first:][:memoWays]
	for i := range tags {
		if tags[i].Load() != tag(h) {
			continue
		}
		// The tag and the entry may be changing; only the entry counts.
		e := m.slots[first+uint64(i)].Load()
		if e != nil && e.part == part && e.value == string(value) {
			if !e.used.Load() {
				e.used.Store(true)
			}
			return e
		}
	}
	return nil
}

// again tells whether the value came before, as far as is remembered.
func (m *memo) again(h uint64) bool {
	s := &m.seen[h%uint64(len(m.seen))]
	if s.Load() == tag(h) {
		return true
	}
	s.Store(tag(h))
	return false
}

// keep puts an entry in the place of old, or in a vacant one if old is nil.
func (m *memo) keep(h uint64, old, e *memoEntry) {
	first := (h & m.mask) * memoWays
	place := m.vacancy(first, old)
	if place < 0 {
		return
	}
	// The bytes are taken before the entry is stored, so that goroutines that store at once
	// do not exceed the limit together.
	slot := &m.slots[place]
	change := e.size()
	if old = slot.Load(); old != nil {
		change -= old.size()
	}
	if m.bytes.Add(change) > m.limit || !slot.CompareAndSwap(old, e) {
		m.bytes.Add(-change) // no room, or somebody else was faster
		return
	}
	m.tags[place].Store(tag(h))
}

// vacancy returns the place of old in the set that begins at first. Without one it returns a place
// that is empty, or whose entry was not used since the set was last asked for one; -1 if all
// were. They keep their places then, so that five values that come with every request do not
// push each other out in turn.
func (m *memo) vacancy(first uint64, old *memoEntry) int64 {
	set := m.slots[first:][:memoWays]
	for i := range set {
		if set[i].Load() == old {
			return int64(first) + int64(i)
		}
	}
	if old != nil {
		return -1
	}
	unused := int64(-1)
	for i := range set {
		if e := set[i].Load(); !e.used.Swap(false) {
			unused = int64(first) + int64(i)
		}
	}
	return unused
}

// found is an injection or attack that was found in this request.
type found struct {
	value int32 // in Scratch.values
	memoHit
}

// answer notes the answer to a question about a value, 0 for no.
func (s *Scratch) answer(value int32, aspect uint8, what int32) {
	bit := aspectBit(aspect)
	if v := &s.values[value]; bit != 0 && v.asked&bit == 0 {
		if v.asked |= bit; what != 0 {
			s.found = append(s.found, found{value, memoHit{what, aspect}})
		}
	}
}

// remember keeps what was found out about the values of this request.
func (s *Scratch) remember() {
	m := s.p.memo
	if m == nil || s.verdict.Exhausted {
		return
	}
	for id := range s.parts {
		ps := &s.parts[id]
		if ps.epoch != s.epoch {
			continue
		}
		for i := range ps.n {
			v := &s.values[ps.first+i]
			if !v.memo || v.asked&^v.known == 0 || v.kept == nil && !m.again(v.hash) {
				continue
			}
			if e := s.entry(int32(id), i, v); e != nil {
				m.keep(v.hash, v.kept, e)
			}
		}
	}
}

// entry makes an entry of what is known of a value, nil if it has too many hits.
func (s *Scratch) entry(id, i int32, v *value) *memoEntry {
	part, at := &s.p.parts[id], s.parts[id].first+i
	e := &memoEntry{part: id, value: string(s.vals[v.source].Bytes), known: v.known | v.asked}
	if v.kept != nil {
		e.hits = append(e.hits, v.kept.hits...)
	}
	for _, f := range s.found {
		if f.value == at {
			e.hits = append(e.hits, f.memoHit)
		}
	}
	for n, a := range part.aspects {
		if v.asked&^v.known&aspectBit(uint8(n)) == 0 || a.what != 0 || a.place != 0 {
			continue
		}
		if f := &s.forms[s.form(a.node, i)]; f.got >= 0 {
			want := s.p.nodes[a.node].want
			for w, word := range s.got[f.got:][:s.p.words] {
				for word &= want[w]; word != 0; word &= word - 1 {
					e.hits = append(e.hits, memoHit{what: int32(w<<6 + bits.TrailingZeros64(word)), aspect: uint8(n)})
				}
			}
		}
		if len(e.hits) > maxHits {
			return nil
		}
	}
	return e
}
