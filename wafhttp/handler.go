package wafhttp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"fastness/internal/engine/waf"
	"fastness/internal/engine/waf/challenge"
	"fastness/internal/engine/waf/request"
	"fastness/internal/proxy"
)

// The vocabulary of inspection. See the methods' documentation.
type (
	// Request is a request as an Inspector sees it.
	Request = request.Request
	// Verdict is what an Inspector decides.
	Verdict = proxy.Verdict
	// Inspector judges requests.
	Inspector = proxy.Inspector
	// Response is a custom response.
	Response = proxy.Response
	// Outcome is how a request ended.
	Outcome = proxy.Outcome
)

// Compile makes the inspector of a web ACL: JSON of an object with ARN, ACL and Sets. Sets of
// addresses and regular expressions, and rule groups, that rules refer to are in Sets.
func Compile(document []byte) (Inspector, error) {
	var acl proxy.WebACL
	d := json.NewDecoder(bytes.NewReader(document))
	d.DisallowUnknownFields()
	if err := d.Decode(&acl); err != nil {
		return nil, fmt.Errorf("wafhttp: web ACL: %w", err)
	}
	return proxy.NewEngine(waf.Options{}, nil).Compile(&acl, nil)
}

const (
	defaultBodyLimit = 16 << 10
	maxBodyLimit     = 64 << 10
	defaultBodyTime  = 30 * time.Second
)

// Options are what a Handler is made of. Inspector is required.
type Options struct {
	Inspector Inspector
	// BodyLimit is how many bytes of a body are inspected: 1 to 64 KB, 16 KB if 0.
	BodyLimit int
	// BodyTime bounds the time in which they arrive; 30 s if 0.
	BodyTime time.Duration
	// FailOpen lets requests pass whose inspection failed; otherwise they are answered 500.
	FailOpen bool
	// Client, if set, is the client's address, for applications behind a proxy that they
	// trust; otherwise it is that of the connection.
	Client func(*http.Request) netip.Addr
	// Interstitial, if set, answers requests that have to prove something first; otherwise
	// they are blocked.
	Interstitial proxy.Interstitial
	// APIKeys are the keys of the CAPTCHA JavaScript API: by the first 128 bits of the SHA-256 hash of each, in
	// hexadecimal, the domains that it is for.
	APIKeys map[string][]string
	// Recorder, if set, is told of every request.
	Recorder proxy.Recorder
	// Log gets failures; nil: slog.Default.
	Log *slog.Logger
}

// handler is the http.Handler.
type handler struct {
	Options
	next http.Handler
}

// Handler returns a handler that calls next for requests that pass.
func Handler(next http.Handler, o Options) http.Handler {
	if o.BodyLimit <= 0 || o.BodyLimit > maxBodyLimit {
		o.BodyLimit = defaultBodyLimit
	}
	if o.BodyTime <= 0 {
		o.BodyTime = defaultBodyTime
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &handler{o, next}
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	seen := h.describe(r)
	var v Verdict
	o := Outcome{Source: "proxy"}
	if err := h.readPrefix(w, r, seen); err != nil {
		status := http.StatusBadRequest
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			status = http.StatusRequestTimeout
		}
		w.Header().Set("Connection", "close")
		http.Error(w, http.StatusText(status), status)
		return
	}
	answer := h.judge(r.Context(), seen, &v, &o)
	if answer != nil {
		o.Status = answer.Status
		o.Sent = send(w, r, answer)
	} else {
		for name := range r.Header {
			if strings.HasPrefix(strings.ToLower(name), "x-amzn-waf-") {
				delete(r.Header, name) // the handler takes it for a word of the web ACL
			}
		}
		for _, f := range v.Insert {
			r.Header.Add(f.Name, f.Value)
		}
		o.Source = "target"
		counted := &counter{ResponseWriter: w, status: http.StatusOK, wantsBody: v.AnswerBody}
		h.next.ServeHTTP(counted, r)
		if v.Answered != nil {
			v.Answered(counted.answer())
		}
		o.Status, o.Sent = counted.status, counted.n
	}
	o.Duration = time.Since(seen.Time)
	if h.Recorder != nil {
		h.Recorder.Record(seen, &v, &o)
	}
	if v.Release != nil {
		v.Release()
	}
}

