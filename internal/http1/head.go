package http1

// Limits bound a request head.
type Limits struct {
	// Bytes is the most that a head may have, with its line ends.
	Bytes int
	// Fields is the most header fields that it may have.
	Fields int
	// Target is the most bytes of a request target, which is refused with 414 above; 0:
	// what Bytes allows.
	Target int
}

// Field is a header field as it was sent: the name in its own spelling, the value
// without the whitespace around it.
type Field struct{ Name, Value string }

// Head is what a request head says. Its strings share the memory of one copy of the
// head. It may be used for one request after another.
type Head struct {
	// Method is a token, not necessarily a known one.
	Method string
	// Target is the request target as it was sent, Form its form.
	Target string
	Form   Form
	// Minor is the minor version: 1, or 0 for HTTP/1.0.
	Minor int
	// Fields are all header fields in order.
	Fields []Field
	// Host is the authority that the request is for: that of an absolute or authority
	// target, else the value of Host. It is empty only in HTTP/1.0.
	Host string
	// Length is the length of the body in bytes, -1 when Chunked.
	Length int64
	// Chunked tells whether the body is in the chunked coding.
	Chunked bool
	// Close tells whether the client wants the connection to end after the answer. In
	// HTTP/1.0 that is so unless it asks for the contrary.
	Close bool
	// Continue tells whether the client waits for 100 (Continue) before it sends the
	// body (RFC 9110 §10.1.1).
	Continue bool
}

// Form is the form of a request target (RFC 9112 §3.2).
type Form uint8

const (
	// Origin is a path with or without a query.
	Origin Form = iota
	// Absolute is a whole URI.
	Absolute
	// Authority is a host and a port; only CONNECT has it.
	Authority
	// Asterisk stands for the server itself; only OPTIONS has it.
	Asterisk
)
