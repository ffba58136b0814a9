package http2

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"sync"
	"time"

	"fastness/internal/http1"
)

// Config is what a Server is made of. All fields but Refusal are required.
type Config struct {
	// Handler is called for each request, in a goroutine of its own.
	Handler func(*Stream)
	// Limits bound heads.
	Limits http1.Limits
	// MaxStreams is how many requests a connection may have at a time.
	MaxStreams int
	// PrefaceTimeout bounds the time until the client has introduced itself, IdleTimeout
	// that without a request.
	PrefaceTimeout, IdleTimeout time.Duration
	Log                         *slog.Logger
	// Refusal, if set, makes the answer to a request that is not taken: its fields but
	// those that frame it, and its body.
	Refusal func(*http1.Refusal) (fields []http1.Field, body string)
}

// Server serves HTTP/2 on connections that it is given. It is safe for concurrent use.
type Server struct {
	config Config

	mu       sync.Mutex
	conns    map[*conn]struct{}
	stopping bool
	drained  chan struct{} // closed when stopping and no connection is left
	once     sync.Once
}

// NewServer makes a Server.
func NewServer(config Config) *Server {
	return &Server{config: config, conns: map[*conn]struct{}{}, drained: make(chan struct{})}
}

// ServeConn serves requests on nc until it ends, and closes it. state is what TLS
// negotiated, nil for a plain connection.
func (s *Server) ServeConn(nc net.Conn, state *tls.ConnectionState) {
	c := newConn(s, nc, state)
	if !s.add(c) {
		_ = nc.Close()
		return
	}
	c.serve()
	s.remove(c)
}

func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.settle()
}

// settle tells Shutdown when nothing is left; the caller holds mu.
func (s *Server) settle() {
	if s.stopping && len(s.conns) == 0 {
		s.once.Do(func() { close(s.drained) })
	}
}

// Shutdown tells clients to send no more requests and waits until those that came are
// answered. When ctx is done first, it closes what is left and returns the error of ctx.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.stopping = true
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.settle()
	s.mu.Unlock()
	for _, c := range conns {
		go c.goAway()
	}
	select {
	case <-s.drained:
		return nil
	case <-ctx.Done():
	}
	for _, c := range conns {
		_ = c.nc.Close()
	}
	<-s.drained
	return ctx.Err()
}
