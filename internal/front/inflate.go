package front

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// A gzip body (requestCompression in the models; CloudWatch clients send it) may
// inflate to at most ten times its size and at most eight MiB.
const (
	maxInflateRatio = 10
	maxInflated     = 8 << 20
)

// isCompressed tells whether the body of r is gzip data. Any other content coding is
// left to whoever reads the body.
func isCompressed(r *http.Request) bool {
	return strings.EqualFold(first(r.Header, "Content-Encoding"), "gzip")
}

// payload is the body of a request: the bytes of the wire, which are what a signature
// covers, and what they inflate to. They are inflated when somebody asks, so that a
// stranger's body is not, unless it takes part in routing.
type payload struct {
	sent       *bytes.Buffer
	compressed bool
	inflated   *bytes.Buffer
	err        error // of inflating
}

// plain is the body to decode.
func (p *payload) plain() ([]byte, error) {
	if !p.compressed {
		return p.sent.Bytes(), nil
	}
	if p.inflated == nil {
		p.inflated = bodies.Get().(*bytes.Buffer)
		p.err = inflate(p.inflated, p.sent.Bytes())
	}
	if p.err != nil {
		return nil, p.err
	}
	return p.inflated.Bytes(), nil
}

// release clears both forms and gives their memory back.
func (p *payload) release() {
	releaseBody(p.sent)
	if p.inflated != nil {
		releaseBody(p.inflated)
	}
}

// inflate appends to dst what the gzip data in src inflate to.
func inflate(dst *bytes.Buffer, src []byte) error {
	limit := min(int64(len(src))*maxInflateRatio+1024, maxInflated)
	zr, err := gzip.NewReader(bytes.NewReader(src))
	if err != nil {
		return fmt.Errorf("front: gzip body: %w", err)
	}
	n, err := dst.ReadFrom(io.LimitReader(zr, limit+1))
	if err != nil {
		return fmt.Errorf("front: gzip body: %w", err)
	}
	if n > limit {
		return errTooLarge
	}
	return nil
}
