package request

import (
	"net/netip"
	"strings"
	"time"
	"unsafe"
)

// Field is a header field as it was sent: the name in its own spelling, the value without
// the whitespace around it.
type Field struct{ Name, Value string }

// Request is a web request as it came in. Nothing in it is decoded.
type Request struct {
	// ID names the request in logs.
	ID string
	// Time is when its head was complete.
	Time time.Time
	// Method is a token, not necessarily a known one.
	Method string
	// Target is the request target as it was sent: a path with or without a query, a whole
	// URI, "*", or an authority (CONNECT).
	Target string
	// Host is the authority that the request is for, Scheme "http" or "https", Proto
	// "HTTP/1.0", "HTTP/1.1", "HTTP/2.0" and so on.
	Host, Scheme, Proto string
	// Fields are all header fields in order.
	Fields []Field
	// Body is the inspected prefix, with the chunked coding undone. BodyTruncated tells that
	// the body goes on. BodyUnseen tells that there may be a body that cannot be seen here.
	Body          []byte
	BodyTruncated bool
	// Held, if not nil, is what is held of the body for the components that AWS does not
	// have: Body is a prefix of it. HeldTruncated tells that the body goes on behind it.
	Held          []byte
	HeldTruncated bool
	BodyUnseen    bool
	// Remote is the address of the connection's other end.
	Remote netip.Addr
	// JA3 and JA4 are the fingerprints of the TLS ClientHello, empty without one.
	JA3, JA4 string
}

// Path is the path of the target as it was sent, "/" if a whole URI has none, the target
// itself if it has no path.
func (r *Request) Path() string {
	path, _, _ := r.cut()
	return path
}

// Query is what follows the first question mark of the target, and whether there is one.
func (r *Request) Query() (string, bool) {
	_, query, ok := r.cut()
	return query, ok
}

// Fragment is what follows the number sign of the target, and whether there is one. Browsers
// do not send it.
func (r *Request) Fragment() (string, bool) {
	_, fragment, ok := strings.Cut(r.Target, "#")
	return fragment, ok
}

// cut splits the target into path and query.
func (r *Request) cut() (path, query string, hasQuery bool) {
	t, _, _ := strings.Cut(r.Target, "#")
	t, query, hasQuery = strings.Cut(t, "?")
	if t == "" || t[0] == '/' {
		return t, query, hasQuery
	}
	if _, rest, ok := strings.Cut(t, "://"); ok {
		i := strings.IndexByte(rest, '/')
		if i < 0 {
			return "/", query, hasQuery
		}
		return rest[i:], query, hasQuery
	}
	return t, query, hasQuery
}

// Field is the value of the first header field of the name, whose case does not matter.
func (r *Request) Field(name string) (string, bool) {
	for i := range r.Fields {
		if strings.EqualFold(r.Fields[i].Name, name) {
			return r.Fields[i].Value, true
		}
	}
	return "", false
}

// held is what components that AWS does not have look at, and whether there is more.
func (r *Request) held() (body []byte, truncated bool) {
	if r.Held == nil {
		return r.Body, r.BodyTruncated
	}
	return r.Held, r.HeldTruncated
}

// view is the bytes of s, not to be written to.
func view(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// text is b as a string, for as long as nobody writes to b.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
