package http2

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/net/http2"

	"fastness/internal/http1"
)

// Stream is a request and its answer. It serves one goroutine, but for Read and what Split
// says, and must not be touched after the handler has returned.
//
// The handler must call End or Abort; a stream without either is reset.
type Stream struct {
	c    *conn
	id   uint32
	head http1.Head

	// Of the handler.
	begun     bool
	bodiless  bool // HEAD, 204, 304
	concluded bool
	written   int64
	length    int64 // declared, or -1
	progress  time.Duration
	pending   []byte // of the answer's body, not yet a frame
	// The head of the answer until it is written: status is 0 afterwards.
	status int
	fields []http1.Field
	told   int64
	sent   bool

	// Of the goroutine that reads the body.
	deadline time.Time // of all reads (LimitRead); zero: progress holds
	informed bool

	readable, writable chan struct{} // something may have changed; both have room for one
	declared           int64
	// c.mu guards what follows.
	received int64
	buf      []byte // buf[at:] has come and was not read
	at       int
	in       inflow
	out      outflow
	ended    bool // the client has sent all
	left     bool // the client has reset the stream, or we have
	dropped  bool // it is not among the connection's any more
	stopped  bool
	err      error // why nothing more can be read or written
	answered bool  // all of the answer was sent, or is about to be
	trailer  []http1.Field

	telling sync.Mutex // held while tell runs
	tell    func()
}

// Head is the request's head.
func (st *Stream) Head() *http1.Head { return &st.head }

// Conn is the connection: for its addresses, not to read or write.
func (st *Stream) Conn() net.Conn { return st.c.nc }

// TLS is what was negotiated, nil for a plain connection.
func (st *Stream) TLS() *tls.ConnectionState { return st.c.state }

// Limit bounds, from now on, the wait for each part of the body and for room for each part
// of the answer.
func (st *Stream) Limit(progress time.Duration) { st.progress, st.deadline = progress, time.Time{} }

// LimitRead bounds the time in which all that is read from now on arrives, until Limit is
// called.
func (st *Stream) LimitRead(total time.Duration) { st.deadline = time.Now().Add(total) }

// Tolerate is LimitRead for somebody who can do without the rest for now: a read that comes too late fails with
// os.ErrDeadlineExceeded, and the body can be read on after that.
func (st *Stream) Tolerate(wait time.Duration) { st.LimitRead(wait) }

// signal wakes those who wait for room, a part of the body, or the end.
func (st *Stream) signal() {
	select {
	case st.readable <- struct{}{}:
	default:
	}
	select {
	case st.writable <- struct{}{}:
	default:
	}
}

// put takes a part of the body. The caller holds the connection's mu.
func (st *Stream) put(p []byte) {
	if st.at > 0 && len(st.buf)+len(p) > cap(st.buf) {
		st.buf = append(st.buf[:0], st.buf[st.at:]...)
		st.at = 0
	}
	st.buf = append(st.buf, p...)
}

// gone tells the handler that its client is. The caller holds the connection's mu.
func (st *Stream) gone(err error) {
	if st.err == nil {
		st.err = err
		st.c.running.Go(st.depart)
	}
	st.signal()
}

// depart tells whoever wants to know that the client has left.
func (st *Stream) depart() {
	st.telling.Lock()
	defer st.telling.Unlock()
	if st.tell != nil {
		st.tell()
		st.tell = nil
	}
}

// over tells whether the client has said that it has sent all, and whether it has been
// answered, too: then the stream is closed.
func (st *Stream) over() (over, answered bool) {
	st.c.mu.Lock()
	defer st.c.mu.Unlock()
	return st.ended, st.ended && st.answered
}

// receiveEnd takes a trailer section.
func (st *Stream) receiveEnd(trailer []http1.Field) error {
	c := st.c
	c.mu.Lock()
	if st.declared >= 0 && st.received != st.declared {
		c.mu.Unlock()
		return c.abandon(st.id, http2.ErrCodeProtocol)
	}
	st.ended, st.trailer = true, trailer
	st.signal()
	c.mu.Unlock()
	return nil
}

