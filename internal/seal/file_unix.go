//go:build unix

package seal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// private checks that only the user of this process can use the file.
func private(st fs.FileInfo) error {
	if !st.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	if m := st.Mode().Perm(); m&0o077 != 0 {
		return fmt.Errorf("mode %04o lets group or others in (use 0600)", m)
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return errors.New("the owner is unknown")
	}
	if uid := os.Geteuid(); int(sys.Uid) != uid {
		return fmt.Errorf("it belongs to user %d, the process runs as %d", sys.Uid, uid)
	}
	return nil
}
