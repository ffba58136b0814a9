package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"fastness/internal/engine/waf/request"
)

// idleSecond gives everybody a second.
func idleSecond(c *Config, _ *Options) { c.LoadBalancers[0].Attributes.IdleTimeoutSeconds = 1 }

func TestAnswersAsALoadBalancer(t *testing.T) {
	r := start(t, baseConfig(targetOf(t, backend(t, dump).URL)))
	forwards := strings.TrimSuffix(strings.Repeat("192.0.2.1, ", 31), ", ")
	for name, c := range map[string]struct {
		raw    string
		status int
		body   string
	}{
		"long target":    {"GET /" + strings.Repeat("a", 17<<10) + " HTTP/1.1\r\nHost: h\r\n\r\n", 414, ""},
		"endless target": {"GET /" + strings.Repeat("a", 70<<10), 414, ""},
		"large head":     {"GET / HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("a", 65<<10) + "\r\n\r\n", 431, ""},
		"many fields":    {"GET / HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("a: b\r\n", 300) + "\r\n", 431, ""},
		"malformed":      {"GET / HTTP/1.1\r\n\r\n", 400, "<html>\r\n<head><title>400 Bad Request</title></head>\r\n<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n</body>\r\n</html>\r\n"},
		"many forwards":  {"GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: " + forwards + "\r\n\r\n", 463, ""},
		"TRACE":          {"TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", 405, ""},
		"CONNECT":        {"CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n", 405, ""},
		"version":        {"GET / HTTP/3.0\r\nHost: h\r\n\r\n", 505, ""},
		"coding":         {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 501, ""},
	} {
		conn := r.dial()
		go func() { _, _ = io.WriteString(conn, c.raw) }()
		a := conn.receive("GET")
		if a.StatusCode != c.status || a.Header.Get("Server") != "awselb/2.0" || c.body != "" && a.body != c.body {
			t.Errorf("%s: status %d, %v, %q", name, a.StatusCode, a.Header, a.body)
		}
	}
}

func TestLimitsBodies(t *testing.T) {
	r := start(t, baseConfig(targetOf(t, backend(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }).URL)),
		func(c *Config, _ *Options) { c.LoadBalancers[0].Attributes.MaxBody = 100_000 })
	for _, c := range []struct {
		size, status int
		chunked      bool
	}{{100_000, 200, false}, {100_001, 413, false}, {100_000, 200, true}, {100_001, 413, true}, {1_000_000, 413, true}} {
		req, err := http.NewRequest("POST", r.url("/"), io.NopCloser(bytes.NewReader(make([]byte, c.size))))
		if err != nil {
			t.Fatal(err)
		}
		if req.ContentLength = int64(c.size); c.chunked {
			req.ContentLength = -1
		}
		res, err := client(t).Do(req)
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		res.Body.Close()
		if res.StatusCode != c.status {
			t.Errorf("%+v: status %d", c, res.StatusCode)
		}
	}
}

func TestContinueIsSaidWhenTheBodyIsWanted(t *testing.T) {
	block := false
	r := start(t, baseConfig(targetOf(t, backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Expect") != "" {
			t.Error("Expect reached the target")
		}
		b, _ := io.ReadAll(r.Body)
		_, _ = w.Write(b)
	}).URL)), func(c *Config, o *Options) {
		inspected(c, o, func(r *request.Request, v *Verdict) error {
			if block {
				v.Act = Block
			}
			return nil
		})
	})
	for range 2 {
		conn := r.dial()
		conn.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 20000\r\n\r\n")
		line, err := conn.in.ReadString('\n')
		if err != nil || line != "HTTP/1.1 100 Continue\r\n" {
			t.Fatalf("%q, %v", line, err)
		}
		if _, err := conn.in.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		conn.send(strings.Repeat("a", 20000))
		a := conn.receive("POST")
		if want := map[bool]int{false: 200, true: 403}[block]; a.StatusCode != want || !block && len(a.body) != 20000 {
			t.Errorf("status %d, %d bytes", a.StatusCode, len(a.body))
		}
		block = true
	}
	// Where nobody wants the body, nobody asks for it.
	conn := r.dial()
	conn.send("TRACE / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 20000\r\n\r\n")
	if line, _ := conn.in.ReadString('\n'); line != "HTTP/1.1 405 Method Not Allowed\r\n" {
		t.Errorf("%q", line)
	}
}

