package sample

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Options are the bounds of a Reservoir. Zeros are the defaults.
type Options struct {
	// Bucket is the span of a bucket (1 minute); Keep how long buckets are kept (3 hours).
	Bucket, Keep time.Duration
	// PerBucket is how many items a bucket keeps (64), First from how many of its first items they
	// are chosen (5000).
	PerBucket, First int
	// MaxItems bounds the items of all series (65,536), MaxSeries the series (10,000): further ones
	// are not kept.
	MaxItems, MaxSeries int
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		at *time.Duration
		is time.Duration
	}{{&o.Bucket, time.Minute}, {&o.Keep, 3 * time.Hour}} {
		if *d.at <= 0 {
			*d.at = d.is
		}
	}
	for _, d := range []struct {
		at *int
		is int
	}{{&o.PerBucket, 64}, {&o.First, 5000}, {&o.MaxItems, 65_536}, {&o.MaxSeries, 10_000}} {
		if *d.at <= 0 {
			*d.at = d.is
		}
	}
	return o
}

// Reservoir keeps samples. It is safe for concurrent use.
type Reservoir[T any] struct {
	options Options
	mu      sync.Mutex
	series  map[string][]*bucket[T] // in order of time
	items   int
}

// bucket is one span of a series.
type bucket[T any] struct {
	start time.Time
	// seen is how many items of the bucket could be chosen, at most Options.First; closed is when
	// that was reached.
	seen   int
	closed time.Time
	kept   []entry[T]
}

type entry[T any] struct {
	at    time.Time
	value T
}

// New makes a Reservoir.
func New[T any](o Options) *Reservoir[T] {
	return &Reservoir[T]{options: o.withDefaults(), series: make(map[string][]*bucket[T])}
}

// Add takes note of an item of a series. make makes it; it is called only if it is kept, under a
// lock: it must be quick.
func (r *Reservoir[T]) Add(key string, at time.Time, make func() T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.bucket(key, at)
	if b == nil || b.seen >= r.options.First {
		return
	}
	if b.seen++; b.seen == r.options.First {
		b.closed = at
	}
	if len(b.kept) < r.options.PerBucket {
		b.kept = append(b.kept, entry[T]{at, make()})
		if r.items++; r.items > r.options.MaxItems {
			r.dropOldest()
		}
		return
	}
	if i := rand.IntN(b.seen); i < len(b.kept) {
		b.kept[i] = entry[T]{at, make()}
	}
}

// bucket is that of a time, nil if the time is too long ago or there are too many series.
func (r *Reservoir[T]) bucket(key string, at time.Time) *bucket[T] {
	start := at.Truncate(r.options.Bucket)
	list := r.series[key]
	for i := len(list) - 1; i >= 0; i-- { // nearly always the last
		switch c := list[i].start.Compare(start); {
		case c == 0:
			return list[i]
		case c < 0:
			return r.insert(key, i+1, start)
		}
	}
	if len(list) == 0 && len(r.series) >= r.options.MaxSeries {
		return nil
	}
	return r.insert(key, 0, start)
}

func (r *Reservoir[T]) insert(key string, i int, start time.Time) *bucket[T] {
	list := r.series[key]
	if len(list) > 0 && start.Before(list[len(list)-1].start.Add(-r.options.Keep)) {
		return nil
	}
	b := &bucket[T]{start: start}
	list = append(list, nil)
	copy(list[i+1:], list[i:])
	list[i] = b
	oldest := list[len(list)-1].start.Add(-r.options.Keep)
	for len(list) > 1 && list[0].start.Before(oldest) {
		r.items -= len(list[0].kept)
		list = list[1:]
	}
	r.series[key] = list
	return b
}

// dropOldest drops the oldest bucket that holds items.
func (r *Reservoir[T]) dropOldest() {
	oldest := ""
	for key, list := range r.series {
		if oldest == "" || list[0].start.Before(r.series[oldest][0].start) {
			oldest = key
		}
	}
	list := r.series[oldest]
	r.items -= len(list[0].kept)
	if len(list) == 1 {
		delete(r.series, oldest)
		return
	}
	r.series[oldest] = list[1:]
}

// Forget drops the series that drop names.
func (r *Reservoir[T]) Forget(drop func(key string) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, list := range r.series {
		if !drop(key) {
			continue
		}
		for _, b := range list {
			r.items -= len(b.kept)
		}
		delete(r.series, key)
	}
}

// All returns the items of the series that want names, in no order. An item that is in several series is there
// several times.
func (r *Reservoir[T]) All(want func(key string) bool) (all []T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, list := range r.series {
		if !want(key) {
			continue
		}
		for _, b := range list {
			for _, e := range b.kept {
				all = append(all, e.value)
			}
		}
	}
	return all
}

// Item is a sampled item. Weight is how many items it stands for.
type Item[T any] struct {
	At     time.Time
	Value  T
	Weight int64
}

// Sample is the answer to a question about a range of time.
type Sample[T any] struct {
	Items []Item[T]
	// Population is from how many items they were chosen; the weights add up to it.
	Population int64
	// To is the end of the range: earlier than what was asked for if the first items were reached
	// before.
	To time.Time
}

// Read samples at most limit items of the first ones of a series in [from, to).
func (r *Reservoir[T]) Read(key string, from, to time.Time, limit int) Sample[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := Sample[T]{To: to}
	type share struct {
		kept       []entry[T]
		population int64
	}
	var shares []share
	kept := 0
	for _, b := range r.series[key] {
		if !b.start.Before(to) || !b.start.Add(r.options.Bucket).After(from) {
			continue
		}
		var in []entry[T]
		for _, e := range b.kept {
			if !e.at.Before(from) && e.at.Before(to) {
				in = append(in, e)
			}
		}
		if len(in) == 0 {
			continue
		}
		// Of a bucket at the edge, the sample tells how much of it lies in the range.
		population := int64(b.seen) * int64(len(in)) / int64(len(b.kept))
		if room := int64(r.options.First) - out.Population; population >= room {
			out.To = b.start.Add(r.options.Bucket)
			if !b.closed.IsZero() {
				out.To = b.closed
			}
			if to.Before(out.To) {
				out.To = to
			}
			population = max(room, int64(len(in)))
		}
		shares = append(shares, share{in, population})
		kept += len(in)
		if out.Population += population; out.Population >= int64(r.options.First) {
			break
		}
	}
	if limit <= 0 || kept == 0 {
		return out
	}
	left, slots := out.Population, min(limit, kept)
	owed := int64(0) // what the next items stand for
	for i, s := range shares {
		n := len(s.kept)
		if kept > limit {
			// Slots in proportion to the populations that are left.
			n = min(n, int((int64(slots)*s.population+left/2)/max(left, 1)))
			if i == len(shares)-1 {
				n = min(len(s.kept), slots)
			}
		}
		left -= s.population
		slots -= n
		owed += s.population
		if n == 0 {
			continue
		}
		rand.Shuffle(len(s.kept), func(a, b int) { s.kept[a], s.kept[b] = s.kept[b], s.kept[a] })
		for j, e := range s.kept[:n] {
			w := owed / int64(n)
			if int64(j) < owed%int64(n) {
				w++
			}
			out.Items = append(out.Items, Item[T]{e.at, e.value, w})
		}
		owed = 0
	}
	out.Items[len(out.Items)-1].Weight += owed
	return out
}
