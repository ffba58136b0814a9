package http1

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// inTime serves one end of a pipe under a synthetic clock and runs f with the other.
func inTime(t *testing.T, h http.HandlerFunc, f func(t *testing.T, s *Server, conn net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(testConfig(h))
		client, server := net.Pipe()
		var running sync.WaitGroup
		running.Go(func() { s.ServeConn(server, nil) })
		f(t, s, client)
		client.Close()
		running.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
}

// ended waits until the server has closed conn and checks when that was: a limit ends at
// most one period early, never late.
func ended(t *testing.T, conn net.Conn, since time.Time, limit time.Duration) {
	t.Helper()
	_, _ = io.Copy(io.Discard, conn)
	if took := time.Since(since); took > limit || took < limit-tickPeriod {
		t.Errorf("ended after %v, not %v", took, limit)
	}
}

// drip writes text, a byte every second.
func drip(conn net.Conn, text string) {
	for i := range len(text) {
		if _, err := io.WriteString(conn, text[i:i+1]); err != nil {
			return
		}
		time.Sleep(time.Second) // of the synthetic clock
	}
}

func TestTimeLimits(t *testing.T) {
	const head = "POST / HTTP/1.1\r\nHost: h\r\n"
	for _, c := range []struct {
		name  string
		limit time.Duration
		send  func(conn net.Conn)
	}{
		{"silence", 10 * time.Second, func(net.Conn) {}},
		{"half a head", 10 * time.Second, func(conn net.Conn) { _, _ = io.WriteString(conn, head) }},
		{"a dripping head", 10 * time.Second, func(conn net.Conn) { drip(conn, head+"X: "+strings.Repeat("a", 1000)) }},
		{"half a body", 60 * time.Second, func(conn net.Conn) { _, _ = io.WriteString(conn, head+"Content-Length: 9\r\n\r\na") }},
		{"a dripping body", 60 * time.Second, func(conn net.Conn) {
			_, _ = io.WriteString(conn, head+"Content-Length: 1000\r\n\r\n")
			drip(conn, strings.Repeat("a", 1000))
		}},
		{"dripping chunks", 60 * time.Second, func(conn net.Conn) {
			_, _ = io.WriteString(conn, head+"Transfer-Encoding: chunked\r\n\r\n")
			drip(conn, strings.Repeat("1\r\na\r\n", 1000))
		}},
		{"idleness", 120 * time.Second, func(conn net.Conn) { _, _ = io.WriteString(conn, head+"\r\n") }},
		{"an empty line", 10 * time.Second, func(conn net.Conn) { _, _ = io.WriteString(conn, "\r") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			inTime(t, func(_ http.ResponseWriter, r *http.Request) {
				if _, err := io.Copy(io.Discard, r.Body); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Error(err)
				}
			}, func(t *testing.T, _ *Server, conn net.Conn) {
				var sending sync.WaitGroup
				since := time.Now()
				sending.Go(func() { c.send(conn) })
				ended(t, conn, since, c.limit)
				conn.Close()
				sending.Wait()
			})
		})
	}
}

// The limit of a later head begins with its first byte.
func TestTimeLimitOfALaterHead(t *testing.T) {
	inTime(t, echo, func(t *testing.T, _ *Server, conn net.Conn) {
		in := bufio.NewReader(conn)
		for range 3 {
			if _, err := io.WriteString(conn, get); err != nil {
				t.Fatal(err)
			}
			if _, err := http.ReadResponse(in, nil); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Second) // less than may be idle
		}
		since := time.Now()
		go func() { _, _ = io.WriteString(conn, get[:5]) }()
		ended(t, conn, since, 10*time.Second)
	})
}

// A handler may take longer than a request may take to arrive, and the connection goes on.
func TestTimeLimitsAreNotTheHandlers(t *testing.T) {
	inTime(t, func(w http.ResponseWriter, r *http.Request) {
		echo(w, r)
		time.Sleep(110 * time.Second)
	}, func(t *testing.T, _ *Server, conn net.Conn) {
		in := bufio.NewReader(conn)
		for range 3 {
			drip(conn, "POST / H")
			if _, err := io.WriteString(conn, "TTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			drip(conn, "a")
			res, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(res.Body); err != nil || string(body) != "a" {
				t.Errorf("%q %v", body, err)
			}
		}
	})
}

func TestTimeLimitOfAnswers(t *testing.T) {
	inTime(t, func(w http.ResponseWriter, _ *http.Request) {
		since := time.Now()
		_, err := w.Write(make([]byte, 1<<20)) // nobody reads
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		if took := time.Since(since); took > 120*time.Second || took < 119*time.Second {
			t.Errorf("%v", took)
		}
	}, func(t *testing.T, _ *Server, conn net.Conn) {
		if _, err := io.WriteString(conn, get); err != nil {
			t.Fatal(err)
		}
		time.Sleep(121 * time.Second)
		synctest.Wait()
	})
}

// Handlers may move the limits, as http.ResponseController does.
func TestMovedTimeLimits(t *testing.T) {
	inTime(t, func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		err := errors.Join(rc.SetReadDeadline(time.Now().Add(300*time.Second)), rc.SetWriteDeadline(time.Time{}), rc.EnableFullDuplex())
		if err != nil {
			t.Error(err)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || len(body) != 200 {
			t.Errorf("%d bytes, %v", len(body), err)
		}
		if err := rc.Flush(); err != nil {
			t.Error(err)
		}
		if err := rc.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
			t.Error(err)
		}
	}, func(t *testing.T, _ *Server, conn net.Conn) {
		in := bufio.NewReader(conn)
		for range 2 {
			if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 200\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			drip(conn, strings.Repeat("a", 200))
			res, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, res.Body); err != nil {
				t.Error(err)
			}
		}
	})
}
