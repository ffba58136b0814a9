package http1

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

func testConfig(h http.Handler) Config {
	return Config{
		Handler: h, Limits: testLimits, Log: slog.New(slog.DiscardHandler),
		HeadTimeout: 10 * time.Second, ReadTimeout: 60 * time.Second, WriteTimeout: 120 * time.Second, IdleTimeout: 120 * time.Second,
	}
}

// service is a Server on a port.
type service struct {
	*Server
	addr    string
	inner   net.Listener
	running sync.WaitGroup
}

func start(t testing.TB, h http.HandlerFunc, change ...func(*Config)) *service {
	t.Helper()
	config := testConfig(h)
	for _, f := range change {
		f(&config)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &service{Server: NewServer(config), addr: l.Addr().String(), inner: l}
	s.running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.running.Go(func() { s.ServeConn(conn, nil) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		s.running.Wait()
	})
	return s
}

// client is a raw connection to a service.
type client struct {
	*net.TCPConn
	t  testing.TB
	in *bufio.Reader
}

func (s *service) dial(t testing.TB) *client {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &client{conn.(*net.TCPConn), t, bufio.NewReader(conn)}
}

func (c *client) send(raw string) {
	c.t.Helper()
	if _, err := io.WriteString(c, raw); err != nil {
		c.t.Fatal(err)
	}
}

type answer struct {
	*http.Response
	body string
}

// receive reads an answer to a request by method.
func (c *client) receive(method string) answer {
	c.t.Helper()
	res, err := http.ReadResponse(c.in, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("no answer: %v", err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatalf("answer of status %d: %v", res.StatusCode, err)
	}
	return answer{res, string(body)}
}

// ended checks that nothing more comes, and that the connection ends.
func (c *client) ended() {
	c.t.Helper()
	rest, err := io.ReadAll(c.in)
	var timeout net.Error
	if len(rest) > 0 || errors.As(err, &timeout) && timeout.Timeout() {
		c.t.Errorf("instead of the end: %q %v", rest, err)
	}
}

// echo answers with the body of the request.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = w.Write(body)
}
