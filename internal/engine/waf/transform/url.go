package transform

// urlDecode decodes %HH and turns + into a space. What is not an escape stays.
func urlDecode(dst, src []byte) ([]byte, bool) {
	start := firstOfTwo(src, '%', '+')
	if start < 0 {
		return dst, false
	}
	n := len(dst)
	dst = room(dst, len(src))
	n += copy(dst[n:], src[:start])
	for i := start; i < len(src); n++ {
		c := src[i]
		i++
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+1 < len(src):
			if b, ok := hexPair(src[i], src[i+1]); ok {
				c = b
				i += 2
			}
		}
		dst[n] = c
	}
	return dst[:n], true
}

// urlDecodeUni is urlDecode that also knows Microsoft's %uHHHH. Of a code it keeps the
// lower byte; full-width forms are folded to ASCII. With bestFit, code page 20127 is asked
// first. A %u that is none is copied, both bytes of it, and does not begin a %HH.
func urlDecodeUni(dst, src []byte, bestFit bool) ([]byte, bool) {
	start := firstOfTwo(src, '%', '+')
	if start < 0 {
		return dst, false
	}
	n := len(dst)
	dst = room(dst, len(src))
	n += copy(dst[n:], src[:start])
	for i := start; i < len(src); n++ {
		c := src[i]
		i++
		switch {
		case c == '+':
			c = ' '
		case c != '%' || i == len(src):
		case src[i]|0x20 == 'u':
			if code, ok := hexCode(src[i+1:]); ok {
				c = fold(code)
				if bestFit {
					if f, ok := bestFitASCII(code); ok {
						c = f
					}
				}
				i += 5
				break
			}
			dst[n] = c
			n++
			c = src[i]
			i++
		case i+1 < len(src):
			if b, ok := hexPair(src[i], src[i+1]); ok {
				c = b
				i += 2
			}
		}
		dst[n] = c
	}
	return dst[:n], true
}

// hexCode reads the four hexadecimal digits at the beginning of s.
func hexCode(s []byte) (uint16, bool) {
	if len(s) < 4 {
		return 0, false
	}
	hi, ok1 := hexPair(s[0], s[1])
	lo, ok2 := hexPair(s[2], s[3])
	return uint16(hi)<<8 | uint16(lo), ok1 && ok2
}

// fold is the lower byte of a code unit, or the ASCII character that a full-width form
// (U+FF01 to U+FF5E) shows.
func fold(code uint16) byte {
	if code >= 0xff01 && code <= 0xff5e {
		return byte(code) + 0x20
	}
	return byte(code)
}

const hexDigits = "0123456789abcdef"

// urlEncode writes a space as + and everything but letters, digits and * as %hh, as
// ModSecurity does.
func urlEncode(dst, src []byte) ([]byte, bool) {
	touched := false
	for _, c := range src {
		switch {
		case c == ' ':
			dst = append(dst, '+')
			touched = true
		case classes[c]&plainInURL != 0:
			dst = append(dst, c)
		default:
			dst = append(dst, '%', hexDigits[c>>4], hexDigits[c&15])
			touched = true
		}
	}
	return dst, touched
}
