package timefmt

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ErrFormat is returned for text that is not in the format asked for, or names a
// time outside years 1 to 9999.
var ErrFormat = errors.New("not a timestamp of the expected format")

// The first and last second that can be printed.
const (
	minUnix = -62135596800 // 0001-01-01T00:00:00Z
	maxUnix = 253402300799 // 9999-12-31T23:59:59Z
)

// AppendEpoch appends t as decimal seconds since 1970 with at most three fractional
// digits, as AWS's services print it. What is finer than a millisecond is cut off.
func AppendEpoch(dst []byte, t time.Time) []byte {
	ms := t.UnixMilli()
	if ms < 0 {
		dst = append(dst, '-')
		ms = -ms
	}
	dst = strconv.AppendInt(dst, ms/1000, 10)
	frac := ms % 1000
	if frac == 0 {
		return dst
	}
	dst = append(dst, '.', byte('0'+frac/100), byte('0'+frac/10%10), byte('0'+frac%10))
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// ParseEpoch reads decimal seconds since 1970, with an optional fraction and
// exponent. Digits beyond nanoseconds are cut off.
func ParseEpoch(s string) (time.Time, error) {
	rest := s
	negative := strings.HasPrefix(rest, "-")
	if negative {
		rest = rest[1:]
	}
	mantissa, exponent := rest, 0
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		mantissa = rest[:i]
		n, err := strconv.Atoi(rest[i+1:])
		if err != nil || n < -1000 || n > 1000 {
			return time.Time{}, ErrFormat
		}
		exponent = n
	}
	whole, frac, hasPoint := strings.Cut(mantissa, ".")
	if len(whole) == 0 || len(whole)+len(frac) > 64 || hasPoint && frac == "" {
		return time.Time{}, ErrFormat
	}
	// digits with the decimal point after position point
	digits := whole + frac
	point := len(whole) + exponent
	for len(digits) > 0 && digits[0] == '0' {
		digits = digits[1:]
		point--
	}
	var sec, nsec int64
	for i := range len(digits) {
		if c := digits[i]; c < '0' || c > '9' {
			return time.Time{}, ErrFormat
		}
	}
	if len(digits) == 0 {
		return time.Unix(0, 0).UTC(), nil
	}
	if point > 12 {
		return time.Time{}, ErrFormat
	}
	for i := range point {
		sec = sec*10 + digitAt(digits, i)
	}
	for i := point; i < point+9; i++ {
		nsec = nsec*10 + digitAt(digits, i)
	}
	if negative {
		sec, nsec = -sec, -nsec
	}
	return bounded(time.Unix(sec, nsec))
}

func digitAt(digits string, i int) int64 {
	if i < 0 || i >= len(digits) {
		return 0
	}
	return int64(digits[i] - '0')
}

// AppendISO8601 appends t as RFC 3339 in UTC, with milliseconds when t has any.
func AppendISO8601(dst []byte, t time.Time) []byte {
	t = t.UTC().Truncate(time.Millisecond)
	if t.Nanosecond() != 0 {
		return t.AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	}
	return t.AppendFormat(dst, "2006-01-02T15:04:05Z")
}

// AppendISO8601Millis appends t as RFC 3339 in UTC, always with three fractional
// digits: the form of S3 and EC2.
func AppendISO8601Millis(dst []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
}

// ParseISO8601 reads an RFC 3339 timestamp with any offset and up to nine fractional
// digits.
func ParseISO8601(s string) (time.Time, error) {
	if len(s) > 40 {
		return time.Time{}, ErrFormat
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, ErrFormat
	}
	return bounded(t)
}

// AppendHTTPDate appends t as an IMF-fixdate (RFC 7231 §7.1.1.1).
func AppendHTTPDate(dst []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(dst, http.TimeFormat)
}

// ParseHTTPDate reads an HTTP date: IMF-fixdate, also with fractional seconds as
// Smithy allows, and the two obsolete forms of RFC 7231.
func ParseHTTPDate(s string) (time.Time, error) {
	if len(s) > 64 {
		return time.Time{}, ErrFormat
	}
	// A layout without a fraction accepts one after the seconds.
	t, err := time.Parse(http.TimeFormat, s)
	if err != nil {
		if t, err = http.ParseTime(s); err != nil {
			return time.Time{}, ErrFormat
		}
	}
	return bounded(t)
}

func bounded(t time.Time) (time.Time, error) {
	if u := t.Unix(); u < minUnix || u > maxUnix {
		return time.Time{}, ErrFormat
	}
	return t.UTC(), nil
}
