package attack

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"

	"fastness/internal/engine/waf/wide"
)

// The bounds of decoding. An application decodes what it gets once or twice; deeper nesting is
// followed a little further, because it is itself how attacks hide.
const (
	maxDepth    = 4
	maxVariants = 24
	// maxGrowth bounds the bytes of all variants of a value together, as a multiple of its length.
	maxGrowth = 6
	// maxLongGrowth is that of a value of more than longValue bytes, which is text: whoever decodes
	// it does so as a whole, once or twice.
	maxLongGrowth = 2
	longValue     = 4096
)

// blobSteps is what it costs a byte to find out what of a reading is data, and expandSteps a byte of what is left, what codings that shows
// signs of, in steps of package pattern.
const (
	blobSteps   = 2
	expandSteps = 1
)

// variant is one reading of a value.
type variant struct {
	b     []byte
	depth uint8 // how many decodings led to it
	via   coding
	// apart tells that it is a document whose strings are all readings of their own.
	apart bool
}

// coding is a way of writing bytes as other bytes.
type coding uint8

const (
	plain coding = iota
	percent
	entity
	escape
	base64Coding
	hexCoding
	utf7
	line // the first or the last one of several
)

// expand fills s.variants with the readings of value: itself, and what it decodes to in each
// coding that it shows signs of, again and again up to the bounds.
func (s *Scratch) expand(value []byte, place Place) {
	s.variants = s.variants[:0]
	s.arena = s.arena[:0]
	growth := maxGrowth
	if len(value) > longValue {
		growth = maxLongGrowth
	}
	// The same for a value whatever came before it.
	if s.most = max((growth+1)*len(value), 4096); cap(s.arena) < s.most {
		s.arena = make([]byte, 0, s.most)
	}
	s.variants = append(s.variants, variant{b: value})
	s.ends(value)
	for i := 0; i < len(s.variants); i++ {
		if !s.matcher().Afford((blobSteps + expandSteps) * len(s.variants[i].b)) {
			return
		}
		s.matcher().Spend(20 + blobSteps*len(s.variants[i].b))
		if v := &s.variants[i]; s.most-len(s.arena) >= 2*len(v.b) {
			start := len(s.arena)
			if out, found := wide.Append(s.arena, v.b); found {
				s.arena = out
				v.b = out[start:len(out):len(out)]
			}
		}
		if v := &s.variants[i]; len(v.b) >= minBlob && s.most-len(s.arena) >= 3*len(v.b) {
			start := len(s.arena)
			out, found, read := withoutBlobs(s.arena, v.b)
			if s.matcher().Spend(read); found && len(out) <= s.most {
				s.arena = out
				v.b = out[start:len(out):len(out)]
			}
		}
		s.matcher().Spend(expandSteps * len(s.variants[i].b))
		if v := &s.variants[i]; len(v.b) >= minTrace && traced(v.b) && s.most-len(s.arena) >= len(v.b) {
			start := len(s.arena)
			if out, found := withoutFrames(s.arena, v.b); found {
				s.arena = out
				v.b = out[start:len(out):len(out)]
			}
		}
		s.variants[i].b = withoutStatement(s.variants[i].b)
		v := s.variants[i]
		if v.depth >= maxDepth {
			continue
		}
		var k kinds
		for _, c := range v.b {
			k |= kindOf[c]
		}
		if k&changing != 0 && isDocument(v.b) {
			if s.variants[i].apart = s.strings(v); s.variants[i].apart {
				continue // its strings are decoded by themselves
			}
		}
		if i == 0 && k&changing != 0 {
			if s.variants[i].apart = s.fieldStrings(v, place); s.variants[i].apart {
				continue
			}
		}
		code := false
		if len(v.b) >= minBase64 {
			code = s.try(v, base64Coding, decodeBase64)
			s.try(v, hexCoding, decodeHex)
		}
		if k&percentSign != 0 || k&plusSign != 0 && !code { // a plus is a sign of base64, too
			s.try(v, percent, decodePercent)
		}
		if k&ampersand != 0 {
			s.try(v, entity, decodeEntities)
		}
		if k&backslash != 0 {
			s.try(v, escape, decodeEscapes)
		}
		if k&plusSign != 0 {
			s.try(v, utf7, decodeUTF7)
		}
	}
}

// longestEnd is how long the first or the last line of a text is at most that is a reading of its own.
const longestEnd = 200

