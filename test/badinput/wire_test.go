package badinput

import (
	"bufio"
	"net"
	"strings"
	"testing"
)

func newReader(conn net.Conn) *bufio.Reader { return bufio.NewReader(conn) }

func write(t *testing.T, conn net.Conn, b []byte) {
	t.Helper()
	if _, err := conn.Write(b); err != nil {
		t.Fatal(err)
	}
}

func readLine(t *testing.T, in *bufio.Reader) string {
	t.Helper()
	line, err := in.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}
