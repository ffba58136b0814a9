package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"fastness/internal/clock"
)

// connectTimeout bounds the opening of a connection to a target (AWS: 10 s).
const connectTimeout = 10 * time.Second

// Target is a server. It is safe for concurrent use.
type Target struct {
	// Addr is its address and port.
	Addr string
	// Transport, if set, is how to speak to it: over HTTP/2. Otherwise Acquire is.
	Transport *http.Transport

	clock    clock.Clock
	dialer   net.Dialer
	tls      *tls.Config // nil: plain
	pool     pool
	active   atomic.Int64
	health   atomic.Pointer[Health]
	since    time.Time // when it was added: slow start
	draining atomic.Bool
	// Gone is done when the target was taken out and its time to finish has passed.
	Gone context.Context
	gone context.CancelFunc
}

func newTarget(c clock.Clock, addr string, secure *tls.Config, h2 bool) *Target {
	t := &Target{Addr: addr, clock: c, tls: secure, since: c.Now()}
	t.Gone, t.gone = context.WithCancel(context.Background())
	t.health.Store(&Health{State: Initial, Reason: "Elb.RegistrationInProgress"})
	t.dialer.Timeout = connectTimeout
	t.dialer.KeepAlive = 30 * time.Second
	if h2 {
		t.Transport = t.transport()
	}
	return t
}

// transport is a transport that speaks HTTP/2 and nothing else: over TLS, or with prior
// knowledge (RFC 9113 §3.3).
func (t *Target) transport() *http.Transport {
	tr := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return t.dialer.DialContext(ctx, network, t.Addr)
		},
		TLSClientConfig:        t.tls,
		TLSHandshakeTimeout:    connectTimeout,
		DisableCompression:     true,
		IdleConnTimeout:        maxIdleTime,
		MaxResponseHeaderBytes: int64(responseLimits.Bytes),
		Protocols:              new(http.Protocols),
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
	}
	if t.tls != nil {
		tr.Protocols.SetHTTP2(true)
	} else {
		tr.Protocols.SetUnencryptedHTTP2(true)
	}
	return tr
}

// Secure tells whether the target is spoken to over TLS.
func (t *Target) Secure() bool { return t.tls != nil }

// ErrConnect is what errors of Acquire wrap: nothing was sent.
var ErrConnect = errors.New("upstream: no connection to the target")

// Acquire returns a connection to the target: an idle one, unless fresh, or a new one.
func (t *Target) Acquire(ctx context.Context, now time.Time, fresh bool) (*Conn, error) {
	if !fresh {
		if c := t.pool.take(now); c != nil {
			c.reused = true
			return c, nil
		}
	}
	socket, err := t.dialer.DialContext(ctx, "tcp", t.Addr)
	if err != nil {
		return nil, errors.Join(ErrConnect, err)
	}
	nc := socket
	if t.tls != nil {
		secure := tls.Client(socket, t.tls)
		_ = socket.SetDeadline(now.Add(connectTimeout))
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = socket.Close()
			return nil, errors.Join(ErrConnect, err)
		}
		_ = socket.SetDeadline(time.Time{})
		nc = secure
	}
	return newConn(t, nc, socket), nil
}

func (t *Target) put(c *Conn) {
	c.idleSince = t.clock.Now()
	t.pool.put(c)
}

// Begin and End count the requests that the target is answering.
func (t *Target) Begin() { t.active.Add(1) }

// End is the counterpart of Begin.
func (t *Target) End() { t.active.Add(-1) }

// close lets go of idle connections.
func (t *Target) close() {
	t.pool.close()
	if t.Transport != nil {
		t.Transport.CloseIdleConnections()
	}
}
