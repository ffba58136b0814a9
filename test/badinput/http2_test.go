package badinput

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// h2 is a client of HTTP/2 that sends whatever it is told.
type h2 struct {
	t    *testing.T
	conn net.Conn
	f    *http2.Framer
	enc  *hpack.Encoder
	buf  bytes.Buffer
}

func (s *server) h2(t *testing.T) *h2 {
	t.Helper()
	c := &h2{t: t, conn: s.dial(t)}
	write(t, c.conn, []byte(http2.ClientPreface))
	c.f = http2.NewFramer(c.conn, c.conn)
	c.f.AllowIllegalWrites = true
	c.f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.enc = hpack.NewEncoder(&c.buf)
	if err := c.f.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return c
}

// headers sends a block of header fields on a stream.
func (c *h2) headers(stream uint32, fields []field, end bool) {
	c.t.Helper()
	c.buf.Reset()
	for _, f := range fields {
		if err := c.enc.WriteField(hpack.HeaderField{Name: f.name, Value: f.value}); err != nil {
			c.t.Fatal(err)
		}
	}
	if err := c.f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: c.buf.Bytes(), EndHeaders: true, EndStream: end}); err != nil {
		c.t.Fatal(err)
	}
}

// status reads frames until a stream has its answer (its :status), or is reset, or the
// connection ends ("").
func (c *h2) status(stream uint32) string {
	c.t.Helper()
	for {
		frame, err := c.f.ReadFrame()
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				c.t.Error("the stream hangs")
			} else if !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
				c.t.Logf("connection: %v", err)
			}
			return ""
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			if frame.StreamID == stream {
				return frame.PseudoValue("status")
			}
		case *http2.RSTStreamFrame:
			if frame.StreamID == stream {
				return ""
			}
		case *http2.GoAwayFrame:
			return ""
		}
	}
}

// pseudo is the header of q as HTTP/2 writes it.
func pseudo(q *request) []field {
	all := []field{{":method", q.method}, {":scheme", "http"}, {":authority", q.host}, {":path", q.target}}
	for _, f := range q.fields {
		all = append(all, field{strings.ToLower(f.name), f.value})
	}
	return all
}

func TestHTTP2Oddities(t *testing.T) {
	s := start(t)
	q := s.kms("CreateKey", []byte(`{}`)).sign(s.by("kms"))
	good := pseudo(q)
	with := func(at int, f ...field) []field { return slices.Insert(slices.Clone(good), at, f...) }
	set := func(name, value string) []field {
		c := slices.Clone(good)
		for i := range c {
			if c[i].name == name {
				c[i].value = value
			}
		}
		return c
	}
	without := func(name string) []field {
		return slices.DeleteFunc(slices.Clone(good), func(f field) bool { return f.name == name })
	}
	for name, fields := range map[string][]field{
		"no method":                  without(":method"),
		"no path":                    without(":path"),
		"no scheme":                  without(":scheme"),
		"no authority":               without(":authority"),
		"two methods":                with(1, field{":method", "POST"}),
		"two paths":                  with(1, field{":path", "/"}),
		"two authorities":            with(1, field{":authority", q.host}),
		"another authority":          set(":authority", "other.example"),
		"unknown pseudo-header":      with(1, field{":version", "1"}),
		"status in a request":        with(1, field{":status", "200"}),
		"pseudo-header at the end":   append(without(":path"), field{":path", "/"}),
		"name in capitals":           with(4, field{"X-Small", "1"}),
		"connection header":          with(4, field{"connection", "close"}),
		"transfer-encoding":          with(4, field{"transfer-encoding", "chunked"}),
		"te":                         with(4, field{"te", "chunked"}),
		"line break in a value":      with(4, field{"x-a", "a\r\nx-amz-b: c"}),
		"line break in a name":       with(4, field{"x-a\r\nx-b", "a"}),
		"line break in the path":     set(":path", "/ HTTP/1.1\r\nHost: x\r\n\r\n"),
		"space in the method":        set(":method", "POST / HTTP/1.1"),
		"empty path":                 set(":path", ""),
		"path without slash":         set(":path", "x"),
		"path with another host":     set(":path", "http://other.example/"),
		"longer than announced":      with(4, field{"content-length", "1"}),
		"shorter than announced":     with(4, field{"content-length", "3"}),
		"two lengths":                with(4, field{"content-length", "2"}, field{"content-length", "3"}),
		"a host that is another one": set(":authority", "x y"),
		"Authorization twice":        with(4, field{"authorization", q.get("Authorization")}),
		"target twice":               with(4, field{"x-amz-target", "TrentService.CreateKey"}),
	} {
		t.Run(name, func(t *testing.T) {
			before := s.state(t)
			c := s.h2(t)
			c.headers(1, fields, false)
			_ = c.f.WriteData(1, true, q.body)
			if status := c.status(1); status != "" && status[0] != '4' {
				t.Errorf("status %q", status)
			}
			if s.state(t) != before {
				t.Error("it ran")
			}
		})
	}
	t.Run("good", func(t *testing.T) {
		list := s.kms("ListKeys", []byte("{}")).sign(s.by("kms"))
		c := s.h2(t)
		c.headers(1, pseudo(list), false)
		if err := c.f.WriteData(1, true, list.body); err != nil {
			t.Fatal(err)
		}
		if status := c.status(1); status != "200" {
			t.Errorf("status %q", status)
		}
	})
	t.Run("a header of 2 MiB", func(t *testing.T) {
		c := s.h2(t)
		go func() {
			c.buf.Reset()
			for _, f := range with(4, field{"x-long", strings.Repeat("a", 2<<20)}) {
				_ = c.enc.WriteField(hpack.HeaderField{Name: f.name, Value: f.value})
			}
			block := c.buf.Bytes()
			_ = c.f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:10]})
			for block = block[10:]; len(block) > 16000; block = block[16000:] {
				if c.f.WriteContinuation(1, false, block[:16000]) != nil {
					return
				}
			}
			_ = c.f.WriteContinuation(1, true, block)
		}()
		if status := c.status(1); status != "" && status != "431" {
			t.Errorf("status %q", status)
		}
	})
	t.Run("continuations without end", func(t *testing.T) {
		c := s.h2(t)
		go func() {
			if c.f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x82}}) != nil {
				return
			}
			for c.f.WriteContinuation(1, false, bytes.Repeat([]byte{0x82}, 16000)) == nil { //nolint:revive // until the server ends it
			}
		}()
		if status := c.status(1); status != "" && status != "431" {
			t.Errorf("status %q", status)
		}
	})
	t.Run("streams opened and reset", func(t *testing.T) {
		c := s.h2(t)
		go func() {
			list := pseudo(s.kms("ListKeys", nil).sign(s.by("kms")))
			for stream := uint32(1); stream < 20000; stream += 2 {
				c.buf.Reset()
				for _, f := range list {
					_ = c.enc.WriteField(hpack.HeaderField{Name: f.name, Value: f.value})
				}
				if c.f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: c.buf.Bytes(), EndHeaders: true}) != nil ||
					c.f.WriteRSTStream(stream, http2.ErrCodeCancel) != nil {
					return
				}
			}
			c.conn.Close()
		}()
		_, _ = io.Copy(io.Discard, c.conn)
		s.state(t)
	})
	if a := s.send(t, s.kms("ListKeys", []byte("{}")).sign(s.by("kms"))); a.status != http.StatusOK {
		t.Errorf("%d", a.status)
	}
}
