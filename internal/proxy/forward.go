package proxy

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"fastness/internal/http1"
	"fastness/internal/proxy/upstream"
)

const (
	// copyBuffer is the memory in which a part of a body passes through, in bytes.
	copyBuffer = 32 << 10
	// maxTries bounds how many targets are tried until one takes the connection.
	maxTries = 3
)

var copyBuffers = sync.Pool{New: func() any { return new([copyBuffer]byte) }}

// forward sends the request to a target of the group and its response to the client.
func (f *flow) forward() {
	f.outcome.Source = "target"
	if f.group.grpc && f.seen.Proto != "HTTP/2.0" {
		f.refuse(statusProtocolMismatch)
		return
	}
	f.request()
	var tried []*upstream.Target
	for {
		f.target = nil
		if len(tried) == 0 {
			f.target = f.stuckTarget(f.group)
		}
		if f.target == nil {
			f.target = f.group.up.Choose(f.seen.Time, tried)
		}
		if f.target == nil {
			status := http.StatusServiceUnavailable
			if len(tried) > 0 {
				status = http.StatusBadGateway
			}
			f.refuse(status)
			return
		}
		f.outcome.Target = f.target.Addr
		f.target.Begin()
		var again bool
		if f.target.Transport != nil {
			again = f.forwardHTTP2(len(tried)+1 < maxTries)
		} else {
			again = f.forwardHTTP1(len(tried)+1 < maxTries)
		}
		f.target.End()
		if !again {
			return
		}
		tried = append(tried, f.target)
	}
}

// framing is how the body of a request is sent to a target of HTTP/1.1.
type framing struct {
	length  int64 // -1: chunked
	rest    bool  // more of it follows than was read
	trailer []http1.Field
}

// framing decides it. A body that is all there gets its length, however it came.
func (f *flow) framing() framing {
	head := f.x.Head()
	switch {
	case head.Length == 0:
		return framing{}
	case !f.x.BodyEnded():
		return framing{length: head.Length, rest: true}
	}
	if trailer := f.trailer(); len(trailer) > 0 {
		return framing{length: -1, trailer: trailer}
	}
	return framing{length: int64(len(f.body))}
}

// trailer is what a target gets of the request's trailer section: nothing where there is a web
// ACL, which has not seen it.
func (f *flow) trailer() []http1.Field {
	if f.balancer.inspector != nil {
		return nil
	}
	return f.x.Trailer()
}

