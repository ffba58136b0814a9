package app

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// checkPeer accepts a connection of the server's own user or of root.
func checkPeer(c net.Conn) error {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return errors.New("app: not a Unix socket")
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return fmt.Errorf("app: peer: %w", err)
	}
	var peer *unix.Ucred
	var optErr error
	if err := raw.Control(func(fd uintptr) {
		peer, optErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return fmt.Errorf("app: peer: %w", err)
	}
	if optErr != nil {
		return fmt.Errorf("app: peer: %w", optErr)
	}
	if peer.Uid != 0 && int(peer.Uid) != os.Geteuid() {
		return fmt.Errorf("app: the peer is user %d", peer.Uid)
	}
	return nil
}
