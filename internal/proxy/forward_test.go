package proxy

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"regexp"
	"strings"
	"testing"

	"fastness/internal/engine/waf/request"
	"fastness/internal/http1"
)

// dump answers with the request as it came.
func dump(w http.ResponseWriter, r *http.Request) {
	b, err := httputil.DumpRequest(r, true)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = w.Write(b)
}

func TestForwardsWithTheFieldsOfALoadBalancer(t *testing.T) {
	r := start(t, baseConfig(targetOf(t, backend(t, dump).URL)))
	c := r.dial()
	c.send("GET /a%2fb?q=%zz HTTP/1.1\r\nHost: shop.example\r\nX-b: 1\r\nX-Forwarded-For: 192.0.2.1\r\nx-forwarded-for: 192.0.2.2\r\n" +
		"X-Forwarded-Proto: https\r\nConnection: keep-alive, X-Secret\r\nX-Secret: s\r\nKeep-Alive: 1\r\nTE: trailers\r\nUpgrade: h2c\r\nProxy-Connection: x\r\n\r\n")
	got := c.receive("GET")
	_, port, _ := net.SplitHostPort(r.addr)
	want := regexp.MustCompile(`^GET /a%2fb\?q=%zz HTTP/1\.1\r\nHost: shop\.example\r\nX-Amzn-Trace-Id: Root=1-[0-9a-f]{8}-[0-9a-f]{24}\r\n` +
		`X-B: 1\r\nX-Forwarded-For: 192\.0\.2\.1, 192\.0\.2\.2, 127\.0\.0\.1\r\nX-Forwarded-Port: ` + port + `\r\nX-Forwarded-Proto: http\r\n\r\n$`)
	if !want.MatchString(got.body) {
		t.Errorf("the target got %q", got.body)
	}
}

func TestKeepsTheOrderAndSpellingOfFields(t *testing.T) {
	seen := make(chan string, 1)
	target := rawBackend(t, func(c net.Conn) {
		b := make([]byte, 4096)
		n, _ := c.Read(b)
		seen <- string(b[:n])
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX-One: 1\r\nx-two: 2\r\nSET-COOKIE: a\r\nset-cookie: b\r\nContent-Length: 2\r\n\r\nok")
	})
	r := start(t, baseConfig(target))
	c := r.dial()
	c.send("GET / HTTP/1.1\r\nhOST: h\r\nZ-Last: 1\r\na-First: 2\r\nZ-LAST: 3\r\n\r\n")
	if got := <-seen; !strings.HasPrefix(got, "GET / HTTP/1.1\r\nHost: h\r\nZ-Last: 1\r\na-First: 2\r\nZ-LAST: 3\r\nX-Forwarded-For: ") {
		t.Errorf("the target got %q", got)
	}
	b := make([]byte, 4096)
	n, _ := c.Read(b)
	if !regexp.MustCompile(`^HTTP/1\.1 200 OK\r\nDate: [^\r]*\r\nX-One: 1\r\nx-two: 2\r\nSET-COOKIE: a\r\nset-cookie: b\r\nContent-Length: 2\r\n\r\nok$`).Match(b[:n]) {
		t.Errorf("the client got %q", b[:n])
	}
}

// TestWhatATargetHasSentIsNotKeptBack has a target send its head, and then parts of the body, and go on when the client has each of them.
func TestWhatATargetHasSentIsNotKeptBack(t *testing.T) {
	next := make(chan struct{})
	r := start(t, baseConfig(targetOf(t, backend(t, func(w http.ResponseWriter, _ *http.Request) {
		for _, part := range []string{"", "a", "event: b\n\n"} {
			_, _ = io.WriteString(w, part)
			_ = http.NewResponseController(w).Flush()
			<-next
		}
	}).URL)))
	res, err := client(t).Get(r.url("/"))
	if err != nil {
		close(next)
		t.Fatal(err)
	}
	defer res.Body.Close()
	next <- struct{}{}
	for _, want := range []string{"a", "event: b\n\n"} {
		got := make([]byte, len(want))
		if _, err := io.ReadFull(res.Body, got); err != nil || string(got) != want {
			close(next)
			t.Fatalf("%q, %v", got, err)
		}
		next <- struct{}{}
	}
	if rest, err := io.ReadAll(res.Body); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestBodiesPassInEveryFraming(t *testing.T) {
	r := start(t, baseConfig(targetOf(t, backend(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("X-Length", fmt.Sprint(r.ContentLength))
		w.Header().Set("X-Trailer", r.Trailer.Get("X-T"))
		if r.URL.Path == "/chunked" {
			w.Header().Set("Trailer", "X-End")
			_, _ = w.Write(body[:len(body)/2])
			_ = http.NewResponseController(w).Flush()
			_, _ = w.Write(body[len(body)/2:])
			w.Header().Set("X-End", "fin")
			return
		}
		_, _ = w.Write(body)
	}).URL)))
	for _, size := range []int{0, 1, 5000, 100_000} {
		body := bytes.Repeat([]byte("0123456789"), size/10+1)[:size]
		for _, path := range []string{"/", "/chunked"} {
			for _, chunked := range []bool{false, true} {
				req, err := http.NewRequest("POST", r.url(path), io.NopCloser(bytes.NewReader(body)))
				if err != nil {
					t.Fatal(err)
				}
				req.ContentLength = int64(size)
				if chunked {
					req.ContentLength = -1
					req.Trailer = http.Header{"X-T": {"tail"}}
				}
				res, err := client(t).Do(req)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(res.Body)
				res.Body.Close()
				if err != nil || !bytes.Equal(got, body) || res.StatusCode != 200 {
					t.Errorf("%d bytes, %s, chunked %v: status %d, %d bytes, %v", size, path, chunked, res.StatusCode, len(got), err)
				}
				if chunked && res.Header.Get("X-Trailer") != "tail" {
					t.Errorf("%d bytes, %s: no trailer reached the target", size, path)
				}
				if path == "/chunked" && res.Trailer.Get("X-End") != "fin" {
					t.Errorf("%d bytes, %s: no trailer came back", size, path)
				}
			}
		}
	}
}

