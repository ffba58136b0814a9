package due

import (
	"context"
	"errors"
	"fmt"

	"fastness/internal/store"
	"fastness/internal/store/table"
)

// errGone says that the job was cancelled, changed or done by someone else.
var errGone = errors.New("due: job has changed")

// maxErrorText bounds Job.LastError.
const maxErrorText = 512

// run does one attempt of a job and notes how it ended.
func (r *Runner) run(ctx context.Context, lease store.Lease, t task) {
	h, ok := r.handlers[t.job.Kind]
	var err error
	switch {
	case !ok:
		err = errors.New("no handler for this kind")
	case h.RunInTxn != nil:
		err = r.runInTxn(ctx, lease, h, t)
	default:
		if err = protect(func() error { return h.Run(ctx, t.job) }); err == nil {
			err = r.acknowledge(ctx, lease, t)
		}
	}
	if err == nil || r.moot(ctx, err) {
		return
	}
	r.opts.Logger.Warn("due: job failed", "kind", t.job.Kind, "id", t.job.ID, "attempt", t.job.Attempt+1, "error", err)
	if err := r.postpone(ctx, lease, h.Retry, t, err); err != nil && !r.moot(ctx, err) {
		// The row is as it was, so the job is still due and will be found again.
		r.opts.Logger.Warn("due: failure was not recorded", "kind", t.job.Kind, "id", t.job.ID, "error", err)
	}
}

// moot reports that err says nothing about the job: it is gone, or this runner no
// longer leads. Whoever leads next finds the job as it was.
func (r *Runner) moot(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, errGone) || errors.Is(err, store.ErrFenced) ||
		errors.Is(err, store.ErrClosed) || errors.Is(err, store.ErrFailed)
}

// protect turns a panic of a handler into an error: one bad job must not end the
// process that all services share.
func protect(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("handler panicked: %v", v)
		}
	}()
	return f()
}

// take removes the job in tx, if it is still the one that was found.
func (r *Runner) take(tx store.Txn, lease store.Lease, t task) error {
	tx.Fence(lease)
	row, err := r.queue.jobs.GetRow(tx, table.Scope{}, jobID(t.job.Kind, t.job.ID)...)
	if errors.Is(err, store.ErrNotFound) {
		return errGone
	}
	if err != nil {
		return err
	}
	if row.Revision != t.rev {
		return errGone
	}
	return r.queue.jobs.Delete(tx, table.Scope{}, jobID(t.job.Kind, t.job.ID)...)
}

func (r *Runner) runInTxn(ctx context.Context, lease store.Lease, h Handler, t task) error {
	return protect(func() error {
		_, err := r.store.Update(ctx, func(tx store.Txn) error {
			// The row goes first, so that the handler can put it back for another time.
			if err := r.take(tx, lease, t); err != nil {
				return err
			}
			return h.RunInTxn(ctx, tx, t.job)
		})
		return err
	})
}

// acknowledge removes a job that ran.
func (r *Runner) acknowledge(ctx context.Context, lease store.Lease, t task) error {
	_, err := r.store.Update(ctx, func(tx store.Txn) error { return r.take(tx, lease, t) })
	return err
}

// postpone notes a failure and sets the time of the next attempt.
func (r *Runner) postpone(ctx context.Context, lease store.Lease, retry Retry, t task, cause error) error {
	_, err := r.store.Update(ctx, func(tx store.Txn) error {
		if err := r.take(tx, lease, t); err != nil {
			return err
		}
		j := t.job
		j.Attempt++
		j.LastError = cause.Error()
		if len(j.LastError) > maxErrorText {
			j.LastError = j.LastError[:maxErrorText]
		}
		j.Parked = retry.Attempts > 0 && j.Attempt >= retry.Attempts
		j.At = r.opts.Clock.Now().UTC().Add(retry.delay(j.Attempt))
		return r.queue.jobs.Insert(tx, &j)
	})
	return err
}
