package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"fastness/internal/eventlog"
	"fastness/internal/store"
)

// next is Next with a bound, which only matters when something hangs.
func next(t *testing.T, f *eventlog.Follower) eventlog.Entry {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	e, err := f.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// A follower gets what was there and what comes, once and in order, while events of
// other places come, too.
func TestWatch(t *testing.T) {
	h := newHouse(t)
	other := eventlog.Place{Account: here.Account, Region: "us-east-1"}
	h.append(note(here, 0), note(here, 1), note(other, 100), note(here, 2))
	h.sequence()
	f, err := h.log.Watch(t.Context(), here, 1)
	h.must(err)
	defer f.Close()
	h.run()
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 3; n < 60; n++ {
			if _, err := h.store.Update(t.Context(), func(tx store.Txn) error { return h.log.Append(tx, note(other, n), note(here, n)) }); err != nil {
				t.Error(err)
			}
		}
	})
	for n := 1; n < 60; n++ {
		e := next(t, f)
		if number(t, e) != n || e.Sequence != eventlog.Cursor(n+1) || e.Place() != here {
			t.Fatalf("event %d of %v is about %d, not %d", e.Sequence, e.Place(), number(t, e), n)
		}
	}
	wg.Wait()
	if at := f.Positions(); len(at) != 1 || at[here] != 60 {
		t.Errorf("positions are %v", at)
	}
}

// A follower of everything meets places that appear while it follows.
func TestFollowEverything(t *testing.T) {
	h := newHouse(t)
	h.run()
	f, err := h.log.Follow(t.Context(), eventlog.Filter{}, nil)
	h.must(err)
	defer f.Close()
	want := map[eventlog.Place]int{}
	for n := range 60 {
		p := eventlog.Place{Account: fmt.Sprint(n % 5), Region: "eu-central-1"}
		h.append(note(p, want[p]))
		want[p]++
	}
	got := map[eventlog.Place]int{}
	for range 60 {
		e := next(t, f)
		if number(t, e) != got[e.Place()] {
			t.Fatalf("%v: %d instead of %d", e.Place(), number(t, e), got[e.Place()])
		}
		got[e.Place()]++
	}
	for p, n := range want {
		if got[p] != n {
			t.Errorf("%v: %d events, not %d", p, got[p], n)
		}
	}
}

// What the store no longer keeps for watchers is in the log: a follower that fell far
// behind has no gap, and neither does one that comes back after a restart.
func TestASlowFollowerHasNoGap(t *testing.T) {
	h := newHouse(t, func(h *house) { h.retain = 20 })
	h.append(note(here, 0))
	h.sequence()
	f, err := h.log.Watch(t.Context(), here, 0)
	h.must(err)
	defer f.Close()
	if e := next(t, f); number(t, e) != 0 {
		t.Fatalf("first is %d", number(t, e))
	}
	const n = 1500
	for i := 1; i < n; i++ {
		h.append(note(here, i))
		if i%10 == 0 {
			h.sequence()
		}
	}
	h.sequence()
	for i := 1; i < n; i++ {
		if e := next(t, f); number(t, e) != i {
			t.Fatalf("%d instead of %d", number(t, e), i)
		}
	}
	at := f.Positions()
	h.append(note(here, n))
	h.sequence()
	h.crash()
	h.append(note(here, n+1))
	h.sequence()
	f, err = h.log.Follow(t.Context(), eventlog.Filter(here), at)
	h.must(err)
	defer f.Close()
	for i := n; i < n+2; i++ {
		if e := next(t, f); number(t, e) != i {
			t.Fatalf("after the restart: %d instead of %d", number(t, e), i)
		}
	}
}

func TestAFollowerEnds(t *testing.T) {
	h := newHouse(t)
	f, err := h.log.Watch(t.Context(), here, 0)
	h.must(err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	f.Close()
	if _, err := f.Next(t.Context()); !errors.Is(err, store.ErrClosed) {
		t.Error(err)
	}
}

func TestRunEndsWithTheStore(t *testing.T) {
	h := newHouse(t)
	ended := make(chan error, 1)
	go func() { ended <- h.log.Run(t.Context()) }()
	f, err := h.log.Watch(t.Context(), here, 0)
	h.must(err)
	h.append(note(here, 1))
	next(t, f) // it runs
	h.must(h.store.Close())
	if err := <-ended; !errors.Is(err, store.ErrClosed) {
		t.Error(err)
	}
	h.open() // for the cleanup
}

func TestRetention(t *testing.T) {
	h := newHouse(t, func(h *house) { h.options.MaxAge, h.options.MaxEvents = 24*time.Hour, 200 })
	other := eventlog.Place{Account: here.Account, Region: "us-east-1"}
	large := note(here, 0)
	large.Detail = fmt.Appendf(nil, `{"n":0,"x":"%0700000d"}`, 0)
	h.append(large)
	h.append(note(other, 0))
	h.clock.Advance(12 * time.Hour)
	for n := 1; n < 300; n++ {
		h.append(note(here, n))
	}
	h.sequence()
	f, err := h.log.Watch(t.Context(), here, 50)
	h.must(err)
	defer f.Close()

	trim := func(want int) {
		t.Helper()
		n, err := h.log.Trim(t.Context())
		h.must(err)
		if n != want {
			t.Errorf("%d events were removed, not %d", n, want)
		}
		h.fsck()
	}
	// By number: 300 events, 200 stay. Two transactions do it.
	trim(100)
	trim(0)
	if first := h.read(here, 0)[0]; first.Sequence != 101 {
		t.Errorf("the oldest is %d", first.Sequence)
	}
	for cursor, want := range map[eventlog.Cursor]error{1: eventlog.ErrTrimmed, 99: eventlog.ErrTrimmed, 100: nil} {
		if _, err := h.log.Read(t.Context(), here, cursor, 1); !errors.Is(err, want) {
			t.Errorf("after %d: %v", cursor, err)
		}
	}
	if _, err := f.Next(t.Context()); !errors.Is(err, eventlog.ErrTrimmed) {
		t.Errorf("a follower behind the oldest: %v", err)
	}
	h.mustHold(other, 0, 0)

	// By age: to the second.
	h.clock.Advance(12 * time.Hour)
	trim(0)
	h.clock.Advance(time.Second)
	trim(1)
	h.mustHold(other, 0)
	h.append(note(other, 7))
	h.clock.Advance(12 * time.Hour)
	trim(200)
	h.sequence()

	// Numbers go on where they were, also over a restart.
	h.crash()
	h.append(note(here, 300))
	h.sequence()
	if e := h.read(here, 300); len(e) != 1 || e[0].Sequence != 301 || number(t, e[0]) != 300 {
		t.Errorf("after all was trimmed: %v", e)
	}
	h.mustHold(other, 1, 7)
}