// describe makes the request as it is inspected, but its body.
func (h *handler) describe(r *http.Request) *Request {
	seen := &Request{
		Time: time.Now(), Method: r.Method, Target: r.RequestURI, Host: r.Host, Scheme: "http", Proto: r.Proto,
		Fields: make([]request.Field, 0, len(r.Header)+1),
	}
	if r.ProtoMajor == 2 {
		seen.Proto = "HTTP/2.0"
	}
	if seen.Target == "" {
		seen.Target = r.URL.RequestURI()
	}
	if r.TLS != nil {
		seen.Scheme = "https"
	}
	if h.Client != nil {
		seen.Remote = h.Client(r)
	} else if addr, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		seen.Remote = addr.Addr().Unmap().WithZone("")
	}
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	seen.Fields = append(seen.Fields, request.Field{Name: "Host", Value: r.Host})
	for _, name := range names {
		for _, value := range r.Header[name] {
			seen.Fields = append(seen.Fields, request.Field{Name: name, Value: value})
		}
	}
	return seen
}

// readPrefix reads what is inspected of the body, and puts it in front of the rest.
func (h *handler) readPrefix(w http.ResponseWriter, r *http.Request, seen *Request) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	control := http.NewResponseController(w)
	limited := control.SetReadDeadline(time.Now().Add(h.BodyTime)) == nil
	prefix, err := io.ReadAll(io.LimitReader(r.Body, int64(h.BodyLimit)+1))
	if err != nil {
		return err
	}
	if limited {
		_ = control.SetReadDeadline(time.Time{})
	}
	seen.Body = prefix
	if len(prefix) > h.BodyLimit {
		seen.Body, seen.BodyTruncated = prefix[:h.BodyLimit], true
	}
	r.Body = &rejoined{io.MultiReader(bytes.NewReader(prefix), r.Body), r.Body}
	return nil
}

// rejoined is a body of which some was read.
type rejoined struct {
	io.Reader
	io.Closer
}

// judge returns the answer to a request that does not pass, else nil.
func (h *handler) judge(ctx context.Context, seen *Request, v *Verdict, o *Outcome) *Response {
	if h.Interstitial != nil {
		if answer := h.Interstitial.Serve(ctx, seen, challenge.Site{TokenDomains: proxy.TokenDomains(h.Inspector), APIKeys: h.APIKeys}); answer != nil {
			o.Source = "waf"
			return answer
		}
	}
	if err := inspect(ctx, h.Inspector, seen, v); err != nil {
		*v, o.Failed = Verdict{}, true
		h.Log.Error("a request could not be inspected", "open", h.FailOpen, "error", err)
		if h.FailOpen {
			return nil
		}
		return &Response{Status: http.StatusInternalServerError}
	}
	if v.Act == proxy.Pass {
		return nil
	}
	o.Source = "waf"
	switch {
	case v.Act == proxy.Block && v.Response != nil:
		return v.Response
	case v.Act != proxy.Block && h.Interstitial != nil:
		return h.Interstitial.Answer(ctx, seen, v)
	}
	return proxy.BlockPage()
}

// inspect calls the inspector; a panic of its is an error.
func inspect(ctx context.Context, i Inspector, seen *Request, v *Verdict) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in the inspection: %T\n%s", p, debug.Stack())
		}
	}()
	return i.Inspect(ctx, seen, v)
}

// send sends an answer of ours and returns the bytes of its body.
func send(w http.ResponseWriter, r *http.Request, answer *Response) int64 {
	header := w.Header()
	for _, f := range answer.Fields {
		header.Add(f.Name, f.Value)
	}
	if answer.ContentType != "" {
		header.Set("Content-Type", answer.ContentType)
	}
	header.Set("Content-Length", strconv.Itoa(len(answer.Body)))
	w.WriteHeader(answer.Status)
	if r.Method == http.MethodHead {
		return 0
	}
	n, _ := w.Write(answer.Body)
	return int64(n)
}

// counter notes the status and the bytes of an answer.
type counter struct {
	http.ResponseWriter
	status  int
	written bool
	n       int64
	// Of an answer that the inspector wants to see: whether its body is wanted, and the beginning of it.
	wantsBody bool
	body      []byte
}

// answer is what was answered, for the inspector.
func (c *counter) answer() *waf.Answer {
	a := &waf.Answer{Time: time.Now(), Status: c.status, Body: c.body}
	for name, values := range c.Header() {
		for _, value := range values {
			a.Fields = append(a.Fields, request.Field{Name: name, Value: value})
		}
	}
	return a
}

// WriteHeader implements http.ResponseWriter.
func (c *counter) WriteHeader(status int) {
	if !c.written && status >= 200 {
		c.status, c.written = status, true
	}
	c.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	c.written = true
	n, err := c.ResponseWriter.Write(p)
	c.n += int64(n)
	if c.wantsBody {
		c.body = append(c.body, p[:min(n, waf.MaxAnswerBody-len(c.body))]...)
	}
	return n, err
}

// Unwrap lets http.ResponseController find what is below: flushing, hijacking, deadlines.
func (c *counter) Unwrap() http.ResponseWriter { return c.ResponseWriter }
