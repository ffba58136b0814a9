//go:build !linux

package app

import "net"

// checkPeer relies on the mode of the socket, 0600, where the kernel cannot be asked.
func checkPeer(net.Conn) error { return nil }
