package scalar

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"fastness/internal/wire"
	"fastness/internal/wire/timefmt"
)

// errKind is returned for shapes that have no text form.
var errKind = errors.New("the shape has no text form")

// Parse reads text as a value of member m into v, which addresses the value itself.
// Timestamps for which the model names no format are in defaultTime. The error's text
// is AWS's and does not quote the value.
func Parse(m *wire.Member, defaultTime wire.TimeFormat, text string, v unsafe.Pointer) error {
	switch m.Shape().Kind {
	case wire.String:
		*(*string)(v) = text
		return nil
	case wire.Blob:
		// Clients break long base64 into lines in XML; the library skips line breaks.
		b, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil {
			return mismatch("a Blob")
		}
		*(*[]byte)(v) = b
		return nil
	case wire.Boolean:
		switch {
		case text == "true" || strings.EqualFold(text, "true"):
			*(*bool)(v) = true
		case text == "false" || strings.EqualFold(text, "false"):
			*(*bool)(v) = false
		default:
			return mismatch("a Boolean")
		}
		return nil
	case wire.Integer:
		n, ok := parseInt(text, 32)
		if !ok {
			return mismatch("an Integer")
		}
		*(*int32)(v) = int32(n)
		return nil
	case wire.Long:
		n, ok := parseInt(text, 64)
		if !ok {
			return mismatch("a Long")
		}
		*(*int64)(v) = n
		return nil
	case wire.Float:
		f, ok := parseFloat(text, 32)
		if !ok {
			return mismatch("a Float")
		}
		*(*float32)(v) = float32(f)
		return nil
	case wire.Double:
		f, ok := parseFloat(text, 64)
		if !ok {
			return mismatch("a Double")
		}
		*(*float64)(v) = f
		return nil
	case wire.Timestamp:
		t, err := ParseTime(m, defaultTime, text)
		if err != nil {
			return mismatch("milliseconds since epoch")
		}
		*(*time.Time)(v) = t
		return nil
	}
	return errKind
}

func mismatch(target string) error {
	return fmt.Errorf("STRING_VALUE can not be converted to %s", target)
}

// parseInt reads a decimal with an optional minus sign; the library would also take
// a plus sign.
func parseInt(text string, bits int) (int64, bool) {
	if text == "" || text[0] == '+' {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, bits)
	return n, err == nil
}

func parseFloat(text string, bits int) (float64, bool) {
	switch text {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return math.Inf(1), true
	case "-Infinity":
		return math.Inf(-1), true
	}
	// The library also takes hexadecimal, underscores, "inf" and a plus sign.
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9', c == '-', c == '.', c == 'e', c == 'E':
		case c == '+' && i > 0:
		default:
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(text, bits)
	return f, err == nil
}

// ParseTime reads a timestamp in the format of member m, or in defaultTime when the
// model names none. Seconds since 1970 and ISO 8601 are each also taken for the other:
// no text is both.
func ParseTime(m *wire.Member, defaultTime wire.TimeFormat, text string) (time.Time, error) {
	f := m.TimeFormat()
	if f == wire.DefaultTime {
		f = defaultTime
	}
	if f == wire.HTTPDate {
		if t, err := timefmt.ParseHTTPDate(text); err == nil {
			return t, nil
		}
	}
	if t, err := timefmt.ParseISO8601(text); err == nil {
		return t, nil
	}
	return timefmt.ParseEpoch(text)
}

// Append appends the value of member m at v as text.
func Append(dst []byte, m *wire.Member, defaultTime wire.TimeFormat, v unsafe.Pointer) ([]byte, error) {
	switch m.Shape().Kind {
	case wire.String:
		return append(dst, *(*string)(v)...), nil
	case wire.Blob:
		return base64.StdEncoding.AppendEncode(dst, *(*[]byte)(v)), nil
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
		f := m.TimeFormat()
		if f == wire.DefaultTime {
			f = defaultTime
		}
		t := *(*time.Time)(v)
		switch f {
		case wire.HTTPDate:
			return timefmt.AppendHTTPDate(dst, t), nil
		case wire.EpochSeconds:
			return timefmt.AppendEpoch(dst, t), nil
		}
		return timefmt.AppendISO8601(dst, t), nil
	}
	return nil, errKind
}

func appendFloat(dst []byte, v float64, bits int) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, "NaN"...)
	case math.IsInf(v, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(v, -1):
		return append(dst, "-Infinity"...)
	}
	format := byte('f')
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, v, format, -1, bits)
}
