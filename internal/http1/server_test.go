package http1

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

func TestTheRequestThatAHandlerSees(t *testing.T) {
	var local net.Addr
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		head := HeadOf(r.Context())
		fmt.Fprintf(w, "%s %s %s %s %d %q %s ", r.Method, r.URL, r.Host, r.Proto, r.ContentLength, r.Header["X-A"], r.RequestURI)
		fmt.Fprintf(w, "%s %s %s", head.Fields[1].Name, head.Fields[2].Name, r.RemoteAddr)
		local, _ = r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	})
	c := s.dial(t)
	c.send("PURGE /a%20b?c=d HTTP/1.1\r\nHost: h\r\nx-A: 1\r\nX-a: 2\r\n\r\n")
	want := `PURGE /a%20b?c=d h HTTP/1.1 0 ["1" "2"] /a%20b?c=d x-A X-a ` + c.LocalAddr().String()
	if a := c.receive("PURGE"); a.body != want || a.StatusCode != http.StatusOK {
		t.Errorf("got  %s\nwant %s", a.body, want)
	}
	if local == nil || local.String() != s.addr {
		t.Errorf("local address %v", local)
	}
	if HeadOf(context.Background()) != nil {
		t.Error("a head out of nothing")
	}
}

// What one request brought is not seen by the next one on the connection.
func TestNothingIsLeftOfTheRequestBefore(t *testing.T) {
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Fields", strconv.Itoa(len(r.Header)))
		w.Header().Set("X-Trailers", strconv.Itoa(len(r.Trailer)))
		if r.Method == "POST" {
			w.Header().Set("X-Once", "1")
			w.WriteHeader(http.StatusTeapot)
		}
		r.SetPathValue("a", r.PathValue("a")+"x")
		w.Header().Set("X-Value", r.PathValue("a"))
		_ = r.ParseForm()
		echo(w, r)
		w.Header().Set("X-Form", strconv.Itoa(len(r.Form))) // too late
	})
	c := s.dial(t)
	for range 2 {
		c.send("POST /?a=b HTTP/1.1\r\nHost: h\r\n" + manyFields(100) + "Content-Length: 5\r\n\r\nsmall")
		if a := c.receive("POST"); a.StatusCode != http.StatusTeapot || a.body != "small" || a.Header.Get("X-Fields") != "101" || a.Header.Get("X-Once") != "1" {
			t.Errorf("%d %v %q", a.StatusCode, a.Header, a.body)
		}
		c.send(get)
		if a := c.receive("GET"); a.StatusCode != http.StatusOK || a.body != "" || a.Header.Get("X-Fields") != "0" || a.Header.Get("X-Once") != "" ||
			a.Header.Get("X-Value") != "x" || a.Header.Get("X-Form") != "" {
			t.Errorf("%d %v %q", a.StatusCode, a.Header, a.body)
		}
	}
}

func TestRefusalsEndTheConnection(t *testing.T) {
	s := start(t, func(http.ResponseWriter, *http.Request) { t.Error("it ran") })
	for _, c := range refused {
		switch c.name {
		case "nothing", "no end", "more behind the end":
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			conn := s.dial(t)
			conn.send(c.head + get)
			if err := conn.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			a := conn.receive("GET")
			if a.StatusCode != c.status || !a.Close {
				t.Errorf("%d %v", a.StatusCode, a.Header)
			}
			conn.ended()
		})
	}
}

