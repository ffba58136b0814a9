package interpreter

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// spaced reads plus signs as spaces, as forms do.
func spaced(v string) string { return strings.ReplaceAll(v, "+", " ") }

// unquoted is what a reader of JSON makes of a value that stands in a string, and v if that is none.
func unquoted(v string) string {
	if !strings.Contains(v, `\`) {
		return v
	}
	var s string
	if json.Unmarshal([]byte(`"`+v+`"`), &s) != nil {
		return v
	}
	return s
}

// truncated writes characters as bytes of their lowest eight bits, as Node wrote heads.
func truncated(v string) string {
	var b strings.Builder
	for _, r := range v {
		b.WriteByte(byte(r))
	}
	return b.String()
}

// lenient decodes UTF-8 as decoders did that took any continuation: overlong forms are characters.
func lenient(v string) string {
	if utf8.ValidString(v) {
		return v
	}
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		c := v[i]
		n := 0
		switch {
		case c >= 0xf8: // no decoder took these
		case c >= 0xf0:
			n = 3
		case c >= 0xe0:
			n = 2
		case c >= 0xc0:
			n = 1
		}
		if n == 0 || i+n >= len(v) {
			b.WriteByte(c)
			continue
		}
		r := rune(c) & (0x3f >> n)
		for _, x := range []byte(v[i+1 : i+1+n]) {
			r = r<<6 | rune(x&0x3f)
		}
		b.WriteRune(r)
		i += n
	}
	return b.String()
}

// with adds to readings what f makes of each, if that is another.
func with(all []string, f func(string) string) []string {
	for _, v := range slices.Clone(all) {
		if r := f(v); !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	return all
}
