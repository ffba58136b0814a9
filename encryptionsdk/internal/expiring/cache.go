package expiring

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// Cache is safe for use by several goroutines. A timer of its own takes each entry out when
// its time is over, used or not.
type Cache[K comparable, V any] struct {
	capacity int
	wipe     func(V)

	mu      sync.Mutex
	entries map[K]*entry[K, V]
	recent  *list.List          // of *entry[K, V], the most recently used in front
	filling map[K]chan struct{} // closed when the fill has ended
}

// New returns a cache for capacity entries, at least 1. wipe is called, under the cache's
// lock, with each value that leaves.
func New[K comparable, V any](capacity int, wipe func(V)) *Cache[K, V] {
	return &Cache[K, V]{
		capacity: capacity,
		wipe:     wipe,
		entries:  map[K]*entry[K, V]{},
		recent:   list.New(),
		filling:  map[K]chan struct{}{},
	}
}

type entry[K comparable, V any] struct {
	key     K
	value   V
	expires time.Time
	place   *list.Element
	timer   *time.Timer
}

// Acquire looks key up. If there is a value that has not expired at now and use accepts it,
// Acquire returns found. use runs under the cache's lock: it copies what it needs and must not keep the value. A value
// that use refuses leaves the cache. If nothing was found the caller is the only one to fill
// key, and must call release at the end, after Put or without it. Others who ask for key in
// the meantime wait, and become the filler themselves if there is no value then: a caller
// that fails or gives up spoils nothing for them.
func (c *Cache[K, V]) Acquire(ctx context.Context, key K, now func() time.Time, use func(V) bool) (release func(), found bool, err error) {
	for {
		c.mu.Lock()
		if e := c.entries[key]; e != nil {
			if now().Before(e.expires) && use(e.value) {
				c.recent.MoveToFront(e.place)
				c.mu.Unlock()
				return nil, true, nil
			}
			c.remove(e)
		}
		wait := c.filling[key]
		if wait == nil {
			done := make(chan struct{})
			c.filling[key] = done
			c.mu.Unlock()
			return func() {
				c.mu.Lock()
				delete(c.filling, key)
				c.mu.Unlock()
				close(done)
			}, false, nil
		}
		c.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
	}
}

// Put stores value under key for ttl from now on, in place of what is there. The value is
// the cache's from then on. It leaves when ttl has passed on the system's clock; for
// Acquire it is gone as soon as ttl has passed on the clock that now reads.
func (c *Cache[K, V]) Put(key K, value V, ttl time.Duration, now func() time.Time) {
	e := &entry[K, V]{key: key, value: value, expires: now().Add(ttl)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.entries[key]; old != nil {
		c.remove(old)
	}
	for len(c.entries) >= c.capacity {
		c.remove(c.recent.Back().Value.(*entry[K, V]))
	}
	c.entries[key] = e
	e.place = c.recent.PushFront(e)
	e.timer = time.AfterFunc(ttl, func() { c.expire(e) })
}

// Clear wipes all that is in the cache.
func (c *Cache[K, V]) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		c.remove(e)
	}
}

// Len is how many entries the cache holds.
func (c *Cache[K, V]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries)
}

// expire removes e, unless something else was faster.
func (c *Cache[K, V]) expire(e *entry[K, V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries[e.key] == e {
		c.remove(e)
	}
}

func (c *Cache[K, V]) remove(e *entry[K, V]) {
	e.timer.Stop()
	delete(c.entries, e.key)
	c.recent.Remove(e.place)
	c.wipe(e.value)
}