// repeatable tells whether a request may be sent again when it is not known whether a target
// has acted on it (RFC 9110 §9.2.2).
func repeatable(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// forwardHTTP1 forwards over HTTP/1.1. again tells that the target did not take the
// connection and, if others says that there may be one, another one may be tried.
func (f *flow) forwardHTTP1(others bool) (again bool) {
	how := f.framing()
	upgrade := f.upgrade()
	for fresh := false; ; fresh = true {
		c, err := f.target.Acquire(f.p.ctx, f.p.clock.Now(), fresh)
		if err != nil {
			f.p.unreachable.Add(1)
			if !others {
				f.refuse(gatewayStatus(err))
			}
			return others
		}
		if f.over(c, how, upgrade) {
			return false
		}
		// An idle connection was closed as we used it, and the request can be sent again.
	}
}

// gatewayStatus is 504 for an error that is a timeout, else 502.
func gatewayStatus(err error) int {
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}

// over forwards over a connection. done is false if nothing has happened yet, and the
// request may be sent again over a fresh connection.
func (f *flow) over(c *upstream.Conn, how framing, upgrade string) (done bool) {
	f.x.NotifyGone(c.CloseFunc)
	defer f.x.NotifyGone(nil)
	idle := f.balancer.idle
	again := c.Reused() && !how.rest && repeatable(f.seen.Method)
	later := f.later()
	c.AwaitWrite(f.p.clock.Now(), idle)
	if _, err := c.Write(f.message(c, how, upgrade)); err != nil {
		c.Close()
		if again {
			return false
		}
		// The target may have refused early, and closed. Its answer would be readable, but a
		// reset has most often destroyed it.
		f.refuse(gatewayStatus(err))
		return true
	}
	var sending *sending
	if how.rest || len(later) > 0 {
		if how.rest && f.x.Split() != nil {
			c.Close()
			f.left()
			return true
		}
		sending = f.send(c, how, later)
		defer func() {
			if sending != nil {
				sending.stop()
			}
		}()
	}
	c.AwaitRead(f.p.clock.Now(), idle)
	head, err := f.final(c)
	if err != nil {
		begun := !errors.Is(err, http1.ErrNoResponse) && !isReset(err)
		c.Close()
		if again && !begun {
			return false
		}
		f.answerFailure(sending, err)
		return true
	}
	if sending == nil || sending.ended() {
		f.letGo()
	}
	if head.Status == http.StatusSwitchingProtocols {
		f.tunnel(c, head, upgrade)
		return true
	}
	whole := f.respond(c, head)
	sent := true
	if sending != nil {
		sent = sending.ended()
		sending.stop()
		sending = nil
	}
	if !whole {
		c.Close()
		return true
	}
	c.Release(sent)
	return true
}

// answerFailure answers a request whose target did not answer.
func (f *flow) answerFailure(s *sending, err error) {
	if s != nil {
		s.stop()
		if failed := s.readError(); failed != nil {
			// The client is why: it left, was too slow, or its body is malformed.
			f.readFailed(failed)
			return
		}
	}
	if errors.Is(err, net.ErrClosed) { // by ourselves, when the client left
		f.left()
		return
	}
	f.refuse(gatewayStatus(err))
}

// left ends a request whose client has left.
func (f *flow) left() {
	f.outcome.Status = statusClientClosed
	f.begun = true
	f.x.Abort()
}

// later is what was read of the body and is sent beside the answer: what is longer than a proxy may take for granted that a target takes
// before it answers.
func (f *flow) later() []byte { return f.body[min(len(f.body), heldBody+1):] }

// message is the head of the request and what was read of its body, but for what follows later.
func (f *flow) message(c *upstream.Conn, how framing, upgrade string) []byte {
	body, later := f.body, f.later()
	body = body[:len(body)-len(later)]
	b := http1.AppendRequestLine(c.Out[:0], f.seen.Method, f.seen.Target)
	if host := f.hostField(); host != "" {
		b = http1.AppendField(b, "Host", host)
	} else {
		b = http1.AppendField(b, "Host", f.target.Addr) // HTTP/1.0 without one
	}
	b = http1.AppendFields(b, f.out)
	if upgrade != "" {
		b = http1.AppendField(b, "Upgrade", upgrade)
		b = append(b, "Connection: Upgrade\r\n"...)
	}
	switch {
	case how.length < 0:
		b = append(b, "Transfer-Encoding: chunked\r\n\r\n"...)
		if len(f.body) > 0 {
			b = http1.AppendChunkHead(b, len(f.body))
			if b = append(b, body...); len(later) == 0 {
				b = append(b, "\r\n"...)
			}
		}
		if !how.rest && len(later) == 0 {
			b = http1.AppendLastChunk(b, how.trailer)
		}
	default:
		if how.length > 0 || needsLength(f.seen.Method) {
			b = http1.AppendLength(b, how.length)
		}
		b = append(append(b, "\r\n"...), body...)
	}
	c.Out = b
	if cap(b) > copyBuffer {
		c.Out = nil
	}
	return b
}

// needsLength tells whether a request without a body says so: one of a method that has a
// meaning for a body (RFC 9110 §8.6).
func needsLength(method string) bool {
	switch method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		return true
	}
	return false
}

// final reads the head of the final response, and passes informational ones on.
func (f *flow) final(c *upstream.Conn) (*http1.ResponseHead, error) {
	const most = 16 // informational responses
	for range most {
		head, err := c.Response.Next(f.seen.Method)
		if err != nil {
			return nil, err
		}
		switch {
		case head.Status >= 200 || head.Status == http.StatusSwitchingProtocols:
			return head, nil
		case head.Status == http.StatusContinue: // the client was told by us
		default:
			if err := f.x.Inform(head.Status, f.response(head.Fields)); err != nil {
				return nil, err
			}
		}
	}
	return nil, errTooManyInformational
}

var errTooManyInformational = errors.New("proxy: too many informational responses")

// respond sends a target's response to the client, and tells whether it was all there.
func (f *flow) respond(c *upstream.Conn, head *http1.ResponseHead) (whole bool) {
	length := head.Length
	if head.Length == 0 && head.Declared > 0 {
		length = head.Declared // of a body that does not follow: HEAD, 304
	} else if head.Length == 0 && head.Declared < 0 && f.seen.Method == http.MethodHead {
		length = -1
	}
	f.begun = true
	f.outcome.Status = head.Status
	if f.x.Begin(head.Status, f.stick(f.response(head.Fields)), length) != nil {
		f.left()
		return false
	}
	watch := f.see(head.Status, head.Fields)
	defer watch.end()
	if c.Response.Ended() {
		return f.x.End(nil) == nil
	}
	if c.Response.Buffered() == 0 && f.x.Flush() != nil { // the head may be all that comes for a while
		f.left()
		return false
	}
	buf := copyBuffers.Get().(*[copyBuffer]byte)
	defer copyBuffers.Put(buf)
	for {
		n, err := c.Response.Read(buf[:])
		if n > 0 {
			watch.write(buf[:n])
			if _, err := f.x.Write(buf[:n]); err != nil {
				f.left()
				return false
			}
			f.outcome.Sent += int64(n)
		}
		switch {
		case c.Response.Ended():
			return f.x.End(c.Response.Trailer()) == nil
		case err != nil:
			f.p.cut.Add(1)
			f.x.Abort()
			return false
		case c.Response.Buffered() == 0:
			if f.x.Flush() != nil { // before we wait for more
				f.left()
				return false
			}
			c.AwaitRead(f.p.clock.Now(), f.balancer.idle)
		}
	}
}

