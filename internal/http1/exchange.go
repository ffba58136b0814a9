package http1

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"
)

// Exchange is a request and its answer, as a handler that Config.Exchange names has them:
// without maps, with fields in order and as they are spelled. It serves one goroutine, but for
// Read and what Split says, and it must not be touched after the handler has returned.
//
// The handler must call End or Abort, or Upgrade; an exchange without any is aborted.
type Exchange struct {
	c        *conn
	concrete bool // End, Abort or Upgrade was called
}

// raw serves an exchange.
func (c *conn) raw() bool {
	c.body.reset(&c.head)
	c.res.reset()
	c.writeBy.arm(noLimit)
	c.x.concrete = false
	c.server.config.Exchange(&c.x)
	if !c.x.concrete {
		c.x.Abort()
	}
	return c.conclude()
}

// Head is the request's head.
func (x *Exchange) Head() *Head { return &x.c.head }

// Conn is the connection: for its addresses, not to read or write.
func (x *Exchange) Conn() net.Conn { return x.c.nc }

// TLS is what was negotiated, nil for a plain connection.
func (x *Exchange) TLS() *tls.ConnectionState { return x.c.blank.TLS }

// Limit bounds, from now on, the wait for each part of the body, each write, and the time
// from this answer to the next request. The limit of a whole request or answer does not
// hold; before Limit is called nothing bounds them.
func (x *Exchange) Limit(progress time.Duration) {
	n := periods(progress)
	x.c.body.patient, x.c.body.chunks.patient = false, false
	x.c.body.progress, x.c.res.progress, x.c.idle = n, n, n
}

// LimitRead bounds the time in which all that is read from now on arrives, until Limit is
// called.
func (x *Exchange) LimitRead(total time.Duration) {
	x.c.body.progress = 0
	x.c.readBy.arm(x.c.server.after(total))
}

// Tolerate is LimitRead for somebody who can do without the rest for now: a read that comes too late fails with
// os.ErrDeadlineExceeded, and the body can be read on after that.
func (x *Exchange) Tolerate(wait time.Duration) {
	x.LimitRead(wait)
	x.c.body.patient, x.c.body.chunks.patient = true, true
}

// Read reads the body, without the chunked coding. It ends with io.EOF; a *Refusal is a
// body that is malformed, and any other error is that of the connection. A client that waits
// for 100 (Continue) is told to go on at the first call.
func (x *Exchange) Read(p []byte) (int, error) { return x.c.body.Read(p) }

// Trailer is the request's trailer section, once Read has returned io.EOF.
func (x *Exchange) Trailer() []Field { return x.c.body.chunks.trailer }

// BodyEnded tells whether all of the body was read.
func (x *Exchange) BodyEnded() bool { return x.c.body.ended() }

// Split allows that another goroutine calls Read while this one answers. That goroutine must
// have ended, and this one know of it, before the handler returns; StopReading makes sure
// that it will. A client that waits for 100 (Continue) is told to go on.
func (x *Exchange) Split() error {
	b := &x.c.body
	b.split = true
	if b.waiting {
		b.waiting = false
		return x.c.res.proceed()
	}
	return nil
}

// StopReading has Read fail, also a call that waits. The connection ends with the answer.
func (x *Exchange) StopReading() { x.c.body.stop() }

// NotifyGone has f be called, in a goroutine of the server's, when the client has left before
// the answer: its end of the connection was closed. That is noticed within a second, and not
// at all while something it sent lies unread. nil ends it; a call that has begun is waited for.
func (x *Exchange) NotifyGone(f func()) {
	g := &x.c.gone
	g.mu.Lock()
	g.tell, g.since = f, x.c.server.tick.Load()
	g.mu.Unlock()
}

// EndConnection has the connection end with this answer. It must be called before Begin.
func (x *Exchange) EndConnection() { x.c.res.ends = true }

// Inform sends an informational answer, of a status in 100–199 but 101.
func (x *Exchange) Inform(status int, fields []Field) error {
	w := &x.c.res
	if w.began || w.err != nil || x.c.head.Minor == 0 { // HTTP/1.0 knows none (RFC 9110 §15.2)
		return w.err
	}
	w.need()
	w.out = append(appendFields(appendStatus(w.out, status), fields), "\r\n"...)
	w.send(w.out)
	w.out = w.out[:0]
	return w.err
}

// Begin begins the answer. Fields that frame it or name the connection's options are left
// out. length is that of the body in bytes, or -1 when it is not known; to a request by HEAD
// and with status 304, of the body that there would be.
func (x *Exchange) Begin(status int, fields []Field, length int64) error {
	w := &x.c.res
	if w.began {
		return errBegun
	}
	w.need()
	w.began, w.status = true, status
	if length >= 0 {
		w.mode, w.length = declared, length
	}
	w.frame()
	w.out = appendStatus(w.out, status)
	if !hasField(fields, "date") {
		w.out = w.c.server.appendDate(w.out)
	}
	w.out = appendFields(w.out, fields)
	w.framing()
	return w.err
}

var errBegun = errors.New("http1: the answer has begun")

// Write writes a part of the answer's body.
func (x *Exchange) Write(p []byte) (int, error) { return write(&x.c.res, p) }

