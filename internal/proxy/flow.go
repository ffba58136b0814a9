package proxy

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"fastness/internal/engine/waf/challenge"
	"fastness/internal/engine/waf/request"
	"fastness/internal/http1"
	"fastness/internal/proxy/upstream"
)

// exchange is a request and the way to answer it, over whichever version of HTTP:
// *http1.Exchange, *http2.Stream.
type exchange interface {
	Head() *http1.Head
	TLS() *tls.ConnectionState
	Limit(progress time.Duration)
	LimitRead(total time.Duration)
	Tolerate(wait time.Duration)
	Read(p []byte) (int, error)
	BodyEnded() bool
	Trailer() []http1.Field
	Split() error
	StopReading()
	EndConnection()
	NotifyGone(f func())
	Inform(status int, fields []http1.Field) error
	Begin(status int, fields []http1.Field, length int64) error
	Write(p []byte) (int, error)
	Flush() error
	Sent() bool
	End(trailer []http1.Field) error
	Abort()
}

// flow is one request on its way. It is used again for other requests.
type flow struct {
	p        *Proxy
	x        exchange
	conn     *clientConn
	listener *listenerState
	balancer *balancer
	scheme   string

	seen    request.Request
	verdict Verdict
	outcome Outcome
	route   routing
	action  *action
	group   *group
	target  *upstream.Target

	prefix []byte          // memory of seen.Body, with one byte more
	body   []byte          // what was read of the body
	held   *held           // memory of body, if that is longer than prefix
	fields []request.Field // memory of seen.Fields
	out    []http1.Field
	back   []http1.Field
	// options are the names that Connection named last.
	options []string
	begun   bool // the answer was begun
	// Of a forward-auth endpoint: what was decided if not the inspector decided, and whether
	// nginx asks.
	authorized string
	nginx      bool
}

var flows = sync.Pool{New: func() any { return new(flow) }}

// serve answers a request.
func (p *Proxy) serve(x exchange, conn *clientConn, proto string) {
	f := flows.Get().(*flow)
	f.p, f.x, f.conn = p, x, conn
	f.listener = conn.listener.state.Load()
	f.balancer = f.listener.balancer
	f.scheme = "http"
	if x.TLS() != nil {
		f.scheme = "https"
	}
	p.active.Add(1)
	f.run(proto)
	p.active.Add(-1)
	f.forget()
	flows.Put(f)
}

// forget lets go of all that the request brought.
func (f *flow) forget() {
	if f.held != nil {
		f.giveBack()
		clear(f.prefix[:cap(f.prefix)])
	} else {
		clear(f.body)
	}
	clear(f.fields[:cap(f.fields)])
	clear(f.out[:cap(f.out)])
	clear(f.back[:cap(f.back)])
	clear(f.options[:cap(f.options)])
	*f = flow{prefix: f.prefix, fields: f.fields[:0], out: f.out[:0], back: f.back[:0], options: f.options[:0]}
}

