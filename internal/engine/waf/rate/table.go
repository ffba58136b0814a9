package rate

import (
	"hash/maphash"
	"math/bits"
)

// cells is the number of cells of a window's ring.
const cells = 60

// classes are the orders of magnitude of counts: an entry with the sum s is in class
// bits.Len64(s), the last one holds all above.
const classes = 34

// chunkSize is how many entries are allocated together.
const (
	chunkBits = 6
	chunkSize = 1 << chunkBits
)

// none ends a list of entries.
const none = ^uint32(0)

// entry is one key's ring. It holds no pointer: the garbage collector does not look into it.
type entry struct {
	key        Key
	sum        uint64 // of all cells
	last       uint32 // number of the newest cell, modulo 2^32
	prev, next uint32 // in the list of its class; next also links free entries
	class      uint8
	flags      uint8
	unsent     uint16        // events of its own that nobody has taken yet
	low        [cells]uint16 // cell c at c%cells, its lower half
}

// Flags of an entry.
const (
	live   = 1 << iota
	wide   // some cell's upper half is in shard.upper
	queued // it is in shard.light
	first  // it is in shard.heavy
)

func (e *entry) is(flag uint8) bool { return e.flags&flag != 0 }

// shard is a hash table of entries with a list for each class of counts.
type shard struct {
	mu     padded
	seed   maphash.Seed
	max    int // entries
	used   int // live entries
	index  []uint32
	chunks [][]entry
	size   uint32 // entries that were ever handed out
	free   uint32
	hand   uint32 // the sweep's next entry
	head   [classes]uint32
	tail   [classes]uint32
	upper  map[uint32]*[cells]uint32

	spender *spender // of memory

	// Of a limiter that shares its counts: entries with events that nobody has taken yet, those of keys that
	// are on their way to the limit apart, and what was counted of keys that are gone.
	shares       bool
	limit        int64
	light, heavy []uint32
	gone         []Delta
}

func (s *shard) init(maxEntries int, seed maphash.Seed) {
	s.seed, s.max, s.free = seed, maxEntries, none
	for i := range s.head {
		s.head[i], s.tail[i] = none, none
	}
	s.index = make([]uint32, 16)
}

func (s *shard) entry(i uint32) *entry { return &s.chunks[i>>chunkBits][i&(chunkSize-1)] }

// find returns the slot of the index that holds key, or the empty one where it belongs.
func (s *shard) find(h uint64, key Key) (slot uint32, found bool) {
	mask := uint32(len(s.index) - 1)
	for slot = uint32(h) & mask; ; slot = (slot + 1) & mask {
		i := s.index[slot]
		if i == 0 {
			return slot, false
		}
		if s.entry(i-1).key == key {
			return slot, true
		}
	}
}

// add counts n events of key in the cell at.
func (s *shard) add(h uint64, key Key, n, at uint32) uint64 {
	slot, found := s.find(h, key)
	var i uint32
	if found {
		i = s.index[slot] - 1
		s.advance(i, at)
	} else {
		i = s.take(at)
		// Making room may have moved what the index holds.
		slot, _ = s.find(h, key)
		s.index[slot] = i + 1
		s.used++
		e := s.entry(i)
		*e = entry{key: key, last: at, flags: live | e.flags&(queued|first)}
		s.push(i, 0)
	}
	e := s.entry(i)
	c := e.last % cells
	low := uint64(e.low[c]) + uint64(n)
	e.low[c] = uint16(low)
	if high := uint32(low >> 16); high != 0 {
		s.addUpper(i, c, high)
	}
	e.sum += uint64(n)
	s.reclass(i)
	return e.sum
}

func (s *shard) addUpper(i, c, high uint32) {
	e := s.entry(i)
	if s.upper == nil {
		s.upper = map[uint32]*[cells]uint32{}
	}
	if !e.is(wide) {
		s.upper[i] = new([cells]uint32)
		e.flags |= wide
	}
	s.upper[i][c] += high
}

// advance moves the ring of entry i on to the cell at, forgetting what falls out of the window.
func (s *shard) advance(i, at uint32) {
	e := s.entry(i)
	if int32(at-e.last) <= 0 {
		return
	}
	if at-e.last >= cells {
		e.low, e.sum = [cells]uint16{}, 0
		s.narrow(i)
	} else {
		var upper *[cells]uint32
		if e.is(wide) {
			upper = s.upper[i]
		}
		for n := e.last + 1; n != at+1; n++ {
			c := n % cells
			e.sum -= uint64(e.low[c])
			e.low[c] = 0
			if upper != nil {
				e.sum -= uint64(upper[c]) << 16
				upper[c] = 0
			}
		}
		if upper != nil && *upper == ([cells]uint32{}) {
			s.narrow(i)
		}
	}
	e.last = at
}

