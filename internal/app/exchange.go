package app

import (
	"slices"
	"sync"
	"time"

	"fastness/internal/clock"
	"fastness/internal/proxy"
)

// exchange passes on what the rate-based rules of each proxy count to all others.
//
// What a proxy gives is numbered and kept for a while; each proxy takes what has come since it was last here,
// but its own. One that was away for longer misses what was given up meanwhile: counts of long ago would be counted
// as of now.
type exchange struct {
	clock clock.Clock

	mu      sync.Mutex
	next    uint64
	batches []batch // in order
	keys    int     // in all batches
	members map[string]time.Time
}

// batch is what a proxy gave at a time.
type batch struct {
	number uint64
	from   string
	at     time.Time
	counts []proxy.Shared
	keys   int
}

// Bounds of what is kept, and of how long a proxy that is silent takes part.
const (
	keptCounts  = 5 * time.Second
	keptKeys    = 2_000_000 // 20 bytes each
	givenKeys   = 200_000   // to a proxy at a time
	absentAfter = 5 * time.Second
)

func newExchange(c clock.Clock) *exchange {
	return &exchange{clock: c, members: make(map[string]time.Time)}
}

// swap takes what a proxy has counted, and gives what others have since the number that the last call gave.
// alone tells that there are no others.
func (x *exchange) swap(name string, after uint64, given []proxy.Shared) (next uint64, taken []proxy.Shared, alone bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := x.clock.Now()
	for member, at := range x.members {
		if now.Sub(at) > absentAfter {
			delete(x.members, member)
		}
	}
	if _, known := x.members[name]; !known && len(x.members) >= maxProxies {
		return x.next, nil, true
	}
	x.members[name] = now
	x.drop(now)
	if after > x.next { // of an earlier process
		after = 0
	}
	if after > 0 {
		first, _ := slices.BinarySearchFunc(x.batches, after+1, func(b batch, n uint64) int { return int(int64(b.number) - int64(n)) })
		keys := 0
		for i := first; i < len(x.batches); i++ {
			b := &x.batches[i]
			if b.from == name {
				continue
			}
			if keys += b.keys; keys > givenKeys && len(taken) > 0 {
				next = b.number - 1 // the rest the next time
				break
			}
			taken = append(taken, b.counts...)
		}
	} else if x.next == 0 {
		x.next = 1 // 0 is for those who come for the first time
	}
	alone = len(x.members) == 1
	if !alone && len(given) > 0 {
		x.next++
		b := batch{number: x.next, from: name, at: now, counts: given}
		for i := range given {
			b.keys += len(given[i].Deltas)
		}
		x.keys += b.keys
		x.batches = append(x.batches, b)
	}
	if next == 0 {
		next = x.next
	}
	return next, taken, alone
}

// drop gives up what is too old or too much.
func (x *exchange) drop(now time.Time) {
	n := 0
	for n < len(x.batches) && (x.keys > keptKeys || now.Sub(x.batches[n].at) > keptCounts) {
		x.keys -= x.batches[n].keys
		n++
	}
	x.batches = slices.Delete(x.batches, 0, n)
}
