package clock

import (
	"context"
	"time"
)

// Clock tells the time and waits for it.
type Clock interface {
	// Now is the current time.
	Now() time.Time
	// Sleep waits until d has passed or ctx is done, and then returns ctx.Err().
	Sleep(ctx context.Context, d time.Duration) error
	// After delivers the time once, when d has passed. The returned stop function
	// releases the timer; it is safe to call more than once.
	After(d time.Duration) (ch <-chan time.Time, stop func())
}

// System is the wall clock of the machine.
type System struct{}

var _ Clock = System{}

// Now is time.Now.
func (System) Now() time.Time { return time.Now() }

// Sleep waits on the wall clock.
func (System) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// After is a timer on the wall clock.
func (System) After(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}
