package transform

// utf8ToUnicode writes each character outside ASCII as %uHHHH, or %uHHHHH above U+FFFF, in
// lower case, and leaves bytes that are no UTF-8. Overlong forms are decoded, as those who
// are deceived by them do: %c0%af is a slash to them.
func utf8ToUnicode(dst, src []byte) ([]byte, bool) {
	if !hasHigh(src) {
		return dst, false
	}
	touched := false
	for i := 0; i < len(src); {
		code, n := looseUTF8(src[i:])
		if n == 1 {
			dst = append(dst, src[i])
			i++
			continue
		}
		dst = append(dst, '%', 'u')
		if code > 0xfffff {
			dst = append(dst, hexDigits[code>>20])
		}
		if code > 0xffff {
			dst = append(dst, hexDigits[code>>16&15])
		}
		dst = append(dst, hexDigits[code>>12&15], hexDigits[code>>8&15], hexDigits[code>>4&15], hexDigits[code&15])
		touched = true
		i += n
	}
	return dst, touched
}

// looseUTF8 reads the character at the beginning of s by its bit pattern alone. n is 1
// if there is none of two bytes or more.
func looseUTF8(s []byte) (code uint32, n int) {
	c := uint32(s[0])
	switch {
	case c&0xe0 == 0xc0:
		code, n = c&0x1f, 2
	case c&0xf0 == 0xe0:
		code, n = c&0x0f, 3
	case c&0xf8 == 0xf0 && c < 0xf5:
		code, n = c&0x07, 4
	default:
		return c, 1
	}
	if len(s) < n {
		return c, 1
	}
	for _, b := range s[1:n] {
		if b&0xc0 != 0x80 {
			return c, 1
		}
		code = code<<6 | uint32(b&0x3f)
	}
	return code, n
}