func TestSlowClientsAreGivenUp(t *testing.T) {
	r := start(t, baseConfig(targetOf(t, backend(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }).URL)), idleSecond, inspectEverything)
	for name, raw := range map[string]string{
		"a prefix": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc",
		"a chunk":  "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
		"the rest": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("a", 50000),
	} {
		conn := r.dial()
		conn.send(raw)
		if a := conn.receive("POST"); a.StatusCode != http.StatusRequestTimeout {
			t.Errorf("%s: status %d", name, a.StatusCode)
		}
		conn.ended()
	}
	// One that sends a byte now and then does not get longer for the prefix.
	conn := r.dial()
	conn.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n")
	stop := make(chan struct{})
	var dripping sync.WaitGroup
	dripping.Go(func() {
		for tick := time.NewTicker(100 * time.Millisecond); ; {
			select {
			case <-tick.C:
				_, _ = io.WriteString(conn, "a")
			case <-stop:
				tick.Stop()
				return
			}
		}
	})
	if a := conn.receive("POST"); a.StatusCode != http.StatusRequestTimeout {
		t.Errorf("drop by drop: status %d", a.StatusCode)
	}
	close(stop)
	dripping.Wait()
}

func TestSlowTargetsAreGivenUp(t *testing.T) {
	target := rawBackend(t, func(c net.Conn) {
		req, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		if req.URL.Path == "/half" {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
		}
		_, _ = io.Copy(io.Discard, c)
	})
	r := start(t, baseConfig(target), idleSecond)
	if a := r.get("/silent"); a.StatusCode != http.StatusGatewayTimeout || a.ContentLength != 132 {
		t.Errorf("status %d, %d bytes", a.StatusCode, a.ContentLength)
	}
	res, err := client(t).Get(r.url("/half"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); string(b) != "half" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q, %v", b, err)
	}
}

// What a dying target leaves unsaid the client must not take for all.
func TestTargetsThatDie(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		status int
		cut    bool
	}{
		"at once":               {"", 502, false},
		"in the status line":    {"HTTP/1.1 20", 502, false},
		"in the head":           {"HTTP/1.1 200 OK\r\nX: y\r\n", 502, false},
		"in the length":         {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", 200, true},
		"in a chunk":            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", 200, true},
		"between chunks":        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 200, true},
		"in the trailer":        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX:", 200, true},
		"malformed head":        {"HTTP/1.1 200 OK\r\nX : y\r\n\r\n", 502, false},
		"two lengths":           {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 502, false},
		"both lengths":          {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 502, false},
		"folded line":           {"HTTP/1.1 200 OK\r\nX: y\r\n z\r\nContent-Length: 0\r\n\r\n", 502, false},
		"another protocol":      {"220 ready\r\n\r\n", 502, false},
		"the end is the end":    {"HTTP/1.1 200 OK\r\n\r\nabc", 200, false},
		"the end in HTTP/1.0":   {"HTTP/1.0 200 OK\r\n\r\nabc", 200, false},
		"status without phrase": {"HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc", 200, false},
	} {
		target := rawBackend(t, func(conn net.Conn) {
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			_, _ = io.WriteString(conn, c.answer)
		})
		r := start(t, baseConfig(target))
		for _, version := range []string{"1.1", "1.0"} {
			conn := r.dial()
			conn.send("GET / HTTP/" + version + "\r\nHost: h\r\n\r\n")
			res, err := http.ReadResponse(conn.in, nil)
			if err != nil || res.StatusCode != c.status {
				t.Errorf("%s: %v %v", name, res, err)
				continue
			}
			body, err := io.ReadAll(res.Body)
			if (err != nil) != c.cut || c.status == 200 && string(body) != "abc" {
				t.Errorf("%s, HTTP/%s: %q, %v", name, version, body, err)
			}
		}
		res, err := h2client(t).Get(r.url("/"))
		if err != nil && c.cut {
			continue // the stream was reset before anything was sent
		}
		if err != nil || res.StatusCode != c.status {
			t.Errorf("%s over HTTP/2: %v %v", name, res, err)
			continue
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if (err != nil) != c.cut || c.status == 200 && string(body) != "abc" {
			t.Errorf("%s over HTTP/2: %q, %v", name, body, err)
		}
	}
}

