package jsonbody

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
	"unsafe"

	"fastness/internal/wire"
	"fastness/internal/wire/timefmt"
)

// AppendStruct appends the struct of shape s at p as an object. With bodyOnly,
// members that travel outside the body are left out at the top level.
func AppendStruct(dst []byte, s *wire.Shape, p unsafe.Pointer, bodyOnly bool) ([]byte, error) {
	dst = append(dst, '{')
	dst, _, err := AppendMembers(dst, s, p, bodyOnly, true)
	if err != nil {
		return nil, err
	}
	return append(dst, '}'), nil
}

// AppendMembers appends the present members of a struct without the braces, each
// after a comma but the first if first is set. It reports whether none was written
// and first was set.
func AppendMembers(dst []byte, s *wire.Shape, p unsafe.Pointer, bodyOnly, first bool) ([]byte, bool, error) {
	for i := range s.Members {
		m := &s.Members[i]
		if bodyOnly && m.Location != wire.InBody && m.Location != wire.InHostLabel {
			continue
		}
		v := m.Shape().Present(m.Field(p), m.Boxed())
		if v == nil {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = AppendString(dst, m.WireName)
		dst = append(dst, ':')
		var err error
		if dst, err = AppendValue(dst, m, v); err != nil {
			return nil, false, fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	return dst, first, nil
}

// AppendValue appends the value of member m at v.
func AppendValue(dst []byte, m *wire.Member, v unsafe.Pointer) ([]byte, error) {
	s := m.Shape()
	switch s.Kind {
	case wire.String:
		return AppendString(dst, *(*string)(v)), nil
	case wire.Blob:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, *(*[]byte)(v))
		return append(dst, '"'), nil
	case wire.Boolean:
		return strconv.AppendBool(dst, *(*bool)(v)), nil
	case wire.Integer:
		return strconv.AppendInt(dst, int64(*(*int32)(v)), 10), nil
	case wire.Long:
		return strconv.AppendInt(dst, *(*int64)(v), 10), nil
	case wire.Float:
		return appendFloat(dst, float64(*(*float32)(v)), 32), nil
	case wire.Double:
		return appendFloat(dst, *(*float64)(v), 64), nil
	case wire.Timestamp:
		return appendTime(dst, m.TimeFormat(), *(*time.Time)(v)), nil
	case wire.Structure:
		return AppendStruct(dst, s, v, false)
	case wire.List:
		return appendList(dst, s, v)
	case wire.Map:
		return appendMap(dst, s, v)
	case wire.Document:
		return AppendDocument(dst, *(*any)(v))
	}
	return nil, fmt.Errorf("shape %s has unknown kind %d", s.Name, s.Kind)
}

func appendList(dst []byte, s *wire.Shape, v unsafe.Pointer) ([]byte, error) {
	dst = append(dst, '[')
	var err error
	for i := range s.ListOps.Len(v) {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendElement(dst, s, s.ListOps.Index(v, i)); err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
	}
	return append(dst, ']'), nil
}

func appendMap(dst []byte, s *wire.Shape, v unsafe.Pointer) ([]byte, error) {
	dst = append(dst, '{')
	first := true
	var err error
	for k, e := range s.MapOps.All(v) {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = AppendString(dst, k)
		dst = append(dst, ':')
		if dst, err = appendElement(dst, s, e); err != nil {
			return nil, fmt.Errorf("value of a map: %w", err)
		}
	}
	return append(dst, '}'), nil
}

// appendElement appends an element at e of the list or map s. A nil list, map or blob
// inside a dense container is an empty one: null would be a second form of it.
func appendElement(dst []byte, s *wire.Shape, e unsafe.Pointer) ([]byte, error) {
	es := s.Elem.Shape()
	if s.Sparse || es.Kind == wire.Document {
		if e = es.Present(e, s.Sparse); e == nil {
			return append(dst, "null"...), nil
		}
	}
	return AppendValue(dst, &s.Elem, e)
}

func appendTime(dst []byte, f wire.TimeFormat, t time.Time) []byte {
	switch f {
	case wire.ISO8601:
		dst = append(dst, '"')
		dst = timefmt.AppendISO8601(dst, t)
		return append(dst, '"')
	case wire.HTTPDate:
		dst = append(dst, '"')
		dst = timefmt.AppendHTTPDate(dst, t)
		return append(dst, '"')
	}
	return timefmt.AppendEpoch(dst, t)
}

func appendFloat(dst []byte, v float64, bits int) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(v, -1):
		return append(dst, `"-Infinity"`...)
	}
	format := byte('f')
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, v, format, -1, bits)
}

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string. Bytes that are not UTF-8 become U+FFFD;
// nothing is escaped that need not be.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := verbatim(s); i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(dst, s[start:i]...)
				dst = append(dst, "\uFFFD"...)
				start = i + 1
			}
			i += n
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// verbatim is how many bytes s begins with that stand for themselves in a JSON string, to a
// multiple of eight or to the end. It looks at eight at a time.
func verbatim(s string) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		quote, backslash := w^'"'*ones, w^'\\'*ones
		// The top bit of a byte is set where it is not ASCII, below 0x20, or a zero of one
		// of the differences; a borrow only ever begins at such a byte.
		if (w|(w-0x20*ones)|(quote-ones)&^quote|(backslash-ones)&^backslash)&tops != 0 {
			return i
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return i
		}
	}
	return i
}

// AppendDocument appends a document: what encoding/json decodes into any.
func AppendDocument(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case string:
		return AppendString(dst, v), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case json.Number:
		if v == "" {
			return append(dst, '0'), nil
		}
		return append(dst, v...), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("a document cannot hold %v", v)
		}
		return appendFloat(dst, v, 64), nil
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			var err error
			if dst, err = AppendDocument(dst, e); err != nil {
				return nil, err
			}
		}
		return append(dst, ']'), nil
	case map[string]any:
		dst = append(dst, '{')
		first := true
		for k, e := range v {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = AppendString(dst, k)
			dst = append(dst, ':')
			var err error
			if dst, err = AppendDocument(dst, e); err != nil {
				return nil, err
			}
		}
		return append(dst, '}'), nil
	}
	return nil, fmt.Errorf("a document cannot hold a %T", v)
}