// Read reads the body. It ends with io.EOF. A client that waits for 100 (Continue) is told
// to go on at the first call.
func (st *Stream) Read(p []byte) (int, error) {
	c := st.c
	for {
		c.mu.Lock()
		switch {
		case st.stopped:
			c.mu.Unlock()
			return 0, errStopped
		case st.at < len(st.buf):
			n := copy(p, st.buf[st.at:])
			if st.at += n; st.at == len(st.buf) {
				st.buf, st.at = st.buf[:0], 0
			}
			update, streamUpdate := c.in.give(int64(n)), uint32(0)
			if !st.ended {
				streamUpdate = st.in.give(int64(n))
			}
			c.mu.Unlock()
			return n, c.opened(st, streamUpdate, update)
		case st.ended && !st.left:
			c.mu.Unlock()
			return 0, io.EOF
		case st.err != nil:
			err := st.err
			c.mu.Unlock()
			return 0, err
		}
		c.mu.Unlock()
		if err := st.proceed(); err != nil {
			return 0, err
		}
		if err := st.await(st.readable, st.deadline); err != nil {
			return 0, err
		}
	}
}

// proceed tells a client that waits for it to send the body.
func (st *Stream) proceed() error {
	if !st.head.Continue || st.informed || st.begun {
		return nil
	}
	st.informed = true
	return st.Inform(http.StatusContinue, nil)
}

// await waits until something has changed.
func (st *Stream) await(wake <-chan struct{}, deadline time.Time) error {
	limit := st.progress
	if !deadline.IsZero() {
		limit = time.Until(deadline)
	}
	if limit <= 0 && (st.progress > 0 || !deadline.IsZero()) {
		return os.ErrDeadlineExceeded
	}
	if limit <= 0 {
		<-wake
		return nil
	}
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-wake:
		return nil
	case <-t.C:
		return os.ErrDeadlineExceeded
	}
}

var errStopped = errors.New("http2: reading was stopped")

// Trailer is the request's trailer section, once Read has returned io.EOF.
func (st *Stream) Trailer() []http1.Field {
	st.c.mu.Lock()
	defer st.c.mu.Unlock()
	return st.trailer
}

// BodyEnded tells whether all of the body was read.
func (st *Stream) BodyEnded() bool {
	st.c.mu.Lock()
	defer st.c.mu.Unlock()
	return st.ended && !st.left && st.at == len(st.buf)
}

// Split allows that another goroutine calls Read while this one answers. That goroutine must
// have ended, and this one know of it, before the handler returns.
func (st *Stream) Split() error { return st.proceed() }

// StopReading has Read fail, also a call that waits.
func (st *Stream) StopReading() {
	c := st.c
	c.mu.Lock()
	st.stopped = true
	update := c.in.give(int64(len(st.buf) - st.at))
	st.buf, st.at = nil, 0
	st.signal()
	c.mu.Unlock()
	_ = c.opened(nil, 0, update)
}

// EndConnection has the client begin no more requests on this connection.
func (st *Stream) EndConnection() { st.c.goAway() }

// NotifyGone has f be called, in a goroutine of its own, when the client has left before the
// answer. nil ends it; a call that has begun is waited for.
func (st *Stream) NotifyGone(f func()) {
	st.telling.Lock()
	st.tell = f
	st.telling.Unlock()
	if f != nil && st.failed() != nil {
		st.depart()
	}
}

// failed is why nothing can be written.
func (st *Stream) failed() error {
	st.c.mu.Lock()
	defer st.c.mu.Unlock()
	return st.err
}

// Inform sends an informational answer, of a status in 100–199 but 101.
func (st *Stream) Inform(status int, fields []http1.Field) error {
	if err := st.failed(); err != nil || st.begun {
		return err
	}
	st.c.w.lock()
	st.c.w.headers(st.id, status, fields, -1, false, false)
	return st.c.w.unlock(true)
}

// Begin begins the answer; fields must stay as they are until some of its body is written. Fields that frame it or belong to connections of HTTP/1.1 are left
// out. length is that of the body in bytes, or -1 when it is not known; to a request by HEAD
// and with status 304, of the body that there would be.
func (st *Stream) Begin(status int, fields []http1.Field, length int64) error {
	if st.begun {
		return errBegun
	}
	if err := st.failed(); err != nil {
		return err
	}
	st.begun, st.length = true, length
	st.bodiless = st.head.Method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified
	if status == http.StatusNoContent {
		length = -1
	}
	st.status, st.fields, st.told = status, fields, length
	return nil
}

// open writes the head of the answer, if that was not done. It waits until then for an
// answer without a body to end with its head: for gRPC that is another answer than one with
// an empty body.
func (st *Stream) open(end bool) error {
	if st.status == 0 {
		return nil
	}
	dated := false
	for i := range st.fields {
		dated = dated || http1.LowerName(st.fields[i].Name) == "date"
	}
	st.c.w.lock()
	st.c.w.headers(st.id, st.status, st.fields, st.told, end, !dated)
	st.status, st.fields = 0, nil
	return st.c.w.unlock(end)
}

var errBegun = errors.New("http2: the answer has begun")

// maxPending is how much of an answer is gathered until it becomes a frame.
const maxPending = 16 << 10

