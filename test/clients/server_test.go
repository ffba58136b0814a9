package clients

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
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

const (
	startTimeout = 30 * time.Second
	// drainTimeout is longer than what serve grants running requests.
	drainTimeout = 40 * time.Second
)

// process is a running server.
type process struct {
	addr        string // host:port
	dataDir     string
	credentials aws.Credentials // of the account's root user
	logFile     string
	cmd         *exec.Cmd
	exited      chan error
}

func (p *process) http() string           { return "http://" + p.addr }
func (p *process) https() string          { return "https://" + p.addr }
func (p *process) secrets() string        { return p.dataDir + "-secrets" }
func (p *process) caFile() string         { return filepath.Join(p.secrets(), "tls", "ca.pem") }
func (p *process) configFile() string     { return filepath.Join(p.secrets(), "config") }
func (p *process) credentialFile() string { return filepath.Join(p.secrets(), "credentials") }

// repository is the root of the product's module: two directories up.
func repository() (string, error) { return filepath.Abs(filepath.Join("..", "..")) }

// build makes the server's binary in dir.
func build(dir string) (string, error) {
	if given := os.Getenv("FASTNESS_BINARY"); given != "" {
		return given, nil
	}
	root, err := repository()
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "fastness")
	cmd := exec.Command("go", "build", "-o", binary, "./cmd/fastness")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the server: %w\n%s", err, out)
	}
	return binary, nil
}

// freeAddress finds a loopback port that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// start runs the server with a data directory under dir and returns when it is healthy.
func start(binary, dir string, flags ...string) (*process, error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	p := &process{addr: addr, dataDir: filepath.Join(dir, "data"), logFile: filepath.Join(dir, "server.log"), exited: make(chan error, 1)}
	log, err := os.OpenFile(p.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	args := append([]string{"serve", "--data", p.dataDir, "--listen", addr, "--account", account, "--region", region}, flags...)
	p.cmd = exec.Command(binary, args...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.Env = append(withoutAWS(os.Environ()), "TMPDIR="+dir)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.exited <- p.cmd.Wait() }()
	if err := p.waitHealthy(); err != nil {
		return nil, errors.Join(err, p.kill(), p.logTail())
	}
	loaded, err := config.LoadSharedConfigProfile(context.Background(), "default", func(o *config.LoadSharedConfigOptions) {
		o.CredentialsFiles, o.ConfigFiles = []string{p.credentialFile()}, []string{p.configFile()}
	})
	if err != nil {
		return nil, errors.Join(err, p.kill())
	}
	p.credentials = loaded.Credentials
	return p, nil
}

// waitHealthy asks /health until it answers, the server exits or the time is up.
func (p *process) waitHealthy() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.http()+"/health", nil)
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16))
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-p.exited:
			p.exited <- err
			return fmt.Errorf("the server ended: %w", err)
		case <-ctx.Done():
			return fmt.Errorf("the server is not healthy after %v", startTimeout)
		case <-time.After(pause):
		}
	}
}

// stop asks the server to drain, as systemd would, and waits for its end.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-p.exited:
		if err != nil {
			return fmt.Errorf("the server did not end cleanly: %w", errors.Join(err, p.logTail()))
		}
		return nil
	case <-time.After(drainTimeout):
		return errors.Join(fmt.Errorf("the server did not drain within %v", drainTimeout), p.kill(), p.logTail())
	}
}

func (p *process) kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.exited
	return nil
}

// logTail is the end of the server's log, as an error to join.
func (p *process) logTail() error {
	const most = 4096
	log, err := os.ReadFile(p.logFile)
	if err != nil {
		return err
	}
	if len(log) > most {
		log = log[len(log)-most:]
	}
	return fmt.Errorf("server log:\n%s", log)
}

// withoutAWS removes what would point an AWS client elsewhere.
func withoutAWS(env []string) []string {
	var kept []string
	for _, v := range env {
		name, _, _ := strings.Cut(v, "=")
		switch {
		case strings.HasPrefix(name, "AWS_"), strings.HasPrefix(name, "FASTNESS_"),
			strings.EqualFold(name, "http_proxy"), strings.EqualFold(name, "https_proxy"), strings.EqualFold(name, "all_proxy"):
		default:
			kept = append(kept, v)
		}
	}
	return kept
}

// environment is what a client program gets to reach the server over plain HTTP as c.
func (p *process) environment(c aws.Credentials) []string {
	env := append(withoutAWS(os.Environ()),
		"AWS_ENDPOINT_URL="+p.http(), "AWS_REGION="+region, "AWS_DEFAULT_REGION="+region,
		"AWS_ACCESS_KEY_ID="+c.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+c.SecretAccessKey,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1", "AWS_PAGER=", "NO_PROXY=*",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	if c.SessionToken != "" {
		env = append(env, "AWS_SESSION_TOKEN="+c.SessionToken)
	}
	return env
}

// config is the SDK's configuration to reach the server over plain HTTP as c. Nothing
// is retried: a test wants the first answer.
func (p *process) config(c aws.Credentials, inRegion string) aws.Config {
	return aws.Config{
		Region: inRegion, BaseEndpoint: aws.String(p.http()), RetryMaxAttempts: 1,
		Credentials: aws.NewCredentialsCache(credentials.StaticCredentialsProvider{Value: c}),
		HTTPClient:  &http.Client{Timeout: 60 * time.Second},
	}
}
