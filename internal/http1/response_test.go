package http1

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestFramingOfAnswers(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 10<<10)
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(r.Header.Get("X-Status"))
		n, _ := strconv.Atoi(r.Header.Get("X-Size"))
		if l := r.Header.Get("X-Length"); l != "" {
			w.Header().Set("Content-Length", l)
		}
		if status > 0 {
			w.WriteHeader(status)
		}
		switch r.URL.Path {
		case "/flush":
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, large[:n/2])
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, large[n/2:n])
		case "/bytes":
			for i := range n {
				_, _ = w.Write([]byte{large[i]})
			}
		default:
			if n > 0 {
				_, _ = w.Write([]byte(large[:n]))
			}
		}
	})
	const unknown = -1 // chunked, or until the end
	for _, c := range []struct {
		method, path, status, size, length string
		wantStatus                         int
		wantLength                         int64
		body                               int
	}{
		{"GET", "/", "", "0", "", 200, 0, 0},
		{"GET", "/", "", "5", "", 200, 5, 5},
		{"GET", "/bytes", "", "5000", "", 200, 5000, 5000},
		{"GET", "/", "", "5", "5", 200, 5, 5},
		{"GET", "/", "", "16000", "", 200, 16000, 16000},
		{"GET", "/", "", "16384", "", 200, unknown, 16384},
		{"GET", "/", "", "100000", "", 200, unknown, 100000},
		{"GET", "/bytes", "", "100000", "", 200, unknown, 100000},
		{"GET", "/", "", "100000", "100000", 200, 100000, 100000},
		{"GET", "/bytes", "", "100000", "100000", 200, 100000, 100000},
		{"GET", "/flush", "", "1000", "", 200, unknown, 1000},
		{"GET", "/flush", "", "1000", "1000", 200, 1000, 1000},
		{"GET", "/flush", "", "1", "", 200, unknown, 1},
		{"GET", "/", "404", "5", "", 404, 5, 5},
		{"GET", "/", "299", "5", "", 299, 5, 5},
		{"GET", "/", "7", "5", "", 500, 5, 5},
		{"GET", "/", "204", "5", "", 204, 0, 0},
		{"GET", "/", "204", "0", "5", 204, 0, 0},
		{"GET", "/", "304", "0", "5", 304, 5, 0},
		{"GET", "/", "304", "5", "", 304, 0, 0},
		{"HEAD", "/", "", "0", "5", 200, 5, 0},
		{"HEAD", "/", "", "5", "", 200, 5, 0},
		{"HEAD", "/", "", "100000", "", 200, 100000, 0},
		{"HEAD", "/", "", "0", "", 200, unknown, 0},
		{"HEAD", "/flush", "", "10", "", 200, unknown, 0},
	} {
		for minor := range 2 {
			t.Run(fmt.Sprintf("%s%s %s %s of %s HTTP/1.%d", c.method, c.path, c.status, c.size, c.length, minor), func(t *testing.T) {
				conn := s.dial(t)
				for range 2 { // the connection is good for another
					conn.send(fmt.Sprintf("%s %s HTTP/1.%d\r\nHost: h\r\nConnection: keep-alive\r\nX-Status: %s\r\nX-Size: %s\r\n", c.method, c.path, minor, c.status, c.size))
					if c.length != "" {
						conn.send("X-Length: " + c.length + "\r\n")
					}
					conn.send("\r\n")
					a := conn.receive(c.method)
					if a.StatusCode != c.wantStatus || a.body != large[:c.body] || a.Header.Get("Date") == "" || a.ProtoMinor != 1 {
						t.Errorf("%s %v, body of %d", a.Status, a.Header, len(a.body))
					}
					if c.wantStatus != 204 && c.wantStatus != 304 && a.ContentLength != c.wantLength {
						t.Errorf("length %d", a.ContentLength)
					}
					if c.wantStatus == 204 && a.Header.Get("Content-Length") != "" {
						t.Errorf("204 has a length: %v", a.Header)
					}
					byEnd := minor == 0 && c.wantLength == unknown && c.method == "GET"
					if a.Close != byEnd || (len(a.TransferEncoding) > 0) != (minor == 1 && c.wantLength == unknown && c.method == "GET") {
						t.Errorf("ends %v, coding %v", a.Close, a.TransferEncoding)
					}
					if a.Close {
						conn.ended()
						return
					}
				}
			})
		}
	}
}

