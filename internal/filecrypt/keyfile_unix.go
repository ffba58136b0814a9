//go:build unix

package filecrypt

import (
	"errors"
	"fmt"
	"io/fs"
)

// private checks that a key's file is for its owner only. Pipes are fine: they are how a
// shell hands over what another program prints.
func private(st fs.FileInfo) error {
	if t := st.Mode().Type(); t != 0 && t != fs.ModeNamedPipe {
		return errors.New("neither a file nor a pipe")
	}
	if m := st.Mode().Perm(); m&0o077 != 0 {
		return fmt.Errorf("mode %04o lets group or others in (use 0600)", m)
	}
	return nil
}