// ends adds the first and the last line of a text of several lines: who has one line run needs no more, and writes a page
// before or behind it, in which less counts.
func (s *Scratch) ends(value []byte) {
	value = bytes.TrimSpace(value)
	first := bytes.IndexByte(value, '\n')
	if first < 0 || !isProse(value) && !layoutOf(value).lines {
		return
	}
	for _, end := range [...][]byte{value[:first], value[bytes.LastIndexByte(value, '\n')+1:]} {
		if end = bytes.TrimSpace(end); len(end) >= 2 && len(end) <= longestEnd {
			s.variants = append(s.variants, variant{b: end, via: line})
		}
	}
}

// try adds the decoding of v, if it is one and new, and tells whether it did. A decoder appends to dst and reports
// whether v was in its coding at all.
func (s *Scratch) try(v variant, c coding, decode func(dst, src []byte) ([]byte, bool)) bool {
	if len(s.variants) >= maxVariants || s.most-len(s.arena) < len(v.b) {
		return false
	}
	start := len(s.arena)
	out, ok := decode(s.arena, v.b)
	if !ok || len(out) == start || len(out) > s.most {
		return false
	}
	d := out[start:len(out):len(out)]
	for _, o := range s.variants {
		if bytes.Equal(o.b, d) {
			return false
		}
	}
	s.arena = out
	s.variants = append(s.variants, variant{d, v.depth + 1, c, false})
	return true
}

// decodePercent decodes %HH, %uHHHH, a plus as a space where there is no space, and the
// overlong forms of dots and slashes that lenient decoders take.
func decodePercent(dst, src []byte) ([]byte, bool) {
	if bytes.IndexByte(src, '%') < 0 && (bytes.IndexByte(src, '+') < 0 || bytes.IndexByte(src, ' ') >= 0) {
		return dst, false
	}
	plus := bytes.IndexByte(src, ' ') < 0
	changed := false
	start := len(dst)
	for i := 0; i < len(src); i++ {
		c := src[i]
		switch {
		case c == '%' && i+2 < len(src) && isHex(src[i+1]) && isHex(src[i+2]):
			dst = append(dst, unhex(src[i+1])<<4|unhex(src[i+2]))
			i += 2
			changed = true
		case c == '%' && i+5 < len(src) && src[i+1]|0x20 == 'u' && isHex(src[i+2]) && isHex(src[i+3]) && isHex(src[i+4]) && isHex(src[i+5]):
			r := rune(unhex(src[i+2]))<<12 | rune(unhex(src[i+3]))<<8 | rune(unhex(src[i+4]))<<4 | rune(unhex(src[i+5]))
			dst = utf8.AppendRune(dst, r)
			i += 5
			changed = true
		case c == '+' && plus:
			dst = append(dst, ' ')
			changed = true
		default:
			dst = append(dst, c)
		}
	}
	return overlong(dst, start), changed
}

