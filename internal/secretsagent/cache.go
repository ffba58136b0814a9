package secretsagent

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"fastness/internal/clock"
	"fastness/internal/securemem"
)

// retryAfter is for how long an old value is served at once after upstream could not be
// reached, instead of letting each caller wait for another attempt.
const retryAfter = 5 * time.Second

// key names a cached answer. The fields are those of a SecretQuery or ParameterQuery.
type key struct {
	parameter bool
	id, a, b  string
	decrypt   bool
}

// cacheOptions are settings of a cache.
type cacheOptions struct {
	size int // entries, at least 1
	// ttl of secrets and of parameters. 0: answers are not kept.
	secretTTL, parameterTTL time.Duration
	// maxStale is for how long after its TTL a value may be served while upstream
	// cannot be reached. 0: not at all.
	maxStale time.Duration
}

// cache keeps answers. It is safe for concurrent use.
type cache struct {
	o      cacheOptions
	clock  clock.Clock
	arena  *securemem.Arena
	ctx    context.Context // of requests upstream; done when the cache closes
	cancel context.CancelFunc
	// stored wakes sweep, because there is a new entry.
	stored chan struct{}
	work   sync.WaitGroup

	mu      sync.Mutex
	entries map[key]*list.Element // of *entry
	used    *list.List            // the most recently used first
	flights map[key]*flight
	started uint64 // flights so far
}

// value is an answer, in memory of its own. It is wiped when the last user lets go.
type value struct {
	body  *securemem.Secret
	users atomic.Int32
}

func (v *value) release() {
	if v.users.Add(-1) == 0 {
		v.body.Destroy()
	}
}

// entry is a cached value.
type entry struct {
	key   key
	value *value
	asked time.Time // when upstream was asked for it
	// holdUntil is when upstream is to be asked again after it could not be reached.
	holdUntil time.Time
}

// flight is a request upstream that callers wait for.
type flight struct {
	number  uint64
	asked   time.Time
	cancel  context.CancelFunc
	done    chan struct{}
	waiters int // with the cache's lock
	// After done:
	value *value // one user for each waiter
	err   error
}

func newCache(o cacheOptions, c clock.Clock) *cache {
	made := &cache{
		o: o, clock: c, arena: securemem.NewArena(securemem.Options{}),
		stored:  make(chan struct{}, 1),
		entries: make(map[key]*list.Element), used: list.New(), flights: make(map[key]*flight),
	}
	made.ctx, made.cancel = context.WithCancel(context.Background())
	made.work.Go(made.sweep)
	return made
}

// close ends requests upstream and wipes everything. The cache is not used afterwards.
func (c *cache) close() {
	c.cancel()
	c.work.Wait()
	c.mu.Lock()
	for _, e := range c.entries {
		c.drop(e)
	}
	c.mu.Unlock()
	c.arena.Close()
}

// now is the wall clock's time: the clock that runs while the machine sleeps.
func (c *cache) now() time.Time { return c.clock.Now().Round(0) }

func (c *cache) ttl(k key) time.Duration {
	if k.parameter {
		return c.o.parameterTTL
	}
	return c.o.secretTTL
}

// get appends the answer for k to b: the cached one if it is fresh, else what fetch
// returns, else the cached one if upstream cannot be reached. With refresh, only an
// answer of a request that began after this call counts. fetch runs at most once at a
// time for each key; get wipes what it returns.
func (c *cache) get(ctx context.Context, b []byte, k key, refresh bool, fetch func(context.Context) ([]byte, error)) ([]byte, error) {
	// What is not kept is new for each caller.
	refresh = refresh || c.ttl(k) == 0
	c.mu.Lock()
	arrived := c.started
	for {
		if !refresh {
			if v := c.usable(k); v != nil {
				c.mu.Unlock()
				return appendValue(b, v)
			}
		}
		f := c.flights[k]
		if f == nil {
			f = c.start(k, fetch)
		}
		counts := !refresh || f.number > arrived
		f.waiters++
		c.mu.Unlock()
		select {
		case <-f.done:
		case <-ctx.Done():
			c.leave(f)
			return b, ctx.Err()
		}
		if counts {
			return c.landed(b, k, f, refresh)
		}
		if f.value != nil {
			f.value.release()
		}
		c.mu.Lock()
	}
}

// usable takes the entry of k if it is fresh, or was old when upstream could not be
// reached a moment ago. The caller holds the lock.
func (c *cache) usable(k key) *value {
	e := c.entries[k]
	if e == nil {
		return nil
	}
	held, now := e.Value.(*entry), c.now()
	if !within(held.asked, now, c.ttl(k)) && !(now.Before(held.holdUntil) && c.servable(held, now)) {
		return nil
	}
	c.used.MoveToFront(e)
	held.value.users.Add(1)
	return held.value
}

// servable tells whether an entry may be served while upstream cannot be reached.
func (c *cache) servable(e *entry, now time.Time) bool {
	return c.o.maxStale > 0 && within(e.asked, now, c.ttl(e.key)+c.o.maxStale)
}

