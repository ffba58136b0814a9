package badinput

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fastness/internal/app"
	"fastness/internal/clock"
	"fastness/internal/sigv4"
)

const (
	account = "111122223333"
	region  = "us-east-1"

	jsonType = "application/x-amz-json-1.1"
	formType = "application/x-www-form-urlencoded; charset=utf-8"

	// patience bounds every wait for the server. Nothing comes near it unless broken.
	patience = time.Minute
)

// server is one Fastness and its root user's key.
type server struct {
	app   *app.App
	addr  string
	root  creds
	logs  *lockedBuffer
	clock clock.Clock
}

type creds struct{ id, secret, token string }

// start runs a server on an empty directory until the test ends. change may alter its
// configuration.
func start(t *testing.T, change ...func(*app.Config)) *server {
	t.Helper()
	logs := new(lockedBuffer)
	c := app.Config{
		DataDir: filepath.Join(t.TempDir(), "data"), Listen: "127.0.0.1:0", Account: account,
		Version: "test", Clock: clock.System{},
		Log: slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(&c)
	}
	a, err := app.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{app: a, addr: a.Addr().String(), logs: logs, clock: c.Clock}
	t.Cleanup(func() {
		if err := a.Stop(t.Context()); err != nil && t.Context().Err() == nil {
			t.Errorf("stop: %v", err)
		}
		s.checkLogs(t)
	})
	s.root = readCredentials(t, a.CredentialsFile())
	return s
}

func readCredentials(t *testing.T, path string) creds {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var c creds
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " = ")
		switch name {
		case "aws_access_key_id":
			c.id = value
		case "aws_secret_access_key":
			c.secret = value
		}
	}
	return c
}

// checkLogs demands that no bad input was a surprise to the server, and that no log
// line holds the secret key.
func (s *server) checkLogs(t *testing.T) {
	for line := range strings.Lines(s.logs.String()) {
		if strings.Contains(line, "level=ERROR") {
			t.Errorf("the server logged: %.600s", line)
		}
		if strings.Contains(line, s.root.secret) {
			t.Error("the secret access key is in the log")
		}
	}
}

// lockedBuffer collects the log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// field is a header field; their order on the wire is the order of the slice.
type field struct{ name, value string }

// request is an HTTP/1.1 request before it is bytes. Nothing in it is checked.
type request struct {
	method string
	target string
	host   string
	fields []field
	body   []byte
	// signedBody is the body that is signed, if it is another one than is sent.
	signedBody []byte
	// chunked sends the body as one chunk instead of with a Content-Length.
	chunked bool
}

func (q *request) set(name, value string) *request {
	q.drop(name)
	return q.add(name, value)
}

func (q *request) add(name, value string) *request {
	q.fields = append(q.fields, field{name, value})
	return q
}

func (q *request) drop(name string) *request {
	q.fields = slices.DeleteFunc(q.fields, func(f field) bool { return strings.EqualFold(f.name, name) })
	return q
}

func (q *request) get(name string) string {
	for _, f := range q.fields {
		if strings.EqualFold(f.name, name) {
			return f.value
		}
	}
	return ""
}

// bytes is the request on the wire.
func (q *request) bytes() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", q.method, q.target, q.host)
	for _, f := range q.fields {
		fmt.Fprintf(&b, "%s: %s\r\n", f.name, f.value)
	}
	if q.chunked {
		b.WriteString("Transfer-Encoding: chunked\r\n\r\n")
		if len(q.body) > 0 {
			fmt.Fprintf(&b, "%x\r\n%s\r\n", len(q.body), q.body)
		}
		b.WriteString("0\r\n\r\n")
		return b.Bytes()
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", len(q.body))
	b.Write(q.body)
	return b.Bytes()
}

// signing is how a request is signed. The zero value of a field means the right one.
type signing struct {
	creds   creds
	region  string
	service string
	at      time.Time
	// date is the one in the scope, terminator its last part.
	date, terminator string
	// without are headers that the signature leaves out.
	without []string
	// payload is the payload hash in the canonical request, if not that of the body.
	payload string
}

// sign adds a signature of Signature Version 4 in a header. It is the plainest form of
// the algorithm, apart from package sigv4, and signs nonsense too.
func (q *request) sign(o signing) *request {
	if o.region == "" {
		o.region = region
	}
	if o.at.IsZero() {
		o.at = time.Now()
	}
	stamp := o.at.UTC().Format("20060102T150405Z")
	if o.date == "" {
		o.date = stamp[:8]
	}
	if o.terminator == "" {
		o.terminator = "aws4_request"
	}
	q.set("X-Amz-Date", stamp)
	if o.creds.token != "" {
		q.set("X-Amz-Security-Token", o.creds.token)
	}
	if o.payload == "" {
		body := q.body
		if q.signedBody != nil {
			body = q.signedBody
		}
		sum := sha256.Sum256(body)
		o.payload = hex.EncodeToString(sum[:])
	}
	values := map[string][]string{"host": {q.host}}
	names := []string{"host"}
	for _, f := range q.fields {
		lower := strings.ToLower(f.name)
		if slices.Contains(o.without, lower) || lower != "content-type" && !strings.HasPrefix(lower, "x-amz-") {
			continue
		}
		if values[lower] == nil {
			names = append(names, lower)
		}
		values[lower] = append(values[lower], strings.TrimSpace(f.value))
	}
	slices.Sort(names)
	path, query, _ := strings.Cut(q.target, "?")
	canonical := q.method + "\n" + encode(sigv4.NormalizePath(path), "/") + "\n" + canonicalQuery(query) + "\n"
	for _, n := range names {
		canonical += n + ":" + strings.Join(values[n], ",") + "\n"
	}
	canonical += "\n" + strings.Join(names, ";") + "\n" + o.payload
	scope := o.date + "/" + o.region + "/" + o.service + "/" + o.terminator
	return q.set("Authorization", "AWS4-HMAC-SHA256 Credential="+o.creds.id+"/"+scope+
		", SignedHeaders="+strings.Join(names, ";")+", Signature="+mac(o.creds.secret, stamp, scope, canonical))
}

