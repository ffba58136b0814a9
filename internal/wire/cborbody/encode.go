package cborbody

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"time"
	"unsafe"

	"fastness/internal/wire"
)

// AppendStruct appends the struct of shape s at p as a map.
func AppendStruct(dst []byte, s *wire.Shape, p unsafe.Pointer) ([]byte, error) {
	n := CountMembers(s, p)
	return AppendMembers(AppendMapHead(dst, n), s, p)
}

// CountMembers is the number of members that AppendMembers writes.
func CountMembers(s *wire.Shape, p unsafe.Pointer) int {
	n := 0
	for i := range s.Members {
		if m := &s.Members[i]; m.Shape().Present(m.Field(p), m.Boxed()) != nil {
			n++
		}
	}
	return n
}

// AppendMembers appends the present members of a struct, names and values, without
// the head of the map.
func AppendMembers(dst []byte, s *wire.Shape, p unsafe.Pointer) ([]byte, error) {
	for i := range s.Members {
		m := &s.Members[i]
		v := m.Shape().Present(m.Field(p), m.Boxed())
		if v == nil {
			continue
		}
		dst = AppendText(dst, m.WireName)
		var err error
		if dst, err = appendValue(dst, m, v); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	return dst, nil
}

func appendValue(dst []byte, m *wire.Member, v unsafe.Pointer) ([]byte, error) {
	s := m.Shape()
	switch s.Kind {
	case wire.String:
		return AppendText(dst, *(*string)(v)), nil
	case wire.Blob:
		b := *(*[]byte)(v)
		return append(appendHead(dst, majorBytes, uint64(len(b))), b...), nil
	case wire.Boolean:
		if *(*bool)(v) {
			return append(dst, majorSimple<<5|simpleTrue), nil
		}
		return append(dst, majorSimple<<5|simpleFalse), nil
	case wire.Integer:
		return appendInt(dst, int64(*(*int32)(v))), nil
	case wire.Long:
		return appendInt(dst, *(*int64)(v)), nil
	case wire.Float:
		dst = append(dst, majorSimple<<5|float32Info)
		return binary.BigEndian.AppendUint32(dst, math.Float32bits(*(*float32)(v))), nil
	case wire.Double:
		return appendDouble(dst, *(*float64)(v)), nil
	case wire.Timestamp:
		dst = appendHead(dst, majorTag, tagEpoch)
		t := *(*time.Time)(v)
		if ms := t.UnixMilli(); ms%1000 != 0 {
			return appendDouble(dst, float64(ms)/1000), nil
		}
		return appendInt(dst, t.Unix()), nil
	case wire.Structure:
		return AppendStruct(dst, s, v)
	case wire.List:
		return appendList(dst, s, v)
	case wire.Map:
		return appendMap(dst, s, v)
	}
	return nil, fmt.Errorf("shape %s of kind %d has no CBOR form", s.Name, s.Kind)
}

func appendList(dst []byte, s *wire.Shape, v unsafe.Pointer) ([]byte, error) {
	n := s.ListOps.Len(v)
	dst = appendHead(dst, majorArray, uint64(n))
	var err error
	for i := range n {
		if dst, err = appendElement(dst, s, s.ListOps.Index(v, i)); err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
	}
	return dst, nil
}

func appendMap(dst []byte, s *wire.Shape, v unsafe.Pointer) ([]byte, error) {
	dst = AppendMapHead(dst, s.MapOps.Len(v))
	var err error
	for k, e := range s.MapOps.All(v) {
		dst = AppendText(dst, k)
		if dst, err = appendElement(dst, s, e); err != nil {
			return nil, fmt.Errorf("value of a map: %w", err)
		}
	}
	return dst, nil
}

func appendElement(dst []byte, s *wire.Shape, e unsafe.Pointer) ([]byte, error) {
	if s.Sparse {
		if e = s.Elem.Shape().Present(e, true); e == nil {
			return append(dst, majorSimple<<5|simpleNull), nil
		}
	}
	return appendValue(dst, &s.Elem, e)
}

// AppendMapHead appends the head of a map of n entries.
func AppendMapHead(dst []byte, n int) []byte { return appendHead(dst, majorMap, uint64(n)) }

// AppendText appends a text string. What is not UTF-8 in it becomes U+FFFD.
func AppendText(dst []byte, s string) []byte {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return append(appendHead(dst, majorText, uint64(len(s))), s...)
}

func appendInt(dst []byte, n int64) []byte {
	if n < 0 {
		return appendHead(dst, majorNegative, uint64(-1-n))
	}
	return appendHead(dst, majorUint, uint64(n))
}

func appendDouble(dst []byte, f float64) []byte {
	dst = append(dst, majorSimple<<5|float64Info)
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(f))
}

// appendHead appends an initial byte with the shortest form of its argument.
func appendHead(dst []byte, major byte, arg uint64) []byte {
	major <<= 5
	switch {
	case arg < 24:
		return append(dst, major|byte(arg))
	case arg <= math.MaxUint8:
		return append(dst, major|24, byte(arg))
	case arg <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, major|25), uint16(arg))
	case arg <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, major|26), uint32(arg))
	}
	return binary.BigEndian.AppendUint64(append(dst, major|27), arg)
}
