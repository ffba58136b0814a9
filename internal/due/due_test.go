package due_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"fastness/internal/clock"
	"fastness/internal/due"
	"fastness/internal/store"
	"fastness/internal/store/pebble"
	"fastness/internal/store/table"

	"github.com/cockroachdb/pebble/v2/vfs"
)

var noon = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

// house is a store with a queue and a clock that stands at noon.
type house struct {
	t     *testing.T
	fs    *vfs.MemFS
	store *pebble.Store
	queue *due.Queue
	clock *clock.Manual
	stop  func() error // ends the runner
}

func newHouse(t *testing.T) *house {
	h := &house{t: t, fs: vfs.NewCrashableMem(), clock: clock.NewManual(noon)}
	h.open()
	t.Cleanup(func() {
		h.halt()
		h.must(h.store.Close())
	})
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) open() {
	var err error
	h.store, err = pebble.Open("data", pebble.Options{FS: h.fs})
	h.must(err)
	h.queue, err = due.NewQueue(table.NewRegistry())
	h.must(err)
}

// crash is kill -9 and a new start without a runner.
func (h *house) crash() {
	fs := h.fs.CrashClone(vfs.CrashCloneCfg{})
	h.halt()
	h.must(h.store.Close())
	h.fs = fs
	h.open()
}

func (h *house) start(handlers map[string]due.Handler) {
	r, err := due.NewRunner(h.store, h.queue, handlers, due.Options{Clock: h.clock})
	h.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	h.stop = func() error { cancel(); return <-ended }
}

func (h *house) halt() {
	if h.stop == nil {
		return
	}
	if err := h.stop(); !errors.Is(err, context.Canceled) && !errors.Is(err, store.ErrClosed) {
		h.t.Errorf("Run: %v", err)
	}
	h.stop = nil
}

func (h *house) update(f func(store.Txn) error) {
	h.t.Helper()
	_, err := h.store.Update(h.t.Context(), f)
	h.must(err)
}

func (h *house) schedule(kind, id string, at time.Time) {
	h.t.Helper()
	h.update(func(tx store.Txn) error { return h.queue.Schedule(tx, due.Job{Kind: kind, ID: id, At: at}) })
}

// job is the job as it lies in the store; ok is false when there is none.
func (h *house) job(kind, id string) (j due.Job, ok bool) {
	h.t.Helper()
	err := h.store.View(h.t.Context(), func(r store.Reader) (err error) { j, err = h.queue.Get(r, kind, id); return err })
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		h.t.Fatal(err)
	}
	return j, err == nil
}

// until watches the store until ok holds.
func (h *house) until(ok func() bool) {
	h.t.Helper()
	var rev store.Revision
	h.must(h.store.View(h.t.Context(), func(r store.Reader) error { rev = r.Revision(); return nil }))
	w, err := h.store.Watch(h.t.Context(), nil, rev)
	h.must(err)
	defer w.Close()
	for !ok() {
		_, err := w.Next(h.t.Context())
		h.must(err)
	}
}

func (h *house) gone(kind, id string) func() bool {
	return func() bool { _, ok := h.job(kind, id); return !ok }
}

