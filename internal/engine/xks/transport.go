package xks

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// Bounds of the connection pool to one proxy. At 250 ms a call at worst, 512
// connections carry more than AWS's default quota of 1,800 calls a second.
const (
	maxConnections     = 512
	maxIdleConnections = 64
	idleTimeout        = 60 * time.Second
	maxHeaderBytes     = 16_384
)

// newTransport speaks HTTP/1.1 over a pool of kept connections. HTTP/2 is left
// off on purpose: one stalled connection would stall every call.
func newTransport(config ClientConfig) *http.Transport {
	tlsConfig := &tls.Config{}
	if config.TLS != nil {
		tlsConfig = config.TLS.Clone()
	}
	tlsConfig.MinVersion = max(tlsConfig.MinVersion, tls.VersionTLS12)
	tlsConfig.NextProtos = []string{"http/1.1"}
	dial := config.Dial
	if dial == nil {
		dial = (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext
	}
	return &http.Transport{
		DialContext:            dial,
		TLSClientConfig:        tlsConfig,
		TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{},
		MaxConnsPerHost:        maxConnections,
		MaxIdleConnsPerHost:    maxIdleConnections,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableCompression:     true,
	}
}

// call sends one request within the client's time and the breaker's leave, and
// returns the JSON object of a 200 answer. Errors are ProxyError, CallError, or
// the caller's own context error.
func (c *Client) call(ctx context.Context, op, path string, request any) (object, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, &CallError{Kind: Internal, Op: op, Err: err}
	}
	probe, refused := c.breaker.admit()
	if refused != nil && op != OpGetHealthStatus {
		return nil, &CallError{Kind: refused.Kind, Op: op, CircuitOpen: true, Err: refused.Err}
	}
	status, answer, err := c.exchange(ctx, op, path, body)
	c.breaker.record(probe, breakingFailure(err), ctx.Err() != nil)
	if err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("xks %s: %w", op, ctx.Err())
		}
		return nil, err
	}
	if status != http.StatusOK {
		if proxyError, ok := parseError(status, answer); ok {
			return nil, proxyError
		}
		return nil, invalidResponse(op, fmt.Errorf("HTTP status %d without an error of the specification", status))
	}
	obj, err := parseObject(answer)
	if err != nil {
		return nil, invalidResponse(op, err)
	}
	return obj, nil
}

// breakingFailure is err if it means that the proxy gives no answers at all; a bad
// answer, or a failure on our side, is no reason to stop asking.
func breakingFailure(err error) *CallError {
	var failure *CallError
	if errors.As(err, &failure) {
		switch failure.Kind {
		case Unreachable, TLSFailed, TimedOut, ConnectionLost:
			return failure
		}
	}
	return nil
}

// exchange does one HTTP exchange. Its error is a *CallError.
func (c *Client) exchange(ctx context.Context, op, path string, body []byte) (int, []byte, error) {
	var progress progress
	ctx, cancel := context.WithTimeout(httptrace.WithClientTrace(ctx, progress.trace()), c.config.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, &CallError{Kind: Internal, Op: op, Err: err}
	}
	r.Header.Set("Content-Type", "application/json")
	if err := c.config.Sign(r, body, c.config.Credential, c.config.Now()); err != nil {
		return 0, nil, &CallError{Kind: Internal, Op: op, Err: fmt.Errorf("sign: %w", err)}
	}
	// An empty value is not sent; it tells net/http that the request may be
	// repeated when a kept connection turns out to be dead. All four operations may.
	r.Header["Idempotency-Key"] = []string{}
	// RoundTrip, unlike http.Client, follows no redirect: a 3xx is just an answer.
	response, err := c.transport.RoundTrip(r)
	if err != nil {
		return 0, nil, &CallError{Kind: progress.kindOf(err), Op: op, Err: err}
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, MaxResponseBytes+1))
	if err != nil {
		return 0, nil, &CallError{Kind: progress.kindOf(err), Op: op, Err: err}
	}
	if len(answer) > MaxResponseBytes {
		return 0, nil, invalidResponse(op, fmt.Errorf("answer longer than %d bytes", MaxResponseBytes))
	}
	return response.StatusCode, answer, nil
}

// progress remembers how far a call got. Its hooks may run on other goroutines,
// even after the call has ended.
type progress struct {
	dialing   atomic.Bool
	connected atomic.Bool
	tlsFailed atomic.Bool
}

func (p *progress) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		DNSStart:     func(httptrace.DNSStartInfo) { p.dialing.Store(true) },
		ConnectStart: func(string, string) { p.dialing.Store(true) },
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				p.connected.Store(true)
			}
		},
		TLSHandshakeStart: func() { p.connected.Store(true) },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			if err != nil {
				p.tlsFailed.Store(true)
			}
		},
		GotConn: func(httptrace.GotConnInfo) { p.connected.Store(true) },
	}
}

// kindOf classifies an error of the transport.
func (p *progress) kindOf(err error) FailureKind {
	var timeout net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		if p.dialing.Load() && !p.connected.Load() {
			return Unreachable
		}
		return TimedOut
	}
	var dns *net.DNSError
	var op *net.OpError
	isOp := errors.As(err, &op)
	switch {
	case p.tlsFailed.Load() || isTLSAlert(err):
		return TLSFailed
	case errors.As(err, &dns), isOp && op.Op == "dial", !p.connected.Load():
		return Unreachable
	case isOp, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ConnectionLost
	default:
		// Bytes came, but they are not HTTP.
		return InvalidResponse
	}
}

// isTLSAlert recognizes an alert in place of an answer: a TLS 1.3 server refuses
// a client certificate only after the client's handshake is complete.
func isTLSAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error")
}
