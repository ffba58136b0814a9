package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fastness/internal/due"
	"fastness/internal/eventlog"
	"fastness/internal/seal"
	"fastness/internal/store"
)

// emit appends events to the server's log as a service does, in a transaction of the
// sealed store.
func (a *App) emit(t *testing.T, events ...eventlog.Event) {
	t.Helper()
	a.mu.Lock()
	log := a.rooms.events
	a.mu.Unlock()
	ring, err := a.unsealer.Keyring()
	if err != nil {
		t.Fatal(err)
	}
	_, err = ring.Store(a.inner).Update(t.Context(), func(tx store.Txn) error { return log.Append(tx, events...) })
	if err != nil {
		t.Fatal(err)
	}
}

func change(account, region, operation string) eventlog.Event {
	return eventlog.Event{
		Account: account, Region: region, Source: "aws.ssm", DetailType: "Parameter Store Change",
		Resources: []string{"arn:aws:ssm:" + region + ":" + account + ":parameter/p"},
		Detail:    json.RawMessage(`{"operation": "` + operation + `", "name":"p"}`),
	}
}

func (a *App) operator(t *testing.T) *Operator {
	t.Helper()
	path, err := SocketPath(a.config)
	if err != nil {
		t.Fatal(err)
	}
	return NewOperator(path)
}

// operation is that of an event, or its raw text.
func operation(line EventLine) string {
	var e struct{ Detail struct{ Operation string } }
	if json.Unmarshal(line.Event, &e) != nil || e.Detail.Operation == "" {
		return string(line.Event)
	}
	return e.Detail.Operation
}

// operations asks for events that are there.
func operations(t *testing.T, o *Operator, q EventsQuery) []string {
	t.Helper()
	var all []string
	err := o.Events(t.Context(), q, func(line EventLine) error {
		all = append(all, operation(line))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// follower collects what a query that follows sees.
type follower struct {
	lines chan EventLine
	ended chan error
	stop  context.CancelFunc
}

func followEvents(t *testing.T, o *Operator, q EventsQuery) *follower {
	// The server ends it at the latest.
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	f := &follower{lines: make(chan EventLine, 100), ended: make(chan error, 1), stop: cancel}
	q.Follow = true
	go func() {
		f.ended <- o.Events(ctx, q, func(line EventLine) error { f.lines <- line; return nil })
	}()
	return f
}

func (f *follower) expect(t *testing.T, want ...string) {
	t.Helper()
	for _, w := range want {
		select {
		case line := <-f.lines:
			if got := operation(line); got != w {
				t.Fatalf("%s instead of %s", got, w)
			}
		case err := <-f.ended:
			t.Fatalf("ended with %v before %s", err, w)
		case <-time.After(time.Minute):
			t.Fatalf("no %s", w)
		}
	}
}

func (f *follower) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-f.ended:
		return err
	case <-time.After(time.Minute):
		t.Fatal("the follower did not end")
		return nil
	}
}

func TestOperatorSeesEvents(t *testing.T) {
	a := startDev(t)
	o := a.operator(t)
	all := EventsQuery{Last: 10}
	if got := operations(t, o, all); len(got) != 0 {
		t.Errorf("an empty log has %v", got)
	}
	everything := followEvents(t, o, all)
	a.emit(t, change("111111111111", "us-east-1", "Create"))
	a.emit(t, change("222222222222", "us-east-1", "Update"), change("111111111111", "eu-central-1", "Delete"))
	// Events of two places have no order of their own until they were recorded.
	var seen []string
	for range 3 {
		seen = append(seen, operation(<-everything.lines))
	}
	slices.Sort(seen)
	if !slices.Equal(seen, []string{"Create", "Delete", "Update"}) {
		t.Fatalf("followed %v", seen)
	}
	for _, c := range []struct {
		query EventsQuery
		want  []string
	}{
		{EventsQuery{Last: 1, Account: "111111111111", Region: "us-east-1"}, []string{"Create"}},
		{EventsQuery{Last: 10, Account: "222222222222"}, []string{"Update"}},
		{EventsQuery{Last: 10, Region: "eu-central-1"}, []string{"Delete"}},
		{EventsQuery{Last: 10, Account: "333333333333"}, nil},
		{EventsQuery{Last: 0}, nil},
	} {
		if got := operations(t, o, c.query); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, not %v", c.query, got, c.want)
		}
	}
	if got := operations(t, o, all); len(got) != 3 || got[0] != "Create" {
		t.Errorf("all are %v", got)
	}
	one := followEvents(t, o, EventsQuery{Last: 1, Account: "111111111111", Region: "us-east-1"})
	one.expect(t, "Create")
	a.emit(t, change("111111111111", "us-east-1", "LabelParameterVersion"), change("222222222222", "us-east-1", "Update"), change("111111111111", "us-east-1", "Delete"))
	one.expect(t, "LabelParameterVersion", "Delete")
	for _, n := range []int{-1, MaxLastEvents + 1} {
		if err := o.Events(t.Context(), EventsQuery{Last: n}, nil); err == nil || !strings.Contains(err.Error(), "number of events") {
			t.Errorf("%d events: %v", n, err)
		}
	}
	one.stop()
	if err := one.end(t); !errors.Is(err, context.Canceled) {
		t.Errorf("an interrupted follower: %v", err)
	}
	// A reset does not wait for followers, and ends them.
	if err := a.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := everything.end(t); !errors.Is(err, ErrEventsEnded) {
		t.Errorf("after a reset: %v", err)
	}
	if got := operations(t, o, all); len(got) != 0 {
		t.Errorf("after a reset there are %v", got)
	}
}

