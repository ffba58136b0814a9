package front

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
)

// A gzip body (requestCompression in the models; CloudWatch clients send it) may
// inflate to at most ten times its size and at most eight MiB.
const (
	maxInflateRatio = 10
	maxInflated     = 8 << 20
)

// inflate replaces the gzip data in buf by what it inflates to.
func inflate(buf *bytes.Buffer) error {
	limit := min(int64(buf.Len())*maxInflateRatio+1024, maxInflated)
	zr, err := gzip.NewReader(bytes.NewReader(buf.Bytes()))
	if err != nil {
		return fmt.Errorf("front: gzip body: %w", err)
	}
	var out bytes.Buffer
	n, err := out.ReadFrom(io.LimitReader(zr, limit+1))
	if err != nil {
		return fmt.Errorf("front: gzip body: %w", err)
	}
	if n > limit {
		return errTooLarge
	}
	clear(buf.Bytes())
	buf.Reset()
	_, _ = buf.Write(out.Bytes())
	clear(out.Bytes())
	return nil
}
