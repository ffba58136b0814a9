package proxy

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"fastness/internal/http1"
	"fastness/internal/http2"
)

// The limits of heads, which are AWS's: 16 KB for a request line and 64 KB in all.
var headLimits = http1.Limits{Bytes: 64 << 10, Fields: 256, Target: 16 << 10}

const (
	// headTimeout bounds the time in which a head arrives, and a TLS handshake.
	headTimeout = 30 * time.Second
	// maxStreams is how many requests a connection of HTTP/2 may have at a time (AWS: 128).
	maxStreams = 128
)

// listener is an address that is listened on. Its state changes with the configuration.
type listener struct {
	p     *Proxy
	inner net.Listener
	state atomic.Pointer[listenerState]
	http1 *http1.Server
	http2 *http2.Server
	// draining is done when tunnels have to end.
	draining context.Context
	cut      context.CancelFunc
	stopping context.Context // no connection is begun any more
	stop     context.CancelFunc
	running  sync.WaitGroup // the accepting, and connections before they are served
	serving  sync.WaitGroup
}

// clientConn is a client's connection: what all its requests have in common.
type clientConn struct {
	net.Conn
	listener *listener
	client   netip.AddrPort
	opened   time.Time
	ja3, ja4 string
	// address is the client's for X-Forwarded-For, without and with its port.
	address, addressPort string
	key                  clientKey
	replay               []byte // was read already, and is to be read again
	once                 sync.Once
}

// forwarded is what X-Forwarded-For gets.
func (c *clientConn) forwarded(withPort bool) string {
	if withPort {
		return c.addressPort
	}
	return c.address
}

// Read implements net.Conn.
func (c *clientConn) Read(p []byte) (int, error) {
	if len(c.replay) > 0 {
		n := copy(p, c.replay)
		if c.replay = c.replay[n:]; len(c.replay) == 0 {
			c.replay = nil
		}
		return n, nil
	}
	return c.Conn.Read(p)
}

// Close implements net.Conn.
func (c *clientConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { c.listener.p.limits.release(c.key) })
	return err
}

// CloseWrite ends our side.
func (c *clientConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// NetConn is the connection below.
func (c *clientConn) NetConn() net.Conn { return c.Conn }

// SetLinger has Close reset the connection, with 0.
func (c *clientConn) SetLinger(sec int) error {
	if l, ok := c.Conn.(interface{ SetLinger(sec int) error }); ok {
		return l.SetLinger(sec)
	}
	return nil
}

// listen begins to listen.
func (p *Proxy) listen(s *listenerState) (*listener, error) {
	inner, err := net.Listen("tcp", s.bind)
	if err != nil {
		return nil, err
	}
	l := &listener{p: p, inner: inner}
	if s.port == "0" {
		s.port = l.port()
	}
	l.state.Store(s)
	l.draining, l.cut = context.WithCancel(context.Background())
	l.stopping, l.stop = context.WithCancel(context.Background())
	refusal := func(r *http1.Refusal) ([]http1.Field, string) {
		answer := page(r.Status)
		return []http1.Field{serverField, {Name: "Content-Type", Value: answer.ContentType}}, string(answer.Body)
	}
	l.http2 = http2.NewServer(http2.Config{
		Handler: l.stream, Limits: headLimits, MaxStreams: maxStreams, PrefaceTimeout: headTimeout,
		IdleTimeout: s.balancer.idle, Log: p.log, Refusal: refusal,
	})
	l.http1 = http1.NewServer(http1.Config{
		Limits: headLimits, HeadTimeout: headTimeout, ReadTimeout: s.balancer.idle, WriteTimeout: s.balancer.idle,
		IdleTimeout: s.balancer.idle, Log: p.log, Exchange: l.exchange, HTTP2: l.preface,
		Refusal: refusal,
	})
	l.running.Go(l.accept)
	return l, nil
}

// port is the port listened on.
func (l *listener) port() string {
	if a, ok := l.inner.Addr().(*net.TCPAddr); ok {
		return strconv.Itoa(a.Port)
	}
	return "0"
}

func (l *listener) accept() {
	const pause = 50 * time.Millisecond
	for {
		nc, err := l.inner.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			l.p.log.Error("accepting a connection failed", "listener", l.state.Load().arn, "error", err)
			if l.p.clock.Sleep(l.stopping, pause) != nil {
				return
			}
			continue
		}
		c := l.admit(nc)
		if c == nil {
			_ = nc.Close()
			continue
		}
		l.serving.Go(func() { l.serve(c) })
	}
}

// admit takes a connection in, or returns nil if there are too many.
func (l *listener) admit(nc net.Conn) *clientConn {
	tcp, ok := nc.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return nil
	}
	client := tcp.AddrPort()
	client = netip.AddrPortFrom(client.Addr().Unmap().WithZone(""), client.Port())
	key := keyOf(client.Addr())
	if !l.p.limits.take(key) {
		return nil
	}
	return &clientConn{
		Conn: nc, listener: l, client: client, opened: l.p.clock.Now(), key: key,
		address: client.Addr().String(), addressPort: client.String(),
	}
}

// serve serves a connection until its end.
func (l *listener) serve(c *clientConn) {
	if l.state.Load().secure {
		l.serveTLS(c)
		return
	}
	l.http1.ServeConn(c, nil)
}

// exchange serves a request of HTTP/1.
func (l *listener) exchange(x *http1.Exchange) {
	proto := "HTTP/1.1"
	if x.Head().Minor == 0 {
		proto = "HTTP/1.0"
	}
	l.p.serve(x, clientOf(x.Conn()), proto)
}

// stream serves a request of HTTP/2.
func (l *listener) stream(st *http2.Stream) { l.p.serve(st, clientOf(st.Conn()), "HTTP/2.0") }

// clientOf finds the clientConn below a connection.
func clientOf(nc net.Conn) *clientConn {
	for {
		switch c := nc.(type) {
		case *clientConn:
			return c
		case interface{ NetConn() net.Conn }:
			nc = c.NetConn()
		default:
			panic("proxy: a connection that is none of ours")
		}
	}
}

// shutdown stops listening and waits for requests to end; when ctx is done first, it cuts
// them off.
func (l *listener) shutdown(ctx context.Context) error {
	_ = l.inner.Close()
	l.stop()
	l.running.Wait()
	l.cut()
	var wg sync.WaitGroup
	var err1, err2 error
	wg.Go(func() { err1 = l.http1.Shutdown(ctx) })
	wg.Go(func() { err2 = l.http2.Shutdown(ctx) })
	wg.Wait()
	l.serving.Wait()
	return errors.Join(err1, err2)
}

// drain is shutdown within a time.
func (l *listener) drain(limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := l.shutdown(ctx); err != nil {
		l.p.log.Warn("requests were cut off when a listener was taken away", "listener", l.state.Load().arn)
	}
}

// plainOnSecure answers a request that came without TLS where TLS is expected.
func plainOnSecure(c net.Conn) {
	answer := page(http.StatusBadRequest)
	b := []byte("HTTP/1.1 400 Bad Request\r\n")
	b = http1.AppendFields(b, []http1.Field{serverField, {Name: "Content-Type", Value: answer.ContentType}})
	b = append(http1.AppendLength(b, int64(len(answer.Body))), "Connection: close\r\n\r\n"...)
	_, _ = c.Write(append(b, answer.Body...))
}
