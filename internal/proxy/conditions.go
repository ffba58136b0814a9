package proxy

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"fastness/internal/http1"
)

// condition is a Condition made ready. Exactly one of its members is used.
type condition struct {
	field    string
	name     string // of http-header, in lower case
	patterns []string
	regexes  []*regexp.Regexp
	blocks   []netip.Prefix
	pairs    []Pair
}

// routing is what conditions look at.
type routing struct {
	method, host, path, query string
	fields                    []http1.Field
	client                    netip.Addr
}

const (
	// maxValues bounds the values of a condition, maxPattern a value's bytes (AWS: 128).
	maxValues  = 1000
	maxPattern = 128
)

func compileCondition(c *Condition) (condition, error) {
	k := condition{field: c.Field, name: strings.ToLower(c.Name), patterns: c.Values, pairs: c.Query}
	if n := len(c.Values) + len(c.Regex) + len(c.Query); n == 0 || n > maxValues {
		return k, fmt.Errorf("condition %s: 1 to %d values", c.Field, maxValues)
	}
	for _, v := range c.Values {
		if len(v) > maxPattern {
			return k, fmt.Errorf("condition %s: a value is longer than %d bytes", c.Field, maxPattern)
		}
	}
	for _, v := range c.Regex {
		if len(v) > maxPattern {
			return k, fmt.Errorf("condition %s: an expression is longer than %d bytes", c.Field, maxPattern)
		}
		if c.Field == "host-header" || c.Field == "http-header" {
			v = "(?i)" + v
		}
		r, err := regexp.Compile(v)
		if err != nil {
			return k, fmt.Errorf("condition %s: %w", c.Field, err)
		}
		k.regexes = append(k.regexes, r)
	}
	switch c.Field {
	case "host-header", "path-pattern", "http-request-method":
	case "http-header":
		if c.Name == "" {
			return k, fmt.Errorf("condition http-header without a name")
		}
	case "query-string":
		if len(c.Values) > 0 {
			return k, fmt.Errorf("condition query-string has pairs only")
		}
	case "source-ip":
		for _, v := range c.Values {
			p, err := netip.ParsePrefix(v)
			if err != nil {
				return k, fmt.Errorf("condition source-ip: %q is no CIDR block", v)
			}
			k.blocks = append(k.blocks, p.Masked())
		}
	default:
		return k, fmt.Errorf("unknown condition %q", c.Field)
	}
	return k, nil
}

// holds tells whether the condition holds for a request.
func (k *condition) holds(r *routing) bool {
	switch k.field {
	case "host-header":
		return k.any(hostname(r.host), true)
	case "path-pattern":
		return k.any(r.path, false)
	case "http-request-method":
		return slices.Contains(k.patterns, r.method)
	case "http-header":
		for i := range r.fields {
			if equalFold(r.fields[i].Name, k.name) && k.any(r.fields[i].Value, true) {
				return true
			}
		}
		return false
	case "query-string":
		return k.anyPair(r.query)
	case "source-ip":
		for _, b := range k.blocks {
			if b.Contains(r.client) {
				return true
			}
		}
	}
	return false
}

func (k *condition) any(value string, fold bool) bool {
	for _, p := range k.patterns {
		if wildcard(p, value, fold) {
			return true
		}
	}
	for _, r := range k.regexes {
		if r.MatchString(value) {
			return true
		}
	}
	return false
}

// maxPairs bounds how many pairs of a query string are looked at.
const maxPairs = 1000

func (k *condition) anyPair(query string) bool {
	for range maxPairs {
		if query == "" {
			return false
		}
		var part string
		part, query, _ = strings.Cut(query, "&")
		key, value, _ := strings.Cut(part, "=")
		key, value = unescape(key), unescape(value)
		for i := range k.pairs {
			p := &k.pairs[i]
			if (p.Key == "" || wildcard(p.Key, key, true)) && wildcard(p.Value, value, true) {
				return true
			}
		}
	}
	return false
}

// unescape decodes a part of a query string; what is malformed stays as it is.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s
	}
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// hostname is a host without its port.
func hostname(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.IndexByte(host[i:], ']') < 0 {
		return host[:i]
	}
	return host
}

// wildcard tells whether s matches p, in which * stands for any bytes and ? for one. It
// takes time in proportion to len(p)·len(s) at most: only the last * is ever tried again.
func wildcard(p, s string, fold bool) bool {
	i, j := 0, 0
	star, from := -1, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == '*':
			star, from = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == s[j] || fold && lower(p[i]) == lower(s[j])):
			i++
			j++
		case star >= 0:
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// equalFold tells whether a is low in ASCII letters of either case; low has no capitals.
func equalFold(a, low string) bool {
	if len(a) != len(low) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != low[i] {
			return false
		}
	}
	return true
}
