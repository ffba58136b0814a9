package http2

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"fastness/internal/http1"
)

// maxReset is how many streams that we have reset a connection remembers: frames of theirs
// may still be on the way.
const maxReset = 64

// shutdownPing is the payload of the ping that follows a GOAWAY: its answer tells that the
// client knows.
var shutdownPing = [8]byte{'g', 'o', 'a', 'w', 'a', 'y'}

// shutdownWait is how long that answer is waited for.
const shutdownWait = time.Second

// conn is a connection. Its frames are read by one goroutine, the one that runs serve.
type conn struct {
	server *Server
	nc     net.Conn
	state  *tls.ConnectionState
	framer *http2.Framer
	w      writer

	// Of the goroutine that reads.
	budget  budget
	greeted bool // the client's first SETTINGS came

	mu       sync.Mutex
	last     uint32 // the highest stream that the client began; only the reader changes it
	streams  map[uint32]*Stream
	handlers int      // that run, also of streams that are gone
	reset    []uint32 // streams that we have reset lately
	out      outflow
	in       inflow
	initial  int64 // window of the client's streams
	leaving  bool  // GOAWAY was sent
	final    bool  // the last GOAWAY was sent, or is to be
	closed   bool
	running  sync.WaitGroup // handlers
}

func newConn(s *Server, nc net.Conn, state *tls.ConnectionState) *conn {
	c := &conn{server: s, nc: nc, state: state, streams: map[uint32]*Stream{}, out: startWindow, initial: startWindow}
	c.in.left = connWindow
	c.w.nc, c.w.limit = nc, s.config.IdleTimeout
	c.w.out = bufio.NewWriterSize(nc, outBuffer)
	c.w.framer = http2.NewFramer(c.w.out, nil)
	c.w.encoder = hpack.NewEncoder(&c.w.block)
	c.w.lower = map[string]string{}
	c.w.frame.Store(16 << 10)
	c.framer = http2.NewFramer(io.Discard, bufio.NewReaderSize(nc, 16<<10))
	c.framer.SetReuseFrames()
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.framer.MaxHeaderListSize = uint32(s.config.Limits.Bytes)
	c.framer.SetMaxReadFrameSize(16 << 10)
	return c
}

// serve serves the connection until it ends.
func (c *conn) serve() {
	err := c.greet()
	for err == nil {
		err = c.read()
	}
	var connection http2.ConnectionError
	if errors.As(err, &connection) {
		c.farewell(http2.ErrCode(connection))
	}
	c.mu.Lock()
	c.closed = true
	for _, st := range c.streams {
		st.gone(errGone)
	}
	c.mu.Unlock()
	_ = c.nc.Close()
	c.running.Wait()
}

var errGone = errors.New("http2: the connection has ended")

// farewell tells the client why the connection ends.
func (c *conn) farewell(code http2.ErrCode) {
	c.w.lock()
	c.w.note(c.w.framer.WriteGoAway(c.last, code, nil))
	_ = c.w.unlock(true)
	if half, ok := c.nc.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		// Otherwise a reset may overtake what we said.
		_ = c.nc.SetReadDeadline(time.Now().Add(shutdownWait / 2))
		_, _ = io.CopyN(io.Discard, c.nc, 1<<20)
	}
}

// greet reads the client's preface and sends ours.
func (c *conn) greet() error {
	_ = c.nc.SetReadDeadline(time.Now().Add(c.server.config.PrefaceTimeout))
	c.w.lock()
	c.w.note(c.w.framer.WriteSettings(
		http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: uint32(c.server.config.MaxStreams)},
		http2.Setting{ID: http2.SettingInitialWindowSize, Val: streamWindow},
		http2.Setting{ID: http2.SettingMaxHeaderListSize, Val: uint32(c.server.config.Limits.Bytes)}))
	c.w.note(c.w.framer.WriteWindowUpdate(0, connWindow-startWindow))
	if err := c.w.unlock(true); err != nil {
		return err
	}
	var preface [len(http2.ClientPreface)]byte
	if _, err := io.ReadFull(c.nc, preface[:]); err != nil {
		return err
	}
	if string(preface[:]) != http2.ClientPreface {
		return http2.ConnectionError(http2.ErrCodeProtocol)
	}
	return nil
}

