package table

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The first byte of an encoded part. Parts of different kinds sort in this order.
const (
	tagString = 0x02
	tagUint   = 0x15
	tagTime   = 0x33
)

// Part is one component of a key: a string, an unsigned number or a time.
type Part struct {
	tag  byte
	s    string
	n    uint64 // number, or seconds since 1970 with the sign bit flipped
	nano uint32
}

// String is a part that sorts by its bytes.
func String(s string) Part { return Part{tag: tagString, s: s} }

// Uint is a part that sorts by its number.
func Uint(n uint64) Part { return Part{tag: tagUint, n: n} }

// Time is a part that sorts by its instant, to the nanosecond. The location is not
// kept.
func Time(t time.Time) Part {
	return Part{tag: tagTime, n: uint64(t.Unix()) ^ 1<<63, nano: uint32(t.Nanosecond())}
}

// Str is the string of a part made by String; ok is false for another kind.
func (p Part) Str() (s string, ok bool) { return p.s, p.tag == tagString }

// Num is the number of a part made by Uint.
func (p Part) Num() (n uint64, ok bool) { return p.n, p.tag == tagUint }

// Instant is the time of a part made by Time, in UTC.
func (p Part) Instant() (t time.Time, ok bool) {
	if p.tag != tagTime {
		return time.Time{}, false
	}
	return time.Unix(int64(p.n^1<<63), int64(p.nano)).UTC(), true
}

// String shows a part in messages.
func (p Part) String() string {
	switch p.tag {
	case tagString:
		return strconv.Quote(p.s)
	case tagUint:
		return strconv.FormatUint(p.n, 10)
	case tagTime:
		t, _ := p.Instant()
		return t.Format(time.RFC3339Nano)
	}
	return "invalid"
}

// Key encodes a tuple. Encoded tuples sort like the tuples part by part, and the
// encoding of a tuple is a prefix of exactly those that begin with its parts.
func Key(parts ...Part) []byte { return AppendKey(nil, parts...) }

// AppendKey appends the encoding of a tuple to dst.
//
// A string is its bytes with 0x00 written as 0x00 0xff, ended by 0x00 0x01. So "a"
// sorts before "a\x00", whatever follows either, and its encoding is no prefix of the
// other's: a scan of one account cannot reach into another.
func AppendKey(dst []byte, parts ...Part) []byte {
	for _, p := range parts {
		dst = append(dst, p.tag)
		switch p.tag {
		case tagString:
			rest := p.s
			for {
				i := strings.IndexByte(rest, 0)
				if i < 0 {
					break
				}
				dst = append(dst, rest[:i]...)
				dst = append(dst, 0x00, 0xff)
				rest = rest[i+1:]
			}
			dst = append(dst, rest...)
			dst = append(dst, 0x00, 0x01)
		case tagUint:
			dst = binary.BigEndian.AppendUint64(dst, p.n)
		case tagTime:
			dst = binary.BigEndian.AppendUint64(dst, p.n)
			dst = binary.BigEndian.AppendUint32(dst, p.nano)
		}
	}
	return dst
}

// ErrKey: bytes are not an encoded tuple.
var ErrKey = errors.New("table: damaged key")

// ParseKey decodes a tuple. It accepts exactly what AppendKey makes.
func ParseKey(key []byte) ([]Part, error) {
	var parts []Part
	for len(key) > 0 {
		p, rest, err := parsePart(key)
		if err != nil {
			return nil, err
		}
		parts, key = append(parts, p), rest
	}
	return parts, nil
}

func parsePart(key []byte) (p Part, rest []byte, err error) {
	p.tag, rest = key[0], key[1:]
	switch p.tag {
	case tagString:
		var b []byte
		for i := 0; i < len(rest); i++ {
			if rest[i] != 0 {
				b = append(b, rest[i])
				continue
			}
			i++
			switch {
			case i < len(rest) && rest[i] == 0xff:
				b = append(b, 0)
			case i < len(rest) && rest[i] == 0x01:
				p.s = string(b)
				return p, rest[i+1:], nil
			default:
				return p, nil, fmt.Errorf("%w: bad escape in a string", ErrKey)
			}
		}
	case tagUint:
		if len(rest) >= 8 {
			p.n = binary.BigEndian.Uint64(rest)
			return p, rest[8:], nil
		}
	case tagTime:
		if len(rest) >= 12 {
			p.n = binary.BigEndian.Uint64(rest)
			p.nano = binary.BigEndian.Uint32(rest[8:])
			if p.nano < uint32(time.Second) {
				return p, rest[12:], nil
			}
		}
	default:
		return p, nil, fmt.Errorf("%w: unknown tag %#x", ErrKey, p.tag)
	}
	return p, nil, fmt.Errorf("%w: part with tag %#x is cut off", ErrKey, p.tag)
}
