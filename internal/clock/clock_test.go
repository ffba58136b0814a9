package clock

import (
	"context"
	"testing"
	"time"
)

func TestManualReleasesWaitersInDeadlineOrder(t *testing.T) {
	start := time.Date(2024, 2, 28, 23, 0, 0, 0, time.UTC)
	m := NewManual(start)
	late, stopLate := m.After(2 * time.Hour)
	defer stopLate()
	early, stopEarly := m.After(time.Hour)
	defer stopEarly()
	m.Advance(90 * time.Minute)
	select {
	case <-early:
	default:
		t.Fatal("the waiter of one hour was not released after ninety minutes")
	}
	select {
	case <-late:
		t.Fatal("the waiter of two hours was released after ninety minutes")
	default:
	}
	m.Set(start) // backward: ignored
	if got := m.Now(); !got.Equal(start.Add(90 * time.Minute)) {
		t.Fatalf("clock went backward to %v", got)
	}
}

func TestManualSleepEndsWithContext(t *testing.T) {
	m := NewManual(time.Unix(0, 0))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Sleep(ctx, time.Hour) }()
	if err := m.AwaitWaiters(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err != context.Canceled {
		t.Fatalf("Sleep returned %v, want context.Canceled", err)
	}
}

func TestSystemSleepOfZeroReturnsAtOnce(t *testing.T) {
	if err := (System{}).Sleep(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
}
