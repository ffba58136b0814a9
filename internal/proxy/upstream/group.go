package upstream

import (
	"context"
	"crypto/tls"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"fastness/internal/clock"
)

// Config is what a Group is told.
type Config struct {
	// TLS, if set, is how to speak to targets: over TLS.
	TLS *tls.Config
	// HTTP2 tells to speak HTTP/2, GRPC that health checks are calls of gRPC.
	HTTP2, GRPC bool
	// Targets are addresses; each at most once.
	Targets []Address
	Check   Check
	// SlowStart is the time in which the share of a new target grows to a whole one.
	SlowStart time.Duration
	// Deregistration is how long a target that was taken out may keep its tunnels.
	Deregistration time.Duration
	Choice         Choice
}

// Address is the address and port of a target. It gets no new requests while Draining.
type Address struct {
	Addr     string
	Draining bool
}

// Choice is how a target is chosen.
type Choice uint8

const (
	// RoundRobin takes them in turn.
	RoundRobin Choice = iota
	// LeastOutstanding takes the one with the fewest requests that it has not answered.
	LeastOutstanding
	// Random takes any.
	Random
)

// Group is a set of targets that answer alike. It is safe for concurrent use; Close must
// end it.
type Group struct {
	clock  clock.Clock
	turn   atomic.Uint64
	live   atomic.Pointer[choices]
	change func(addr string, h Health)

	mu      sync.Mutex
	config  Config
	targets []*Target
	checks  map[*Target]context.CancelFunc
	running sync.WaitGroup
	ctx     context.Context
	cancel  context.CancelFunc
}

// choices is what Choose needs to know, swapped as a whole.
type choices struct {
	targets []*Target // those that get requests
	how     Choice
	slow    time.Duration
}

// NewGroup makes a group. change, which may be nil, is told of every change of a target's
// health; it must not block.
func NewGroup(c clock.Clock, config Config, change func(addr string, h Health)) *Group {
	g := &Group{clock: c, change: change, checks: map[*Target]context.CancelFunc{}}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.live.Store(new(choices))
	g.Update(config)
	return g
}

// Update changes the configuration. Targets that stay keep connections, health and counters
// unless the way to speak to them changed.
func (g *Group) Update(config Config) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ctx.Err() != nil {
		return
	}
	old := g.config
	g.config = config
	alike := config.TLS == old.TLS && config.HTTP2 == old.HTTP2
	check := !reflect.DeepEqual(config.Check, old.Check) || config.GRPC != old.GRPC || !alike
	var targets []*Target
	for _, a := range config.Targets {
		i := slices.IndexFunc(g.targets, func(t *Target) bool { return t.Addr == a.Addr })
		var t *Target
		if alike && i >= 0 {
			t = g.targets[i]
			g.targets = slices.Delete(g.targets, i, i+1)
		} else {
			t = newTarget(g.clock, a.Addr, config.TLS, config.HTTP2)
			if len(old.Targets) == 0 {
				t.since = time.Time{} // the first targets of a group start at full share
			}
		}
		t.draining.Store(a.Draining)
		targets = append(targets, t)
	}
	for _, t := range g.targets {
		g.retire(t, old.Deregistration)
	}
	g.targets = targets
	for _, t := range targets {
		if stop := g.checks[t]; stop != nil && !check {
			continue
		} else if stop != nil {
			stop()
		}
		ctx, cancel := context.WithCancel(g.ctx)
		g.checks[t] = cancel
		if config.Check.Off {
			t.setState(Healthy, "")
			continue
		}
		g.running.Go(func() { g.watch(ctx, t, config) })
	}
	g.settle()
}

// retire takes a target out: what it answers it may finish, tunnels for delay.
func (g *Group) retire(t *Target, delay time.Duration) {
	g.checks[t]()
	delete(g.checks, t)
	t.close()
	g.running.Go(func() {
		_ = g.clock.Sleep(g.ctx, delay)
		t.gone()
	})
}

// settle finds out which targets get requests: the healthy ones; when there are none, all,
// since to try is better than to refuse (AWS calls it fail-open). The caller holds mu.
func (g *Group) settle() {
	live := make([]*Target, 0, len(g.targets))
	for _, t := range g.targets {
		if !t.draining.Load() && t.State() == Healthy {
			live = append(live, t)
		}
	}
	if len(live) == 0 {
		for _, t := range g.targets {
			if !t.draining.Load() {
				live = append(live, t)
			}
		}
	}
	g.live.Store(&choices{live, g.config.Choice, g.config.SlowStart})
}

// Choose returns a target for a request that those in tried have not taken, or nil if
// there is none.
func (g *Group) Choose(now time.Time, tried []*Target) *Target {
	c := g.live.Load()
	live, choice, slow := c.targets, c.how, c.slow
	if len(live) == 0 {
		return nil
	}
	var best *Target
	start := int(g.turn.Add(1) % uint64(len(live)))
	if choice == Random {
		start = rand.IntN(len(live))
	}
	var held *Target // in slow start, and it was not its turn
	for i := range live {
		t := live[(start+i)%len(live)]
		if slices.Contains(tried, t) {
			continue
		}
		if slow > 0 {
			if age := now.Sub(t.since); age < slow && rand.Int64N(int64(slow)) > int64(age) {
				held = t
				continue
			}
		}
		if choice != LeastOutstanding {
			return t
		}
		if best == nil || t.active.Load() < best.active.Load() {
			best = t
		}
	}
	if best == nil {
		return held
	}
	return best
}

// Find returns the target of an address if it may get requests, else nil.
func (g *Group) Find(addr string) *Target {
	for _, t := range g.live.Load().targets {
		if t.Addr == addr {
			return t
		}
	}
	return nil
}

// Health is that of every target by its address.
func (g *Group) Health() map[string]Health {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make(map[string]Health, len(g.targets))
	for _, t := range g.targets {
		all[t.Addr] = t.Health()
	}
	return all
}

// Sweep closes connections that have been idle for too long.
func (g *Group) Sweep() {
	g.mu.Lock()
	targets := slices.Clone(g.targets)
	g.mu.Unlock()
	now := g.clock.Now()
	for _, t := range targets {
		t.pool.sweep(now)
	}
}

// Close ends the health checks and closes idle connections and tunnels.
func (g *Group) Close() {
	g.mu.Lock()
	g.cancel()
	for _, t := range g.targets {
		t.close()
		t.gone()
	}
	g.targets = nil
	g.live.Store(new(choices))
	g.mu.Unlock()
	g.running.Wait()
}
