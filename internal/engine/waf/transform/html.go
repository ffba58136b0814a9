package transform

import (
	"bytes"
	"unicode/utf8"
)

// entities are the named ones that AWS lists; those without a final semicolon are known
// without it, as browsers and ModSecurity know them.
var entities = map[string]byte{
	"quot": '"', "amp": '&', "lt": '<', "gt": '>', "nbsp": 0xa0,

	"nonbreakingspace;": 0xa0, "newline;": '\n', "tab;": '\t',
	"lcub;": '{', "lbrace;": '{', "rcub;": '}', "rbrace;": '}',
	"verbar;": '|', "vert;": '|', "verticalline;": '|',
	"excl;": '!', "num;": '#', "dollar;": '$', "percent;": '%', "percnt;": '%', "apos;": '\'',
	"lpar;": '(', "rpar;": ')', "ast;": '*', "midast;": '*', "plus;": '+', "comma;": ',',
	"period;": '.', "sol;": '/', "colon;": ':', "semi;": ';', "equals;": '=', "quest;": '?',
	"commat;": '@', "tilde;": '~', "diacriticaltilde;": '~', "minus;": '-', "hyphen;": '-', "dash;": '-',
	"lsqb;": '[', "lbrack;": '[', "bsol;": '\\', "rsqb;": ']', "rbrack;": ']', "hat;": '^',
	"lowbar;": '_', "underbar;": '_', "grave;": '`', "diacriticalgrave;": '`',
}

// longestEntity is len("nonbreakingspace;").
const longestEntity = 17

// htmlEntityDecode decodes &#xH…; &#N…; and named entities, in any case, the number's
// semicolon being optional. A number up to 255 becomes that byte, a larger one its
// character in UTF-8, one beyond Unicode U+FFFD. Anything else stays.
func htmlEntityDecode(dst, src []byte) ([]byte, bool) {
	i := bytes.IndexByte(src, '&')
	if i < 0 {
		return dst, false
	}
	touched := false
	for i >= 0 {
		dst = append(dst, src[:i]...)
		src = src[i:]
		n := 0
		if len(src) > 1 && src[1] == '#' {
			dst, n = appendNumber(dst, src)
		} else if b, m, ok := entity(src[1:]); ok {
			dst, n = append(dst, b), 1+m
		}
		if n > 0 {
			touched = true
		} else {
			dst = append(dst, '&')
			n = 1
		}
		src = src[n:]
		i = bytes.IndexByte(src, '&')
	}
	return append(dst, src...), touched
}

// appendNumber appends the character that the reference at the beginning of src, which
// begins with &#, stands for, and returns how long the reference is, 0 if it is none.
func appendNumber(dst, src []byte) ([]byte, int) {
	i, base := 2, uint32(10)
	if i < len(src) && src[i]|0x20 == 'x' {
		i, base = 3, 16
	}
	first, code := i, uint32(0)
	for ; i < len(src); i++ {
		d := unhex[src[i]]
		if uint32(d) >= base {
			break
		}
		if code <= utf8.MaxRune { // else it stays too large
			code = code*base + uint32(d)
		}
	}
	if i == first {
		return dst, 0
	}
	if i < len(src) && src[i] == ';' {
		i++
	}
	if code <= 0xff {
		return append(dst, byte(code)), i
	}
	if code > utf8.MaxRune {
		return utf8.AppendRune(dst, utf8.RuneError), i
	}
	return utf8.AppendRune(dst, rune(code)), i
}

// entity looks for a named entity at the beginning of s, which is what follows the
// ampersand, and returns how long it is.
func entity(s []byte) (b byte, n int, ok bool) {
	var buf [longestEntity]byte
	for n < len(s) && n < longestEntity && classes[s[n]]&(upperByte|lowerByte) != 0 {
		buf[n] = s[n] | 0x20
		n++
	}
	if n < len(s) && n < longestEntity && s[n] == ';' {
		buf[n] = ';'
		if b, ok := entities[string(buf[:n+1])]; ok {
			return b, n + 1, true
		}
		if b, ok := entities[string(buf[:n])]; ok {
			return b, n + 1, true
		}
	}
	// Without a semicolon, letters may follow the name (&ltscript).
	for m := min(n, 4); m >= 2; m-- {
		if b, ok := entities[string(buf[:m])]; ok {
			return b, m, true
		}
	}
	return 0, 0, false
}
