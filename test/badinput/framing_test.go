package badinput

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
)

// malformed sends bytes that are no HTTP request: the answer, if one arrives before the
// connection ends, is an error of the client's, and nothing runs.
func (s *server) malformed(t *testing.T, raw string) {
	t.Helper()
	before := s.state(t)
	conn := s.dial(t)
	defer conn.Close()
	go func() { _, _ = io.WriteString(conn, raw) }()
	in := bufio.NewReader(conn)
	line, err := in.ReadString('\n')
	if err == nil && !strings.HasPrefix(line, "HTTP/1.1 4") && !strings.HasPrefix(line, "HTTP/1.1 505") {
		t.Errorf("answer: %s", line)
	}
	if _, err := io.Copy(io.Discard, in); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection stays open")
	}
	if s.state(t) != before {
		t.Error("it ran")
	}
}

// answers sends raw on one connection and counts the answers until the connection ends.
func (s *server) answers(t *testing.T, raw string) []answer {
	t.Helper()
	conn := s.dial(t)
	defer conn.Close()
	go func() {
		_, _ = io.WriteString(conn, raw)
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	in := bufio.NewReader(conn)
	var all []answer
	for {
		if _, err := in.Peek(1); err != nil {
			if !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
				t.Errorf("the connection ended with %v", err)
			}
			return all
		}
		all = append(all, readAnswer(t, in))
	}
}

// Every form in which a proxy and we could differ about where a request ends: at most
// one request comes of it, and never the hidden one.
func TestNeverTwoRequestsFromOne(t *testing.T) {
	s := start(t)
	hidden := string(s.kms("CreateKey", []byte(`{"Description":"smuggled"}`)).sign(s.by("kms")).bytes())
	base := s.kms("ListKeys", nil).sign(s.by("kms"))
	head := strings.TrimSuffix(string(base.bytes()), "Content-Length: 0\r\n\r\n")
	length := func(n string) string { return "Content-Length: " + n + "\r\n" }
	const chunked = "Transfer-Encoding: chunked\r\n"
	for name, raw := range map[string]string{
		"length then chunked":             head + length("5") + chunked + "\r\n0\r\n\r\n" + hidden,
		"chunked then length":             head + chunked + length("5") + "\r\n0\r\n\r\n" + hidden,
		"chunked then length of all":      head + chunked + length("9999") + "\r\n0\r\n\r\n" + hidden,
		"two lengths":                     head + length("0") + length("9") + "\r\n" + hidden,
		"two lengths in one":              head + length("0, 9") + "\r\n" + hidden,
		"signed length":                   head + length("+0") + "\r\n" + hidden,
		"negative length":                 head + length("-1") + "\r\n" + hidden,
		"hexadecimal length":              head + length("0x0") + "\r\n" + hidden,
		"length with a space inside":      head + length("0 0") + "\r\n" + hidden,
		"empty length":                    head + length("") + "\r\n" + hidden,
		"space before the colon":          head + "Content-Length : 0\r\n\r\n" + hidden,
		"chunked, space before the colon": head + "Transfer-Encoding : chunked\r\n" + length("0") + "\r\n" + hidden,
		"chunked twice":                   head + chunked + chunked + "\r\n0\r\n\r\n" + hidden,
		"chunked, identity":               head + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + hidden,
		"xchunked":                        head + "Transfer-Encoding: xchunked\r\n" + length("0") + "\r\n" + hidden,
		"chunked behind a vertical tab":   head + "Transfer-Encoding: \x0bchunked\r\n" + length("0") + "\r\n" + hidden,
		"chunked in quotes":               head + "Transfer-Encoding: \"chunked\"\r\n" + length("0") + "\r\n" + hidden,
		"chunked on a folded line":        head + "Transfer-Encoding:\r\n chunked\r\n" + length("0") + "\r\n0\r\n\r\n" + hidden,
		"chunk size in a bare line feed":  head + chunked + "\r\n0\n\r\n" + hidden,
		"chunk extension with line feed":  head + chunked + "\r\n0;a=\nb\r\n\r\n" + hidden,
		"chunk size that overflows":       head + chunked + "\r\n10000000000000000\r\n\r\n" + hidden,
		"negative chunk size":             head + chunked + "\r\n-1\r\n\r\n" + hidden,
		"chunk size 0x0":                  head + chunked + "\r\n0x0\r\n\r\n" + hidden,
		"a length in the trailer":         head + chunked + "\r\n0\r\nContent-Length: 9\r\n\r\n" + hidden,
		"NUL in a header":                 head + "X-Nul: a\x00b\r\n" + length("0") + "\r\n" + hidden,
		"carriage return in a header":     head + "X-Cr: a\rb\r\n" + length("0") + "\r\n" + hidden,
		"carriage return ends a header":   head + "X-Cr: a\r" + length("9") + length("0") + "\r\n" + hidden,
		"line feeds end the header":       strings.ReplaceAll(head, "\r\n", "\n") + "Content-Length: 9\nTransfer-Encoding: chunked\n\n0\r\n\r\n" + hidden,
	} {
		t.Run(name, func(t *testing.T) {
			before := s.state(t)
			all := s.answers(t, raw)
			if len(all) != 1 {
				t.Errorf("%d answers", len(all))
				for _, a := range all {
					t.Errorf("%d %.200s", a.status, a.body)
				}
			}
			if s.state(t) != before {
				t.Error("the hidden request ran")
			}
		})
	}
	// Two honest requests on one connection are two.
	t.Run("pipelined", func(t *testing.T) {
		conn := s.dial(t)
		write(t, conn, append(base.bytes(), base.bytes()...))
		in := newReader(conn)
		for range 2 {
			if a := readAnswer(t, in); a.status != http.StatusOK {
				t.Errorf("%d %s", a.status, a.body)
			}
		}
	})
	// A caller that is gone before its answer is recorded like any other.
	t.Run("gone before the answer", func(t *testing.T) {
		q := s.kms("GenerateRandom", []byte(`{"NumberOfBytes":7}`)).sign(s.by("kms"))
		before := strings.Count(s.history(t), `"eventName":"GenerateRandom"`)
		for range 20 {
			s.answers(t, string(q.bytes()))
		}
		if n := strings.Count(s.history(t), `"eventName":"GenerateRandom"`) - before; n != 20 {
			t.Errorf("%d records of 20 calls", n)
		}
	})
}

