package badinput

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// heap is the memory in use after a collection, in bytes.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// A request that comes byte by byte is a request like any other.
func TestByteByByte(t *testing.T) {
	s := start(t)
	conn := s.dial(t)
	for _, b := range s.kms("ListKeys", []byte(`{"Limit":1}`)).sign(s.by("kms")).bytes() {
		write(t, conn, []byte{b})
	}
	if a := readAnswer(t, newReader(conn)); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// Connections that send nothing, half a header or half a body hold up nobody, and
// cost little. (That their time ends is shown with a synthetic clock in package front.)
func TestIdleConnectionsHoldUpNobody(t *testing.T) {
	s := start(t)
	s.state(t)
	const connections = 2000
	before := heap()
	request := s.kms("ListKeys", []byte(`{"Limit":1}`)).sign(s.by("kms")).bytes()
	conns := make([]net.Conn, connections)
	for i := range conns {
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		conns[i] = conn
		defer conn.Close()
		switch i % 4 {
		case 1:
			write(t, conn, request[:20])
		case 2:
			write(t, conn, request[:len(request)-1])
		case 3:
			write(t, conn, []byte{0x16, 3, 1})
		}
		if i%400 == 0 {
			s.state(t)
		}
	}
	for range 20 {
		s.state(t)
	}
	if used := int64(heap()) - int64(before); used > connections*48<<10 {
		t.Errorf("%d connections use %d KiB each", connections, used/connections>>10)
	}
}

// A body without an end is refused when it is over its bound.
func TestEndlessChunkedBody(t *testing.T) {
	s := start(t)
	q := s.kms("ListKeys", nil).sign(s.by("kms"))
	head, _, _ := strings.Cut(string(q.bytes()), "Content-Length")
	before := s.state(t)
	start := heap()
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			conn, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(patience))
			go func() {
				if _, err := io.WriteString(conn, head+"Transfer-Encoding: chunked\r\n\r\n"); err != nil {
					return
				}
				chunk := fmt.Appendf(nil, "%x\r\n%s\r\n", 32<<10, bytes.Repeat([]byte(" "), 32<<10))
				for {
					if _, err := conn.Write(chunk); err != nil {
						return
					}
				}
			}()
			res, err := http.ReadResponse(newReader(conn), nil)
			if err != nil || res.StatusCode != http.StatusRequestEntityTooLarge || !res.Close {
				t.Errorf("%v %v", res, err)
			}
		})
	}
	wait.Wait()
	if s.state(t) != before {
		t.Error("something changed")
	}
	if used := int64(heap()) - int64(start); used > 32<<20 {
		t.Errorf("%d MiB are still in use", used>>20)
	}
}

// A client that ends its side in the middle of a request has made no request.
func TestHalfClosedRequests(t *testing.T) {
	s := start(t)
	raw := s.kms("CreateKey", []byte(`{"Description":"half"}`)).sign(s.by("kms")).bytes()
	before := s.state(t)
	for _, n := range []int{0, 1, 10, len(raw) / 2, len(raw) - 1} {
		conn := s.dial(t)
		write(t, conn, raw[:n])
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%d bytes: the connection stays open", n)
		}
	}
	if s.state(t) != before {
		t.Error("half a request ran")
	}
}

// What is not TLS behind the first byte of TLS, and TLS that is too old, ends the
// connection.
func TestTLSGarbage(t *testing.T) {
	s := start(t)
	plain := s.kms("ListKeys", []byte("{}")).sign(s.by("kms")).bytes()
	record := func(kind, major, minor byte, payload []byte) []byte {
		return append([]byte{kind, major, minor, byte(len(payload) >> 8), byte(len(payload))}, payload...)
	}
	for name, raw := range map[string][]byte{
		"one byte and HTTP":          append([]byte{0x16}, plain...),
		"HTTP in a handshake":        record(0x16, 3, 1, plain),
		"empty handshake":            record(0x16, 3, 1, nil),
		"a record of 65535 bytes":    append([]byte{0x16, 3, 1, 0xff, 0xff}, bytes.Repeat([]byte{1}, 65535)...),
		"zeros":                      append([]byte{0x16, 3, 3, 0x40, 0}, make([]byte, 0x4000)...),
		"a hello of 16 MiB":          record(0x16, 3, 1, append([]byte{1, 0xff, 0xff, 0xff}, make([]byte, 1000)...)),
		"SSL 2.0":                    {0x80, 0x2e, 0x01, 0x00, 0x02, 0x00, 0x15, 0x00, 0x00, 0x00, 0x10, '\n', '\n'},
		"HTTP in application data":   record(0x17, 3, 3, plain),
		"an alert":                   record(0x15, 3, 3, []byte{2, 40}),
		"h2 preface and a bad frame": []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
		"h2 preface and HTTP/1.1":    append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), plain...),
	} {
		t.Run(name, func(t *testing.T) {
			conn := s.dial(t)
			go func() {
				_, _ = conn.Write(raw)
				_ = conn.(*net.TCPConn).CloseWrite()
			}()
			got, err := io.ReadAll(conn)
			if errors.Is(err, os.ErrDeadlineExceeded) || bytes.Contains(got, []byte("200 OK")) {
				t.Errorf("%q %v", got, err)
			}
		})
	}
	s.state(t)
	ca, err := os.ReadFile(s.app.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	for version, good := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			conn := tls.Client(s.dial(t), &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", MinVersion: version, MaxVersion: version})
			if err := conn.Handshake(); (err == nil) != good {
				t.Error(err)
			}
		})
	}
}
