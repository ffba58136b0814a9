package baseline

import (
	"sync"
	"time"

	"fastness/internal/engine/waf/rate"
)

// Kinds learns how many requests of each kind there are in a span. The number of kinds is bounded: a new one
// takes the place of one that is rare. Safe for concurrent use.
type Kinds struct {
	span   time.Duration
	memory float64
	max    int

	mu    sync.Mutex
	slot  int64
	spans int
	of    map[rate.Key]*kind
}

type kind struct {
	now   int64
	usual float64
}

// NewKinds makes one for spans of a length, that remembers for about a number of them, and a number of
// kinds.
func NewKinds(span time.Duration, memory, maxKinds int) *Kinds {
	return &Kinds{span: span, memory: float64(memory), max: maxKinds, of: make(map[rate.Key]*kind)}
}

// maxGap bounds the empty spans that are learned one by one.
const maxGap = 64

// Count counts a request of a kind, and returns how many there were in this span, with this one, and
// how many are usual. learn is as in Counts.
func (k *Kinds) Count(key rate.Key, now time.Time, learn bool) (n int64, usual float64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.move(now, learn)
	x := k.of[key]
	if x == nil {
		if len(k.of) >= k.max {
			k.dropRarest()
		}
		x = new(kind)
		k.of[key] = x
	}
	x.now++
	return x.now, x.usual
}

// Peek is what Count returns, but counts nothing.
func (k *Kinds) Peek(key rate.Key, now time.Time) (n int64, usual float64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	x := k.of[key]
	if x == nil {
		return 1, 0
	}
	if now.UnixNano()/int64(k.span) != k.slot {
		return 1, x.usual
	}
	return x.now + 1, x.usual
}

// Spans is how many spans have been learned.
func (k *Kinds) Spans() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.spans
}

// move goes on to the span of a time.
func (k *Kinds) move(now time.Time, learn bool) {
	slot := now.UnixNano() / int64(k.span)
	if slot <= k.slot {
		return
	}
	gone := min(slot-k.slot, maxGap)
	if k.slot == 0 {
		gone = 0
	}
	for key, x := range k.of {
		if learn {
			for range gone {
				x.usual += (float64(x.now) - x.usual) / k.memory
				x.now = 0
			}
		}
		if x.now = 0; x.usual < 0.01 {
			delete(k.of, key)
		}
	}
	if learn {
		k.spans += int(gone)
	}
	k.slot = slot
}

// dropRarest drops the rarest of a few kinds.
func (k *Kinds) dropRarest() {
	const looked = 16
	var rarest rate.Key
	least, n := -1.0, 0
	for key, x := range k.of {
		if weight := x.usual + float64(x.now); least < 0 || weight < least {
			rarest, least = key, weight
		}
		if n++; n == looked {
			break
		}
	}
	delete(k.of, rarest)
}
