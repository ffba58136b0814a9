package account

import (
	"sync"
	"time"

	"fastness/internal/engine/waf/rate"
)

// streaks are since when keys have been seen again and again, without a longer pause. Their number is
// bounded; a new one takes the place of one that has paused too long, or else of any.
type streaks struct {
	pause time.Duration
	max   int

	mu sync.Mutex
	of map[rate.Key]streak
}

type streak struct{ first, last time.Time }

func newStreaks(max int, pause time.Duration) *streaks {
	return &streaks{pause: pause, max: max, of: make(map[rate.Key]streak)}
}

// lasts is how long the streak of a key has lasted that is seen now.
func (s *streaks) lasts(key rate.Key, now time.Time, peek bool) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, known := s.of[key]
	if !known || now.Sub(x.last) > s.pause {
		x.first = now
	}
	x.last = now
	if peek {
		return now.Sub(x.first)
	}
	if !known && len(s.of) >= s.max {
		s.makeRoom(now)
	}
	s.of[key] = x
	return now.Sub(x.first)
}

// makeRoom drops what a few of the streaks are that have ended, or one that has not.
func (s *streaks) makeRoom(now time.Time) {
	const looked = 16
	n, last := 0, rate.Key{}
	dropped := false
	for key, x := range s.of {
		if now.Sub(x.last) > s.pause {
			delete(s.of, key)
			dropped = true
		}
		last = key
		if n++; n == looked {
			break
		}
	}
	if !dropped {
		delete(s.of, last)
	}
}
