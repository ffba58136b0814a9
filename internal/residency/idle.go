package residency

import (
	"context"
	"time"

	"fastness/internal/clock"
)

const (
	interval = 30 * time.Second
	// idleTime is the processor time in an interval up to which the process was idle: 1 % of
	// a core. Timers and what they run take a quarter of it.
	idleTime = 300 * time.Millisecond
)

// WhileIdle calls ReleaseProgram after each interval (30 s) in which the process was idle, if
// it was not idle in the one before. It returns when ctx ends, or with the first error.
func WhileIdle(ctx context.Context, c clock.Clock) error {
	w := watch{last: used()}
	for c.Sleep(ctx, interval) == nil {
		if !w.due(used()) {
			continue
		}
		if err := ReleaseProgram(); err != nil {
			return err
		}
	}
	return nil
}

// watch sees the processor time of the process once an interval.
type watch struct {
	last time.Duration
	busy bool // in the interval before
}

// due tells whether the interval that ends was idle and follows one that was not.
func (w *watch) due(used time.Duration) bool {
	busy := used-w.last > idleTime
	due := w.busy && !busy
	w.last, w.busy = used, busy
	return due
}
