package proxy

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"fastness/internal/clock"
	"fastness/internal/proxy/upstream"
)

// Options are what a Proxy is made of. Clock and Log are required.
type Options struct {
	Clock clock.Clock
	Log   *slog.Logger
	// Compile makes the inspector of a web ACL. It may take long; requests do not wait for
	// it. previous is the inspector that it takes the place of, or nil. Without it a
	// configuration with a web ACL in use is refused. See NewEngine.
	Compile func(acl *WebACL, previous Inspector) (Inspector, error)
	// Interstitial, if set, answers Captcha and Challenge; without it they block.
	Interstitial Interstitial
	// Recorder, if set, is told of every inspected request.
	Recorder Recorder
	// HealthChanged, if set, is told of changes of targets' health. It must not block.
	HealthChanged func(group, addr string, h upstream.Health)
	// MaxConns bounds the clients' connections of all listeners (default 20,000), and
	// MaxConnsPerClient those from one address, or one /64 of IPv6 (default 1,000).
	MaxConns, MaxConnsPerClient int
	// HeldBody is how many bytes of a body are held until the managed groups and the Core Rule Set have judged them: 64 KiB to DefaultHeldBody,
	// which it is if 0. Web ACLs that have none of them have no more held than Attributes.InspectedBody.
	HeldBody int
	// HeldMemory bounds the memory of bodies of more than 64 KiB that are held, of all requests together, in bytes (default
	// DefaultHeldMemory). When it is used up 64 KiB of a body are held, and what is longer is judged as too long.
	HeldMemory int64
	// DrainTimeout bounds how long connections of a listener that is taken away may finish
	// what they are at (default 60 s).
	DrainTimeout time.Duration
}

// Proxy takes connections and forwards requests, as its configuration says. It is safe for
// concurrent use; Shutdown must end it.
type Proxy struct {
	options      Options
	clock        clock.Clock
	log          *slog.Logger
	ownCookieKey []byte
	ctx          context.Context // done when the proxy has ended
	cancel       context.CancelFunc
	running      sync.WaitGroup
	limits       connLimits
	holds        holds

	mu        sync.Mutex // of what follows; requests do not take it
	ended     bool
	state     *state
	revision  uint64
	listeners map[string]*listener

	active                                     atomic.Int64
	requests, panics, uninspected, unreachable atomic.Uint64
	cut                                        atomic.Uint64
	tunnels                                    atomic.Int64
	bodiesUnseen                               sync.Once // said that forward-auth endpoints see no bodies
}

// New makes a Proxy that listens on nothing yet.
func New(o Options) *Proxy {
	if o.MaxConns == 0 {
		o.MaxConns = 20000
	}
	if o.MaxConnsPerClient == 0 {
		o.MaxConnsPerClient = 1000
	}
	if o.DrainTimeout == 0 {
		o.DrainTimeout = time.Minute
	}
	p := &Proxy{options: o, clock: o.Clock, log: o.Log, ownCookieKey: make([]byte, 32), listeners: map[string]*listener{}}
	_, _ = rand.Read(p.ownCookieKey) // never fails
	p.limits = connLimits{most: o.MaxConns, each: o.MaxConnsPerClient, of: map[clientKey]int{}}
	p.holds.set(o.HeldBody, o.HeldMemory)
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.running.Go(p.sweep)
	return p
}

// sweep closes connections to targets that have been idle for too long.
func (p *Proxy) sweep() {
	const period = 10 * time.Second
	for p.clock.Sleep(p.ctx, period) == nil {
		p.mu.Lock()
		s := p.state
		p.mu.Unlock()
		if s != nil {
			for _, g := range s.groups {
				g.up.Sweep()
			}
		}
	}
}

// Apply puts a configuration to work. If it is not valid, nothing changes. An address that
// cannot be listened on is an error too; everything else of the configuration works then.
func (p *Proxy) Apply(c Config) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return net.ErrClosed
	}
	old := p.state
	s, err := p.compile(&c, old)
	if err != nil {
		return fmt.Errorf("proxy configuration: %w", err)
	}
	if user, ok := p.options.Interstitial.(keyUser); ok && len(c.TokenKeys) > 0 {
		if err := user.UseKeys(c.TokenKeys); err != nil {
			return fmt.Errorf("proxy configuration: %w", err)
		}
	}
	for arn, g := range s.groups {
		if old != nil && old.groups[arn] != nil {
			g.up = old.groups[arn].up
			g.up.Update(g.config)
			continue
		}
		var change func(string, upstream.Health)
		if tell := p.options.HealthChanged; tell != nil {
			change = func(addr string, h upstream.Health) { tell(arn, addr, h) }
		}
		g.up = upstream.NewGroup(p.clock, g.config, change)
	}
	p.state = s
	var errs []error
	for key, l := range p.listeners {
		if s.listeners[key] == nil {
			delete(p.listeners, key)
			p.running.Go(func() { l.drain(p.options.DrainTimeout) })
		}
	}
	for key, ls := range s.listeners {
		if l := p.listeners[key]; l != nil {
			if ls.port == "0" {
				ls.port = l.port()
			}
			l.state.Store(ls)
			continue
		}
		l, err := p.listen(ls)
		if err != nil {
			errs = append(errs, fmt.Errorf("listener %s: %w", ls.arn, err))
			continue
		}
		p.listeners[key] = l
	}
	if old != nil {
		for arn, g := range old.groups {
			if s.groups[arn] == nil {
				p.running.Go(func() {
					_ = p.clock.Sleep(p.ctx, g.config.Deregistration)
					g.up.Close()
				})
			}
		}
	}
	return errors.Join(errs...)
}