// diary writes a line for each run, in the transaction of the job.
func diary(ctx context.Context, tx store.Txn, j due.Job) error {
	key := []byte("diary/" + j.Kind + "/" + j.ID)
	it, err := tx.Get(key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return tx.Put(key, append(it.Value, 'x'))
}

func (h *house) runs(kind, id string) int {
	n := 0
	h.must(h.store.View(h.t.Context(), func(r store.Reader) error {
		it, err := r.Get([]byte("diary/" + kind + "/" + id))
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		n = len(it.Value)
		return err
	}))
	return n
}

func TestJobRunsAtItsTime(t *testing.T) {
	h := newHouse(t)
	h.schedule("note", "a", noon.Add(time.Hour))
	h.start(map[string]due.Handler{"note": {RunInTxn: diary}})
	h.must(h.clock.AwaitWaiters(t.Context(), 1))
	h.clock.Advance(time.Hour - time.Nanosecond)
	if n := h.runs("note", "a"); n != 0 {
		t.Fatalf("ran %d times before its time", n)
	}
	h.clock.Advance(time.Nanosecond)
	h.until(h.gone("note", "a"))
	if n := h.runs("note", "a"); n != 1 {
		t.Errorf("ran %d times", n)
	}
}

func TestEarlierJobWakesTheRunner(t *testing.T) {
	h := newHouse(t)
	h.schedule("note", "late", noon.Add(24*time.Hour))
	h.start(map[string]due.Handler{"note": {RunInTxn: diary}})
	h.must(h.clock.AwaitWaiters(t.Context(), 1))
	h.schedule("note", "now", noon) // the clock does not move
	h.until(h.gone("note", "now"))
	if n := h.runs("note", "late"); n != 0 {
		t.Error("the later job ran too")
	}
}

func TestDowntimeIsCaughtUp(t *testing.T) {
	h := newHouse(t)
	const jobs = 40
	for i := range jobs {
		h.schedule("note", fmt.Sprint(i), noon.Add(time.Duration(i)*time.Minute))
	}
	h.crash()
	h.clock.Advance(24 * time.Hour)
	var mu sync.Mutex
	var order []string
	h.start(map[string]due.Handler{"note": {RunInTxn: func(ctx context.Context, tx store.Txn, j due.Job) error {
		tx.OnCommit(func(store.Revision) {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, j.ID)
		})
		return diary(ctx, tx, j)
	}}})
	for i := range jobs {
		h.until(h.gone("note", fmt.Sprint(i)))
		if n := h.runs("note", fmt.Sprint(i)); n != 1 {
			t.Errorf("job %d ran %d times", i, n)
		}
	}
	// Several run at once, and one of them may take any time; but no job is done while more than the others of those are left
	// of the ones before it.
	mu.Lock()
	defer mu.Unlock()
	for place, id := range order {
		var i int
		fmt.Sscan(id, &i)
		if i-place >= due.DefaultParallel {
			t.Errorf("job %d ran in place %d", i, place)
		}
	}
}

func TestFailuresAreTriedAgainLater(t *testing.T) {
	h := newHouse(t)
	fail := errors.New("not today")
	ran := make(chan due.Job, 16)
	h.start(map[string]due.Handler{"note": {
		RunInTxn: func(ctx context.Context, tx store.Txn, j due.Job) error {
			ran <- j
			if err := diary(ctx, tx, j); err != nil { // must be undone
				return err
			}
			switch j.Attempt {
			case 1:
				panic("oh")
			case 3:
				return nil
			}
			return fail
		},
		Retry: due.Retry{First: time.Minute, Max: 3 * time.Minute},
	}})
	h.schedule("note", "a", noon)
	at := noon
	for attempt, wait := range []time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute} {
		j := <-ran
		if j.Attempt != attempt || !j.At.Equal(at) {
			t.Errorf("attempt %d at %v, want %d at %v", j.Attempt, j.At, attempt, at)
		}
		h.until(func() bool { j, _ := h.job("note", "a"); return j.Attempt == attempt+1 })
		j, _ = h.job("note", "a")
		at = at.Add(wait)
		if !j.At.Equal(at) || j.LastError == "" || h.runs("note", "a") != 0 {
			t.Errorf("after failure %d: %+v, %d runs", attempt+1, j, h.runs("note", "a"))
		}
		if attempt == 1 {
			if !strings.Contains(j.LastError, "oh") {
				t.Errorf("last error %q", j.LastError)
			}
		}
		h.must(h.clock.AwaitWaiters(t.Context(), 1))
		h.clock.Set(at)
	}
	<-ran
	h.until(h.gone("note", "a"))
	if n := h.runs("note", "a"); n != 1 {
		t.Errorf("%d runs", n)
	}
}