// read reads a frame and does what it says.
func (c *conn) read() error {
	f, err := c.framer.ReadFrame()
	var stream http2.StreamError
	switch {
	case errors.As(err, &stream):
		if err := c.spend(); err != nil {
			return err
		}
		c.began(stream.StreamID)
		return c.abandon(stream.StreamID, stream.Code)
	case errors.Is(err, http2.ErrFrameTooLarge):
		return http2.ConnectionError(http2.ErrCodeFrameSize)
	case err != nil:
		return c.idle(err)
	}
	if !c.greeted {
		if _, ok := f.(*http2.SettingsFrame); !ok {
			return http2.ConnectionError(http2.ErrCodeProtocol)
		}
		c.greeted = true
		c.mu.Lock()
		c.rest()
		c.mu.Unlock()
	}
	switch f := f.(type) {
	case *http2.MetaHeadersFrame:
		return c.headers(f)
	case *http2.DataFrame:
		return c.data(f)
	case *http2.SettingsFrame:
		return c.settings(f)
	case *http2.WindowUpdateFrame:
		return c.windowUpdate(f)
	case *http2.RSTStreamFrame:
		return c.rst(f)
	case *http2.PingFrame:
		return c.ping(f)
	case *http2.PushPromiseFrame:
		return http2.ConnectionError(http2.ErrCodeProtocol)
	case *http2.GoAwayFrame:
		c.mu.Lock()
		c.leaving, c.final = true, true // the client sends no more requests
		idle := len(c.streams) == 0
		c.mu.Unlock()
		if idle {
			return io.EOF
		}
	case *http2.PriorityFrame:
		if f.StreamDep == f.StreamID {
			return c.abandon(f.StreamID, http2.ErrCodeProtocol)
		}
		return c.spend()
	default: // frames that we do not know
		return c.spend()
	}
	return nil
}

// spend takes from the budget.
func (c *conn) spend() error {
	if c.budget.spend() {
		return nil
	}
	return http2.ConnectionError(http2.ErrCodeEnhanceYourCalm)
}

// idle turns the end of a connection on which nothing happened into a proper one.
func (c *conn) idle(err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return http2.ConnectionError(http2.ErrCodeNo)
	}
	return err
}

// rest bounds the time until the next request while there is none. The caller holds mu.
func (c *conn) rest() {
	switch {
	case len(c.streams) > 0:
		_ = c.nc.SetReadDeadline(time.Time{})
	case c.final:
		_ = c.nc.SetReadDeadline(time.Unix(1, 0)) // the reader ends
	default:
		_ = c.nc.SetReadDeadline(time.Now().Add(c.server.config.IdleTimeout))
	}
}

// headers takes a header block: a new request, or the trailer section of one.
func (c *conn) headers(f *http2.MetaHeadersFrame) error {
	id := f.StreamID
	if id%2 == 0 {
		return http2.ConnectionError(http2.ErrCodeProtocol)
	}
	c.mu.Lock()
	st := c.streams[id]
	known := st != nil || c.wasReset(id)
	c.mu.Unlock()
	switch {
	case st != nil:
		fields, ok := trailer(f)
		if over, answered := st.over(); answered {
			return http2.ConnectionError(http2.ErrCodeStreamClosed)
		} else if over {
			return c.abandon(id, http2.ErrCodeStreamClosed)
		}
		if !f.StreamEnded() || f.Truncated || !ok {
			return c.abandon(id, http2.ErrCodeProtocol)
		}
		return st.receiveEnd(fields)
	case known:
		return nil
	case id <= c.last:
		return http2.ConnectionError(http2.ErrCodeStreamClosed)
	}
	c.began(id)
	if f.HasPriority() && f.Priority.StreamDep == id { // RFC 7540 §5.3.1
		return c.abandon(id, http2.ErrCodeProtocol)
	}
	c.mu.Lock()
	refuse := c.final || c.handlers >= c.server.config.MaxStreams
	c.mu.Unlock()
	if refuse {
		if err := c.spend(); err != nil {
			return err
		}
		return c.abandon(id, http2.ErrCodeRefusedStream)
	}
	st = &Stream{c: c, id: id, readable: make(chan struct{}, 1), writable: make(chan struct{}, 1)}
	malformed, err := head(&st.head, f, c.server.config.Limits)
	if f.Truncated {
		malformed, err = false, &http1.Refusal{Status: http.StatusRequestHeaderFieldsTooLarge, Reason: "header too large"}
	}
	if malformed {
		if err := c.spend(); err != nil {
			return err
		}
		return c.abandon(id, http2.ErrCodeProtocol)
	}
	if st.declared = st.head.Length; st.declared == 0 && !f.StreamEnded() {
		st.head.Length = -1 // whether it is true shows at the end of the stream
	}
	c.mu.Lock()
	st.out, st.in.left = outflow(c.initial), streamWindow
	st.ended = f.StreamEnded()
	c.streams[id] = st
	c.handlers++
	if len(c.streams) == 1 {
		c.rest()
	}
	c.mu.Unlock()
	var refusal *http1.Refusal
	errors.As(err, &refusal)
	c.running.Go(func() { c.run(st, refusal) })
	return nil
}

// began takes down that the client has begun a stream.
func (c *conn) began(id uint32) {
	if id%2 == 1 && id > c.last {
		c.mu.Lock()
		c.last = id
		c.mu.Unlock()
	}
}

