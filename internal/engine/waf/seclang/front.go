package seclang

import "encoding/binary"

// front remembers short values of which no condition holds, under the exact bytes: keys and words that come in
// every request are told from what may be an attack without a look at the memo, which is large and so far
// from the processor. It belongs to one Scratch and program, and what came last pushes out what was there.
type front [frontCount]frontEntry

// frontEntry has all bytes of a value.
type frontEntry struct {
	begin, middle, end uint64
	kind               uint32 // its class and length; 0: none
}

const (
	frontCount = 1 << 11
	frontBytes = 24 // the longest value
)

// frontKey is the entry of a value of a class, which is not longer than frontBytes, and where it is kept.
func frontKey(class int32, v []byte) (e frontEntry, at uint64) {
	n := len(v)
	switch {
	case n > 16:
		e.begin, e.middle, e.end = binary.LittleEndian.Uint64(v), binary.LittleEndian.Uint64(v[8:]), binary.LittleEndian.Uint64(v[n-8:])
	case n >= 8:
		e.begin, e.end = binary.LittleEndian.Uint64(v), binary.LittleEndian.Uint64(v[n-8:])
	case n >= 4:
		e.begin, e.end = uint64(binary.LittleEndian.Uint32(v)), uint64(binary.LittleEndian.Uint32(v[n-4:]))
	case n > 0:
		e.begin = uint64(v[0]) | uint64(v[n/2])<<8 | uint64(v[n-1])<<16
	}
	e.kind = uint32(class+1)<<8 | uint32(n)
	at = (e.begin*0x9e3779b97f4a7c15 ^ e.middle*0xff51afd7ed558ccd ^ e.end*0xc2b2ae3d27d4eb4f ^ uint64(e.kind)*0x165667b19e3779f9) * 0x9e3779b97f4a7c15
	return e, at >> (64 - 11)
}
