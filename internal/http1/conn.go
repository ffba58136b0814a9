package http1

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// preface begins a connection of HTTP/2 whose client knows that we speak it
// (RFC 9113 §3.4).
const (
	preface     = prefaceHead + "SM\r\n\r\n"
	prefaceHead = "PRI * HTTP/2.0\r\n\r\n"
)

const (
	// lingerTime is how long a connection that ends early is still read, so that the client
	// gets its answer before a reset (RFC 9112 §9.6), and lingerBytes how much.
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 1 << 20
)

// The states of a connection.
const (
	// idle: no whole request head was read. The server may close the connection.
	idle int32 = iota
	// busy: a request is being answered.
	busy
	// gone: the server closed it, or another protocol took it.
	gone
)

// conn is a connection that is served by one goroutine: the one that runs serve. All of
// it is that goroutine's but state, readBy, writeBy and nc.
type conn struct {
	server  *Server
	nc      net.Conn
	state   atomic.Int32
	readBy  deadline
	writeBy deadline
	cancel  context.CancelFunc

	in     input
	head   Head
	blank  *http.Request // what all requests of the connection have in common
	req    http.Request
	url    url.URL
	header http.Header
	values []string // memory of header's values
	body   body
	res    response
	x      Exchange
	idle   int64 // ticks between an answer and the next request
	gone   departure
	began  int64 // the tick in which the current request began to arrive
}

// serve answers requests until the connection ends. taken tells that it did not end but
// begins with the preface of HTTP/2, which is buffered.
func (c *conn) serve() (taken bool) {
	defer func() {
		if p := recover(); p != nil {
			c.panicked(p)
		}
		c.end()
	}()
	for first := true; ; first = false {
		if err := c.next(first); err != nil {
			return c.broken(err)
		}
		if !c.state.CompareAndSwap(idle, busy) {
			return false
		}
		if !c.exchange() {
			return false
		}
		c.readBy.arm(c.server.tick.Load() + c.idle)
		c.writeBy.tick.Store(noLimit)
		c.state.Store(idle)
		if c.server.stopping.Load() {
			return false
		}
	}
}

// broken ends a connection on which no head could be read, as serve does.
func (c *conn) broken(err error) (taken bool) {
	if errors.Is(err, errPreface) {
		return c.state.CompareAndSwap(idle, gone)
	}
	// Anything but a refusal: the connection broke, or was too slow.
	if refusal := (*Refusal)(nil); errors.As(err, &refusal) && c.state.CompareAndSwap(idle, busy) {
		c.refuse(refusal)
	}
	return false
}

var errPreface = errors.New("http1: a connection of HTTP/2")

// next reads the next head. The error is a *Refusal, errPreface, or that of the
// connection.
func (c *conn) next(first bool) error {
	limits := &c.server.config.Limits
	line, seen := 0, 0
	c.began = c.server.tick.Load()
	// The time limit of a connection's first head began when it was opened. Any other
	// begins with its first byte.
	limited, skipped := first, first
	for {
		b := c.in.buffered()
		if !skipped && len(b) >= 2 {
			// RFC 9112 §2.2: an empty line in front of a request is ignored.
			if skipped = true; b[0] == '\r' && b[1] == '\n' {
				c.in.take(2)
				continue
			}
		}
		end, next, err := headEnd(b[:min(len(b), limits.Bytes)], line, seen)
		switch {
		case err != nil:
			return err
		case end > 0 && first && c.server.config.HTTP2 != nil && string(b[:end]) == prefaceHead:
			return c.awaitPreface()
		case end > 0:
			if err := parse(&c.head, b[:end], limits); err != nil {
				return err
			}
			c.in.take(end)
			return nil
		case limits.Target > 0 && next == 0 && len(b) > limits.Target+maxAround:
			return errTarget
		case len(b) >= limits.Bytes:
			return errTooLarge
		}
		line, seen = next, len(b)
		if len(b) > 0 && !limited {
			limited = true
			c.readBy.arm(c.server.after(c.server.config.HeadTimeout))
			if c.state.Load() == gone { // arm may have undone what woke us
				return net.ErrClosed
			}
		}
		if err := c.in.fill(limits.Bytes); err != nil {
			return err
		}
		if len(b) == 0 {
			c.began = c.server.tick.Load()
		}
	}
}

