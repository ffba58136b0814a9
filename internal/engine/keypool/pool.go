package keypool

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// MaxSize bounds the number of keys of one kind. Each is some kilobytes of
// secrets in memory.
const MaxSize = 1024

// ErrConfig: a configuration that cannot be.
var ErrConfig = errors.New("invalid key pool configuration")

// Config says what a pool holds and how it comes by it. K names a kind of key,
// such as a key spec; V is the key.
type Config[K comparable, V any] struct {
	// Sizes is the number of keys to hold of each kind, 0 to MaxSize.
	Sizes map[K]int
	// Generate makes a key. It need not heed the context, but Close waits for
	// it.
	Generate func(ctx context.Context, kind K) (V, error)
	// Destroy wipes a key that nobody took.
	Destroy func(V)
	// Quiet returns when there is time to make a key, or with an error when the
	// context ends. Nil means there is always time.
	Quiet func(ctx context.Context) error
	// Failed, if not nil, is told of an error of Generate. The filling pauses
	// after one, until the next Take.
	Failed func(kind K, err error)
}

// Pool holds keys made in advance. It is safe for concurrent use.
type Pool[K comparable, V any] struct {
	config Config[K, V]
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	ready   map[K][]V
	filling bool
	closed  bool
	idle    sync.WaitGroup // counts the filling goroutine
}

// New returns a pool and starts filling it. The pool stops when ctx ends or Close
// is called; only Close destroys its keys.
func New[K comparable, V any](ctx context.Context, config Config[K, V]) (*Pool[K, V], error) {
	if config.Generate == nil || config.Destroy == nil {
		return nil, fmt.Errorf("%w: no way to make or destroy keys", ErrConfig)
	}
	sizes := make(map[K]int, len(config.Sizes))
	ready := make(map[K][]V, len(config.Sizes))
	for kind, size := range config.Sizes {
		if size < 0 || size > MaxSize {
			return nil, fmt.Errorf("%w: %v keys of kind %v", ErrConfig, size, kind)
		}
		if size > 0 {
			sizes[kind] = size
			ready[kind] = make([]V, 0, size)
		}
	}
	config.Sizes = sizes
	p := &Pool[K, V]{config: config, ready: ready}
	p.ctx, p.cancel = context.WithCancel(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.startFilling()
	return p, nil
}

// Take returns a key of the kind if one is ready, and has it replaced in the
// background. It never waits. The key belongs to the caller.
func (p *Pool[K, V]) Take(kind K) (V, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var none V
	keys := p.ready[kind]
	defer p.startFilling()
	if len(keys) == 0 || p.closed {
		return none, false
	}
	key := keys[len(keys)-1]
	keys[len(keys)-1] = none
	p.ready[kind] = keys[:len(keys)-1]
	return key, true
}

// Ready returns the number of keys of the kind that are ready.
func (p *Pool[K, V]) Ready(kind K) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.ready[kind])
}

// Close stops the filling, waits for a key being made, and destroys every key
// that was not taken. It may be called more than once.
func (p *Pool[K, V]) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cancel()
	p.idle.Wait()

	p.mu.Lock()
	defer p.mu.Unlock()
	for kind, keys := range p.ready {
		for _, key := range keys {
			p.config.Destroy(key)
		}
		clear(keys)
		delete(p.ready, kind)
	}
}

// startFilling starts the goroutine if it is not running and something is
// missing. The caller holds the lock.
func (p *Pool[K, V]) startFilling() {
	if p.filling || p.closed || p.ctx.Err() != nil {
		return
	}
	if _, missing := p.emptiest(); !missing {
		return
	}
	p.filling = true
	p.idle.Go(p.fill)
}

// emptiest returns the kind with the smallest part of its keys ready. The caller
// holds the lock.
func (p *Pool[K, V]) emptiest() (K, bool) {
	var kind K
	missing := false
	for k, size := range p.config.Sizes {
		// have/size compared without fractions.
		have := len(p.ready[k])
		if have < size && (!missing || have*p.config.Sizes[kind] < len(p.ready[kind])*size) {
			kind, missing = k, true
		}
	}
	return kind, missing
}

// fill makes keys until nothing is missing.
func (p *Pool[K, V]) fill() {
	for {
		p.mu.Lock()
		kind, missing := p.emptiest()
		if !missing || p.closed || p.ctx.Err() != nil {
			p.filling = false
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()

		key, err := p.generate(kind)

		p.mu.Lock()
		switch {
		case err != nil:
			p.filling = false
		case p.closed:
			p.config.Destroy(key)
		default:
			p.ready[kind] = append(p.ready[kind], key)
		}
		p.mu.Unlock()
		if err != nil {
			if p.config.Failed != nil && p.ctx.Err() == nil {
				p.config.Failed(kind, err)
			}
			return
		}
	}
}

func (p *Pool[K, V]) generate(kind K) (V, error) {
	var none V
	if p.config.Quiet != nil {
		if err := p.config.Quiet(p.ctx); err != nil {
			return none, fmt.Errorf("wait for quiet: %w", err)
		}
	}
	if err := p.ctx.Err(); err != nil {
		return none, err
	}
	return p.config.Generate(p.ctx, kind)
}
