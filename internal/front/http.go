package front

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"sync"

	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/sigv4"
	"fastness/internal/wire"
)

// DefaultMaxBody bounds a request body, in bytes, unless the room says otherwise.
const DefaultMaxBody = 1 << 20

// maxPooledBody is the largest buffer that is kept for the next request.
const maxPooledBody = 128 << 10

// bodies holds read buffers. They may have held plaintexts, so they are zeroed before
// they go back.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func releaseBody(b *bytes.Buffer) {
	clear(b.Bytes())
	if b.Cap() <= maxPooledBody {
		b.Reset()
		bodies.Put(b)
	}
}

// answers holds the memory of answers' bodies. They may have held plaintexts as well.
var answers = sync.Pool{New: func() any { return new(make([]byte, 0, 8<<10)) }}

// ServeHTTP answers one AWS request.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := audit.NewID()
	a := &answer{door: d, w: w, r: r, id: id, codec: d.router.codecs[wire.RESTJSON1]}
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it the same way
				panic(p)
			}
			d.metrics.panics.Inc()
			// The value may quote an input, so only its type is logged.
			d.log.Error("panic in a request", "requestID", id, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			a.fail(&wire.CommonError{Kind: wire.InternalFailure})
		}
	}()
	d.serve(r.Context(), a)
}

// answer is the state of one HTTP exchange.
type answer struct {
	door  *Door
	w     http.ResponseWriter
	r     *http.Request
	id    string
	api   *wire.API
	op    *wire.Operation
	codec wire.Codec
	sent  bool
}

func (d *Door) serve(ctx context.Context, a *answer) {
	r := a.r
	sig, sigErr := parseSignature(r)
	p := payload{sent: bodies.Get().(*bytes.Buffer), compressed: isCompressed(r)}
	defer p.release()
	readErr := d.readBody(a, p.sent)
	signed := p.sent.Bytes()
	body := signed
	if readErr == nil && isForm(r) { // a form says inside what it means
		body, readErr = p.plain()
	}

	t, routeErr := d.router.route(r, sig, body)
	if routeErr != nil {
		a.api, a.codec = routeErr.api, routeErr.codec
		switch {
		case readErr != nil: // nobody knows what such a body means
			a.fail(bodyError(readErr))
		case sigErr != nil && routeErr.serviceUnknown:
			a.fail(d.apiError(ctx, signatureError(sigErr), a.id))
		default:
			a.fail(routeErr.err)
		}
		return
	}
	a.api, a.op, a.codec = t.room.API, t.op, t.codec
	if readErr == nil && int64(len(body)) > t.room.maxBody() {
		readErr = errTooLarge
	}
	if readErr != nil {
		a.fail(bodyError(readErr))
		return
	}
	if sigErr != nil {
		a.fail(d.apiError(ctx, signatureError(sigErr), a.id))
		return
	}
	principal, region, err := d.authenticate(ctx, r, t, sig, signed)
	if err != nil {
		d.metrics.refused.Inc()
		a.fail(d.apiError(ctx, err, a.id))
		return
	}
	c := &call.Call{
		RequestID: a.id, EventID: audit.NewID(), Operation: t.op, Principal: principal,
		Region: region, Account: principal.Account, Time: d.clock.Now(),
		Source: source(r, sig),
	}
	if body, err = p.plain(); err == nil && int64(len(body)) > t.room.maxBody() {
		err = errTooLarge
	}
	if err != nil {
		a.fail(d.refuse(ctx, c, bodyError(err)))
		return
	}
	in, err := t.codec.Decode(t.op, &wire.Request{
		Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Host: r.Host,
		Header: r.Header, Body: body, Labels: t.labels,
	})
	if err != nil {
		a.fail(d.refuse(ctx, c, err))
		return
	}
	c.Input = in
	if in != nil {
		defer wire.Wipe(t.op.Input(), wire.PointerOf(in))
	}
	out, err := d.run(ctx, t.room, c)
	if err != nil {
		a.fail(d.apiError(ctx, err, a.id))
		return
	}
	a.succeed(out)
}

func parseSignature(r *http.Request) (*sigv4.Signature, error) {
	sig, err := sigv4.Parse(sigv4.FromHTTP(r))
	var e *sigv4.Error
	if errors.As(err, &e) && e.Kind == sigv4.KindMissing {
		return nil, nil
	}
	return sig, err
}

