package proxy

import (
	"errors"
	"syscall"
)

// isReset tells whether a connection was reset by the other end.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
