package proxy

import (
	"net/netip"
	"sync"
)

// clientKey is what connections are counted by: an IPv4 address or a /64 of IPv6, which is
// what one subscriber has.
type clientKey = netip.Prefix

// connLimits bounds the open connections of clients.
type connLimits struct {
	most, each int

	mu      sync.Mutex
	open    int
	refused uint64
	of      map[clientKey]int
}

func keyOf(a netip.Addr) clientKey {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}

// take takes a connection in, unless there are too many.
func (l *connLimits) take(k clientKey) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open >= l.most || l.of[k] >= l.each {
		l.refused++
		return false
	}
	l.open++
	l.of[k]++
	return true
}

func (l *connLimits) release(k clientKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.of[k]--; l.of[k] == 0 {
		delete(l.of, k)
	}
}

func (l *connLimits) counts() (open int, refused uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open, l.refused
}
