package contest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
)

// EchoName is the name of the floor that Print compares with.
const EchoName = "echo"

// StartFloor starts the running program itself, with a flag that makes it one of the
// servers that do only a part of the work: it prints its address and serves.
func StartFloor(name, flag string) (*Server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, flag)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	return &Server{Name: name, Addr: strings.TrimSpace(addr), cmd: cmd}, err
}

// ServeEcho is the floor: a net/http server that reads a request and answers with
// bytes it was given for its X-Amz-Target (Teach), and does nothing else. It prints its
// address.
func ServeEcho() error {
	var answers sync.Map // target to body
	return ServeFloor(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		target := r.Header.Get("X-Amz-Target")
		if r.Method == http.MethodPut {
			answers.Store(r.URL.RawQuery, body)
		}
		answer, _ := answers.Load(target)
		b, _ := answer.([]byte)
		w.Header()["Content-Type"] = []string{JSON11}
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(b))}
		_, _ = w.Write(b)
	})
}

// ServeFloor serves h on a free port of the loopback interface and prints the address.
func ServeFloor(h http.HandlerFunc) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, l.Addr())
	return http.Serve(l, h) //nolint:gosec // a test server on loopback
}

// Teach gives a floor, under a name, what another server answered.
func (s *Server) Teach(ctx context.Context, name string, answer []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+s.Addr+"/?"+name, bytes.NewReader(answer))
	if err != nil {
		return err
	}
	client := http.Client{Timeout: patience}
	res, err := client.Do(r)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", name, res.Status)
	}
	return errors.Join(err, res.Body.Close())
}