func TestMalformedHTTP(t *testing.T) {
	s := start(t)
	good := string(s.kms("CreateKey", []byte("{}")).sign(s.by("kms")).bytes())
	_, rest, _ := strings.Cut(good, "\r\n")
	for name, raw := range map[string]string{
		"no version":               "POST /\r\n" + rest,
		"HTTP/0.9":                 "POST / HTTP/0.9\r\n" + rest,
		"HTTP/3.0":                 "POST / HTTP/3.0\r\n" + rest,
		"three spaces":             "POST / / HTTP/1.1\r\n" + rest,
		"empty target":             "POST  HTTP/1.1\r\n" + rest,
		"relative target":          "POST x HTTP/1.1\r\n" + rest,
		"bad escape":               "POST /%zz HTTP/1.1\r\n" + rest,
		"control character":        "POST /\x01 HTTP/1.1\r\n" + rest,
		"method with a colon":      "PO:ST / HTTP/1.1\r\n" + rest,
		"header without colon":     "POST / HTTP/1.1\r\nX-Nothing\r\n" + rest,
		"header without name":      "POST / HTTP/1.1\r\n: x\r\n" + rest,
		"header name with a space": "POST / HTTP/1.1\r\nX Y: x\r\n" + rest,
		"first line folded":        "POST / HTTP/1.1\r\n X: y\r\n" + rest,
		"binary":                   string(bytes.Repeat([]byte{0x80, 0xff, 0x00, 0x0a}, 1000)) + "\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) { s.malformed(t, raw) })
	}
}
