package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"fastness/internal/audit"
	"fastness/internal/clock"
	"fastness/internal/due"
	"fastness/internal/eventlog"
	"fastness/internal/keyslot"
	"fastness/internal/seal"
	"fastness/internal/store"
)

// The kinds of the house's own jobs.
const (
	jobKeys        = "upkeep.keys"        // rotate, rewrap and drop domain keys
	jobHistory     = "upkeep.history"     // forget what is older than the event history
	jobEvents      = "upkeep.events"      // trim the event log
	jobCertificate = "upkeep.certificate" // renew the server's certificate
	jobSlots       = "upkeep.slots"       // destroy key slots that failed calls left behind
)

const (
	// DefaultKeyRotation is how often each domain key gets a new version.
	DefaultKeyRotation = 24 * time.Hour
	// MinKeyRotation bounds it from below: an old version is kept longer than an hour.
	MinKeyRotation = 2 * time.Hour
	// daily is the interval of the other jobs, but for key slots.
	daily = 24 * time.Hour
	// sweepEvery is the interval of the sweeps of key slots.
	sweepEvery = time.Hour
	// trimEvery is the interval in which the event log is trimmed.
	trimEvery = time.Hour
	// againIn is when the work on keys goes on that could not be ended, because a value
	// was written under the old key in the very moment of the rotation.
	againIn = 10 * time.Minute
	// rewrapStep is how many values or slots are looked at in one step.
	rewrapStep = 4096
	// historyStep is how many batches of the history one transaction removes.
	historyStep = store.MaxTxnOps
)

// How long old versions of a domain key are kept, by what they seal. What is in the
// store and the slots is sealed again, so nothing needs them after the moment of the
// rotation; what callers hold goes out of use by itself.
const (
	// Sessions live at most 36 hours and import tokens 24, but nothing ends a grant token
	// as long as its grant is there.
	keepTokenKeys = 30 * 24 * time.Hour
	// A listing that is not continued for two days begins anew.
	keepPageKeys = 48 * time.Hour
)

// keyLine is what upkeep does with the versions of one purpose.
type keyLine struct {
	purpose string
	// rewrap seals everything again that is sealed with an old version; nil means that
	// what was sealed is with callers.
	rewrap func(context.Context) error
	// keep is how long a version is kept after it was replaced.
	keep time.Duration
}

// upkeep is the daily work of the house, which jobs of the due queue trigger.
type upkeep struct {
	ring    *seal.Keyring
	sealed  *seal.Store
	slots   *keyslot.File
	history *audit.Log
	events  *eventlog.Log
	queue   *due.Queue
	// certificate renews the server's certificate; nil when the operator gave one.
	certificate func(context.Context) error
	// sweep destroys key slots that no record names.
	sweep func(context.Context) (int, error)
	// changing is held while domain keys change: a backup wants the store and the slots
	// of one state of the keys.
	changing *sync.Mutex
	every    time.Duration
	clock    clock.Clock
	log      *slog.Logger
}

// lines are the purposes in use. The order does not matter.
func (u *upkeep) lines() []keyLine {
	return []keyLine{
		{purpose: seal.PurposeStore, rewrap: u.rewrapStore, keep: seal.DefaultDropDelay},
		{purpose: seal.PurposeKeyslot, rewrap: u.rewrapSlots, keep: seal.DefaultDropDelay},
		{purpose: seal.PurposeToken, keep: keepTokenKeys},
		{purpose: seal.PurposePage, keep: keepPageKeys},
	}
}

// handlers are the handlers of the house's own jobs. All bear to run again.
func (u *upkeep) handlers() map[string]due.Handler {
	repeat := func(work func(context.Context) (next time.Time, err error)) due.Handler {
		return due.Handler{
			Run: func(ctx context.Context, j due.Job) error {
				next, err := work(ctx)
				if err != nil {
					return err
				}
				_, err = u.sealed.Update(ctx, func(tx store.Txn) error {
					return u.queue.Schedule(tx, due.Job{Kind: j.Kind, At: next})
				})
				return err
			},
			Retry: due.Retry{First: time.Minute, Max: time.Hour},
		}
	}
	return map[string]due.Handler{
		jobKeys:    repeat(u.turnKeys),
		jobHistory: repeat(u.forgetHistory),
		jobEvents: repeat(func(ctx context.Context) (time.Time, error) {
			_, err := u.events.Trim(ctx)
			return u.clock.Now().Add(trimEvery), err
		}),
		jobCertificate: repeat(func(ctx context.Context) (time.Time, error) {
			if u.certificate == nil {
				return u.clock.Now().Add(daily), nil
			}
			return u.clock.Now().Add(daily), u.certificate(ctx)
		}),
		jobSlots: repeat(func(ctx context.Context) (time.Time, error) {
			n, err := u.sweep(ctx)
			if n > 0 {
				u.log.Info("destroyed key slots that no key uses", "count", n)
			}
			return u.clock.Now().Add(sweepEvery), err
		}),
	}
}