// run answers the request; a panic ends it and nothing else.
func (f *flow) run(proto string) {
	defer func() {
		if v := recover(); v != nil {
			f.p.panics.Add(1)
			// The value may quote an input, so only its type is told.
			f.p.log.Error("panic while a request was served", "type", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
			f.fail(http.StatusInternalServerError)
		}
	}()
	now := f.p.clock.Now()
	x, head := f.x, f.x.Head()
	x.Limit(f.balancer.idle)
	if now.Sub(f.conn.opened) > f.balancer.keepAlive {
		x.EndConnection()
	}
	f.seen = request.Request{
		Time: now, Method: head.Method, Host: head.Host, Scheme: f.scheme, Proto: proto,
		Remote: f.conn.client.Addr(), JA3: f.conn.ja3, JA4: f.conn.ja4,
	}
	f.outcome.Resource, f.outcome.ClientPort, f.outcome.WebACL = f.balancer.arn, f.conn.client.Port(), f.balancer.webACL
	if status := f.check(head); status != 0 {
		if status == http.StatusBadRequest {
			x.EndConnection() // whatever follows may be a part of it
		}
		f.refuse(status)
	} else if f.listener.auth != nil {
		f.authorize()
	} else if f.choose(); f.inspect() {
		f.act()
	}
	f.record()
}

// check looks at what the parsers let pass and a proxy may not, and fills what conditions
// look at. The status is 0 or that of the refusal.
func (f *flow) check(head *http1.Head) (status int) {
	target := head.Target
	switch head.Form {
	case http1.Authority: // CONNECT: we are no tunnel
		return http.StatusMethodNotAllowed
	case http1.Absolute:
		_, rest, _ := strings.Cut(target, "://")
		target = "/"
		if i := strings.IndexAny(rest, "/?"); i >= 0 && rest[i] == '/' {
			target = rest[i:]
		} else if i >= 0 {
			target = "/" + rest[i:]
		}
		// RFC 9112 §3.2.2 has the target's authority win, but not all servers know.
		for i := range head.Fields {
			if equalFold(head.Fields[i].Name, "host") && !strings.EqualFold(head.Fields[i].Value, head.Host) {
				return http.StatusBadRequest
			}
		}
	}
	if head.Method == http.MethodTrace { // AWS, and RFC 9110 §9.3.8: it would show our fields
		return http.StatusMethodNotAllowed
	}
	f.seen.Target = target
	path, query, _ := strings.Cut(target, "?")
	f.route = routing{method: head.Method, host: head.Host, path: path, query: query, fields: head.Fields, client: f.seen.Remote}
	trace := ""
	for i := range head.Fields {
		if equalFold(head.Fields[i].Name, "x-amzn-trace-id") {
			trace = traceRoot(head.Fields[i].Value)
		}
	}
	if f.seen.ID = trace; trace == "" {
		f.seen.ID = newTrace(f.seen.Time)
	}
	if forwards(head.Fields) > maxForwards {
		return statusTooManyForwards
	}
	if max := f.balancer.attributes.MaxBody; max > 0 && head.Length > max {
		return http.StatusRequestEntityTooLarge
	}
	return 0
}

// inspect has the request judged, once as much of its body is there as the web ACL sees. It
// tells whether the request goes on; if not, it was answered.
func (f *flow) inspect() bool {
	inspector := f.balancer.inspector
	if inspector == nil && !owns(f.p.options.Interstitial, f.seen.Target) {
		return true
	}
	if !f.readPrefix() {
		return false
	}
	f.fields = f.fields[:0]
	for _, field := range f.x.Head().Fields {
		f.fields = append(f.fields, request.Field(field))
	}
	f.seen.Fields = f.fields
	return f.decide()
}

// decide has the inspector judge the request, of which everything is there. It tells
// whether the request goes on; if not, it was answered.
func (f *flow) decide() bool {
	inspector := f.balancer.inspector
	if i := f.p.options.Interstitial; i != nil {
		if answer := i.Serve(f.p.ctx, &f.seen, challenge.Site{TokenDomains: TokenDomains(inspector), APIKeys: f.balancer.apiKeys}); answer != nil {
			f.answer(answer, "waf")
			return false
		}
	}
	if inspector == nil {
		return true
	}
	if err := f.judge(inspector); err != nil {
		f.p.uninspected.Add(1)
		f.outcome.Failed = true
		f.verdict = Verdict{} // what is left of it is not used again
		f.p.log.Error("a request could not be inspected", "resource", f.balancer.arn, "open", f.balancer.attributes.FailOpen, "error", err)
		if !f.balancer.attributes.FailOpen {
			f.refuse(http.StatusInternalServerError)
			return false
		}
	}
	switch f.verdict.Act {
	case Pass:
		return true
	case Captcha, Challenge:
		if f.p.options.Interstitial != nil {
			f.answer(f.p.options.Interstitial.Answer(f.p.ctx, &f.seen, &f.verdict), "waf")
			return false
		}
	case Block:
		if f.verdict.Response != nil {
			f.answer(f.verdict.Response, "waf")
			return false
		}
	}
	f.answer(page(http.StatusForbidden), "waf")
	return false
}

// judge calls the inspector; a panic of its is an error.
func (f *flow) judge(inspector Inspector) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic in the inspection: %T\n%s", v, debug.Stack())
		}
	}()
	return inspector.Inspect(f.p.ctx, &f.seen, &f.verdict)
}

