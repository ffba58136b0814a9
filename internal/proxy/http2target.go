package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"fastness/internal/http1"
)

// forwardHTTP2 forwards over HTTP/2. again tells that the target did not take the connection
// and, if others says that there may be one, another one may be tried.
func (f *flow) forwardHTTP2(others bool) (again bool) {
	ctx, cancel := context.WithCancel(f.p.ctx)
	defer cancel()
	f.x.NotifyGone(cancel)
	defer f.x.NotifyGone(nil)
	late := newPatience(f.balancer.idle, cancel)
	defer late.end()
	body := &requestBody{f: f, prefix: f.body, late: late}
	if !f.x.BodyEnded() && f.x.Head().Length != 0 {
		body.streams = true
		if f.x.Split() != nil {
			f.left()
			return false
		}
	}
	defer body.stop()
	res, err := f.target.Transport.RoundTrip(f.requestHTTP2(ctx, body))
	if err != nil {
		return f.failedHTTP2(body, late, err, others)
	}
	defer res.Body.Close()
	if body.sentHeld() {
		f.letGo()
	}
	f.respondHTTP2(res, late)
	return false
}

// failedHTTP2 answers a request that the target did not answer, or says to try another one.
func (f *flow) failedHTTP2(body *requestBody, late *patience, err error, others bool) (again bool) {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		f.p.unreachable.Add(1)
		if others && !body.begun.Load() {
			return true
		}
	}
	body.stop()
	switch {
	case body.err != nil:
		f.readFailed(body.err)
	case late.over.Load():
		f.refuse(http.StatusGatewayTimeout)
	default:
		f.refuse(gatewayStatus(err))
	}
	return false
}

// requestHTTP2 is the request for the target.
func (f *flow) requestHTTP2(ctx context.Context, body *requestBody) *http.Request {
	host := f.hostField()
	if host == "" {
		host = f.target.Addr
	}
	// An opaque URL of this form is sent as it is, without the decoding and encoding again
	// that a path would go through.
	u := &url.URL{Scheme: f.group.scheme, Host: f.target.Addr, Opaque: "//" + host + f.seen.Target}
	if f.seen.Target == "*" {
		u.Opaque = "*"
	}
	r := &http.Request{
		Method: f.seen.Method, URL: u, Host: host, Header: make(http.Header, len(f.out)+1),
		Proto: "HTTP/2.0", ProtoMajor: 2,
	}
	for i := range f.out {
		key := textproto.CanonicalMIMEHeaderKey(f.out[i].Name)
		r.Header[key] = append(r.Header[key], f.out[i].Value)
	}
	if _, own := r.Header["User-Agent"]; !own {
		r.Header["User-Agent"] = nil // otherwise the transport adds its own
	}
	head := f.x.Head()
	for i := range head.Fields {
		switch field := &head.Fields[i]; {
		case equalFold(field.Name, "te") && strings.Contains(strings.ToLower(field.Value), "trailers"):
			r.Header["Te"] = []string{"trailers"}
		case equalFold(field.Name, "trailer"):
			for name := range strings.SplitSeq(field.Value, ",") {
				if name = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)); name != "" {
					if r.Trailer == nil {
						r.Trailer = http.Header{}
					}
					r.Trailer[name] = nil
				}
			}
		}
	}
	switch {
	case body.streams:
		r.Body, r.ContentLength = body, head.Length
	case len(f.body) > 0:
		r.Body, r.ContentLength = body, int64(len(f.body))
	default:
		r.Body = http.NoBody
	}
	body.trailer = r.Trailer
	return r.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		Got1xxResponse: func(status int, header textproto.MIMEHeader) error {
			if status == http.StatusContinue {
				return nil
			}
			return f.x.Inform(status, f.response(fieldsOf(http.Header(header))))
		},
	}))
}

