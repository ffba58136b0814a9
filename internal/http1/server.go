package http1

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a Server is made of. Handler or Exchange, and all of the fields up to Log
// are required.
type Config struct {
	Handler http.Handler
	// Limits bound request heads.
	Limits Limits
	// HeadTimeout bounds the time in which a head arrives, from the opening of the connection
	// or else from the head's first byte; ReadTimeout that of a whole request;
	// WriteTimeout that from the end of the head to the end of the answer; IdleTimeout
	// that between an answer and the next request. They end up to half a second early.
	HeadTimeout, ReadTimeout, WriteTimeout, IdleTimeout time.Duration
	Log                                                 *slog.Logger
	// HTTP2, if set, takes connections that begin with the preface of HTTP/2. Their first
	// bytes are read again from the connection it is given. Without it such a connection is
	// refused.
	HTTP2 func(net.Conn)
	// Exchange, if set, is called for each request instead of Handler, without the making
	// of an http.Request.
	Exchange func(*Exchange)
	// Refusal, if set, makes the answer to a request that is not taken: its fields but
	// those that frame it, and its body.
	Refusal func(*Refusal) (fields []Field, body string)
}

// Server serves HTTP/1.1 on connections that it is given. It is safe for concurrent use.
// Shutdown or Close must end it.
type Server struct {
	config    Config
	tick      atomic.Int64 // counts periods, from 1
	stopping  atomic.Bool
	date      atomic.Pointer[date]
	closed    context.Context // all requests' contexts end with it
	close     context.CancelFunc
	ended     chan struct{}
	unwatched chan struct{}

	mu      sync.Mutex
	conns   map[*conn]struct{}
	isEnded bool
	drained chan struct{} // closed when stopping and no connection is left
}

// NewServer makes a Server.
func NewServer(config Config) *Server {
	s := &Server{
		config: config, conns: make(map[*conn]struct{}),
		ended: make(chan struct{}), unwatched: make(chan struct{}), drained: make(chan struct{}),
	}
	s.tick.Store(1)
	s.closed, s.close = context.WithCancel(context.Background())
	go s.watch()
	return s
}

// ServeConn serves requests on nc until it ends, and closes it unless Config.HTTP2 takes
// it. state is what TLS negotiated, nil for a plain connection.
func (s *Server) ServeConn(nc net.Conn, state *tls.ConnectionState) {
	c := &conn{server: s, nc: nc, header: make(http.Header)}
	c.in = input{src: nc, buf: make([]byte, startBuffer)}
	c.readBy.set, c.writeBy.set = nc.SetReadDeadline, nc.SetWriteDeadline
	c.body.c, c.res.c, c.x.c = c, c, c
	c.idle = periods(s.config.IdleTimeout)
	c.gone.watch(nc)
	c.res.header = make(http.Header)
	ctx, cancel := context.WithCancel(s.closed)
	c.cancel = cancel
	c.blank = new(http.Request).WithContext(&connContext{ctx, c})
	c.blank.RemoteAddr, c.blank.TLS = nc.RemoteAddr().String(), state
	c.readBy.tick.Store(s.after(s.config.HeadTimeout))
	if !s.add(c) {
		cancel()
		_ = nc.Close()
		return
	}
	taken := c.serve()
	s.remove(c)
	if taken {
		c.readBy.arm(noLimit)
		s.config.HTTP2(&replay{nc, c.in.buffered()})
		return
	}
	_ = nc.Close()
	clear(c.in.buf)
}

// add takes a connection in, unless the server stops.
func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping.Load() {
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if s.stopping.Load() && len(s.conns) == 0 && !s.isDrained() {
		close(s.drained)
	}
}

// isDrained tells whether drained is closed; the caller holds mu.
func (s *Server) isDrained() bool {
	select {
	case <-s.drained:
		return true
	default:
		return false
	}
}

// Shutdown closes connections on which no request is being answered, waits for the others
// and ends the server. When ctx is done first, it closes what is left, does not
// wait for handlers any more, and returns the error of ctx.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop()
	select {
	case <-s.drained:
		s.end()
		return nil
	case <-ctx.Done():
		s.Close()
		return ctx.Err()
	}
}

// stop closes the idle connections; the busy ones end with their answers.
func (s *Server) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping.Store(true)
	for c := range s.conns {
		if c.state.CompareAndSwap(idle, gone) {
			c.readBy.expire() // its goroutine closes it
		}
	}
	if len(s.conns) == 0 && !s.isDrained() {
		close(s.drained)
	}
}

// Close ends the server and all its connections at once: the contexts of their requests
// end. It does not wait for handlers.
func (s *Server) Close() {
	s.stop()
	s.close()
	s.mu.Lock()
	for c := range s.conns {
		go c.nc.Close() // TLS says goodbye, which can take time
	}
	s.mu.Unlock()
	s.end()
}

// end stops the watch over deadlines.
func (s *Server) end() {
	s.mu.Lock()
	if !s.isEnded {
		s.isEnded = true
		close(s.ended)
	}
	s.mu.Unlock()
	<-s.unwatched
	s.close()
}

// date is the Date field of one second.
type date struct {
	second int64
	line   string
}

// appendDate appends the Date field (RFC 9110 §6.6.1), which is made once a second.
func (s *Server) appendDate(b []byte) []byte {
	now := time.Now()
	d := s.date.Load()
	if d == nil || d.second != now.Unix() {
		d = &date{now.Unix(), "Date: " + now.UTC().Format(http.TimeFormat) + "\r\n"}
		s.date.Store(d)
	}
	return append(b, d.line...)
}
