package http1

import (
	"sync"
	"sync/atomic"
	"time"
)

// tickPeriod is how often deadlines are looked at. A time limit ends at most one period
// early, never late.
const tickPeriod = 500 * time.Millisecond

const (
	// noLimit is the tick of a deadline that never comes.
	noLimit int64 = 0
	// expired is the tick of a deadline that came.
	expired int64 = -1
)

// longAgo is a deadline that unblocks whoever reads or writes.
var longAgo = time.Unix(1, 0)

// deadline is a time limit of one direction of a connection. To move it costs one
// atomic store, where a deadline of the net package costs a lock and a change of the
// runtime's timers; so one goroutine looks at all of them now and then instead (watch).
type deadline struct {
	tick atomic.Int64
	mu   sync.Mutex // orders the two callers of set
	set  func(time.Time) error
}

// arm moves the deadline. When it had come, the connection works again.
func (d *deadline) arm(tick int64) {
	if d.tick.Swap(tick) == expired {
		d.mu.Lock()
		_ = d.set(time.Time{})
		d.mu.Unlock()
	}
}

// check has the deadline come if it is due at tick.
func (d *deadline) check(tick int64) {
	at := d.tick.Load()
	if at == noLimit || at == expired || at > tick {
		return
	}
	d.mu.Lock()
	if d.tick.CompareAndSwap(at, expired) {
		_ = d.set(longAgo)
	}
	d.mu.Unlock()
}

// expire has the deadline come at once.
func (d *deadline) expire() {
	d.mu.Lock()
	d.tick.Store(expired)
	_ = d.set(longAgo)
	d.mu.Unlock()
}

// after is the tick that is limit from now, or rather up to one period before.
func (s *Server) after(limit time.Duration) int64 { return s.tick.Load() + periods(limit) }

func periods(limit time.Duration) int64 { return max(1, int64(limit/tickPeriod)) }

// watch looks at the deadlines of all connections until the server has ended.
func (s *Server) watch() {
	defer close(s.unwatched)
	start := time.Now()
	t := time.NewTicker(tickPeriod)
	defer t.Stop()
	for {
		select {
		case <-s.ended:
			return
		case <-t.C:
		}
		tick := 1 + int64(time.Since(start)/tickPeriod)
		s.tick.Store(tick)
		s.mu.Lock()
		for c := range s.conns {
			c.readBy.check(tick)
			c.writeBy.check(tick)
			c.gone.check(tick)
		}
		s.mu.Unlock()
	}
}
