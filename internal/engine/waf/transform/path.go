package transform

import "bytes"

// normalizePath removes empty segments, "." and, with the segment before it, "..", except
// at the beginning, where a relative path keeps ".." and an absolute one has nothing above
// it to go to. A slash at the end stays, and none is added. With win, backslashes are slashes.
func normalizePath(dst, src []byte, win bool) ([]byte, bool) {
	if isNormalPath(src, win) {
		return dst, false
	}
	base := len(dst)
	absolute := isSlash(src[0], win)
	if absolute {
		dst = append(dst, '/')
	}
	floor := len(dst) // what ".." cannot remove
	for i := 0; i < len(src); {
		end := i
		for end < len(src) && !isSlash(src[end], win) {
			end++
		}
		switch segment := src[i:end]; {
		case len(segment) == 0 || string(segment) == ".":
		case string(segment) != "..":
			dst = append(append(dst, segment...), '/')
		case len(dst) > floor:
			dst = dst[:floor+bytes.LastIndexByte(dst[floor:len(dst)-1], '/')+1]
		case !absolute:
			dst = append(dst, "../"...)
			floor = len(dst)
		}
		i = end + 1
	}
	// Every segment brought a slash with it.
	if !isSlash(src[len(src)-1], win) && len(dst) > base && !(absolute && len(dst) == base+1) {
		dst = dst[:len(dst)-1]
	}
	return dst, true
}

func isSlash(c byte, win bool) bool { return c == '/' || win && c == '\\' }

// isNormalPath tells whether no segment is empty or begins with a dot, and no backslash is
// to be turned. It may err on the side of no.
func isNormalPath(src []byte, win bool) bool {
	if len(src) == 0 {
		return true
	}
	if win && bytes.IndexByte(src, '\\') >= 0 {
		return false
	}
	if src[0] == '.' {
		return false
	}
	for i := 0; ; {
		n := bytes.IndexByte(src[i:], '/')
		if n < 0 {
			return true
		}
		i += n + 1
		if i < len(src) && (src[i] == '/' || src[i] == '.') {
			return false
		}
	}
}
