//go:build !linux

package keyslot

import "os"

// diskFile is a Device on a real file. It is not locked against other processes.
type diskFile struct{ *os.File }

func openFile(path string) (Device, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return &diskFile{f}, nil
}

func (d *diskFile) Grow(size int64) error {
	now, err := d.Size()
	if err != nil || now >= size {
		return err
	}
	return d.Truncate(size)
}

func (d *diskFile) Size() (int64, error) {
	st, err := d.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}
