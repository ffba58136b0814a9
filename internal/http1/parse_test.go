package http1

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
)

var testLimits = Limits{Bytes: 64 << 10, Fields: 256}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name, head string
		want       Head
	}{
		{"RFC 9112 §2.1, example", "GET /hello.txt HTTP/1.1\r\nUser-Agent: curl/7.64.1\r\nHost: www.example.com\r\nAccept-Language: en, mi\r\n\r\n", Head{
			Method: "GET", Target: "/hello.txt", Minor: 1, Host: "www.example.com",
			Fields: []Field{{"User-Agent", "curl/7.64.1"}, {"Host", "www.example.com"}, {"Accept-Language", "en, mi"}},
		}},
		{"RFC 9112 §3.2.1, origin-form", "GET /where?q=now HTTP/1.1\r\nHost: www.example.org\r\n\r\n", Head{
			Method: "GET", Target: "/where?q=now", Minor: 1, Host: "www.example.org", Fields: []Field{{"Host", "www.example.org"}},
		}},
		{"RFC 9112 §3.2.2, absolute-form; Host is ignored", "GET http://www.example.org/pub/WWW/TheProject.html HTTP/1.1\r\nHost: other.example\r\n\r\n", Head{
			Method: "GET", Target: "http://www.example.org/pub/WWW/TheProject.html", Form: Absolute, Minor: 1, Host: "www.example.org", Fields: []Field{{"Host", "other.example"}},
		}},
		{"RFC 9112 §3.2.3, authority-form", "CONNECT www.example.com:80 HTTP/1.1\r\nHost: www.example.com\r\n\r\n", Head{
			Method: "CONNECT", Target: "www.example.com:80", Form: Authority, Minor: 1, Host: "www.example.com:80", Fields: []Field{{"Host", "www.example.com"}},
		}},
		{"RFC 9112 §3.2.4, asterisk-form", "OPTIONS * HTTP/1.1\r\nHost: www.example.org:8001\r\n\r\n", Head{
			Method: "OPTIONS", Target: "*", Form: Asterisk, Minor: 1, Host: "www.example.org:8001", Fields: []Field{{"Host", "www.example.org:8001"}},
		}},
		{"order, case and repetition are kept", "GET / HTTP/1.1\r\nx-B: 1\r\nX-a: 2\r\nhOST: h\r\nX-B:\t 3 \t\r\nX-Empty:\r\n\r\n", Head{
			Method: "GET", Target: "/", Minor: 1, Host: "h",
			Fields: []Field{{"x-B", "1"}, {"X-a", "2"}, {"hOST", "h"}, {"X-B", "3"}, {"X-Empty", ""}},
		}},
		{"a length", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999999999999\r\n\r\n", Head{
			Method: "PUT", Target: "/", Minor: 1, Host: "h", Length: 999999999999999999,
			Fields: []Field{{"Host", "h"}, {"Content-Length", "999999999999999999"}},
		}},
		{"chunked", "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\nExpect: 100-Continue\r\n\r\n", Head{
			Method: "PUT", Target: "/", Minor: 1, Host: "h", Length: -1, Chunked: true, Continue: true,
			Fields: []Field{{"Host", "h"}, {"Transfer-Encoding", "Chunked"}, {"Expect", "100-Continue"}},
		}},
		{"close", "GET / HTTP/1.1\r\nHost: h\r\nConnection: x, CLOSE\r\n\r\n", Head{
			Method: "GET", Target: "/", Minor: 1, Host: "h", Close: true, Fields: []Field{{"Host", "h"}, {"Connection", "x, CLOSE"}},
		}},
		{"HTTP/1.0 without Host", "GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", Head{
			Method: "GET", Target: "/", Close: true, Fields: []Field{{"Expect", "100-continue"}},
		}},
		{"HTTP/1.0 that stays", "GET / HTTP/1.0\r\nHost:\r\nConnection: Keep-Alive\r\n\r\n", Head{
			Method: "GET", Target: "/", Fields: []Field{{"Host", ""}, {"Connection", "Keep-Alive"}},
		}},
		{"HTTP/1.0, keep-alive and close", "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", Head{
			Method: "GET", Target: "/", Close: true, Fields: []Field{{"Connection", "keep-alive, close"}},
		}},
		{"odd method and bytes of UTF-8", "M!#$%&'*+-.^_`|~9 /\xc3\xa4?\"<>{}|\\^`[] HTTP/1.1\r\nHost: [2001:db8::1]:443\r\nX: \xc3\xa4\t\xff\r\n\r\n", Head{
			Method: "M!#$%&'*+-.^_`|~9", Target: "/\xc3\xa4?\"<>{}|\\^`[]", Minor: 1, Host: "[2001:db8::1]:443",
			Fields: []Field{{"Host", "[2001:db8::1]:443"}, {"X", "\xc3\xa4\t\xff"}},
		}},
		{"an escape that is none", "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", Head{
			Method: "GET", Target: "/%zz", Minor: 1, Host: "h", Fields: []Field{{"Host", "h"}},
		}},
		{"hosts", "GET / HTTP/1.1\r\nHost: a-b_c.%41!$&'()*+,;=~:\r\n\r\n", Head{
			Method: "GET", Target: "/", Minor: 1, Host: "a-b_c.%41!$&'()*+,;=~:", Fields: []Field{{"Host", "a-b_c.%41!$&'()*+,;=~:"}},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := Head{Fields: []Field{{"left", "over"}}, Chunked: true, Host: "left over"}
			b := []byte(c.head)
			if err := Parse(&h, b, testLimits); err != nil {
				t.Fatal(err)
			}
			clear(b) // nothing of it was kept
			if !slices.Equal(h.Fields, c.want.Fields) {
				t.Errorf("fields %q, want %q", h.Fields, c.want.Fields)
			}
			h.Fields, c.want.Fields = nil, nil
			if !equalHeads(&h, &c.want) {
				t.Errorf("got  %+v\nwant %+v", h, c.want)
			}
		})
	}
}

