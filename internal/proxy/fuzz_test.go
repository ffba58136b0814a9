package proxy

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"

	"fastness/internal/clock"
	"fastness/internal/http1"
	"fastness/internal/proxy/upstream"
)

// FuzzForwardedHead takes any bytes as a request, and checks what a target would get: one
// request and nothing behind it, as net/http reads it too, with the method, target and host
// that were inspected.
func FuzzForwardedHead(f *testing.F) {
	for _, c := range smuggling {
		f.Add([]byte(c.raw))
	}
	f.Add([]byte("GET http://h/a?b HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.2.3.4\r\nX-Amzn-Trace-Id: Self=1;Root=2;a=b\r\nConnection: X, close\r\nX: y\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		end := bytes.Index(raw, []byte("\r\n\r\n"))
		if end < 0 {
			return
		}
		var head http1.Head
		if http1.Parse(&head, raw[:end+4], headLimits) != nil {
			return
		}
		fw := flowOf(&head)
		if fw.check(&head) != 0 {
			return
		}
		fw.request()
		message := fw.message(&upstream.Conn{}, framing{length: head.Length, rest: head.Length != 0}, "")
		if head.Length != 0 {
			message = append(message, http1.AppendLastChunk(nil, nil)...)
		}
		if head.Length > 0 {
			return
		}
		in := bufio.NewReaderSize(bytes.NewReader(message), len(message)+16)
		r, err := http.ReadRequest(in)
		if err != nil {
			// net/url takes fewer targets than servers do.
			if strings.Contains(err.Error(), "parse") || strings.Contains(err.Error(), "escape") {
				return
			}
			t.Fatalf("%q became %q: %v", raw, message, err)
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Fatalf("%q became %q: body: %v", raw, message, err)
		}
		if rest, _ := io.ReadAll(in); len(rest) > 0 {
			t.Fatalf("%q became %q: a second request begins at %q", raw, message, rest)
		}
		if r.Method != fw.seen.Method || r.RequestURI != fw.seen.Target || fw.seen.Host != "" && r.Host != fw.seen.Host {
			t.Fatalf("%q: inspected %s %s of %s, sent %q", raw, fw.seen.Method, fw.seen.Target, fw.seen.Host, message)
		}
		if len(r.Header["X-Forwarded-For"]) != 1 || len(r.Header["X-Amzn-Trace-Id"]) != 1 || len(r.TransferEncoding) > 1 {
			t.Fatalf("%q became %q", raw, message)
		}
		var again http1.Head
		head2 := message[:bytes.Index(message, []byte("\r\n\r\n"))+4]
		if err := http1.Parse(&again, head2, http1.Limits{Bytes: 1 << 20, Fields: 1000}); err != nil {
			t.Fatalf("%q became %q, which we would not take: %v", raw, message, err)
		}
	})
}

// headExchange is an exchange of which there is the head only.
type headExchange struct {
	exchange
	head *http1.Head
}

func (x headExchange) Head() *http1.Head       { return x.head }
func (headExchange) TLS() *tls.ConnectionState { return nil }
func (headExchange) EndConnection()            {}

func flowOf(head *http1.Head) *flow {
	f := &flow{
		x: headExchange{head: head}, p: &Proxy{clock: clock.System{}},
		conn: &clientConn{address: "192.0.2.1"}, scheme: "http",
		balancer: &balancer{attributes: Attributes{PreserveHost: true}},
		listener: &listenerState{port: "80"}, target: &upstream.Target{Addr: "192.0.2.2:80"},
	}
	f.listener.balancer = f.balancer
	f.seen.Method, f.seen.Host = head.Method, head.Host
	return f
}
