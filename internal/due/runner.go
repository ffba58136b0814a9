package due

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"fastness/internal/clock"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// Handler does the work of one kind of job. Exactly one of RunInTxn and Run is set.
type Handler struct {
	// RunInTxn works in the transaction that removes the job. Like every function of an
	// Update it may run more than once before one run counts. It may schedule the same
	// job again for a later time. What it returns as error undoes what it wrote.
	RunInTxn func(ctx context.Context, tx store.Txn, j Job) error
	// Run works outside the store. The job is removed after it returned nil, unless it
	// was scheduled again meanwhile. The context ends when the runner loses its lease.
	Run func(ctx context.Context, j Job) error
	// Retry tells what happens after a failure.
	Retry Retry
}

// Retry is how a kind of job is tried again: after First, then after twice that, and
// so on up to Max.
type Retry struct {
	First, Max time.Duration // 0 means DefaultRetryFirst and DefaultRetryMax
	// Attempts is the number of failures after which a job is parked; 0 means never.
	Attempts int
}

// Defaults of Retry and Options.
const (
	DefaultRetryFirst = time.Second
	DefaultRetryMax   = time.Hour
	DefaultParallel   = 8
	DefaultLeaseTTL   = 10 * time.Second
)

// delay is the wait after the given number of failures, from 1.
func (r Retry) delay(failures int) time.Duration {
	first, top := r.First, r.Max
	if first <= 0 {
		first = DefaultRetryFirst
	}
	if top <= 0 {
		top = DefaultRetryMax
	}
	d := first
	for i := 1; i < failures && d < top; i++ {
		d *= 2
	}
	return min(d, top)
}

// Options of a Runner.
type Options struct {
	// Clock tells when jobs are due; nil means the system's clock.
	Clock clock.Clock
	// Logger receives failures of jobs; nil means nowhere.
	Logger *slog.Logger
	// Parallel is the number of jobs that run at the same time; 0 means
	// DefaultParallel.
	Parallel int
	// LeaseTTL is how long a leader that stopped keeps others waiting; 0 means
	// DefaultLeaseTTL.
	LeaseTTL time.Duration
}

// Runner runs the jobs of a queue while it leads.
type Runner struct {
	store    store.Store
	queue    *Queue
	handlers map[string]Handler
	opts     Options
}

// NewRunner returns a runner of q's jobs in s. handlers is by kind.
func NewRunner(s store.Store, q *Queue, handlers map[string]Handler, opts Options) (*Runner, error) {
	for kind, h := range handlers {
		if kind == "" || (h.RunInTxn == nil) == (h.Run == nil) {
			return nil, fmt.Errorf("due: handler of kind %q: needs exactly one of RunInTxn and Run", kind)
		}
	}
	if opts.Clock == nil {
		opts.Clock = clock.System{}
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Parallel <= 0 {
		opts.Parallel = DefaultParallel
	}
	if opts.LeaseTTL <= 0 {
		opts.LeaseTTL = DefaultLeaseTTL
	}
	return &Runner{store: s, queue: q, handlers: handlers, opts: opts}, nil
}

// Run campaigns for the lease and runs jobs while it holds it, again and again, until
// ctx is done or the store closes or fails; it returns why. It waits for the jobs that
// are under way.
func (r *Runner) Run(ctx context.Context) error {
	for {
		lease, err := r.store.Campaign(ctx, r.queue.lease, r.opts.LeaseTTL)
		if err == nil {
			err = r.lead(ctx, lease)
			release(ctx, lease)
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, store.ErrClosed), errors.Is(err, store.ErrFailed):
			return fmt.Errorf("due: %w", err)
		case err != nil:
			r.opts.Logger.Warn("due: runner starts over", "error", err)
			if err := r.opts.Clock.Sleep(ctx, DefaultRetryFirst); err != nil {
				return err
			}
		}
	}
}

// release gives the lease up also when ctx is done, so that the next leader need not
// wait for its end.
func release(ctx context.Context, l store.Lease) {
	// An error means that the lease is lost already.
	_ = l.Release(context.WithoutCancel(ctx))
}

// task is a job that was found to be due.
type task struct {
	job Job
	rev store.Revision // of the row: another revision is another decision
}

func (t task) key() string { return t.job.Kind + "\x00" + t.job.ID }

// lead runs jobs until the lease is lost (nil) or something fails.
func (r *Runner) lead(ctx context.Context, lease store.Lease) error {
	ctx, cancel := context.WithCancel(ctx)
	busy := make(map[string]bool)
	finished := make(chan string, r.opts.Parallel)
	defer func() {
		cancel()
		for len(busy) > 0 {
			delete(busy, <-finished)
		}
	}()
	go func() {
		select {
		case <-lease.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	changed, watchErr := make(chan struct{}, 1), make(chan error, 1)
	if err := r.follow(ctx, changed, watchErr); err != nil {
		return err
	}
	for {
		tasks, next, err := r.due(ctx, busy)
		if err != nil {
			return leadErr(ctx, lease, err)
		}
		for _, t := range tasks {
			busy[t.key()] = true
			go func() {
				r.run(ctx, lease, t)
				finished <- t.key()
			}()
		}
		var timer <-chan time.Time
		stop := func() {}
		if !next.IsZero() {
			timer, stop = r.opts.Clock.After(next.Sub(r.opts.Clock.Now()))
		}
		select {
		case <-timer:
		case <-changed:
		case key := <-finished:
			delete(busy, key)
		case err = <-watchErr:
		case <-ctx.Done():
			err = ctx.Err()
		}
		stop()
		if err != nil {
			return leadErr(ctx, lease, err)
		}
	}
}

// leadErr is nil when the lease was lost, which is no failure.
func leadErr(ctx context.Context, lease store.Lease, err error) error {
	select {
	case <-lease.Done():
		if ctx.Err() != nil && !errors.Is(err, store.ErrClosed) && !errors.Is(err, store.ErrFailed) {
			return nil
		}
	default:
	}
	return err
}

// follow signals changed whenever a job is written.
func (r *Runner) follow(ctx context.Context, changed chan<- struct{}, failed chan<- error) error {
	var rev store.Revision
	err := r.store.View(ctx, func(rd store.Reader) error { rev = rd.Revision(); return nil })
	if err != nil {
		return err
	}
	w, err := r.store.Watch(ctx, r.queue.jobs.Key(table.Scope{}), rev)
	if err != nil {
		return err
	}
	go func() {
		defer w.Close()
		for {
			if _, err := w.Next(ctx); err != nil {
				failed <- err // the leader looks at everything when it starts over
				return
			}
			select {
			case changed <- struct{}{}:
			default:
			}
		}
	}()
	return nil
}

// due returns the jobs whose time has come, as many as may start now, and the time of
// the first one that is not due yet (zero: none, or no room for more).
func (r *Runner) due(ctx context.Context, busy map[string]bool) (tasks []task, next time.Time, err error) {
	now := r.opts.Clock.Now()
	err = r.store.View(ctx, func(rd store.Reader) error {
		for row, err := range r.queue.jobs.ScanIndex(rd, table.Scope{}, indexAt, table.Page{}) {
			if err != nil {
				return err
			}
			t := task{job: *row.Record, rev: row.Revision}
			switch {
			case t.job.At.After(now):
				next = t.job.At
				return nil
			case busy[t.key()]:
			default:
				tasks = append(tasks, t)
			}
			if len(busy)+len(tasks) >= r.opts.Parallel {
				return nil
			}
		}
		return nil
	})
	return tasks, next, err
}
