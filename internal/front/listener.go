package front

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// tlsHandshakeRecord is the first byte of every TLS connection (RFC 8446 §5.1,
// ContentType handshake); no HTTP request line or h2 preface begins with it.
const tlsHandshakeRecord = 0x16

// firstByteTimeout bounds how long a connection may stay silent.
const firstByteTimeout = 10 * time.Second

// dualListener takes plain and TLS connections on one port: it reads the first byte of
// each connection in a goroutine of its own, so that a silent client holds up nobody,
// shakes hands if that byte begins TLS, and has the connection served in that goroutine.
type dualListener struct {
	inner  net.Listener
	config *tls.Config // nil: TLS connections are closed
	limit  chan struct{}
	serve  func(net.Conn)  // a *tls.Conn, or else a plain connection
	ctx    context.Context // done when the listener stops
	cancel context.CancelFunc
	once   sync.Once
	failed error          // set before ctx is done
	active sync.WaitGroup // accepting, and connections that are not served yet
}

// newDualListener starts accepting on inner; serve is called for each connection and
// closes it. At most maxConns connections are open at a time; more wait in the kernel's
// queue.
func newDualListener(inner net.Listener, config *tls.Config, maxConns int, serve func(net.Conn)) *dualListener {
	l := &dualListener{
		inner: inner, config: config, serve: serve,
		limit: make(chan struct{}, maxConns),
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.active.Add(1)
	go l.accept()
	return l
}

func (l *dualListener) accept() {
	defer l.active.Done()
	for {
		select {
		case l.limit <- struct{}{}:
		case <-l.ctx.Done():
			return
		}
		conn, err := l.inner.Accept()
		if err != nil {
			<-l.limit
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				continue
			}
			l.stop(err)
			return
		}
		l.active.Add(1)
		go l.take(&limitedConn{Conn: conn, release: func() { <-l.limit }})
	}
}

func (l *dualListener) take(conn *limitedConn) {
	ready := l.prepare(conn)
	l.active.Done()
	if ready == nil {
		conn.Close()
		return
	}
	l.serve(ready)
}

// prepare finds out what conn speaks. It returns nil when that is nothing of ours.
func (l *dualListener) prepare(conn *limitedConn) net.Conn {
	// A deadline set now, and a close when the listener stops, bound the wait.
	release := context.AfterFunc(l.ctx, func() { conn.Close() })
	defer release()
	_ = conn.SetReadDeadline(time.Now().Add(firstByteTimeout))
	var first [1]byte
	n, err := conn.Conn.Read(first[:])
	if n == 0 || err != nil {
		return nil
	}
	conn.first, conn.pending = first[0], true
	var ready net.Conn = conn
	if first[0] == tlsHandshakeRecord {
		if l.config == nil {
			return nil
		}
		secure := tls.Server(conn, l.config)
		_ = conn.SetDeadline(time.Now().Add(readHeaderTimeout))
		if secure.HandshakeContext(l.ctx) != nil {
			return nil
		}
		ready = secure
	}
	_ = conn.SetDeadline(time.Time{})
	return ready
}

func (l *dualListener) stop(err error) {
	l.once.Do(func() {
		l.failed = err
		l.cancel()
	})
}

// Close stops accepting; connections that are served stay open.
func (l *dualListener) Close() error {
	l.stop(net.ErrClosed)
	return l.inner.Close()
}

// Addr is the address that is listened on.
func (l *dualListener) Addr() net.Addr { return l.inner.Addr() }

// limitedConn gives its place back when it is closed, and replays the sniffed byte.
type limitedConn struct {
	net.Conn
	first   byte
	pending bool // first has not been read yet; only the reading goroutine touches it
	once    sync.Once
	release func()
}

// Read implements net.Conn.
func (c *limitedConn) Read(p []byte) (int, error) {
	if c.pending && len(p) > 0 {
		p[0], c.pending = c.first, false
		return 1, nil
	}
	return c.Conn.Read(p)
}

// Close implements net.Conn.
func (c *limitedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(c.release)
	return err
}

// CloseWrite lets the server end its side first, so that a client still sending reads
// its answer before the connection is gone.
func (c *limitedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
