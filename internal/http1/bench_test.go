package http1

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A call of KMS as an SDK sends it, and an answer of the size that it gets.
const (
	benchBody = `{"KeyId":"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab","Plaintext":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}`
	benchHead = "POST / HTTP/1.1\r\nHost: kms.us-east-1.amazonaws.com\r\nUser-Agent: aws-sdk-go-v2/1.47.8 ua/2.1 os/linux lang/go#1.26 md/GOOS#linux md/GOARCH#amd64 api/kms#1.56.0 m/E,e\r\n" +
		"Amz-Sdk-Invocation-Id: 7a6a0a5c-0b7e-4a53-9b3c-0d0b9c4b1b53\r\nAmz-Sdk-Request: attempt=1; max=3\r\n" +
		"Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260301/us-east-1/kms/aws4_request, SignedHeaders=amz-sdk-invocation-id;amz-sdk-request;content-length;content-type;host;x-amz-date;x-amz-target, Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n" +
		"Content-Type: application/x-amz-json-1.1\r\nX-Amz-Date: 20260301T120000Z\r\nX-Amz-Target: TrentService.Encrypt\r\nAccept-Encoding: gzip\r\n"
)

var (
	benchRequest = []byte(benchHead + "Content-Length: " + strconv.Itoa(len(benchBody)) + "\r\n\r\n" + benchBody)
	benchAnswer  = []byte(`{"CiphertextBlob":"` + strings.Repeat("A", 200) + `","KeyId":"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}`)
)

// answering reads the body, waits, and answers as the door does.
func answering(wait func()) http.HandlerFunc {
	bodies := sync.Pool{New: func() any { return new(bytes.Buffer) }}
	return func(w http.ResponseWriter, r *http.Request) {
		b := bodies.Get().(*bytes.Buffer)
		b.Reset()
		_, _ = b.ReadFrom(io.LimitReader(r.Body, 1<<20))
		bodies.Put(b)
		wait()
		h := w.Header()
		h["Content-Type"] = []string{"application/x-amz-json-1.1"}
		h["X-Amzn-Requestid"] = []string{"7a6a0a5c-0b7e-4a53-9b3c-0d0b9c4b1b53"}
		h["Content-Length"] = []string{strconv.Itoa(len(benchAnswer))}
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(benchAnswer)
	}
}

// groupCommit lets everybody wait for the end of the current period, as callers wait for
// a sync of the log.
func groupCommit(b *testing.B, period time.Duration) (wait func()) {
	var mu sync.Mutex
	next := make(chan struct{})
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(period):
			}
			mu.Lock()
			close(next)
			next = make(chan struct{})
			mu.Unlock()
		}
	})
	b.Cleanup(func() { close(done); running.Wait() })
	return func() {
		mu.Lock()
		mine := next
		mu.Unlock()
		<-mine
	}
}

// servers are ours and net/http, with the limits of the door.
func servers(b *testing.B, h http.Handler, run func(b *testing.B, serve func(l net.Listener) (stop func()))) {
	b.Run("http1", func(b *testing.B) {
		run(b, func(l net.Listener) func() {
			s := NewServer(testConfig(h))
			var running sync.WaitGroup
			running.Go(func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					running.Go(func() { s.ServeConn(conn, nil) })
				}
			})
			return func() { l.Close(); s.Close(); running.Wait() }
		})
	})
	b.Run("nethttp", func(b *testing.B) {
		run(b, func(l net.Listener) func() {
			c := testConfig(h)
			s := &http.Server{
				Handler: h, ReadHeaderTimeout: c.HeadTimeout, ReadTimeout: c.ReadTimeout, WriteTimeout: c.WriteTimeout, IdleTimeout: c.IdleTimeout,
				ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
			}
			var running sync.WaitGroup
			running.Go(func() { _ = s.Serve(l) })
			return func() { _ = s.Shutdown(context.Background()); running.Wait() }
		})
	})
}

// loop is a connection without a kernel: it hands the same request out again and again.
type loop struct {
	left int
	at   int
	done chan struct{}
}

func (l *loop) Read(p []byte) (int, error) {
	if l.left == 0 {
		return 0, io.EOF
	}
	n := copy(p, benchRequest[l.at:])
	if l.at += n; l.at == len(benchRequest) {
		l.at = 0
		l.left--
	}
	return n, nil
}

func (l *loop) Write(p []byte) (int, error)        { return len(p), nil }
func (l *loop) Close() error                       { close(l.done); return nil }
func (l *loop) LocalAddr() net.Addr                { return &net.TCPAddr{} }
func (l *loop) RemoteAddr() net.Addr               { return &net.TCPAddr{} }
func (l *loop) SetDeadline(t time.Time) error      { return nil }
func (l *loop) SetReadDeadline(t time.Time) error  { return nil }
func (l *loop) SetWriteDeadline(t time.Time) error { return nil }

// one hands out one connection.
type one struct {
	conn   chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (o *one) Accept() (net.Conn, error) {
	select {
	case c := <-o.conn:
		return c, nil
	case <-o.closed:
		return nil, net.ErrClosed
	}
}
func (o *one) Close() error   { o.once.Do(func() { close(o.closed) }); return nil }
func (o *one) Addr() net.Addr { return &net.TCPAddr{} }

// BenchmarkInMemory is the cost of the code itself: no kernel, no wait.
func BenchmarkInMemory(b *testing.B) {
	servers(b, answering(func() {}), func(b *testing.B, serve func(net.Listener) func()) {
		b.ReportAllocs()
		conn := &loop{left: b.N, done: make(chan struct{})}
		l := &one{conn: make(chan net.Conn, 1), closed: make(chan struct{})}
		l.conn <- conn
		stop := serve(l)
		<-conn.done
		b.StopTimer()
		stop()
	})
}

// BenchmarkLoopback is 64 clients over loopback whose answers wait, all together, for the
// end of a period of 100 µs.
func BenchmarkLoopback(b *testing.B) {
	servers(b, answering(groupCommit(b, 100*time.Microsecond)), func(b *testing.B, serve func(net.Listener) func()) {
		b.ReportAllocs()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		stop := serve(l)
		defer stop()
		const clients = 64
		var running sync.WaitGroup
		for i := range clients {
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			running.Go(func() {
				defer conn.Close()
				buf := make([]byte, 4<<10)
				for range (b.N + i) / clients {
					if _, err := conn.Write(benchRequest); err != nil {
						b.Error(err)
						return
					}
					for n := 0; n == 0 || !bytes.HasSuffix(buf[:n], []byte("}")); {
						m, err := conn.Read(buf[n:])
						if err != nil {
							b.Error(err)
							return
						}
						n += m
					}
				}
			})
		}
		running.Wait()
		b.StopTimer()
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	head := benchRequest[:len(benchRequest)-len(benchBody)]
	b.SetBytes(int64(len(head)))
	var h Head
	for b.Loop() {
		if err := Parse(&h, head, testLimits); err != nil {
			b.Fatal(err)
		}
	}
}
