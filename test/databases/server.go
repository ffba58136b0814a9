package databases

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Server is one that runs.
type Server struct {
	Host     string // "localhost", which the certificate names
	Port     int
	Admin    string // a user who may do everything
	Password string // the admin's
	CA       *x509.CertPool
	CAFile   string // the same, as PEM
	PID      int

	logs  []string // paths
	files []string // of its configuration, that it may rewrite
}

// Log is everything the server has logged so far.
func (s *Server) Log(t testing.TB) string {
	t.Helper()
	var all bytes.Buffer
	for _, path := range s.logs {
		text, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// Files is the text of the configuration files that the server itself may rewrite.
func (s *Server) Files(t testing.TB) string {
	t.Helper()
	var all bytes.Buffer
	for _, path := range s.files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// Addr is "localhost:port".
func (s *Server) Addr() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// adminPassword is the password of every admin. It is no secret: the servers live as
// long as a test, on loopback.
const adminPassword = "Admin-of-the-tests-0"

// startPatience bounds every wait for a server: it only matters when something hangs.
const startPatience = 60 * time.Second

// host is where a server is about to run.
type host struct {
	t    testing.TB
	dir  string
	cred *syscall.Credential // nil: as ourselves
}

// newHost makes a server's directory, with certificates that it may read.
func newHost(t testing.TB) (*host, *Server) {
	t.Helper()
	// Paths of sockets are short, and those of t.TempDir are not.
	dir, err := os.MkdirTemp("", "db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	h := &host{t: t, dir: dir}
	if os.Getuid() == 0 {
		nobody, err := user.Lookup("nobody")
		if err != nil {
			t.Fatal(err)
		}
		uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		h.cred = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	s := &Server{Host: "localhost", Admin: "admin", Password: adminPassword}
	s.Port = freePort(t)
	s.CA, s.CAFile = h.certificates()
	h.own(dir)
	return h, s
}

func (h *host) path(name string) string { return filepath.Join(h.dir, name) }

// write makes a file that the server may read.
func (h *host) write(name, content string) string {
	h.t.Helper()
	path := h.path(name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		h.t.Fatal(err)
	}
	h.own(path)
	return path
}

func (h *host) own(path string) {
	h.t.Helper()
	if h.cred == nil {
		return
	}
	if err := os.Chown(path, int(h.cred.Uid), int(h.cred.Gid)); err != nil {
		h.t.Fatal(err)
	}
}

// command prepares a program to run as the server's user in its directory.
func (h *host) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = h.dir
	// Nothing of our environment steers the server.
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME=" + h.dir, "TMPDIR=" + h.dir, "LC_ALL=C.UTF-8", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: h.cred, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// run runs a program to its end.
func (h *host) run(program string, args ...string) {
	h.t.Helper()
	if out, err := h.command(program, args...).CombinedOutput(); err != nil {
		h.t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// start runs a server until the test ends, with its output in a file, and waits until
// ready says so.
func (h *host) start(s *Server, ready func(context.Context) error, program string, args ...string) {
	t := h.t
	t.Helper()
	output, err := os.OpenFile(h.path("output.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	s.logs = append(s.logs, output.Name())
	cmd := h.command(program, args...)
	cmd.Stdout, cmd.Stderr = output, output
	if err := startOnLastingThread(cmd); err != nil {
		t.Fatal(err)
	}
	s.PID = cmd.Process.Pid
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		// A fast shutdown where there is one: SIGINT to PostgreSQL, SIGTERM to others.
		sig := syscall.SIGTERM
		if strings.HasSuffix(program, "postgres") {
			sig = syscall.SIGINT
		}
		_ = cmd.Process.Signal(sig)
		select {
		case <-ended:
		case <-time.After(startPatience):
			_ = cmd.Process.Kill()
			<-ended
		}
	})

	ctx, cancel := context.WithTimeout(context.Background(), startPatience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return
		}
		select {
		case why := <-ended:
			ended <- why
			t.Fatalf("%s ended: %v\n%s", program, why, s.Log(t))
		case <-ctx.Done():
			t.Fatalf("%s is not ready: %v\n%s", program, err, s.Log(t))
		case <-tick.C:
		}
	}
}

// starter starts processes on one thread that lives as long as we do: Linux sends the
// parent death signal when the thread that started a process ends, not when we do.
var starter = sync.OnceValue(func() chan func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

func startOnLastingThread(cmd *exec.Cmd) error {
	done := make(chan error)
	starter() <- func() { done <- cmd.Start() }
	return <-done
}

// listening is ready as soon as the port takes a connection.
func (s *Server) listening(ctx context.Context) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", s.Addr())
	if err != nil {
		return err
	}
	return conn.Close()
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// program finds a server's program, or fails and names the package that brings it.
// Patterns are tried in order; of several matches the last one (the highest version).
func program(t testing.TB, debianPackage string, patterns ...string) string {
	t.Helper()
	for _, pattern := range patterns {
		if !strings.Contains(pattern, "/") {
			if path, err := exec.LookPath(pattern); err == nil {
				return path
			}
			continue
		}
		matches, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if len(matches) > 0 {
			return matches[len(matches)-1]
		}
	}
	t.Fatalf("missing: %s (run test/deps.sh, or apt-get install --no-install-recommends %[1]s)", debianPackage)
	return ""
}
