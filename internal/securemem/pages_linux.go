package securemem

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// pages is one mapping: an inaccessible page, the data, an inaccessible page.
type pages struct {
	whole    []byte
	data     []byte
	locked   bool
	undumped bool
	err      error // why locked or undumped is false
}

// mapPages maps at least n zero bytes.
func mapPages(n int) (pages, error) {
	page := unix.Getpagesize()
	n = (n + page - 1) / page * page
	whole, err := unix.Mmap(-1, 0, n+2*page, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return pages{}, err
	}
	p := pages{whole: whole, data: whole[page : page+n : page+n]}
	if err := unix.Mprotect(p.data, unix.PROT_READ|unix.PROT_WRITE); err != nil {
		return pages{}, errors.Join(err, unix.Munmap(whole))
	}
	if err := unix.Madvise(p.data, unix.MADV_DONTDUMP); err != nil {
		p.err = fmt.Errorf("securemem: keeping memory out of core dumps: %w", err)
	} else {
		p.undumped = true
	}
	if err := unix.Mlock(p.data); err != nil {
		p.err = errors.Join(p.err, fmt.Errorf("securemem: locking %d bytes (RLIMIT_MEMLOCK?): %w", n, err))
	} else {
		p.locked = true
	}
	return p, nil
}

// unmap zeroes the data once more and removes the mapping, and with it the lock.
func (p *pages) unmap() error {
	clear(p.data)
	return unix.Munmap(p.whole)
}
