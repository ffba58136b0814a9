package http1

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// chunkedBodies are bodies with what they decode to; rest is what stands behind, and
// refused tells that they must not be taken.
var chunkedBodies = []struct {
	name, raw, want, rest string
	trailer               string // X-T
	refused               bool
}{
	{name: "empty", raw: "0\r\n\r\n"},
	{name: "three chunks", raw: "1\r\na\r\n2\r\nbc\r\n0a\r\n0123456789\r\n0\r\n\r\nnext", want: "abc0123456789", rest: "next"},
	{name: "letters of both cases", raw: "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", want: "01234567890123456789"},
	{name: "many zeros", raw: "000000000000001\r\na\r\n000\r\n\r\n", want: "a"},
	{name: "extensions", raw: "1;a=b;c=\"d e\"\r\na\r\n0;x\r\n\r\n", want: "a"},
	{name: "line ends in the data", raw: "4\r\n\r\n\r\n\r\n0\r\n\r\n", want: "\r\n\r\n"},
	{name: "trailer", raw: "0\r\nX-T: v\r\nx-u: w\r\n\r\nnext", rest: "next", trailer: "v"},
	{name: "no size", raw: "\r\na\r\n0\r\n\r\n", refused: true},
	{name: "size of no digits", raw: "x\r\na\r\n0\r\n\r\n", refused: true},
	{name: "0x", raw: "0x1\r\na\r\n0\r\n\r\n", refused: true},
	{name: "sign", raw: "+1\r\na\r\n0\r\n\r\n", refused: true},
	{name: "negative", raw: "-1\r\na\r\n0\r\n\r\n", refused: true},
	{name: "space in front", raw: " 1\r\na\r\n0\r\n\r\n", refused: true},
	{name: "space behind", raw: "1 \r\na\r\n0\r\n\r\n", refused: true},
	{name: "space before the semicolon", raw: "1 ;a\r\na\r\n0\r\n\r\n", refused: true},
	{name: "comma", raw: "1,a\r\na\r\n0\r\n\r\n", refused: true},
	{name: "2^60", raw: "1000000000000000\r\na\r\n0\r\n\r\n", refused: true},
	{name: "2^64", raw: "10000000000000001\r\na\r\n0\r\n\r\n", refused: true},
	{name: "bare line feed behind the size", raw: "1\na\r\n0\r\n\r\n", refused: true},
	{name: "bare line feed behind the data", raw: "1\r\na\n0\r\n\r\n", refused: true},
	{name: "bare line feed at the end", raw: "1\r\na\r\n0\r\n\n", refused: true},
	{name: "bare line feed behind the last size", raw: "1\r\na\r\n0\n\r\n", refused: true},
	{name: "carriage return in an extension", raw: "1;a\rb\r\na\r\n0\r\n\r\n", refused: true},
	{name: "line feed in an extension", raw: "1;a\nb\r\na\r\n0\r\n\r\n", refused: true},
	{name: "NUL in an extension", raw: "1;a\x00\r\na\r\n0\r\n\r\n", refused: true},
	{name: "long extension", raw: "1;" + strings.Repeat("a", maxChunkLine) + "\r\na\r\n0\r\n\r\n", refused: true},
	{name: "many extensions", raw: strings.Repeat("1;"+strings.Repeat("a", 200)+"\r\na\r\n", 30) + "0\r\n\r\n", refused: true},
	{name: "data too long", raw: "1\r\nab\r\n0\r\n\r\n", refused: true},
	{name: "data too short", raw: "2\r\na\r\n0\r\n\r\n", refused: true},
	{name: "no line end behind the data", raw: "1\r\na0\r\n\r\n", refused: true},
	{name: "length in the trailer", raw: "0\r\nContent-Length: 5\r\n\r\n", refused: true},
	{name: "coding in the trailer", raw: "0\r\ntransfer-encoding: chunked\r\n\r\n", refused: true},
	{name: "Host in the trailer", raw: "0\r\nHost: h\r\n\r\n", refused: true},
	{name: "Authorization in the trailer", raw: "0\r\nAuthorization: x\r\n\r\n", refused: true},
	{name: "folded trailer", raw: "0\r\nX: a\r\n b\r\n\r\n", refused: true},
	{name: "trailer without colon", raw: "0\r\nX\r\n\r\n", refused: true},
	{name: "space before a trailer's colon", raw: "0\r\nX : a\r\n\r\n", refused: true},
	{name: "a request for a trailer", raw: "0\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", refused: true},
	{name: "long trailer", raw: "0\r\nX: " + strings.Repeat("a", maxTrailer) + "\r\n\r\n", refused: true},
	{name: "many trailers", raw: "0\r\n" + manyFields(maxTrailers+1) + "\r\n", refused: true},
}

func manyFields(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("X-" + string(rune('a'+i%26)) + string(rune('a'+i/26)) + ": a\r\n")
	}
	return b.String()
}

func TestChunkedBodies(t *testing.T) {
	for _, c := range chunkedBodies {
		t.Run(c.name, func(t *testing.T) {
			for _, step := range []int{1, 2, 3, 7, 64, 1 << 20} {
				r := NewChunkedReader(&parts{[]byte(c.raw), step})
				body, err := io.ReadAll(r)
				if c.refused {
					var refusal *Refusal
					if !errors.As(err, &refusal) {
						t.Errorf("step %d: %q %v", step, body, err)
					}
					continue
				}
				behind, _ := io.ReadAll(r.in.src)
				if err != nil || string(body) != c.want || string(r.Rest())+string(behind) != c.rest || r.Trailer().Get("X-T") != c.trailer {
					t.Errorf("step %d: %q %v, rest %q, trailer %q", step, body, err, r.Rest(), r.Trailer())
				}
				if _, err := r.Read(make([]byte, 1)); err != io.EOF { //nolint:errorlint // as a reader returns it
					t.Errorf("behind the end: %v", err)
				}
			}
		})
	}
}

// Whatever is missing at the end is missed.
func TestChunkedBodiesCutOff(t *testing.T) {
	const raw = "3;a=b\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nX-T: v\r\n\r\n"
	for n := range len(raw) {
		if body, err := io.ReadAll(NewChunkedReader(strings.NewReader(raw[:n]))); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes: %q %v", n, body, err)
		}
	}
}

// A large chunk is not gathered in memory.
func TestLargeChunk(t *testing.T) {
	const size = 10 << 20
	r := NewChunkedReader(strings.NewReader("a00000\r\n" + strings.Repeat("x", size) + "\r\n0\r\n\r\n"))
	n, err := io.Copy(io.Discard, r)
	if err != nil || n != size || len(r.in.buf) != startBuffer {
		t.Errorf("%d bytes, %v, a buffer of %d", n, err, len(r.in.buf))
	}
}
