package front

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fastness/internal/ca"
)

// pipeListener accepts the server's ends of pipes, so that a test can have a clock of
// its own.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	close(l.closed)
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (l *pipeListener) dial() net.Conn {
	client, server := net.Pipe()
	l.conns <- server
	return client
}

// inTime runs f against a server under a synthetic clock. The handler reads the whole
// body and answers with as much as the request's X-Answer says.
func inTime(t *testing.T, config *tls.Config, f func(t *testing.T, l *pipeListener)) {
	synctest.Test(t, func(t *testing.T) {
		l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
		s := serve(l, config, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			if r.Header.Get("X-Answer") == "long" {
				_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
			}
		}), slog.New(slog.DiscardHandler))
		f(t, l)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
}

// ended waits until the server has closed conn and gives the time that it took.
func ended(conn net.Conn) time.Duration {
	began := time.Now()
	_, _ = io.Copy(io.Discard, conn)
	return time.Since(began)
}

// drip writes text one byte a second, by the synthetic clock, until the connection ends.
func drip(conn net.Conn, text string) {
	for i := range len(text) {
		if _, err := io.WriteString(conn, text[i:i+1]); err != nil {
			return
		}
		time.Sleep(time.Second)
	}
}

// Whatever a client does slowly ends in a bounded time.
func TestSlowClientsAreCutOff(t *testing.T) {
	const head = "POST / HTTP/1.1\r\nHost: x\r\n"
	for _, c := range []struct {
		name string
		most time.Duration
		do   func(conn net.Conn)
	}{
		{"silent", firstByteTimeout, func(net.Conn) {}},
		{"one byte", readHeaderTimeout, func(conn net.Conn) { _, _ = io.WriteString(conn, "P") }},
		{"half a header", readHeaderTimeout, func(conn net.Conn) { _, _ = io.WriteString(conn, head) }},
		{"header byte by byte", readHeaderTimeout + time.Second, func(conn net.Conn) { drip(conn, head+"X-A: "+strings.Repeat("a", 1000)) }},
		{"half a body", readTimeout, func(conn net.Conn) { _, _ = io.WriteString(conn, head+"Content-Length: 100\r\n\r\nabc") }},
		{"body byte by byte", readTimeout + time.Second, func(conn net.Conn) {
			if _, err := io.WriteString(conn, head+"Content-Length: 1000\r\n\r\n"); err == nil {
				drip(conn, strings.Repeat("a", 1000))
			}
		}},
		{"endless chunks", readTimeout + time.Second, func(conn net.Conn) {
			if _, err := io.WriteString(conn, head+"Transfer-Encoding: chunked\r\n\r\n"); err == nil {
				drip(conn, strings.Repeat("1\r\na\r\n", 1000))
			}
		}},
		{"the h2 preface alone", readTimeout, func(conn net.Conn) { _, _ = io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			inTime(t, nil, func(t *testing.T, l *pipeListener) {
				conn := l.dial()
				var writing sync.WaitGroup
				defer writing.Wait()
				defer conn.Close()
				writing.Go(func() { c.do(conn) })
				if took := ended(conn); took > c.most+time.Second {
					t.Errorf("cut off after %v, not %v", took, c.most)
				}
			})
		})
	}
}

func TestIdleConnectionsEnd(t *testing.T) {
	inTime(t, nil, func(t *testing.T, l *pipeListener) {
		conn := l.dial()
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatal(res, err)
		}
		if took := ended(conn); took < idleTimeout-time.Second || took > idleTimeout+time.Second {
			t.Errorf("idle for %v", took)
		}
	})
}

// Who does not read the answer does not keep it for ever.
func TestUnreadAnswersEnd(t *testing.T) {
	inTime(t, nil, func(t *testing.T, l *pipeListener) {
		conn := l.dial()
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Answer: long\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(writeTimeout + time.Second)
		synctest.Wait()
		if n, _ := io.Copy(io.Discard, conn); n > 1<<16 {
			t.Errorf("%d bytes were still to be had", n)
		}
	})
}

func TestSlowHandshakesAreCutOff(t *testing.T) {
	authority, err := ca.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := authority.IssueServer(time.Now(), time.Hour, []string{"x"})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	inTime(t, &tls.Config{Certificates: []tls.Certificate{pair}}, func(t *testing.T, l *pipeListener) {
		conn := l.dial()
		var writing sync.WaitGroup
		defer writing.Wait()
		defer conn.Close()
		writing.Go(func() { drip(conn, "\x16\x03\x01\x10\x00"+strings.Repeat("\x01", 4096)) })
		if took := ended(conn); took > readHeaderTimeout+2*time.Second {
			t.Errorf("cut off after %v", took)
		}
	})
}