// A stop does not wait for followers, either.
func TestStopEndsFollowers(t *testing.T) {
	var last *follower
	var began time.Time
	t.Cleanup(func() { // after the stop
		if err := last.end(t); !errors.Is(err, ErrEventsEnded) {
			t.Errorf("after a stop: %v", err)
		}
		if waited := time.Since(began); waited > drainTimeout/2 {
			t.Errorf("the stop took %v", waited)
		}
	})
	a := startDev(t)
	t.Cleanup(func() { began = time.Now() }) // before the stop
	last = followEvents(t, a.operator(t), EventsQuery{Last: 1})
	a.emit(t, change("111111111111", "us-east-1", "Create"))
	last.expect(t, "Create")
}

func TestASealedServerShowsNoEvents(t *testing.T) {
	a := startDev(t)
	o := a.operator(t)
	f := followEvents(t, o, EventsQuery{Last: 1})
	a.emit(t, change("111111111111", "us-east-1", "Create"))
	f.expect(t, "Create")
	if err := a.Seal(); err != nil {
		t.Fatal(err)
	}
	if err := f.end(t); !errors.Is(err, ErrEventsEnded) {
		t.Errorf("the follower: %v", err)
	}
	if err := o.Events(t.Context(), EventsQuery{Last: 1}, nil); err == nil || err.Error() != seal.ErrSealed.Error() {
		t.Errorf("sealed: %v", err)
	}
	if err := a.Unseal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := operations(t, o, EventsQuery{Last: 1}); !slices.Equal(got, []string{"Create"}) {
		t.Errorf("unsealed: %v", got)
	}
}

// What events hold is sealed, also while they wait for their numbers, and the largest
// event there is fits beside its change.
func TestEventsAreSealed(t *testing.T) {
	c := newCellar(t)
	const canary = "canary-3f9a2d"
	e := change("111111111111", "us-east-1", canary)
	c.must(update(c, e))
	_, err := c.events.Sequence(t.Context())
	c.must(err)
	e.Detail = json.RawMessage(`{"operation":"` + canary + strings.Repeat("x", eventlog.MaxEntryBytes-400) + `"}`)
	_, err = c.sealed.Update(t.Context(), func(tx store.Txn) error {
		return errors.Join(tx.Put([]byte("\x01change"), make([]byte, 64<<10)), c.events.Append(tx, e))
	})
	c.must(err)
	c.must(update(c, change("111111111111", "us-east-1", canary)))
	n, err := c.events.Sequence(t.Context())
	c.must(err)
	events, err := c.events.Read(t.Context(), eventlog.Place{Account: "111111111111", Region: "us-east-1"}, 0, 10)
	c.must(err)
	if n != 2 || len(events) != 3 || !bytes.Equal(events[1].Event.Detail, e.Detail) {
		t.Fatalf("%d were numbered, %d are there", n, len(events))
	}
	var files int
	c.must(filepath.WalkDir(c.config.DataDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte(canary)) {
			t.Errorf("%s holds an event in the clear", path)
		}
		return err
	}))
	if files < 3 {
		t.Errorf("only %d files were searched", files)
	}
}

func update(c *cellar, events ...eventlog.Event) error {
	_, err := c.sealed.Update(c.Context(), func(tx store.Txn) error { return c.events.Append(tx, events...) })
	return err
}

// Events that wait for their numbers keep their order when the store is sealed again.
func TestRewrapKeepsTheOrderOfEvents(t *testing.T) {
	c := newCellar(t)
	u := c.upkeep(c.slots())
	for i := range 5 {
		c.must(update(c, change("111111111111", "us-east-1", fmt.Sprint(i))))
	}
	c.clock.Advance(DefaultKeyRotation)
	_, err := u.turnKeys(t.Context())
	c.must(err)
	c.must(update(c, change("111111111111", "us-east-1", "5")))
	_, err = c.events.Sequence(t.Context())
	c.must(err)
	events, err := c.events.Read(t.Context(), eventlog.Place{Account: "111111111111", Region: "us-east-1"}, 0, 10)
	c.must(err)
	for i, e := range events {
		if !strings.Contains(string(e.Event.Detail), fmt.Sprintf(`"%d"`, i)) {
			t.Errorf("event %d is %s", i, e.Event.Detail)
		}
	}
	if len(events) != 6 {
		t.Errorf("%d events", len(events))
	}
}

func TestUpkeepTrimsEvents(t *testing.T) {
	c := newCellar(t)
	u := c.upkeep(c.slots())
	c.must(update(c, change("111111111111", "us-east-1", "Create")))
	_, err := c.events.Sequence(t.Context())
	c.must(err)
	c.must(u.schedule(t.Context()))
	j, err := dueJob(c, jobEvents)
	c.must(err)
	if want := testTime.Add(trimEvery); !j.At.Equal(want) {
		t.Errorf("due at %v, not %v", j.At, want)
	}
	c.clock.Advance(eventlog.DefaultMaxAge + time.Second)
	c.must(u.handlers()[jobEvents].Run(t.Context(), j))
	list, err := c.events.Extents(t.Context(), eventlog.Filter{})
	c.must(err)
	if len(list) != 1 || list[0].From != 1 || list[0].To != 1 {
		t.Errorf("what is left: %v", list)
	}
	if j, err = dueJob(c, jobEvents); err != nil || !j.At.Equal(c.clock.Now().Add(trimEvery)) {
		t.Errorf("next at %v, %v", j.At, err)
	}
}

func dueJob(c *cellar, kind string) (j due.Job, err error) {
	err = c.sealed.View(c.Context(), func(r store.Reader) error {
		j, err = c.queue.Get(r, kind, "")
		return err
	})
	return j, err
}
