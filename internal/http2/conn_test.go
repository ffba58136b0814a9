package http2

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"fastness/internal/http1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

func serverOf(handler func(*Stream)) *Server {
	return NewServer(Config{
		Handler: handler, Limits: http1.Limits{Bytes: 16 << 10, Fields: 100}, MaxStreams: 10,
		PrefaceTimeout: patience, IdleTimeout: patience, Log: slog.New(slog.DiscardHandler),
	})
}

// peer is a client that does what it is told.
type peer struct {
	*http2.Framer
	t     testing.TB
	nc    net.Conn
	block bytes.Buffer
	enc   *hpack.Encoder
	dec   *hpack.Decoder
}

// connect serves a connection by handler and is its client, past the prefaces.
func connect(t testing.TB, handler func(*Stream)) (*peer, *Server) {
	t.Helper()
	s := serverOf(handler)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var serving sync.WaitGroup
	serving.Go(func() {
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		s.ServeConn(c, nil)
	})
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		nc.Close()
		serving.Wait()
	})
	_ = nc.SetDeadline(time.Now().Add(patience))
	p := &peer{Framer: http2.NewFramer(nc, bufio.NewReader(nc)), t: t, nc: nc, dec: hpack.NewDecoder(4096, nil)}
	p.AllowIllegalWrites = true
	p.enc = hpack.NewEncoder(&p.block)
	p.must(io.WriteString(nc, http2.ClientPreface))
	p.check(p.WriteSettings())
	return p, s
}

func (p *peer) check(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) must(_ int, err error) {
	p.t.Helper()
	p.check(err)
}

// request sends a head; pairs are fields beyond the pseudo-header fields.
func (p *peer) request(id uint32, end bool, pairs ...string) error {
	p.block.Reset()
	for _, f := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":path", "/"}, {":authority", "h"}} {
		p.check(p.enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}))
	}
	for i := 0; i < len(pairs); i += 2 {
		p.check(p.enc.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]}))
	}
	return p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.block.Bytes(), EndStream: end, EndHeaders: true})
}

// await reads frames until one of the wanted ones, or the end of the connection: nil.
func (p *peer) await(want func(http2.Frame) bool) http2.Frame {
	p.t.Helper()
	for {
		f, err := p.ReadFrame()
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			p.t.Fatal("nothing came")
		}
		if err != nil {
			return nil
		}
		if h, ok := f.(*http2.HeadersFrame); ok {
			if _, err := p.dec.DecodeFull(h.HeaderBlockFragment()); err != nil {
				p.t.Fatal(err)
			}
		}
		if want(f) {
			return f
		}
	}
}

func goAway(code http2.ErrCode) func(http2.Frame) bool {
	return func(f http2.Frame) bool {
		g, ok := f.(*http2.GoAwayFrame)
		return ok && g.ErrCode == code
	}
}

func reset(id uint32) func(http2.Frame) bool {
	return func(f http2.Frame) bool {
		r, ok := f.(*http2.RSTStreamFrame)
		return ok && r.StreamID == id
	}
}

func endOf(id uint32) func(http2.Frame) bool {
	return func(f http2.Frame) bool {
		h := f.Header()
		return h.StreamID == id && h.Flags.Has(http2.FlagDataEndStream) && (h.Type == http2.FrameData || h.Type == http2.FrameHeaders)
	}
}

func hello(st *Stream) {
	_ = st.Begin(200, nil, -1)
	_, _ = io.WriteString(st, "hello")
	_ = st.End(nil)
}

// A client that begins requests and takes them back costs itself the connection
// (CVE-2023-44487).
func TestRapidResetsEndTheConnection(t *testing.T) {
	var mu sync.Mutex
	running, most := 0, 0
	p, _ := connect(t, func(st *Stream) {
		mu.Lock()
		running++
		most = max(most, running)
		mu.Unlock()
		gone := make(chan struct{})
		st.NotifyGone(sync.OnceFunc(func() { close(gone) }))
		<-gone
		st.NotifyGone(nil)
		mu.Lock()
		running--
		mu.Unlock()
	})
	go func() {
		for id := uint32(1); id < 20_000; id += 2 {
			if p.request(id, true) != nil || p.WriteRSTStream(id, http2.ErrCodeCancel) != nil {
				return
			}
		}
	}()
	if p.await(goAway(http2.ErrCodeEnhanceYourCalm)) == nil {
		t.Error("the connection ended without a word, or went on")
	}
	if mu.Lock(); most > 10 {
		t.Errorf("%d handlers ran at a time", most)
	}
	mu.Unlock()
}