// Flush sends what was written so far.
func (x *Exchange) Flush() error { return x.c.res.FlushError() }

// Sent tells whether some of the answer was sent: it cannot be taken back.
func (x *Exchange) Sent() bool { return x.c.res.sent }

// End ends the answer, with a trailer section if it is in the chunked coding.
func (x *Exchange) End(trailer []Field) error {
	w := &x.c.res
	x.concrete = true
	if len(trailer) > 0 && w.mode == undecided && x.c.head.Minor > 0 {
		w.push()
	}
	w.trailer = trailer
	return w.err
}

// Abort ends the connection without the end of the answer, in a way that the client can
// tell from an end.
func (x *Exchange) Abort() {
	w := &x.c.res
	x.concrete, w.aborted, w.ends = true, true, true
	if w.began && w.err == nil {
		w.push()
		if w.mode == untilClose {
			// Only a reset can say that this is not the end (RFC 9112 §9.8 has a warning
			// about it).
			if linger, ok := x.c.nc.(interface{ SetLinger(sec int) error }); ok {
				_ = linger.SetLinger(0)
			}
		}
	}
	if w.err == nil {
		w.err = errAborted
	}
}

var errAborted = errors.New("http1: the answer was aborted")

// Upgrade answers 101 (Switching Protocols) with fields, one of which is Upgrade, and gives
// the connection to the new protocol until the handler returns.
func (x *Exchange) Upgrade(fields []Field) (*Tunnel, error) {
	w := &x.c.res
	if w.began {
		return nil, errBegun
	}
	w.need()
	w.began, w.status, w.mode, w.length, w.ends = true, http.StatusSwitchingProtocols, bodiless, -1, true
	b := appendFields(appendStatus(w.out, http.StatusSwitchingProtocols), fields)
	b = append(b, "Connection: Upgrade\r\n\r\n"...)
	w.send(b)
	w.sent = true
	x.concrete = true
	w.release()
	return &Tunnel{x.c}, w.err
}

// Tunnel is a connection that another protocol has taken.
type Tunnel struct{ c *conn }

// Read implements io.Reader.
func (t *Tunnel) Read(p []byte) (int, error) {
	if n := t.c.body.progress; n > 0 {
		t.c.readBy.arm(t.c.server.tick.Load() + n)
	}
	return t.c.in.read(p)
}

// Write implements io.Writer. It may run beside Read.
func (t *Tunnel) Write(p []byte) (int, error) {
	if n := t.c.res.progress; n > 0 {
		t.c.writeBy.arm(t.c.server.tick.Load() + n)
	}
	return t.c.nc.Write(p)
}

// CloseWrite ends our side.
func (t *Tunnel) CloseWrite() error {
	if half, ok := t.c.nc.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close ends both sides: Read and Write return.
func (t *Tunnel) Close() error { return t.c.nc.Close() }

// appendFields appends fields as they stand in a head, but those that frame a message or name
// options of the connection. A name that is no token is left out with its value; control
// bytes in a value become spaces.
func appendFields(b []byte, fields []Field) []byte {
	for i := range fields {
		f := &fields[i]
		if f.Name == "" || !all(f.Name, tokenByte) || framesMessage(f.Name) {
			continue
		}
		b = append(append(b, f.Name...), ": "...)
		start := len(b)
		b = append(b, f.Value...)
		if hasControl(b[start:]) {
			blank(b[start:])
		}
		b = append(b, "\r\n"...)
	}
	return b
}

// framesMessage tells whether a field is for us to write.
func framesMessage(name string) bool {
	switch len(name) {
	case len("trailer"):
		return fold(name, "trailer")
	case len("connection"):
		return fold(name, "connection") || fold(name, "keep-alive")
	case len("content-length"):
		return fold(name, "content-length")
	case len("transfer-encoding"):
		return fold(name, "transfer-encoding")
	}
	return false
}

func hasField(fields []Field, lower string) bool {
	for i := range fields {
		if fold(fields[i].Name, lower) {
			return true
		}
	}
	return false
}

// MayForward tells whether a field may be among those of a message in HTTP/2: it is none
// that frames a message of HTTP/1.1 or belongs to one connection. name is in lower case.
func MayForward(name string) bool {
	switch name {
	case "upgrade", "proxy-connection", "te":
		return false
	}
	return !framesMessage(name)
}

// MayTrail tells whether a field may stand in a trailer section (RFC 9110 §6.5.1).
func MayTrail(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Content-Length", "Transfer-Encoding", "Trailer", "Host", "Connection", "Expect",
		"Content-Encoding", "Content-Type", "Content-Range", "Authorization", "Te", "Upgrade":
		return false
	}
	return true
}

// LowerName is a field name in lower case, empty if it is no token.
func LowerName(name string) string {
	if !all(name, tokenByte) {
		return ""
	}
	return strings.ToLower(name)
}

// CleanValue is a field value with spaces for control bytes.
func CleanValue(value string) string {
	clean := true
	for i := range len(value) {
		clean = clean && (value[i] >= 0x20 && value[i] != 0x7f || value[i] == '\t')
	}
	if clean {
		return value
	}
	b := []byte(value)
	blank(b)
	return string(b)
}
