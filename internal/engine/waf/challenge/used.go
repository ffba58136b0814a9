package challenge

import "sync"

// maxUsed is how many used nonces are remembered.
const maxUsed = 1 << 16

// used remembers the last maxUsed nonces that were used: 1.5 MB and a map at most.
type used struct {
	mu    sync.Mutex
	known map[[16]byte]struct{}
	ring  [][16]byte
	next  int // the oldest, once the ring is full
	limit int
}

func newUsed(limit int) *used {
	return &used{known: make(map[[16]byte]struct{}), limit: limit}
}

// claim uses a nonce; false: it was used before.
func (u *used) claim(nonce [16]byte) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, ok := u.known[nonce]; ok {
		return false
	}
	u.known[nonce] = struct{}{}
	if len(u.ring) < u.limit {
		u.ring = append(u.ring, nonce)
		return true
	}
	delete(u.known, u.ring[u.next])
	u.ring[u.next] = nonce
	u.next = (u.next + 1) % u.limit
	return true
}
