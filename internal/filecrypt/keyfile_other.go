//go:build !unix

package filecrypt

import (
	"errors"
	"io/fs"
)

// private checks what there is to check where files have no mode.
func private(st fs.FileInfo) error {
	if st.IsDir() {
		return errors.New("a directory")
	}
	return nil
}
