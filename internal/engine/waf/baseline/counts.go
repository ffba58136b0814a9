package baseline

import (
	"math/bits"
	"sync"
	"time"

	"fastness/internal/engine/waf/rate"
)

// forgetting is what a span that has been learned still counts for when the next one is.
const forgetting = 0.9

// buckets of the histogram: four for each power of two.
const buckets = 4 * 40

// Counts learns how many requests a client makes in a span. Of the clients of a span a bounded number is
// counted; those that come when it is full are not. Safe for concurrent use.
type Counts struct {
	span time.Duration
	max  int

	mu      sync.Mutex
	slot    int64
	current map[rate.Key]uint32
	weight  [buckets]float64
	total   float64
	spans   int
}

// NewCounts makes one for spans of a length and a number of clients.
func NewCounts(span time.Duration, maxClients int) *Counts {
	return &Counts{span: span, max: maxClients, current: make(map[rate.Key]uint32)}
}

// Count counts a request of a client. When a span has ended, what it had is learned if learn says so.
func (c *Counts) Count(client rate.Key, now time.Time, learn bool) {
	slot := now.UnixNano() / int64(c.span)
	c.mu.Lock()
	defer c.mu.Unlock()
	if slot > c.slot {
		if learn && c.slot != 0 {
			c.learn()
		}
		clear(c.current)
		c.slot = slot
	}
	if n, known := c.current[client]; known || len(c.current) < c.max {
		c.current[client] = n + 1
	}
}

func (c *Counts) learn() {
	for i := range c.weight {
		c.weight[i] *= forgetting
	}
	c.total *= forgetting
	for _, n := range c.current {
		c.weight[bucketOf(n)]++
		c.total++
	}
	c.spans++
}

// Usual is the count that a share of the clients does not exceed, and whether enough has been learned to
// tell: a span at least.
func (c *Counts) Usual(share float64) (count int64, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.spans == 0 || c.total == 0 {
		return 0, false
	}
	sum := 0.0
	for i, w := range c.weight {
		if sum += w; sum >= share*c.total {
			return topOf(i), true
		}
	}
	return topOf(buckets - 1), true
}

// bucketOf is the bucket of a count, topOf the highest count of a bucket.
func bucketOf(n uint32) int {
	if n < 4 {
		return int(n)
	}
	l := bits.Len32(n)
	return min(4*(l-2)+int(n>>(l-3)&3), buckets-1)
}

func topOf(bucket int) int64 {
	if bucket < 4 {
		return int64(bucket)
	}
	l := bucket/4 + 2
	return (int64(bucket%4)+5)<<(l-3) - 1
}
