package app

import (
	"context"
	"errors"
	"fmt"

	"fastness/internal/audit"
	"fastness/internal/due"
	"fastness/internal/eventlog"
	"fastness/internal/keyslot"
	"fastness/internal/seal"
	"fastness/internal/service/acm"
	"fastness/internal/service/cloudwatch"
	"fastness/internal/service/elbv2"
	"fastness/internal/service/iam"
	"fastness/internal/service/kms"
	"fastness/internal/service/logs"
	"fastness/internal/service/secretsmanager"
	"fastness/internal/service/ssm"
	"fastness/internal/service/wafv2"
	"fastness/internal/service/xksproxy"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// Fsck examines the data of a stopped server and returns what is wrong, a line each:
// the files of the store, that every record opens and decodes, that records agree with
// each other, and that each KMS key has its slot. It repairs nothing that a start of
// the server would not repair.
func Fsck(ctx context.Context, c Config) (problems []string, err error) {
	s, err := openStopped(&c, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	f := &fsck{stopped: s}
	if err := f.add(store.Fsck(ctx, s.inner)); err != nil || len(f.problems) > 0 {
		return f.problems, err // what follows would read the same damaged files
	}
	ring, err := s.unseal(ctx)
	if err != nil {
		return f.problems, fmt.Errorf("the files of the store are whole, but the records in it could not be examined: %w", err)
	}
	sealed := ring.Store(s.inner)
	if err := f.add(f.values(ctx, sealed)); err != nil || len(f.problems) > 0 {
		return f.problems, err
	}
	return f.problems, f.records(ctx, ring, sealed)
}

type fsck struct {
	*stopped
	problems []string
}

func (f *fsck) say(format string, args ...any) {
	f.problems = append(f.problems, fmt.Sprintf(format, args...))
}

func (f *fsck) add(found []store.Problem, err error) error {
	for _, p := range found {
		if len(p.Key) > 0 {
			f.say("%s: %s (key %q)", p.Check, p.Text, p.Key)
		} else {
			f.say("%s: %s", p.Check, p.Text)
		}
	}
	return err
}

// values opens every sealed value.
func (f *fsck) values(ctx context.Context, sealed *seal.Store) ([]store.Problem, error) {
	var found []store.Problem
	err := f.inner.View(ctx, func(inner store.Reader) error {
		return sealed.View(ctx, func(r store.Reader) error {
			for item, err := range inner.Scan(store.Range{}) {
				if err != nil {
					return err
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				_, err := r.Get(item.Key)
				// The keyring record is not for readers of the sealed store.
				if err != nil && !errors.Is(err, store.ErrNotFound) && len(found) < store.MaxProblems {
					found = append(found, store.Problem{Check: "sealed values", Key: item.Key, Text: err.Error()})
				}
			}
			return nil
		})
	})
	return found, err
}

// records examines what is in the values.
func (f *fsck) records(ctx context.Context, ring *seal.Keyring, sealed *seal.Store) error {
	registry := table.NewRegistry()
	own, err := newRecords(registry)
	if err != nil {
		return err
	}
	if _, err := due.NewQueue(registry); err != nil {
		return err
	}
	if err := errors.Join(audit.Reserve(registry), kms.Register(registry), secretsmanager.Register(registry), ssm.Register(registry), xksproxy.Register(registry),
		wafv2.Register(registry), elbv2.Register(registry), acm.Register(registry), logs.Register(registry), cloudwatch.Register(registry)); err != nil {
		return err
	}
	events, err := eventlog.Open(sealed, registry, eventlog.Options{Clock: f.config.Clock})
	if err != nil {
		return err
	}
	if _, err := iam.OpenDirectory(ctx, sealed, registry, f.config.Clock); err != nil {
		f.say("iam: %v", err)
	}
	slots, err := openSlots(ctx, f.config, ring, sealed, f.arena, own)
	if err != nil {
		f.say("key slots: %v", err)
		return f.add(f.consistency(ctx, sealed, registry.Checks(), []store.Check{events.Check()}, secretsmanager.Checks(), kms.Checks(nil)))
	}
	err = f.add(f.consistency(ctx, sealed, registry.Checks(), []store.Check{events.Check()}, secretsmanager.Checks(), kms.Checks(slots)))
	return errors.Join(err, f.slots(ctx, sealed, slots), slots.Close())
}

// consistency runs checks on the opened values.
func (f *fsck) consistency(ctx context.Context, sealed store.Store, checks ...[]store.Check) ([]store.Problem, error) {
	var all []store.Check
	for _, c := range checks {
		all = append(all, c...)
	}
	return store.Fsck(ctx, sealed, all...)
}

// slots compares the file of key slots with the records. Slots that no record names
// are no problem: the next start destroys them.
func (f *fsck) slots(ctx context.Context, sealed store.Store, slots *keyslot.File) error {
	refs, err := references(ctx, sealed)
	if err != nil {
		return err
	}
	report, err := slots.Check(ctx, refs)
	if err != nil {
		return err
	}
	for _, i := range report.Damaged {
		f.say("key slots: both copies of slot %d are damaged", i)
	}
	for _, id := range report.Missing {
		f.say("key slots: slot %s is gone, but a key needs it", id)
	}
	for _, id := range report.Unopenable {
		f.say("key slots: slot %s does not open", id)
	}
	return nil
}
