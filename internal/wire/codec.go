package wire

import (
	"io"
	"net/http"
)

// Request is an HTTP request as a codec reads it. The body has been read and
// bounded by the front door, except for operations with StreamInput.
type Request struct {
	Method string
	Path   string // escaped, as received
	Query  string // raw, without '?'
	Host   string
	Header http.Header
	Body   []byte
	Stream io.ReadCloser // the body of an operation with StreamInput
	// Labels are the URI labels the router matched, unescaped, in template order.
	Labels []string
}

// Response is what a codec makes of an output or an error. Header is never nil.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	Stream io.ReadCloser // set instead of Body for operations with StreamOutput
}

// Codec turns requests of one protocol into input structs, and outputs and errors
// into responses. A codec has no state and is safe for concurrent use.
type Codec interface {
	// Protocol is the one the codec speaks.
	Protocol() Protocol
	// Decode reads the input of op; the result is what op.NewInput returns, or nil
	// when op has no input. Its errors are *CommonError of kind Serialization, or
	// MalformedQuery for a form that cannot be read at all. Unknown members are ignored.
	Decode(op *Operation, req *Request) (any, error)
	// Encode writes the output of op (nil when it has none) into res.
	Encode(op *Operation, out any, requestID string, res *Response) error
	// EncodeError writes an error. op is nil when the operation is not known; api is
	// nil when not even the API is.
	EncodeError(api *API, op *Operation, err APIError, requestID string, res *Response)
}
