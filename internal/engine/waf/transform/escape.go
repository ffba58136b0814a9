package transform

import "bytes"

// escapeSeqDecode decodes the escapes of ANSI C: \a \b \f \n \r \t \v \\ \? \' \" \xHH and
// octal of up to three digits (of a larger one than 0377 the lower byte). With keep, what is
// no escape stays; without, it loses its backslash.
func escapeSeqDecode(dst, src []byte, keep bool) ([]byte, bool) {
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
		c := src[i+1]
		switch {
		case c|0x20 == 'x':
			if i+3 < len(src) {
				if b, ok := hexPair(src[i+2], src[i+3]); ok {
					dst = append(dst, b)
					i += 4
					continue
				}
			}
		case c >= '0' && c <= '7':
			b, n := octal(src[i+1:], 0o777)
			dst = append(dst, b)
			i += 1 + n
			continue
		case c != '/' && c != '`':
			if b, ok := jsLetter(c); ok {
				dst = append(dst, b)
				i += 2
				continue
			}
		}
		if keep {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
		i += 2
	}
	return dst, true
}