// awaitPreface reads the rest of the preface of HTTP/2.
func (c *conn) awaitPreface() error {
	for {
		b := c.in.buffered()
		if !bytes.HasPrefix([]byte(preface), b[:min(len(b), len(preface))]) {
			return errVersion
		}
		if len(b) >= len(preface) {
			return errPreface
		}
		if err := c.in.fill(startBuffer); err != nil {
			return err
		}
	}
}

// exchange serves the request whose head was read and tells whether another may follow.
func (c *conn) exchange() bool {
	if c.server.config.Exchange != nil {
		return c.raw()
	}
	r, err := c.request()
	if err != nil {
		var refusal *Refusal
		errors.As(err, &refusal)
		c.refuse(refusal)
		return false
	}
	config := &c.server.config
	c.writeBy.arm(c.server.after(config.WriteTimeout))
	c.body.reset(&c.head)
	if c.head.Length < 0 || c.head.Length > int64(len(c.in.buffered())) {
		c.readBy.arm(c.began + periods(config.ReadTimeout))
	}
	c.res.reset()
	config.Handler.ServeHTTP(&c.res, r)
	return c.conclude()
}

// conclude ends an exchange and tells whether another may follow.
func (c *conn) conclude() bool {
	goesOn := c.res.finish()
	read := c.body.discard()
	if c.res.err == nil && !read || !goesOn && len(c.in.buffered()) > 0 {
		c.linger()
	}
	c.forget()
	return goesOn && read
}

// forget lets go of a request that was answered.
func (c *conn) forget() {
	c.in.forget()
	clear(c.values)
	clear(c.head.Fields)
	if cap(c.head.Fields) > maxKeptFields {
		c.head.Fields = nil
	}
}

// refuse answers a request that was not taken. The connection ends.
func (c *conn) refuse(refusal *Refusal) {
	c.writeBy.arm(c.server.after(c.server.config.WriteTimeout))
	text := fmt.Sprintf("%d %s: %s\n", refusal.Status, http.StatusText(refusal.Status), refusal.Reason)
	b := c.server.appendDate(appendStatus(nil, refusal.Status))
	if c.server.config.Refusal != nil {
		var fields []Field
		fields, text = c.server.config.Refusal(refusal)
		b = appendFields(b, fields)
	} else {
		b = append(b, "Content-Type: text/plain; charset=utf-8\r\n"...)
	}
	b = append(b, closes...)
	b = append(append(appendLength(b, int64(len(text))), "\r\n"...), text...)
	if _, err := c.nc.Write(b); err == nil {
		c.linger()
	}
}

// linger ends our side of the connection and reads what the client still sends, for a
// bounded time: to close at once would have the kernel reset the connection, and the client
// lose an answer that it has not read yet.
func (c *conn) linger() {
	half, ok := c.nc.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	c.readBy.tick.Store(noLimit)
	_ = c.nc.SetReadDeadline(time.Now().Add(lingerTime))
	var sink [4 << 10]byte
	for n := 0; n < lingerBytes; {
		read, err := c.nc.Read(sink[:])
		if err != nil {
			return
		}
		n += read
	}
	// A client that sends this much does not look for an answer soon. Let it have
	// the time without our reading all that it sends.
	t := time.NewTimer(lingerTime)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.server.closed.Done():
	}
}

// panicked logs what a handler panicked with. The value may quote an input, so only its
// type is told.
func (c *conn) panicked(p any) {
	if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it the same way
		return
	}
	c.server.config.Log.Error("panic in a handler", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
}

// end lets go of everything but the connection itself.
func (c *conn) end() {
	c.cancel()
	c.res.release()
}

// NetConn is the connection below.
func (r *replay) NetConn() net.Conn { return r.Conn }

// replay is a connection some of which was read already.
type replay struct {
	net.Conn
	read []byte
}

// Read implements net.Conn.
func (r *replay) Read(p []byte) (int, error) {
	if len(r.read) > 0 {
		n := copy(p, r.read)
		r.read = r.read[n:]
		return n, nil
	}
	return r.Conn.Read(p)
}

// CloseWrite ends our side of the connection.
func (r *replay) CloseWrite() error {
	if half, ok := r.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
