package place

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
)

// builder makes a table of ranges that come in order, IPv4 and IPv6 each by itself.
type builder struct {
	t          table
	ids        map[string]uint32
	end4, end6 uint64 // where the last range ended: the next address; 0 before the first
	full6      bool   // the last range ended at the end of IPv6
}

func newBuilder() *builder {
	return &builder{t: table{names: []string{""}}, ids: map[string]uint32{"": 0}}
}

// id is the value for a name.
func (b *builder) id(name string) uint32 {
	id, ok := b.ids[name]
	if !ok {
		id = uint32(len(b.t.names))
		b.ids[name] = id
		b.t.names = append(b.t.names, name)
	}
	return id
}

// add gives the addresses from first to last a value. A range that comes before the end of the
// last one is an error. Parts of networks of 64 bits in IPv6 are left out.
func (b *builder) add(first, last netip.Addr, value uint32) error {
	if first.Is4() != last.Is4() || last.Less(first) {
		return fmt.Errorf("place: %s–%s is no range", first, last)
	}
	if first.Is4() {
		f, l := first.As4(), last.As4()
		start, end := uint64(binary.BigEndian.Uint32(f[:])), uint64(binary.BigEndian.Uint32(l[:]))
		if start < b.end4 {
			return fmt.Errorf("place: %s–%s comes too late", first, last)
		}
		b.t.starts4, b.t.values4 = extend(b.t.starts4, b.t.values4, uint32(b.end4), uint32(start), value, b.end4 < start)
		b.end4 = end + 1
		return nil
	}
	f, l := first.As16(), last.As16()
	if binary.BigEndian.Uint64(f[8:]) != 0 || binary.BigEndian.Uint64(l[8:]) != math.MaxUint64 {
		return nil
	}
	start, end := binary.BigEndian.Uint64(f[:8]), binary.BigEndian.Uint64(l[:8])
	if start < b.end6 || b.full6 {
		return fmt.Errorf("place: %s–%s comes too late", first, last)
	}
	b.t.starts6, b.t.values6 = extend(b.t.starts6, b.t.values6, b.end6, start, value, b.end6 < start)
	b.end6 = end + 1
	b.full6 = b.end6 == 0
	return nil
}

// extend adds a range that begins at start, and a gap from end to it if there is one. What has
// the value of the range before it belongs to that.
func extend[T uint32 | uint64](starts []T, values []uint32, end, start T, value uint32, gap bool) ([]T, []uint32) {
	add := func(at T, v uint32) {
		if n := len(values); n > 0 && values[n-1] == v || n == 0 && v == 0 {
			return
		}
		starts, values = append(starts, at), append(values, v)
	}
	if gap {
		add(end, 0)
	}
	add(start, value)
	return starts, values
}

// finish ends the last ranges and returns the table.
func (b *builder) finish() *table {
	if n := len(b.t.values4); n > 0 && b.t.values4[n-1] != 0 && b.end4 <= math.MaxUint32 {
		b.t.starts4, b.t.values4 = append(b.t.starts4, uint32(b.end4)), append(b.t.values4, 0)
	}
	if n := len(b.t.values6); n > 0 && b.t.values6[n-1] != 0 && !b.full6 {
		b.t.starts6, b.t.values6 = append(b.t.starts6, b.end6), append(b.t.values6, 0)
	}
	b.t.buildIndexes()
	return &b.t
}