// respondHTTP2 sends the response to the client.
func (f *flow) respondHTTP2(res *http.Response, late *patience) {
	f.begun = true
	f.outcome.Status = res.StatusCode
	if f.x.Begin(res.StatusCode, f.stick(f.response(fieldsOf(res.Header))), res.ContentLength) != nil {
		f.left()
		return
	}
	watch := f.see(res.StatusCode, fieldsOf(res.Header))
	defer watch.end()
	buf := copyBuffers.Get().(*[copyBuffer]byte)
	defer copyBuffers.Put(buf)
	for {
		n, err := res.Body.Read(buf[:])
		late.again()
		if n > 0 {
			watch.write(buf[:n])
			if _, err := f.x.Write(buf[:n]); err != nil {
				f.left()
				return
			}
			f.outcome.Sent += int64(n)
		}
		switch {
		case err == io.EOF: //nolint:errorlint // as it comes from a reader
			if f.x.End(fieldsOf(res.Trailer)) != nil {
				f.left()
			}
			return
		case err != nil:
			f.p.cut.Add(1)
			f.x.Abort()
			return
		}
		if f.x.Flush() != nil {
			f.left()
			return
		}
	}
}

// fieldsOf is a header in a fixed order.
func fieldsOf(h http.Header) []http1.Field {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	var fields []http1.Field
	for _, name := range names {
		for _, value := range h[name] {
			fields = append(fields, http1.Field{Name: name, Value: value})
		}
	}
	return fields
}

// requestBody is the body of a request as a transport reads it: what was read already, then
// the rest.
type requestBody struct {
	f       *flow
	streams bool
	late    *patience
	trailer http.Header
	begun   atomic.Bool

	mu      sync.Mutex // one reads at a time, and none after stop
	prefix  []byte
	stopped bool
	n       int64
	err     error // why the client's body could not be read
}

var errBodyStopped = errors.New("proxy: the request has ended")

// Read implements io.Reader.
func (b *requestBody) Read(p []byte) (int, error) {
	b.begun.Store(true)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return 0, errBodyStopped
	}
	if len(b.prefix) > 0 {
		n := copy(p, b.prefix)
		b.prefix = b.prefix[n:]
		b.n += int64(n)
		return n, nil
	}
	if !b.streams {
		return 0, io.EOF
	}
	n, err := b.f.x.Read(p)
	b.late.again()
	b.n += int64(n)
	if most := b.f.balancer.attributes.MaxBody; most > 0 && b.n > most {
		err = &http1.Refusal{Status: http.StatusRequestEntityTooLarge, Reason: "body too large"}
	}
	if err == io.EOF { //nolint:errorlint // as it comes from a reader
		for _, field := range b.f.trailer() {
			key := textproto.CanonicalMIMEHeaderKey(field.Name)
			if _, named := b.trailer[key]; named {
				b.trailer[key] = append(b.trailer[key], field.Value)
			}
		}
	} else if err != nil {
		b.err = err
	}
	return n, err
}

// Close implements io.Closer. The transport may call it while the response still streams.
func (b *requestBody) Close() error { return nil }

// stop ends reads, and waits for one that runs.
func (b *requestBody) stop() {
	if b.streams && !b.done() {
		b.f.x.StopReading()
	}
	b.mu.Lock()
	b.stopped = true
	b.f.outcome.Received = b.n
	b.mu.Unlock()
}

// sentHeld tells whether the transport has taken all of what was read before.
func (b *requestBody) sentHeld() bool {
	if !b.mu.TryLock() {
		return false // it is being read
	}
	defer b.mu.Unlock()
	return len(b.prefix) == 0
}

// done tells whether the client's body was read to its end.
func (b *requestBody) done() bool {
	if !b.mu.TryLock() {
		return false // it is being read
	}
	defer b.mu.Unlock()
	return b.stopped || b.f.x.BodyEnded()
}

// patience ends a request on which nothing has passed for a time.
type patience struct {
	limit time.Duration
	timer *time.Timer
	over  atomic.Bool
}

func newPatience(limit time.Duration, cancel func()) *patience {
	p := &patience{limit: limit}
	p.timer = time.AfterFunc(limit, func() {
		p.over.Store(true)
		cancel()
	})
	return p
}

func (p *patience) again() { p.timer.Reset(p.limit) }

func (p *patience) end() { p.timer.Stop() }