// within tells whether less than d has passed. A clock that went backward says no.
func within(from, now time.Time, d time.Duration) bool {
	age := now.Sub(from)
	return age >= 0 && age < d
}

// start begins a request upstream. The caller holds the lock.
func (c *cache) start(k key, fetch func(context.Context) ([]byte, error)) *flight {
	c.started++
	f := &flight{number: c.started, asked: c.now(), done: make(chan struct{})}
	var ctx context.Context
	ctx, f.cancel = context.WithCancel(c.ctx)
	c.flights[k] = f
	c.work.Go(func() {
		defer f.cancel()
		body, err := fetch(ctx)
		var v *value
		if err == nil {
			v = new(value)
			if v.body, err = c.arena.Take(body); err != nil {
				v, err = nil, &Failure{Failed, http.StatusInternalServerError, internalFailure, "", fmt.Errorf("keeping the value: %w", err)}
			}
		}
		c.finish(k, f, v, err)
	})
	return f
}

// finish ends a flight: it keeps the answer, or wipes what the error says is over.
func (c *cache) finish(k key, f *flight, v *value, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// A flight that was called off may still end with an answer, but later ones count.
	calledOff := c.flights[k] != f
	if !calledOff {
		delete(c.flights, k)
	}
	var failure *Failure
	switch {
	case err == nil:
		v.users.Store(int32(f.waiters) + 1)
		if !calledOff {
			c.store(k, f.asked, v)
		}
		v.release()
	case errors.As(err, &failure) && failure.Class == Refused:
		for _, e := range c.entries {
			if held := e.Value.(*entry).key; held.parameter == k.parameter && held.id == k.id {
				c.drop(e)
			}
		}
	case errors.As(err, &failure) && failure.Class == Unreachable:
		if e := c.entries[k]; e != nil {
			e.Value.(*entry).holdUntil = c.now().Add(retryAfter)
		}
	}
	f.value, f.err = v, err
	close(f.done)
}

// landed is the end of a caller's wait.
func (c *cache) landed(b []byte, k key, f *flight, refresh bool) ([]byte, error) {
	if f.err == nil {
		return appendValue(b, f.value)
	}
	var failure *Failure
	if refresh || !errors.As(f.err, &failure) || failure.Class != Unreachable {
		return b, f.err
	}
	c.mu.Lock()
	e := c.entries[k]
	if e == nil || !c.servable(e.Value.(*entry), c.now()) {
		c.mu.Unlock()
		return b, f.err
	}
	c.used.MoveToFront(e)
	v := e.Value.(*entry).value
	v.users.Add(1)
	c.mu.Unlock()
	return appendValue(b, v)
}

// leave ends the wait of a caller that went away. A flight without waiters is called
// off, so that there are never more of them than callers.
func (c *cache) leave(f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.waiters--
	select {
	case <-f.done:
		if f.value != nil {
			f.value.release()
		}
		return
	default:
	}
	if f.waiters > 0 {
		return
	}
	for k, other := range c.flights {
		if other == f {
			delete(c.flights, k) // a new caller needs a flight that goes on
			break
		}
	}
	f.cancel()
}

// store keeps a value. The caller holds the lock.
func (c *cache) store(k key, asked time.Time, v *value) {
	if c.ttl(k) == 0 || c.ctx.Err() != nil {
		return
	}
	if e := c.entries[k]; e != nil {
		c.drop(e)
	}
	for c.used.Len() >= c.o.size {
		c.drop(c.used.Back())
	}
	v.users.Add(1)
	c.entries[k] = c.used.PushFront(&entry{key: k, value: v, asked: asked})
	select {
	case c.stored <- struct{}{}:
	default:
	}
}

// drop forgets an entry. The caller holds the lock.
func (c *cache) drop(e *list.Element) {
	held := c.used.Remove(e).(*entry)
	delete(c.entries, held.key)
	held.value.release()
}

// sweep wipes entries whose time is over, when it is over, until the cache closes.
func (c *cache) sweep() {
	for {
		var due <-chan time.Time
		stop := func() {}
		if wait, any := c.expire(); any {
			due, stop = c.clock.After(wait)
		}
		select {
		case <-c.ctx.Done():
		case <-c.stored:
		case <-due:
		}
		stop()
		if c.ctx.Err() != nil {
			return
		}
	}
}

// expire wipes what is over, and returns how long the next entry has, if there is one.
func (c *cache) expire() (wait time.Duration, any bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	for _, e := range c.entries {
		held := e.Value.(*entry)
		life := c.ttl(held.key) + c.o.maxStale
		if !within(held.asked, now, life) {
			c.drop(e)
			continue
		}
		if left := held.asked.Add(life).Sub(now); !any || left < wait {
			wait, any = left, true
		}
	}
	return wait, any
}

// appendValue appends a value to b and lets go of it.
func appendValue(b []byte, v *value) ([]byte, error) {
	defer v.release()
	err := v.body.With(func(body []byte) { b = append(b, body...) })
	return b, err
}
