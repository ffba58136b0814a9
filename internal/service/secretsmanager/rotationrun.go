package secretsmanager

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fastness/internal/due"
	"fastness/internal/store"
)

// RunRotations carries rotations out while this process leads, until ctx is done.
func (s *Service) RunRotations(ctx context.Context) error {
	return s.rotation.run(ctx)
}

func (e *rotationEngine) run(ctx context.Context) error {
	handlers := map[string]due.Handler{jobRotation: {Run: e.carryOn, Retry: due.Retry{First: time.Second, Max: time.Minute}}}
	runner, err := due.NewRunner(e.store, e.queue, handlers, due.Options{Clock: e.clock, Logger: e.log, Parallel: rotationWorkers})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	for {
		select {
		case err := <-done:
			return err
		case name := <-e.again:
			if err := e.restart(ctx, name); err != nil && ctx.Err() == nil {
				e.log.Error("a rotation was not attempted again", "secret", name.name, "error", err)
			}
		}
	}
}

// carryOn is one attempt at a rotation, from the step in its journal on. An error means
// that the store failed; what happens in a step goes to the journal.
func (e *rotationEngine) carryOn(ctx context.Context, job due.Job) error {
	s, j, at, err := e.underWay(ctx, job.ID)
	if err != nil || j == nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	gone, err := e.follow(ctx, j, at, stop)
	if err != nil {
		return err
	}
	defer gone()
	for step := j.Step; ; {
		err := e.step(ctx, s, j, step)
		if errors.Is(context.Cause(ctx), errSuperseded) {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err() // the process ends or leads no more: the journal stays
		}
		if err != nil {
			return current(e.failed(ctx, j, step, err))
		}
		if step = j.after(step); step == "" {
			break
		}
		// testSecret changes nothing, so nobody who comes after a crash has to know that it
		// was begun: they do the step before it again, and find its effects there.
		if step == stepTest {
			continue
		}
		if j, err = e.advance(ctx, j, step); err != nil {
			return current(err)
		}
	}
	return current(e.complete(ctx, j))
}

// current forgives an attempt that something else has overtaken.
func current(err error) error {
	if errors.Is(err, errSuperseded) {
		return nil
	}
	return err
}

// underWay reads the rotation of a job; j is nil when there is nothing to do.
func (e *rotationEngine) underWay(ctx context.Context, id string) (s *secretRecord, j *journalRecord, at store.Revision, err error) {
	err = e.store.View(ctx, func(r store.Reader) error {
		at = r.Revision()
		if s, err = e.secretOfJob(r, id); err != nil || s == nil {
			return err
		}
		j, err = e.tables.rotation(r, s)
		return err
	})
	if err != nil || !j.running() {
		return s, nil, at, err
	}
	return s, j, at, nil
}

// follow ends an attempt when its journal goes, or becomes that of another rotation.
func (e *rotationEngine) follow(ctx context.Context, j *journalRecord, at store.Revision, stop context.CancelCauseFunc) (func(), error) {
	w, err := e.store.Watch(ctx, e.tables.journals.Key(j.at().scope(), parts(j.Secret)...), at)
	if err != nil {
		return nil, err
	}
	token := j.Token
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := w.Next(ctx)
			if err != nil {
				if errors.Is(err, store.ErrCompacted) { // cannot tell: begin anew
					stop(err)
				}
				return
			}
			for _, change := range c.Changes {
				now, ok, err := e.tables.journals.Decode(change)
				if err == nil && ok && (now.Record == nil || now.Record.Token != token || !now.Record.running()) {
					stop(errSuperseded)
				}
			}
		}
	}()
	return func() { w.Close(); <-ended }, nil
}

