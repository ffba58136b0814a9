package http1

import (
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// outBuffer is the memory in which an answer is put together: what fits, head and body,
// goes out in one write.
const outBuffer = 16 << 10

// outs holds that memory between answers, so that idle connections have none. It is
// zeroed before it comes back: bodies may be secrets.
var outs = sync.Pool{New: func() any { return new(make([]byte, 0, outBuffer)) }}

// mode is how the end of an answer's body is marked (RFC 9112 §6.3).
type mode uint8

const (
	// undecided: the whole body may fit into memory, and its length be known then.
	undecided  mode = iota
	declared        // by Content-Length
	chunked         // by the last chunk
	untilClose      // by the end of the connection, for HTTP/1.0
	bodiless        // there is none: HEAD, 204, 304
)

// framingRoom is kept between the head and the body of an answer until it is known how
// it is framed. The longest that must fit is a Content-Length of 19 digits.
const framingRoom = 80

const (
	// chunkRoom is kept in front of each later chunk for its size.
	chunkRoom = 16
	// lastRoom is kept behind a body for the end of its chunk and the last chunk.
	lastRoom = len("\r\n" + "0\r\n\r\n")
)

// response is the http.ResponseWriter of the request that a connection serves.
type response struct {
	c      *conn
	header http.Header
	mode   mode
	// began: the head is in out, or was sent.
	began bool
	// sent: the head was sent.
	sent bool
	// ends: the connection ends after this answer.
	ends bool
	// returned: so has the handler.
	returned bool
	status   int
	length   int64 // declared
	written  int64 // of the body
	memory   *[]byte
	out      []byte
	bodyAt   int // where in out the body or chunk begins
	// progress, in ticks, bounds each write (Exchange.Limit); 0: the limit of the whole
	// answer holds.
	progress int64
	// trailer follows the last chunk.
	trailer []Field
	// aborted: the answer ends without its end.
	aborted bool
	err     error
}

func (w *response) reset() {
	if len(w.header) > maxKeptFields {
		w.header = make(http.Header)
	}
	clear(w.header)
	*w = response{c: w.c, header: w.header}
}

// Header implements http.ResponseWriter.
func (w *response) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter. An informational status is sent at once.
func (w *response) WriteHeader(status int) {
	switch {
	case w.began:
		return
	case status < 100 || status > 999:
		status = http.StatusInternalServerError
	}
	w.need()
	if status < 200 && status != http.StatusSwitchingProtocols {
		if w.c.head.Minor > 0 && w.err == nil { // HTTP/1.0 knows none (RFC 9110 §15.2)
			w.out = appendStatus(w.out, status)
			w.fields()
			w.out = append(w.out, "\r\n"...)
			w.send(w.out)
			w.out = w.out[:0]
		}
		return
	}
	w.began, w.status = true, status
	w.frame()
	w.out = appendStatus(w.out, status)
	if _, own := w.header["Date"]; !own {
		w.out = w.c.server.appendDate(w.out)
	}
	w.fields()
	w.framing()
}

// framing ends a head, as far as that can be done before the body.
func (w *response) framing() {
	switch {
	case w.ends:
		w.out = append(w.out, "Connection: close\r\n"...)
	case w.c.head.Minor == 0 && w.mode != undecided:
		w.out = append(w.out, keepAlive...)
	}
	switch w.mode {
	case declared:
		w.out = append(appendLength(w.out, w.length), "\r\n"...)
	case untilClose:
		w.out = append(w.out, "\r\n"...)
	case undecided, bodiless:
		w.out = append(w.out, make([]byte, framingRoom)...)
	case chunked: // is decided later
	}
	w.bodyAt = len(w.out)
}

// frame decides what can be decided about the end of the answer before its body.
func (w *response) frame() {
	h := &w.c.head
	for _, v := range w.header["Connection"] {
		f := framing{}
		f.connection(v)
		w.ends = w.ends || f.closes
	}
	// A tunnel is not what we make (RFC 9110 §9.3.6), so CONNECT ends the connection.
	w.ends = w.ends || h.Close || h.Form == Authority || w.status == http.StatusSwitchingProtocols ||
		w.c.body.endsConnection(w.returned) || w.c.server.stopping.Load()
	if v, ok := w.header["Content-Length"]; ok && len(v) > 0 {
		if n, valid := parseLength(trim(v[0])); valid {
			w.mode, w.length = declared, n
		}
	}
	switch {
	case w.status == http.StatusNoContent || w.status == http.StatusSwitchingProtocols:
		w.mode, w.length = bodiless, -1 // no Content-Length either (RFC 9110 §8.6)
	case w.status == http.StatusNotModified || h.Method == http.MethodHead:
		if w.mode != declared {
			w.length = -1
		}
		w.mode = bodiless
	}
}

// proceed tells a waiting client to send the body.
func (w *response) proceed() error {
	if !w.began && w.err == nil {
		w.send([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
	}
	return w.err
}

// Write implements io.Writer.
func (w *response) Write(p []byte) (int, error) { return write(w, p) }

// WriteString implements io.StringWriter.
func (w *response) WriteString(s string) (int, error) { return write(w, s) }

func write[B []byte | string](w *response, p B) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.err != nil {
		return 0, w.err
	}
	if w.mode == bodiless {
		if w.c.head.Method != http.MethodHead {
			return 0, http.ErrBodyNotAllowed
		}
		w.written += int64(len(p))
		return len(p), nil
	}
	if w.mode == declared && w.written+int64(len(p)) > w.length {
		return 0, http.ErrContentLength
	}
	w.written += int64(len(p))
	for rest := p; len(rest) > 0; {
		room := outBuffer - lastRoom - len(w.out)
		if room <= 0 {
			if w.push(); w.err != nil {
				return 0, w.err
			}
			continue
		}
		if direct, ok := any(rest).([]byte); ok && w.mode == declared && w.sent && len(w.out) == 0 && len(rest) >= outBuffer {
			if w.send(direct); w.err != nil {
				return 0, w.err
			}
			break
		}
		n := min(room, len(rest))
		w.out = append(w.out, rest[:n]...)
		rest = rest[n:]
	}
	return len(p), nil
}

// Flush implements http.Flusher.
func (w *response) Flush() { _ = w.FlushError() }

// FlushError sends what was written so far (http.ResponseController).
func (w *response) FlushError() error {
	w.WriteHeader(http.StatusOK)
	w.push()
	return w.err
}

// push sends what is in memory, as a part of the answer.
func (w *response) push() {
	if w.err != nil {
		return
	}
	if b := w.out[w.part(false):]; len(b) > 0 {
		w.send(b)
	}
	w.sent = true
	clear(w.out)
	w.out = w.out[:0]
	if w.mode == chunked {
		w.out = w.out[:chunkRoom]
	}
	w.bodyAt = len(w.out)
}

// part frames what is in memory and returns where it begins. last tells that the whole
// body is there.
func (w *response) part(last bool) (start int) {
	body := len(w.out) - w.bodyAt
	switch w.mode {
	case undecided:
		switch {
		case last && w.c.head.Minor == 0 && !w.ends:
			return w.join(appendLength(nil, w.written), keepAlive+"\r\n")
		case last:
			var stack [framingRoom]byte
			return w.join(appendLength(stack[:0], w.written), "\r\n")
		case w.c.head.Minor == 0:
			w.mode = untilClose
			if w.ends {
				return w.join(nil, "\r\n") // the head has said it
			}
			w.ends = true
			return w.join(nil, closes+"\r\n")
		}
		w.mode = chunked
		return w.chunk([]byte("Transfer-Encoding: chunked\r\n\r\n"), body)
	case chunked:
		start = w.chunk(nil, body)
		if last {
			w.out = append(appendFields(append(w.out, "0\r\n"...), w.trailer), "\r\n"...)
		}
		return start
	case bodiless:
		if !w.sent {
			return w.join(w.bodilessFraming(), "\r\n")
		}
	case declared, untilClose:
	}
	return 0
}

const (
	keepAlive = "Connection: keep-alive\r\n"
	closes    = "Connection: close\r\n"
)

// chunk frames the body in memory, of n bytes, as a chunk. framing is the end of the head.
func (w *response) chunk(framing []byte, n int) (start int) {
	if n == 0 { // would be the last chunk
		return w.join(framing, "")
	}
	var stack [framingRoom]byte
	start = w.join(strconv.AppendInt(append(stack[:0], framing...), int64(n), 16), "\r\n")
	w.out = append(w.out, "\r\n"...)
	return start
}

// join puts text and end between the head in memory, if it was not sent, and the body,
// and closes the gap. It returns where the head now begins.
func (w *response) join(text []byte, end string) (start int) {
	start = w.bodyAt - len(text) - len(end)
	copy(w.out[start:], text)
	copy(w.out[start+len(text):w.bodyAt], end)
	if !w.sent {
		head := w.bodyAt - framingRoom
		copy(w.out[start-head:], w.out[:head])
		start -= head
	}
	return start
}

func (w *response) bodilessFraming() []byte {
	n := w.length
	if n < 0 && w.c.head.Method == http.MethodHead && w.written > 0 {
		n = w.written // what GET would have said (RFC 9110 §8.6)
	}
	if n < 0 {
		return nil
	}
	return appendLength(nil, n)
}

// finish sends what is left of the answer after the handler has returned, and tells
// whether the connection may go on.
func (w *response) finish() bool {
	w.returned = true
	if w.aborted {
		w.release()
		return false
	}
	w.WriteHeader(http.StatusOK)
	if w.mode == declared && w.written != w.length {
		w.ends = true // the early end tells the client
	}
	if w.err == nil {
		if b := w.out[w.part(true):]; len(b) > 0 {
			w.send(b)
		}
	}
	w.release()
	return w.err == nil && !w.ends
}

// need gets the memory for the answer.
func (w *response) need() {
	if w.memory == nil {
		w.memory = outs.Get().(*[]byte)
		w.out = (*w.memory)[:0]
	}
}

// release zeroes the memory and gives it back.
func (w *response) release() {
	if w.memory == nil {
		return
	}
	clear(w.out)
	if cap(w.out) == cap(*w.memory) {
		outs.Put(w.memory)
	}
	w.memory, w.out = nil, nil
}

func (w *response) send(b []byte) {
	if w.progress > 0 {
		w.c.writeBy.arm(w.c.server.tick.Load() + w.progress)
	}
	if _, err := w.c.nc.Write(b); err != nil {
		w.err = err
		w.c.cancel() // the client is gone
	}
}

// SetReadDeadline replaces the time limit of reading the body (http.ResponseController).
func (w *response) SetReadDeadline(t time.Time) error {
	w.c.readBy.arm(w.c.server.until(t))
	return nil
}

// SetWriteDeadline replaces the time limit of writing the answer.
func (w *response) SetWriteDeadline(t time.Time) error {
	w.c.writeBy.arm(w.c.server.until(t))
	return nil
}

// EnableFullDuplex has no effect: a body may always be read while it is answered.
func (w *response) EnableFullDuplex() error { return nil }

// until is the tick of a time.
func (s *Server) until(t time.Time) int64 {
	if t.IsZero() {
		return noLimit
	}
	return s.after(time.Until(t))
}

// fields appends the header fields, sorted. Those that frame the answer are ours to
// write; they are left out.
func (w *response) fields() {
	var stack [16]string
	names := stack[:0]
	for name := range w.header {
		switch name {
		case "Connection", "Content-Length", "Transfer-Encoding", "Trailer":
			continue
		}
		if name != "" && all(name, tokenByte) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range w.header[name] {
			w.out = append(append(w.out, name...), ": "...)
			start := len(w.out)
			w.out = append(w.out, value...)
			if hasControl(w.out[start:]) {
				blank(w.out[start:])
			}
			w.out = append(w.out, "\r\n"...)
		}
	}
}

// blank makes spaces of bytes that a field value may not have: a line break would begin
// another field (RFC 9110 §5.5).
func blank(value []byte) {
	for i := range value {
		if hasControlByte(value[i : i+1]) {
			value[i] = ' '
		}
	}
}

func appendStatus(b []byte, status int) []byte {
	if status == http.StatusOK {
		return append(b, "HTTP/1.1 200 OK\r\n"...)
	}
	b = append(b, "HTTP/1.1 "...)
	b = append(strconv.AppendInt(b, int64(status), 10), ' ')
	return append(append(b, http.StatusText(status)...), "\r\n"...)
}

func appendLength(b []byte, n int64) []byte {
	return append(strconv.AppendInt(append(b, "Content-Length: "...), n, 10), "\r\n"...)
}
