package http2

import "math"

const (
	// streamWindow is how much of a body may wait for its handler, and connWindow how much
	// of all bodies of a connection.
	streamWindow = 256 << 10
	connWindow   = 1 << 20
	// startWindow is what both are before they are said to be otherwise (RFC 9113 §6.9.2).
	startWindow = 65535
	// updateAt is how much is read before the client is told that it may send more.
	updateAt = 32 << 10
)

// outflow is how much may be sent. It can become negative (RFC 9113 §6.9.2).
type outflow int64

// add opens the window, and tells whether it is not too large.
func (w *outflow) add(n int64) bool {
	*w += outflow(n)
	return *w <= math.MaxInt32
}

// inflow is how much the client may still send, and how much was read since it was told.
type inflow struct {
	left int64
	read int64
}

// take takes n bytes that came, and tells whether they were allowed.
func (w *inflow) take(n int64) bool {
	w.left -= n
	return w.left >= 0
}

// give gives n bytes back, and returns by how much the client is to be told that the window
// opens, or 0.
func (w *inflow) give(n int64) uint32 {
	if w.read += n; w.read < updateAt {
		return 0
	}
	update := w.read
	w.left += update
	w.read = 0
	return uint32(update)
}
