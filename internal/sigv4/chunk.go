package sigv4

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"strings"
)

const (
	// maxChunkLine bounds a chunk's size line and a trailer line, in bytes.
	maxChunkLine = 1024
	// minChunk is the least size of a chunk that is not the last (S3:
	// InvalidChunkSizeError). It bounds the signatures that a byte of body costs.
	minChunk = 8192
	// growth is the step in which a chunk's buffer follows the bytes that arrive, so
	// that a size alone reserves no memory.
	growth = 64 << 10
)

const emptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// chunkReader decodes aws-chunked bodies ("Signature Calculations for the
// Authorization Header: Transferring Payload in Multiple Chunks" and "… Including
// Trailing Headers" of the S3 API reference).
//
// A signed chunk is read whole, verified and only then released. Unsigned chunks
// may be of any size and pass through.
type chunkReader struct {
	s        *Signature
	key      *signingKey // nil: signatures are not checked
	br       *bufio.Reader
	signed   bool // chunks carry signatures
	trailing bool // a trailer follows
	max      int

	remaining int64 // of the decoded length
	left      int64 // of the current unsigned chunk
	number    int64 // of the current chunk, from 1
	short     int64 // size of the last chunk if below minChunk, else 0: only the end may follow
	buf       []byte
	ready     []byte // verified, not yet released
	previous  string // signature before, hexadecimal
	sc        scratch
	sums      []checksum
	trailer   map[string]string
	err       error // sticky; io.EOF after a complete, correct body
}

// checksum is one announced trailing checksum.
type checksum struct {
	name string
	hash hash.Hash
}

func newChunkReader(s *Signature, body io.Reader, key *signingKey, decoded int64, maxChunk int) (*chunkReader, error) {
	c := &chunkReader{
		s: s, key: key, max: maxChunk, remaining: decoded, previous: s.provided,
		signed:   s.Payload == PayloadStream || s.Payload == PayloadStreamTrailer,
		trailing: s.Payload == PayloadStreamTrailer || s.Payload == PayloadUnsignedTrailer,
		br:       bufio.NewReaderSize(body, maxChunkLine),
	}
	if err := c.announce(); err != nil {
		return nil, err
	}
	return c, nil
}

// announce reads X-Amz-Trailer. In a mode with a trailer it must name at least one
// checksum, because an unsigned body has no other protection.
func (c *chunkReader) announce() error {
	values := c.s.req.Header["X-Amz-Trailer"]
	if !c.trailing {
		if len(values) > 0 {
			return c.badTrailer()
		}
		return nil
	}
	for _, value := range values {
		for name := range strings.SplitSeq(value, ",") {
			name = strings.ToLower(strings.TrimSpace(name))
			h, ok := NewChecksum(name)
			if !ok || c.sum(name) != nil {
				return c.s.fail(KindTrailerName, textTrailerName, "")
			}
			c.sums = append(c.sums, checksum{name, h})
		}
	}
	if len(c.sums) == 0 {
		return c.badTrailer()
	}
	return nil
}

func (c *chunkReader) sum(name string) hash.Hash {
	for i := range c.sums {
		if c.sums[i].name == name {
			return c.sums[i].hash
		}
	}
	return nil
}

// Read implements io.Reader.
func (c *chunkReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for c.err == nil {
		if len(c.ready) > 0 {
			n := copy(p, c.ready)
			c.ready = c.ready[n:]
			return n, nil
		}
		if c.left > 0 {
			return c.pass(p)
		}
		if err := c.next(); err != nil {
			c.err = err
			c.buf, c.ready = nil, nil
		}
	}
	return 0, c.err
}

// pass hands out bytes of an unsigned chunk.
func (c *chunkReader) pass(p []byte) (int, error) {
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.br.Read(p)
	c.left -= int64(n)
	c.hash(p[:n])
	if err != nil {
		c.err = c.broken(err)
		return n, c.err
	}
	if c.left == 0 {
		if err := c.crlf(); err != nil {
			c.err = err
			return n, nil // these bytes did come; the next Read reports
		}
	}
	return n, nil
}

func (c *chunkReader) hash(p []byte) {
	for i := range c.sums {
		c.sums[i].hash.Write(p)
	}
}

// next reads one chunk. It returns io.EOF after the last one, when all is verified.
func (c *chunkReader) next() error {
	size, signature, err := c.sizeLine()
	if err != nil {
		return err
	}
	if size > c.remaining {
		return c.s.fail(KindLength, textIncomplete, "")
	}
	c.remaining -= size
	if size == 0 {
		return c.last(signature)
	}
	if c.short > 0 {
		return c.badSize(c.number, c.short, textChunkSizeS3)
	}
	c.number++
	if size < minChunk {
		c.short = size
	}
	if !c.signed || c.key == nil {
		c.left = size
		return nil
	}
	if size > int64(c.max) {
		return c.badSize(c.number, size, "A signed chunk is larger than this service takes.")
	}
	if err := c.fill(int(size)); err != nil {
		return err
	}
	if err := c.crlf(); err != nil {
		return err
	}
	if err := c.checkChunk(c.buf, signature); err != nil {
		return err
	}
	c.hash(c.buf)
	c.ready = c.buf
	return nil
}