// sending is the sending of the rest of a request's body, beside its response.
type sending struct {
	f    *flow
	c    *upstream.Conn
	how  framing
	done chan struct{}
	// read and written are the errors; both are to be read after done.
	read, written error
	n             int64
	// last tells that the last part is being written: done follows at once.
	last atomic.Bool
}

// send begins to send the rest of the body: later, which was read, and what was not if the framing says that there is more.
func (f *flow) send(c *upstream.Conn, how framing, later []byte) *sending {
	s := &sending{f: f, c: c, how: how, done: make(chan struct{}), n: int64(len(f.body))}
	go func() {
		defer close(s.done)
		if s.held(later); s.written == nil && how.rest {
			s.run(how.length < 0)
		}
		if s.read != nil || s.written != nil {
			// The target waits for what will not come; nothing it says counts any more,
			// unless it has answered already: then what it still has to say may come.
			if s.read != nil {
				c.Close()
			}
		}
	}()
	return s
}

// held sends what was read of the body, and the end of it if that was all.
func (s *sending) held(b []byte) {
	if len(b) == 0 {
		return
	}
	chunked := s.how.length < 0
	for len(b) > 0 && s.written == nil {
		part := b[:min(len(b), copyBuffer)]
		if b = b[len(part):]; len(b) == 0 && !chunked && !s.how.rest {
			s.last.Store(true)
		}
		s.write(part)
	}
	if !chunked || s.written != nil {
		return
	}
	end := []byte("\r\n")
	if !s.how.rest {
		s.last.Store(true)
		end = http1.AppendLastChunk(end, s.how.trailer)
	}
	s.write(end)
}

// write writes a part of the body.
func (s *sending) write(b []byte) {
	s.c.AwaitWrite(s.f.p.clock.Now(), s.f.balancer.idle)
	if _, s.written = s.c.Write(b); s.written != nil {
		return
	}
	// The target's time to answer begins when it has all of the request.
	s.c.ExtendRead(s.f.p.clock.Now(), s.f.balancer.idle)
}

func (s *sending) run(chunked bool) {
	buf := copyBuffers.Get().(*[copyBuffer]byte)
	defer copyBuffers.Put(buf)
	room := 0
	if chunked {
		room = http1.ChunkHeadRoom
	}
	most := s.f.balancer.attributes.MaxBody
	for {
		n, err := s.f.x.Read(buf[room : len(buf)-2])
		if s.n += int64(n); most > 0 && s.n > most {
			s.read = &http1.Refusal{Status: http.StatusRequestEntityTooLarge, Reason: "body too large"}
			return
		}
		if !chunked && s.n == s.f.x.Head().Length {
			s.last.Store(true)
		}
		if n > 0 {
			b := buf[room : room+n]
			if chunked {
				var size [http1.ChunkHeadRoom]byte
				line := http1.AppendChunkHead(size[:0], n)
				copy(buf[room-len(line):], line)
				copy(buf[room+n:], "\r\n")
				b = buf[room-len(line) : room+n+2]
			}
			if s.write(b); s.written != nil {
				return
			}
		}
		if err == io.EOF { //nolint:errorlint // as it comes from a reader
			s.last.Store(true)
			if chunked {
				_, s.written = s.c.Write(http1.AppendLastChunk(buf[:0], s.f.trailer()))
			}
			return
		}
		if err != nil {
			s.read = err
			return
		}
	}
}

// ended tells whether all was sent. A target that has all of a request may have answered
// before the one who wrote it runs again: that is waited for.
func (s *sending) ended() bool {
	if s.last.Load() {
		<-s.done
	}
	select {
	case <-s.done:
		return s.read == nil && s.written == nil
	default:
		return false
	}
}

// stop ends the sending and waits for its end.
func (s *sending) stop() {
	select {
	case <-s.done:
	default:
		if s.how.rest {
			s.f.x.StopReading()
		}
		s.c.Close()
		<-s.done
	}
	s.f.outcome.Received = s.n
}

// readError is why the client's body could not be read, or nil.
func (s *sending) readError() error { return s.read }