func TestPipelining(t *testing.T) {
	s := start(t, echo)
	c := s.dial(t)
	var all strings.Builder
	for i := range 100 {
		fmt.Fprintf(&all, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n%03d", i)
		fmt.Fprintf(&all, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\nX: y\r\n\r\n")
	}
	go func() {
		_, _ = io.WriteString(c, all.String()+"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"+get)
	}()
	for i := range 100 {
		if a := c.receive("POST"); a.body != fmt.Sprintf("%03d", i) {
			t.Errorf("%d: %q", i, a.body)
		}
		if a := c.receive("POST"); a.body != "abc" {
			t.Errorf("%d: %q", i, a.body)
		}
	}
	if a := c.receive("GET"); !a.Close {
		t.Error("the connection goes on")
	}
	c.ended()
}

// An empty line behind a request is not the next request (RFC 9112 §2.2); two are.
func TestEmptyLines(t *testing.T) {
	s := start(t, echo)
	c := s.dial(t)
	c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na\r\n" + get)
	if a := c.receive("POST"); a.body != "a" {
		t.Errorf("%q", a.body)
	}
	if a := c.receive("GET"); a.StatusCode != http.StatusOK {
		t.Error(a.Status)
	}
	c.send("\r\n\r\n" + get)
	if a := c.receive("GET"); a.StatusCode != http.StatusBadRequest {
		t.Error(a.Status)
	}
	c.ended()
}

func TestBodies(t *testing.T) {
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(w, r.Body)
		if err == nil {
			_, err = r.Body.Read(make([]byte, 1))
		}
		if err != io.EOF || r.Body.Close() != nil { //nolint:errorlint // as a reader returns it
			t.Errorf("%v", err)
		}
		if _, err := r.Body.Read(make([]byte, 1)); r.Body != http.NoBody && !errors.Is(err, http.ErrBodyReadAfterClose) {
			t.Errorf("after Close: %v", err)
		}
		fmt.Fprint(w, r.Trailer)
	})
	for _, n := range []int{0, 1, 100, startBuffer, startBuffer + 1, 1 << 20} {
		body := make([]byte, n)
		_, _ = rand.Read(body)
		c := s.dial(t)
		for range 2 {
			go func() { _, _ = fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", n, body) }()
			if a := c.receive("POST"); a.body != string(body)+"map[]" {
				t.Errorf("%d bytes: %d came back", n, len(a.body))
			}
			if n == 0 {
				continue
			}
			go func() {
				_, _ = fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\nx-t: v\r\n\r\n", n, body)
			}()
			if a := c.receive("POST"); a.body != string(body)+"map[X-T:[v]]" {
				t.Errorf("%d bytes in a chunk: %d came back", n, len(a.body))
			}
		}
	}
}

// A body that breaks off, or is framed wrongly, is an error to the handler, and the last on its
// connection.
func TestBrokenBodies(t *testing.T) {
	failed := make(chan error, 1)
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		failed <- err
		w.WriteHeader(http.StatusBadRequest)
	})
	for _, raw := range []string{
		"Content-Length: 10\r\n\r\nabc",
		"Transfer-Encoding: chunked\r\n\r\na\r\nabc",
		"Transfer-Encoding: chunked\r\n\r\nx\r\nabc",
		"Transfer-Encoding: chunked\r\n\r\n0\r\nHost: h\r\n\r\n" + get,
	} {
		c := s.dial(t)
		c.send("POST / HTTP/1.1\r\nHost: h\r\n" + raw)
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if err := <-failed; err == nil {
			t.Errorf("%q: no error", raw)
		}
		if a := c.receive("POST"); a.StatusCode != http.StatusBadRequest || !a.Close {
			t.Errorf("%q: %d %v", raw, a.StatusCode, a.Header)
		}
		c.ended()
	}
}

// A handler need not read a body: a short rest is read for it, a long one ends the connection,
// and the client gets its answer either way.
func TestUnreadBodies(t *testing.T) {
	s := start(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.ReadFull(r.Body, make([]byte, 2)) })
	for _, c := range []struct {
		size int
		ends bool
	}{{3, false}, {10000, false}, {maxDiscard, false}, {8 << 20, true}} {
		for _, chunked := range []bool{false, true} {
			conn := s.dial(t)
			go func() {
				body := strings.Repeat("a", c.size)
				if chunked {
					body = fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", c.size, body)
				} else {
					body = fmt.Sprintf("Content-Length: %d\r\n\r\n%s", c.size, body)
				}
				_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\n"+body+get)
			}()
			a := conn.receive("POST")
			if a.StatusCode != http.StatusOK || !chunked && a.Close != c.ends {
				t.Errorf("%d chunked %v: %d, ends %v", c.size, chunked, a.StatusCode, a.Close)
			}
			if c.ends {
				if _, err := conn.in.ReadByte(); err == nil {
					t.Errorf("%d chunked %v: more came", c.size, chunked)
				}
			} else if a := conn.receive("GET"); a.StatusCode != http.StatusOK {
				t.Errorf("%d chunked %v: then %d", c.size, chunked, a.StatusCode)
			}
		}
	}
}

