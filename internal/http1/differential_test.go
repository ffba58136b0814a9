package http1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// peer is what net/http makes of raw.
func peer(raw []byte) (*http.Request, error) {
	return http.ReadRequest(bufio.NewReaderSize(bytes.NewReader(raw), len(raw)+16))
}

// ours is what we make of it, up to where the body begins.
func ours(raw []byte) (c *conn, r *http.Request, err error) {
	end, _, err := headEnd(raw, 0, 0)
	if err != nil {
		return nil, nil, err
	}
	if end == 0 {
		return nil, nil, io.ErrUnexpectedEOF
	}
	c = &conn{blank: new(http.Request), header: http.Header{}, in: input{src: bytes.NewReader(raw[end:]), buf: make([]byte, startBuffer)}}
	c.body.c, c.res.c = c, c
	if err := Parse(&c.head, raw[:end], testLimits); err != nil {
		return nil, nil, err
	}
	c.head.Continue = false // there is nobody to tell
	r, err = c.request()
	if err != nil {
		return nil, nil, err
	}
	c.body.reset(&c.head)
	return c, r, nil
}

// agree checks that what we take net/http takes too, and understands alike: target,
// fields, body, trailer and where the next request begins.
func agree(t *testing.T, raw []byte) (taken bool) {
	t.Helper()
	c, got, err := ours(raw)
	if err != nil {
		var refusal *Refusal
		if !errors.As(err, &refusal) && err != io.ErrUnexpectedEOF { //nolint:errorlint // ours
			t.Errorf("%q: error %v", raw, err)
		}
		return false
	}
	// net/http reads on behind a request of HTTP/1.0 without a length; a server of its
	// does not.
	want, err := peer(raw)
	if err != nil {
		t.Errorf("%q: net/http says %v", raw, err)
		return true
	}
	if got.Method != want.Method || got.RequestURI != want.RequestURI || got.Host != want.Host || got.Proto != want.Proto ||
		got.ContentLength != want.ContentLength || !slices.Equal(got.TransferEncoding, want.TransferEncoding) || got.Close != want.Close {
		t.Errorf("%q:\ngot  %+v\nwant %+v", raw, got, want)
	}
	if *got.URL != *want.URL {
		t.Errorf("%q: URL %#v, want %#v", raw, got.URL, want.URL)
	}
	header := maps.Clone(got.Header)
	want.Header.Del("Host")
	if _, ok := header["Cache-Control"]; !ok && strings.Contains(want.Header.Get("Pragma"), "no-cache") {
		want.Header.Del("Cache-Control") // net/http adds it
	}
	if got.TransferEncoding != nil {
		header.Del("Trailer") // net/http makes keys of it
	}
	if !maps.EqualFunc(header, want.Header, slices.Equal) {
		t.Errorf("%q: header %q, want %q", raw, header, want.Header)
	}
	if got.ProtoMinor == 0 && got.ContentLength == 0 {
		return true
	}
	body, err := io.ReadAll(got.Body)
	wantBody, wantErr := io.ReadAll(want.Body)
	if err != nil {
		return true // stricter about chunks, or both at the early end
	}
	if wantErr != nil || !bytes.Equal(body, wantBody) {
		t.Errorf("%q: body %q, want %q %v", raw, body, wantBody, wantErr)
	}
	trailer := got.Trailer
	for key, values := range want.Trailer {
		if len(values) > 0 && !slices.Equal(trailer[key], values) {
			t.Errorf("%q: trailer %q, want %q", raw, trailer, want.Trailer)
		}
	}
	_ = c
	return true
}

func TestAgreesWithNetHTTP(t *testing.T) {
	for _, raw := range accepted {
		if !agree(t, []byte(raw)) {
			t.Errorf("%q is refused", raw)
		}
	}
	for _, c := range refused {
		if agree(t, []byte(c.head)) && c.name != "too many bytes" && c.name != "more behind the end" {
			t.Errorf("%s: taken", c.name)
		}
		_, err := peer([]byte(c.head))
		if (err == nil) != c.looser {
			t.Errorf("%s: net/http says %v; the list of what we are stricter about is wrong", c.name, err)
		}
	}
}

