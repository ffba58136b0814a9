package keyslot

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// diskFile is a Device on a real file, locked against other processes.
type diskFile struct{ *os.File }

func openFile(path string) (Device, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("locking (is another process using it?): %w", err), f.Close())
	}
	return &diskFile{f}, nil
}

// Sync is fdatasync: data, and the metadata that is needed to read it.
func (d *diskFile) Sync() error {
	for {
		if err := unix.Fdatasync(int(d.Fd())); err != unix.EINTR {
			return err
		}
	}
}

func (d *diskFile) Grow(size int64) error {
	now, err := d.Size()
	if err != nil || now >= size {
		return err
	}
	err = unix.Fallocate(int(d.Fd()), 0, now, size-now)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return d.Truncate(size)
	}
	return err
}

func (d *diskFile) Size() (int64, error) {
	st, err := d.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}