func TestContinue(t *testing.T) {
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/read" {
			echo(w, r)
		}
	})
	const head = " HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
	c := s.dial(t)
	for range 2 {
		c.send("POST /read" + head)
		if a := c.receive("POST"); a.StatusCode != http.StatusContinue {
			t.Fatal(a.Status)
		}
		c.send("abc")
		if a := c.receive("POST"); a.StatusCode != http.StatusOK || a.body != "abc" || a.Close {
			t.Errorf("%s %q", a.Status, a.body)
		}
	}
	// Who does not wait is not told to go on.
	c.send("POST /read" + head + "abc")
	if a := c.receive("POST"); a.StatusCode != http.StatusOK || a.body != "abc" {
		t.Errorf("%s %q", a.Status, a.body)
	}
	// An answer without the body: the client may send it or not, so nothing may follow.
	c.send("POST /" + head)
	if a := c.receive("POST"); a.StatusCode != http.StatusOK || !a.Close {
		t.Errorf("%s %v", a.Status, a.Header)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	c.ended()
}

func TestPanics(t *testing.T) {
	var log bytes.Buffer
	var mu sync.Mutex
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "part")
		if r.URL.Path == "/abort" {
			panic(http.ErrAbortHandler)
		}
		panic("secret")
	}, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&locked{&mu, &log}, nil)) })
	for _, path := range []string{"/abort", "/"} {
		c := s.dial(t)
		c.send("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n")
		c.ended()
		mu.Lock()
		text := log.String()
		mu.Unlock()
		if strings.Contains(text, "panic") != (path == "/") || strings.Contains(text, "secret") {
			t.Errorf("%s: log %s", path, text)
		}
	}
}

type locked struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func TestInputIsForgotten(t *testing.T) {
	in := input{src: strings.NewReader(strings.Repeat("k", 3*startBuffer)), buf: make([]byte, startBuffer)}
	for len(in.buffered()) < 2*startBuffer {
		if err := in.fill(4 * startBuffer); err != nil {
			t.Fatal(err)
		}
	}
	before := in.buf
	in.take(2*startBuffer - 5)
	in.forget()
	if bytes.IndexByte(before, 'k') >= 0 || len(in.buf) != startBuffer || string(in.buffered()) != "kkkkk" {
		t.Errorf("%d bytes of %d are left", len(in.buffered()), len(in.buf))
	}
	in.take(5)
	in.forget()
	if bytes.IndexByte(in.buf, 'k') >= 0 {
		t.Error("the buffer still holds a part of the body")
	}
}

// A client that is gone is noticed when the answer is written; the context ends.
func TestClientThatIsGone(t *testing.T) {
	ended := make(chan error, 1)
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		part := bytes.Repeat([]byte("x"), 1<<20)
		for {
			if _, err := w.Write(part); err != nil {
				ended <- r.Context().Err()
				return
			}
		}
	})
	c := s.dial(t)
	c.send(get)
	if _, err := c.in.ReadByte(); err != nil {
		t.Fatal(err)
	}
	c.Close()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("context: %v", err)
	}
}

// A client that ends its side still gets its answer; half a request is none.
func TestHalfClose(t *testing.T) {
	s := start(t, echo)
	const raw = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
	for n := range len(raw) + 1 {
		c := s.dial(t)
		c.send(raw[:n])
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if n > strings.Index(raw, "\r\n\r\n")+3 { // the head is there
			a := c.receive("POST")
			if want := map[bool]int{true: 200, false: 400}[n == len(raw)]; a.StatusCode != want {
				t.Errorf("%d bytes: %s", n, a.Status)
			}
		}
		c.ended()
	}
}

func TestShutdown(t *testing.T) {
	started, finish := make(chan struct{}), make(chan struct{})
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			close(started)
			<-finish
		}
		echo(w, r)
	})
	idle, half, fresh, busy := s.dial(t), s.dial(t), s.dial(t), s.dial(t)
	idle.send(get)
	idle.receive("GET")
	half.send(get + get[:10])
	half.receive("GET")
	fresh.send(get[:1])
	busy.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n")
	<-started
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(context.Background()) }()
	for _, c := range []*client{idle, half, fresh} {
		c.ended()
	}
	select {
	case err := <-done:
		t.Errorf("Shutdown did not wait: %v", err)
	default:
	}
	close(finish)
	if a := busy.receive("GET"); a.StatusCode != http.StatusOK || !a.Close {
		t.Errorf("%s %v", a.Status, a.Header)
	}
	busy.ended()
	if err := <-done; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	late := s.dial(t)
	late.ended()
}