func TestHoldsABodyUntilItsPrefixIsJudged(t *testing.T) {
	const limit = 8 << 10
	reached := make(chan struct{}, 1)
	target := backend(t, func(w http.ResponseWriter, r *http.Request) {
		reached <- struct{}{}
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n)
	})
	judged := make(chan request.Request, 1)
	verdict := make(chan Act)
	r := start(t, baseConfig(targetOf(t, target.URL)), func(c *Config, o *Options) {
		inspected(c, o, func(r *request.Request, v *Verdict) error {
			copied := *r
			copied.Body, copied.Held = bytes.Clone(r.Body), bytes.Clone(r.Held)
			judged <- copied
			v.Act = <-verdict
			return nil
		})
	})
	c := r.dial()
	c.send("POST /x?y HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("a", heldBody))
	select {
	case got := <-judged:
		t.Fatalf("judged before the prefix was known to end: %d bytes", len(got.Body))
	case <-reached:
		t.Fatal("forwarded before it was judged")
	default:
	}
	c.send("b")
	got := <-judged
	if len(got.Body) != limit || !got.BodyTruncated || len(got.Held) != heldBody || !got.HeldTruncated || got.Target != "/x?y" || got.Method != "POST" || got.Remote.String() != "127.0.0.1" {
		t.Errorf("judged %d bytes, oversize %v, %+v", len(got.Body), got.BodyTruncated, got)
	}
	select {
	case <-reached:
		t.Fatal("forwarded before it was judged")
	default:
	}
	verdict <- Pass
	<-reached
	c.send(strings.Repeat("c", 100000-heldBody-1))
	if a := c.receive("POST"); a.body != "100000" || a.Close {
		t.Errorf("the target counted %q, close %v", a.body, a.Close)
	}
	c.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
	if got := <-judged; string(got.Body) != "abc" || got.BodyTruncated {
		t.Errorf("judged %q, oversize %v", got.Body, got.BodyTruncated)
	}
	verdict <- Block
	a := c.receive("POST")
	if a.StatusCode != 403 || a.ContentLength != 118 || a.Header.Get("Server") != "awselb/2.0" || a.Header.Get("Content-Type") != "text/html" {
		t.Errorf("blocked with %d, %v, %q", a.StatusCode, a.Header, a.body)
	}
	select {
	case <-reached:
		t.Error("a blocked request reached the target")
	default:
	}
}

func TestVerdictsAct(t *testing.T) {
	r := start(t, baseConfig(targetOf(t, backend(t, dump).URL)), func(c *Config, o *Options) {
		inspected(c, o, func(r *request.Request, v *Verdict) error {
			switch r.Target {
			case "/custom":
				v.Act = Block
				v.Response = &Response{Status: 429, ContentType: "application/json", Body: []byte(`{}`), Fields: []http1.Field{{Name: "X-Why", Value: "rate\r\nX-Evil: 1"}, {Name: "Content-Length", Value: "7"}}}
			case "/insert":
				v.Insert = []http1.Field{{Name: "x-amzn-waf-seen", Value: "yes"}}
			case "/panic":
				panic(r.Target)
			case "/error":
				return io.ErrUnexpectedEOF
			case "/challenge":
				v.Act = Challenge
			}
			return nil
		})
	})
	a := r.get("/custom")
	if a.StatusCode != 429 || a.body != "{}" || a.Header.Get("Content-Type") != "application/json" || a.Header.Get("X-Why") != "rate  X-Evil: 1" || a.Header.Get("X-Evil") != "" {
		t.Errorf("custom response: %d %v %q", a.StatusCode, a.Header, a.body)
	}
	c := r.dial()
	c.send("GET /insert HTTP/1.1\r\nHost: h\r\nX-Amzn-Waf-Seen: forged\r\nX-AMZN-WAF-Other: forged\r\n\r\n")
	if a := c.receive("GET"); !strings.Contains(a.body, "X-Amzn-Waf-Seen: yes\r\n") || strings.Contains(a.body, "forged") {
		t.Errorf("the target got %q", a.body)
	}
	for path, status := range map[string]int{"/panic": 500, "/error": 500, "/challenge": 403, "/": 200} {
		if a := r.get(path); a.StatusCode != status {
			t.Errorf("%s: status %d, want %d", path, a.StatusCode, status)
		}
	}
	open := r.config
	open.LoadBalancers[0].Attributes.FailOpen = true
	if err := r.Apply(open); err != nil {
		t.Fatal(err)
	}
	if a := r.get("/panic"); a.StatusCode != 200 {
		t.Errorf("fail open: status %d", a.StatusCode)
	}
	if n := r.Counters().Uninspected; n != 3 {
		t.Errorf("%d requests are counted as not inspected, want 3", n)
	}
}
