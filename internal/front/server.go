package front

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"fastness/internal/http1"
)

// Limits of the HTTP server. They bound what a slow or hostile client can hold.
const (
	maxHeaderBytes    = 64 << 10
	maxHeaderFields   = 256
	readHeaderTimeout = 10 * time.Second
	// readTimeout bounds a whole request; streaming uploads extend it themselves.
	readTimeout    = 60 * time.Second
	writeTimeout   = 120 * time.Second
	idleTimeout    = 120 * time.Second
	maxConnections = 10000
	// maxStreams is the number of concurrent HTTP/2 streams on one connection.
	maxStreams = 250
)

// Server serves a handler on one port, plain and TLS, HTTP/1.1 and HTTP/2.
type Server struct {
	h1       *http1.Server
	h2       *http.Server
	handOver *handOver // to h2
	listener *dualListener
	served   chan error
}

// Listen opens addr and starts serving h. A nil config serves plain HTTP only.
func Listen(ctx context.Context, addr string, config *tls.Config, h http.Handler, log *slog.Logger) (*Server, error) {
	var lc net.ListenConfig
	inner, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("front: %w", err)
	}
	return serve(inner, config, h, log), nil
}

// serve serves h on connections of inner.
func serve(inner net.Listener, config *tls.Config, h http.Handler, log *slog.Logger) *Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	if config != nil {
		config = config.Clone()
		config.NextProtos = []string{"h2", "http/1.1"}
		config.MinVersion = tls.VersionTLS12
	}
	s := &Server{
		h2: &http.Server{
			Handler:           h,
			MaxHeaderBytes:    maxHeaderBytes,
			ReadHeaderTimeout: readHeaderTimeout,
			ReadTimeout:       readTimeout,
			WriteTimeout:      writeTimeout,
			IdleTimeout:       idleTimeout,
			TLSConfig:         config,
			Protocols:         protocols,
			HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
			// OPTIONS * is no operation of any API: the door says so, with a request id.
			DisableGeneralOptionsHandler: true,
			ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
		handOver: newHandOver(inner.Addr()),
		served:   make(chan error, 1),
	}
	s.h1 = http1.NewServer(http1.Config{
		Handler:     h,
		Limits:      http1.Limits{Bytes: maxHeaderBytes, Fields: maxHeaderFields},
		HeadTimeout: readHeaderTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		Log: log, HTTP2: s.handOver.give,
	})
	s.listener = newDualListener(inner, config, maxConnections, s.serveConn)
	// When the listener ends, so does that of the HTTP/2 server; the connections that
	// there are go on.
	context.AfterFunc(s.listener.ctx, s.handOver.end)
	go func() {
		_ = s.h2.Serve(s.handOver)
		<-s.listener.ctx.Done()
		err := s.listener.failed
		if errors.Is(err, net.ErrClosed) {
			err = nil
		}
		s.served <- err
	}()
	return s
}

// serveConn serves a connection by the protocol that its client chose.
func (s *Server) serveConn(conn net.Conn) {
	secure, ok := conn.(*tls.Conn)
	if !ok {
		s.h1.ServeConn(conn, nil)
		return
	}
	state := secure.ConnectionState()
	if state.NegotiatedProtocol == "h2" {
		s.handOver.give(conn)
		return
	}
	s.h1.ServeConn(conn, &state)
}

// Addr is the address that is served.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Failed delivers the error that ended serving, nil after Shutdown.
func (s *Server) Failed() <-chan error { return s.served }

// Shutdown stops accepting and waits until running requests are answered or ctx is
// done; then it closes what is left.
func (s *Server) Shutdown(ctx context.Context) error {
	closing := s.listener.Close()
	h2 := make(chan error, 1)
	go func() { h2 <- s.h2.Shutdown(ctx) }()
	err := errors.Join(s.h1.Shutdown(ctx), <-h2)
	if err != nil {
		_ = s.h2.Close()
	}
	s.listener.active.Wait()
	return errors.Join(err, closing)
}

// handOver is the listener of the HTTP/2 server: it accepts connections that turned out
// to speak it.
type handOver struct {
	conns  chan net.Conn
	ctx    context.Context // done when no more are accepted
	cancel context.CancelFunc
	addr   net.Addr
}

func newHandOver(addr net.Addr) *handOver {
	h := &handOver{conns: make(chan net.Conn), addr: addr}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	return h
}

// give has conn served, or closes it.
func (h *handOver) give(conn net.Conn) {
	select {
	case h.conns <- conn:
	case <-h.ctx.Done():
		_ = conn.Close()
	}
}

func (h *handOver) end() { h.cancel() }

// Accept implements net.Listener.
func (h *handOver) Accept() (net.Conn, error) {
	select {
	case conn := <-h.conns:
		return conn, nil
	case <-h.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (h *handOver) Close() error {
	h.end()
	return nil
}

// Addr implements net.Listener.
func (h *handOver) Addr() net.Addr { return h.addr }
