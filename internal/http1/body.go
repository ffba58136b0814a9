package http1

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
)

// maxDiscard is how much of a body that its handler did not read is read all the same
// so that the connection can go on, in bytes.
const maxDiscard = 256 << 10

// body is the body of the request that a connection serves.
type body struct {
	c       *conn
	chunked bool
	chunks  chunks
	left    int64 // of a body of known length
	// waiting: the client waits for 100 (Continue).
	waiting bool
	begun   bool // something was read
	closed  bool
	err     error // io.EOF at the end
	// progress, in ticks, bounds the wait for each part of the body (Exchange.Limit); 0: the
	// limit of the whole request holds.
	progress int64
	// patient: a read that comes too late is not the end (Exchange.Tolerate).
	patient bool
	// split: another goroutine reads than answers.
	split   bool
	stopped atomic.Bool
}

// reset begins the body of the head that was just read.
func (b *body) reset(h *Head) {
	b.chunked, b.left, b.chunks = h.Chunked, h.Length, chunks{}
	b.waiting, b.begun, b.closed, b.err = false, false, false, nil
	b.progress, b.split, b.patient = 0, false, false
	b.stopped.Store(false)
	if h.Chunked {
		b.chunks.in = &b.c.in
	}
	if b.left == 0 {
		b.err = io.EOF
		return
	}
	b.waiting = h.Continue && len(b.c.in.buffered()) == 0
}

// ended tells whether the whole body has been read.
func (b *body) ended() bool { return b.err == io.EOF } //nolint:errorlint // we set it

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	return b.read(p)
}

func (b *body) read(p []byte) (n int, err error) {
	if b.err != nil || len(p) == 0 {
		return 0, b.err
	}
	b.begun = true
	if b.waiting {
		b.waiting = false
		if b.err = b.c.res.proceed(); b.err != nil {
			return 0, b.err
		}
	}
	if b.progress > 0 && !b.await() {
		b.err = errStopped
		return 0, b.err
	}
	defer func() {
		if err != nil && b.patient && errors.Is(err, os.ErrDeadlineExceeded) {
			b.err = nil
		}
	}()
	if b.chunked {
		if n, b.err = b.chunks.Read(p); b.ended() && b.chunks.trailer != nil {
			b.c.req.Trailer = headerOf(b.chunks.trailer)
		}
		return n, b.err
	}
	n, b.err = b.c.in.read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	switch {
	case b.left == 0:
		b.err = io.EOF
	case b.err == io.EOF: //nolint:errorlint // as a connection returns it
		b.err = io.ErrUnexpectedEOF
	}
	return n, b.err
}

var errStopped = errors.New("http1: reading was stopped")

// await begins the time limit of a wait, and tells whether there is still one who waits.
func (b *body) await() bool {
	b.c.readBy.arm(b.c.server.tick.Load() + b.progress)
	// arm may have undone what stop did.
	return !b.stopped.Load()
}

// stop has reads fail from now on, that of another goroutine too.
func (b *body) stop() {
	b.stopped.Store(true)
	b.c.readBy.expire()
}

// Close implements io.Closer. What is left is read later, if it is little.
func (b *body) Close() error {
	b.closed = true
	return nil
}

// endsConnection tells, before the answer begins, whether what is unread means that the
// connection cannot go on after it. A handler that has not returned and has read a part
// is thought to read the rest.
func (b *body) endsConnection(returned bool) bool {
	if b.split {
		return false // its reader knows
	}
	if b.err != nil {
		return !b.ended()
	}
	return b.waiting || b.left > maxDiscard && (returned || !b.begun)
}

// discard reads what the handler left and tells whether the next request can follow.
func (b *body) discard() bool {
	if b.ended() {
		return true
	}
	if b.err != nil || b.waiting || b.stopped.Load() {
		return false
	}
	var sink [2 << 10]byte
	for left := maxDiscard; left > 0; {
		n, err := b.read(sink[:])
		if err != nil {
			return b.ended()
		}
		left -= n
	}
	return false
}