// canonicalQuery decodes, encodes and sorts the parameters of a query.
func canonicalQuery(query string) string {
	if query == "" {
		return ""
	}
	parts := strings.Split(query, "&")
	for i, p := range parts {
		name, value, _ := strings.Cut(p, "=")
		parts[i] = encode(decode(name), "") + "=" + encode(decode(value), "")
	}
	slices.Sort(parts)
	return strings.Join(parts, "&")
}

func decode(v string) string {
	if d, err := url.QueryUnescape(v); err == nil {
		return d
	}
	return v
}

// encode is the URI encoding of Signature Version 4; the bytes of keep stay too.
func encode(v, keep string) string {
	var b strings.Builder
	for _, c := range []byte(v) {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~"+keep, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// kms is a call of AWS JSON 1.1, not signed yet.
func (s *server) kms(op string, body []byte) *request { return s.target("TrentService."+op, body) }

func (s *server) target(target string, body []byte) *request {
	q := &request{method: "POST", target: "/", host: s.addr, body: body}
	return q.add("Content-Type", jsonType).add("X-Amz-Target", target)
}

// form is a call of AWS Query, not signed yet.
func (s *server) form(body string) *request {
	q := &request{method: "POST", target: "/", host: s.addr, body: []byte(body)}
	return q.add("Content-Type", formType)
}

// by is the usual signature.
func (s *server) by(service string) signing {
	return signing{creds: s.root, service: service, at: s.clock.Now()}
}

// answer is what came back on a connection.
type answer struct {
	status int
	header http.Header
	body   []byte
	// open tells whether another request on the connection was answered.
	open bool
}

// dial opens a connection that gives up after patience.
func (s *server) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// send sends one request on a connection of its own.
func (s *server) send(t *testing.T, q *request) answer {
	t.Helper()
	return s.sendRaw(t, q.bytes())
}

// sendRaw writes bytes to a connection, reads one answer and finds out whether the
// connection is still good.
func (s *server) sendRaw(t *testing.T, raw []byte) answer {
	t.Helper()
	conn := s.dial(t)
	defer conn.Close()
	// A server that answers early may not read the rest.
	go func() { _, _ = conn.Write(raw) }()
	in := bufio.NewReader(conn)
	a := readAnswer(t, in)
	if strings.EqualFold(a.header.Get("Connection"), "close") {
		return a
	}
	_, err := io.WriteString(conn, "GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
	if err == nil {
		if res, err := http.ReadResponse(in, nil); err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			a.open = res.StatusCode == http.StatusOK
		}
	}
	return a
}

func readAnswer(t *testing.T, in *bufio.Reader) answer {
	t.Helper()
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("answer of status %d: %v", res.StatusCode, err)
	}
	a := answer{status: res.StatusCode, header: res.Header, body: body}
	if res.Close {
		a.header.Set("Connection", "close")
	}
	return a
}

// call makes a good call and returns its body.
func (s *server) call(t *testing.T, q *request, service string) []byte {
	t.Helper()
	a := s.send(t, q.sign(s.by(service)))
	if a.status != http.StatusOK {
		t.Fatalf("%s %s: status %d: %s", service, q.get("X-Amz-Target"), a.status, a.body)
	}
	return a.body
}

func quote(v string) string { return strconv.Quote(v) }

// presign is a GET of query whose signature stands in the URL.
func (s *server) presign(query string, o signing, extra string) *request {
	if o.region == "" {
		o.region = region
	}
	stamp := o.at.UTC().Format("20060102T150405Z")
	scope := stamp[:8] + "/" + o.region + "/" + o.service + "/aws4_request"
	query += "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + encode(o.creds.id+"/"+scope, "") +
		"&X-Amz-Date=" + stamp + "&X-Amz-SignedHeaders=host" + extra
	if o.creds.token != "" {
		query += "&X-Amz-Security-Token=" + encode(o.creds.token, "")
	}
	empty := sha256.Sum256(nil)
	canonical := "GET\n/\n" + canonicalQuery(query) + "\nhost:" + s.addr + "\n\nhost\n" + hex.EncodeToString(empty[:])
	signature := mac(o.creds.secret, stamp, scope, canonical)
	return &request{method: "GET", target: "/?" + query + "&X-Amz-Signature=" + signature, host: s.addr}
}

// mac is the signature over a canonical request.
func mac(secret, stamp, scope, canonical string) string {
	sum := sha256.Sum256([]byte(canonical))
	toSign := "AWS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + hex.EncodeToString(sum[:])
	key := []byte("AWS4" + secret)
	for _, part := range append(strings.Split(scope, "/"), toSign) {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(part))
		key = m.Sum(nil)
	}
	return hex.EncodeToString(key)
}