// Write writes a part of the answer's body.
func (st *Stream) Write(p []byte) (int, error) {
	if st.bodiless {
		return len(p), nil
	}
	st.written += int64(len(p))
	if st.length >= 0 && st.written > st.length {
		return 0, http.ErrContentLength
	}
	if len(st.pending)+len(p) <= maxPending {
		st.pending = append(st.pending, p...)
		return len(p), nil
	}
	if err := st.push(); err != nil {
		return 0, err
	}
	if len(p) <= maxPending {
		st.pending = append(st.pending, p...)
		return len(p), nil
	}
	if err := st.data(p, false, false); err != nil {
		return 0, err
	}
	return len(p), nil
}

// push makes frames of what was gathered.
func (st *Stream) push() error {
	if len(st.pending) == 0 {
		return nil
	}
	err := st.data(st.pending, false, false)
	st.pending = st.pending[:0]
	return err
}

// data sends p as frames, as the windows allow.
func (st *Stream) data(p []byte, end, now bool) error {
	c := st.c
	if err := st.open(false); err != nil {
		return err
	}
	for {
		n, err := st.reserve(len(p))
		if err != nil {
			return err
		}
		last := n == len(p)
		c.w.lock()
		c.w.data(st.id, p[:n], end && last)
		st.sent = true
		if err := c.w.unlock(now && last); err != nil {
			return err
		}
		if p = p[n:]; last {
			return nil
		}
	}
}

// reserve waits for room in the windows, for at most n bytes.
func (st *Stream) reserve(n int) (int, error) {
	c := st.c
	n = min(n, int(c.w.frame.Load()))
	for {
		c.mu.Lock()
		if st.err != nil {
			err := st.err
			c.mu.Unlock()
			return 0, err
		}
		if room := min(c.out, st.out); n == 0 || room > 0 {
			n = min(n, max(0, int(room)))
			c.out -= outflow(n)
			st.out -= outflow(n)
			c.mu.Unlock()
			return n, nil
		}
		c.mu.Unlock()
		// What was written has to be on its way before we wait for the answer to it.
		c.w.lock()
		if err := c.w.unlock(true); err != nil {
			return 0, err
		}
		if err := st.await(st.writable, time.Time{}); err != nil {
			return 0, err
		}
	}
}

// Flush sends what was written so far.
func (st *Stream) Flush() error {
	if err := st.push(); err != nil {
		return err
	}
	if err := st.open(false); err != nil {
		return err
	}
	st.c.w.lock()
	st.sent = true
	return st.c.w.unlock(true)
}

// Sent tells whether some of the answer was sent.
func (st *Stream) Sent() bool { return st.sent }

// End ends the answer, with a trailer section.
func (st *Stream) End(trailer []http1.Field) error {
	st.concluded = true
	if !st.bodiless && st.length >= 0 && st.written != st.length {
		st.Abort()
		return http.ErrContentLength
	}
	if len(trailer) == 0 {
		st.answer()
		if len(st.pending) == 0 && st.status != 0 {
			return st.open(true)
		}
		return st.data(st.pending, true, true)
	}
	if err := st.push(); err != nil {
		return err
	}
	st.answer()
	if err := st.open(false); err != nil {
		return err
	}
	if err := st.failed(); err != nil {
		return err
	}
	st.c.w.lock()
	st.c.w.headers(st.id, 0, trailer, -1, true, false)
	return st.c.w.unlock(true)
}

func (st *Stream) answer() {
	st.c.mu.Lock()
	st.answered = true
	st.c.mu.Unlock()
}

// Abort resets the stream.
func (st *Stream) Abort() {
	st.concluded = true
	st.c.mu.Lock()
	silent := st.left || st.c.closed
	st.left = true
	if st.err == nil {
		st.err = errReset
	}
	st.c.mu.Unlock()
	if !silent {
		st.c.w.lock()
		st.c.w.note(st.c.w.framer.WriteRSTStream(st.id, http2.ErrCodeInternal))
		_ = st.c.w.unlock(true)
	}
}

// refuse answers a request that is not taken.
func (st *Stream) refuse(r *http1.Refusal) {
	fields, body := []http1.Field{{Name: "Content-Type", Value: "text/plain; charset=utf-8"}}, http.StatusText(r.Status)+": "+r.Reason+"\n"
	if make := st.c.server.config.Refusal; make != nil {
		fields, body = make(r)
	}
	st.progress = st.c.server.config.IdleTimeout
	if st.Begin(r.Status, fields, int64(len(body))) == nil {
		_, _ = io.WriteString(st, body)
		_ = st.End(nil)
	}
}
