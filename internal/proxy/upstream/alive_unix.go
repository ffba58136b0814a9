//go:build unix

package upstream

import "golang.org/x/sys/unix"

// alive tells whether an idle connection is open and silent: a byte that waits in it, be
// it the end, means that it cannot be used.
func (c *Conn) alive() bool {
	if c.raw == nil {
		return true
	}
	silent := false
	err := c.raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, _, err := unix.Recvfrom(int(fd), one[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		silent = err == unix.EAGAIN //nolint:errorlint // an errno
		return true
	})
	return err == nil && silent
}
