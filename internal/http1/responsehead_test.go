package http1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

var responses = []struct {
	name, method, raw string
	want              ResponseHead // without fields; Status 0: refused
}{
	{"length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", ResponseHead{Minor: 1, Status: 200, Length: 5, Declared: 5}},
	{"chunked", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", ResponseHead{Minor: 1, Status: 200, Length: -1, Declared: -1, Chunked: true}},
	{"until the end", "GET", "HTTP/1.1 200 OK\r\n\r\n", ResponseHead{Minor: 1, Status: 200, Length: -1, Declared: -1, Close: true}},
	{"HTTP/1.0", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", ResponseHead{Status: 200, Length: 5, Declared: 5, Close: true}},
	{"HTTP/1.0, kept", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n", ResponseHead{Status: 200, Length: 5, Declared: 5}},
	{"close", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: x, Close\r\n\r\n", ResponseHead{Minor: 1, Status: 200, Length: 5, Declared: 5, Close: true}},
	{"HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", ResponseHead{Minor: 1, Status: 200, Declared: 5}},
	{"HEAD, chunked", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", ResponseHead{Minor: 1, Status: 200, Declared: -1}},
	{"204", "GET", "HTTP/1.1 204 No Content\r\n\r\n", ResponseHead{Minor: 1, Status: 204, Declared: -1}},
	{"304", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", ResponseHead{Minor: 1, Status: 304, Declared: 5}},
	{"100", "GET", "HTTP/1.1 100 Continue\r\n\r\n", ResponseHead{Minor: 1, Status: 100, Declared: -1}},
	{"no phrase", "GET", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", ResponseHead{Minor: 1, Status: 200}},
	{"empty phrase", "GET", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", ResponseHead{Minor: 1, Status: 200}},
	{"odd phrase", "GET", "HTTP/1.1 299 C'est \xe7a\r\nContent-Length: 0\r\n\r\n", ResponseHead{Minor: 1, Status: 299}},
	{name: "both lengths", method: "GET", raw: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"},
	{name: "two lengths", method: "GET", raw: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n"},
	{name: "a list of lengths", method: "GET", raw: "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n"},
	{name: "another coding", method: "GET", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"},
	{name: "coding in HTTP/1.0", method: "GET", raw: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
	{name: "100 with a body", method: "GET", raw: "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n"},
	{name: "space before the colon", method: "GET", raw: "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n"},
	{name: "folded", method: "GET", raw: "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n"},
	{name: "bare LF", method: "GET", raw: "HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\n"},
	{name: "version 2", method: "GET", raw: "HTTP/2.0 200 OK\r\n\r\n"},
	{name: "version 1.2", method: "GET", raw: "HTTP/1.2 200 OK\r\n\r\n"},
	{name: "short status", method: "GET", raw: "HTTP/1.1 20 OK\r\n\r\n"},
	{name: "long status", method: "GET", raw: "HTTP/1.1 2000 OK\r\n\r\n"},
	{name: "status with a sign", method: "GET", raw: "HTTP/1.1 +20 OK\r\n\r\n"},
	{name: "status 099", method: "GET", raw: "HTTP/1.1 099 OK\r\n\r\n"},
	{name: "status 600", method: "GET", raw: "HTTP/1.1 600 OK\r\n\r\n"},
	{name: "NUL in the phrase", method: "GET", raw: "HTTP/1.1 200 O\x00K\r\n\r\n"},
	{name: "another protocol", method: "GET", raw: "SSH-2.0-OpenSSH\r\n\r\n"},
	{name: "nothing", method: "GET", raw: "\r\n"},
}

func TestParseResponse(t *testing.T) {
	for _, c := range responses {
		var h ResponseHead
		err := ParseResponse(&h, []byte(c.raw), c.method, testLimits)
		var refusal *Refusal
		if c.want.Status == 0 {
			if !errors.As(err, &refusal) {
				t.Errorf("%s: %+v %v", c.name, h, err)
			}
			continue
		}
		h.Fields = nil
		if err != nil || h.Minor != c.want.Minor || h.Status != c.want.Status || h.Length != c.want.Length || h.Declared != c.want.Declared || h.Chunked != c.want.Chunked || h.Close != c.want.Close {
			t.Errorf("%s: %+v %v, want %+v", c.name, h, err, c.want)
		}
	}
}

// sameResponse checks that what we take net/http takes too, and reads alike.
func sameResponse(t *testing.T, raw []byte, method string) {
	t.Helper()
	r := NewResponseReader(iotest.OneByteReader(bytes.NewReader(raw)), testLimits)
	head, err := r.Next(method)
	if err != nil {
		return
	}
	if head.Status < 200 {
		return // net/http reads on behind it
	}
	want, err := http.ReadResponse(bufio.NewReaderSize(bytes.NewReader(raw), len(raw)+16), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%q: net/http says %v", raw, err)
	}
	if head.Status != want.StatusCode || head.Minor != want.ProtoMinor || head.Chunked != slices.Contains(want.TransferEncoding, "chunked") && method != "HEAD" && head.Status != 204 && head.Status != 304 {
		t.Fatalf("%q: %+v, want %+v", raw, head, want)
	}
	ours, ourErr := io.ReadAll(r)
	theirs, theirErr := io.ReadAll(want.Body)
	if ourErr != nil {
		return // we are stricter about chunks
	}
	if theirErr != nil || !bytes.Equal(ours, theirs) {
		t.Fatalf("%q: body %q, want %q %v", raw, ours, theirs, theirErr)
	}
}

func TestResponsesAreReadAsNetHTTPReadsThem(t *testing.T) {
	for _, c := range responses {
		for _, body := range []string{"", "hello", "5\r\nhello\r\n0\r\nX: y\r\n\r\n"} {
			sameResponse(t, []byte(c.raw+body), c.method)
		}
	}
}

func TestResponsesFollowEachOther(t *testing.T) {
	r := NewResponseReader(strings.NewReader("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX: y\r\n\r\n"+
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\n\r\nrest"), testLimits)
	for i, want := range []struct {
		status   int
		body     string
		reusable bool
	}{{103, "", false}, {200, "ab", false}, {200, "abc", false}, {200, "rest", false}} {
		head, err := r.Next("GET")
		if err != nil || head.Status != want.status {
			t.Fatalf("response %d: %+v %v", i, head, err)
		}
		body, err := io.ReadAll(r)
		if err != nil || string(body) != want.body || r.Reusable() != want.reusable {
			t.Errorf("response %d: %q %v, reusable %v", i, body, err, r.Reusable())
		}
		if i == 1 && (len(r.Trailer()) != 1 || r.Trailer()[0] != Field{"X", "y"}) {
			t.Errorf("trailer %v", r.Trailer())
		}
	}
	if _, err := r.Next("GET"); !errors.Is(err, ErrNoResponse) {
		t.Errorf("at the end: %v", err)
	}
}

func FuzzParseResponse(f *testing.F) {
	for _, c := range responses {
		f.Add([]byte(c.raw+"5\r\nhello\r\n0\r\n\r\n"), c.method == "HEAD")
	}
	f.Fuzz(func(t *testing.T, raw []byte, head bool) {
		method := "GET"
		if head {
			method = "HEAD"
		}
		sameResponse(t, raw, method)
	})
}