// run answers a request.
func (c *conn) run(st *Stream, refusal *http1.Refusal) {
	defer func() {
		if v := recover(); v != nil {
			// The value may quote an input, so only its type is told.
			c.server.config.Log.Error("panic in a handler", "type", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
			st.Abort()
		}
		c.finish(st)
	}()
	if refusal != nil {
		st.refuse(refusal)
		return
	}
	c.server.config.Handler(st)
	if !st.concluded {
		st.Abort()
	}
}

// finish lets go of a stream that was answered.
func (c *conn) finish(st *Stream) {
	c.mu.Lock()
	reset := !st.ended && !st.left
	st.left = true
	rest := int64(len(st.buf) - st.at)
	st.buf, st.at = nil, 0
	update := c.in.give(rest)
	if !st.dropped {
		c.forget(st)
	}
	c.handlers--
	if len(c.streams) == 0 {
		c.rest()
	}
	c.mu.Unlock()
	if reset || update > 0 {
		c.w.lock()
		if reset { // the client need not send the rest (RFC 9113 §8.1)
			c.w.note(c.w.framer.WriteRSTStream(st.id, http2.ErrCodeNo))
		}
		if update > 0 {
			c.w.note(c.w.framer.WriteWindowUpdate(0, update))
		}
		_ = c.w.unlock(true)
	}
}

// forget takes a stream out. The caller holds mu.
func (c *conn) forget(st *Stream) {
	delete(c.streams, st.id)
	st.dropped = true
	if !st.ended { // more of it may come
		if len(c.reset) == maxReset {
			c.reset = c.reset[1:]
		}
		c.reset = append(c.reset, st.id)
	}
}

func (c *conn) wasReset(id uint32) bool {
	for _, r := range c.reset {
		if r == id {
			return true
		}
	}
	return false
}

// abandon resets a stream.
func (c *conn) abandon(id uint32, code http2.ErrCode) error {
	c.mu.Lock()
	if st := c.streams[id]; st != nil {
		st.gone(errReset)
		c.forget(st)
		st.left = true
		if len(c.streams) == 0 {
			c.rest()
		}
	} else if !c.wasReset(id) {
		if len(c.reset) == maxReset {
			c.reset = c.reset[1:]
		}
		c.reset = append(c.reset, id)
	}
	c.mu.Unlock()
	c.w.lock()
	c.w.note(c.w.framer.WriteRSTStream(id, code))
	return c.w.unlock(true)
}

var errReset = errors.New("http2: the stream was reset")

// data takes a part of a body.
func (c *conn) data(f *http2.DataFrame) error {
	size := int64(f.Length) // padding counts (RFC 9113 §6.9.1)
	if size == 0 && !f.StreamEnded() {
		if err := c.spend(); err != nil {
			return err
		}
	}
	c.mu.Lock()
	if !c.in.take(size) {
		c.mu.Unlock()
		return http2.ConnectionError(http2.ErrCodeFlowControl)
	}
	st := c.streams[f.StreamID]
	if st == nil {
		idle, late := f.StreamID > c.last || f.StreamID%2 == 0, c.wasReset(f.StreamID)
		update := c.in.give(size)
		c.mu.Unlock()
		if err := c.opened(nil, 0, update); err != nil || late {
			return err
		}
		if idle {
			return http2.ConnectionError(http2.ErrCodeProtocol)
		}
		return http2.ConnectionError(http2.ErrCodeStreamClosed)
	}
	if st.ended {
		c.mu.Unlock()
		return c.abandon(f.StreamID, http2.ErrCodeStreamClosed)
	}
	if !st.in.take(size) {
		c.mu.Unlock()
		return c.abandon(f.StreamID, http2.ErrCodeFlowControl)
	}
	st.received += int64(len(f.Data()))
	wrong := st.declared >= 0 && (st.received > st.declared || f.StreamEnded() && st.received != st.declared)
	if wrong {
		c.in.give(size)
		c.mu.Unlock()
		return c.abandon(f.StreamID, http2.ErrCodeProtocol)
	}
	unused := size - int64(len(f.Data()))
	if st.stopped {
		unused = size
	} else {
		st.put(f.Data())
	}
	update, streamUpdate := c.in.give(unused), uint32(0)
	if f.StreamEnded() {
		st.ended = true
	} else if !st.stopped {
		streamUpdate = st.in.give(unused)
	}
	st.signal()
	c.mu.Unlock()
	return c.opened(st, streamUpdate, update)
}

// opened tells the client by how much windows have opened.
func (c *conn) opened(st *Stream, stream, whole uint32) error {
	if stream == 0 && whole == 0 {
		return nil
	}
	c.w.lock()
	if stream > 0 {
		c.w.note(c.w.framer.WriteWindowUpdate(st.id, stream))
	}
	if whole > 0 {
		c.w.note(c.w.framer.WriteWindowUpdate(0, whole))
	}
	return c.w.unlock(true)
}

func (c *conn) settings(f *http2.SettingsFrame) error {
	if err := c.spend(); err != nil {
		return err
	}
	if f.IsAck() {
		return nil
	}
	if f.NumSettings() > 100 {
		return http2.ConnectionError(http2.ErrCodeProtocol)
	}
	table := -1
	err := f.ForeachSetting(func(s http2.Setting) error {
		if err := s.Valid(); err != nil {
			return err
		}
		switch s.ID {
		case http2.SettingHeaderTableSize:
			table = int(min(s.Val, 4096))
		case http2.SettingMaxFrameSize:
			c.w.frame.Store(int64(min(s.Val, 16<<10)))
		case http2.SettingInitialWindowSize:
			return c.resize(int64(s.Val))
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.w.lock()
	if table >= 0 {
		c.w.encoder.SetMaxDynamicTableSize(uint32(table))
	}
	c.w.note(c.w.framer.WriteSettingsAck())
	return c.w.unlock(true)
}

// resize changes the windows of all streams (RFC 9113 §6.9.2).
func (c *conn) resize(initial int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	grown := initial - c.initial
	c.initial = initial
	for _, st := range c.streams {
		if !st.out.add(grown) {
			return http2.ConnectionError(http2.ErrCodeFlowControl)
		}
		st.signal()
	}
	return nil
}

func (c *conn) windowUpdate(f *http2.WindowUpdateFrame) error {
	c.mu.Lock()
	if f.StreamID == 0 {
		ok := c.out.add(int64(f.Increment))
		for _, st := range c.streams {
			st.signal()
		}
		c.mu.Unlock()
		if !ok {
			return http2.ConnectionError(http2.ErrCodeFlowControl)
		}
		return c.small(f.Increment)
	}
	st := c.streams[f.StreamID]
	if st == nil {
		idle := f.StreamID > c.last
		c.mu.Unlock()
		if idle {
			return http2.ConnectionError(http2.ErrCodeProtocol)
		}
		return nil
	}
	ok := st.out.add(int64(f.Increment))
	st.signal()
	c.mu.Unlock()
	if !ok {
		return c.abandon(f.StreamID, http2.ErrCodeFlowControl)
	}
	return c.small(f.Increment)
}

// small has updates cost that hardly open a window.
func (c *conn) small(increment uint32) error {
	const hardly = 256
	if increment < hardly {
		return c.spend()
	}
	return nil
}

func (c *conn) rst(f *http2.RSTStreamFrame) error {
	c.mu.Lock()
	st := c.streams[f.StreamID]
	if st == nil {
		idle := f.StreamID > c.last
		c.mu.Unlock()
		if idle {
			return http2.ConnectionError(http2.ErrCodeProtocol)
		}
		return c.spend()
	}
	st.ended, st.left = true, true // nothing more comes, and we say nothing more
	st.gone(errReset)
	c.forget(st)
	if len(c.streams) == 0 {
		c.rest()
	}
	c.mu.Unlock()
	return c.spend()
}

func (c *conn) ping(f *http2.PingFrame) error {
	if f.IsAck() {
		if f.Data == shutdownPing {
			c.goAwayFinally()
		}
		return nil
	}
	if err := c.spend(); err != nil {
		return err
	}
	c.w.lock()
	c.w.note(c.w.framer.WritePing(true, f.Data))
	return c.w.unlock(true)
}

// goAway has the client begin no more requests (RFC 9113 §6.8): first without saying from
// which on, since some may be on the way.
func (c *conn) goAway() {
	c.mu.Lock()
	again := c.leaving
	c.leaving = true
	c.mu.Unlock()
	if again {
		return
	}
	c.w.lock()
	c.w.note(c.w.framer.WriteGoAway(1<<31-1, http2.ErrCodeNo, nil))
	c.w.note(c.w.framer.WritePing(false, shutdownPing))
	_ = c.w.unlock(true)
	time.AfterFunc(shutdownWait, c.goAwayFinally)
}

// goAwayFinally says from which stream on requests were not taken. The connection ends when
// the others are answered.
func (c *conn) goAwayFinally() {
	c.mu.Lock()
	if c.final || c.closed {
		c.mu.Unlock()
		return
	}
	c.final = true
	highest := c.last
	c.mu.Unlock()
	c.w.lock()
	c.w.note(c.w.framer.WriteGoAway(highest, http2.ErrCodeNo, nil))
	_ = c.w.unlock(true)
	c.mu.Lock()
	if len(c.streams) == 0 {
		c.rest()
	}
	c.mu.Unlock()
}
