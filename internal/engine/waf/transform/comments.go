package transform

import "bytes"

var opening, closing = []byte("/*"), []byte("*/")

// replaceComments makes a space of each C comment, also of one that does not end. A closing
// mark alone stays.
func replaceComments(dst, src []byte) ([]byte, bool) {
	i := bytes.Index(src, opening)
	if i < 0 {
		return dst, false
	}
	for i >= 0 {
		dst = append(append(dst, src[:i]...), ' ')
		end := bytes.Index(src[i+2:], closing)
		if end < 0 {
			return dst, true
		}
		src = src[i+2+end+2:]
		i = bytes.Index(src, opening)
	}
	return append(dst, src...), true
}

// removeComments deletes C comments, HTML comments, and what follows -- or #. A C comment
// that does not end leaves a space.
func removeComments(dst, src []byte) ([]byte, bool) {
	start := firstOf(src, commentByte)
	if start < 0 {
		return dst, false
	}
	dst = append(dst, src[:start]...)
	for i := start; i < len(src); {
		switch rest := src[i:]; {
		case bytes.HasPrefix(rest, opening):
			end := bytes.Index(rest[2:], closing)
			if end < 0 {
				return append(dst, ' '), true
			}
			i += 2 + end + 2
		case bytes.HasPrefix(rest, []byte("<!--")):
			end := bytes.Index(rest[4:], []byte("-->"))
			if end < 0 {
				return append(dst, ' '), true
			}
			i += 4 + end + 3
		case bytes.HasPrefix(rest, []byte("--")), rest[0] == '#':
			return append(dst, ' '), true
		default:
			dst = append(dst, rest[0])
			i++
		}
	}
	return dst, true
}

// removeCommentsChar deletes the marks of comments: /* */ -- # <!-- and -->.
func removeCommentsChar(dst, src []byte) ([]byte, bool) {
	start := firstOf(src, commentByte)
	if start < 0 {
		return dst, false
	}
	dst = append(dst, src[:start]...)
	for i := start; i < len(src); {
		if n := firstOf(src[i:], commentByte); n != 0 {
			if n < 0 {
				n = len(src) - i
			}
			dst = append(dst, src[i:i+n]...)
			i += n
			continue
		}
		switch rest := src[i:]; {
		case bytes.HasPrefix(rest, opening), bytes.HasPrefix(rest, closing):
			i += 2
		case bytes.HasPrefix(rest, []byte("<!--")):
			i += 4
		case bytes.HasPrefix(rest, []byte("-->")):
			i += 3
		case bytes.HasPrefix(rest, []byte("--")):
			i += 2
		case rest[0] == '#':
			i++
		default:
			dst = append(dst, rest[0])
			i++
		}
	}
	return dst, true
}