// step runs the function for a step: the journal's, or the test behind it.
func (e *rotationEngine) step(ctx context.Context, s *secretRecord, j *journalRecord, step rotationStep) (err error) {
	defer func() {
		// The value of a panic may hold secrets.
		if v := recover(); v != nil {
			err = fmt.Errorf("the rotation function panicked (%T)", v)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	if s.Rotation == nil {
		return errors.New("the secret has no rotation function")
	}
	t := &rotationTarget{account: j.Account, region: j.Region, secret: j.Secret, token: j.Token, current: j.Current, function: s.Rotation.Function}
	f, err := e.function(ctx, t.function, s)
	if err != nil {
		return err
	}
	if j.Test && step == stepCreate {
		return e.copyCurrent(ctx, t)
	}
	return f.run(ctx, step, t)
}

// change works on a rotation and its secret in a transaction, if the rotation is still
// what the attempt believes: the same version, at the same step. Otherwise it returns
// errSuperseded. f says whether it changed the secret.
func (e *rotationEngine) change(ctx context.Context, j *journalRecord, f func(tx store.Txn, s *secretRecord, now *journalRecord) (saved bool, err error)) error {
	_, err := e.store.Update(ctx, func(tx store.Txn) error {
		s, err := e.secretOfJob(tx, j.id())
		if err != nil {
			return err
		}
		if s == nil {
			return errSuperseded // whoever removed the secret removed its journal
		}
		now, err := e.tables.rotation(tx, s)
		if err != nil {
			return err
		}
		if now == nil || now.Token != j.Token || now.Step != j.Step || !now.Started.Equal(j.Started) {
			return errSuperseded
		}
		saved, err := f(tx, s, now)
		if err != nil || !saved {
			return err
		}
		return e.save(ctx, tx, s)
	})
	return err
}

// advance writes the next step down, before it is begun.
func (e *rotationEngine) advance(ctx context.Context, j *journalRecord, step rotationStep) (next *journalRecord, err error) {
	abandoned := false
	err = e.change(ctx, j, func(tx store.Txn, s *secretRecord, now *journalRecord) (bool, error) {
		next, abandoned = now, false
		if s.Stages[stagePending] != j.Token && s.Stages[stageCurrent] != j.Token {
			abandoned = true
			return true, e.abandon(tx, s, now, "AWSPENDING was taken off the version of the rotation.")
		}
		now.Step = step
		return false, e.tables.journals.Put(tx, now)
	})
	if err == nil && abandoned {
		err = errSuperseded
	}
	return next, err
}

// notFinished is the failure of a function that has left AWSCURRENT where it was.
var errNotFinished = errors.New("finishSecret did not move AWSCURRENT to the new version")

// complete ends a rotation that has succeeded: AWSPENDING goes, and the next window is
// counted from now.
func (e *rotationEngine) complete(ctx context.Context, j *journalRecord) error {
	err := e.change(ctx, j, func(tx store.Txn, s *secretRecord, now *journalRecord) (bool, error) {
		if j.Test {
			if err := e.dropPending(tx, s, now); err != nil {
				return false, err
			}
		} else {
			if s.Stages[stageCurrent] != j.Token {
				return false, errNotFinished
			}
			if s.Stages[stagePending] == j.Token {
				delete(s.Stages, stagePending)
			}
			s.LastRotated = e.clock.Now().UTC()
			if err := s.measure(s.LastRotated); err != nil {
				return false, err
			}
			if err := e.plan(tx, s); err != nil {
				return false, err
			}
		}
		if err := e.end(tx, now); err != nil {
			return false, err
		}
		return true, e.rotationEvent(tx, now, j.event(eventRotationSucceeded, eventTestSucceeded), "", "")
	})
	if errors.Is(err, errNotFinished) {
		return e.failed(ctx, j, stepFinish, err)
	}
	return err
}

// failed notes that an attempt failed. It is repeated from the first step on, later, as
// often as the limits and the window allow; then the rotation has failed. A test is not
// repeated.
func (e *rotationEngine) failed(ctx context.Context, j *journalRecord, step rotationStep, cause error) error {
	e.log.Warn("a rotation step failed", "secret", secretARN(j.Account, j.Region, j.Secret), "step", string(step), "failures", j.Failures+1, "error", cause)
	return e.change(ctx, j, func(tx store.Txn, s *secretRecord, now *journalRecord) (bool, error) {
		now.Failures++
		now.Error = shortened(cause.Error())
		at := e.clock.Now().UTC().Add(rotationDelay(now.Failures))
		if !now.Test && now.Failures <= maxRotationRetries && (now.Deadline.IsZero() || at.Before(now.Deadline)) {
			now.Step = stepCreate
			if err := e.tables.journals.Put(tx, now); err != nil {
				return false, err
			}
			return false, e.queue.Schedule(tx, due.Job{Kind: jobRotation, ID: now.id(), At: at})
		}
		function := ""
		if s.Rotation != nil {
			function = s.Rotation.Function
		}
		failure := "Error when executing lambda " + function + " during " + string(step) + " step"
		if err := e.rotationEvent(tx, now, j.event(eventRotationFailed, eventTestFailed), failure, now.Error); err != nil {
			return false, err
		}
		if now.Test {
			if err := e.dropPending(tx, s, now); err != nil {
				return false, err
			}
			return true, e.end(tx, now)
		}
		now.Step = stepFailed
		if err := e.tables.journals.Put(tx, now); err != nil {
			return false, err
		}
		if _, err := e.queue.Cancel(tx, jobRotation, now.id()); err != nil {
			return false, err
		}
		return true, e.plan(tx, s)
	})
}

// rotationDelay is the wait after the given number of failures, from 1.
func rotationDelay(failures int) time.Duration {
	d := firstRotationRetry
	for range failures - 1 {
		d *= 4
	}
	return d
}

// maxRotationError bounds what is kept of an error, in bytes.
const maxRotationError = 512

func shortened(text string) string {
	if len(text) > maxRotationError {
		return text[:maxRotationError]
	}
	return text
}
