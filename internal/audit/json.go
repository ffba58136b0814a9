package audit

import (
	"strconv"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// plain are the bytes that stand for themselves in a JSON string.
var plain = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// appendQuoted appends s as a JSON string (RFC 8259 §7). Invalid UTF-8 becomes
// U+FFFD, as encoding/json does.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start, i := 0, 0
	for i < len(s) && plain[s[i]] { // most strings are plain to their end
		i++
	}
	for i < len(s) {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[start:i]...), `\ufffd`...)
				start = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
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
	return append(append(dst, s[start:]...), '"')
}

// object writes the members of a JSON object, with its commas.
type object struct {
	b     []byte
	empty bool
}

func openObject(b []byte) object { return object{append(b, '{'), true} }

func (o *object) close() []byte { return append(o.b, '}') }

// name starts a member whose value the caller appends to o.b.
func (o *object) name(n string) {
	o.comma()
	o.b = append(appendQuoted(o.b, n), ':')
}

// member is name for a modelled name (ASCII letters and digits), which begins in
// lower case here.
func (o *object) member(modelled string) {
	o.comma()
	o.b = append(o.b, '"')
	first := len(o.b)
	o.b = append(o.b, modelled...)
	if c := o.b[first]; 'A' <= c && c <= 'Z' {
		o.b[first] = c + ('a' - 'A')
	}
	o.b = append(o.b, '"', ':')
}

func (o *object) comma() {
	if !o.empty {
		o.b = append(o.b, ',')
	}
	o.empty = false
}

func (o *object) str(name, value string) {
	o.name(name)
	o.b = appendQuoted(o.b, value)
}

// optional writes a member unless the value is empty.
func (o *object) optional(name, value string) {
	if value != "" {
		o.str(name, value)
	}
}

func (o *object) boolean(name string, v bool) {
	o.name(name)
	o.b = strconv.AppendBool(o.b, v)
}

func (o *object) raw(name, json string) {
	o.name(name)
	o.b = append(o.b, json...)
}
