package proxy

import (
	"context"
	"sync"
)

// Published is a Source in the process of whoever makes the configuration. The zero value
// is ready and has no configuration yet. It is safe for concurrent use.
type Published struct {
	mu       sync.Mutex
	config   Config
	revision uint64
	changed  chan struct{} // closed by the next Publish
}

// Publish replaces the configuration. revision is not 0 and greater than any before; a
// smaller one, which came late, is ignored.
func (p *Published) Publish(c Config, revision uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if revision <= p.revision {
		return
	}
	p.config, p.revision = c, revision
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// Watch implements Source.
func (p *Published) Watch(ctx context.Context, after uint64) (Config, uint64, error) {
	for {
		p.mu.Lock()
		if p.revision != 0 && p.revision != after {
			defer p.mu.Unlock()
			return p.config, p.revision, nil
		}
		if p.changed == nil {
			p.changed = make(chan struct{})
		}
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return Config{}, 0, ctx.Err()
		}
	}
}

var _ Source = (*Published)(nil)
