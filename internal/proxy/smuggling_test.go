package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"fastness/internal/engine/waf/request"
)

// hidden is what an attacker wants a target to take for a request.
const hidden = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"

// smuggling are requests of HTTP/1 that two servers could read differently, or that are a step
// to such. seen is how many requests nginx may see: 0 when the request must be refused.
var smuggling = []struct {
	name string
	raw  string
	seen int
}{
	// Both lengths.
	{"CL.TE", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, 0},
	{"TE.CL", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n23\r\n" + hidden + "\r\n0\r\n\r\n", 0},
	{"CL 0 and TE", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, 0},
	// Content-Length.
	{"two equal lengths", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nabcde" + hidden, 0},
	{"two lengths", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 35\r\n\r\n" + hidden, 0},
	{"a list of lengths", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0, 0\r\n\r\n" + hidden, 0},
	{"length with a sign", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: +0\r\n\r\n" + hidden, 0},
	{"negative length", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n" + hidden, 0},
	{"hexadecimal length", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0x24\r\n\r\n" + hidden, 0},
	{"octal length", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 00\r\n\r\n" + hidden, 0},
	{"length with a fraction", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0.0\r\n\r\n" + hidden, 0},
	{"length beyond 64 bits", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551616\r\n\r\n" + hidden, 0},
	{"length with NUL", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\x00\r\n\r\n" + hidden, 0},
	{"length with letters", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0a\r\n\r\n" + hidden, 0},
	{"empty length", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: \r\n\r\n" + hidden, 0},
	{"length of a GET", "GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 35\r\n\r\n" + hidden, 1},
	{"length of a HEAD", "HEAD /a HTTP/1.1\r\nHost: h\r\nContent-Length: 35\r\n\r\n" + hidden, 1},
	{"length with an underscore", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 35\r\nContent_Length: 0\r\n\r\n" + hidden, 1},
	{"length named by Connection", "POST /a HTTP/1.1\r\nHost: h\r\nConnection: Content-Length\r\nContent-Length: 35\r\n\r\n" + hidden, 1},
	// Transfer-Encoding.
	{"space before the colon", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + hidden, 0},
	{"tab before the colon", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n" + hidden, 0},
	{"unknown coding", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden, 0},
	{"vertical tab", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + hidden, 0},
	{"two codings", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + hidden, 0},
	{"chunked twice", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, 0},
	{"chunked, identity", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + hidden, 0},
	{"identity, chunked", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n" + hidden, 0},
	{"gzip, chunked", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + hidden, 0},
	{"comma behind", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked,\r\n\r\n0\r\n\r\n" + hidden, 0},
	{"comma in front", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n" + hidden, 0},
	{"quoted coding", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n" + hidden, 0},
	{"coding with parameter", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n" + hidden, 0},
	{"empty coding", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \r\n\r\n" + hidden, 0},
	{"folded coding", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + hidden, 0},
	{"coding in a folded line", "POST /a HTTP/1.1\r\nHost: h\r\nX: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 35\r\n\r\n" + hidden, 0},
	{"coding behind bare LF", "POST /a HTTP/1.1\r\nHost: h\r\nX: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, 0},
	{"coding behind bare CR", "POST /a HTTP/1.1\r\nHost: h\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, 0},
	{"coding with underscore", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer_Encoding: chunked\r\nContent-Length: 35\r\n\r\n" + hidden, 1},
	{"coding named by Connection", "POST /a HTTP/1.1\r\nHost: h\r\nConnection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n23\r\n" + hidden + "\r\n0\r\n\r\n", 1},
	{"capitals", "POST /a HTTP/1.1\r\nHost: h\r\nTRANSFER-ENCODING:\tCHUNKED\r\n\r\n23\r\n" + hidden + "\r\n0\r\n\r\n", 1},
	{"coding in HTTP/1.0", "POST /a HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, 0},
	// Chunks.
	{"chunk size with 0x", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + hidden, 0},
	{"negative chunk", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n-0\r\n\r\n" + hidden, 0},
	{"chunk beyond 64 bits", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n" + hidden, 0},
	{"chunk size with space", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0 \r\n\r\n" + hidden, 0},
	{"chunk size behind space", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n 0\r\n\r\n" + hidden, 0},
	{"chunk size with underscore", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0_2\r\nab\r\n0\r\n\r\n" + hidden, 0},
	{"no chunk size", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\r\n0\r\n\r\n" + hidden, 0},
	{"bare LF behind a size", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\n\r\n" + hidden, 0},
	{"bare LF in an extension", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2;\nxx\r\n23\r\n0\r\n\r\n" + hidden, 0},
	{"bare CR in an extension", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2;a\rb\r\nxx\r\n0\r\n\r\n" + hidden, 0},
	{"long extension", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2;" + strings.Repeat("a", 300) + "\r\nxx\r\n0\r\n\r\n" + hidden, 0},
	{"extension", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n23;a=\"b\"\r\n" + hidden + "\r\n0;c\r\n\r\n", 1},
	{"chunk longer than its size", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n" + hidden, 0},
	{"chunk shorter than its size", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab\r\n0\r\n\r\n" + hidden, 0},
	{"bare LF behind a chunk", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\n0\r\n\r\n" + hidden, 0},
	{"any two bytes behind a chunk", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabXX0\r\n\r\n" + hidden, 0},
	{"length in a trailer", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 35\r\n\r\n" + hidden, 0},
	{"coding in a trailer", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n" + hidden, 0},
	{"trailer", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n23\r\n" + hidden + "\r\n0\r\nX: y\r\n\r\n", 1},
	{"folded trailer", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n z\r\n\r\n" + hidden, 0},
	// Request lines.
	{"HTTP/0.9", "GET /smuggled\r\n", 0},
	{"unknown version", "GET /a HTTP/2.0\r\nHost: h\r\n\r\n" + hidden, 0},
	{"version 1.2", "GET /a HTTP/1.2\r\nHost: h\r\n\r\n" + hidden, 0},
	{"version in small letters", "GET /a http/1.1\r\nHost: h\r\n\r\n" + hidden, 0},
	{"two spaces", "GET  /a HTTP/1.1\r\nHost: h\r\n\r\n" + hidden, 0},
	{"tab for space", "GET\t/a\tHTTP/1.1\r\nHost: h\r\n\r\n" + hidden, 0},
	{"two versions", "GET /a HTTP/1.1 HTTP/1.1\r\nHost: h\r\n\r\n" + hidden, 0},
	{"space in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n" + hidden, 0},
	{"bare CR in the target", "GET /a\rb HTTP/1.1\r\nHost: h\r\n\r\n" + hidden, 0},
	{"NUL in the target", "GET /a\x00 HTTP/1.1\r\nHost: h\r\n\r\n" + hidden, 0},
	{"fragment", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n" + hidden, 0},
	{"escaped line ends", "GET /a%20HTTP/1.1%0d%0aHost:%20h%0d%0a%0d%0aGET%20/smuggled2 HTTP/1.1\r\nHost: h\r\n\r\n", 1},
	{"NUL in the method", "G\x00ET /a HTTP/1.1\r\nHost: h\r\n\r\n" + hidden, 0},
	{"no method", " /a HTTP/1.1\r\nHost: h\r\n\r\n" + hidden, 0},
	{"target without slash", "GET a HTTP/1.1\r\nHost: h\r\n\r\n" + hidden, 0},
	{"absolute target", "GET http://h/a HTTP/1.1\r\nHost: h\r\n\r\n", 1},
	{"absolute target for another host", "GET http://other/a HTTP/1.1\r\nHost: h\r\n\r\n" + hidden, 0},
	{"absolute target with a user", "GET http://h@other/a HTTP/1.1\r\nHost: h\r\n\r\n" + hidden, 0},
	{"CONNECT", "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n" + hidden, 0},
	{"TRACE", "TRACE /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 0},
	// Fields.
	{"no Host", "GET /a HTTP/1.1\r\n\r\n" + hidden, 0},
	{"two Hosts", "GET /a HTTP/1.1\r\nHost: h\r\nHost: other\r\n\r\n" + hidden, 0},
	{"Host with a path", "GET /a HTTP/1.1\r\nHost: h/smuggled\r\n\r\n" + hidden, 0},
	{"Host with a space", "GET /a HTTP/1.1\r\nHost: h other\r\n\r\n" + hidden, 0},
	{"Host with a comma and port", "GET /a HTTP/1.1\r\nHost: h:80:90\r\n\r\n" + hidden, 0},
	{"first line folded", "GET /a HTTP/1.1\r\n X: y\r\nHost: h\r\n\r\n" + hidden, 0},
	{"line without a colon", "GET /a HTTP/1.1\r\nHost: h\r\nXY\r\n\r\n" + hidden, 0},
	{"empty name", "GET /a HTTP/1.1\r\nHost: h\r\n: y\r\n\r\n" + hidden, 0},
	{"NUL in a name", "GET /a HTTP/1.1\r\nHost: h\r\nX\x00: y\r\n\r\n" + hidden, 0},
	{"NUL in a value", "GET /a HTTP/1.1\r\nHost: h\r\nX: \x00\r\n\r\n" + hidden, 0},
	{"bracket in a name", "GET /a HTTP/1.1\r\nHost: h\r\nX(): y\r\n\r\n" + hidden, 0},
	{"byte of UTF-8 in a name", "GET /a HTTP/1.1\r\nHost: h\r\nTransfer\xe2\x80\x90Encoding: chunked\r\n\r\n" + hidden, 0},
	{"head that ends with bare LF", "GET /a HTTP/1.1\r\nHost: h\n\n" + hidden, 0},
	{"head with all bare LF", "GET /a HTTP/1.1\nHost: h\n\n" + hidden, 0},
	{"line feed in front", "\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n" + hidden, 0},
	{"Expect with a body", "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 35\r\n\r\n" + hidden, 1},
	{"unknown expectation", "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue, x\r\nContent-Length: 35\r\n\r\n" + hidden, 0},
	{"Expect twice", "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 35\r\n\r\n" + hidden, 0},
	// Other protocols.
	{"upgrade to h2c", "GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\nContent-Length: 35\r\n\r\n" + hidden, 1},
	{"websocket that is refused", "GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 777\r\nSec-WebSocket-Key: nf6dB8Pb/BLinZ7UexUXHg==\r\nContent-Length: 35\r\n\r\n" + hidden, 1},
	{"name of the WAF's", "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close, x-forwarded-for\r\nX-Amzn-Waf-: 1\r\n\r\n", 1},
	{"body that a 404 does not read", "POST /404 HTTP/1.1\r\nHost: h\r\nContent-Length: 35\r\n\r\n" + hidden, 1},
	{"body that a redirect does not read", "PUT /301 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n23\r\n" + hidden + "\r\n0\r\n\r\n", 1},
}

// TestNginxNeverSeesASmuggledRequest sends each to a proxy whose target is nginx, and then a
// proper request that uses the same connection to nginx.
func TestNginxNeverSeesASmuggledRequest(t *testing.T) {
	n := startNginx(t, `location / { return 200 "$request_method $request_uri\n"; } location /404 { return 404; } location /301 { return 301 /x; }`)
	r := start(t, baseConfig(targetOf(t, n.addr)), inspectEverything)
	matrix := &matrix{n: n, r: r}
	for _, c := range smuggling {
		t.Run(c.name, func(t *testing.T) {
			conn := dialRaw(t, r.addr)
			conn.send(c.raw)
			_ = conn.CloseWrite()
			out, err := io.ReadAll(conn.in)
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				t.Fatalf("the connection stayed open after %q", out)
			}
			if c.seen == 0 && (len(out) < 12 || out[9] != '4' && out[9] != '5') && len(out) > 0 {
				t.Errorf("answered %q", out)
			}
			matrix.check(t, c.seen)
		})
	}
	for _, c := range smuggling2 {
		t.Run("HTTP/2 "+c.name, func(t *testing.T) {
			sendHTTP2(t, r.addr, c.fields, c.data, c.trailer)
			matrix.check(t, c.seen)
		})
	}
}

// inspectEverything attaches a web ACL that lets everything pass, so that bodies are held.
func inspectEverything(c *Config, o *Options) {
	inspected(c, o, func(r *request.Request, v *Verdict) error { return nil })
}

// matrix counts what nginx has seen.
type matrix struct {
	n       *nginxServer
	r       *rig
	lines   int
	control int
}

// check sends a proper request, and checks that nginx saw seen requests before it.
func (m *matrix) check(t *testing.T, seen int) {
	t.Helper()
	m.control++
	uri := fmt.Sprintf("/control-%d", m.control)
	res, err := client(t).Get(m.r.url(uri))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if string(body) != "GET "+uri+"\n" {
		t.Errorf("the next request was answered %q", body)
	}
	lines := m.n.until(uri)
	news := lines[m.lines:]
	m.lines = len(lines)
	if len(news) != seen+1 {
		t.Errorf("nginx saw %d requests, not %d: %q", len(news)-1, seen, news)
	}
	for _, line := range news {
		if strings.Contains(line, " /smuggled ") {
			t.Errorf("nginx saw %q", line)
		}
	}
}

func h2fields(path string, more ...string) []hpack.HeaderField {
	fields := []hpack.HeaderField{{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "http"}, {Name: ":path", Value: path}, {Name: ":authority", Value: "h"}}
	for i := 0; i < len(more); i += 2 {
		fields = append(fields, hpack.HeaderField{Name: more[i], Value: more[i+1]})
	}
	return fields
}

// with replaces a field.
func with(fields []hpack.HeaderField, name, value string) []hpack.HeaderField {
	for i := range fields {
		if fields[i].Name == name {
			fields[i].Value = value
		}
	}
	return fields
}

// smuggling2 are the same for HTTP/2, where a proxy that copies makes them requests of HTTP/1.
var smuggling2 = []struct {
	name    string
	fields  []hpack.HeaderField
	data    string
	trailer []hpack.HeaderField
	seen    int
}{
	{"CRLF in a value", h2fields("/a", "x", "a\r\nTransfer-Encoding: chunked"), "0\r\n\r\n" + hidden, nil, 0},
	{"LF in a value", h2fields("/a", "x", "a\nTransfer-Encoding: chunked"), "0\r\n\r\n" + hidden, nil, 0},
	{"CR in a value", h2fields("/a", "x", "a\rb"), "", nil, 0},
	{"NUL in a value", h2fields("/a", "x", "a\x00"), "", nil, 0},
	{"CRLF in a name", h2fields("/a", "x: y\r\ntransfer-encoding", "chunked"), "0\r\n\r\n" + hidden, nil, 0},
	{"colon in a name", h2fields("/a", "transfer-encoding: chunked\r\nx", "y"), "0\r\n\r\n" + hidden, nil, 0},
	{"capitals in a name", h2fields("/a", "Transfer-Encoding", "chunked"), "0\r\n\r\n" + hidden, nil, 0},
	{"space in a name", h2fields("/a", "transfer-encoding ", "chunked"), "0\r\n\r\n" + hidden, nil, 0},
	{"space around a value", h2fields("/a", "x", " y"), "", nil, 0},
	{"Transfer-Encoding", h2fields("/a", "transfer-encoding", "chunked"), "0\r\n\r\n" + hidden, nil, 0},
	{"Connection", h2fields("/a", "connection", "content-length"), hidden, nil, 0},
	{"Keep-Alive", h2fields("/a", "keep-alive", "1"), hidden, nil, 0},
	{"Proxy-Connection", h2fields("/a", "proxy-connection", "keep-alive"), hidden, nil, 0},
	{"Upgrade", h2fields("/a", "upgrade", "h2c"), hidden, nil, 0},
	{"TE other than trailers", h2fields("/a", "te", "chunked"), hidden, nil, 0},
	{"length 0 with a body", h2fields("/a", "content-length", "0"), hidden, nil, 0},
	{"length too small", h2fields("/a", "content-length", "3"), "abc" + hidden, nil, 0},
	{"length too large", h2fields("/a", "content-length", "100"), hidden, nil, 0},
	{"two lengths", h2fields("/a", "content-length", "0", "content-length", "35"), hidden, nil, 0},
	{"a list of lengths", h2fields("/a", "content-length", "35, 35"), hidden, nil, 0},
	{"length with a sign", h2fields("/a", "content-length", "+35"), hidden, nil, 0},
	{"space in the method", with(h2fields("/a"), ":method", "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\nGET"), "", nil, 0},
	{"method with a target", with(h2fields("/a"), ":method", "GET /smuggled"), "", nil, 0},
	{"request line in the path", h2fields("/a HTTP/1.1\r\nHost: h\r\n\r\nGET /smuggled"), "", nil, 0},
	{"space in the path", h2fields("/a HTTP/1.1"), "", nil, 0},
	{"path without slash", h2fields("smuggled"), "", nil, 0},
	{"absolute path", h2fields("http://other/smuggled"), "", nil, 0},
	{"empty path", h2fields(""), "", nil, 0},
	{"fragment in the path", h2fields("/a#b"), "", nil, 0},
	{"CRLF in the authority", with(h2fields("/a"), ":authority", "h\r\nTransfer-Encoding: chunked"), "0\r\n\r\n" + hidden, nil, 0},
	{"authority with a path", with(h2fields("/a"), ":authority", "h/smuggled"), "", nil, 0},
	{"authority with a user", with(h2fields("/a"), ":authority", "u@h"), "", nil, 0},
	{"Host is another", h2fields("/a", "host", "other"), "", nil, 0},
	{"Host is the same", h2fields("/a", "host", "h"), hidden, nil, 1},
	{"two Hosts", h2fields("/a", "host", "h", "host", "h"), "", nil, 0},
	{"scheme with a URL", with(h2fields("/a"), ":scheme", "http://h/smuggled?"), "", nil, 0},
	{"two paths", append(h2fields("/a"), hpack.HeaderField{Name: ":path", Value: "/smuggled"}), "", nil, 0},
	{"pseudo field behind others", append(h2fields("/a", "x", "y"), hpack.HeaderField{Name: ":path", Value: "/smuggled"}), "", nil, 0},
	{"unknown pseudo field", append(h2fields("/a"), hpack.HeaderField{Name: ":smuggled", Value: "1"}), "", nil, 0},
	{"extended CONNECT", append(with(h2fields("/a"), ":method", "CONNECT"), hpack.HeaderField{Name: ":protocol", Value: "websocket"}), hidden, nil, 0},
	{"CONNECT", []hpack.HeaderField{{Name: ":method", Value: "CONNECT"}, {Name: ":authority", Value: "h:80"}}, hidden, nil, 0},
	{"pseudo field in a trailer", h2fields("/a"), "", []hpack.HeaderField{{Name: ":path", Value: "/smuggled"}}, 0},
	{"length in a trailer", h2fields("/a"), hidden, []hpack.HeaderField{{Name: "content-length", Value: "0"}}, 0},
	{"CRLF in a trailer", h2fields("/a"), hidden, []hpack.HeaderField{{Name: "x", Value: "a\r\n\r\n" + hidden}}, 0},
	{"trailer", h2fields("/a"), hidden, []hpack.HeaderField{{Name: "x", Value: "a"}}, 1},
	{"body", h2fields("/a"), hidden, nil, 1},
	{"body of known length", h2fields("/a", "content-length", "35"), hidden, nil, 1},
}

// sendHTTP2 sends a request and reads until it is answered.
func sendHTTP2(t *testing.T, addr string, fields []hpack.HeaderField, data string, trailer []hpack.HeaderField) {
	t.Helper()
	conn := dialRaw(t, addr)
	conn.send(http2.ClientPreface)
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	framer := http2.NewFramer(conn, conn.in)
	framer.AllowIllegalWrites = true
	if err := framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	encode := func(fields []hpack.HeaderField) []byte {
		block.Reset()
		for _, f := range fields {
			if err := encoder.WriteField(f); err != nil {
				t.Fatal(err)
			}
		}
		return bytes.Clone(block.Bytes())
	}
	// The proxy may have had enough before all is written.
	_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: encode(fields), EndHeaders: true, EndStream: data == "" && trailer == nil})
	if data != "" {
		_ = framer.WriteData(1, trailer == nil, []byte(data))
	}
	if trailer != nil {
		_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: encode(trailer), EndHeaders: true, EndStream: true})
	}
	_ = conn.SetReadDeadline(time.Now().Add(patienceOfTests))
	for {
		f, err := framer.ReadFrame()
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) && timeout.Timeout():
			t.Fatal("no answer")
		case err != nil:
			return
		}
		if f.Header().StreamID == 1 && (f.Header().Flags.Has(http2.FlagDataEndStream) && f.Header().Type != http2.FrameWindowUpdate || f.Header().Type == http2.FrameRSTStream) {
			return
		}
	}
}
