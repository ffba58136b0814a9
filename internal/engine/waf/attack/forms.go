package attack

import (
	"bytes"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// Form is a normal form of a value: what an interpreter of some kind would make of spellings that it
// takes for the same.
type Form uint8

// The forms.
const (
	// Raw is the value in lower case.
	Raw Form = iota
	// SQLText has comments as spaces, the content of MySQL's executable comments, runs of
	// white space and control characters as one space, look-alike characters as ASCII, and no backquotes or NULs.
	SQLText
	// Markup has no control characters, which browsers ignore inside of names, and
	// look-alike characters as ASCII.
	Markup
	// ShellText has no quotes, backslashes, carets and empty expansions, which shells remove,
	// and spaces where a shell would put the field separator.
	ShellText
	// PathText has backslashes as slashes and no empty or "." segments.
	PathText
	forms
)

// formSet is a set of forms.
type formSet uint8

const allForms formSet = 1<<forms - 1

var formNames = [forms]string{"raw", "sql", "markup", "shell", "path"}

// next makes the first form of v that is left, and tells which of those that are left are the same, and
// whether v has nothing but words.
func (s *Scratch) next(v []byte, left formSet) (f Form, same formSet, words bool) {
	if left == allForms {
		s.form[Raw] = appendLower(s.form[Raw][:0], v)
		k := kindsOf(v)
		if k&changing == 0 {
			return Raw, allForms, k == 0
		}
		same = 1 << Raw
		for f := SQLText; f < forms; f++ {
			s.form[f] = appendForm(s.form[f][:0], f, v, s.form[Raw])
			if bytes.Equal(s.form[f], s.form[Raw]) {
				same |= 1 << f
			}
		}
		return Raw, same, false
	}
	f = Form(bits.TrailingZeros8(uint8(left)))
	same = 1 << f
	for g := f + 1; g < forms; g++ {
		if left&(1<<g) != 0 && bytes.Equal(s.form[g], s.form[f]) {
			same |= 1 << g
		}
	}
	return f, same, false
}

// wordBytes are the bytes of words, numbers, dates and addresses of mail, in lower case. Few rules match a
// value that has no others, and all its forms are that.
const wordBytes = "abcdefghijklmnopqrstuvwxyz0123456789_.,@:- "

// kinds are what a byte, or some byte of a value, may mean.
type kinds uint8

const (
	changing     kinds = 1 << iota // some form may leave it out or write it otherwise
	sign                           // it is not of words
	percentSign                    // '%'
	plusSign                       // '+'
	ampersand                      // '&'
	backslash                      // '\\'
	spaceOrSlash                   // one that may change forms, beside others
)

// kindOf has the kinds of each byte.
var kindOf = func() (t [256]kinds) {
	for c := range t {
		t[c] = sign
		if c < 0x20 || c >= 0x7f {
			t[c] |= changing
		}
	}
	for _, c := range wordBytes {
		t[c] = 0
	}
	for c := 'A'; c <= 'Z'; c++ {
		t[c] = 0
	}
	for _, c := range "'\"^\\$`" {
		t[c] |= changing
	}
	t['%'] |= percentSign
	t['+'] |= plusSign
	t['&'] |= ampersand
	t['\\'] |= backslash
	t[' '] |= spaceOrSlash
	t['/'] |= spaceOrSlash
	return
}()

// kindsOf tells what kinds of bytes src has: without changing all forms of it are src in lower case, and with
// none it is words.
func kindsOf(src []byte) (k kinds) {
	last := byte(' ')
	for i, c := range src {
		if k |= kindOf[c]; kindOf[c]&spaceOrSlash != 0 {
			switch c {
			case ' ':
				if last == ' ' {
					k |= changing
				}
			default: // "//" and "/./" are one slash in a path, but "://" is not; "/*" is a comment
				if last == '.' || last == '/' && (i < 2 || src[i-2] != ':') || i+1 < len(src) && src[i+1] == '*' {
					k |= changing
				}
			}
		}
		last = c
	}
	return k &^ spaceOrSlash
}

// appendLower appends src in lower case.
func appendLower(dst, src []byte) []byte {
	n := len(dst)
	dst = append(dst, src...)
	for i, c := range dst[n:] {
		if c-'A' < 26 {
			dst[n+i] = c | 0x20
		}
	}
	return dst
}

// appendForm appends src, which in lower case is lower, in form f. The result is at most as long as src, but for SQLText and
// ShellText by one space for a comment or an expansion, which is shorter than what it stands for.
func appendForm(dst []byte, f Form, src, lower []byte) []byte {
	switch f {
	case SQLText:
		return appendSQL(dst, src, lower)
	case Markup:
		return appendMarkup(dst, src, lower)
	case ShellText:
		return appendShell(dst, src, lower)
	case PathText:
		return appendPath(dst, src, lower)
	}
	return append(dst, lower...)
}

// itself has the bytes that each form but the raw one has as they stand, in lower case, whatever is beside them: of most text those are most, and
// they are taken in runs.
var itself = func() (t [forms][256]bool) {
	except := [forms]string{SQLText: "`/* \xa0", Markup: "\x7f", ShellText: "'\"^\\$`", PathText: `\/`}
	for f := SQLText; f < forms; f++ {
		for c := range 256 {
			t[f][c] = (c > 0x20 || c == ' ' || f == PathText) && (f == ShellText || !maybeLookalike[c]) && strings.IndexByte(except[f], byte(c)) < 0
		}
	}
	return
}()

// ownRun is how many bytes src begins with that form f has as they stand.
func ownRun(f Form, src []byte) (n int) {
	t := &itself[f]
	for n < len(src) && t[src[n]] {
		n++
	}
	return n
}

// maybeLookalike are the bytes that the characters which lookalike knows begin with.
var maybeLookalike = func() (t [256]bool) {
	for _, c := range []byte{0xc2, 0xc5, 0xca, 0xcb, 0xe2, 0xe3, 0xef, 0xf0} {
		t[c] = true
	}
	return
}()

// lookalike gives the ASCII character that a wide or typographic character stands for, and the
// character's length; 0 if there is none.
func lookalike(b []byte) (byte, int) {
	if !maybeLookalike[b[0]] {
		return 0, 0
	}
	r, n := utf8.DecodeRune(b)
	c, ok := standsFor(r)
	if !ok {
		return 0, 0
	}
	return c, n
}

// standsFor gives the ASCII character that a character is taken for, 0 if it is taken for nothing.
func standsFor(r rune) (c byte, ok bool) {
	switch {
	case r >= 0xff01 && r <= 0xff5e: // full width
		return lowerASCII(byte(r - 0xff01 + '!')), true
	case r == 0xa0 || r == 0x3000 || r >= 0x2000 && r <= 0x200a || r == 0x2028 || r == 0x2029 || r == 0x85:
		return ' ', true
	case r == 0x2018 || r == 0x2019 || r == 0x02bc || r == 0x2032 || r == 0x02b9 || r == 0xb4:
		return '\'', true
	case r == 0x201c || r == 0x201d || r == 0x02ba || r == 0x2033:
		return '"', true
	case r == 0x2039 || r == 0x3008 || r == 0x2329:
		return '<', true
	case r == 0x203a || r == 0x3009 || r == 0x232a:
		return '>', true
	case r == 0x017f:
		return 's', true
	case r == 0x212a:
		return 'k', true
	case r == 0x2215 || r == 0x2044:
		return '/', true
	case r == 0x2024:
		return '.', true
	case r == 0x2216 || r == 0x29f5 || r == 0xfe68:
		return '\\', true
	// Those that Unicode's compatibility decomposition (UAX #15) makes ASCII of, as programs do that compare names.
	case r >= 0x1d400 && r <= 0x1d6a3: // letters of mathematics: capitals, then small ones, style by style
		return 'a' + byte((r-0x1d400)%26), true
	case r >= 0x1d7ce && r <= 0x1d7ff:
		return '0' + byte(r-0x1d7ce)%10, true
	case r >= 0x24b6 && r <= 0x24e9: // letters in circles
		return 'a' + byte(r-0x24b6)%26, true
	case r == 0xfe59 || r == 0xfe5a:
		return '(' + byte(r-0xfe59), true
	case r == 0xfe64 || r == 0xfe65:
		return '<' + 2*byte(r-0xfe64), true
	case r == 0xfe66:
		return '=', true
	case r == 0x200b || r == 0x200c || r == 0x200d || r == 0xfeff || r == 0xad:
		return 0, true // nothing at all
	}
	return 0, false
}

var commentEnd = []byte("*/")

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func appendSQL(dst, src, lower []byte) []byte {
	start := len(dst)
	space := func() {
		if len(dst) > start && dst[len(dst)-1] != ' ' {
			dst = append(dst, ' ')
		}
	}
	open := 0 // executable comments that are open
	unended := false
	for i := 0; i < len(src); i++ {
		if n := ownRun(SQLText, src[i:]); n > 0 {
			dst = append(dst, lower[i:i+n]...)
			if i += n; i == len(src) {
				break
			}
		}
		c := src[i]
		switch {
		case c == 0 || c == '`':
		case c <= ' ' || c == 0xa0 && (i == 0 || src[i-1] < 0x80): // all control characters are white space to SQL Server
			space()
		case c == '/' && i+2 < len(src) && src[i+1] == '*':
			if src[i+2] == '!' { // executed by MySQL, by MariaDB, from some version on
				i += 2
				for i+1 < len(src) && src[i+1] >= '0' && src[i+1] <= '9' {
					i++
				}
				open++
				space()
				continue
			}
			end := -1
			if !unended {
				end = bytes.Index(src[i+2:], commentEnd)
			}
			if end < 0 {
				unended = true
				dst = append(dst, "/*"...)
				i++
				continue
			}
			i += end + 3
			space()
		case c == '*' && open > 0 && i+1 < len(src) && src[i+1] == '/':
			open--
			i++
			space()
		case c >= 0xc2:
			if a, n := lookalike(src[i:]); n > 0 {
				i += n - 1
				switch a {
				case 0:
				case ' ':
					space()
				default:
					dst = append(dst, a)
				}
				continue
			}
			dst = append(dst, c)
		default:
			dst = append(dst, lowerASCII(c))
		}
	}
	return dst
}

func appendMarkup(dst, src, lower []byte) []byte {
	for i := 0; i < len(src); i++ {
		if n := ownRun(Markup, src[i:]); n > 0 {
			dst = append(dst, lower[i:i+n]...)
			if i += n; i == len(src) {
				break
			}
		}
		c := src[i]
		switch {
		case c == '\n' || c == '\r' || c == '\t' || c == '\f':
			// Inside of a name or a scheme a browser drops it; elsewhere it is white space.
			if len(dst) > 0 && i+1 < len(src) && word(dst[len(dst)-1]) && schemeLike(src, i) {
				continue
			}
			dst = append(dst, ' ')
		case c < 0x20 || c == 0x7f:
		case c >= 0xc2:
			if a, n := lookalike(src[i:]); n > 0 {
				i += n - 1
				if a != 0 {
					dst = append(dst, a)
				}
				continue
			}
			dst = append(dst, c)
		default:
			dst = append(dst, lowerASCII(c))
		}
	}
	return dst
}

func word(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// schemeLike tells whether the white space at i stands inside of a run of letters that ends in a
// colon soon, as in "java\nscript:".
func schemeLike(src []byte, i int) bool {
	for j := i + 1; j < len(src) && j < i+24; j++ {
		switch c := src[j]; {
		case c == ':':
			return true
		case word(c) || c == '\n' || c == '\r' || c == '\t':
		default:
			return false
		}
	}
	return false
}

func hasFold(b []byte, lower string) bool {
	if len(b) < len(lower) {
		return false
	}
	for i := range len(lower) {
		if lowerASCII(b[i]) != lower[i] {
			return false
		}
	}
	return true
}

func appendPath(dst, src, lower []byte) []byte {
	start := len(dst)
	for i := 0; i < len(src); i++ {
		if n := ownRun(PathText, src[i:]); n > 0 {
			dst = append(dst, lower[i:i+n]...)
			if i += n; i == len(src) {
				break
			}
		}
		c := src[i]
		if c == '\\' {
			c = '/'
		}
		if c >= 0xc2 {
			if a, n := lookalike(src[i:]); n > 0 {
				i += n - 1
				switch a {
				case 0:
				case '\\':
					dst = append(dst, '/')
				default:
					dst = append(dst, a)
				}
				continue
			}
		}
		if c == '/' && len(dst) > start {
			// "a//b" is "a/b", "a/./b" too; "://" stays.
			last := dst[len(dst)-1]
			if last == '/' && !(len(dst)-2 >= start && dst[len(dst)-2] == ':') {
				continue
			}
			if last == '.' && len(dst)-2 >= start && dst[len(dst)-2] == '/' {
				dst = dst[:len(dst)-1]
				continue
			}
		}
		dst = append(dst, lowerASCII(c))
	}
	return dst
}
