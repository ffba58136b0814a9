package contest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"fastness/internal/sigv4"
)

// Server is a running process that is measured.
type Server struct {
	Name string
	Addr string // host:port
	// Requests makes the requests of an operation, one for each connection and freshly
	// signed; none if the operation is not that of the other servers here.
	Requests func(ctx context.Context, op string, conns int) ([][]byte, error)
	// Vary, if set, makes another request of one of Requests, of the same length, each time before it is sent. It is called by
	// many goroutines at once, each with a request of its own.
	Vary func(request []byte)
	// Cred signs what Sign and Call send.
	Cred sigv4.Credentials

	cmd       *exec.Cmd
	essential bool // its failure ends the contest
}

// Region is the Region of all requests.
const Region = "us-east-1"

// FreePort returns a port of the loopback interface that nobody listens on.
func FreePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// Start runs cmd and waits until it listens on the port of the loopback interface. The
// server is not nil if the process runs, whatever the error.
func Start(ctx context.Context, name, port string, cmd *exec.Cmd) (*Server, error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &Server{Name: name, Addr: net.JoinHostPort("127.0.0.1", port), cmd: cmd}
	return s, s.await(ctx)
}

// StartEmulator starts a server of AWS's API that checks no signatures, on a port that
// command puts into the command line.
func StartEmulator(ctx context.Context, name string, command func(port string) *exec.Cmd) (*Server, error) {
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	s, err := Start(ctx, name, port, command(port))
	if s != nil {
		s.Cred = sigv4.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", Secret: []byte("secret")}
	}
	return s, err
}

// Stop ends the process, by force after ten seconds.
func (s *Server) Stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	done := time.AfterFunc(10*time.Second, func() { _ = s.cmd.Process.Kill() })
	_ = s.cmd.Wait()
	done.Stop()
}

// await waits until the port answers.
func (s *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		conn, err := dial(ctx, s.Addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// Memory is the resident set of the process in MiB: now, and the largest since its start
// (proc(5), VmRSS and VmHWM).
func (s *Server) Memory() (now, peak int, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	for _, field := range []struct {
		name string
		to   *int
	}{{"VmRSS", &now}, {"VmHWM", &peak}} {
		kib, err := strconv.Atoi(submatch(string(b), field.name+`:\s*(\d+) kB`))
		if err != nil {
			return 0, 0, fmt.Errorf("%s: %w", field.name, err)
		}
		*field.to = kib >> 10
	}
	return now, peak, nil
}

// Settle waits until the process has nothing left to do by itself: what it was given before is
// numbered, flushed and compacted after the answers, which would be counted as the cost of
// what is measured first.
func (s *Server) Settle(ctx context.Context) error {
	const pause, idle = 500 * time.Millisecond, 10 * time.Millisecond
	before, err := s.cpu()
	for err == nil {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
		var now time.Duration
		if now, err = s.cpu(); err == nil && now-before <= idle {
			return nil
		}
		before = now
	}
	return err
}

// cpu is the processor time of the process so far. The kernel counts in ticks of
// 10 ms (proc(5), fields utime and stime).
func (s *Server) cpu() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	utime, err1 := strconv.ParseInt(fields[11], 10, 64)
	stime, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(utime+stime) * 10 * time.Millisecond, errors.Join(err1, err2)
}

// JSON11 is the content type of the AWS JSON 1.1 protocol.
const JSON11 = "application/x-amz-json-1.1"

// Sign renders a signed request as the AWS SDKs send it. target may be empty.
func (s *Server) Sign(service, contentType, target string, body []byte) ([]byte, error) {
	r, err := http.NewRequest(http.MethodPost, "http://"+s.Addr+"/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("User-Agent", "aws-sdk-go-v2/1.41.0 ua/2.1 os/linux lang/go#1.26 md/GOOS#linux md/GOARCH#amd64 api/"+service+"#1.49.0 m/E,g")
	r.Header.Set("Amz-Sdk-Invocation-Id", "c8b1a1ee-2f1c-4d0e-9f43-1a2b3c4d5e6f")
	r.Header.Set("Amz-Sdk-Request", "attempt=1; max=3")
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	if err := sigv4.Sign(r, body, s.Cred, sigv4.Scope{Region: Region, Service: service}, time.Now()); err != nil {
		return nil, err
	}
	return Render(r)
}

// Render is a request as it goes over the wire.
func Render(r *http.Request) ([]byte, error) {
	var b bytes.Buffer
	err := r.Write(&b)
	return b.Bytes(), err
}

// Send sends a rendered request on a connection of its own and returns the answer's body.
// An answer other than 200 or 204 is an error.
func (s *Server) Send(ctx context.Context, request []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := dial(ctx, s.Addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if _, err := conn.Write(request); err != nil {
		return nil, err
	}
	answer, _, err := readAnswer(bufio.NewReader(conn), true)
	return answer, err
}

// Call calls an operation of an API of AWS JSON 1.1; target is X-Amz-Target. The answer
// goes to out, unless it is nil.
func (s *Server) Call(ctx context.Context, service, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := s.Sign(service, JSON11, target, body)
	if err != nil {
		return err
	}
	answer, err := s.Send(ctx, request)
	if err != nil {
		return fmt.Errorf("%s: %w", target, err)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// Query calls an operation of an API of the AWS query protocol.
func (s *Server) Query(ctx context.Context, service, form string) ([]byte, error) {
	request, err := s.Sign(service, "application/x-www-form-urlencoded; charset=utf-8", "", []byte(form))
	if err != nil {
		return nil, err
	}
	return s.Send(ctx, request)
}
