package sigv4

import "strings"

// PathStyle is how a service writes the path into the canonical request.
type PathStyle uint8

// The path styles.
const (
	// PathNormalized: dot segments and repeated slashes are removed from the path as
	// sent, and the result is encoded once more, so that an escape of the wire shows
	// as %25XX. All services but S3.
	PathNormalized PathStyle = iota
	// PathVerbatim: encoded once more but not normalized.
	PathVerbatim
	// PathS3: neither normalized nor encoded twice. An object key is data.
	PathS3
)

// appendPath appends the canonical path. It reports false for a broken escape in an
// S3 path.
func appendPath(sc *scratch, dst []byte, raw string, style PathStyle) ([]byte, bool) {
	if raw == "/" {
		return append(dst, '/'), true
	}
	if style == PathS3 {
		for i := 0; i < len(raw); i++ {
			c := raw[i]
			if c == '%' {
				if !escapeAt(raw, i) {
					return dst, false
				}
				c = unhex(raw[i+1])<<4 | unhex(raw[i+2])
				i += 2
			}
			if c == '/' {
				dst = append(dst, '/')
			} else {
				dst = appendEncoded(dst, c)
			}
		}
		return dst, true
	}
	if style == PathNormalized && !normal(raw) {
		sc.query = appendNormalized(sc.query[:0], raw)
		for _, c := range sc.query {
			if c == '/' {
				dst = append(dst, '/')
			} else {
				dst = appendEncoded(dst, c)
			}
		}
		return dst, true
	}
	for i := 0; i < len(raw); i++ {
		if raw[i] == '/' {
			dst = append(dst, '/')
		} else {
			dst = appendEncoded(dst, raw[i])
		}
	}
	return dst, true
}

// normal tells whether a path has nothing to normalize.
func normal(path string) bool {
	return !strings.Contains(path, "//") && !strings.Contains(path, "/.")
}

// NormalizePath removes dot segments (RFC 3986, 5.2.4) and repeated slashes from a
// raw path, the way PathNormalized does before encoding. A router that accepts
// paths with either must route by the result, because the signature covers nothing
// else.
func NormalizePath(path string) string {
	if normal(path) {
		return path
	}
	return string(appendNormalized(nil, path))
}

func appendNormalized(dst []byte, path string) []byte {
	base := len(dst)
	dst = append(dst, '/')
	for rest := path; rest != ""; {
		var segment string
		segment, rest, _ = strings.Cut(rest, "/")
		switch segment {
		case "", ".":
		case "..":
			if len(dst) > base+1 {
				dst = dst[:len(dst)-1]
				for dst[len(dst)-1] != '/' {
					dst = dst[:len(dst)-1]
				}
			}
		default:
			dst = append(dst, segment...)
			dst = append(dst, '/')
		}
	}
	// Every segment above left a slash behind it; only a path that ended with one
	// keeps it.
	if len(dst) > base+1 && !strings.HasSuffix(path, "/") {
		dst = dst[:len(dst)-1]
	}
	return dst
}
