package http2

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"fastness/internal/http1"
)

// outBuffer is the memory in which frames are gathered before they are sent.
const outBuffer = 16 << 10

// writer writes frames for all streams of a connection. The methods that write need the
// lock.
type writer struct {
	nc      net.Conn
	mu      sync.Mutex
	waiting atomic.Int32
	out     *bufio.Writer
	framer  *http2.Framer
	block   bytes.Buffer
	encoder *hpack.Encoder
	dirty   bool // something is to be sent now
	failed  error
	limit   time.Duration // of a write
	moved   time.Time
	frame   atomic.Int64 // the largest payload that the client takes
	lower   map[string]string
}

func (w *writer) lock() {
	w.waiting.Add(1)
	w.mu.Lock()
	w.waiting.Add(-1)
}

// unlock lets go of the lock. now tells that what was written is to be sent; whoever waits
// for the lock does it, too, so that frames of several streams go out together.
func (w *writer) unlock(now bool) error {
	w.dirty = w.dirty || now
	if w.dirty && w.waiting.Load() == 0 {
		w.dirty = false
		w.deadline()
		w.note(w.out.Flush())
	}
	err := w.failed
	w.mu.Unlock()
	return err
}

// deadline bounds a write. It is moved only when it is worth it.
func (w *writer) deadline() {
	if now := time.Now(); now.Sub(w.moved) > w.limit/8 {
		w.moved = now
		_ = w.nc.SetWriteDeadline(now.Add(w.limit + w.limit/8))
	}
}

func (w *writer) note(err error) {
	if w.failed == nil && err != nil {
		w.failed = err
		_ = w.nc.Close() // has the reader end
	}
}

// headers writes a header block: of an answer with a status, or of a trailer section with
// status 0. length is told as Content-Length unless it is negative, date as Date.
func (w *writer) headers(id uint32, status int, fields []http1.Field, length int64, end, date bool) {
	w.block.Reset()
	if status > 0 {
		w.field(":status", strconv.Itoa(status))
	}
	for i := range fields {
		name := w.lowered(fields[i].Name)
		if name == "" || !http1.MayForward(name) {
			continue
		}
		w.field(name, http1.CleanValue(fields[i].Value))
	}
	if date {
		w.field("date", time.Now().UTC().Format(http.TimeFormat))
	}
	if length >= 0 {
		w.field("content-length", strconv.FormatInt(length, 10))
	}
	block, first := w.block.Bytes(), true
	most := int(w.frame.Load())
	for first || len(block) > 0 {
		part := block[:min(len(block), most)]
		block = block[len(part):]
		w.deadline()
		if first {
			w.note(w.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: part, EndStream: end, EndHeaders: len(block) == 0}))
		} else {
			w.note(w.framer.WriteContinuation(id, len(block) == 0, part))
		}
		first = false
	}
}

func (w *writer) field(name, value string) {
	w.note(w.encoder.WriteField(hpack.HeaderField{Name: name, Value: value}))
}

// maxLowered bounds the memory of names.
const maxLowered = 256

// lowered is a name in lower case; names of few kinds come again and again.
func (w *writer) lowered(name string) string {
	if low, ok := w.lower[name]; ok {
		return low
	}
	low := http1.LowerName(name)
	if len(w.lower) < maxLowered {
		w.lower[name] = low
	}
	return low
}

func (w *writer) data(id uint32, p []byte, end bool) {
	w.deadline()
	w.note(w.framer.WriteData(id, end, p))
}