func (s *shard) narrow(i uint32) {
	if e := s.entry(i); e.is(wide) {
		delete(s.upper, i)
		e.flags &^= wide
	}
}

// take returns an entry for a new key: a reclaimed one, a new one, or that of the oldest key with
// the lowest count.
func (s *shard) take(at uint32) uint32 {
	// Look at a few entries for each new key: what is dead is found before the table has
	// doubled, and counts that fell get into their class.
	for range min(s.size, 4) {
		i := s.hand
		if s.hand++; s.hand >= s.size {
			s.hand = 0
		}
		if e := s.entry(i); e.is(live) {
			if s.advance(i, at); e.sum == 0 {
				s.release(i)
			} else {
				s.reclass(i)
			}
		}
	}
	if s.free == none && (int(s.size) >= s.max || s.size&(chunkSize-1) == 0 && !s.spender.chunk(s.size == 0)) {
		s.release(s.lowest())
	}
	if s.free != none {
		i := s.free
		s.free = s.entry(i).next
		return i
	}
	if s.size&(chunkSize-1) == 0 {
		s.chunks = append(s.chunks, make([]entry, chunkSize))
	}
	s.size++
	if int(s.size)*4 > len(s.index)*3 {
		s.grow()
	}
	return s.size - 1
}

// lowest returns the entry to give up. The table is not empty.
func (s *shard) lowest() uint32 {
	for c := range s.head {
		if i := s.head[c]; i != none {
			return i
		}
	}
	return 0
}

// release frees entry i and takes its key out of the index.
func (s *shard) release(i uint32) {
	e := s.entry(i)
	s.spill(e)
	s.narrow(i)
	s.unlink(i)
	slot, found := s.find(maphash.Bytes(s.seed, e.key[:]), e.key)
	if found {
		s.remove(slot)
	}
	*e = entry{next: s.free, flags: e.flags & (queued | first)} // it stays in the queues
	s.free = i
	s.used--
}

// remove empties a slot and closes the gap (Knuth, volume 3, 6.4, algorithm R).
func (s *shard) remove(slot uint32) {
	mask := uint32(len(s.index) - 1)
	hole := slot
	for next := (hole + 1) & mask; s.index[next] != 0; next = (next + 1) & mask {
		e := s.entry(s.index[next] - 1)
		home := uint32(maphash.Bytes(s.seed, e.key[:])) & mask
		if (next-home)&mask >= (next-hole)&mask {
			s.index[hole] = s.index[next]
			hole = next
		}
	}
	s.index[hole] = 0
}

func (s *shard) grow() {
	old := s.index
	s.index = make([]uint32, 2*len(old))
	mask := uint32(len(s.index) - 1)
	for _, i := range old {
		if i == 0 {
			continue
		}
		e := s.entry(i - 1)
		slot := uint32(maphash.Bytes(s.seed, e.key[:])) & mask
		for s.index[slot] != 0 {
			slot = (slot + 1) & mask
		}
		s.index[slot] = i
	}
}

func classOf(sum uint64) uint8 { return uint8(min(bits.Len64(sum), classes-1)) }

// reclass moves entry i to the class of its sum.
func (s *shard) reclass(i uint32) {
	e := s.entry(i)
	if c := classOf(e.sum); c != e.class {
		s.unlink(i)
		s.push(i, c)
	}
}

func (s *shard) push(i uint32, class uint8) {
	e := s.entry(i)
	e.class, e.prev, e.next = class, s.tail[class], none
	if e.prev == none {
		s.head[class] = i
	} else {
		s.entry(e.prev).next = i
	}
	s.tail[class] = i
}

func (s *shard) unlink(i uint32) {
	e := s.entry(i)
	if e.prev == none {
		s.head[e.class] = e.next
	} else {
		s.entry(e.prev).next = e.next
	}
	if e.next == none {
		s.tail[e.class] = e.prev
	} else {
		s.entry(e.next).prev = e.prev
	}
}

// above appends the keys with more than limit events in the window that ends in the cell at.
func (s *shard) above(limit uint64, at uint32, all []Limited) []Limited {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := int(classOf(limit + 1)); c < classes; c++ {
		for i := s.head[c]; i != none; {
			e := s.entry(i)
			next := e.next
			s.advance(i, at)
			if e.sum > limit {
				all = append(all, Limited{Key: e.key, Count: int64(e.sum)})
			}
			s.reclass(i)
			i = next
		}
	}
	return all
}
