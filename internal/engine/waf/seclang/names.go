package seclang

import (
	"maps"
	"slices"
)

// names are the names of one source that rules mention: arguments, header fields, cookies. Most names of a request are none of them, and
// that is told by three things about a name, without changing its case.
type names struct {
	buckets []int32 // 1 + an index of list, 0: none. Their number is a power of two
	list    []named
}

// named is what there is to know of a name.
type named struct {
	key     string // in lower case
	next    int32  // 1 + the index of another one of the bucket, 0: none
	class   int32  // the class of its values
	counter int32  // counts them in Scratch.counts; -1: nobody asks
	kept    bool   // rules look at values for which no condition holds, too
}

// nameHash is the same for names that differ in case alone.
func nameHash(key []byte) uint {
	n := uint(len(key))
	if n == 0 {
		return 0
	}
	return n*11 + uint(key[0]|0x20)*5 + uint(key[n-1]|0x20)
}

// find returns the entry of a name in any case, nil if no rule mentions it.
func (t *names) find(key []byte) *named {
	for i := t.buckets[nameHash(key)&uint(len(t.buckets)-1)]; i != 0; {
		n := &t.list[i-1]
		if sameFolded(key, n.key) {
			return n
		}
		i = n.next
	}
	return nil
}

// sameFolded tells whether a is lowered but for upper-case letters of ASCII.
func sameFolded(a []byte, lowered string) bool {
	if len(a) != len(lowered) {
		return false
	}
	for i, b := range a {
		if b-'A' < 26 {
			b |= 0x20
		}
		if b != lowered[i] {
			return false
		}
	}
	return true
}

// nameTables makes the tables of names.
func (c *compiler) nameTables() {
	p := c.p
	for src := range sources {
		all := map[string]*named{}
		note := func(key string) *named {
			n := all[key]
			if n == nil {
				n = &named{key: key, class: p.class[src], counter: -1}
				all[key] = n
			}
			return n
		}
		for key, id := range p.named[src] {
			note(key).class = id
		}
		for _, key := range p.keys[src] {
			note(key).kept = true
		}
		for key, counter := range p.counters[src].named {
			note(key).counter = counter
		}
		if len(all) == 0 {
			continue
		}
		size := 64
		for size < 4*len(all) {
			size *= 2
		}
		t := &names{buckets: make([]int32, size)}
		for _, key := range slices.Sorted(maps.Keys(all)) {
			n, b := *all[key], &t.buckets[nameHash([]byte(key))&uint(size-1)]
			n.next = *b
			t.list = append(t.list, n)
			*b = int32(len(t.list))
		}
		p.mentioned[src] = t
	}
}