func TestParkedAfterTooManyFailures(t *testing.T) {
	h := newHouse(t)
	fail := errors.New("never")
	h.start(map[string]due.Handler{"call": {
		Run:   func(context.Context, due.Job) error { return fail },
		Retry: due.Retry{First: time.Minute, Attempts: 2},
	}})
	h.schedule("call", "a", noon)
	h.until(func() bool { j, _ := h.job("call", "a"); return j.Attempt == 1 })
	h.must(h.clock.AwaitWaiters(t.Context(), 1))
	h.clock.Advance(time.Minute)
	h.until(func() bool { j, _ := h.job("call", "a"); return j.Parked })
	h.must(h.store.View(t.Context(), func(r store.Reader) error {
		jobs, err := h.queue.List(r, "call", "", 10)
		if err != nil || len(jobs) != 1 || jobs[0].LastError != "never" || jobs[0].Attempt != 2 {
			t.Errorf("list: %+v, %v", jobs, err)
		}
		jobs, err = h.queue.List(r, "call", "a", 10)
		if err != nil || len(jobs) != 0 {
			t.Errorf("list after the last: %+v, %v", jobs, err)
		}
		return nil
	}))
	h.schedule("call", "a", noon.Add(time.Hour))
	if j, _ := h.job("call", "a"); j.Parked || j.Attempt != 0 {
		t.Errorf("scheduled anew: %+v", j)
	}
}

func TestUnknownKindWaitsForItsHandler(t *testing.T) {
	h := newHouse(t)
	h.start(map[string]due.Handler{"note": {RunInTxn: diary}})
	h.schedule("new", "a", noon)
	h.schedule("note", "b", noon)
	h.until(h.gone("note", "b"))
	h.until(func() bool { j, _ := h.job("new", "a"); return j.Attempt == 1 })
	h.crash()
	h.clock.Advance(time.Hour)
	h.start(map[string]due.Handler{"new": {RunInTxn: diary}})
	h.until(h.gone("new", "a"))
}

func TestOutsideWorkIsRepeatedWhenItsEndWasNotSeen(t *testing.T) {
	h := newHouse(t)
	h.schedule("call", "a", noon)
	started, finish := make(chan due.Job), make(chan struct{})
	call := due.Handler{Run: func(ctx context.Context, j due.Job) error {
		started <- j
		<-finish
		return nil
	}}
	h.start(map[string]due.Handler{"call": call})
	<-started
	// The process dies while the call is under way: what the disk has then is what the
	// next process finds.
	fs := h.fs.CrashClone(vfs.CrashCloneCfg{})
	close(finish)
	h.halt()
	h.must(h.store.Close())
	h.fs = fs
	h.open()
	h.start(map[string]due.Handler{"call": call})
	if j := <-started; j.ID != "a" {
		t.Errorf("%+v", j)
	}
	h.until(h.gone("call", "a"))
}

func TestCancelAndReschedule(t *testing.T) {
	h := newHouse(t)
	h.schedule("note", "a", noon.Add(time.Hour))
	h.schedule("note", "b", noon.Add(time.Hour))
	h.schedule("note", "b", noon.Add(2*time.Hour)) // replaces
	h.update(func(tx store.Txn) error {
		for id, want := range map[string]bool{"a": true, "none": false} {
			if was, err := h.queue.Cancel(tx, "note", id); err != nil || was != want {
				t.Errorf("cancel %s: %v, %v", id, was, err)
			}
		}
		return nil
	})
	h.start(map[string]due.Handler{"note": {RunInTxn: diary}})
	h.schedule("note", "c", noon.Add(time.Hour))
	h.clock.Advance(time.Hour)
	h.until(h.gone("note", "c"))
	if h.runs("note", "a") != 0 || h.runs("note", "b") != 0 {
		t.Error("a cancelled or postponed job ran")
	}
	h.clock.Advance(time.Hour)
	h.until(h.gone("note", "b"))
	if n := h.runs("note", "b"); n != 1 {
		t.Errorf("%d runs", n)
	}
}

