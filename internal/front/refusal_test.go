package front

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fastness/internal/api/iamapi"
	"fastness/internal/api/kmsapi"
	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/api/ssmapi"
	"fastness/internal/api/stsapi"
	"fastness/internal/clock"
	"fastness/internal/sigv4"
	"fastness/internal/wire"
	"fastness/internal/wire/awsjson"
	"fastness/internal/wire/awsquery"
	"fastness/internal/wire/restjson"
	"fastness/internal/wire/rpccbor"

	"github.com/prometheus/client_golang/prometheus"
)

// refusingDoor is a door without services behind it: it can only refuse.
func refusingDoor(t *testing.T) *Door {
	t.Helper()
	d, err := New(Config{
		Rooms:  []*Room{{API: kmsapi.API, MaxBody: 64 << 10}, {API: iamapi.API}, {API: stsapi.API}, {API: ssmapi.API}, {API: secretsmanagerapi.API}},
		Codecs: []wire.Codec{awsjson.New(wire.AWSJSON10), awsjson.New(wire.AWSJSON11), awsquery.New(), restjson.New(), rpccbor.New()},
		Clock:  clock.NewManual(time.Now()), Log: slog.New(slog.DiscardHandler), Metrics: NewMetrics(prometheus.NewRegistry()),
		Regions: []string{"us-east-1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const formType = "application/x-www-form-urlencoded"

func TestDoorRefusesInTheWordsOfTheProtocol(t *testing.T) {
	d := refusingDoor(t)
	for _, c := range []struct {
		name, body string
		header     http.Header
		status     int
		contains   string
		method     string // if not POST, body is the query
	}{
		{"a query by PUT", "Action=ListUsers&Version=2010-05-08", http.Header{}, 400, "<Code>InvalidAction</Code>", "PUT"},
		{"a query by HEAD", "Action=ListUsers&Version=2010-05-08", http.Header{}, 400, "", "HEAD"},
		{"a query by GET", "Action=ListUsers&Version=2010-05-08", http.Header{}, 403, "<Code>MissingAuthenticationToken</Code>", "GET"},
		{"a form that is too large", strings.Repeat("x", DefaultMaxBody+1), http.Header{"Content-Type": {formType}}, 413, "<Code>RequestEntityTooLarge</Code>", ""},
		{"a form under a signature that cannot be read", "a=b", http.Header{"Content-Type": {formType}, "Authorization": {"AWS4-HMAC-SHA256 x"}}, 400, "<Code>IncompleteSignature</Code>", ""},
		{"an unsigned form that says its version", "Action=ListUsers&Version=2010-05-08", http.Header{"Content-Type": {formType}}, 403, "<Code>MissingAuthenticationToken</Code>", ""},
		{"a form without Version", "Action=ListUsers", http.Header{"Content-Type": {formType}}, 400, "<Code>InvalidAction</Code>", ""},
		{"an unsigned bomb", string(gzipped(t, bytes.Repeat([]byte(" "), 1<<20))), http.Header{"X-Amz-Target": {"TrentService.ListKeys"}, "Content-Encoding": {"gzip"}}, 400, "MissingAuthenticationTokenException", ""},
		{"an unsigned parameter", "{}", http.Header{"X-Amz-Target": {"AmazonSSM.GetParameter"}}, 400, "MissingAuthenticationTokenException", ""},
		{"an operation of Systems Manager that is not offered", "{}", http.Header{"X-Amz-Target": {"AmazonSSM.StartSession"}}, 400, "UnknownOperationException", ""},
		{"an unsigned secret", "{}", http.Header{"X-Amz-Target": {"secretsmanager.GetSecretValue"}}, 400, "MissingAuthenticationTokenException", ""},
		{"a form that is a bomb", string(gzipped(t, bytes.Repeat([]byte(" "), 1<<20))), http.Header{"Content-Type": {formType}, "Content-Encoding": {"GZip"}}, 413, "<Code>RequestEntityTooLarge</Code>", ""},
		{"a form that is not gzip", "Action=ListUsers&Version=2010-05-08", http.Header{"Content-Type": {formType}, "Content-Encoding": {"gzip"}}, 400, "<Code>MalformedInput</Code>", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			method, target := "POST", "/"
			if c.method != "" {
				method, target, c.body = c.method, "/?"+c.body, ""
			}
			r := httptest.NewRequest(method, target, strings.NewReader(c.body))
			r.Header = c.header
			w := httptest.NewRecorder()
			d.ServeHTTP(w, r)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.contains) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
}

// A gate without a door answers with a request id.
func TestGateWithoutADoor(t *testing.T) {
	g := NewGate(func() Status { return Status{Status: "sealed"} }, http.NotFoundHandler(), nil)
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest("POST", "/", nil))
	if w.Code != http.StatusServiceUnavailable || len(w.Header().Get("X-Amzn-Requestid")) != 36 {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestGateRefusesMalformedHTTP2(t *testing.T) {
	g := NewGate(func() Status { return Status{Status: "ok"} }, http.NotFoundHandler(), nil)
	for _, c := range []struct {
		target  string
		lengths []string
		status  int
	}{
		{"/health", nil, 200},
		{"/health", []string{"2"}, 200},
		{"/health", []string{"2", "3"}, 400},
		{"http://other.example/health", nil, 400},
	} {
		r := httptest.NewRequest("GET", c.target, nil)
		r.ProtoMajor, r.Header = 2, http.Header{"Content-Length": c.lengths}
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s %v: %d", c.target, c.lengths, w.Code)
		}
	}
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestInflateIsBounded(t *testing.T) {
	payloadOf := func(b []byte) payload {
		return payload{sent: bytes.NewBuffer(b), compressed: true}
	}
	text := []byte(`{"KeyId":"1234"}`)
	p := payloadOf(gzipped(t, text))
	for range 2 { // asking again costs nothing and gives the same
		if got, err := p.plain(); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%q %v", got, err)
		}
	}
	p = payloadOf(gzipped(t, make([]byte, 1<<20)))
	if _, err := p.plain(); !errors.Is(err, errTooLarge) {
		t.Error(err)
	}
	good := gzipped(t, text)
	for _, bad := range [][]byte{nil, text, good[:len(good)-1], append(good, 1)} {
		p = payloadOf(bad)
		for range 2 {
			if got, err := p.plain(); err == nil || errors.Is(err, errTooLarge) || got != nil {
				t.Errorf("%q: %q %v", bad, got, err)
			}
		}
	}
}

// A client that is still sending reads its answer before the connection is reset.
func TestListenerConnectionsEndHalfByHalf(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan net.Conn, 1)
	l := newDualListener(inner, nil, 1, func(conn net.Conn) { accepted <- conn })
	defer l.active.Wait()
	defer l.Close()
	client, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := io.WriteString(client, "x"); err != nil {
		t.Fatal(err)
	}
	server := <-accepted
	defer server.Close()
	if err := server.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(client); err != nil || len(b) != 0 {
		t.Errorf("%q %v", b, err)
	}
	if _, err := io.WriteString(client, "y"); err != nil {
		t.Error(err)
	}
}

// A body is read to the bound of the room that its head names, and not to that of another.
func TestBodiesAreBoundedByTheirHeads(t *testing.T) {
	d := refusingDoor(t)
	scope := func(service string) http.Header {
		return http.Header{"Authorization": {"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/us-east-1/" + service + "/aws4_request, SignedHeaders=host;x-amz-date, Signature=" + strings.Repeat("0", 64)}, "X-Amz-Date": {"20260301T000000Z"}}
	}
	for _, c := range []struct {
		name, host, path string
		header           http.Header
		want             int64
	}{
		{"a target", "localhost", "/", http.Header{"X-Amz-Target": {"TrentService.ListKeys"}}, 64 << 10},
		{"a target of another room", "localhost", "/", http.Header{"X-Amz-Target": {"AmazonSSM.GetParameter"}}, DefaultMaxBody},
		{"an unknown target", "localhost", "/", http.Header{"X-Amz-Target": {"Nobody.ListKeys"}}, DefaultMaxBody},
		{"no dot", "localhost", "/", http.Header{"X-Amz-Target": {"TrentService"}}, DefaultMaxBody},
		{"CBOR", "localhost", "/service/TrentService/operation/ListKeys", http.Header{"Smithy-Protocol": {"rpc-v2-cbor"}}, 64 << 10},
		{"a scope", "localhost", "/", scope("kms"), 64 << 10},
		{"a scope of another room", "localhost", "/", scope("iam"), DefaultMaxBody},
		{"a host", "kms.us-east-1.amazonaws.com", "/", nil, 64 << 10},
		{"nothing", "localhost", "/", nil, DefaultMaxBody},
	} {
		r := httptest.NewRequest(http.MethodPost, "http://"+c.host+c.path, nil)
		for name, values := range c.header {
			r.Header[name] = values
		}
		sig, err := parseSignature(new(sigv4.Signature), r)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := d.router.bound(r, sig); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