func TestCheapFramesEndTheConnection(t *testing.T) {
	for name, send := range map[string]func(p *peer) error{
		"pings":         func(p *peer) error { return p.WritePing(false, [8]byte{}) },
		"settings":      func(p *peer) error { return p.WriteSettings() },
		"priorities":    func(p *peer) error { return p.WritePriority(99, http2.PriorityParam{StreamDep: 1}) },
		"unknown":       func(p *peer) error { return p.WriteRawFrame(0xfe, 0, 0, nil) },
		"empty data":    func(p *peer) error { return p.WriteData(1, false, nil) },
		"small updates": func(p *peer) error { return p.WriteWindowUpdate(0, 1) },
	} {
		p, _ := connect(t, func(st *Stream) { _, _ = io.Copy(io.Discard, st) })
		p.check(p.request(1, false))
		go func() {
			for range 5000 {
				if send(p) != nil {
					return
				}
			}
		}()
		if p.await(goAway(http2.ErrCodeEnhanceYourCalm)) == nil {
			t.Errorf("%s: the connection ended without a word, or went on", name)
		}
	}
}

func TestStreamsAreBounded(t *testing.T) {
	release := make(chan struct{})
	p, _ := connect(t, func(st *Stream) { <-release; hello(st) })
	for id := uint32(1); id <= 21; id += 2 {
		p.check(p.request(id, true))
	}
	f, _ := p.await(reset(21)).(*http2.RSTStreamFrame)
	if f == nil || f.ErrCode != http2.ErrCodeRefusedStream {
		t.Errorf("%v", f)
	}
	close(release)
	for answered := 0; answered < 10; answered++ {
		if p.await(func(f http2.Frame) bool { return endOf(f.Header().StreamID)(f) }) == nil {
			t.Fatal("the connection ended")
		}
	}
	// The last handler may not have returned yet.
	for id := uint32(23); ; id += 2 {
		p.check(p.request(id, true))
		f := p.await(func(f http2.Frame) bool { return endOf(id)(f) || reset(id)(f) })
		if f == nil {
			t.Fatal("the connection ended")
		}
		if endOf(id)(f) {
			break
		}
	}
}

// What a handler does not read, a client cannot send on and on.
func TestBodiesWaitWithinTheWindow(t *testing.T) {
	release := make(chan struct{})
	var got int64
	p, _ := connect(t, func(st *Stream) {
		<-release
		got, _ = io.Copy(io.Discard, st)
		hello(st)
	})
	p.check(p.request(1, false))
	data := make([]byte, 16<<10)
	for range streamWindow / len(data) {
		p.check(p.WriteData(1, false, data))
	}
	p.check(p.WritePing(false, [8]byte{1}))
	p.await(func(f http2.Frame) bool {
		if w, ok := f.(*http2.WindowUpdateFrame); ok && w.StreamID == 1 {
			t.Error("the window opened although nothing was read")
		}
		g, ok := f.(*http2.PingFrame)
		return ok && g.IsAck()
	})
	close(release)
	if p.await(func(f http2.Frame) bool { w, ok := f.(*http2.WindowUpdateFrame); return ok && w.StreamID == 1 }) == nil {
		t.Fatal("the window did not open")
	}
	p.check(p.WriteData(1, true, []byte("end")))
	if p.await(endOf(1)) == nil || got != streamWindow+3 {
		t.Errorf("%d bytes were read", got)
	}
	// More than the window is the end of the stream.
	p, _ = connect(t, func(st *Stream) {
		gone := make(chan struct{})
		st.NotifyGone(sync.OnceFunc(func() { close(gone) }))
		<-gone
		st.NotifyGone(nil)
	})
	p.check(p.request(1, false))
	for range streamWindow/len(data) + 1 {
		p.check(p.WriteData(1, false, data))
	}
	if f, _ := p.await(reset(1)).(*http2.RSTStreamFrame); f == nil || f.ErrCode != http2.ErrCodeFlowControl {
		t.Errorf("%v", f)
	}
}

// An answer waits for the client's windows, and goes on with them.
func TestAnswersWaitForTheWindow(t *testing.T) {
	const size = 200_000
	p, _ := connect(t, func(st *Stream) {
		_ = st.Begin(200, nil, size)
		if _, err := st.Write(bytes.Repeat([]byte("x"), size)); err != nil {
			t.Error(err)
		}
		_ = st.End(nil)
	})
	p.check(p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1000}))
	p.check(p.request(1, true))
	total := 0
	for total < size {
		f := p.await(func(f http2.Frame) bool { return f.Header().Type == http2.FrameData })
		if f == nil {
			t.Fatal("the connection ended")
		}
		n := int(f.Header().Length)
		if total += n; n > 16<<10 {
			t.Fatalf("a frame of %d bytes", n)
		}
		p.check(p.WriteWindowUpdate(0, uint32(max(n, 1))))
		if total < size {
			p.check(p.WriteWindowUpdate(1, uint32(max(n, 1000))))
		}
	}
}

