package residency

import (
	"testing"
	"time"
)

func TestReleasesAreDueAfterWork(t *testing.T) {
	var w watch
	var used time.Duration
	for i, c := range []struct {
		used time.Duration // in the interval
		due  bool
	}{
		{0, false}, // idle, but nothing was done
		{time.Second, false},
		{20 * time.Millisecond, true},
		{20 * time.Millisecond, false}, // nothing was done since
		{250 * time.Millisecond, false},
		{350 * time.Millisecond, false},
		{time.Minute, false},
		{0, true},
		{0, false},
	} {
		used += c.used
		if due := w.due(used); due != c.due {
			t.Errorf("interval %d: due %v", i, due)
		}
	}
}
