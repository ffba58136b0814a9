package encryptionsdk

import (
	"container/heap"
	"container/list"
	"context"
	"fmt"
	"sync"
	"time"
)

// MaterialsCache holds the materials of caching managers: at most so many, the least
// recently used going first. What leaves it is wiped. It is safe for use by several
// goroutines. Materials that are past their age leave at the next use of the cache.
type MaterialsCache struct {
	capacity int

	mu       sync.Mutex
	entries  map[cacheID]*cacheEntry
	recent   *list.List // of *cacheEntry, the most recently used in front
	expiring expiryHeap
	filling  map[cacheID]chan struct{} // closed when the fill has ended
}

// NewMaterialsCache returns a cache for capacity materials, at least 1. It fails with
// ErrOptions.
func NewMaterialsCache(capacity int) (*MaterialsCache, error) {
	if capacity < 1 {
		return nil, fmt.Errorf("%w: a cache for %d materials", ErrOptions, capacity)
	}
	return &MaterialsCache{
		capacity: capacity,
		entries:  map[cacheID]*cacheEntry{},
		recent:   list.New(),
		filling:  map[cacheID]chan struct{}{},
	}, nil
}

// cacheEntry is what the cache holds under an id: materials of one of the two kinds, never
// handed out themselves, and how much they have been used.
type cacheEntry struct {
	encryption *EncryptionMaterials
	decryption *DecryptionMaterials
	messages   int64
	bytes      int64
	expires    time.Time

	id    cacheID
	place *list.Element
	index int // in the heap
}

// acquire looks id up. If there is an entry that use accepts (and accounts for), it returns
// a copy of it. Otherwise the caller is the only one to fill id, and must call release at
// the end, after put or without it. Others who ask for id in the meantime wait, and try
// themselves if the fill failed: a caller that gives up spoils nothing for them.
func (c *MaterialsCache) acquire(ctx context.Context, id cacheID, now func() time.Time, use func(*cacheEntry) bool) (release func(), found *cacheEntry, err error) {
	for {
		c.mu.Lock()
		c.expire(now())
		if e := c.entries[id]; e != nil {
			if use(e) {
				found = &cacheEntry{}
				if e.encryption != nil {
					found.encryption = cloneEncryption(e.encryption)
				} else {
					found.decryption = cloneDecryption(e.decryption)
				}
				c.recent.MoveToFront(e.place)
				c.mu.Unlock()
				return nil, found, nil
			}
			c.remove(e)
		}
		wait := c.filling[id]
		if wait == nil {
			done := make(chan struct{})
			c.filling[id] = done
			c.mu.Unlock()
			return func() {
				c.mu.Lock()
				delete(c.filling, id)
				c.mu.Unlock()
				close(done)
			}, nil, nil
		}
		c.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// put stores e under id, in place of what is there.
func (c *MaterialsCache) put(id cacheID, e *cacheEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.entries[id]; old != nil {
		c.remove(old)
	}
	for len(c.entries) >= c.capacity {
		c.remove(c.recent.Back().Value.(*cacheEntry))
	}
	e.id = id
	c.entries[id] = e
	e.place = c.recent.PushFront(e)
	heap.Push(&c.expiring, e)
}

// Clear wipes all that is in the cache.
func (c *MaterialsCache) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		c.remove(e)
	}
}

// Len is how many materials the cache holds, also such as have expired since its last use.
func (c *MaterialsCache) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries)
}

// expire removes what is no longer valid at now.
func (c *MaterialsCache) expire(now time.Time) {
	for len(c.expiring) > 0 && !now.Before(c.expiring[0].expires) {
		c.remove(c.expiring[0])
	}
}

// remove takes e out and wipes its data key.
func (c *MaterialsCache) remove(e *cacheEntry) {
	delete(c.entries, e.id)
	c.recent.Remove(e.place)
	heap.Remove(&c.expiring, e.index)
	if e.encryption != nil {
		clear(e.encryption.PlaintextDataKey)
	}
	if e.decryption != nil {
		clear(e.decryption.PlaintextDataKey)
	}
}

// expiryHeap orders entries by the time when they expire.
type expiryHeap []*cacheEntry

func (h expiryHeap) Len() int           { return len(h) }
func (h expiryHeap) Less(i, j int) bool { return h[i].expires.Before(h[j].expires) }
func (h expiryHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *expiryHeap) Push(x any) {
	e := x.(*cacheEntry)
	e.index = len(*h)
	*h = append(*h, e)
}
func (h *expiryHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return e
}
