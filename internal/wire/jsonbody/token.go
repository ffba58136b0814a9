package jsonbody

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a string. The result points into the body or into scratch and is valid
// until the next string is read.
func (d *decoder) text() ([]byte, error) {
	d.i++ // the quote that the caller has seen
	start := d.i
	d.i += plain(d.b[d.i:])
	if d.i < len(d.b) && d.b[d.i] == '"' {
		d.i++
		return d.b[start : d.i-1], nil
	}
	return d.escaped(start)
}

// plain is the number of leading bytes that stand for themselves in a string: all but
// the quote, the backslash and control characters. It looks at eight at a time.
func plain(b []byte) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	n := 0
	for len(b)-n >= 8 {
		w := binary.LittleEndian.Uint64(b[n:])
		quote := w ^ ones*'"'
		slash := w ^ ones*'\\'
		// Each term sets the high bit of the lowest byte that is zero after the xor, or
		// below 0x20; false hits occur only above a true one.
		hit := ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*0x20)&^w) & highs
		if hit != 0 {
			return n + bits.TrailingZeros64(hit)/8
		}
		n += 8
	}
	for n < len(b) && b[n] >= 0x20 && b[n] != '"' && b[n] != '\\' {
		n++
	}
	return n
}

// escaped finishes a string that holds an escape; d.i is at the byte that stopped the
// plain run.
func (d *decoder) escaped(start int) ([]byte, error) {
	out := append(d.scratch[:0], d.b[start:d.i]...)
	for d.i < len(d.b) {
		switch c := d.b[d.i]; {
		case c == '"':
			d.i++
			d.scratch = out
			return out, nil
		case c < 0x20:
			return nil, d.syntax("no control character in a string")
		case c != '\\':
			n := plain(d.b[d.i:])
			out = append(out, d.b[d.i:d.i+n]...)
			d.i += n
			continue
		}
		if d.i+1 >= len(d.b) {
			break
		}
		c := d.b[d.i+1]
		switch c {
		case '"', '\\', '/':
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r, err := d.unicodeEscape()
			if err != nil {
				return nil, err
			}
			out = utf8.AppendRune(out, r)
			continue
		default:
			return nil, d.syntax("an escape")
		}
		out = append(out, c)
		d.i += 2
	}
	return nil, d.syntax("the end of a string")
}

// unicodeEscape reads \uXXXX, or two of them for a surrogate pair. A surrogate alone
// is refused: it has no UTF-8 form, and replacing it would make different texts equal.
func (d *decoder) unicodeEscape() (rune, error) {
	r, ok := hex4(d.b[d.i:])
	if !ok {
		return 0, d.syntax("four hexadecimal digits")
	}
	d.i += 6
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	low, ok := hex4(d.b[d.i:])
	if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
		return 0, d.syntax("a surrogate pair")
	}
	d.i += 6
	return r, nil
}

// hex4 reads \uXXXX at the start of b.
func hex4(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range b[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// blob reads a string of base64 into memory of its own, which its owner can clear.
func (d *decoder) blob() ([]byte, error) {
	d.i++
	src := d.b[d.i:]
	n := bytes.IndexByte(src, '"')
	if n < 0 {
		return nil, d.syntax("the end of a string")
	}
	// The alphabet has neither the backslash nor control characters, so decoding
	// finds those too; only line breaks are skipped by the decoder of the library.
	src = src[:n]
	if bytes.IndexByte(src, '\\') >= 0 {
		d.i--
		t, err := d.text()
		if err != nil {
			return nil, err
		}
		src = t
	} else {
		d.i += n + 1
	}
	out := make([]byte, base64.StdEncoding.DecodedLen(len(src)))
	n, err := strictBase64.Decode(out, src)
	if err != nil || bytes.IndexByte(src, '\n') >= 0 || bytes.IndexByte(src, '\r') >= 0 {
		clear(out)
		return nil, &Error{Detail: "invalid base64", Offset: d.i}
	}
	return out[:n:n], nil
}

// strictBase64 also refuses set bits in the padding: one value, one text.
var strictBase64 = base64.StdEncoding.Strict()

// number reads a number by the grammar of RFC 8259 and tells whether it is written
// without fraction and exponent.
func (d *decoder) number() (lit []byte, integral bool, err error) {
	start := d.i
	if d.at() == '-' {
		d.i++
	}
	switch c := d.at(); {
	case c == '0':
		d.i++
	case c >= '1' && c <= '9':
		d.digits()
	default:
		return nil, false, d.syntax("a digit")
	}
	integral = true
	if d.at() == '.' {
		integral = false
		d.i++
		if !d.digits() {
			return nil, false, d.syntax("a digit")
		}
	}
	if c := d.at(); c == 'e' || c == 'E' {
		integral = false
		d.i++
		if c := d.at(); c == '+' || c == '-' {
			d.i++
		}
		if !d.digits() {
			return nil, false, d.syntax("a digit")
		}
	}
	return d.b[start:d.i], integral, nil
}

func (d *decoder) at() byte {
	if d.i < len(d.b) {
		return d.b[d.i]
	}
	return 0
}

func (d *decoder) digits() bool {
	start := d.i
	for d.i < len(d.b) && d.b[d.i] >= '0' && d.b[d.i] <= '9' {
		d.i++
	}
	return d.i > start
}

func (d *decoder) literal(word string) error {
	if !bytes.HasPrefix(d.b[d.i:], []byte(word)) {
		return d.syntax(word)
	}
	d.i += len(word)
	return nil
}

// skip reads over one value of any kind, checking its syntax.
func (d *decoder) skip() error {
	switch c := d.peek(); c {
	case '"':
		_, err := d.text()
		return err
	case 't':
		return d.literal("true")
	case 'f':
		return d.literal("false")
	case 'n':
		return d.literal("null")
	case '{', '[':
		if err := d.enter(); err != nil {
			return err
		}
		d.i++
		for first := true; ; first = false {
			// '{' and '}' are two apart in ASCII, as are '[' and ']'.
			ok, err := d.more(first, c+2)
			if err != nil {
				return err
			}
			if !ok {
				d.depth--
				return nil
			}
			if c == '{' {
				if _, err := d.key(); err != nil {
					return err
				}
			}
			if err := d.skip(); err != nil {
				return err
			}
		}
	default:
		_, _, err := d.number()
		return err
	}
}
