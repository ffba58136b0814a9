package sigv4

import (
	"net/http"
	"strings"
)

// Request is what a signature covers, as it stood on the wire. It holds references
// only: neither Parse nor Verify changes or keeps any of it beyond the Signature.
type Request struct {
	// Method is the HTTP method, exactly as sent.
	Method string
	// Target is the raw request target ("/path?query"): never a decoded or cleaned
	// path, because the signature covers the escapes that the client chose. The
	// absolute form ("http://host/path") is accepted and reduced to its path.
	Target string
	// Host is the value of the Host header or of :authority.
	Host string
	// Header holds the remaining header fields under their canonical MIME names.
	Header http.Header
	// ContentLength is the announced length of the body in bytes, -1 if unknown.
	ContentLength int64
	// TransferEncoding lists the codings that net/http took out of Header.
	TransferEncoding []string
}

// FromHTTP takes from r what a signature covers and puts back what net/http removed
// from the header (Host, Content-Length, Transfer-Encoding).
func FromHTTP(r *http.Request) Request {
	target := r.RequestURI
	if target == "" && r.URL != nil { // a request that never crossed a wire
		target = r.URL.RequestURI()
	}
	return Request{
		Method:           r.Method,
		Target:           target,
		Host:             r.Host,
		Header:           r.Header,
		ContentLength:    r.ContentLength,
		TransferEncoding: r.TransferEncoding,
	}
}

// splitTarget divides a request target into its raw path and raw query.
func splitTarget(target string) (path, query string, ok bool) {
	if len(target) == 0 || len(target) > maxTarget {
		return "", "", false
	}
	if target[0] != '/' {
		_, rest, found := strings.Cut(target, "://")
		if !found {
			return "", "", false
		}
		if i := strings.IndexAny(rest, "/?"); i < 0 {
			target = "/"
		} else if rest[i] == '?' {
			target = "/" + rest[i:]
		} else {
			target = rest[i:]
		}
	}
	path, query, _ = strings.Cut(target, "?")
	return path, query, true
}

// headerValues finds the values of the header whose lower-case name is given. The
// name is put into net/http's canonical form on the stack, so the look-up does not
// allocate.
func (r *Request) headerValues(lower string) []string {
	var stack [64]byte
	var buf []byte
	if len(lower) <= len(stack) {
		buf = stack[:len(lower)]
	} else {
		buf = make([]byte, len(lower))
	}
	upper := true
	for i := 0; i < len(lower); i++ {
		c := lower[i]
		if upper && 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		buf[i] = c
		upper = c == '-'
	}
	return r.Header[string(buf)]
}

// header is the first value of a header that must not be repeated.
func (r *Request) header(canonical string) (value string, count int) {
	v := r.Header[canonical]
	if len(v) == 0 {
		return "", 0
	}
	return v[0], len(v)
}
