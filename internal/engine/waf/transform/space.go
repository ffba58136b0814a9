package transform

import "bytes"

// compressWhitespace makes one space of any run of whitespace, of which 0xA0 is a kind.
func compressWhitespace(dst, src []byte) ([]byte, bool) {
	start := firstOf(src, oddSpace)
	if double := bytes.Index(src, []byte("  ")); start < 0 || double >= 0 && double < start {
		start = double
	}
	if start < 0 {
		return dst, false
	}
	n := len(dst)
	dst = room(dst, len(src))
	n += copy(dst[n:], src[:start])
	space := start > 0 && src[start-1] == ' '
	for _, c := range src[start:] {
		if classes[c]&wideSpace == 0 {
			space = false
		} else if space {
			continue
		} else {
			c, space = ' ', true
		}
		dst[n] = c
		n++
	}
	return dst[:n], true
}

// removeWhitespace deletes all whitespace, of which 0xA0 is a kind.
func removeWhitespace(dst, src []byte) ([]byte, bool) {
	start := firstOf(src, wideSpace)
	if start < 0 {
		return dst, false
	}
	n := len(dst)
	dst = room(dst, len(src))
	n += copy(dst[n:], src[:start])
	for _, c := range src[start:] {
		if classes[c]&wideSpace == 0 {
			dst[n] = c
			n++
		}
	}
	return dst[:n], true
}

// trim deletes whitespace at the ends.
func trim(dst, src []byte, left, right bool) ([]byte, bool) {
	i, j := 0, len(src)
	for left && i < j && classes[src[i]]&spaceByte != 0 {
		i++
	}
	for right && i < j && classes[src[j-1]]&spaceByte != 0 {
		j--
	}
	if j-i == len(src) {
		return dst, false
	}
	return append(dst, src[i:j]...), true
}

func removeNulls(dst, src []byte) ([]byte, bool) {
	i := bytes.IndexByte(src, 0)
	if i < 0 {
		return dst, false
	}
	for i >= 0 {
		dst = append(dst, src[:i]...)
		src = src[i+1:]
		i = bytes.IndexByte(src, 0)
	}
	return append(dst, src...), true
}

func replaceNulls(dst, src []byte) ([]byte, bool) {
	if bytes.IndexByte(src, 0) < 0 {
		return dst, false
	}
	n := len(dst)
	dst = append(dst, src...)
	for i := n; i < len(dst); i++ {
		if dst[i] == 0 {
			dst[i] = ' '
		}
	}
	return dst, true
}