func (c *chunkReader) badSize(number, size int64, text string) *Error {
	e := c.s.fail(KindChunkSize, text, "")
	e.Chunk, e.ChunkSize = number, size
	return e
}

// fill reads size bytes into buf, which grows as they arrive.
func (c *chunkReader) fill(size int) error {
	c.buf = c.buf[:0]
	for len(c.buf) < size {
		step := min(size-len(c.buf), max(growth, cap(c.buf)-len(c.buf)))
		at := len(c.buf)
		if cap(c.buf) < at+step {
			c.buf = append(make([]byte, 0, min(size, max(at+step, 2*cap(c.buf)))), c.buf...)
		}
		c.buf = c.buf[:at+step]
		if _, err := io.ReadFull(c.br, c.buf[at:]); err != nil {
			return c.broken(err)
		}
	}
	return nil
}

// last ends the body: the last chunk's signature, the trailer, nothing behind.
func (c *chunkReader) last(signature string) error {
	if c.remaining != 0 {
		return c.s.fail(KindLength, textIncomplete, "")
	}
	if c.signed && c.key != nil {
		if err := c.checkChunk(nil, signature); err != nil {
			return err
		}
	}
	if c.trailing {
		if err := c.readTrailer(); err != nil {
			return err
		}
	} else if err := c.crlf(); err != nil {
		return err
	}
	switch _, err := c.br.ReadByte(); {
	case err == nil:
		return c.s.fail(KindChunk, "There is data after the last chunk.", "")
	case err != io.EOF:
		return err
	}
	return io.EOF
}

// sizeLine reads "SIZE[;chunk-signature=…]\r\n".
func (c *chunkReader) sizeLine() (size int64, signature string, err error) {
	line, err := c.br.ReadSlice('\n')
	if err != nil {
		return 0, "", c.broken(err)
	}
	line, ok := bytes.CutSuffix(line, []byte("\r\n"))
	digits, extension, extended := bytes.Cut(line, []byte(";"))
	ok = ok && len(digits) > 0 && len(digits) <= 15
	for _, d := range digits {
		if !ok || !ishex(d) {
			return 0, "", c.s.fail(KindChunk, "The size of a chunk is not readable.", "")
		}
		size = size<<4 | int64(unhex(d))
	}
	value, found := bytes.CutPrefix(extension, []byte("chunk-signature="))
	if !ok || extended != c.signed || c.signed && !found {
		return 0, "", c.s.fail(KindChunk, "The size line of a chunk is not readable.", "")
	}
	return size, string(value), nil
}

// crlf reads the line end behind a chunk's data.
func (c *chunkReader) crlf() error {
	var end [2]byte
	if _, err := io.ReadFull(c.br, end[:]); err != nil {
		return c.broken(err)
	}
	if end != [2]byte{'\r', '\n'} {
		return c.s.fail(KindChunk, "A chunk does not end where its size says.", "")
	}
	return nil
}

// broken translates an error of the underlying reader.
func (c *chunkReader) broken(err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return c.s.fail(KindChunk, textIncomplete, "")
	case errors.Is(err, bufio.ErrBufferFull):
		return c.s.fail(KindChunk, "A line of the chunked body is too long.", "")
	}
	return err
}

// checkChunk verifies a chunk: algorithm-PAYLOAD, time, scope, previous signature,
// hash of nothing, hash of the data.
func (c *chunkReader) checkChunk(data []byte, signature string) error {
	sts := c.begin("-PAYLOAD\n")
	sts = append(sts, emptySHA256...)
	sts = append(sts, '\n')
	c.sc.sum = sha256.Sum256(data)
	c.sc.sts = hex.AppendEncode(sts, c.sc.sum[:])
	return c.check(signature)
}

func (c *chunkReader) begin(suffix string) []byte {
	sts := append(c.sc.sts[:0], c.s.Algorithm.String()...)
	sts = append(sts, suffix...)
	sts = append(sts, c.s.stamp...)
	sts = append(sts, '\n')
	sts = append(sts, c.s.scope...)
	sts = append(sts, '\n')
	sts = append(sts, c.previous...)
	return append(sts, '\n')
}

// check compares signature with the one of sc.sts and makes it the previous one.
// ECDSA signatures are padded with asterisks to 144 characters; the padding is not
// part of the chain.
func (c *chunkReader) check(signature string) error {
	if c.s.Algorithm == ECDSA {
		signature = strings.TrimRight(signature, "*")
	}
	var raw [80]byte
	n, ok := decodeHex(raw[:], signature)
	if !ok || c.s.Algorithm == HMAC && n != sha256.Size || !c.key.verify(&c.sc, c.sc.sts, raw[:n]) {
		e := c.s.fail(KindChunkMismatch, textMismatch, textMismatchS3)
		e.AccessKeyID, e.SignatureProvided, e.StringToSign = c.s.AccessKeyID, clip(signature), string(c.sc.sts)
		return e
	}
	c.previous = signature
	return nil
}