var errTooLarge = errors.New("front: request body too large")

// readBody reads the whole body, at most the largest bound of any room: which room
// the request means is known only when it has been routed.
func (d *Door) readBody(a *answer, buf *bytes.Buffer) error {
	r := a.r
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	if r.ContentLength > d.maxBody {
		a.w.Header().Set("Connection", "close")
		return errTooLarge
	}
	if r.ContentLength >= 0 {
		n := int(r.ContentLength)
		buf.Grow(n)
		body := buf.AvailableBuffer()[:n]
		read, err := io.ReadFull(r.Body, body)
		_, _ = buf.Write(body[:read])
		if err != nil {
			return err
		}
	} else {
		n, err := buf.ReadFrom(io.LimitReader(r.Body, d.maxBody+1))
		switch {
		case err != nil:
			return err
		case n > d.maxBody:
			a.w.Header().Set("Connection", "close")
			return errTooLarge
		}
	}
	return nil
}

func bodyError(err error) *wire.CommonError {
	if errors.Is(err, errTooLarge) {
		return &wire.CommonError{Kind: wire.RequestTooLarge, Message: "Request body is too large."}
	}
	return &wire.CommonError{Kind: wire.Serialization, Message: "The request body could not be read.", Cause: err}
}

// source takes down where a request came from.
func source(r *http.Request, sig *sigv4.Signature) *call.Source {
	s := &call.Source{UserAgent: r.UserAgent(), Host: r.Host}
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		s.IP = ap.Addr().Unmap()
	}
	if r.TLS != nil {
		s.TLSVersion = tls.VersionName(r.TLS.Version)
		if s.TLSVersion == "TLS 1.3" {
			s.TLSVersion = "TLSv1.3"
		} else {
			s.TLSVersion = "TLSv1.2"
		}
		s.TLSCipher = tls.CipherSuiteName(r.TLS.CipherSuite)
	}
	if sig != nil {
		s.AuthType = "AuthHeader"
		if sig.Presigned {
			s.AuthType = "QueryString"
		}
	}
	return s
}

func (a *answer) succeed(out any) {
	if out != nil {
		defer wire.Wipe(a.op.Output(), wire.PointerOf(out))
	}
	buf := answers.Get().(*[]byte)
	res := wire.Response{Header: a.w.Header(), Body: (*buf)[:0]}
	defer func() { releaseAnswer(buf, a.sent && len(res.Body) <= cap(*buf)) }()
	if err := a.codec.Encode(a.op, out, a.id, &res); err != nil {
		a.door.log.Error("cannot encode an output", "requestID", a.id, "operation", a.op.Name, "error", err)
		a.fail(&wire.CommonError{Kind: wire.InternalFailure})
		return
	}
	a.send(&res)
	a.door.metrics.succeed(a.op)
}

// releaseAnswer keeps the memory of an answer for the next. An answer that was sent and
// fitted has been zeroed (send); one that did not fit has been zeroed where it went, but
// began here.
func releaseAnswer(buf *[]byte, zeroed bool) {
	if !zeroed {
		clear((*buf)[:cap(*buf)])
	}
	answers.Put(buf)
}

func (a *answer) fail(err wire.APIError) {
	if a.sent {
		return // the status line is gone; the connection ends with the handler
	}
	res := wire.Response{Header: a.w.Header()}
	a.codec.EncodeError(a.api, a.op, err, a.id, &res)
	a.send(&res)
	a.door.metrics.answered(a.api, a.op, err.ErrorCode())
}

func (a *answer) send(res *wire.Response) {
	a.sent = true
	if res.Header.Get("X-Amzn-Requestid") == "" {
		res.Header["X-Amzn-Requestid"] = []string{a.id}
	}
	if res.Stream == nil {
		res.Header["Content-Length"] = []string{strconv.Itoa(len(res.Body))}
	}
	a.w.WriteHeader(res.Status)
	if res.Stream != nil {
		defer res.Stream.Close()
		_, _ = io.Copy(a.w, res.Stream)
		return
	}
	_, _ = a.w.Write(res.Body)
	clear(res.Body) // it may hold a plaintext key
}
