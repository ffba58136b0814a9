package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"fastness/internal/sigv4"
)

// dial opens a plain connection.
func (s *server) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", s.addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// rawRequest is a signed ListKeys request as it stands on the wire, in head and body.
func (s *server) rawRequest(t *testing.T) (head, body string) {
	t.Helper()
	body = `{"Limit":1}`
	req, err := http.NewRequest(http.MethodPost, "http://"+s.addr+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "TrentService.ListKeys")
	if err := sigv4.Sign(req, []byte(body), s.key, sigv4.Scope{Region: "us-east-1", Service: "kms"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := req.Write(&b); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), body), body
}

// TestAStopWaitsForRequestsUnderWay sends half a request, has the server stop, and
// sends the rest.
func TestAStopWaitsForRequestsUnderWay(t *testing.T) {
	t.Parallel()
	s := newInstallation(t).serve(t)
	head, body := s.rawRequest(t)
	conn := s.dial(t)
	// The server asks for the body when it has the head and runs the request.
	head = strings.TrimSuffix(head, "\r\n") + "Expect: 100-continue\r\n\r\n"
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(conn)
	if res, err := http.ReadResponse(answers, nil); err != nil || res.StatusCode != http.StatusContinue {
		t.Fatalf("asked to go on: %v, %v", res, err)
	}
	if _, err := io.WriteString(conn, body[:4]); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	// It has begun to stop when it takes no more connections.
	for {
		c, err := net.Dial("tcp", s.addr)
		if errors.Is(err, syscall.ECONNREFUSED) {
			break
		}
		if err == nil {
			c.Close()
		}
	}
	if _, err := io.WriteString(conn, body[4:]); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(answer), "Keys") {
		t.Errorf("the request under way: %d %s %v", res.StatusCode, answer, err)
	}
	s.await(t)
	if s.failed != nil {
		t.Errorf("the server ended with %v\n%s", s.failed, s.log)
	}
}

// TestSlowClientsAreCutOffAndHinderNobody opens connections that send nothing, half a
// line, and a header a byte at a time, while others are served.
func TestSlowClientsAreCutOffAndHinderNobody(t *testing.T) {
	t.Parallel()
	s := newInstallation(t).serve(t)
	const each = 100
	var slow []net.Conn
	for range each {
		for _, begin := range []string{"", "P", "\x16", "POST / HTTP/1.1\r\nHost: x\r\nX-Slow: "} {
			conn := s.dial(t)
			if _, err := io.WriteString(conn, begin); err != nil {
				t.Fatal(err)
			}
			slow = append(slow, conn)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	trickled := make(chan struct{})
	go func() {
		defer close(trickled)
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				// Errors mean that the connection was cut off, which is what we want.
				_, _ = io.WriteString(slow[3], "a")
			case <-ctx.Done():
				return
			}
		}
	}()
	served := 0
	for i, conn := range slow[:8] {
		// Reads end when the server cuts the connection off; until then others are served.
		done := make(chan error, 1)
		go func() {
			_, err := io.Copy(io.Discard, conn)
			done <- err
		}()
		for waiting := true; waiting; {
			select {
			case err := <-done:
				var timeout net.Error
				if errors.As(err, &timeout) && timeout.Timeout() {
					t.Errorf("slow connection %d was not cut off", i)
				}
				waiting = false
			default:
				s.kms(t, "ListKeys", object{})
				served++
			}
		}
	}
	cancel()
	<-trickled
	t.Logf("%d calls were served meanwhile; the server has %.1f MiB", served, float64(s.resident(t))/(1<<20))
}

// TestOversizedRequestsAreRefused sends too much of everything.
func TestOversizedRequestsAreRefused(t *testing.T) {
	t.Parallel()
	s := newInstallation(t).serve(t)
	before := s.resident(t)
	target := "TrentService.Encrypt"
	const json = "application/x-amz-json-1.1"

	status, answer, err := s.send(s.key, "kms", target, json, []byte(`{"KeyId":"`+strings.Repeat("k", 100<<10)+`"}`))
	if err != nil || status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body over the room's bound: %d %s %v", status, answer, err)
	}
	status, answer, err = s.send(s.key, "kms", target, json, bytes.Repeat([]byte("["), 60<<10))
	if err != nil || status != http.StatusBadRequest || !strings.Contains(string(answer), "SerializationException") {
		t.Errorf("a deep body: %d %s %v", status, answer, err)
	}

	// A length that is announced is refused before anything is read.
	conn := s.dial(t)
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: %s\r\nContent-Length: 1099511627776\r\n\r\n", target)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a terabyte announced: %v %v", res, err)
	}
	// One that is not is cut off.
	conn = s.dial(t)
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: %s\r\nTransfer-Encoding: chunked\r\n\r\n", target)
	chunk := fmt.Sprintf("%x\r\n%s\r\n", 1<<20, strings.Repeat("x", 1<<20))
	sent := 0
	for ; sent < 64; sent++ {
		if _, err := io.WriteString(conn, chunk); err != nil {
			break
		}
	}
	if sent == 64 {
		t.Error("64 MiB of a body were taken")
	}

	// 2 MiB of headers, as one and as many.
	for name, headers := range map[string]string{
		"one":  "X-Big: " + strings.Repeat("h", 2<<20) + "\r\n",
		"many": strings.Repeat("X-Many: h\r\n", 200_000),
	} {
		conn := s.dial(t)
		done := make(chan struct{})
		go func() {
			defer close(done)
			// The server closes while we still write; then the rest cannot be sent.
			_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\n"+headers+"\r\n")
		}()
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err == nil && res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%s header(s): %d", name, res.StatusCode)
		}
		conn.Close()
		<-done
	}

	// gzip that inflates to a thousand times its size.
	if after := s.resident(t); after > before+(64<<20) {
		t.Errorf("memory went from %d to %d bytes", before, after)
	}
	s.createKey(t) // and it still serves
}