// schedule puts the jobs into the queue that are not there, and makes those earlier
// that are later than the configuration wants.
func (u *upkeep) schedule(ctx context.Context) error {
	intervals := map[string]time.Duration{jobKeys: u.every, jobHistory: daily, jobEvents: trimEvery, jobCertificate: daily, jobSlots: sweepEvery}
	_, err := u.sealed.Update(ctx, func(tx store.Txn) error {
		for kind, interval := range intervals {
			at := u.clock.Now().Add(interval)
			j, err := u.queue.Get(tx, kind, "")
			switch {
			case err == nil && !j.Parked && !j.At.After(at):
				continue
			case err != nil && !errors.Is(err, store.ErrNotFound):
				return err
			}
			if err := u.queue.Schedule(tx, due.Job{Kind: kind, At: at}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("app: scheduling the upkeep: %w", err)
	}
	return nil
}

// turnKeys rotates the domain keys that are old enough, seals again what old versions
// sealed, and drops the versions that nothing needs any more. What it does follows from
// the keyring alone, so it goes on wherever a crash left it. It returns when there is
// something to do next.
func (u *upkeep) turnKeys(ctx context.Context) (next time.Time, err error) {
	next = u.clock.Now().Add(u.every)
	for _, l := range u.lines() {
		at, err := u.turnLine(ctx, l)
		if err != nil {
			return time.Time{}, fmt.Errorf("app: domain key %q: %w", l.purpose, err)
		}
		if at.Before(next) {
			next = at
		}
	}
	return next, nil
}

func (u *upkeep) turnLine(ctx context.Context, l keyLine) (next time.Time, err error) {
	versions, err := u.ring.Versions(l.purpose)
	if err != nil {
		return next, err
	}
	now := u.clock.Now()
	if active := versions[len(versions)-1]; now.Sub(active.Created) >= u.every {
		if err := u.rotate(ctx, l.purpose); err != nil {
			return next, err
		}
		if versions, err = u.ring.Versions(l.purpose); err != nil {
			return next, err
		}
	}
	next = versions[len(versions)-1].Created.Add(u.every)
	if len(versions) == 1 {
		return next, nil
	}
	if l.rewrap != nil {
		if err := l.rewrap(ctx); err != nil {
			return next, err
		}
	}
	for i, v := range versions[:len(versions)-1] {
		at := versions[i+1].Created.Add(l.keep)
		if now.Before(at) {
			return earlier(next, at), nil // later versions were replaced later
		}
		err := u.drop(ctx, l.purpose, v.Version)
		if errors.Is(err, seal.ErrInUse) {
			u.log.Info("an old domain key is still in use", "purpose", l.purpose, "version", v.Version, "error", err)
			return earlier(next, now.Add(againIn)), nil
		}
		if err != nil {
			return next, err
		}
	}
	return next, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (u *upkeep) rotate(ctx context.Context, purpose string) error {
	u.changing.Lock()
	defer u.changing.Unlock()
	version, err := u.ring.Rotate(ctx, purpose)
	if err != nil {
		return err
	}
	u.log.Info("rotated a domain key", "purpose", purpose, "version", version)
	return nil
}

func (u *upkeep) drop(ctx context.Context, purpose string, version uint32) error {
	u.changing.Lock()
	defer u.changing.Unlock()
	if err := u.ring.Drop(ctx, purpose, version); err != nil {
		return err
	}
	u.log.Info("dropped an old domain key", "purpose", purpose, "version", version)
	return nil
}

func (u *upkeep) rewrapStore(ctx context.Context) error {
	// A row that is sealed again counts as new. Events that wait for their numbers wait in
	// the order of their revisions, so none must be among those rows.
	if _, err := u.events.Sequence(ctx); err != nil {
		return err
	}
	var after []byte
	for {
		p, err := u.sealed.Rewrap(ctx, after, rewrapStep)
		if err != nil {
			return err
		}
		if p.Done {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		after = p.Next
	}
}

func (u *upkeep) rewrapSlots(ctx context.Context) error {
	for {
		_, more, err := u.slots.Rewrap(ctx, rewrapStep)
		if err != nil || !more {
			return err
		}
	}
}

// forgetHistory removes what is older than the event history goes back.
func (u *upkeep) forgetHistory(ctx context.Context) (next time.Time, err error) {
	for {
		n, err := u.history.DeleteExpired(ctx, historyStep)
		if err != nil {
			return next, fmt.Errorf("app: event history: %w", err)
		}
		if n < historyStep {
			return u.clock.Now().Add(daily), nil
		}
	}
}
