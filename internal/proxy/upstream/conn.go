package upstream

import (
	"net"
	"syscall"
	"time"

	"fastness/internal/http1"
)

// responseLimits bound the head of a target's response. AWS allows 32 KB.
var responseLimits = http1.Limits{Bytes: 64 << 10, Fields: 256}

// Conn is a connection of HTTP/1.1 to a target. One request at a time uses it; one
// goroutine may write the body of its request while another reads the response.
type Conn struct {
	// Response reads the responses.
	Response *http1.ResponseReader
	// Out is memory for a request's head.
	Out []byte

	target    *Target
	nc        net.Conn
	raw       syscall.RawConn // of the socket below TLS, for alive
	reused    bool
	idleSince time.Time
	readBy    coarse
	extendBy  coarse // moves the same deadline as readBy, from the goroutine that writes
	writeBy   coarse
	// CloseFunc is Close, made once.
	CloseFunc func()
}

// coarse is a deadline that is moved only when an eighth of its time has passed, since
// moving it costs more than reading the clock. It comes up to an eighth late.
type coarse struct {
	set   func(time.Time) error
	moved time.Time
	limit time.Duration
}

func (d *coarse) arm(now time.Time, limit time.Duration) {
	if limit == d.limit && now.Sub(d.moved) < limit/8 {
		return
	}
	d.moved, d.limit = now, limit
	_ = d.set(now.Add(limit + limit/8))
}

func newConn(t *Target, nc, socket net.Conn) *Conn {
	c := &Conn{target: t, nc: nc}
	c.Response = http1.NewResponseReader(nc, responseLimits)
	c.readBy.set, c.extendBy.set, c.writeBy.set = nc.SetReadDeadline, nc.SetReadDeadline, nc.SetWriteDeadline
	c.CloseFunc = c.Close
	if s, ok := socket.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			c.raw = raw
		}
	}
	return c
}

// Reused tells whether another request used the connection before.
func (c *Conn) Reused() bool { return c.reused }

// AwaitRead bounds reads that begin soon: they fail when limit passes without their end.
func (c *Conn) AwaitRead(now time.Time, limit time.Duration) { c.readBy.arm(now, limit) }

// ExtendRead moves the time limit of a read that waits. It is for the goroutine that writes.
func (c *Conn) ExtendRead(now time.Time, limit time.Duration) { c.extendBy.arm(now, limit) }

// AwaitWrite bounds writes likewise.
func (c *Conn) AwaitWrite(now time.Time, limit time.Duration) { c.writeBy.arm(now, limit) }

// Write implements io.Writer.
func (c *Conn) Write(p []byte) (int, error) { return c.nc.Write(p) }

// CloseWrite ends our side.
func (c *Conn) CloseWrite() error {
	if half, ok := c.nc.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close closes the connection. It may be called beside anything else, and more than once.
func (c *Conn) Close() { _ = c.nc.Close() }

// Release gives the connection back, to be used again if its response says that it can be.
// sent tells that the request was written to its end.
func (c *Conn) Release(sent bool) {
	if !sent || !c.Response.Reusable() {
		c.Close()
		return
	}
	c.Response.Forget()
	c.target.put(c)
}