// needsBody tells whether an inspector looks at bodies; one that does not say so does.
func needsBody(i Inspector) bool {
	n, ok := i.(interface{ NeedsBody() bool })
	return !ok || n.NeedsBody()
}

// owns tells whether a request may be for the interstitial itself; one that does not say so has to
// be asked. Only then is a body held that nobody inspects.
func owns(i Interstitial, target string) bool {
	if i == nil {
		return false
	}
	o, ok := i.(interface{ Owns(target string) bool })
	return !ok || o.Owns(target)
}

// calls tells whether the request is a call of gRPC to a target group of gRPC. Its body is a
// stream of messages, and the next one may not come before the first was answered, so the
// inspected prefix ends with the first message at the latest.
func (f *flow) calls() bool {
	if f.group == nil || !f.group.grpc {
		return false
	}
	for i := range f.route.fields {
		if field := &f.route.fields[i]; equalFold(field.Name, "content-type") {
			return strings.HasPrefix(field.Value, "application/grpc")
		}
	}
	return false
}

// messageEnd is the length of the message of gRPC that b begins with, with its header of
// five bytes; a large number if that is not there yet.
func messageEnd(b []byte) int64 {
	if len(b) < 5 {
		return 1 << 40
	}
	return 5 + int64(binary.BigEndian.Uint32(b[1:5]))
}

// readPrefix reads what is held of the body, and one byte more, which tells whether
// it goes on. It tells whether the request goes on; if not, it was answered.
func (f *flow) readPrefix() bool {
	head := f.x.Head()
	if head.Length == 0 || !needsBody(f.balancer.inspector) && !owns(f.p.options.Interstitial, f.seen.Target) {
		return true
	}
	calls := f.calls()
	limit := f.balancer.attributes.InspectedBody
	first, most := f.holding()
	if cap(f.prefix) < first+1 {
		f.prefix = make([]byte, 0, first+1)
	}
	f.body = f.prefix[:0]
	hold, began := first, f.p.clock.Now()
	f.x.LimitRead(f.balancer.idle)
	for !f.x.BodyEnded() {
		if len(f.body) > hold {
			if hold == most || !f.more(most) {
				break
			}
			hold = min(cap(f.body)-1, most)
		}
		if hold > first {
			f.tolerate(began, calls)
		}
		n, err := f.x.Read(f.body[len(f.body) : hold+1])
		f.body = f.body[:len(f.body)+n]
		if err == io.EOF { //nolint:errorlint // as it comes from a reader
			break
		}
		if hold > first && errors.Is(err, os.ErrDeadlineExceeded) {
			break // it may go on later
		}
		if err == nil {
			err = f.tooLarge()
		}
		if err != nil {
			f.readFailed(err)
			return false
		}
		if calls && int64(len(f.body)) >= messageEnd(f.body) {
			break
		}
	}
	f.x.Limit(f.balancer.idle)
	more := !f.x.BodyEnded() && (calls || len(f.body) > first) || len(f.body) > hold
	f.seen.Body, f.seen.BodyTruncated = f.body[:min(len(f.body), limit)], more || len(f.body) > limit
	f.seen.Held, f.seen.HeldTruncated = f.body[:min(len(f.body), hold)], more
	return true
}

