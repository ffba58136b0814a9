package buckets

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// The account and Region of the server under test.
const (
	account = "111122223333"
	region  = "us-east-1"
)

// program is the program under test, built once.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "buckets-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if program = os.Getenv("FASTNESS_BINARY"); program == "" {
		program = filepath.Join(dir, "fastness")
		cmd := exec.Command("go", "build", "-o", program, "./cmd/fastness")
		cmd.Dir = filepath.Join("..", "..")
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building the program: %v\n%s", err, out)
			return 1
		}
	}
	return m.Run()
}

// server is a running server.
type server struct {
	addr        string
	credentials aws.CredentialsProvider // of the account's root user
}

func (s *server) url() string { return "http://" + s.addr }

// start runs the server until the test ends. environment is added to its own, which has nothing of AWS's.
func start(t *testing.T, environment []string, flags ...string) *server {
	t.Helper()
	dir := t.TempDir()
	s := &server{addr: fmt.Sprintf("127.0.0.1:%d", freePort(t))}
	log := must[*os.File](t)(os.Create(filepath.Join(dir, "server.log")))
	defer log.Close()
	cmd := exec.Command(program, append([]string{"serve", "--data", filepath.Join(dir, "data"), "--listen", s.addr, "--account", account, "--region", region}, flags...)...)
	cmd.Stdout, cmd.Stderr = log, log
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") && !strings.HasPrefix(v, "FASTNESS_") && !strings.Contains(strings.ToLower(v), "_proxy=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, environment...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(patience):
			_ = cmd.Process.Kill()
			t.Error("the server did not end")
		}
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("the end of the server's log:\n%s", text[max(0, len(text)-3000):])
		}
	})
	eventually(t, "the server is healthy", func() (bool, string) {
		res, err := http.Get(s.url() + "/health")
		if err != nil {
			return false, err.Error()
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK, res.Status
	})
	secrets := filepath.Join(dir, "data-secrets")
	p, err := config.LoadSharedConfigProfile(context.Background(), "default", func(o *config.LoadSharedConfigOptions) {
		o.CredentialsFiles, o.ConfigFiles = []string{filepath.Join(secrets, "credentials")}, []string{filepath.Join(secrets, "config")}
	})
	if err != nil {
		t.Fatal(err)
	}
	s.credentials = credentials.StaticCredentialsProvider{Value: p.Credentials}
	return s
}
