package crash

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fastness/internal/sigv4"
)

const (
	account      = "111122223333"
	region       = "us-east-1"
	startTimeout = 60 * time.Second
)

// server is the program under test and its data directory, which outlives it.
type server struct {
	program, dir string
	addr         string // host:port, the same for all its lives
	credentials  sigv4.Credentials
	client       *http.Client
	arguments    []string // besides those that all have
	environment  []string

	cmd    *exec.Cmd
	exited chan struct{}
}

// newServer builds the program, or takes the one that FASTNESS_BINARY names.
func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{dir: t.TempDir(), program: os.Getenv("FASTNESS_BINARY")}
	if s.program == "" {
		s.program = filepath.Join(s.dir, "fastness")
		build := exec.CommandContext(t.Context(), "go", "build", "-o", s.program, "./cmd/fastness")
		build.Dir = filepath.Join("..", "..")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("building the server: %v\n%s", err, out)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *server) dataDir() string { return filepath.Join(s.dir, "data") }

// start runs the server and returns when it is healthy.
func (s *server) start(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(s.dir, "server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.cmd = exec.Command(s.program, append([]string{"serve", "--data", s.dataDir(), "--listen", s.addr, "--account", account, "--region", region}, s.arguments...)...)
	s.cmd.Env = append(os.Environ(), s.environment...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func(cmd *exec.Cmd) {
		_ = cmd.Wait() // killed: the status says so
		close(exited)
	}(s.cmd)
	s.exited = exited
	// Connections of the last life are of no use.
	s.client = &http.Client{Timeout: startTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: 2 * writers}}
	if err := s.waitHealthy(t.Context()); err != nil {
		s.kill()
		t.Fatalf("%v\n%s", err, s.logTail())
	}
	if s.credentials.AccessKeyID == "" {
		if s.credentials, err = readCredentials(s.dataDir() + "-secrets/credentials"); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *server) waitHealthy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+"/health", nil)
		if err != nil {
			return err
		}
		if res, err := s.client.Do(req); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-s.exited:
			return errors.New("the server ended instead of starting")
		case <-ctx.Done():
			return fmt.Errorf("the server is not healthy after %v", startTimeout)
		case <-time.After(pause):
		}
	}
}

// kill is kill -9, and waits until the process is gone.
func (s *server) kill() {
	_ = s.cmd.Process.Kill() // it fails only if the process has ended
	<-s.exited
}

func (s *server) logTail() string {
	const most = 4096
	log, err := os.ReadFile(filepath.Join(s.dir, "server.log"))
	if err != nil {
		return err.Error()
	}
	return string(log[max(0, len(log)-most):])
}

// readCredentials reads an AWS shared credentials file with one profile.
func readCredentials(name string) (sigv4.Credentials, error) {
	var c sigv4.Credentials
	f, err := os.Open(name)
	if err != nil {
		return c, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), "=")
		switch strings.TrimSpace(key) {
		case "aws_access_key_id":
			c.AccessKeyID = strings.TrimSpace(value)
		case "aws_secret_access_key":
			c.Secret = []byte(strings.TrimSpace(value))
		}
	}
	if c.AccessKeyID == "" || len(c.Secret) == 0 {
		return c, fmt.Errorf("%s has no credentials", name)
	}
	return c, nil
}