func TestHandlerSchedulesItselfAgain(t *testing.T) {
	h := newHouse(t)
	outside := make(chan time.Time, 8)
	h.start(map[string]due.Handler{
		"inside": {RunInTxn: func(ctx context.Context, tx store.Txn, j due.Job) error {
			j.At = j.At.Add(time.Hour)
			return errors.Join(diary(ctx, tx, j), h.queue.Schedule(tx, j))
		}},
		"outside": {Run: func(ctx context.Context, j due.Job) error {
			outside <- j.At
			j.At = j.At.Add(time.Hour)
			_, err := h.store.Update(ctx, func(tx store.Txn) error { return h.queue.Schedule(tx, j) })
			return err
		}},
	})
	h.schedule("inside", "a", noon)
	h.schedule("outside", "a", noon)
	for i := range 3 {
		at := noon.Add(time.Duration(i) * time.Hour)
		if got := <-outside; !got.Equal(at) {
			t.Errorf("run %d at %v", i, got)
		}
		for _, kind := range []string{"inside", "outside"} {
			h.until(func() bool { j, _ := h.job(kind, "a"); return j.At.Equal(at.Add(time.Hour)) })
		}
		h.clock.Set(at.Add(time.Hour))
	}
	if n := h.runs("inside", "a"); n < 3 {
		t.Errorf("%d runs", n)
	}
}

// A job that is cancelled while its outside work runs stays cancelled, and one that is
// changed stays as it was changed.
func TestDecisionsDuringARunStand(t *testing.T) {
	h := newHouse(t)
	started, finish := make(chan struct{}), make(chan error)
	h.start(map[string]due.Handler{"call": {Run: func(context.Context, due.Job) error {
		started <- struct{}{}
		return <-finish
	}}})
	for _, end := range []error{nil, errors.New("failed")} {
		h.schedule("call", "a", noon)
		<-started
		h.update(func(tx store.Txn) error { _, err := h.queue.Cancel(tx, "call", "a"); return err })
		h.schedule("call", "done", noon)
		<-started // of the second job: both are under way
		h.schedule("call", "done", noon.Add(time.Hour))
		finish <- end
		finish <- end
		h.schedule("call", "sign", noon) // its end tells that the others have ended
		<-started
		finish <- nil
		h.until(h.gone("call", "sign"))
		if _, ok := h.job("call", "a"); ok {
			t.Errorf("end %v: a cancelled job is back", end)
		}
		if j, ok := h.job("call", "done"); !ok || !j.At.Equal(noon.Add(time.Hour)) || j.Attempt != 0 {
			t.Errorf("end %v: the job that was changed is %+v", end, j)
		}
	}
}

func TestOneLeader(t *testing.T) {
	h := newHouse(t)
	const runners, jobs = 3, 30
	for i := range jobs {
		h.schedule("note", fmt.Sprint(i), noon)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range runners {
		r, err := due.NewRunner(h.store, h.queue, map[string]due.Handler{"note": {RunInTxn: diary}}, due.Options{Clock: h.clock})
		h.must(err)
		wg.Go(func() {
			if err := r.Run(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("Run: %v", err)
			}
		})
	}
	for i := range jobs {
		h.until(h.gone("note", fmt.Sprint(i)))
		if n := h.runs("note", fmt.Sprint(i)); n != 1 {
			t.Errorf("job %d ran %d times", i, n)
		}
	}
	cancel()
	wg.Wait()
}

func TestBadArguments(t *testing.T) {
	h := newHouse(t)
	for _, j := range []due.Job{{ID: "a", At: noon}, {Kind: "k", ID: "a"}} {
		_, err := h.store.Update(t.Context(), func(tx store.Txn) error { return h.queue.Schedule(tx, j) })
		if err == nil {
			t.Errorf("%+v was scheduled", j)
		}
	}
	both := due.Handler{RunInTxn: diary, Run: func(context.Context, due.Job) error { return nil }}
	for _, handlers := range []map[string]due.Handler{{"k": {}}, {"k": both}, {"": {RunInTxn: diary}}} {
		if _, err := due.NewRunner(h.store, h.queue, handlers, due.Options{}); err == nil {
			t.Errorf("%v was accepted", handlers)
		}
	}
	if err := func() error {
		reg := table.NewRegistry()
		if _, err := due.NewQueue(reg); err != nil {
			return err
		}
		_, err := due.NewQueue(reg)
		return err
	}(); !errors.Is(err, table.ErrDefinition) {
		t.Errorf("a second queue: %v", err)
	}
}
