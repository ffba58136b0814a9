package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"fastness/internal/proxy/clienthello"
)

// serveTLS shakes hands and serves the connection. What the client said first is read
// before crypto/tls reads it, for the fingerprints.
func (l *listener) serveTLS(c *clientConn) {
	state := l.state.Load()
	ctx, cancel := context.WithTimeout(l.stopping, headTimeout)
	defer cancel()
	release := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	read, message, err := clienthello.Capture(c.Conn)
	release()
	c.replay = read
	if err != nil {
		if errors.Is(err, clienthello.ErrNotTLS) && isLetter(read[0]) {
			plainOnSecure(c)
		}
		_ = c.Close()
		return
	}
	if hello, err := clienthello.Parse(message); err == nil {
		c.ja3, c.ja4 = hello.JA3(), hello.JA4()
	}
	secure := tls.Server(c, state.tls)
	if secure.HandshakeContext(ctx) != nil {
		_ = c.Close()
		return
	}
	cancel()
	negotiated := secure.ConnectionState()
	if negotiated.NegotiatedProtocol == "h2" {
		l.http2.ServeConn(secure, &negotiated)
		return
	}
	l.http1.ServeConn(secure, &negotiated)
}

func isLetter(c byte) bool { return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' }

// preface serves a connection of HTTP/2 without TLS, whose client knew that we speak it.
func (l *listener) preface(nc net.Conn) {
	if l.state.Load().balancer.attributes.NoHTTP2 {
		_ = nc.Close()
		return
	}
	l.http2.ServeConn(nc, nil)
}
