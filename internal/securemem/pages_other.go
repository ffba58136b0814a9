//go:build !linux

package securemem

import "errors"

// errUnprotected is what Stats reports where pages cannot be protected.
var errUnprotected = errors.New("securemem: memory is neither locked nor kept out of core dumps on this system")

// pages is ordinary memory on systems that this package does not know better. It is
// allocated in large pieces that do not move and is zeroed like locked pages.
type pages struct {
	data     []byte
	locked   bool
	undumped bool
	err      error
}

func mapPages(n int) (pages, error) {
	return pages{data: make([]byte, n), err: errUnprotected}, nil
}

func (p *pages) unmap() error {
	clear(p.data)
	p.data = nil
	return nil
}