func TestAClientThatLeavesIsNoticed(t *testing.T) {
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2"} {
		reached, left := make(chan struct{}), make(chan struct{})
		r := start(t, baseConfig(targetOf(t, backend(t, func(w http.ResponseWriter, r *http.Request) {
			close(reached)
			<-r.Context().Done()
			close(left)
		}).URL)))
		if protocol == "HTTP/2" {
			c := h2client(t)
			c.Timeout = 0
			ctx, cancel := contextWithCancel(t)
			go func() {
				<-reached
				cancel()
			}()
			req, err := http.NewRequestWithContext(ctx, "GET", r.url("/"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Do(req); err == nil {
				t.Error("an answer")
			}
		} else {
			conn := r.dial()
			conn.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
			<-reached
			conn.Close()
		}
		select {
		case <-left:
		case <-time.After(patienceOfTests):
			t.Errorf("%s: the target still answers", protocol)
		}
	}
}

// A target that answers before it has all of the request ends the upload.
func TestEarlyAnswersEndUploads(t *testing.T) {
	target := rawBackend(t, func(c net.Conn) {
		_, _ = http.ReadRequest(bufio.NewReader(c))
		_, _ = io.WriteString(c, "HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
		if half, ok := c.(*net.TCPConn); ok {
			_ = half.CloseWrite()
		}
		_, _ = io.CopyN(io.Discard, c, 1<<20)
	})
	r := start(t, baseConfig(target))
	conn := r.dial()
	conn.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n")
	var sending sync.WaitGroup
	sending.Go(func() {
		for {
			if _, err := conn.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	if a := conn.receive("POST"); a.StatusCode != 413 || a.body != "big" {
		t.Errorf("status %d %q", a.StatusCode, a.body)
	}
	conn.Close()
	sending.Wait()
	eventually(t, "nothing is active", func() bool { return r.Counters().Active == 0 })
}

func TestAnIdleConnectionIsLookedAtBeforeItIsUsed(t *testing.T) {
	var mu sync.Mutex
	conns := 0
	said := make(chan struct{}, 10)
	target := rawBackend(t, func(c net.Conn) {
		mu.Lock()
		conns++
		mu.Unlock()
		in := bufio.NewReader(c)
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		switch req.URL.Path {
		case "/unasked": // an answer to nobody's request
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
			said <- struct{}{}
			_, _ = io.Copy(io.Discard, in)
		case "/close":
			c.Close()
			said <- struct{}{}
		}
	})
	r := start(t, baseConfig(target))
	for _, path := range []string{"/unasked", "/close", "/close"} {
		if a := r.get(path); a.body != "ok" {
			t.Errorf("%s: %q", path, a.body)
		}
		<-said
	}
	c := client(t)
	res, err := c.Post(r.url("/close"), "text/plain", strings.NewReader("not to be repeated"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, _ := io.ReadAll(res.Body); string(b) != "ok" {
		t.Errorf("POST after a connection was closed: %d %q", res.StatusCode, b)
	}
	if mu.Lock(); conns != 4 {
		t.Errorf("%d connections", conns)
	}
	mu.Unlock()
}

func TestConnectionsAreBounded(t *testing.T) {
	r := start(t, baseConfig(targetOf(t, backend(t, dump).URL)), func(_ *Config, o *Options) { o.MaxConnsPerClient = 3 })
	var conns []*raw
	for range 3 {
		c := r.dial()
		c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		if a := c.receive("GET"); a.StatusCode != 200 {
			t.Fatalf("status %d", a.StatusCode)
		}
		conns = append(conns, c)
	}
	extra := r.dial()
	if _, err := extra.in.ReadByte(); err == nil {
		t.Error("a connection too many was served")
	}
	conns[0].Close()
	eventually(t, "there is room again", func() bool { return r.Counters().Connections < 3 })
	c := r.dial()
	c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	if a := c.receive("GET"); a.StatusCode != 200 || r.Counters().Refused != 1 {
		t.Errorf("status %d, %d refused", a.StatusCode, r.Counters().Refused)
	}
}

// zeros is an endless body.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestAGigabyteStreamsInConstantMemory(t *testing.T) {
	const size = 1 << 30
	r := start(t, baseConfig(targetOf(t, backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "PUT" {
			n, _ := io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, n)
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(size))
		_, _ = io.CopyN(w, zeros{}, size)
	}).URL)), inspectEverything)
	defer debug.SetGCPercent(debug.SetGCPercent(10)) // what other tests keep must not be what garbage may grow by
	stop := make(chan struct{})
	var watching sync.WaitGroup
	var most uint64
	watching.Go(func() {
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			select {
			case <-stop:
				tick.Stop()
				return
			case <-tick.C:
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
		}
	})
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	req, err := http.NewRequest("PUT", r.url("/"), io.LimitReader(zeros{}, size))
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{Transport: client(t).Transport}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if string(b) != fmt.Sprint(size) {
		t.Errorf("the target counted %s", b)
	}
	res, err = (&http.Client{Transport: client(t).Transport}).Get(r.url("/"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, res.Body)
	res.Body.Close()
	if n != size || err != nil {
		t.Errorf("%d bytes came back, %v", n, err)
	}
	close(stop)
	watching.Wait()
	if grown := int64(most) - int64(before.HeapAlloc); grown > 32<<20 {
		t.Errorf("the heap grew by %d MB", grown>>20)
	}
}
