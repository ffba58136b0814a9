package http1

import (
	"errors"
	"io"
)

// startBuffer is the memory that each connection has for what it reads. A head that is
// longer gets more, up to its limit, for as long as it lasts.
const startBuffer = 4 << 10

// input is the buffer between a connection and the parsers: buf[r:w] has been read but
// not taken.
type input struct {
	src  io.Reader
	buf  []byte
	r, w int
}

// buffered is what was read and not taken yet.
func (in *input) buffered() []byte { return in.buf[in.r:in.w] }

// take gives the next n bytes away, which are buffered.
func (in *input) take(n int) { in.r += n }

// maxEmptyReads is how often a source may return neither bytes nor an error.
const maxEmptyReads = 100

// fill reads once, after making room: it moves what is there to the front of the
// buffer and, if that is not enough, doubles the buffer, to at most limit bytes.
// The error is errFull when limit bytes are there already.
func (in *input) fill(limit int) error {
	if in.r == in.w {
		in.r, in.w = 0, 0
	}
	if in.w == len(in.buf) {
		switch {
		case in.r > 0:
			in.w = copy(in.buf, in.buf[in.r:in.w])
			in.r = 0
		case len(in.buf) >= limit:
			return errFull
		default:
			grown := make([]byte, min(2*len(in.buf), limit))
			copy(grown, in.buf[:in.w])
			clear(in.buf)
			in.buf = grown
		}
	}
	n, err := readSome(in.src, in.buf[in.w:])
	in.w += n
	return err
}

// readSome reads at least one byte, or else returns an error.
func readSome(src io.Reader, p []byte) (int, error) {
	for range maxEmptyReads {
		n, err := src.Read(p)
		if n > 0 {
			return n, nil // an error comes again
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, io.ErrNoProgress
}

var errFull = errors.New("http1: buffer full")

// read copies what is buffered, or else reads from the source.
func (in *input) read(p []byte) (int, error) {
	if in.r == in.w {
		if len(p) >= startBuffer/2 { // not worth copying
			return readSome(in.src, p)
		}
		if err := in.fill(len(in.buf)); err != nil {
			return 0, err
		}
	}
	n := copy(p, in.buf[in.r:in.w])
	in.r += n
	return n, nil
}

// forget zeroes what was taken, which may have been a secret, and gives a large buffer
// back. What is still buffered stays.
func (in *input) forget() {
	rest := in.w - in.r
	if len(in.buf) > startBuffer && rest <= startBuffer {
		small := make([]byte, startBuffer)
		copy(small, in.buffered())
		clear(in.buf[:in.w])
		in.buf = small
	} else {
		copy(in.buf, in.buffered())
		clear(in.buf[rest:in.w])
	}
	in.r, in.w = 0, rest
}