func TestHeadsAreBounded(t *testing.T) {
	p, _ := connect(t, hello)
	p.check(p.request(1, true, "x", strings.Repeat("a", 15<<10), "y", strings.Repeat("b", 15<<10)))
	f := p.await(func(f http2.Frame) bool {
		return f.Header().Type == http2.FrameHeaders || f.Header().Type == http2.FrameGoAway
	})
	if f == nil {
		t.Fatal("no answer")
	}
	// One that never ends (CVE-2024-27316).
	p, _ = connect(t, hello)
	p.block.Reset()
	p.check(p.enc.WriteField(hpack.HeaderField{Name: ":method", Value: "GET"}))
	p.check(p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: p.block.Bytes()}))
	for range 1000 {
		p.block.Reset()
		p.check(p.enc.WriteField(hpack.HeaderField{Name: "x", Value: strings.Repeat("a", 4000), Sensitive: true}))
		if p.WriteContinuation(1, false, p.block.Bytes()) != nil {
			break
		}
	}
	if p.await(func(f http2.Frame) bool { return f.Header().Type == http2.FrameGoAway }) == nil {
		t.Log("the connection ended without a word")
	}
}

func TestShutdownLetsRequestsEnd(t *testing.T) {
	reached, release := make(chan struct{}, 2), make(chan struct{})
	p, s := connect(t, func(st *Stream) {
		reached <- struct{}{}
		<-release
		hello(st)
	})
	p.check(p.request(1, true))
	<-reached
	ended := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		ended <- s.Shutdown(ctx)
	}()
	first, _ := p.await(func(f http2.Frame) bool { return f.Header().Type == http2.FrameGoAway }).(*http2.GoAwayFrame)
	if first == nil || first.LastStreamID != 1<<31-1 {
		t.Fatalf("%v", first)
	}
	// A request that was on the way is answered, too.
	p.check(p.request(3, true))
	<-reached
	ping, _ := p.await(func(f http2.Frame) bool { return f.Header().Type == http2.FramePing }).(*http2.PingFrame)
	p.check(p.WritePing(true, ping.Data))
	last, _ := p.await(func(f http2.Frame) bool { return f.Header().Type == http2.FrameGoAway }).(*http2.GoAwayFrame)
	if last == nil || last.LastStreamID != 3 {
		t.Fatalf("%v", last)
	}
	p.check(p.request(5, true))
	if f, _ := p.await(reset(5)).(*http2.RSTStreamFrame); f == nil || f.ErrCode != http2.ErrCodeRefusedStream {
		t.Errorf("%v", f)
	}
	close(release)
	seen := map[uint32]bool{}
	for range 2 {
		f := p.await(func(f http2.Frame) bool { return endOf(1)(f) || endOf(3)(f) })
		if f == nil {
			t.Fatal("the connection ended early")
		}
		seen[f.Header().StreamID] = true
	}
	if !seen[1] || !seen[3] {
		t.Errorf("answered: %v", seen)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestAPanicEndsOneRequest(t *testing.T) {
	p, _ := connect(t, func(st *Stream) {
		if st.Head().Length > 0 {
			panic("x")
		}
		hello(st)
	})
	p.check(p.request(1, false, "content-length", "1"))
	if p.await(reset(1)) == nil {
		t.Fatal("the connection ended")
	}
	p.check(p.request(3, true))
	if p.await(endOf(3)) == nil {
		t.Error("the connection ended")
	}
}

// FuzzConn feeds a connection any bytes behind the preface.
func FuzzConn(f *testing.F) {
	var seed bytes.Buffer
	framer := http2.NewFramer(&seed, nil)
	_ = framer.WriteSettings()
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	for _, h := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":path", "/a"}, {":authority", "h"}, {"cookie", "a"}, {"cookie", "b"}} {
		_ = enc.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
	}
	_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true})
	_ = framer.WriteData(1, true, []byte("body"))
	_ = framer.WriteWindowUpdate(0, 100)
	_ = framer.WriteRSTStream(1, http2.ErrCodeCancel)
	_ = framer.WritePing(false, [8]byte{})
	_ = framer.WriteGoAway(0, 0, nil)
	f.Add(seed.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		s := serverOf(func(st *Stream) {
			_, err := io.Copy(io.Discard, io.LimitReader(st, 1<<20))
			if err == nil && st.Head().Method == "" {
				t.Error("a request without a method")
			}
			hello(st)
		})
		a, b := net.Pipe()
		var serving sync.WaitGroup
		serving.Go(func() { s.ServeConn(a, nil) })
		serving.Go(func() { _, _ = io.Copy(io.Discard, b) })
		_, _ = io.WriteString(b, http2.ClientPreface)
		_, _ = b.Write(raw)
		b.Close()
		serving.Wait()
	})
}
