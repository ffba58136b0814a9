package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fastness/internal/sigv4"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if binary = os.Getenv("FASTNESS_BINARY"); binary == "" {
		binary = filepath.Join(dir, "fastness")
		if err := build(context.Background(), binary); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return m.Run()
}

// build makes the program. Further arguments go to the compiler, environment and all.
func build(ctx context.Context, to string, environment ...string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", to, "./cmd/fastness")
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), environment...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the program: %w\n%s", err, out)
	}
	return nil
}

// patience bounds every wait for a process: it only matters when something hangs.
const patience = 60 * time.Second

// installation is a data directory with the flags of its seal.
type installation struct {
	dir     string // holds the data, secrets and backups
	program string
	flags   []string // of every command on the data directory
	env     []string
	files   []*os.File // descriptors 3, 4 … of serve
}

func newInstallation(t testing.TB, flags ...string) *installation {
	t.Helper()
	// Socket paths are short, and those of t.TempDir are not.
	dir, err := os.MkdirTemp("", "fst")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return &installation{dir: dir, program: binary, flags: flags}
}

func (i *installation) data() string         { return filepath.Join(i.dir, "data") }
func (i *installation) secrets() string      { return i.data() + "-secrets" }
func (i *installation) path(n string) string { return filepath.Join(i.dir, n) }

// command is a run of the program on the installation. The name may be of two words.
func (i *installation) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	all := append(append(strings.Fields(name), "--data-dir", i.data()), i.flags...)
	cmd := exec.CommandContext(ctx, i.program, append(all, args...)...)
	cmd.Env = append(os.Environ(), i.env...)
	return cmd
}

// try runs a command to its end and returns what it printed, both streams together.
func (i *installation) try(t *testing.T, input, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := i.command(ctx, name, args...)
	cmd.Stdin = strings.NewReader(input)
	cmd.ExtraFiles = i.files
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// run is try for commands that must succeed.
func (i *installation) run(t *testing.T, input, name string, args ...string) string {
	t.Helper()
	out, err := i.try(t, input, name, args...)
	if err != nil {
		t.Fatalf("fastness %s: %v\n%s", name, err, out)
	}
	return out
}

// refused is try for commands that must fail with a message.
func (i *installation) refused(t *testing.T, message, input, name string, args ...string) string {
	t.Helper()
	out, err := i.try(t, input, name, args...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("fastness %s did not fail: %v\n%s", name, err, out)
	}
	if !strings.Contains(out, message) {
		t.Fatalf("fastness %s says\n%s\nwithout %q", name, out, message)
	}
	return out
}

// server is a running process.
type server struct {
	*installation
	cmd    *exec.Cmd
	addr   string
	log    *buffer // standard error
	banner string
	key    sigv4.Credentials // of the root user, once there is one
	ended  chan struct{}
	failed error // after ended
	// ready is how long the start took until the banner.
	ready time.Duration
}

// buffer is written by one goroutine and read by another.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// serve starts a server, on a free port unless flags say otherwise, and returns when it
// has printed where it serves.
func (i *installation) serve(t testing.TB, flags ...string) *server {
	t.Helper()
	s := &server{installation: i, log: new(buffer), ended: make(chan struct{})}
	s.cmd = i.command(context.WithoutCancel(t.Context()), "serve", append([]string{"--listen", "127.0.0.1:0"}, flags...)...)
	s.cmd.Stderr, s.cmd.ExtraFiles = s.log, i.files
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	s.banner, err = lines.ReadString('\n')
	s.ready = time.Since(began)
	rest := make(chan struct{})
	go func() {
		defer close(rest)
		_, _ = io.Copy(s.log, lines)
	}()
	go func() {
		<-rest // the pipe must be read before Wait closes it
		s.failed = s.cmd.Wait()
		close(s.ended)
	}()
	t.Cleanup(func() { s.stop(t) })
	if err != nil {
		<-s.ended
		t.Fatalf("the server did not start: %v\n%s", s.failed, s.log)
	}
	_, after, _ := strings.Cut(s.banner, "http://")
	s.addr, _, _ = strings.Cut(after, " ")
	if s.addr == "" {
		t.Fatalf("no address in %q", s.banner)
	}
	s.readKey(t)
	return s
}

// readKey reads the root user's access key, if it is there.
func (s *server) readKey(t testing.TB) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.secrets(), "credentials"))
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " = ")
		switch name {
		case "aws_access_key_id":
			s.key.AccessKeyID = value
		case "aws_secret_access_key":
			s.key.Secret = []byte(value)
		}
	}
}

