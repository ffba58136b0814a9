package keyrings

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

const account = "111122223333"

// patience bounds every wait for the server: it only matters when something hangs.
const patience = 60 * time.Second

// endpoint is where the server under test is.
var endpoint string

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "keyrings-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	program := os.Getenv("FASTNESS_BINARY")
	if program == "" {
		program = filepath.Join(dir, "fastness")
		build := exec.Command("go", "build", "-o", program, "./cmd/fastness")
		build.Dir = filepath.Join("..", "..", "..")
		if out, err := build.CombinedOutput(); err != nil {
			return 1, fmt.Errorf("building the server: %w\n%s", err, out)
		}
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 1, err
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		return 1, err
	}
	endpoint = "http://" + address
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return 1, err
	}
	defer log.Close()
	server := exec.Command(program, "serve", "--dev", "--dev-account", account, "--account", account, "--listen", address)
	server.Dir, server.Stdout, server.Stderr = dir, log, log
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") && !strings.HasPrefix(v, "FASTNESS_") {
			server.Env = append(server.Env, v)
		}
	}
	server.Env = append(server.Env, "TMPDIR="+dir)
	if err := server.Start(); err != nil {
		return 1, err
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	if err := healthy(ended); err != nil {
		text, _ := os.ReadFile(log.Name())
		return 1, errors.Join(err, server.Process.Kill(), fmt.Errorf("server log:\n%s", text))
	}
	code = m.Run()
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		return 1, err
	}
	select {
	case err := <-ended:
		return code, err
	case <-time.After(patience):
		return 1, errors.Join(errors.New("the server did not drain"), server.Process.Kill())
	}
}

// healthy asks the server until it answers.
func healthy(ended <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/health", nil)
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-ended:
			return fmt.Errorf("the server ended: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// kmsClient is a client of the server in a Region.
func kmsClient(region string) *kms.Client {
	return kms.New(kms.Options{
		Region:       region,
		BaseEndpoint: aws.String(endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider(account, "secret", ""),
	})
}
