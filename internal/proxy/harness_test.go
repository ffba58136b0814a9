package proxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fastness/internal/clock"
	"fastness/internal/engine/waf/request"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patienceOfTests is how long a test waits for what must come.
const patienceOfTests = 20 * time.Second

// inspectorFunc is an Inspector in a test.
type inspectorFunc func(r *request.Request, v *Verdict) error

func (f inspectorFunc) Inspect(_ context.Context, r *request.Request, v *Verdict) error {
	return f(r, v)
}

// rig is a proxy with one load balancer, "lb", whose listener "l" forwards to the target
// group "g".
type rig struct {
	t testing.TB
	*Proxy
	config Config
	addr   string
}

// targetOf is a server as a Target.
func targetOf(t testing.TB, server string) Target {
	t.Helper()
	host, port, err := net.SplitHostPort(strings.TrimPrefix(strings.TrimPrefix(server, "http://"), "https://"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return Target{IP: host, Port: n}
}

func baseConfig(targets ...Target) Config {
	return Config{
		TargetGroups: []TargetGroup{{ARN: "g", Protocol: "HTTP", Targets: targets, Health: HealthCheck{Off: true}}},
		LoadBalancers: []LoadBalancer{{
			ARN:        "lb",
			Attributes: Attributes{PreserveHost: true},
			Listeners: []Listener{{
				ARN: "l", Protocol: "HTTP", Bind: "127.0.0.1",
				Default: Action{Forward: &Forward{Groups: []WeightedGroup{{"g", 1}}}},
			}},
		}},
	}
}

// inspected attaches a web ACL, which compiles to inspect.
func inspected(c *Config, o *Options, inspect inspectorFunc) {
	c.LoadBalancers[0].WebACL = "acl"
	c.WebACLs = []WebACL{{ARN: "acl"}}
	o.Compile = func(*WebACL, Inspector) (Inspector, error) { return inspect, nil }
}

// start starts a proxy; change may alter its configuration and options first.
func start(t testing.TB, c Config, change ...func(*Config, *Options)) *rig {
	t.Helper()
	o := Options{Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&c, &o)
	}
	r := &rig{t: t, Proxy: New(o), config: c}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patienceOfTests)
		defer cancel()
		if err := r.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
	if err := r.Apply(c); err != nil {
		t.Fatal(err)
	}
	r.addr = r.Addr(c.LoadBalancers[0].Listeners[0].ARN).String()
	return r
}

// backend is a server behind the proxy.
func backend(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// rawBackend serves each connection by f.
func rawBackend(t testing.TB, f func(c net.Conn)) Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				stop := context.AfterFunc(ctx, func() { c.Close() })
				defer stop()
				f(c)
				c.Close()
			})
		}
	})
	t.Cleanup(func() {
		cancel()
		l.Close()
		running.Wait()
	})
	return targetOf(t, l.Addr().String())
}

// raw is a raw connection to the proxy.
type raw struct {
	*net.TCPConn
	t  testing.TB
	in *bufio.Reader
}

func (r *rig) dial() *raw { return dialRaw(r.t, r.addr) }

func dialRaw(t testing.TB, addr string) *raw {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patienceOfTests)); err != nil {
		t.Fatal(err)
	}
	return &raw{conn.(*net.TCPConn), t, bufio.NewReader(conn)}
}

func (c *raw) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

type answer struct {
	*http.Response
	body string
}

// receive reads the answer to a request by method.
func (c *raw) receive(method string) answer {
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
func (c *raw) ended() {
	c.t.Helper()
	rest, err := io.ReadAll(c.in)
	var timeout net.Error
	if len(rest) > 0 || errors.As(err, &timeout) && timeout.Timeout() {
		c.t.Errorf("instead of the end: %q %v", rest, err)
	}
}

func (r *rig) url(path string) string { return "http://" + r.addr + path }

// client is a client of its own, whose connections end with the test.
func client(t testing.TB) *http.Client {
	tr := &http.Transport{DisableCompression: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patienceOfTests, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (r *rig) get(path string) answer {
	r.t.Helper()
	res, err := client(r.t).Get(r.url(path))
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer{res, string(body)}
}

// eventually waits until ok.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patienceOfTests)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen: %s", what)
		}
		wait := time.NewTimer(2 * time.Millisecond)
		<-wait.C
	}
}

func contextWithCancel(t testing.TB) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}