func TestShutdownThatDoesNotWait(t *testing.T) {
	started, ended := make(chan struct{}), make(chan struct{})
	s := start(t, func(_ http.ResponseWriter, r *http.Request) {
		close(started)
		<-r.Context().Done()
		close(ended)
	})
	c := s.dial(t)
	c.send(get)
	<-started
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v", err)
	}
	<-ended
	_, _ = io.Copy(io.Discard, c.in) // the answer may still have gone out
	if _, err := c.Write([]byte(get)); err == nil {
		c.ended()
	}
}

func TestHTTP2IsHandedOver(t *testing.T) {
	taken := make(chan string, 1)
	s := start(t, echo, func(c *Config) {
		c.HTTP2 = func(conn net.Conn) {
			defer conn.Close()
			b, _ := io.ReadAll(conn)
			taken <- string(b)
		}
	})
	for _, step := range []int{1, 5, 18, 24, 100} {
		c := s.dial(t)
		const raw = preface + "frames"
		for at := 0; at < len(raw); at += step {
			c.send(raw[at:min(at+step, len(raw))])
		}
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got := <-taken; got != raw {
			t.Errorf("%q", got)
		}
	}
	for _, raw := range []string{prefaceHead + "XX\r\n\r\n", "PRI * HTTP/2.0\r\nHost: h\r\n\r\nSM\r\n\r\n"} {
		c := s.dial(t)
		c.send(raw)
		if a := c.receive("GET"); a.StatusCode < 400 {
			t.Error(a.Status)
		}
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		c.ended()
	}
	// Behind a request it is no preface.
	c := s.dial(t)
	c.send(get + preface)
	c.receive("GET")
	if a := c.receive("GET"); a.StatusCode != http.StatusHTTPVersionNotSupported {
		t.Error(a.Status)
	}
	plain := start(t, echo)
	c = plain.dial(t)
	c.send(preface)
	if a := c.receive("GET"); a.StatusCode != http.StatusHTTPVersionNotSupported {
		t.Error(a.Status)
	}
}

// net/http's client and curl agree with us about many requests at once.
func TestManyClients(t *testing.T) {
	s := start(t, echo)
	transport := &http.Transport{MaxIdleConnsPerHost: 50}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience}
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			for j := range 40 {
				want := strings.Repeat(strconv.Itoa(i*100+j)+" ", 1+j*j*3)
				var body io.Reader = strings.NewReader(want)
				if j%2 == 1 {
					body = io.MultiReader(body) // of unknown length
				}
				res, err := client.Post("http://"+s.addr, "text/plain", body)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := io.ReadAll(res.Body)
				res.Body.Close()
				if err != nil || string(got) != want {
					t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
				}
			}
		})
	}
	wg.Wait()
}

func TestCurl(t *testing.T) {
	s := start(t, echo)
	for _, args := range [][]string{
		{"--data-binary", "hello"},
		{"--data-binary", "hello", "-0"},
		{"--data-binary", "hello", "-H", "Transfer-Encoding: chunked"},
		{"--data-binary", "hello", "-H", "Expect: 100-continue"},
		{"-X", "PUT", "--data-binary", "hello", "--request-target", "http://other.example/x"},
	} {
		out, err := exec.Command("curl", append([]string{"-sS", "--fail", "--max-time", "20", "http://" + s.addr}, args...)...).CombinedOutput()
		if err != nil || string(out) != "hello" {
			t.Errorf("%v: %s %v", args, out, err)
		}
	}
}

func TestTLSStateIsShown(t *testing.T) {
	state := &tls.ConnectionState{Version: tls.VersionTLS13}
	client, server := net.Pipe()
	defer client.Close()
	seen := make(chan *tls.ConnectionState, 1)
	s := NewServer(testConfig(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.TLS })))
	var running sync.WaitGroup
	running.Go(func() { s.ServeConn(server, state) })
	go func() {
		_, _ = io.WriteString(client, get)
		_, _ = io.Copy(io.Discard, client)
	}()
	if got := <-seen; got != state {
		t.Errorf("%v", got)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	running.Wait()
}
