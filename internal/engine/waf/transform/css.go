package transform

import "bytes"

// cssDecode decodes the escapes of CSS 2 (syndata.html#characters): a backslash, up to six
// hexadecimal digits and one whitespace. Of the digits the last two make the byte, and a
// full-width form is folded. A backslash before a line end is a continuation, before
// anything else it only hides that (ja\vascript), and at the end it stands for nothing.
func cssDecode(dst, src []byte) ([]byte, bool) {
	start := bytes.IndexByte(src, '\\')
	if start < 0 {
		return dst, false
	}
	dst = append(dst, src[:start]...)
	for i := start; i < len(src); {
		if src[i] != '\\' {
			dst = append(dst, src[i])
			i++
			continue
		}
		i++
		if i == len(src) {
			break
		}
		n, code := 0, uint32(0)
		for n < 6 && i+n < len(src) && unhex[src[i+n]] != notHex {
			code = code<<4 | uint32(unhex[src[i+n]])
			n++
		}
		switch {
		case n > 0:
			if code >= 0xff01 && code <= 0xff5e {
				dst = append(dst, byte(code)+0x20)
			} else {
				dst = append(dst, byte(code))
			}
			i += n
			if i < len(src) && classes[src[i]]&spaceByte != 0 {
				i++
			}
		case src[i] == '\n':
			i++
		default:
			dst = append(dst, src[i])
			i++
		}
	}
	return dst, true
}