// stop ends the server in an orderly way.
func (s *server) stop(t testing.TB) {
	t.Helper()
	select {
	case <-s.ended:
		return
	default:
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.await(t)
	if s.failed != nil {
		t.Errorf("the server ended with %v\n%s", s.failed, s.log)
	}
}

// kill ends the server with SIGKILL.
func (s *server) kill(t testing.TB) {
	t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	s.await(t)
}

// await waits until the process has ended.
func (s *server) await(t testing.TB) {
	t.Helper()
	select {
	case <-s.ended:
	case <-time.After(patience):
		_ = s.cmd.Process.Kill()
		t.Fatalf("the server did not end\n%s", s.log)
	}
}

// client speaks to servers; each request has a connection of its own, so that nothing
// is left open when a server stops.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}

// get reads an operational path.
func (s *server) get(t *testing.T, path string) (int, string) {
	t.Helper()
	res, err := client.Get("http://" + s.addr + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// object is a JSON object.
type object = map[string]any

// send makes a signed request and returns status and body.
func (s *server) send(key sigv4.Credentials, service, target, contentType string, body []byte) (int, []byte, error) {
	req, err := http.NewRequest(http.MethodPost, "http://"+s.addr+"/", bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", contentType)
	if target != "" {
		req.Header.Set("X-Amz-Target", target)
	}
	if err := sigv4.Sign(req, body, key, sigv4.Scope{Region: "us-east-1", Service: service}, time.Now()); err != nil {
		return 0, nil, err
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

// tryKMS calls a KMS operation. The error is the answer's, with its type first.
func (s *server) tryKMS(key sigv4.Credentials, operation string, in object) (object, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	status, answer, err := s.send(key, "kms", "TrentService."+operation, "application/x-amz-json-1.1", body)
	if err != nil {
		return nil, err
	}
	out := object{}
	if len(answer) == 0 && status == http.StatusOK {
		return out, nil // operations without an output
	}
	if err := json.Unmarshal(answer, &out); err != nil {
		return nil, fmt.Errorf("%s: %d %q: %w", operation, status, answer, err)
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("%s: %d %v: %v", operation, status, out["__type"], out["message"])
	}
	return out, nil
}

// kms calls a KMS operation as the root user; it must succeed.
func (s *server) kms(t *testing.T, operation string, in object) object {
	t.Helper()
	out, err := s.tryKMS(s.key, operation, in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// createKey makes a symmetric key and returns its id.
func (s *server) createKey(t *testing.T) string {
	t.Helper()
	return s.kms(t, "CreateKey", object{})["KeyMetadata"].(object)["KeyId"].(string)
}

// tryIAM calls an IAM operation and returns the XML of the answer.
func (s *server) tryIAM(key sigv4.Credentials, operation string, parameters ...string) (string, error) {
	form := url.Values{"Action": {operation}, "Version": {"2010-05-08"}}
	for i := 0; i < len(parameters); i += 2 {
		form.Set(parameters[i], parameters[i+1])
	}
	status, answer, err := s.send(key, "iam", "", "application/x-www-form-urlencoded", []byte(form.Encode()))
	if err != nil {
		return "", err
	}
	if status != http.StatusOK {
		return "", fmt.Errorf("%s: %d %s", operation, status, answer)
	}
	return string(answer), nil
}

// iam calls an IAM operation as the root user; it must succeed.
func (s *server) iam(t *testing.T, operation string, parameters ...string) string {
	t.Helper()
	out, err := s.tryIAM(s.key, operation, parameters...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// element is the text of the first XML element of a name.
func element(text, name string) string {
	_, after, _ := strings.Cut(text, "<"+name+">")
	value, _, _ := strings.Cut(after, "</"+name+">")
	return value
}

// newUser makes an IAM user and returns its access key.
func (s *server) newUser(t *testing.T, name string) sigv4.Credentials {
	t.Helper()
	s.iam(t, "CreateUser", "UserName", name)
	out := s.iam(t, "CreateAccessKey", "UserName", name)
	return sigv4.Credentials{AccessKeyID: element(out, "AccessKeyId"), Secret: []byte(element(out, "SecretAccessKey"))}
}

// encrypt and decrypt move text through a key.
func (s *server) encrypt(t *testing.T, key, text string) string {
	t.Helper()
	return s.kms(t, "Encrypt", object{"KeyId": key, "Plaintext": []byte(text)})["CiphertextBlob"].(string)
}

func (s *server) mustDecrypt(t *testing.T, blob, want string) {
	t.Helper()
	out := s.kms(t, "Decrypt", object{"CiphertextBlob": blob})
	var got []byte
	if err := json.Unmarshal([]byte(`"`+out["Plaintext"].(string)+`"`), &got); err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Fatalf("decrypted to %q, not %q", got, want)
	}
}
