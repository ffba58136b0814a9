package policy

import (
	"encoding/base64"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// family is the way a condition operator compares.
type family uint8

const (
	stringEquals family = iota + 1
	stringEqualsFold
	stringLike
	numeric
	date
	boolean
	binary
	ipAddress
	arnLike
	null
)

// ordering is how numeric and date operators compare request value to policy value.
type ordering uint8

const (
	equal ordering = iota
	less
	lessOrEqual
	greater
	greaterOrEqual
)

// quantifier is the set operator in front of a condition operator.
type quantifier uint8

const (
	single quantifier = iota
	forAll
	forAny
)

// operator is a parsed condition operator.
type operator struct {
	family   family
	order    ordering
	negated  bool
	set      quantifier
	ifExists bool
}

// parseOperator reads an operator name with its set prefix and IfExists suffix.
// Operator names are matched exactly, as AWS does.
func parseOperator(name string) (operator, bool) {
	var op operator
	if rest, ok := strings.CutPrefix(name, "ForAllValues:"); ok {
		op.set, name = forAll, rest
	} else if rest, ok := strings.CutPrefix(name, "ForAnyValue:"); ok {
		op.set, name = forAny, rest
	}
	if rest, ok := strings.CutSuffix(name, "IfExists"); ok {
		op.ifExists, name = true, rest
	}
	switch name {
	case "StringEquals", "StringNotEquals":
		op.family = stringEquals
	case "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase":
		op.family = stringEqualsFold
	case "StringLike", "StringNotLike":
		op.family = stringLike
	case "Bool":
		op.family = boolean
	case "BinaryEquals":
		op.family = binary
	case "IpAddress", "NotIpAddress":
		op.family = ipAddress
	case "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike":
		op.family = arnLike
	case "Null":
		op.family = null
		return op, !op.ifExists // Null already asks whether the key exists
	default:
		rest, ok := strings.CutPrefix(name, "Numeric")
		op.family = numeric
		if !ok {
			rest, ok = strings.CutPrefix(name, "Date")
			op.family = date
		}
		switch rest {
		case "Equals", "NotEquals":
			op.order = equal
		case "LessThan":
			op.order = less
		case "LessThanEquals":
			op.order = lessOrEqual
		case "GreaterThan":
			op.order = greater
		case "GreaterThanEquals":
			op.order = greaterOrEqual
		default:
			return op, false
		}
		if !ok {
			return op, false
		}
	}
	op.negated = strings.Contains(name, "Not")
	return op, true
}

// accepts reports whether a policy value has the form its operator needs.
func (op operator) accepts(v string) bool {
	ok := true
	switch op.family {
	case numeric:
		_, ok = parseNumber(v)
	case date:
		_, ok = parseDate(v)
	case ipAddress:
		_, ok = parsePrefix(v)
	case binary:
		_, err := base64.StdEncoding.DecodeString(v)
		ok = err == nil
	case null:
		ok = strings.EqualFold(v, "true") || strings.EqualFold(v, "false")
	}
	return ok
}

func (o ordering) holds(cmp int) bool {
	switch o {
	case less:
		return cmp < 0
	case lessOrEqual:
		return cmp <= 0
	case greater:
		return cmp > 0
	case greaterOrEqual:
		return cmp >= 0
	default:
		return cmp == 0
	}
}

// number is an integer when it fits int64, so that large integers compare exactly,
// and a float otherwise.
type number struct {
	i     int64
	f     float64
	whole bool
}

func (a number) compare(b number) int {
	if a.whole && b.whole {
		switch {
		case a.i < b.i:
			return -1
		case a.i > b.i:
			return 1
		}
		return 0
	}
	x, y := a.float(), b.float()
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func (a number) float() float64 {
	if a.whole {
		return float64(a.i)
	}
	return a.f
}

// parseNumber reads a decimal integer or fraction. It checks the syntax first
// because a failing strconv call allocates its error.
func parseNumber(s string) (number, bool) {
	if len(s) == 0 || len(s) > 64 {
		return number{}, false
	}
	digits := s
	if s[0] == '-' || s[0] == '+' {
		digits = s[1:]
	}
	seen, dot := 0, false
	for i := range len(digits) {
		switch c := digits[i]; {
		case c >= '0' && c <= '9':
			seen++
		case c == '.' && !dot:
			dot = true
		default:
			return number{}, false
		}
	}
	if seen == 0 {
		return number{}, false
	}
	if !dot && seen <= 18 {
		var n int64
		for i := range len(digits) {
			n = n*10 + int64(digits[i]-'0')
		}
		if s[0] == '-' {
			n = -n
		}
		return number{i: n, whole: true}, true
	}
	f, err := strconv.ParseFloat(s, 64)
	return number{f: f}, err == nil
}

// parseDate reads an ISO 8601 date as the W3C note profiles it (year, month, day,
// hours, minutes, seconds, fraction; zone Z or ±hh:mm, UTC when absent) or seconds
// since 1970, and gives microseconds since 1970.
func parseDate(s string) (int64, bool) {
	if len(s) == 0 || len(s) > 40 {
		return 0, false
	}
	if strings.IndexByte(s, '-') < 0 && strings.IndexByte(s, 'T') < 0 && strings.IndexByte(s, 't') < 0 {
		n, ok := digitsOf(s, 1, 13)
		return n * 1e6, ok
	}
	d := dateReader{rest: s, ok: true}
	year := d.fixed(4)
	month, day, hour, minute, second, micros := int64(1), int64(1), int64(0), int64(0), int64(0), int64(0)
	offset := int64(0)
	if d.skip('-') {
		month = d.fixed(2)
		if d.skip('-') {
			day = d.fixed(2)
		}
	}
	if d.skip('T') || d.skip('t') {
		hour = d.fixed(2)
		if d.skip(':') {
			minute = d.fixed(2)
			if d.skip(':') {
				second = d.fixed(2)
				if d.skip('.') {
					micros = d.fraction()
				}
			}
		}
		switch {
		case d.skip('Z') || d.skip('z') || d.rest == "":
		case d.skip('+'):
			offset = d.zone()
		case d.skip('-'):
			offset = -d.zone()
		}
	}
	if !d.ok || d.rest != "" || year < 1 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	t := time.Date(int(year), time.Month(month), int(day), int(hour), int(minute), int(second), 0, time.UTC)
	return (t.Unix()-offset)*1e6 + micros, true
}

func daysIn(year, month int64) int64 {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

type dateReader struct {
	rest string
	ok   bool
}

func (d *dateReader) skip(c byte) bool {
	if d.rest != "" && d.rest[0] == c {
		d.rest = d.rest[1:]
		return true
	}
	return false
}

func (d *dateReader) fixed(n int) int64 {
	if len(d.rest) < n {
		d.ok = false
		return 0
	}
	v, ok := digitsOf(d.rest[:n], n, n)
	d.ok = d.ok && ok
	d.rest = d.rest[n:]
	return v
}

// fraction reads up to nine decimals and keeps six.
func (d *dateReader) fraction() int64 {
	var v int64
	n := 0
	for n < len(d.rest) && d.rest[n] >= '0' && d.rest[n] <= '9' {
		if n < 6 {
			v = v*10 + int64(d.rest[n]-'0')
		}
		n++
	}
	d.ok = d.ok && n > 0 && n <= 9
	for i := n; i < 6; i++ {
		v *= 10
	}
	d.rest = d.rest[n:]
	return v
}

// zone reads hh:mm or hhmm, in seconds.
func (d *dateReader) zone() int64 {
	h := d.fixed(2)
	d.skip(':')
	m := d.fixed(2)
	d.ok = d.ok && h <= 23 && m <= 59
	return h*3600 + m*60
}

func digitsOf(s string, shortest, longest int) (int64, bool) {
	if len(s) < shortest || len(s) > longest {
		return 0, false
	}
	var n int64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, true
}

// parsePrefix reads an address or a CIDR range. An IPv4 range written in IPv6 form
// becomes the IPv4 range.
func parsePrefix(s string) (netip.Prefix, bool) {
	if strings.IndexByte(s, '/') < 0 {
		a, ok := parseAddr(s)
		if !ok {
			return netip.Prefix{}, false
		}
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), true
}

func parseAddr(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, false
	}
	return a.Unmap(), true
}
