package challenge

import (
	"bytes"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"fastness/internal/engine/waf/request"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func secret(b byte) []byte { return bytes.Repeat([]byte{b}, KeySize) }

func newGate(t testing.TB, o Options) *Gate {
	t.Helper()
	if o.Keys == nil {
		o.Keys = []Key{{ID: 1, Secret: secret(1)}}
	}
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// get is a browser's request.
func get(host, target string, fields ...request.Field) *request.Request {
	return &request.Request{
		Time: start, Method: "GET", Target: target, Host: host, Scheme: "https", Proto: "HTTP/1.1",
		Fields: append([]request.Field{
			{Name: "User-Agent", Value: "Browser/1"}, {Name: "Accept", Value: "text/html,application/xhtml+xml,*/*;q=0.8"},
		}, fields...),
	}
}

func post(host, target string, form url.Values, fields ...request.Field) *request.Request {
	r := get(host, target, append(fields, request.Field{Name: "Content-Type", Value: "application/x-www-form-urlencoded;charset=UTF-8"})...)
	r.Method, r.Body = "POST", []byte(form.Encode())
	return r
}

func (r *Response) field(name string) string {
	for _, f := range r.Fields {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// attribute is the value of an attribute in a page.
func attribute(t *testing.T, page []byte, before string) string {
	t.Helper()
	m := regexp.MustCompile(regexp.QuoteMeta(before) + `="([^"]*)"`).FindSubmatch(page)
	if m == nil {
		t.Fatalf("no %s in the page:\n%s", before, page)
	}
	return string(m[1])
}

// cookieOf is the cookie of an answer as a request field.
func cookieOf(t *testing.T, r *Response) request.Field {
	t.Helper()
	pair, _, _ := strings.Cut(r.field("Set-Cookie"), ";")
	if !strings.HasPrefix(pair, Cookie+"=") {
		t.Fatalf("no token in the answer: %d %v", r.Status, r.Fields)
	}
	return request.Field{Name: "Cookie", Value: "other=1; " + pair}
}

func serve(t *testing.T, g *Gate, r *request.Request) *Response {
	t.Helper()
	a, err := g.Serve(r, Site{})
	if err != nil || a == nil {
		t.Fatalf("%s %s: %v, %v", r.Method, r.Target, a, err)
	}
	return a
}
