package policy

import (
	"net/netip"
	"strconv"
	"time"
)

// Context gives the values of condition keys. Lookup is asked only for keys that a
// policy uses, each time one does, so computing a value costs nothing when nobody
// asks; an implementation that computes something expensive should keep it. The key
// is in lower case, tag keys included ("aws:principaltag/costcenter"): condition keys
// are compared without regard to case. It must not keep or change what it returns.
type Context interface {
	Lookup(key string) (Values, bool)
}

// Values are the values of one context key: one, or a list for multivalued keys. The
// zero Values is an empty list.
type Values struct {
	form form
	list bool
	text string
	many []string
	n    int64
	addr netip.Addr
}

type form uint8

const (
	formNone form = iota
	formText
	formMany
	formTime
	formInt
	formAddr
)

// One is a single string value.
func One(s string) Values { return Values{form: formText, text: s} }

// Many is the value of a multivalued key. The slice is not copied.
func Many(list []string) Values { return Values{form: formMany, list: true, many: list} }

// Flag is a boolean value.
func Flag(b bool) Values {
	if b {
		return One("true")
	}
	return One("false")
}

// Int is a numeric value.
func Int(n int64) Values { return Values{form: formInt, n: n} }

// Time is a date value, compared to the microsecond. Its text is ISO 8601 in UTC to
// the second.
func Time(t time.Time) Values { return Values{form: formTime, n: t.UnixMicro()} }

// Addr is an IP address value.
func Addr(a netip.Addr) Values { return Values{form: formAddr, addr: a.Unmap().WithZone("")} }

// Len is the number of values.
func (v Values) Len() int {
	switch v.form {
	case formNone:
		return 0
	case formMany:
		return len(v.many)
	}
	return 1
}

// At is the i-th value as text.
func (v Values) At(i int) string {
	switch v.form {
	case formText:
		return v.text
	case formMany:
		return v.many[i]
	case formInt:
		return strconv.FormatInt(v.n, 10)
	case formTime:
		return time.UnixMicro(v.n).UTC().Format("2006-01-02T15:04:05Z")
	case formAddr:
		return v.addr.String()
	}
	return ""
}

func (v *Values) number(i int) (number, bool) {
	switch v.form {
	case formInt:
		return number{i: v.n, whole: true}, true
	case formTime:
		return number{i: v.n / 1e6, whole: true}, true
	}
	return parseNumber(v.At(i))
}

func (v *Values) date(i int) (int64, bool) {
	switch v.form {
	case formTime:
		return v.n, true
	case formInt:
		return v.n * 1e6, true
	}
	return parseDate(v.At(i))
}

func (v *Values) address(i int) (netip.Addr, bool) {
	if v.form == formAddr {
		return v.addr, v.addr.IsValid()
	}
	return parseAddr(v.At(i))
}

// Map is a Context for tests, simulations and small callers. Keys must be in lower
// case.
type Map map[string]Values

// Lookup is the map's entry.
func (m Map) Lookup(key string) (Values, bool) {
	v, ok := m[key]
	return v, ok
}
