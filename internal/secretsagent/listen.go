package secretsagent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// Bounds of connections of clients. A request takes at most the time of upstream.
const (
	maxHeaderBytes    = 64 << 10
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 20 * time.Second
	writeTimeout      = maxUpstreamTime + 30*time.Second
	idleTimeout       = 60 * time.Second
	// reserve is how many connections beyond the bound are accepted, to be told so or
	// to be asked for health. More wait in the kernel's queue.
	reserve = 16
	// drainTimeout bounds the wait for running requests at the end.
	drainTimeout = 10 * time.Second
)

// Listen opens a port on a loopback address.
func Listen(ctx context.Context, address netip.AddrPort) (net.Listener, error) {
	if !address.Addr().IsLoopback() {
		return nil, fmt.Errorf("secretsagent: %s is not a loopback address", address)
	}
	var c net.ListenConfig
	l, err := c.Listen(ctx, "tcp", address.String())
	if err != nil {
		return nil, fmt.Errorf("secretsagent: %w", err)
	}
	return l, nil
}

// Serve answers requests on l until ctx is done. Then it accepts no more, waits a short
// time for what is running, and wipes what is cached. It closes l.
func (a *Agent) Serve(ctx context.Context, l net.Listener) error {
	defer a.Close()
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	s := &http.Server{
		Handler: a, Protocols: protocols,
		MaxHeaderBytes: maxHeaderBytes, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, overLimitKey{}, c.(*countedConn).over)
		},
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(newCountedListener(l, a.config.MaxConnections)) }()
	select {
	case err := <-served:
		return fmt.Errorf("secretsagent: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := s.Shutdown(drain); err != nil {
		_ = s.Close()
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("secretsagent: %w", err)
	}
	return nil
}

// overLimitKey is the context's key of what overLimit tells.
type overLimitKey struct{}

// overLimit tells whether a request came on a connection beyond the bound.
func overLimit(ctx context.Context) bool {
	over, _ := ctx.Value(overLimitKey{}).(bool)
	return over
}

// countedListener counts the open connections. It marks those beyond the bound, and
// accepts none beyond bound and reserve.
type countedListener struct {
	net.Listener
	bound  int64
	open   atomic.Int64
	places chan struct{}
	closed chan struct{}
	once   sync.Once
}

func newCountedListener(l net.Listener, bound int) *countedListener {
	return &countedListener{Listener: l, bound: int64(bound), places: make(chan struct{}, bound+reserve), closed: make(chan struct{})}
}

// Accept implements net.Listener.
func (l *countedListener) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	prohibitHops(c)
	return &countedConn{Conn: c, listener: l, over: l.open.Add(1) > l.bound}, nil
}

// Close implements net.Listener.
func (l *countedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// prohibitHops lets no router carry packets of the connection. It is a second lock on a
// door that listening on loopback closes already, so that it may fail.
func prohibitHops(c net.Conn) {
	if a, ok := c.LocalAddr().(*net.TCPAddr); ok && a.IP.To4() != nil {
		_ = ipv4.NewConn(c).SetTTL(1)
	} else {
		_ = ipv6.NewConn(c).SetHopLimit(1)
	}
}

// countedConn gives its place back when it is closed.
type countedConn struct {
	net.Conn
	listener *countedListener
	over     bool
	once     sync.Once
}

// Close implements net.Conn.
func (c *countedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.listener.open.Add(-1)
		<-c.listener.places
	})
	return err
}

// CloseWrite lets the server end its side first.
func (c *countedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
