package sigv4

import (
	"crypto/sha256"
	"crypto/subtle"
	"hash"
	"io"
	"strconv"
)

// Body is a request body whose bytes are checked against the signature while they
// are read. Its errors are *Error or those of the underlying reader. It is not safe
// for concurrent use.
type Body struct {
	r       io.Reader // plain, hashing or de-chunking
	chunks  *chunkReader
	decoded int64
}

// Read implements io.Reader.
func (b *Body) Read(p []byte) (int, error) { return b.r.Read(p) }

// DecodedLength is the announced length of the data in bytes, -1 if unknown: for
// chunked bodies X-Amz-Decoded-Content-Length, else Content-Length.
func (b *Body) DecodedLength() int64 { return b.decoded }

// Trailer is the value of a verified trailing header by its lower-case name
// ("x-amz-checksum-crc32c"). It is empty before Read has returned io.EOF.
func (b *Body) Trailer(name string) string {
	if b.chunks == nil || b.chunks.err != io.EOF {
		return ""
	}
	return b.chunks.trailer[name]
}

// UnverifiedBody decodes the body of a request whose signature nobody checks
// (development mode accepts unknown access keys). The framing, the decoded length
// and trailing checksums are still enforced, chunk signatures are not.
func (s *Signature) UnverifiedBody(body io.Reader) (*Body, error) {
	return s.newBody(body, nil, DefaultMaxChunk)
}

func (s *Signature) newBody(body io.Reader, key *signingKey, maxChunk int) (*Body, error) {
	b := &Body{decoded: s.req.ContentLength}
	switch s.Payload {
	case PayloadHash:
		b.r = &hashReader{r: body, h: sha256.New(), s: s}
		return b, nil
	case PayloadImplicit, PayloadUnsigned:
		b.r = body
		return b, nil
	}
	length, count := s.req.header("X-Amz-Decoded-Content-Length")
	n, err := strconv.ParseInt(length, 10, 64)
	if count != 1 || err != nil || n < 0 || length[0] == '+' {
		return nil, s.fail(KindLength, "You must provide the Content-Length HTTP header.", "")
	}
	b.decoded = n
	b.chunks, err = newChunkReader(s, body, key, n, maxChunk)
	if err != nil {
		return nil, err
	}
	b.r = b.chunks
	return b, nil
}

// hashReader compares the hash of all it has read with the signed one at the end.
type hashReader struct {
	r    io.Reader
	h    hash.Hash
	s    *Signature
	done error
}

func (r *hashReader) Read(p []byte) (int, error) {
	if r.done != nil {
		return 0, r.done
	}
	n, err := r.r.Read(p)
	r.h.Write(p[:n])
	if err != io.EOF {
		return n, err
	}
	var want [sha256.Size]byte
	decodeHex(want[:], r.s.PayloadSHA256)
	r.done = io.EOF
	if subtle.ConstantTimeCompare(r.h.Sum(nil), want[:]) != 1 {
		r.done = r.s.payloadMismatch()
	}
	return n, r.done
}
