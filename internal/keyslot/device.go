package keyslot

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Device is the file that slots are in. Tests put a crashing one in its place.
type Device interface {
	io.ReaderAt
	io.WriterAt
	// Sync makes everything written durable.
	Sync() error
	// Grow makes the file at least size bytes long, with zeros, and reserves the
	// space, so that writing below size does not fail for lack of it.
	Grow(size int64) error
	// Size is the length in bytes.
	Size() (int64, error)
	Close() error
}

// createFile writes a new file with the given first page: complete and durable under
// another name first, then linked to its name, which fails if that exists.
func createFile(path string, header []byte) (err error) {
	temp := path + ".new"
	// Left over by a crash before the link; nothing refers to it.
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("keyslot: removing an unfinished file: %w", err)
	}
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("keyslot: creating the file: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(temp)) }()
	_, err = f.Write(header)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("keyslot: writing the header: %w", err)
	}
	if err := os.Link(temp, path); err != nil {
		return fmt.Errorf("keyslot: creating the file: %w", err)
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("keyslot: directory: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("keyslot: making the file durable: %w", err)
	}
	return nil
}
