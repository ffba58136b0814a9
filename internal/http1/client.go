package http1

import (
	"errors"
	"io"
	"strconv"
)

// ResponseReader reads responses from a connection, one after another. It serves one
// goroutine.
type ResponseReader struct {
	in     input
	head   ResponseHead
	chunks chunks
	left   int64
	err    error // of the body: io.EOF at its end
	limits Limits
}

// NewResponseReader returns a reader of the responses that come from src.
func NewResponseReader(src io.Reader, limits Limits) *ResponseReader {
	r := &ResponseReader{in: input{src: src, buf: make([]byte, startBuffer)}, limits: limits, err: io.EOF}
	r.chunks.in = &r.in
	return r
}

// ErrNoResponse is the error of Next when the connection ended before the first byte of a
// response.
var ErrNoResponse = errors.New("http1: the connection ended before a response")

// Next reads the next head: of an informational response or of the response to a request by
// method. It is valid until the next call. The error is ErrNoResponse, a *Refusal, or that
// of the connection; after any the connection must be closed.
func (r *ResponseReader) Next(method string) (*ResponseHead, error) {
	line, seen := 0, 0
	for {
		b := r.in.buffered()
		end, next, err := headEnd(b[:min(len(b), r.limits.Bytes)], line, seen)
		switch {
		case err != nil:
			return nil, err
		case end > 0:
			if err := parseResponse(&r.head, b[:end], method, &r.limits); err != nil {
				return nil, err
			}
			r.in.take(end)
			r.begin()
			return &r.head, nil
		case len(b) >= r.limits.Bytes:
			return nil, errTooLarge
		}
		line, seen = next, len(b)
		if err := r.in.fill(r.limits.Bytes); err != nil {
			switch {
			case len(b) == 0 && err == io.EOF: //nolint:errorlint // as a connection returns it
				return nil, ErrNoResponse
			case err == io.EOF: //nolint:errorlint // as a connection returns it
				return nil, io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

// Begun tells whether a byte of the next response has come.
func (r *ResponseReader) Begun() bool { return len(r.in.buffered()) > 0 }

func (r *ResponseReader) begin() {
	r.left, r.err = r.head.Length, nil
	if r.head.Chunked {
		r.chunks = chunks{in: &r.in}
	}
	if r.left == 0 {
		r.err = io.EOF
	}
}

// Read reads the body, without the chunked coding. It ends with io.EOF; an early end is
// io.ErrUnexpectedEOF.
func (r *ResponseReader) Read(p []byte) (n int, err error) {
	if r.err != nil || len(p) == 0 {
		return 0, r.err
	}
	switch {
	case r.head.Chunked:
		n, r.err = r.chunks.Read(p)
		return n, r.err
	case r.left < 0: // until the connection ends
		n, r.err = r.in.read(p)
		return n, r.err
	}
	n, r.err = r.in.read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	switch {
	case r.left == 0:
		r.err = io.EOF
	case r.err == io.EOF: //nolint:errorlint // as a connection returns it
		r.err = io.ErrUnexpectedEOF
	}
	return n, r.err
}

// Buffered is how much was received and not read yet: if it is 0, Read waits.
func (r *ResponseReader) Buffered() int {
	if r.head.Chunked {
		return r.chunks.ready()
	}
	return len(r.in.buffered())
}

// Ended tells whether all of the body was read.
func (r *ResponseReader) Ended() bool { return r.err == io.EOF } //nolint:errorlint // we set it

// Trailer is the trailer section of the body, once Read has returned io.EOF.
func (r *ResponseReader) Trailer() []Field {
	if !r.head.Chunked {
		return nil
	}
	return r.chunks.trailer
}

// Reusable tells whether another request may follow on the connection: the response was
// read, does not end the connection, and nothing came behind it.
func (r *ResponseReader) Reusable() bool {
	return r.Ended() && !r.head.Close && len(r.in.buffered()) == 0
}

// Forget zeroes what was read, and gives large memory back.
func (r *ResponseReader) Forget() {
	r.in.forget()
	clear(r.head.Fields)
	if cap(r.head.Fields) > maxKeptFields {
		r.head.Fields = nil
	}
}

// Tunnel reads what follows a response of status 101: first what was received already.
func (r *ResponseReader) Tunnel(p []byte) (int, error) { return r.in.read(p) }

// AppendRequestLine appends a request line of HTTP/1.1.
func AppendRequestLine(b []byte, method, target string) []byte {
	return append(append(append(append(b, method...), ' '), target...), " HTTP/1.1\r\n"...)
}

// AppendField appends a field line. The name must be a token; control bytes in the value
// become spaces.
func AppendField(b []byte, name, value string) []byte {
	b = append(append(b, name...), ": "...)
	start := len(b)
	b = append(b, value...)
	if hasControl(b[start:]) {
		blank(b[start:])
	}
	return append(b, "\r\n"...)
}

// AppendFields appends the field lines of fields, but those that frame a message or name
// options of the connection, and those whose names are no tokens.
func AppendFields(b []byte, fields []Field) []byte { return appendFields(b, fields) }

// ChunkHeadRoom is how much AppendChunkHead appends at most.
const ChunkHeadRoom = 18

// AppendChunkHead appends what stands in front of a chunk of n bytes, n > 0. CRLF follows
// the chunk.
func AppendChunkHead(b []byte, n int) []byte {
	return append(strconv.AppendInt(b, int64(n), 16), "\r\n"...)
}

// AppendLastChunk appends the end of a chunked body.
func AppendLastChunk(b []byte, trailer []Field) []byte {
	return append(appendFields(append(b, "0\r\n"...), trailer), "\r\n"...)
}

// AppendLength appends a Content-Length field.
func AppendLength(b []byte, n int64) []byte { return appendLength(b, n) }
