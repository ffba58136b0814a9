package transform

import "encoding/base64"

const notBase64 = 0xff

// unbase64 is the value of a character of base64 (RFC 4648 §4), or notBase64.
var unbase64 = func() (t [256]byte) {
	for i := range t {
		t[i] = notBase64
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range len(alphabet) {
		t[alphabet[i]] = byte(i)
	}
	return t
}()

// bits64 gathers characters of base64 and hands out bytes.
type bits64 struct {
	bits uint32
	n    int
}

func (b *bits64) add(dst []byte, v byte) []byte {
	b.bits = b.bits<<6 | uint32(v)
	if b.n++; b.n == 4 {
		dst = append(dst, byte(b.bits>>16), byte(b.bits>>8), byte(b.bits))
		*b = bits64{}
	}
	return dst
}

// flush hands out the whole bytes of an unfinished group.
func (b *bits64) flush(dst []byte) []byte {
	switch b.n {
	case 2:
		dst = append(dst, byte(b.bits>>4))
	case 3:
		dst = append(dst, byte(b.bits>>10), byte(b.bits>>2))
	}
	return dst
}

// base64Decode decodes a value that is base64 as a whole: the characters of RFC 4648 §4,
// line ends between them, at most two = at the end, which may be missing. Any other value
// stays.
func base64Decode(dst, src []byte) ([]byte, bool) {
	digits, pads := 0, 0
	for _, c := range src {
		switch {
		case c == '\r' || c == '\n':
		case c == '=':
			pads++
		case unbase64[c] == notBase64 || pads > 0:
			return dst, false
		default:
			digits++
		}
	}
	if digits == 0 || digits%4 == 1 || pads > 0 && (digits+pads)%4 != 0 || pads > 2 {
		return dst, false
	}
	return base64DecodePrefix(dst, src)
}

// base64DecodePrefix decodes up to the first byte that is not base64, ignoring line ends.
func base64DecodePrefix(dst, src []byte) ([]byte, bool) {
	var group bits64
	for _, c := range src {
		if c == '\r' || c == '\n' {
			continue
		}
		v := unbase64[c]
		if v == notBase64 {
			break
		}
		dst = group.add(dst, v)
	}
	return group.flush(dst), len(src) > 0
}

// base64DecodeExt decodes what is base64 and skips everything else. The two characters that
// RFC 4648 §5 has instead of + and / count: decoders that forgive take both alphabets, and
// skipping them would shift all that follows.
func base64DecodeExt(dst, src []byte) ([]byte, bool) {
	var group bits64
	for _, c := range src {
		switch c {
		case '-':
			c = '+'
		case '_':
			c = '/'
		}
		if v := unbase64[c]; v != notBase64 {
			dst = group.add(dst, v)
		}
	}
	return group.flush(dst), len(src) > 0
}

func base64Encode(dst, src []byte) ([]byte, bool) {
	return base64.StdEncoding.AppendEncode(dst, src), len(src) > 0
}
