package proxy

import (
	"context"
	"crypto/tls"
	"net"
)

// serveTLS shakes hands and serves the connection.
func (l *listener) serveTLS(c *clientConn) {
	state := l.state.Load()
	secure := tls.Server(c, state.tls)
	ctx, cancel := context.WithTimeout(l.stopping, headTimeout)
	err := secure.HandshakeContext(ctx)
	cancel()
	if err != nil {
		_ = c.Close()
		return
	}
	negotiated := secure.ConnectionState()
	if negotiated.NegotiatedProtocol == "h2" {
		l.http2.serve(secure, &negotiated)
		return
	}
	l.http1.ServeConn(secure, &negotiated)
}

// preface serves a connection of HTTP/2 without TLS, whose client knew that we speak it.
func (l *listener) preface(nc net.Conn) {
	if l.state.Load().balancer.attributes.NoHTTP2 {
		_ = nc.Close()
		return
	}
	l.http2.serve(nc, nil)
}

type http2Server struct{}

func newHTTP2Server(*listener) *http2Server                      { return &http2Server{} }
func (s *http2Server) serve(nc net.Conn, _ *tls.ConnectionState) { _ = nc.Close() }
func (s *http2Server) shutdown(context.Context) error            { return nil }
