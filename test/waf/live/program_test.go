package live

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"fastness/internal/proxy"
)

// program is the program under test, built once.
var program string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "live-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if program = os.Getenv("FASTNESS_BINARY"); program == "" {
		program = filepath.Join(dir, "fastness")
		cmd := exec.Command("go", "build", "-o", program, "./cmd/fastness")
		cmd.Dir = filepath.Join("..", "..", "..")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building the program: %v\n%s", err, out)
			return 1
		}
	}
	return m.Run()
}

// patience bounds every wait: it only matters when something hangs.
const patience = 90 * time.Second

// lookFor finds a program, or fails and names the Debian package that brings it.
func lookFor(t testing.TB, debianPackage string, paths ...string) string {
	t.Helper()
	for _, p := range paths {
		if path, err := exec.LookPath(p); err == nil {
			return path
		}
	}
	t.Fatalf("missing: %s (run test/deps.sh, or apt-get install --no-install-recommends %[1]s)", debianPackage)
	return ""
}

// freePort finds a loopback port that nobody listens on.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// process is a program that runs until the test ends.
type process struct {
	t      testing.TB
	name   string
	output *transcript
	ended  chan struct{}
}

// transcript is what a program has written.
type transcript struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *transcript) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *transcript) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// launch starts a program. change, which may be nil, alters the command first.
func launch(t testing.TB, change func(*exec.Cmd), name string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: filepath.Base(name), output: new(transcript), ended: make(chan struct{})}
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = p.output, p.output
	// Its children end with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = 5 * time.Second
	if change != nil {
		change(cmd)
	}
	started := make(chan error)
	go func() {
		// The signal at the death of the parent comes when the thread that started a process ends.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
			close(p.ended)
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.ended:
		case <-time.After(10 * time.Second):
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-p.ended
		if t.Failed() {
			out := p.output.String()
			t.Logf("the end of what %s wrote:\n%s", p.name, out[max(0, len(out)-4000):])
		}
	})
	return p
}

// listening waits until somebody accepts connections at addr.
func (p *process) listening(addr string) {
	p.t.Helper()
	p.until("accepts connections at "+addr, func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// until waits for something that the process is about to do.
func (p *process) until(what string, done func() bool) {
	p.t.Helper()
	eventually(p.t, p.name+" "+what, func() bool {
		select {
		case <-p.ended:
			p.t.Fatalf("%s has ended before it %s:\n%s", p.name, what, p.output)
		default:
		}
		return done()
	})
}

// eventually waits until done.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatalf("this did not come: %s", what)
		case <-tick.C:
		}
	}
}

// proxied is a running fastness proxy.
type proxied struct {
	*process
	ports map[string]int // of listeners by ARN
}

// startProxy runs the program's proxy with a configuration in a file. Listeners without a port get a free
// one.
func startProxy(t testing.TB, c proxy.Config) *proxied {
	t.Helper()
	p := &proxied{ports: map[string]int{}}
	for i := range c.LoadBalancers {
		for j := range c.LoadBalancers[i].Listeners {
			l := &c.LoadBalancers[i].Listeners[j]
			if l.Port == 0 {
				l.Port = freePort(t)
			}
			p.ports[l.ARN] = l.Port
		}
	}
	file := filepath.Join(t.TempDir(), "proxy.json")
	text, err := json.Marshal(c)
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	p.process = launch(t, nil, program, "proxy", "--file", file)
	for arn := range p.ports {
		p.listening(p.addr(arn))
	}
	return p
}

// addr is the address of a listener.
func (p *proxied) addr(listener string) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.ports[listener]))
}

// behind is a configuration of one listener, "site", in front of a server on the loopback address.
func behind(t testing.TB, server string, acl proxy.WebACL) proxy.Config {
	t.Helper()
	_, port, err := net.SplitHostPort(server)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	acl.ARN = "acl"
	return proxy.Config{
		TargetGroups: []proxy.TargetGroup{{ARN: "app", Protocol: "HTTP", Targets: []proxy.Target{{IP: "127.0.0.1", Port: n}}, Health: proxy.HealthCheck{Off: true}}},
		WebACLs:      []proxy.WebACL{acl},
		LoadBalancers: []proxy.LoadBalancer{{
			ARN: "lb", WebACL: "acl", Attributes: proxy.Attributes{PreserveHost: true},
			Listeners: []proxy.Listener{{
				ARN: "site", Protocol: "HTTP", Bind: "127.0.0.1",
				Default: proxy.Action{Forward: &proxy.Forward{Groups: []proxy.WeightedGroup{{Group: "app", Weight: 1}}}},
			}},
		}},
	}
}

// serve runs a handler on the loopback address and returns the address.
func serve(t testing.TB, h http.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: patience}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return l.Addr().String()
}
