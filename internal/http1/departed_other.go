//go:build !unix

package http1

import "syscall"

// departed cannot be found out here.
func departed(syscall.RawConn) bool { return false }
