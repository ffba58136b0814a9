package sample

import (
	"sync"
	"time"
)

// Top counts keys in buckets of time. It is safe for concurrent use.
type Top[K comparable] struct {
	span, keep time.Duration
	max        int
	mu         sync.Mutex
	buckets    []*counts[K] // in order of time
}

// counts are those of one bucket.
type counts[K comparable] struct {
	start time.Time
	of    map[K]int64
}

// NewTop makes a Top with buckets of a span, which are kept for a time and count max keys each.
func NewTop[K comparable](span, keep time.Duration, max int) *Top[K] {
	return &Top[K]{span: span, keep: keep, max: max}
}

// Add counts a key.
func (t *Top[K]) Add(key K, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.at(at.Truncate(t.span))
	if c == nil {
		return
	}
	if _, known := c.of[key]; known || len(c.of) < t.max {
		c.of[key]++
		return
	}
	// The key takes the place of the rarest one, and its count.
	var rarest K
	least := int64(-1)
	for k, n := range c.of {
		if least < 0 || n < least {
			rarest, least = k, n
		}
	}
	delete(c.of, rarest)
	c.of[key] = least + 1
}

func (t *Top[K]) at(start time.Time) *counts[K] {
	for i := len(t.buckets) - 1; i >= 0; i-- {
		switch c := t.buckets[i].start.Compare(start); {
		case c == 0:
			return t.buckets[i]
		case c < 0 && i == len(t.buckets)-1:
			return t.push(start)
		case c < 0:
			return nil // a bucket that was empty when its time was
		}
	}
	if len(t.buckets) > 0 {
		return nil
	}
	return t.push(start)
}

func (t *Top[K]) push(start time.Time) *counts[K] {
	c := &counts[K]{start: start, of: make(map[K]int64)}
	t.buckets = append(t.buckets, c)
	for t.buckets[0].start.Before(start.Add(-t.keep)) {
		t.buckets = t.buckets[1:]
	}
	return c
}

// Read adds up the counts of the buckets that a range of time meets.
func (t *Top[K]) Read(from, to time.Time) map[K]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum := make(map[K]int64)
	for _, c := range t.buckets {
		if !c.start.Before(to) || !c.start.Add(t.span).After(from) {
			continue
		}
		for k, n := range c.of {
			sum[k] += n
		}
	}
	return sum
}
