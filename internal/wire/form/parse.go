package form

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// MaxParameters is how many parameters a request may have. AWS's largest batch calls
// stay far below.
const MaxParameters = 10000

// Errors of Parse.
var (
	ErrTooMany   = errors.New("too many parameters")
	ErrEscape    = errors.New("invalid percent-encoding")
	ErrUTF8      = errors.New("a parameter is not valid UTF-8")
	ErrDuplicate = errors.New("a parameter is given twice")
)

// Values are the parameters of a request in the order of their names.
type Values struct {
	pairs []pair
	size  int // bytes of the documents
}

type pair struct{ key, value string }

// Parse reads one or more documents (a query string and a body, say) as one set of
// parameters. Names for which ignore answers true are left out; ignore may be nil.
func Parse(ignore func(name string) bool, documents ...string) (*Values, error) {
	n, size := 0, 0
	for _, d := range documents {
		if d == "" {
			continue
		}
		n += strings.Count(d, "&") + 1
		size += len(d)
	}
	if n > MaxParameters {
		return nil, ErrTooMany
	}
	v := &Values{pairs: make([]pair, 0, n), size: size}
	for _, d := range documents {
		for d != "" {
			var field string
			field, d, _ = strings.Cut(d, "&")
			if field == "" {
				continue
			}
			rawKey, rawValue, _ := strings.Cut(field, "=")
			key, err := Unescape(rawKey)
			if err != nil {
				return nil, err
			}
			if ignore != nil && ignore(key) {
				continue
			}
			value, err := Unescape(rawValue)
			if err != nil {
				return nil, err
			}
			v.pairs = append(v.pairs, pair{key, value})
		}
	}
	slices.SortFunc(v.pairs, func(a, b pair) int { return cmp.Compare(a.key, b.key) })
	for i := 1; i < len(v.pairs); i++ {
		if v.pairs[i].key == v.pairs[i-1].key {
			return nil, fmt.Errorf("%w: %q", ErrDuplicate, v.pairs[i].key)
		}
	}
	return v, nil
}

// scope is the parameters below one path. The first prefix bytes of all their names
// are that path and its dot.
type scope struct {
	pairs  []pair
	prefix int
}

// get returns the value of the parameter called name in the scope.
func (s scope) get(name string) (string, bool) {
	i := sort.Search(len(s.pairs), func(i int) bool { return s.pairs[i].key[s.prefix:] >= name })
	if i == len(s.pairs) || s.pairs[i].key[s.prefix:] != name {
		return "", false
	}
	return s.pairs[i].value, true
}

// below is the scope of the path name in the scope; it may be empty.
func (s scope) below(name string) scope {
	if len(s.pairs) == 0 {
		return s
	}
	from := sort.Search(len(s.pairs), func(i int) bool { return compareBelow(s.pairs[i].key[s.prefix:], name) >= 0 })
	n := sort.Search(len(s.pairs)-from, func(i int) bool { return compareBelow(s.pairs[from+i].key[s.prefix:], name) > 0 })
	return scope{pairs: s.pairs[from : from+n], prefix: s.prefix + len(name) + 1}
}

func (s scope) empty() bool { return len(s.pairs) == 0 }

// compareBelow compares key with the range of names that begin with name and a dot.
func compareBelow(key, name string) int {
	n := min(len(key), len(name))
	if c := strings.Compare(key[:n], name[:n]); c != 0 {
		return c
	}
	if len(key) <= len(name) {
		return -1
	}
	return cmp.Compare(key[len(name)], '.')
}

// Unescape decodes a name or value once: '+' is a space, %XX a byte.
func Unescape(s string) (string, error) {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		if !utf8.ValidString(s) {
			return "", ErrUTF8
		}
		return s, nil
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '+':
			out = append(out, ' ')
		case '%':
			if i+2 >= len(s) {
				return "", ErrEscape
			}
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi > 15 || lo > 15 {
				return "", ErrEscape
			}
			out = append(out, hi<<4|lo)
			i += 2
		default:
			out = append(out, c)
		}
	}
	if !utf8.Valid(out) {
		return "", ErrUTF8
	}
	return string(out), nil
}

func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}
