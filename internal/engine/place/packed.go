package place

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// The packed form is "FPLACE1\n" and one zstd frame, which holds, every number as a varint:
// the number of names and each name as its length and bytes; then for IPv4 and for IPv6 the
// number of starts and, in columns of their own, for each start the trailing zero bits of its
// distance from the one before, the distance without them, and its value. Values are ranked by
// how often they occur, the ranking stands before them, and the ranks are written one byte of
// three after the other, which zstd likes.

const packedMagic = "FPLACE1\n"

// Bounds on what unpack accepts: far above any table, below what memory notices.
const (
	maxPacked   = 16 << 20
	maxUnpacked = 64 << 20
	maxStarts   = 4 << 20
	maxNames    = 1 << 16
	maxRanks    = 1 << 20
)

var errPacked = errors.New("place: malformed table")

// Pack is the packed form, as it stands in data.
func (c Countries) Pack() ([]byte, error) { return c.t.pack() }

// Pack is the packed form, as it stands in data.
func (s ASNs) Pack() ([]byte, error) { return s.t.pack() }

// pack writes the packed form of a table.
func (t *table) pack() ([]byte, error) {
	var raw []byte
	raw = binary.AppendUvarint(raw, uint64(len(t.names)))
	for _, n := range t.names {
		raw = binary.AppendUvarint(raw, uint64(len(n)))
		raw = append(raw, n...)
	}
	starts := make([]uint64, len(t.starts4))
	for i, s := range t.starts4 {
		starts[i] = uint64(s)
	}
	raw = appendColumns(raw, starts, t.values4)
	raw = appendColumns(raw, t.starts6, t.values6)
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("place: %w", err)
	}
	defer w.Close()
	return w.EncodeAll(raw, []byte(packedMagic)), nil
}

func appendColumns(dst []byte, starts []uint64, values []uint32) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(starts)))
	var distances []byte
	last := uint64(0)
	for _, s := range starts {
		d := s - last
		last = s
		zeros := bits.TrailingZeros64(d) // 64 for 0
		dst = append(dst, byte(zeros))
		distances = binary.AppendUvarint(distances, d>>(zeros&63))
	}
	dst = append(dst, distances...)

	count := map[uint32]int{}
	for _, v := range values {
		count[v]++
	}
	ranking := make([]uint32, 0, len(count))
	for v := range count {
		ranking = append(ranking, v)
	}
	slices.SortFunc(ranking, func(a, b uint32) int {
		if count[a] != count[b] {
			return count[b] - count[a]
		}
		return int(int64(a) - int64(b))
	})
	rank := make(map[uint32]uint32, len(ranking))
	dst = binary.AppendUvarint(dst, uint64(len(ranking)))
	for i, v := range ranking {
		rank[v] = uint32(i)
		dst = binary.AppendUvarint(dst, uint64(v))
	}
	for shift := 0; shift < 24; shift += 8 {
		for _, v := range values {
			dst = append(dst, byte(rank[v]>>shift))
		}
	}
	return dst
}

// unpack reads the packed form of a table.
func unpack(packed []byte) (*table, error) {
	if len(packed) < len(packedMagic) || len(packed) > maxPacked || string(packed[:len(packedMagic)]) != packedMagic {
		return nil, errPacked
	}
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxUnpacked))
	if err != nil {
		return nil, fmt.Errorf("place: %w", err)
	}
	defer r.Close()
	raw, err := r.DecodeAll(packed[len(packedMagic):], nil)
	if err != nil {
		return nil, fmt.Errorf("place: %w", err)
	}
	p := parser{raw: raw}
	t := &table{}
	for range p.number(maxNames) {
		t.names = append(t.names, string(p.bytes(p.number(maxNames))))
	}
	starts, values := p.columns()
	t.starts4 = make([]uint32, len(starts))
	for i, s := range starts {
		if s > math.MaxUint32 {
			return nil, errPacked
		}
		t.starts4[i] = uint32(s)
	}
	t.values4 = values
	t.starts6, t.values6 = p.columns()
	if p.bad || len(p.raw) > 0 {
		return nil, errPacked
	}
	t.buildIndexes()
	return t, nil
}

// parser reads numbers and bytes; what is not there makes it bad and reads as nothing.
type parser struct {
	raw []byte
	bad bool
}

// number reads a number of at most limit.
func (p *parser) number(limit uint64) uint64 {
	v, n := binary.Uvarint(p.raw)
	if n <= 0 || v > limit {
		p.bad, p.raw = true, nil
		return 0
	}
	p.raw = p.raw[n:]
	return v
}

func (p *parser) bytes(n uint64) []byte {
	if n > uint64(len(p.raw)) {
		p.bad, p.raw = true, nil
		return nil
	}
	b := p.raw[:n]
	p.raw = p.raw[n:]
	return b
}

// columns reads what appendColumns wrote. Starts must ascend.
func (p *parser) columns() ([]uint64, []uint32) {
	n := p.number(maxStarts)
	zeros := p.bytes(n)
	starts := make([]uint64, 0, len(zeros))
	last := uint64(0)
	for i, z := range zeros {
		d := p.number(math.MaxUint64)
		if z > 64 || z < 64 && d == 0 {
			p.bad = true
			return nil, nil
		}
		if z == 64 {
			d, z = 0, 0
		}
		s := last + d<<z
		if d<<z>>z != d || s < last || i > 0 && s == last {
			p.bad = true
			return nil, nil
		}
		starts, last = append(starts, s), s
	}
	ranks := p.number(maxRanks)
	ranking := make([]uint32, 0, min(ranks, uint64(len(p.raw))))
	for range ranks {
		ranking = append(ranking, uint32(p.number(math.MaxUint32)))
	}
	low, middle, high := p.bytes(n), p.bytes(n), p.bytes(n)
	if p.bad {
		return nil, nil
	}
	values := make([]uint32, n)
	for i := range values {
		rank := uint32(low[i]) | uint32(middle[i])<<8 | uint32(high[i])<<16
		if int(rank) >= len(ranking) {
			p.bad = true
			return nil, nil
		}
		values[i] = ranking[rank]
	}
	return starts, values
}