// tolerate has the next read of a long body wait for a while. One whose length is known has to come within the time for all that
// is held.
func (f *flow) tolerate(began time.Time, calls bool) {
	left := max(f.balancer.idle-f.p.clock.Now().Sub(began), time.Millisecond)
	if f.x.Head().Length < 0 && !calls {
		left = min(left, pauseHeld)
	}
	f.x.Tolerate(left)
}

// tooLarge refuses a body of which more has come than it may have; one that tells its length was refused before.
func (f *flow) tooLarge() error {
	if most := f.balancer.attributes.MaxBody; most > 0 && int64(len(f.body)) > most {
		return &http1.Refusal{Status: http.StatusRequestEntityTooLarge, Reason: "body too large"}
	}
	return nil
}

// readFailed answers a request whose body did not come as it should.
func (f *flow) readFailed(err error) {
	var refusal *http1.Refusal
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &refusal):
		f.refuse(refusal.Status)
	case errors.As(err, &timeout) && timeout.Timeout():
		f.refuse(http.StatusRequestTimeout)
	default:
		f.outcome.Status, f.outcome.Source = statusClientClosed, "proxy"
		f.begun = true
		f.x.Abort()
	}
}

// choose finds out what the listener's rules say to do.
func (f *flow) choose() {
	f.action = &f.listener.otherwise
	for i := range f.listener.rules {
		if r := &f.listener.rules[i]; r.applies(&f.route) {
			f.action = &r.action
			break
		}
	}
	if len(f.action.groups) > 0 {
		f.group = f.chooseGroup(f.action)
	}
}

// act does what the listener's rules say.
func (f *flow) act() {
	switch a := f.action; {
	case a.fixed != nil:
		fixed := *a.fixed
		fixed.Fields = []http1.Field{serverField}
		f.answer(&fixed, "fixed")
	case a.redirect != nil:
		f.redirect(a.redirect)
	default:
		if f.group == nil {
			f.refuse(http.StatusServiceUnavailable)
			return
		}
		f.forward()
	}
}

func (f *flow) redirect(d *Redirect) {
	port := f.listener.port
	location := d.location(&f.route, f.scheme, port)
	if location == "" {
		f.refuse(http.StatusInsufficientStorage)
		return
	}
	answer := *page(d.Status)
	answer.Fields = []http1.Field{serverField, {Name: "Location", Value: location}}
	f.answer(&answer, "redirect")
}

// refuse answers with the load balancer's page. After a request that was not read to its end
// the connection ends.
func (f *flow) refuse(status int) {
	f.answer(page(status), "proxy")
}

// fail answers with a status if nothing was answered yet, else ends the answer short.
func (f *flow) fail(status int) {
	if !f.begun {
		f.refuse(status)
		return
	}
	f.x.Abort()
}

// answer answers the request here.
func (f *flow) answer(r *Response, source string) {
	f.begun = true
	f.outcome.Status, f.outcome.Source = r.Status, source
	fields := append(f.back[:0], r.Fields...)
	if r.ContentType != "" && len(r.Body) > 0 {
		fields = append(fields, http1.Field{Name: "Content-Type", Value: r.ContentType})
	}
	status := r.Status
	if f.listener.auth != nil {
		fields, status = f.authFields(fields, status)
		f.outcome.Status = status
	}
	f.back = fields
	if f.x.Begin(status, fields, int64(len(r.Body))) != nil {
		f.x.Abort()
		return
	}
	if len(r.Body) > 0 && f.seen.Method != http.MethodHead && bodyAllowed(r.Status) {
		n, _ := f.x.Write(r.Body)
		f.outcome.Sent += int64(n)
	}
	_ = f.x.End(nil)
}

func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// record tells the recorder.
func (f *flow) record() {
	f.outcome.Duration = f.p.clock.Now().Sub(f.seen.Time)
	f.p.requests.Add(1)
	if f.balancer.inspector != nil && f.p.options.Recorder != nil {
		f.p.options.Recorder.Record(&f.seen, &f.verdict, &f.outcome)
	}
	if f.verdict.Release != nil {
		f.verdict.Release()
	}
}
