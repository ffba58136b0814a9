//go:build unix

package filecrypt

import (
	"os"
	"strconv"
	"syscall"
	"testing"
)

// dup duplicates a descriptor and returns the place of a key on it.
func dup(t *testing.T, f *os.File) string {
	t.Helper()
	n, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return "fd:" + strconv.Itoa(n)
}
