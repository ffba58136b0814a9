package place

import (
	"encoding/binary"
	"net/netip"
)

// table gives every address a value, 0 where there is none: the value of the last start that
// is not behind the address.
type table struct {
	starts4 []uint32
	values4 []uint32
	starts6 []uint64 // the first 64 bits of IPv6 addresses
	values6 []uint32
	// index4[p] is the first of starts4 whose first 16 bits are not below p; the last is
	// len(starts4). index6 is the same for starts6.
	index4, index6 []uint32
	// names are what values stand for, if they are not numbers themselves; the first is "".
	names []string
}

const indexed = 1<<16 + 1

// buildIndexes makes the indexes of finished starts.
func (t *table) buildIndexes() {
	t.index4 = make([]uint32, indexed)
	t.index6 = make([]uint32, indexed)
	n := 0
	for p := range t.index4 {
		for n < len(t.starts4) && int(t.starts4[n]>>16) < p {
			n++
		}
		t.index4[p] = uint32(n)
	}
	n = 0
	for p := range t.index6 {
		for n < len(t.starts6) && int(t.starts6[n]>>48) < p {
			n++
		}
		t.index6[p] = uint32(n)
	}
}

// value is that of an address.
func (t *table) value(a netip.Addr) uint32 {
	switch {
	case a.Is4() || a.Is4In6():
		b := a.As4()
		key := binary.BigEndian.Uint32(b[:])
		from, to := t.index4[key>>16], t.index4[key>>16+1]
		if i := int(from) + behind(t.starts4[from:to], key); i > 0 {
			return t.values4[i-1]
		}
	case a.Is6():
		b := a.As16()
		key := binary.BigEndian.Uint64(b[:8])
		from, to := t.index6[key>>48], t.index6[key>>48+1]
		if i := int(from) + behind(t.starts6[from:to], key); i > 0 {
			return t.values6[i-1]
		}
	}
	return 0
}

// behind is how many of the starts, which ascend, are not behind key.
func behind[T uint32 | uint64](starts []T, key T) int {
	from, n := 0, len(starts)
	for n > 0 {
		half := n / 2
		if starts[from+half] <= key {
			from += half + 1
			n -= half + 1
		} else {
			n = half
		}
	}
	return from
}

// name is what the value of an address stands for.
func (t *table) name(a netip.Addr) string {
	if v := t.value(a); int(v) < len(t.names) {
		return t.names[v]
	}
	return ""
}