// accepted are requests that are taken.
var accepted = []string{
	"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET /?a=b HTTP/1.1\r\nHost: h:80\r\n\r\n",
	"GET /? HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET //a//b/../c HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET ///a HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET /a%20b/%2F?%zz HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET /a:b@c=d;e,f+g&h$i!j'k(l)m*n[o]p\"q<r>s^t`u{v|w}x\\y HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET http://other.example:8080/a?b HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET HTTPS://h HTTP/1.1\r\nHost: h\r\n\r\n",
	"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
	"OPTIONS /a HTTP/1.1\r\nHost: h\r\n\r\n",
	"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n",
	"CONNECT [::1]:443 HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET / HTTP/1.0\r\n\r\n",
	"GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n",
	"POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc",
	"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET",
	"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: CHUNKED\r\nTrailer: X-T\r\n\r\n3;a=b\r\nabc\r\nA\r\n0123456789\r\n000\r\nX-T: v\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na",
	"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nPragma: no-cache\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: h\r\nx-a: 1\r\nX-A: 2\r\nX-a:3\r\nother: \t a b \t\r\ncOOKIE: x\r\nempty:\r\n\r\n",
	"get / HTTP/1.1\r\nHost: [::1]\r\nAccept: \xff\xfe\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: upgrade\r\nTE: trailers\r\n\r\n",
}

func FuzzRequest(f *testing.F) {
	for _, raw := range accepted {
		f.Add([]byte(raw))
	}
	for _, c := range refused {
		if len(c.head) < 1<<10 {
			f.Add([]byte(c.head))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) { agree(t, raw) })
}

// FuzzChunked checks that a chunked body which we take is one that net/http takes, with
// the same content and the same end, in whatever parts it arrives.
func FuzzChunked(f *testing.F) {
	for _, c := range chunkedBodies {
		f.Add([]byte(c.raw), uint8(3))
	}
	f.Fuzz(func(t *testing.T, raw []byte, step uint8) {
		ours := NewChunkedReader(&parts{raw, int(step%64) + 1})
		body, err := io.ReadAll(ours)
		if len(body) > len(raw) || len(ours.in.buf) > 2*startBuffer {
			t.Fatalf("%d bytes of %d, a buffer of %d", len(body), len(raw), len(ours.in.buf))
		}
		if err != nil {
			var refusal *Refusal
			if !errors.As(err, &refusal) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatal(err)
			}
			return
		}
		whole := append([]byte("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"), raw...)
		in := bufio.NewReaderSize(bytes.NewReader(whole), len(whole)+16)
		r, err := http.ReadRequest(in)
		if err != nil {
			t.Fatal(err)
		}
		want, err := io.ReadAll(r.Body)
		if err != nil || !bytes.Equal(body, want) {
			t.Fatalf("%q: got %q, want %q %v", raw, body, want, err)
		}
		if len(ours.Trailer()) != len(r.Trailer) || !maps.EqualFunc(ours.Trailer(), r.Trailer, slices.Equal) {
			t.Fatalf("%q: trailer %q, want %q", raw, ours.Trailer(), r.Trailer)
		}
		behind, err := io.ReadAll(io.MultiReader(bytes.NewReader(ours.Rest()), ours.in.src))
		wantBehind, err2 := io.ReadAll(in)
		if err := errors.Join(err, err2); err != nil || !bytes.Equal(behind, wantBehind) {
			t.Fatalf("%q: the next begins at %q, want %q %v", raw, behind, wantBehind, err)
		}
	})
}

// parts reads a few bytes at a time.
type parts struct {
	rest []byte
	step int
}

func (p *parts) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.rest[:min(p.step, len(p.rest))])
	p.rest = p.rest[n:]
	return n, nil
}
