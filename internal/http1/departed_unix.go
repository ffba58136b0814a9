//go:build unix

package http1

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// departed tells whether the other end of a connection was closed, and all it sent was read.
func departed(raw syscall.RawConn) bool {
	gone := false
	err := raw.Control(func(fd uintptr) {
		var one [1]byte
		n, _, err := unix.Recvfrom(int(fd), one[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		gone = err == nil && n == 0 || err != nil && err != unix.EAGAIN && err != unix.EINTR //nolint:errorlint // errnos
	})
	return err == nil && gone
}
