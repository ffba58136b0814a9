package clock

import (
	"context"
	"sync"
	"time"
)

// Manual is a clock that stands still until Advance or Set moves it. Waiters whose
// time has come are released in the order of their deadlines.
type Manual struct {
	mu      sync.Mutex
	now     time.Time
	waiters []*waiter
	changed chan struct{} // closed and replaced whenever a waiter is added
}

type waiter struct {
	at time.Time
	ch chan time.Time
}

var _ Clock = (*Manual)(nil)

// NewManual returns a clock that shows start.
func NewManual(start time.Time) *Manual {
	return &Manual{now: start, changed: make(chan struct{})}
}

// Now is the time the clock was last set to.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Advance moves the clock forward by d (never backward).
func (m *Manual) Advance(d time.Duration) { m.Set(m.Now().Add(d)) }

// Set moves the clock to t and releases every waiter whose time has come. A t
// before the current time is ignored.
func (m *Manual) Set(t time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t.Before(m.now) {
		return
	}
	m.now = t
	for {
		next := -1
		for i, w := range m.waiters {
			if !w.at.After(t) && (next < 0 || w.at.Before(m.waiters[next].at)) {
				next = i
			}
		}
		if next < 0 {
			return
		}
		w := m.waiters[next]
		m.waiters = append(m.waiters[:next], m.waiters[next+1:]...)
		w.ch <- t // buffered: a waiter receives once
	}
}

// Sleep waits until the clock has been moved by d.
func (m *Manual) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	ch, stop := m.After(d)
	defer stop()
	select {
	case <-ch:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// After delivers the time when the clock has been moved by d.
func (m *Manual) After(d time.Duration) (<-chan time.Time, func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := &waiter{at: m.now.Add(d), ch: make(chan time.Time, 1)}
	if d <= 0 {
		w.ch <- m.now
		return w.ch, func() {}
	}
	m.waiters = append(m.waiters, w)
	close(m.changed)
	m.changed = make(chan struct{})
	return w.ch, func() { m.drop(w) }
}

func (m *Manual) drop(w *waiter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, o := range m.waiters {
		if o == w {
			m.waiters = append(m.waiters[:i], m.waiters[i+1:]...)
			return
		}
	}
}

// AwaitWaiters blocks until at least n waiters stand in line, so that a test can be
// sure that what it started is waiting before it moves the clock.
func (m *Manual) AwaitWaiters(ctx context.Context, n int) error {
	for {
		m.mu.Lock()
		have, changed := len(m.waiters), m.changed
		m.mu.Unlock()
		if have >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
