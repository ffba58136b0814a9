package rate

import (
	"encoding/binary"
	"sync"
	"time"
)

// maxMembers is how many members of a key are told apart.
const maxMembers = 16

// Distinct counts the different members of keys in a sliding window: from how many addresses a token
// came in the last five minutes. Up to 16 are told apart; a key that has more has 16. The number of
// keys is bounded; a new key takes the place of the one that was touched longest ago. A key takes
// about 230 bytes. Safe for concurrent use.
type Distinct struct {
	window int64 // seconds
	max    int

	mu      sync.Mutex
	index   map[Key]int32
	entries []distinctEntry
	// oldest and newest are the ends of the list of entries by when they were touched.
	oldest, newest int32
}

type distinctEntry struct {
	key        Key
	prev, next int32
	n          int
	members    [maxMembers]uint64
	seen       [maxMembers]int64 // seconds since 1970
}

// NewDistinct makes one for a window of whole seconds and at most maxKeys keys.
func NewDistinct(window time.Duration, maxKeys int) *Distinct {
	return &Distinct{window: int64(window / time.Second), max: maxKeys, index: make(map[Key]int32), oldest: -1, newest: -1}
}

// Member makes a member of a key.
func (k Key) Member() uint64 {
	return binary.LittleEndian.Uint64(k[:]) ^ binary.LittleEndian.Uint64(k[8:])
}

// Add adds a member to those of a key and returns how many there are in the window, with this one.
func (d *Distinct) Add(key Key, member uint64, now time.Time) int {
	at := now.Unix()
	d.mu.Lock()
	defer d.mu.Unlock()
	i, ok := d.index[key]
	if ok {
		d.unlink(i)
	} else {
		i = d.take(key)
	}
	d.push(i)
	e := &d.entries[i]
	e.expire(at - d.window)
	slot := -1
	for j := range e.n {
		if e.members[j] == member {
			slot = j
		}
	}
	if slot < 0 && e.n < maxMembers {
		slot = e.n
		e.n++
	} else if slot < 0 {
		slot = 0
		for j := 1; j < maxMembers; j++ {
			if e.seen[j] < e.seen[slot] {
				slot = j
			}
		}
	}
	e.members[slot], e.seen[slot] = member, at
	return e.n
}

// Peek returns how many members Add would, and remembers nothing.
func (d *Distinct) Peek(key Key, member uint64, now time.Time) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	i, ok := d.index[key]
	if !ok {
		return 1
	}
	e := d.entries[i]
	e.expire(now.Unix() - d.window)
	for j := range e.n {
		if e.members[j] == member {
			return e.n
		}
	}
	return min(e.n+1, maxMembers)
}

// Len is the number of keys that are kept.
func (d *Distinct) Len() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.index)
}

// expire drops members that were last seen at a time or before.
func (e *distinctEntry) expire(before int64) {
	kept := 0
	for j := range e.n {
		if e.seen[j] > before {
			e.members[kept], e.seen[kept] = e.members[j], e.seen[j]
			kept++
		}
	}
	e.n = kept
}

// take returns an entry for a new key.
func (d *Distinct) take(key Key) int32 {
	i := int32(len(d.entries))
	if len(d.entries) < d.max {
		d.entries = append(d.entries, distinctEntry{})
	} else {
		i = d.oldest
		d.unlink(i)
		delete(d.index, d.entries[i].key)
	}
	d.entries[i] = distinctEntry{key: key}
	d.index[key] = i
	return i
}

func (d *Distinct) push(i int32) {
	e := &d.entries[i]
	e.prev, e.next = d.newest, -1
	if d.newest >= 0 {
		d.entries[d.newest].next = i
	} else {
		d.oldest = i
	}
	d.newest = i
}

func (d *Distinct) unlink(i int32) {
	e := &d.entries[i]
	if e.prev >= 0 {
		d.entries[e.prev].next = e.next
	} else {
		d.oldest = e.next
	}
	if e.next >= 0 {
		d.entries[e.next].prev = e.prev
	} else {
		d.newest = e.prev
	}
}