// overlong replaces, in place, the overlong forms of ASCII characters in dst[start:].
func overlong(dst []byte, start int) []byte {
	b := dst[start:]
	if bytes.IndexByte(b, 0xc0) < 0 && bytes.IndexByte(b, 0xc1) < 0 && bytes.IndexByte(b, 0xe0) < 0 && bytes.IndexByte(b, 0xf0) < 0 && bytes.IndexByte(b, 0xf8) < 0 && bytes.IndexByte(b, 0xfc) < 0 {
		return dst
	}
	w := 0
	for i := 0; i < len(b); i++ {
		switch {
		case (b[i] == 0xc0 || b[i] == 0xc1) && i+1 < len(b):
			b[w] = b[i]&1<<6 | b[i+1]&0x3f
			i++
		case b[i] == 0xe0 && i+2 < len(b) && (b[i+1] == 0x80 || b[i+1] == 0x81):
			b[w] = b[i+1]&1<<6 | b[i+2]&0x3f
			i += 2
		case b[i] == 0xf0 && i+3 < len(b) && b[i+1] == 0x80 && b[i+2]&0xfe == 0x80:
			b[w] = b[i+2]&1<<6 | b[i+3]&0x3f
			i += 3
		case b[i] == 0xf8 && i+4 < len(b) && b[i+1] == 0x80 && b[i+2] == 0x80 && b[i+3]&0xfe == 0x80:
			b[w] = b[i+3]&1<<6 | b[i+4]&0x3f
			i += 4
		case b[i] == 0xfc && i+5 < len(b) && b[i+1] == 0x80 && b[i+2] == 0x80 && b[i+3] == 0x80 && b[i+4]&0xfe == 0x80:
			b[w] = b[i+4]&1<<6 | b[i+5]&0x3f
			i += 5
		default:
			b[w] = b[i]
		}
		w++
	}
	return dst[:start+w]
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// decodeEntities decodes character references of HTML and XML: numeric ones, with or without the
// semicolon, and the named ones of characters that matter to interpreters.
func decodeEntities(dst, src []byte) ([]byte, bool) {
	if bytes.IndexByte(src, '&') < 0 {
		return dst, false
	}
	changed := false
	for i := 0; i < len(src); i++ {
		if src[i] != '&' {
			dst = append(dst, src[i])
			continue
		}
		r, n := reference(src[i:])
		if n == 0 {
			dst = append(dst, '&')
			continue
		}
		dst = utf8.AppendRune(dst, r)
		i += n - 1
		changed = true
	}
	return dst, changed
}

// maxZeros is how many zeros at the head of a number are read; HTML has no bound on them.
const maxZeros = 256

var named = map[string]rune{
	"lt": '<', "gt": '>', "amp": '&', "quot": '"', "apos": '\'', "colon": ':', "lpar": '(', "rpar": ')', "tab": '\t', "newline": '\n',
	"sol": '/', "bsol": '\\', "grave": '`', "semi": ';', "comma": ',', "period": '.', "equals": '=', "lbrace": '{', "rbrace": '}',
	"lcub": '{', "rcub": '}', "lsqb": '[', "rsqb": ']', "lbrack": '[', "rbrack": ']', "excl": '!', "num": '#', "dollar": '$', "nbsp": ' ', "plus": '+', "vert": '|', "verbar": '|', "hat": '^', "ast": '*', "lowbar": '_',
}

// reference reads one character reference at the beginning of b: its character and length, 0 if
// there is none.
func reference(b []byte) (rune, int) {
	if len(b) < 3 {
		return 0, 0
	}
	if b[1] == '#' {
		i, base := 2, rune(10)
		if i < len(b) && b[i]|0x20 == 'x' {
			i, base = 3, 16
		}
		start := i
		for i < len(b) && i-start < maxZeros && b[i] == '0' {
			i++
		}
		first, r := i, rune(0)
		for ; i < len(b) && i < first+10; i++ {
			c := b[i]
			if base == 16 && !isHex(c) || base == 10 && (c < '0' || c > '9') {
				break
			}
			r = r*base + rune(unhex(c))
			if r > utf8.MaxRune {
				return 0, 0
			}
		}
		if i == start {
			return 0, 0
		}
		if i < len(b) && b[i] == ';' {
			i++
		}
		return r, i
	}
	end := bytes.IndexByte(b[:min(len(b), 10)], ';')
	if end < 0 || end > 3 && b[2]|0x20 == 't' {
		if r := b[1] | 0x20; (r == 'l' || r == 'g') && b[2]|0x20 == 't' && !isArgument(b[1:]) {
			return angle(r), 3 // as HTML has them since before there was a semicolon
		}
		if end < 0 {
			return 0, 0
		}
	}
	var lower [10]byte
	n := copy(lower[:], b[1:end])
	for i := range n {
		lower[i] = lowerASCII(lower[i])
	}
	r, ok := named[string(lower[:n])]
	if !ok {
		return 0, 0
	}
	return r, end + 1
}

// angle is the bracket whose reference begins with a letter.
func angle(letter byte) rune {
	if letter == 'l' {
		return '<'
	}
	return '>'
}

// isArgument tells whether b begins with a name and an equals sign: behind an ampersand, an argument of an address.
func isArgument(b []byte) bool {
	for _, c := range b {
		if !word(c) && c != '_' && c != '-' && c != '.' {
			return c == '='
		}
	}
	return false
}

// decodeEscapes decodes the escapes of JavaScript, JSON, C and CSS strings: \xHH, \uHHHH, \u{H…},
// octal \NNN, \HH of CSS, and single letters.
func decodeEscapes(dst, src []byte) ([]byte, bool) {
	if bytes.IndexByte(src, '\\') < 0 {
		return dst, false
	}
	changed := false
	for i := 0; i < len(src); i++ {
		if src[i] != '\\' || i+1 >= len(src) {
			dst = append(dst, src[i])
			continue
		}
		r, n := escaped(src[i:])
		if n == 0 {
			dst = append(dst, '\\')
			continue
		}
		dst = utf8.AppendRune(dst, r)
		i += n - 1
		changed = true
	}
	return dst, changed
}

func escaped(b []byte) (rune, int) {
	switch c := b[1]; c {
	case 'x', 'X':
		if len(b) >= 4 && isHex(b[2]) && isHex(b[3]) {
			return rune(unhex(b[2]))<<4 | rune(unhex(b[3])), 4
		}
	case 'u', 'U':
		if len(b) >= 4 && b[2] == '{' {
			r, i := rune(0), 3
			for ; i < len(b) && i < 10 && isHex(b[i]); i++ {
				r = r<<4 | rune(unhex(b[i]))
			}
			if i < len(b) && b[i] == '}' && i > 3 && r <= utf8.MaxRune {
				return r, i + 1
			}
			return 0, 0
		}
		if len(b) >= 6 && isHex(b[2]) && isHex(b[3]) && isHex(b[4]) && isHex(b[5]) {
			return rune(unhex(b[2]))<<12 | rune(unhex(b[3]))<<8 | rune(unhex(b[4]))<<4 | rune(unhex(b[5])), 6
		}
	case '0', '1', '2', '3', '4', '5', '6', '7':
		// Octal, or CSS's \0000HH.
		if len(b) >= 4 && b[2] >= '0' && b[2] <= '7' && b[3] >= '0' && b[3] <= '7' && c <= '3' && !(len(b) >= 5 && isHex(b[4])) {
			return rune(c-'0')<<6 | rune(b[2]-'0')<<3 | rune(b[3]-'0'), 4
		}
		// Two digits are octal in JavaScript and hexadecimal in CSS: whichever makes a character
		// that means something to an interpreter.
		if len(b) >= 3 && b[2] >= '0' && b[2] <= '7' {
			if o := (c-'0')<<3 | (b[2] - '0'); special[o] {
				return rune(o), 3
			}
		}
		r, i := rune(0), 1
		for ; i < len(b) && i < 7 && isHex(b[i]); i++ {
			r = r<<4 | rune(unhex(b[i]))
		}
		if i >= 3 && r >= 0x20 && r < 0x7f {
			if i < len(b) && b[i] == ' ' {
				i++
			}
			return r, i
		}
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case '/', '"', '\'', '\\':
		return rune(c), 2
	}
	return 0, 0
}

// minBase64 is the least length of text that is tried as base64: shorter words decode to
// something by chance.
const minBase64 = 8

// minLine is the least length of a line of base64 that goes on in the next.
const minLine = 60

// decodeBase64 decodes a value that is base64 as a whole, or behind a comma, a colon or a space
// ("data:text/html;base64,…", "Basic …"), or the last segment of a path, or has base64 in it (embedded.go), if what comes out is text.
func decodeBase64(dst, src []byte) ([]byte, bool) {
	whole := bytes.TrimSpace(src)
	t := whole
	for i := len(t) - 1; i >= 0; i-- {
		if isSeparator(t[i]) {
			t = t[i+1:]
			break
		}
	}
	if out, ok := base64Text(dst, t); ok {
		return out, true
	}
	if bytes.IndexByte(whole, '\n') >= minLine {
		// In lines of one length, as messages have it. Decoding follows behind reading in the same memory.
		n := len(dst)
		for l := range bytes.FieldsSeq(whole) {
			dst = append(dst, l...)
		}
		return base64Text(dst[:n], dst[n:])
	}
	if len(whole) > 0 && whole[0] == '/' {
		if out, ok := base64Text(dst, whole[bytes.LastIndexByte(whole, '/')+1:]); ok {
			return out, true
		}
	}
	return embeddedBase64(dst, whole)
}

// isSeparator tells whether base64 may begin behind a byte.
func isSeparator(c byte) bool { return c == ' ' || c == ',' || c == ':' || c == ';' }

func base64Text(dst, t []byte) ([]byte, bool) {
	for len(t) > 0 && t[len(t)-1] == '=' {
		t = t[:len(t)-1]
	}
	if len(t) < minBase64 {
		return dst, false
	}
	std, url := false, false
	for _, c := range t {
		switch v := base64Value[c]; {
		case v > 63:
			return dst, false
		case c == '+' || c == '/':
			std = true
		case c == '-' || c == '_':
			url = true
		}
	}
	if std && url {
		return dst, false // of no alphabet
	}
	start := len(dst)
	if dst = appendSigns(dst, t); !textual(dst[start:]) {
		return dst[:start], false
	}
	return dst, true
}

// appendSigns appends what signs of base64 stand for.
func appendSigns(dst, t []byte) []byte {
	for ; len(t) >= 4; t = t[4:] {
		bits := uint32(base64Value[t[0]])<<18 | uint32(base64Value[t[1]])<<12 | uint32(base64Value[t[2]])<<6 | uint32(base64Value[t[3]])
		dst = append(dst, byte(bits>>16), byte(bits>>8), byte(bits))
	}
	if len(t) >= 2 {
		dst = append(dst, base64Value[t[0]]<<2|base64Value[t[1]]>>4)
	}
	if len(t) == 3 {
		dst = append(dst, base64Value[t[1]]<<4|base64Value[t[2]]>>2)
	}
	return dst
}

// base64Value has what the signs of base64 stand for in both alphabets (RFC 4648, sections 4 and 5), and
// 0xff for all others.
var base64Value = func() (t [256]uint8) {
	for c := range t {
		t[c] = 0xff
	}
	for _, end := range []string{"+/", "-_"} {
		for v, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + end {
			t[c] = uint8(v)
		}
	}
	return
}()

// textual tells whether nearly all of b is printable ASCII or well-formed UTF-8.
func textual(b []byte) bool {
	odd := 0
	for from := 0; from < len(b) && odd*20 <= len(b); {
		to := min(from+1024, len(b))
		more, left := oddBytes(b[from:to], to == len(b))
		odd += more
		from = to - left
	}
	return odd*20 <= len(b)
}

// oddBytes counts bytes of b that are neither printable ASCII nor of a well-formed character. If b goes on, the bytes left at its end may
// be the beginning of one.
func oddBytes(b []byte, whole bool) (odd, left int) {
	for i := 0; i < len(b); {
		c := b[i]
		if c < 0x80 {
			if c < 0x20 && c != '\t' && c != '\n' && c != '\r' || c == 0x7f {
				odd++
			}
			i++
			continue
		}
		if !whole && len(b)-i < utf8.UTFMax && !utf8.FullRune(b[i:]) {
			return odd, len(b) - i
		}
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError {
			odd++
		}
		i += n
	}
	return odd, 0
}

// decodeHex decodes a value that is hexadecimal as a whole, with or without 0x, and runs of \x
// are left to decodeEscapes.
func decodeHex(dst, src []byte) ([]byte, bool) {
	t := bytes.TrimSpace(src)
	if len(t) > 2 && t[0] == '0' && t[1]|0x20 == 'x' {
		t = t[2:]
	}
	if len(t) < 16 || len(t)%2 != 0 {
		return dst, false
	}
	for _, c := range t {
		if !isHex(c) {
			return dst, false
		}
	}
	start := len(dst)
	for i := 0; i < len(t); i += 2 {
		dst = append(dst, unhex(t[i])<<4|unhex(t[i+1]))
	}
	if !textual(dst[start:]) {
		return dst[:start], false
	}
	return dst, true
}

// decodeUTF7 decodes the runs of UTF-7 (RFC 2152) that stand for angle brackets and quotes, which
// old browsers can be made to take.
func decodeUTF7(dst, src []byte) ([]byte, bool) {
	if !bytes.Contains(src, []byte("+AD")) && !bytes.Contains(src, []byte("+AC")) {
		return dst, false
	}
	changed := false
	for i := 0; i < len(src); i++ {
		if src[i] == '+' && i+4 <= len(src) {
			j := i + 1
			for j < len(src) && j < i+24 && (src[j] >= 'a' && src[j] <= 'z' || src[j] >= 'A' && src[j] <= 'Z' || src[j] >= '0' && src[j] <= '9' || src[j] == '/') {
				j++
			}
			var raw [18]byte
			if n, err := base64.RawStdEncoding.Decode(raw[:], src[i+1:j]); err == nil && n >= 2 && raw[0] == 0 {
				for k := 0; k+1 < n; k += 2 {
					dst = utf8.AppendRune(dst, rune(raw[k])<<8|rune(raw[k+1]))
				}
				changed = true
				if j < len(src) && src[j] == '-' {
					j++
				}
				i = j - 1
				continue
			}
		}
		dst = append(dst, src[i])
	}
	return dst, changed
}

func lowerASCII(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20
	}
	return c
}
