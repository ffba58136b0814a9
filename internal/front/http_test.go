package front

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"fastness/internal/wire"
)

type ctx = context.Context

func zipped(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestBodies(t *testing.T) {
	gz := func(q *request) { q.header["Content-Encoding"] = "gzip" }
	large := `{"Name":"` + strings.Repeat("x", 70<<10) + `"}`
	for _, c := range []struct {
		name, body string
		change     []func(*request)
		status     int
		code       string
	}{
		{"empty", "", nil, 200, ""},
		{"an object", `{"Name":"x"}`, nil, 200, ""},
		{"no JSON", `{"Name":`, nil, 400, "SerializationException"},
		{"an array", `[]`, nil, 400, "SerializationException"},
		{"mistyped", `{"Name":1}`, nil, 400, "SerializationException"},
		{"bad base64", `{"Data":"%%"}`, nil, 400, "SerializationException"},
		{"invalid UTF-8", "{\"Name\":\"\xff\"}", nil, 400, "SerializationException"},
		{"too deep", `{"X":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + "}", nil, 400, "SerializationException"},
		{"over the modelled bound", `{"Name":"` + strings.Repeat("x", 101) + `"}`, nil, 400, "ValidationException"},
		{"over the room's bound", large, nil, 413, "RequestEntityTooLargeException"},
		{"over every bound", strings.Repeat(" ", DefaultMaxBody+1), nil, 413, "RequestEntityTooLargeException"},
		{"over every bound, of unknown length", strings.Repeat(" ", DefaultMaxBody+1), []func(*request){func(q *request) {
			q.change = func(r *http.Request) { r.ContentLength = -1 }
		}}, 413, "RequestEntityTooLargeException"},
		{"gzip that is none", "plain", []func(*request){gz}, 400, "SerializationException"},
		{"gzip cut short", zipped(t, `{"Name":"x"}`)[:20], []func(*request){gz}, 400, "SerializationException"},
		{"gzip bomb", zipped(t, strings.Repeat(" ", 32<<20)), []func(*request){gz}, 413, "RequestEntityTooLargeException"},
		{"broken off", "", []func(*request){func(q *request) {
			q.change = func(r *http.Request) {
				r.Body, r.ContentLength = io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF)), 10
			}
		}}, 400, "SerializationException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHarness(t)
			a := h.json("GetNote", c.body, c.change...)
			if a.status != c.status || a.code() != c.code {
				t.Errorf("got %d %q", a.status, a.body)
			}
			if a.header.Get("X-Amzn-Requestid") == "" {
				t.Error("no request id")
			}
		})
	}
}

// What is read into the pooled buffers is gone before they serve the next request.
func TestBodiesAreZeroed(t *testing.T) {
	b := new(bytes.Buffer)
	b.WriteString("a plaintext key")
	all := b.Bytes()
	releaseBody(b)
	if !bytes.Equal(all, make([]byte, len(all))) {
		t.Errorf("the buffer still holds %q", all)
	}
	var inflated bytes.Buffer
	if err := inflate(&inflated, []byte(zipped(t, "a plaintext key"))); err != nil || inflated.String() != "a plaintext key" {
		t.Errorf("inflate: %q, %v", inflated.String(), err)
	}
}

// zeroCheck keeps what was written, and a reference to where it was.
type zeroCheck struct {
	http.ResponseWriter
	body []byte
}

func (z *zeroCheck) Write(p []byte) (int, error) {
	z.body = p
	return z.ResponseWriter.Write(p)
}

func TestAnswersAreZeroed(t *testing.T) {
	h := newHarness(t)
	r := h.build(request{service: "alpha", body: `{"Name":"x","Data":"c2VjcmV0"}`, header: map[string]string{
		"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Alpha_2020.Notes.GetNote"}})
	w := &zeroCheck{ResponseWriter: discard{http.Header{}}}
	h.door.ServeHTTP(w, r)
	if len(w.body) == 0 || !bytes.Equal(w.body, make([]byte, len(w.body))) {
		t.Errorf("the answer's buffer still holds %q", w.body)
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

func TestPanicIsAnInternalFailure(t *testing.T) {
	for _, op := range []string{"GetNote", "PutNote"} {
		h := newHarness(t)
		h.alpha.do = func(c ctx, op string, in *noteInput) (any, error) { panic("value " + *in.Name) }
		a := h.json(op, `{"Name":"secret-input"}`)
		if a.status != http.StatusInternalServerError || a.code() != "InternalFailure" {
			t.Errorf("%s: %d %s", op, a.status, a.body)
		}
		id := a.header.Get("X-Amzn-Requestid")
		if id == "" || !strings.Contains(h.log.String(), id) {
			t.Errorf("%s: the log does not name request %q: %s", op, id, h.log)
		}
		if strings.Contains(h.log.String()+string(a.body), "secret-input") {
			t.Errorf("%s: the panic's value is shown", op)
		}
		if h.panics() != 1 {
			t.Errorf("%s: %v panics counted", op, h.panics())
		}
		if e := h.history(); len(e) != 1 || !bytes.Contains(e[0].JSON, []byte(`"errorCode":"InternalFailure"`)) {
			t.Errorf("%s: history of %d events", op, len(e))
		}
		h.alpha.do = func(ctx, string, *noteInput) (any, error) { return &noteOutput{}, nil }
		if a := h.json(op, "{}"); a.status != http.StatusOK {
			t.Errorf("%s: after a panic %d", op, a.status)
		}
	}
}

func TestPanicOutsideTheOperation(t *testing.T) {
	h := newHarness(t)
	h.door.rooms[h.alpha.api].Quota = panicky{}
	a := h.json("GetNote", "{}")
	if a.status != http.StatusInternalServerError || a.code() != "InternalFailure" || h.panics() != 1 {
		t.Errorf("%d %s, %v panics", a.status, a.body, h.panics())
	}
	if id := a.header.Get("X-Amzn-Requestid"); id == "" || !strings.Contains(h.log.String(), id) {
		t.Errorf("the log does not name request %q", id)
	}
}

func TestErrorsOfOursAreNotShown(t *testing.T) {
	h := newHarness(t)
	h.alpha.do = func(ctx, string, *noteInput) (any, error) { return nil, errors.New("disk /dev/sda1 on fire") }
	a := h.json("GetNote", "{}")
	if a.code() != "InternalFailure" || strings.Contains(string(a.body), "sda1") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if !strings.Contains(h.log.String(), "sda1") {
		t.Error("the log does not say what happened")
	}
	h.alpha.do = func(ctx, string, *noteInput) (any, error) {
		return nil, &wire.CommonError{Kind: wire.Throttling, Message: "Rate exceeded", Cause: errors.New("inside")}
	}
	if a = h.json("GetNote", "{}"); a.code() != "ThrottlingException" || strings.Contains(string(a.body), "inside") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// serveDoor serves a door on a real port.
func serveDoor(t *testing.T, h http.Handler) *Server {
	t.Helper()
	s, err := Listen(t.Context(), "127.0.0.1:0", nil, h, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestShutdownAnswersWhatIsRunning(t *testing.T) {
	h := newHarness(t)
	started, finish := make(chan struct{}), make(chan struct{})
	h.alpha.do = func(ctx, string, *noteInput) (any, error) {
		close(started)
		<-finish
		return &noteOutput{Name: new("done")}, nil
	}
	s := serveDoor(t, h.door)
	r := h.build(request{service: "alpha", body: "{}", header: map[string]string{
		"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Alpha_2020.Notes.PutNote"}})
	r.RequestURI, r.URL.Scheme, r.URL.Host = "", "http", s.Addr().String()
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	type result struct {
		body string
		err  error
	}
	results := make(chan result, 1)
	go func() {
		res, err := transport.RoundTrip(r)
		if err != nil {
			results <- result{"", err}
			return
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		results <- result{string(b), err}
	}()
	<-started
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(context.Background()) }()
	// When the port is closed, the drain has begun.
	for {
		conn, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			break
		}
		conn.Close()
	}
	close(finish)
	if got := <-results; got.err != nil || got.body != `{"Name":"done"}` {
		t.Errorf("the running request got %q, %v", got.body, got.err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if err := <-s.Failed(); err != nil {
		t.Errorf("Failed: %v", err)
	}
}

func TestSlowBodyEndsWithTheServer(t *testing.T) {
	h := newHarness(t)
	started := make(chan struct{})
	s := serveDoor(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(started)
		h.door.ServeHTTP(w, r)
	}))
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: Alpha_2020.Notes.GetNote\r\nContent-Length: 100\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	<-started
	// Nothing more comes; a shutdown that does not wait cuts it off.
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v", err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, context.DeadlineExceeded) {
		t.Error("the connection stays open")
	}
	if len(h.alpha.calls()) != 0 {
		t.Error("half a request ran")
	}
}