// Revision is that of the configuration that Run applied last, 0 before.
func (p *Proxy) Revision() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.revision
}

// Run follows a source until ctx is done. It keeps the last good configuration while the
// source fails, or gives a bad one.
func (p *Proxy) Run(ctx context.Context, source Source) error {
	const retry = time.Second
	var revision uint64
	said := ""
	for {
		c, next, err := source.Watch(ctx, revision)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			if said != err.Error() {
				said = err.Error()
				p.log.Warn("the configuration could not be fetched; the last one stays", "error", err)
			}
			if err := p.clock.Sleep(ctx, retry); err != nil {
				return err
			}
			continue
		}
		revision, said = next, ""
		if err := p.Apply(c); err != nil {
			p.log.Error("a configuration could not be put to work", "revision", next, "error", err)
			continue
		}
		p.mu.Lock()
		p.revision = next
		p.mu.Unlock()
		p.log.Info("configuration put to work", "revision", next)
	}
}

// Addr is the address that a listener listens on, nil if it does not.
func (p *Proxy) Addr(arn string) net.Addr {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.listeners {
		if l.state.Load().arn == arn {
			return l.inner.Addr()
		}
	}
	return nil
}

// TargetHealth is the health of a target group's targets by address and port, nil for an
// unknown group.
func (p *Proxy) TargetHealth(group string) map[string]upstream.Health {
	p.mu.Lock()
	s := p.state
	p.mu.Unlock()
	if s == nil || s.groups[group] == nil {
		return nil
	}
	return s.groups[group].up.Health()
}

// AllHealth is the health of all targets, by target group.
func (p *Proxy) AllHealth() map[string]map[string]upstream.Health {
	p.mu.Lock()
	s := p.state
	p.mu.Unlock()
	all := map[string]map[string]upstream.Health{}
	if s != nil {
		for arn, g := range s.groups {
			all[arn] = g.up.Health()
		}
	}
	return all
}

// Counters are counts since the proxy was made.
type Counters struct {
	// Requests were answered or given up. Panics and Uninspected (the inspection failed) are
	// defects, each of them logged.
	Requests, Panics, Uninspected uint64
	// Unreachable counts connections to targets that could not be made, Cut responses that
	// a target did not end.
	Unreachable, Cut uint64
	// Active requests, open connections of clients and tunnels are current.
	Active, Connections, Tunnels int64
	// Refused counts connections above the limits.
	Refused uint64
	// HeldShort counts bodies that were not held as far as they could be, since Options.HeldMemory was used up; Held is how much of it is
	// used, in bytes.
	HeldShort uint64
	Held      int64
}

// Counters returns the counts.
func (p *Proxy) Counters() Counters {
	open, refused := p.limits.counts()
	return Counters{
		Requests: p.requests.Load(), Panics: p.panics.Load(), Uninspected: p.uninspected.Load(),
		Unreachable: p.unreachable.Load(), Cut: p.cut.Load(),
		Active: p.active.Load(), Tunnels: p.tunnels.Load(), Connections: int64(open), Refused: refused,
		HeldShort: p.holds.short.Load(), Held: p.holds.taken.Load(),
	}
}

// Shutdown stops listening, lets requests end, and ends the proxy. When ctx is done first,
// what is left is cut off, and the error is that of ctx.
func (p *Proxy) Shutdown(ctx context.Context) error {
	p.mu.Lock()
	p.ended = true
	listeners, s := p.listeners, p.state
	p.listeners = map[string]*listener{}
	p.mu.Unlock()
	var wg sync.WaitGroup
	errs := make(chan error, len(listeners))
	for _, l := range listeners {
		wg.Go(func() { errs <- l.shutdown(ctx) })
	}
	wg.Wait()
	close(errs)
	p.cancel()
	if s != nil {
		for _, g := range s.groups {
			g.up.Close()
		}
	}
	p.running.Wait()
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return errors.Join(all...)
}
