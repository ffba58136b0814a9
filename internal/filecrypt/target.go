package filecrypt

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
)

// errExists: the output exists and must not be replaced.
var errExists = errors.New("exists already")

// target is an output file that comes into being as a whole. It is written under another
// name in the directory where it will be, and renamed when it is complete; a failure
// removes it. Only SIGKILL and power cuts leave the other name behind: .fastness-….partial.
type target struct {
	dir        *os.Root
	name, temp string
	file       *os.File
	mode       fs.FileMode // that of the file to replace, or 0
	// decided guards the end: commit and abort exclude each other, because an interrupt
	// aborts while another goroutine may be about to commit.
	mu      sync.Mutex
	decided bool
}

// newTarget starts an output called name, a path in dir. The file gets the permissions of
// the one it replaces, or those that the process gives new files.
func newTarget(dir *os.Root, name string) (*target, error) {
	t := &target{dir: dir, name: name}
	permissions := fs.FileMode(0o666)
	switch old, err := dir.Lstat(name); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case old.IsDir():
		return nil, fmt.Errorf("%s is a directory", name)
	case old.Mode().IsRegular():
		t.mode = old.Mode().Perm()
		permissions = 0o600
	case old.Mode().Type() != fs.ModeSymlink:
		return nil, fmt.Errorf("%s is neither a file nor a directory", name)
	}
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, err
	}
	t.temp = parentOf(name) + ".fastness-" + hex.EncodeToString(random[:]) + ".partial"
	var err error
	if t.file, err = dir.OpenFile(t.temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, permissions); err != nil {
		return nil, err
	}
	return t, nil
}

// Write appends to the file.
func (t *target) Write(p []byte) (int, error) { return t.file.Write(p) }

// commit gives the file its name, once its bytes are on the disk. With keep an existing
// file stays, and the error is errExists.
func (t *target) commit(keep bool) (err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.decided {
		return errors.New("interrupted")
	}
	t.decided = true
	defer func() {
		if err != nil {
			err = errors.Join(err, t.remove())
		}
	}()
	if t.mode != 0 {
		if err := t.file.Chmod(t.mode); err != nil {
			return errors.Join(err, t.file.Close())
		}
	}
	if err := t.file.Sync(); err != nil {
		return errors.Join(err, t.file.Close())
	}
	if err := t.file.Close(); err != nil {
		return err
	}
	if !keep {
		return t.dir.Rename(t.temp, t.name)
	}
	// A link, unlike a rename, does not replace what somebody else has made meanwhile.
	err = t.dir.Link(t.temp, t.name)
	if errors.Is(err, fs.ErrExist) {
		return errExists
	}
	if err != nil {
		// A file system without links.
		if _, lerr := t.dir.Lstat(t.name); !errors.Is(lerr, fs.ErrNotExist) {
			return errExists
		}
		return t.dir.Rename(t.temp, t.name)
	}
	return t.remove()
}

// abort removes the file, unless commit was first.
func (t *target) abort() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.decided {
		return nil
	}
	t.decided = true
	return errors.Join(t.file.Close(), t.remove())
}

func (t *target) remove() error {
	if err := t.dir.Remove(t.temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the partial output: %w", err)
	}
	return nil
}