func equalHeads(a, b *Head) bool {
	return a.Method == b.Method && a.Target == b.Target && a.Form == b.Form && a.Minor == b.Minor && a.Host == b.Host &&
		a.Length == b.Length && a.Chunked == b.Chunked && a.Close == b.Close && a.Continue == b.Continue && slices.Equal(a.Fields, b.Fields)
}

// refused are heads that must not be taken, each with the status of its answer. Where
// net/http would take one all the same, looser says so: this is the list of what we are
// stricter about.
var refused = []struct {
	name, head string
	status     int
	looser     bool
}{
	{"nothing", "\r\n", 400, false},
	{"no version", "GET /\r\nHost: h\r\n\r\n", 400, false},
	{"two spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400, false},
	{"space at the end", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", 400, false},
	{"a tab for a space", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", 400, false},
	{"space in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400, false},
	{"space in front", " GET / HTTP/1.1\r\nHost: h\r\n\r\n", 400, false},
	{"no method", " / HTTP/1.1\r\nHost: h\r\n\r\n", 400, false},
	{"method with a colon", "GE:T / HTTP/1.1\r\nHost: h\r\n\r\n", 400, false},
	{"method in brackets", "(GET) / HTTP/1.1\r\nHost: h\r\n\r\n", 400, false},
	{"method of UTF-8", "G\xc3\x84T / HTTP/1.1\r\nHost: h\r\n\r\n", 400, false},
	{"control byte in the target", "GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n", 400, false},
	{"NUL in the target", "GET /\x00 HTTP/1.1\r\nHost: h\r\n\r\n", 400, false},
	{"DEL in the target", "GET /\x7f HTTP/1.1\r\nHost: h\r\n\r\n", 400, false},
	{"carriage return in the target", "GET /\r HTTP/1.1\r\nHost: h\r\n\r\n", 400, false},
	{"fragment in the target", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 400, true},
	{"no target", "GET HTTP/1.1\r\nHost: h\r\n\r\n", 400, false},
	{"relative target", "GET a/b HTTP/1.1\r\nHost: h\r\n\r\n", 400, false},
	{"a query only", "GET ?a HTTP/1.1\r\nHost: h\r\n\r\n", 400, false},
	{"asterisk for GET", "GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400, true},
	{"asterisk and more", "OPTIONS *a HTTP/1.1\r\nHost: h\r\n\r\n", 400, false},
	{"authority for GET", "GET h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 400, true},
	{"path for CONNECT", "CONNECT /a HTTP/1.1\r\nHost: h\r\n\r\n", 400, true},
	{"CONNECT without port", "CONNECT h HTTP/1.1\r\nHost: h\r\n\r\n", 400, true},
	{"CONNECT with an empty port", "CONNECT h: HTTP/1.1\r\nHost: h\r\n\r\n", 400, true},
	{"CONNECT with a path", "CONNECT h:80/a HTTP/1.1\r\nHost: h\r\n\r\n", 400, true},
	{"absolute target of another scheme", "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400, true},
	{"absolute target without authority", "GET http:///a HTTP/1.1\r\nHost: h\r\n\r\n", 400, true},
	{"absolute target without slashes", "GET http:a HTTP/1.1\r\nHost: h\r\n\r\n", 400, true},
	{"absolute target with a user", "GET http://u:p@h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400, true},
	{"absolute target with a bad port", "GET http://h:8a/ HTTP/1.1\r\nHost: h\r\n\r\n", 400, false},
	{"HTTP/1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", 505, true},
	{"HTTP/2.0", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505, true},
	{"HTTP/0.9", "GET / HTTP/0.9\r\nHost: h\r\n\r\n", 505, true},
	{"HTTP/1.10", "GET / HTTP/1.10\r\nHost: h\r\n\r\n", 400, false},
	{"HTTP/01.1", "GET / HTTP/01.1\r\nHost: h\r\n\r\n", 400, false},
	{"http/1.1", "GET / http/1.1\r\nHost: h\r\n\r\n", 400, false},
	{"HTTP/1,1", "GET / HTTP/1,1\r\nHost: h\r\n\r\n", 400, false},
	{"another protocol", "GET / ICAP/1.0\r\nHost: h\r\n\r\n", 400, false},
	{"line feeds only", "GET / HTTP/1.1\nHost: h\n\n", 400, true},
	{"one bare line feed", "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400, true},
	{"line feed first", "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 400, false},
	{"bare line feed ends the head", "GET / HTTP/1.1\r\nHost: h\r\n\n", 400, true},
	{"bare carriage return in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", 400, false},
	{"bare carriage return ends a value", "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\r\n\r\n", 400, false},
	{"NUL in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: a\x00b\r\n\r\n", 400, false},
	{"vertical tab in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: a\x0bb\r\n\r\n", 400, false},
	{"DEL in a value", "GET / HTTP/1.1\r\nHost: h\r\nX: 1234567\x7f\r\n\r\n", 400, false},
	{"control byte behind eight", "GET / HTTP/1.1\r\nHost: h\r\nX: 12345678901234567\x1f\r\n\r\n", 400, false},
	{"folded line", "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", 400, true},
	{"folded line with a tab", "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n\tb\r\n\r\n", 400, true},
	{"folded line that is empty", "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n \r\n\r\n", 400, true},
	{"first line folded", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400, false},
	{"no colon", "GET / HTTP/1.1\r\nHost: h\r\nX\r\n\r\n", 400, false},
	{"no name", "GET / HTTP/1.1\r\nHost: h\r\n: a\r\n\r\n", 400, false},
	{"space before the colon", "GET / HTTP/1.1\r\nHost: h\r\nX : a\r\n\r\n", 400, true},
	{"tab before the colon", "GET / HTTP/1.1\r\nHost: h\r\nX\t: a\r\n\r\n", 400, false},
	{"space in a name", "GET / HTTP/1.1\r\nHost: h\r\nX Y: a\r\n\r\n", 400, true},
	{"brackets in a name", "GET / HTTP/1.1\r\nHost: h\r\n(X): a\r\n\r\n", 400, false},
	{"UTF-8 in a name", "GET / HTTP/1.1\r\nHost: h\r\nX\xc3\xa4: a\r\n\r\n", 400, false},
	{"NUL in a name", "GET / HTTP/1.1\r\nHost: h\r\nX\x00: a\r\n\r\n", 400, false},
	{"no Host", "GET / HTTP/1.1\r\n\r\n", 400, true},
	{"two Hosts", "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400, false},
	{"two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: h\r\nhost: h\r\n\r\n", 400, false},
	{"empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, true},
	{"Host with a slash", "GET / HTTP/1.1\r\nHost: h/a\r\n\r\n", 400, true},
	{"Host with a user", "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", 400, true},
	{"Host with a space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, true},
	{"Host with a bad port", "GET / HTTP/1.1\r\nHost: h:8a\r\n\r\n", 400, true},
	{"Host with a long port", "GET / HTTP/1.1\r\nHost: h:080000\r\n\r\n", 400, true},
	{"Host with two ports", "GET / HTTP/1.1\r\nHost: h:80:80\r\n\r\n", 400, true},
	{"Host of a port only", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 400, true},
	{"Host with half a bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400, true},
	{"Host with empty brackets", "GET / HTTP/1.1\r\nHost: []\r\n\r\n", 400, true},
	{"Host with a name in brackets", "GET / HTTP/1.1\r\nHost: [h]\r\n\r\n", 400, true},
	{"Host behind brackets", "GET / HTTP/1.1\r\nHost: [::1]h\r\n\r\n", 400, true},
	{"Host with brackets in brackets", "GET / HTTP/1.1\r\nHost: [[::1]\r\n\r\n", 400, true},
	{"Host with a zone", "GET / HTTP/1.1\r\nHost: [fe80::1%25eth0]\r\n\r\n", 400, true},
	{"Host with half an escape", "GET / HTTP/1.1\r\nHost: h%4\r\n\r\n", 400, true},
	{"Host with an escape that is none", "GET / HTTP/1.1\r\nHost: h%4g\r\n\r\n", 400, true},
	{"Host of a list", "GET / HTTP/1.1\r\nHost: \"h\"\r\n\r\n", 400, true},
	{"length and coding", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400, true},
	{"coding and length", "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", 400, true},
	{"two different lengths", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400, false},
	{"two equal lengths", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\n", 400, true},
	{"list of lengths", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 5\r\n\r\n", 400, false},
	{"empty length", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n", 400, false},
	{"signed length", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\n", 400, false},
	{"negative length", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\n", 400, false},
	{"hexadecimal length", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x5\r\n\r\n", 400, false},
	{"length with a leading zero", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 05\r\n\r\n", 400, true},
	{"length in quotes", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: \"5\"\r\n\r\n", 400, false},
	{"length of 10^18", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000000000000\r\n\r\n", 400, true},
	{"length of 2^64", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551616\r\n\r\n", 400, false},
	{"two codings", "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400, false},
	{"gzip, chunked", "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501, false},
	{"chunked, identity", "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n", 501, false},
	{"chunked, chunked", "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", 501, false},
	{"identity", "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\n", 501, false},
	{"xchunked", "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n", 501, false},
	{"chunked with a parameter", "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked;a=b\r\n\r\n", 501, false},
	{"chunked in quotes", "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \"chunked\"\r\n\r\n", 501, false},
	{"chunked behind a vertical tab", "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \x0bchunked\r\n\r\n", 400, false},
	{"empty coding", "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n\r\n", 501, false},
	{"chunked with a Kelvin sign", "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chun\u212aed\r\n\r\n", 501, false},
	{"chunked in HTTP/1.0", "PUT / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", 400, true},
	{"another expectation", "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 200-ok\r\n\r\n", 417, true},
	{"two expectations", "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n\r\n", 417, true},
	{"too many fields", "GET / HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("A: b\r\n", 256) + "\r\n", 431, true},
	{"too many bytes", "GET / HTTP/1.1\r\nHost: h\r\nA: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", 431, true},
	{"no end", "GET / HTTP/1.1\r\nHost: h\r\n", 400, false},
	{"more behind the end", "GET / HTTP/1.1\r\nHost: h\r\n\r\nGET", 400, true},
}

func TestRefusedHeads(t *testing.T) {
	for _, c := range refused {
		t.Run(c.name, func(t *testing.T) {
			var h Head
			err := Parse(&h, []byte(c.head), testLimits)
			var r *Refusal
			if !errors.As(err, &r) {
				t.Fatalf("%v: %+v", err, h)
			}
			if r.Status != c.status || r.Reason == "" || http.StatusText(r.Status) == "" {
				t.Errorf("%d %s, want %d", r.Status, r.Reason, c.status)
			}
		})
	}
}

// Every byte stands where RFC 9110 §5 lets it, and nowhere else.
func TestBytesOfNamesAndValues(t *testing.T) {
	const token = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	take := func(line string) bool {
		return Parse(new(Head), []byte("GET / HTTP/1.1\r\nHost: h\r\n"+line+"\r\n\r\n"), testLimits) == nil
	}
	for i := range 256 {
		b := string([]byte{byte(i)})
		if want := strings.Contains(token, b); take("X"+b+"X: a") != want && b != ":" {
			t.Errorf("byte %#x in a name: %v", i, !want)
		}
		// Both shorter and longer than what is looked at in one step.
		for _, pad := range []string{"", "a", "1234567", "12345678", "123456789abcdef"} {
			want := i >= 0x20 && i != 0x7f || i == '\t'
			if take("X: "+pad+b+"z") != want {
				t.Errorf("byte %#x behind %d bytes of a value: %v", i, len(pad), !want)
			}
		}
	}
}

// A head is found whatever parts it comes in, and looked at once.
func TestHeadEndInParts(t *testing.T) {
	const head = "GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n"
	all := []byte(head + "rest")
	for step := 1; step <= len(all); step++ {
		line, seen := 0, 0
		for n := step; ; n += step {
			n = min(n, len(all))
			end, next, err := headEnd(all[:n], line, seen)
			if err != nil {
				t.Fatal(err)
			}
			if end > 0 {
				if end != len(head) {
					t.Errorf("step %d: end at %d", step, end)
				}
				break
			}
			if n >= len(head) {
				t.Fatalf("step %d: no end in %d bytes", step, n)
			}
			line, seen = next, n
		}
	}
}
