package expiring

import (
	"container/heap"
	"container/list"
	"context"
	"sync"
	"time"
)

// Cache is safe for use by several goroutines. Entries that are past their time leave at
// the next use of the cache.
type Cache[K comparable, V any] struct {
	capacity int
	wipe     func(V)

	mu       sync.Mutex
	entries  map[K]*entry[K, V]
	recent   *list.List // of *entry[K, V], the most recently used in front
	expiring expiries[K, V]
	filling  map[K]chan struct{} // closed when the fill has ended
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
	index   int // in the heap
}

// Acquire looks key up. If there is a value and use accepts it, Acquire returns found. use
// runs under the cache's lock: it copies what it needs and must not keep the value. A value
// that use refuses leaves the cache. If nothing was found the caller is the only one to fill
// key, and must call release at the end, after Put or without it. Others who ask for key in
// the meantime wait, and become the filler themselves if there is no value then: a caller
// that fails or gives up spoils nothing for them.
func (c *Cache[K, V]) Acquire(ctx context.Context, key K, now func() time.Time, use func(V) bool) (release func(), found bool, err error) {
	for {
		c.mu.Lock()
		c.expire(now())
		if e := c.entries[key]; e != nil {
			if use(e.value) {
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

// Put stores value under key until expires, in place of what is there. The value is the
// cache's from then on.
func (c *Cache[K, V]) Put(key K, value V, expires time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.entries[key]; old != nil {
		c.remove(old)
	}
	for len(c.entries) >= c.capacity {
		c.remove(c.recent.Back().Value.(*entry[K, V]))
	}
	e := &entry[K, V]{key: key, value: value, expires: expires}
	c.entries[key] = e
	e.place = c.recent.PushFront(e)
	heap.Push(&c.expiring, e)
}

// Clear wipes all that is in the cache.
func (c *Cache[K, V]) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		c.remove(e)
	}
}

// Len is how many entries the cache holds, also such as have expired since its last use.
func (c *Cache[K, V]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries)
}

// expire removes what is no longer valid at now.
func (c *Cache[K, V]) expire(now time.Time) {
	for len(c.expiring) > 0 && !now.Before(c.expiring[0].expires) {
		c.remove(c.expiring[0])
	}
}

func (c *Cache[K, V]) remove(e *entry[K, V]) {
	delete(c.entries, e.key)
	c.recent.Remove(e.place)
	heap.Remove(&c.expiring, e.index)
	c.wipe(e.value)
}

// expiries orders entries by the time when they expire (container/heap).
type expiries[K comparable, V any] []*entry[K, V]

func (h expiries[K, V]) Len() int           { return len(h) }
func (h expiries[K, V]) Less(i, j int) bool { return h[i].expires.Before(h[j].expires) }
func (h expiries[K, V]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *expiries[K, V]) Push(x any) {
	e := x.(*entry[K, V])
	e.index = len(*h)
	*h = append(*h, e)
}

func (h *expiries[K, V]) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return e
}
