package transform

import (
	"bytes"
	"unicode/utf8"
)

// jsDecode decodes the escapes of JavaScript: \uHHHH (its lower byte; full-width forms are
// folded), \xHH, octal of up to three digits and 0377, and the single letters. An unknown
// escape loses its backslash, as in JavaScript.
//
// With ext it is the extended form: \u{H…}, which ECMAScript 6 added, is decoded as well,
// codes above 0xFF that are no full-width form are written in UTF-8 instead of being cut,
// and an unknown escape keeps its backslash.
func jsDecode(dst, src []byte, ext bool) ([]byte, bool) {
	start := bytes.IndexByte(src, '\\')
	if start < 0 {
		return dst, false
	}
	dst = append(dst, src[:start]...)
	for i := start; i < len(src); {
		if src[i] != '\\' || i+1 == len(src) {
			dst = append(dst, src[i])
			i++
			continue
		}
		switch c := src[i+1]; {
		case c == 'u':
			if code, ok := hexCode(src[i+2:]); ok {
				dst = appendCode(dst, rune(code), ext)
				i += 6
				continue
			}
			if code, n, ok := bracedCode(src[i+2:]); ok && ext {
				dst = appendCode(dst, code, true)
				i += 2 + n
				continue
			}
		case c == 'x' && i+3 < len(src):
			if b, ok := hexPair(src[i+2], src[i+3]); ok {
				dst = append(dst, b)
				i += 4
				continue
			}
		case c >= '0' && c <= '7':
			b, n := octal(src[i+1:], 0o377)
			dst = append(dst, b)
			i += 1 + n
			continue
		}
		if b, ok := jsLetter(src[i+1]); ok {
			dst = append(dst, b)
		} else if ext {
			dst = append(dst, '\\', src[i+1])
		} else {
			dst = append(dst, src[i+1])
		}
		i += 2
	}
	return dst, true
}

// jsLetter is what a backslash and one character stand for. A quote or a backslash stands
// for itself.
func jsLetter(c byte) (byte, bool) {
	switch c {
	case 'a':
		return '\a', true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case 'v':
		return '\v', true
	case '\\', '\'', '"', '`', '/', '?':
		return c, true
	}
	return 0, false
}

// appendCode appends a code point: folded to a byte, or whole if asked to.
func appendCode(dst []byte, code rune, whole bool) []byte {
	if code > 0xff && whole && (code < 0xff01 || code > 0xff5e) {
		return utf8.AppendRune(dst, code)
	}
	return append(dst, fold(uint16(code)))
}

// bracedCode reads {H…} at the beginning of s: one to eight hexadecimal digits (leading
// zeros are allowed without end in JavaScript; nobody needs them). It returns how many bytes
// that took.
func bracedCode(s []byte) (code rune, n int, ok bool) {
	if len(s) < 3 || s[0] != '{' {
		return 0, 0, false
	}
	for n = 1; n < len(s) && n <= 8; n++ {
		if s[n] == '}' {
			return code, n + 1, n > 1
		}
		d := unhex[s[n]]
		if d == notHex {
			return 0, 0, false
		}
		code = code<<4 | rune(d)
		if code > utf8.MaxRune {
			return 0, 0, false
		}
	}
	return 0, 0, false
}

// octal reads up to three octal digits at the beginning of s, which has at least one. If
// three are more than most, it reads two.
func octal(s []byte, most int) (b byte, n int) {
	v := 0
	for n < 3 && n < len(s) && s[n] >= '0' && s[n] <= '7' {
		next := v<<3 | int(s[n]-'0')
		if next > most {
			break
		}
		v = next
		n++
	}
	return byte(v), n
}
