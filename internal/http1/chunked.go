package http1

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
)

const (
	// maxChunkLine is the longest line in front of a chunk, with its extensions.
	maxChunkLine = 256
	// maxExtensions is the most bytes of chunk extensions in a body.
	maxExtensions = 4 << 10
	// maxTrailer is the most bytes of a trailer section, and maxTrailers its most fields.
	maxTrailer  = 4 << 10
	maxTrailers = 32
	// maxChunkDigits bounds a chunk to less than 2^60 bytes.
	maxChunkDigits = 15
)

// chunks decodes the chunked coding (RFC 9112 §7.1).
type chunks struct {
	in *input
	// left is what is left of the current chunk; with it the line end behind the chunk
	// when inChunk.
	left       int64
	inChunk    bool
	ending     bool // the last chunk has come, and the trailer section follows
	patient    bool // what comes too late may still come
	extensions int  // bytes of extensions so far
	trailer    []Field
	err        error // io.EOF after the trailer section
}

// NewChunkedReader returns a reader of the chunked body in src. Its Read gives *Refusal for
// every deviation from RFC 9112 §7.1, io.ErrUnexpectedEOF when src ends early, and io.EOF
// once the trailer section is read. It reads ahead in src.
func NewChunkedReader(src io.Reader) *ChunkedReader {
	r := &ChunkedReader{in: input{src: src, buf: make([]byte, startBuffer)}}
	r.chunks.in = &r.in
	return r
}

// ChunkedReader decodes the chunked coding.
type ChunkedReader struct {
	in     input
	chunks chunks
}

// Read implements io.Reader.
func (r *ChunkedReader) Read(p []byte) (int, error) { return r.chunks.Read(p) }

// Trailer is the trailer section, once Read has returned io.EOF; nil if there was none.
func (r *ChunkedReader) Trailer() http.Header { return headerOf(r.chunks.trailer) }

// headerOf is the map of trailer fields, nil for none.
func headerOf(fields []Field) http.Header {
	if fields == nil {
		return nil
	}
	h := make(http.Header, len(fields))
	for i := range fields {
		h.Add(fields[i].Name, fields[i].Value)
	}
	return h
}

// Rest is what was read of the source behind the body, once Read has returned io.EOF.
func (r *ChunkedReader) Rest() []byte { return r.in.buffered() }

// Read implements io.Reader.
func (c *chunks) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := c.next(p)
	if err != nil && c.patient && errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err
	}
	if err != nil {
		if err == io.EOF { //nolint:errorlint // as it comes from a reader
			err = io.ErrUnexpectedEOF
		}
		c.err = err
	}
	if n == 0 && c.err == nil {
		c.err = io.EOF
	}
	if n > 0 {
		return n, nil
	}
	return 0, c.err
}

// next reads of the current chunk, or of the one behind it; 0 bytes and no error are
// the end of the body.
func (c *chunks) next(p []byte) (int, error) {
	for c.left == 0 {
		if c.ending {
			return 0, c.trailers()
		}
		if c.inChunk {
			if err := c.lineEnd(); err != nil {
				return 0, err
			}
			c.inChunk = false
		}
		size, err := c.size()
		if err != nil {
			return 0, err
		}
		if c.ending = size == 0; c.ending {
			continue
		}
		c.left, c.inChunk = size, true
	}
	n, err := c.in.read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

// ready is how much is buffered of what follows the line in front of a chunk: 0 if that or what follows it has not come.
func (c *chunks) ready() int {
	b := c.in.buffered()
	if c.left > 0 {
		return len(b)
	}
	if c.inChunk {
		b = b[min(2, len(b)):]
	}
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		return 0
	}
	return len(b) - end - 1
}

// lineEnd takes the CRLF behind the data of a chunk.
func (c *chunks) lineEnd() error {
	for len(c.in.buffered()) < 2 {
		if err := c.in.fill(startBuffer); err != nil {
			return err
		}
	}
	if b := c.in.buffered(); b[0] != '\r' || b[1] != '\n' {
		return bad("chunk longer than it says")
	}
	c.in.take(2)
	return nil
}

// size takes the line in front of a chunk: chunk-size [ chunk-ext ] CRLF. The grammar
// would allow whitespace in front of the semicolon; senders must not write it.
func (c *chunks) size() (int64, error) {
	line, err := c.line()
	if err != nil {
		return 0, err
	}
	var n int64
	digits := 0
	for digits < len(line) && classes[line[digits]]&hexByte != 0 {
		n = n<<4 | int64(unhex(line[digits]))
		digits++
		if digits > maxChunkDigits {
			return 0, bad("chunk too large")
		}
	}
	extension := line[digits:]
	switch {
	case digits == 0, len(extension) > 0 && extension[0] != ';':
		return 0, bad("malformed chunk size")
	case hasControl(extension):
		return 0, bad("control byte in a chunk extension")
	}
	if c.extensions += len(extension); c.extensions > maxExtensions {
		return 0, bad("chunk extensions too long")
	}
	c.in.take(len(line) + 2)
	return n, nil
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}

// line returns the line at the front, without its end, which stays buffered.
func (c *chunks) line() ([]byte, error) {
	for {
		b := c.in.buffered()
		if i := bytes.IndexByte(b[:min(len(b), maxChunkLine)], '\n'); i >= 0 {
			if i == 0 || b[i-1] != '\r' {
				return nil, errBareLF
			}
			return b[:i-1], nil
		}
		if len(b) >= maxChunkLine {
			return nil, bad("chunk extensions too long")
		}
		if err := c.in.fill(startBuffer); err != nil {
			return nil, err
		}
	}
}

// trailers takes the trailer section and the empty line behind it.
func (c *chunks) trailers() error {
	next, seen := 0, 0
	for {
		b := c.in.buffered()
		if len(b) >= 2 && b[0] == '\r' && b[1] == '\n' {
			c.in.take(2)
			return nil
		}
		end, line, err := headEnd(b[:min(len(b), maxTrailer)], next, seen)
		if err != nil {
			return err
		}
		if end > 0 {
			c.trailer, err = parseTrailer(b[:end])
			c.in.take(end)
			return err
		}
		if len(b) >= maxTrailer {
			return bad("trailer section too large")
		}
		next, seen = line, len(b)
		if err := c.in.fill(startBuffer); err != nil {
			return err
		}
	}
}

// parseTrailer reads trailer fields. Those that say how a message is framed, whom it is
// for or who sends it have no place there (RFC 9110 §6.5.1).
func parseTrailer(b []byte) ([]Field, error) {
	text := string(b)
	h := []Field{}
	for at := 0; ; {
		end := bytes.IndexByte(b[at:], '\n') + at - 1
		if end == at {
			return h, nil
		}
		if len(h) == maxTrailers {
			return nil, bad("too many trailer fields")
		}
		f, err := parseField(b[at:end], text[at:end])
		if err != nil {
			return nil, err
		}
		if !MayTrail(f.Name) {
			return nil, bad("a field that may not stand in a trailer section")
		}
		h = append(h, f)
		at = end + 2
	}
}
