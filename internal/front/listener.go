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

// dualListener serves plain and TLS connections on one port: it reads the first byte
// of each connection in a goroutine of its own, so that a silent client holds up
// nobody, and hands the connection on as it is or inside a TLS server.
type dualListener struct {
	inner  net.Listener
	config *tls.Config // nil: TLS connections are closed
	limit  chan struct{}
	conns  chan net.Conn
	ctx    context.Context // done when the listener stops
	cancel context.CancelFunc
	once   sync.Once
	failed error // set before ctx is done
	active sync.WaitGroup
}

// newDualListener starts accepting on inner. At most maxConns connections are open
// at a time; more wait in the kernel's queue.
func newDualListener(inner net.Listener, config *tls.Config, maxConns int) *dualListener {
	l := &dualListener{
		inner: inner, config: config,
		limit: make(chan struct{}, maxConns),
		conns: make(chan net.Conn),
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
		go l.sniff(&limitedConn{Conn: conn, release: func() { <-l.limit }})
	}
}

func (l *dualListener) sniff(conn *limitedConn) {
	defer l.active.Done()
	// A deadline set now, and a close when the listener stops, bound the wait.
	release := context.AfterFunc(l.ctx, func() { conn.Close() })
	defer release()
	_ = conn.SetReadDeadline(time.Now().Add(firstByteTimeout))
	var first [1]byte
	n, err := conn.Conn.Read(first[:])
	if n == 0 || err != nil {
		conn.Close()
		return
	}
	_ = conn.SetReadDeadline(time.Time{})
	conn.first, conn.pending = first[0], true
	var ready net.Conn = conn
	if first[0] == tlsHandshakeRecord {
		if l.config == nil {
			conn.Close()
			return
		}
		ready = tls.Server(conn, l.config)
	}
	select {
	case l.conns <- ready:
	case <-l.ctx.Done():
		conn.Close()
	}
}

// Accept implements net.Listener.
func (l *dualListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.ctx.Done():
		return nil, l.failed
	}
}

func (l *dualListener) stop(err error) {
	l.once.Do(func() {
		l.failed = err
		l.cancel()
	})
}

// Close stops accepting; connections that were handed out stay open.
func (l *dualListener) Close() error {
	l.stop(net.ErrClosed)
	return l.inner.Close()
}

// Addr implements net.Listener.
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
