package eventlog_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"fastness/internal/clock"
	"fastness/internal/eventlog"
	"fastness/internal/store"
	"fastness/internal/store/pebble"
	"fastness/internal/store/table"

	"github.com/cockroachdb/pebble/v2/vfs"
)

var noon = time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC)

// here is where most events of these tests happen.
var here = eventlog.Place{Account: "123456789012", Region: "eu-central-1"}

// house is a store with a log, on a clock that stands at noon.
type house struct {
	*testing.T
	fs      *vfs.MemFS
	retain  int
	options eventlog.Options
	clock   *clock.Manual
	store   *pebble.Store
	tables  *table.Registry
	log     *eventlog.Log
	stop    func()
}

func newHouse(t *testing.T, adjust ...func(*house)) *house {
	t.Helper()
	h := &house{T: t, fs: vfs.NewCrashableMem(), clock: clock.NewManual(noon)}
	for _, f := range adjust {
		f(h)
	}
	h.options.Clock = h.clock
	h.open()
	t.Cleanup(func() {
		h.halt()
		h.fsck()
		h.must(h.store.Close())
	})
	return h
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) open() {
	var err error
	h.store, err = pebble.Open("data", pebble.Options{FS: h.fs, RetainCommits: h.retain})
	h.must(err)
	h.tables = table.NewRegistry()
	h.log, err = eventlog.Open(h.store, h.tables, h.options)
	h.must(err)
}

// crash is kill -9 and a new start, without anything that runs.
func (h *house) crash() {
	fs := h.fs.CrashClone(vfs.CrashCloneCfg{})
	h.halt()
	h.must(h.store.Close())
	h.fs = fs
	h.open()
}

// run numbers events in the background.
func (h *house) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.log.Run(ctx) }()
	h.stop = func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			h.Error(err)
		}
	}
}

func (h *house) halt() {
	if h.stop != nil {
		h.stop()
		h.stop = nil
	}
}

func (h *house) fsck() {
	h.Helper()
	problems, err := store.Fsck(context.WithoutCancel(h.Context()), h.store, append(slices.DeleteFunc(h.tables.Checks(), func(c store.Check) bool { return c.Name == "tables" }), h.log.Check())...)
	h.must(err)
	for _, p := range problems {
		h.Errorf("%s: %s (%x)", p.Check, p.Text, p.Key)
	}
}

func (h *house) update(f func(store.Txn) error) {
	h.Helper()
	_, err := h.store.Update(h.Context(), f)
	h.must(err)
}

// note is an event about a number.
func note(p eventlog.Place, n int) eventlog.Event {
	return eventlog.Event{
		Account: p.Account, Region: p.Region, Source: "aws.ssm", DetailType: "Parameter Store Change",
		Resources: []string{"arn:aws:ssm:" + p.Region + ":" + p.Account + ":parameter/n"},
		Detail:    json.RawMessage(fmt.Sprintf(`{"n": %d}`, n)),
	}
}

func number(t testing.TB, e eventlog.Entry) int {
	t.Helper()
	var d struct{ N int }
	if err := json.Unmarshal(e.Event.Detail, &d); err != nil {
		t.Fatal(err)
	}
	return d.N
}

func (h *house) append(events ...eventlog.Event) {
	h.Helper()
	h.update(func(tx store.Txn) error { return h.log.Append(tx, events...) })
}

func (h *house) sequence() int {
	h.Helper()
	n, err := h.log.Sequence(h.Context())
	h.must(err)
	return n
}

// read returns all of a place.
func (h *house) read(p eventlog.Place, after eventlog.Cursor) []eventlog.Entry {
	h.Helper()
	var all []eventlog.Entry
	for {
		page, err := h.log.Read(h.Context(), p, after, eventlog.MaxRead)
		h.must(err)
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
		after = page[len(page)-1].Sequence
	}
}

// mustHold checks that the events of a place after a cursor are those of the numbers,
// in order.
func (h *house) mustHold(p eventlog.Place, after eventlog.Cursor, numbers ...int) {
	h.Helper()
	var got []int
	for i, e := range h.read(p, after) {
		if want := after + eventlog.Cursor(i+1); e.Sequence != want {
			h.Errorf("event %d of %v has number %d", want, p, e.Sequence)
		}
		if e.Place() != p {
			h.Errorf("an event of %v among those of %v", e.Place(), p)
		}
		got = append(got, number(h, e))
	}
	if !slices.Equal(got, numbers) {
		h.Errorf("%v after %d holds %v, not %v", p, after, got, numbers)
	}
}
