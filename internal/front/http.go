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
	id, event := audit.NewIDs()
	a := &answer{door: d, w: w, r: r, id: id, ids: [1]string{id}, codec: d.router.codecs[wire.RESTJSON1]}
	a.call.EventID = event
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

	// What else an exchange needs, in one piece of memory.
	call     call.Call
	settle   call.Settlement
	source   call.Source
	request  wire.Request
	response wire.Response
	ids      [1]string // the header fields' values
	length   [1]string
}

// signatures holds the memory of signatures between requests.
var signatures = sync.Pool{New: func() any { return new(sigv4.Signature) }}

func releaseSignature(s *sigv4.Signature) {
	*s = sigv4.Signature{} // the pool holds nothing of the request alive
	signatures.Put(s)
}

func (d *Door) serve(ctx context.Context, a *answer) {
	r := a.r
	memory := signatures.Get().(*sigv4.Signature)
	defer releaseSignature(memory)
	sig, sigErr := parseSignature(memory, r)
	p := payload{sent: bodies.Get().(*bytes.Buffer), compressed: isCompressed(r)}
	defer p.release()
	readErr := readBody(a, p.sent, d.router.bound(r, sig))
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
	c := &a.call
	c.RequestID, c.Operation, c.Principal = a.id, t.op, principal
	c.Region, c.Account, c.Time = region, principal.Account, d.clock.Now()
	c.Settlement = &a.settle
	c.Source = &a.source
	setSource(c.Source, r, sig)
	if body, err = p.plain(); err == nil && int64(len(body)) > t.room.maxBody() {
		err = errTooLarge
	}
	if err != nil {
		a.fail(d.refuse(ctx, c, bodyError(err)))
		return
	}
	a.request = wire.Request{
		Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Host: r.Host,
		Header: r.Header, Body: body, Labels: t.labels,
	}
	in, err := t.codec.Decode(t.op, &a.request)
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

// parseSignature reads the signature of r into sig, which it returns, or nil when r has none.
func parseSignature(sig *sigv4.Signature, r *http.Request) (*sigv4.Signature, error) {
	err := sig.Parse(sigv4.FromHTTP(r))
	if err == nil {
		return sig, nil
	}
	if e := (*sigv4.Error)(nil); errors.As(err, &e) && e.Kind == sigv4.KindMissing {
		return nil, nil
	}
	return nil, err
}

var errTooLarge = errors.New("front: request body too large")

// readBody reads the whole body, of at most bound bytes. A larger one is not read to its end.
func readBody(a *answer, buf *bytes.Buffer, bound int64) error {
	r := a.r
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	if r.ContentLength > bound {
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
		n, err := buf.ReadFrom(io.LimitReader(r.Body, bound+1))
		switch {
		case err != nil:
			return err
		case n > bound:
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

// setSource takes down where a request came from.
func setSource(s *call.Source, r *http.Request, sig *sigv4.Signature) {
	*s = call.Source{UserAgent: first(r.Header, "User-Agent"), Host: r.Host}
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
}

func (a *answer) succeed(out any) {
	if out != nil {
		defer wire.Wipe(a.op.Output(), wire.PointerOf(out))
	}
	buf := answers.Get().(*[]byte)
	res := a.respond()
	res.Body = (*buf)[:0]
	zeroed := false
	defer func() { releaseAnswer(buf, zeroed) }()
	if err := a.codec.Encode(a.op, out, a.id, res); err != nil {
		a.door.log.Error("cannot encode an output", "requestID", a.id, "operation", a.op.Name, "error", err)
		a.fail(&wire.CommonError{Kind: wire.InternalFailure})
		return
	}
	a.send(res)
	zeroed = len(res.Body) <= cap(*buf)
	a.door.metrics.succeed(a.op)
}

// respond begins an answer. It has the id of the request, which codecs leave if it is there.
func (a *answer) respond() *wire.Response {
	a.response = wire.Response{Header: a.w.Header()}
	a.response.Header["X-Amzn-Requestid"] = a.ids[:]
	return &a.response
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
	res := a.respond()
	a.codec.EncodeError(a.api, a.op, err, a.id, res)
	a.send(res)
	a.door.metrics.answered(a.api, a.op, err.ErrorCode())
}

func (a *answer) send(res *wire.Response) {
	a.sent = true
	if res.Stream == nil {
		a.length[0] = strconv.Itoa(len(res.Body))
		res.Header["Content-Length"] = a.length[:]
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
