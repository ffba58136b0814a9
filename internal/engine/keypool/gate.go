package keypool

import (
	"context"
	"sync"
)

// Gate counts the requests being served, so that a pool can wait until there are
// none. The zero Gate is ready to use.
type Gate struct {
	mu      sync.Mutex
	serving int
	quiet   chan struct{} // closed when serving drops to zero; nil if nobody waits
}

// Enter counts a request in.
func (g *Gate) Enter() {
	g.mu.Lock()
	g.serving++
	g.mu.Unlock()
}

// Leave counts a request out. Every Enter has one Leave.
func (g *Gate) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.serving--; g.serving == 0 && g.quiet != nil {
		close(g.quiet)
		g.quiet = nil
	}
}

// Quiet waits until no request is being served, or until the context ends, which
// is an error. It is a Config.Quiet.
func (g *Gate) Quiet(ctx context.Context) error {
	g.mu.Lock()
	if g.serving == 0 {
		g.mu.Unlock()
		return ctx.Err()
	}
	if g.quiet == nil {
		g.quiet = make(chan struct{})
	}
	quiet := g.quiet
	g.mu.Unlock()
	select {
	case <-quiet:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
