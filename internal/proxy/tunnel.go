package proxy

import (
	"context"
	"crypto/sha1" //nolint:gosec // the handshake of RFC 6455 has it
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"fastness/internal/http1"
	"fastness/internal/proxy/upstream"
)

// upgrade is the protocol that the client wants to go on with, if it is one we know:
// "websocket". Others are not offered to targets: who agrees on h2c with a target, say, speaks
// to it without being inspected.
func (f *flow) upgrade() string {
	head := f.x.Head()
	if _, ok := f.x.(*http1.Exchange); !ok || head.Minor == 0 || head.Method != http.MethodGet || head.Length != 0 {
		return ""
	}
	wants, named, version, key := false, false, false, false
	for i := range head.Fields {
		field := &head.Fields[i]
		switch {
		case equalFold(field.Name, "connection"):
			for option := range strings.SplitSeq(field.Value, ",") {
				named = named || equalFold(strings.Trim(option, " \t"), "upgrade")
			}
		case equalFold(field.Name, "upgrade"):
			if wants || !equalFold(field.Value, "websocket") {
				return ""
			}
			wants = true
		case equalFold(field.Name, "sec-websocket-version"):
			version = field.Value == "13"
		case equalFold(field.Name, "sec-websocket-key"):
			key = len(field.Value) == 24
		}
	}
	if wants && named && version && key {
		return "websocket"
	}
	return ""
}

// accepts tells whether the target's answer is that to the client's handshake
// (RFC 6455 §4.2.2): it has understood what it agrees to.
func (f *flow) accepts(head *http1.ResponseHead) bool {
	want := ""
	for i := range f.route.fields {
		if equalFold(f.route.fields[i].Name, "sec-websocket-key") {
			sum := sha1.Sum([]byte(f.route.fields[i].Value + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // as above
			want = base64.StdEncoding.EncodeToString(sum[:])
		}
	}
	protocol, accept := false, false
	for i := range head.Fields {
		field := &head.Fields[i]
		protocol = protocol || equalFold(field.Name, "upgrade") && equalFold(field.Value, "websocket")
		accept = accept || equalFold(field.Name, "sec-websocket-accept") && field.Value == want
	}
	return protocol && accept
}

// tunnel lets client and target speak with each other.
func (f *flow) tunnel(c *upstream.Conn, head *http1.ResponseHead, upgrade string) {
	defer c.Close()
	x, ok := f.x.(*http1.Exchange)
	if !ok || upgrade == "" || !f.accepts(head) {
		f.refuse(http.StatusBadGateway)
		return
	}
	f.x.NotifyGone(nil)
	f.begun = true
	f.outcome.Status = head.Status
	fields := append(f.stick(f.response(head.Fields)), http1.Field{Name: "Upgrade", Value: upgrade})
	client, err := x.Upgrade(fields)
	if err != nil {
		f.left()
		return
	}
	f.p.tunnels.Add(1)
	defer f.p.tunnels.Add(-1)
	end := sync.OnceFunc(func() {
		_ = client.Close()
		c.Close()
	})
	defer end()
	defer context.AfterFunc(f.target.Gone, end)()
	defer context.AfterFunc(f.conn.listener.draining, end)()
	s := splice{f: f, end: end}
	s.last.Store(f.p.clock.Now().UnixNano())
	var up sync.WaitGroup
	up.Go(func() { s.copy(c, client, c.CloseWrite, &f.outcome.Received) })
	s.copy(client, fromTarget{c, f}, client.CloseWrite, &f.outcome.Sent)
	up.Wait()
}

// fromTarget reads what a target says in a tunnel.
type fromTarget struct {
	c *upstream.Conn
	f *flow
}

func (r fromTarget) Read(p []byte) (int, error) {
	r.c.AwaitRead(r.f.p.clock.Now(), r.f.balancer.idle)
	return r.c.Response.Tunnel(p)
}

// splice is a tunnel's two directions.
type splice struct {
	f    *flow
	end  func()
	last atomic.Int64 // when something passed last, in either direction
}

// copy copies one direction. The other one goes on when this one has ended properly, as
// long as something passes.
func (s *splice) copy(to io.Writer, from io.Reader, finish func() error, n *int64) {
	buf := copyBuffers.Get().(*[copyBuffer]byte)
	defer copyBuffers.Put(buf)
	for {
		read, err := from.Read(buf[:])
		if read > 0 {
			s.last.Store(s.f.p.clock.Now().UnixNano())
			if c, ok := to.(*upstream.Conn); ok {
				c.AwaitWrite(s.f.p.clock.Now(), s.f.balancer.idle)
			}
			if _, err := to.Write(buf[:read]); err != nil {
				s.end()
				return
			}
			*n += int64(read)
		}
		var timeout interface{ Timeout() bool }
		switch {
		case err == nil:
		case err == io.EOF: //nolint:errorlint // as it comes from a connection
			if finish() != nil {
				s.end()
			}
			return
		case errors.As(err, &timeout) && timeout.Timeout() && s.f.p.clock.Now().UnixNano()-s.last.Load() < int64(s.f.balancer.idle):
		default:
			s.end()
			return
		}
	}
}