func TestHeadersOfAnswers(t *testing.T) {
	s := start(t, func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h["X-Break"] = []string{"a\r\nX-Evil: b\x00", "c"}
		h["Bad Name"] = []string{"a"}
		h[""] = []string{"a"}
		h["Transfer-Encoding"] = []string{"chunked"}
		h["Content-Length"] = []string{"nonsense"}
		h["Date"] = nil
		h["X-A"] = []string{"1", "2"}
		w.WriteHeader(http.StatusEarlyHints)
		h.Set("X-Later", "1")
		w.WriteHeader(http.StatusAccepted)
		w.WriteHeader(http.StatusTeapot)
		h.Set("X-Late", "1")
	})
	c := s.dial(t)
	c.send(get)
	if _, err := c.in.ReadString('\n'); err != nil { // HTTP/1.1 103 Early Hints
		t.Fatal(err)
	}
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "\r\n" {
			break
		}
	}
	a := c.receive("GET")
	want := http.Header{"X-Break": {"a  X-Evil: b", "c"}, "X-A": {"1", "2"}, "Content-Length": {"0"}, "X-Later": {"1"}}
	if a.StatusCode != http.StatusAccepted || fmt.Sprint(a.Header) != fmt.Sprint(want) {
		t.Errorf("%d %v, want %v", a.StatusCode, a.Header, want)
	}
}

func TestHandlersThatWriteTooMuchOrTooLittle(t *testing.T) {
	errs := make(chan error, 1)
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "3")
		_, err := io.WriteString(w, r.URL.Path[1:])
		errs <- err
	})
	c := s.dial(t)
	c.send("GET /abcd HTTP/1.1\r\nHost: h\r\n\r\n")
	if err := <-errs; !errors.Is(err, http.ErrContentLength) {
		t.Error(err)
	}
	c = s.dial(t)
	c.send("GET /ab HTTP/1.1\r\nHost: h\r\n\r\n")
	if err := <-errs; err != nil {
		t.Error(err)
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(res.Body); !errors.Is(err, io.ErrUnexpectedEOF) || string(body) != "ab" {
		t.Errorf("%q %v: the end must tell", body, err)
	}
}

// Memory that answers were put together in is zeroed when it goes back.
func TestAnswersAreForgotten(t *testing.T) {
	var c conn
	for _, size := range []int{10, outBuffer - 200, 3 * outBuffer} {
		w := &c.res
		*w = response{c: &c, header: http.Header{}}
		c.server = &Server{}
		c.nc = discardConn{}
		c.cancel = func() {}
		c.head, c.body = Head{Minor: 1}, body{c: &c, err: io.EOF}
		_, _ = w.Write(bytes.Repeat([]byte("k"), size))
		memory := (*w.memory)[:outBuffer]
		if !w.finish() || bytes.IndexByte(memory, 'k') >= 0 {
			t.Errorf("%d bytes: the memory still holds a part of the body", size)
		}
	}
}

type discardConn struct{ net.Conn }

func (discardConn) Write(p []byte) (int, error) { return len(p), nil }

func TestDates(t *testing.T) {
	s := &Server{}
	for range 3 {
		line := string(s.appendDate(nil))
		at, err := http.ParseTime(strings.TrimSuffix(strings.TrimPrefix(line, "Date: "), "\r\n"))
		if err != nil || time.Since(at) > 5*time.Second || time.Since(at) < 0 {
			t.Errorf("%q %v", line, err)
		}
		s.date.Store(&date{1, "Date: Thu, 01 Jan 1970 00:00:01 GMT\r\n"}) // is not used for long
	}
}
