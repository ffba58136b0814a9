package http1

import (
	"net"
	"sync"
	"syscall"
)

// departure is how a handler learns that its client has left (Exchange.NotifyGone).
type departure struct {
	raw   syscall.RawConn // of the socket; nil if there is none
	mu    sync.Mutex
	tell  func()
	since int64 // the tick in which tell was set
}

// watch finds the socket of a connection, which may be wrapped, as in a *tls.Conn.
func (d *departure) watch(nc net.Conn) {
	for {
		switch c := nc.(type) {
		case syscall.Conn:
			if raw, err := c.SyscallConn(); err == nil {
				d.raw = raw
			}
			return
		case interface{ NetConn() net.Conn }:
			nc = c.NetConn()
		default:
			return
		}
	}
}

// check tells whoever wants to know that the client has left. To look costs a system call,
// so answers that come at once are not waited for.
func (d *departure) check(tick int64) {
	if d.raw == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tell != nil && d.since < tick && departed(d.raw) {
		d.tell()
		d.tell = nil
	}
}
