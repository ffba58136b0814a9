package http1

import (
	"errors"
	"io"
	"os"
	"testing"
)

// pausing is a source that has nothing for now after each of its parts.
type pausing struct {
	parts []string
	late  bool
}

func (p *pausing) Read(b []byte) (int, error) {
	if p.late = !p.late; p.late {
		return 0, os.ErrDeadlineExceeded
	}
	if len(p.parts) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.parts[0])
	if p.parts[0] = p.parts[0][n:]; p.parts[0] == "" {
		p.parts = p.parts[1:]
	}
	return n, nil
}

// TestChunksGoOnBehindAPause has a chunked body pause at every byte, in its data, the lines before chunks and the trailer section.
func TestChunksGoOnBehindAPause(t *testing.T) {
	const raw = "5;a=b\r\nhello\r\n1\r\n \r\n0a\r\n0123456789\r\n0\r\nX-T: trail\r\n\r\n"
	var parts []string
	for i := range raw {
		parts = append(parts, raw[i:i+1])
	}
	in := &input{src: &pausing{parts: parts}, buf: make([]byte, startBuffer)}
	c := chunks{in: in, patient: true}
	var body []byte
	pauses := 0
	for buf := make([]byte, 64); ; {
		n, err := c.Read(buf)
		body = append(body, buf[:n]...)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			pauses++
			continue
		}
		if err == io.EOF { //nolint:errorlint // as it comes from a reader
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if string(body) != "hello 0123456789" || len(c.trailer) != 1 || c.trailer[0].Value != "trail" || pauses < len(raw)-1 {
		t.Errorf("%q, %v, %d pauses", body, c.trailer, pauses)
	}
	// Without patience a pause is the end.
	c = chunks{in: &input{src: &pausing{parts: []string{raw}}, buf: make([]byte, startBuffer)}}
	for range 2 {
		if _, err := c.Read(make([]byte, 64)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%v", err)
		}
	}
}

func TestReadyIsWhatFollowsTheLineOfAChunk(t *testing.T) {
	for _, c := range []struct {
		buffered string
		left     int64
		inChunk  bool
		want     int
	}{
		{"", 0, false, 0}, {"abc", 5, true, 3}, {"\r\n", 0, true, 0}, {"\r", 0, true, 0}, {"\r\n5", 0, true, 0}, {"\r\n5\r\n", 0, true, 0},
		{"\r\n5\r\nhel", 0, true, 3}, {"5\r\nh", 0, false, 1}, {"\r\n0\r\n\r\n", 0, true, 2},
	} {
		k := chunks{in: &input{buf: []byte(c.buffered), w: len(c.buffered)}, left: c.left, inChunk: c.inChunk}
		if got := k.ready(); got != c.want {
			t.Errorf("%q, %d left: %d, want %d", c.buffered, c.left, got, c.want)
		}
	}
}
