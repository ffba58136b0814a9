package contest

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

func noCPU() (time.Duration, error) { return 0, nil }

func TestLoadGivesUpOnAServerThatDoesNotAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	// Nobody accepts: the kernel completes the connections, and that is all they get.
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	request := []byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
	if _, err := load(ctx, l.Addr().String(), [][]byte{request, request}, nil, time.Hour, noCPU); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestLoadReportsTheFirstRefusal(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if _, err := bufio.NewReader(conn).ReadString('\n'); err == nil {
					_, _ = conn.Write([]byte("HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\n\r\noops"))
				}
			}()
		}
	}()
	_, err = load(t.Context(), l.Addr().String(), [][]byte{[]byte("POST / HTTP/1.1\r\n\r\n")}, nil, time.Millisecond, noCPU)
	if err == nil || !strings.Contains(err.Error(), "400") || !strings.Contains(err.Error(), "oops") {
		t.Errorf("%v", err)
	}
}

func TestAnAnswerSlowerThanTheWindowCounts(t *testing.T) {
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(10 * time.Millisecond) // the server's work
	}))
	defer h.Close()
	b, _ := get("/")(0)
	m, err := load(t.Context(), h.Listener.Addr().String(), [][]byte{b, b}, nil, time.Nanosecond, noCPU)
	if err != nil || m.rate <= 0 || m.p50 < 10*time.Millisecond {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestReadAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		answer, body  string
		closes, fails bool
	}{
		"length":     {answer: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", body: "abc"},
		"no content": {answer: "HTTP/1.1 204 No Content\r\n\r\n"},
		"chunks":     {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", body: "abc"},
		"closes":     {answer: "HTTP/1.1 200 OK\r\nconnection: close\r\nContent-Length: 0\r\n\r\n", closes: true},
		"cut off":    {answer: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", fails: true},
		"error":      {answer: "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", fails: true},
	} {
		body, closes, err := readAnswer(bufio.NewReader(strings.NewReader(c.answer)), true)
		if string(body) != c.body || closes != c.closes || (err != nil) != c.fails {
			t.Errorf("%s: %q, closes %v, %v", name, body, closes, err)
		}
	}
}
