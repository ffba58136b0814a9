package upstream

import (
	"sync"
	"time"
)

const (
	// maxIdle is the most connections that are kept idle for a target.
	maxIdle = 128
	// maxIdleTime is how long one is kept.
	maxIdleTime = 50 * time.Second
)

// pool holds the idle connections of a target, the last used on top, so that the others
// can grow old.
type pool struct {
	mu     sync.Mutex
	idle   []*Conn
	closed bool
}

// take returns an idle connection that can be used, or nil.
func (p *pool) take(now time.Time) *Conn {
	for {
		p.mu.Lock()
		n := len(p.idle)
		if n == 0 {
			p.mu.Unlock()
			return nil
		}
		c := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		if now.Sub(c.idleSince) < maxIdleTime && c.alive() {
			return c
		}
		c.Close()
	}
}

func (p *pool) put(c *Conn) {
	p.mu.Lock()
	if !p.closed && len(p.idle) < maxIdle {
		p.idle = append(p.idle, c)
		c = nil
	}
	p.mu.Unlock()
	if c != nil {
		c.Close()
	}
}

// sweep closes the connections that have been idle for too long.
func (p *pool) sweep(now time.Time) {
	p.mu.Lock()
	old := 0
	for old < len(p.idle) && now.Sub(p.idle[old].idleSince) >= maxIdleTime {
		old++
	}
	closing := append([]*Conn(nil), p.idle[:old]...)
	p.idle = append(p.idle[:0], p.idle[old:]...)
	clear(p.idle[len(p.idle):cap(p.idle)][:old])
	p.mu.Unlock()
	for _, c := range closing {
		c.Close()
	}
}

// close closes the idle connections, and has those in use be closed when they come back.
func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, c := range idle {
		c.Close()
	}
}
