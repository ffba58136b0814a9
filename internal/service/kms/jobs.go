package kms

import (
	"context"
	"fmt"
	"strings"
	"time"

	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/keyslot"
	"fastness/internal/store"
)

// Jobs keeps work for later, durably. A job has a kind and an id; it runs once, in a
// transaction, at its time or soon after (a restart does not lose it), and is gone when
// that transaction commits.
type Jobs interface {
	// Schedule has the job run at the given time, in place of any earlier appointment of
	// the same kind and id. It counts if tx commits.
	Schedule(tx store.Txn, kind, id string, at time.Time) error
	// Cancel forgets the job; a job that is not there is no error.
	Cancel(tx store.Txn, kind, id string) error
}

// JobHandler does a job within tx. As with every transaction it may run more than
// once.
type JobHandler func(ctx context.Context, tx store.Txn, id string) error

// The kinds of jobs.
const (
	jobRotate    = "kms.rotate"    // id: a key; rotate its material
	jobExpire    = "kms.expire"    // id: a material; delete it
	jobShred     = "kms.shred"     // id: a slot; destroy it
	jobReplicate = "kms.replicate" // id: a replica key in creation; finish it
)

// JobHandlers are the service's jobs by kind.
func (s *Service) JobHandlers() map[string]JobHandler {
	return map[string]JobHandler{
		jobRotate:    s.rotateDue,
		jobExpire:    s.expireDue,
		jobShred:     s.shredDue,
		jobReplicate: s.replicateDue,
	}
}

// jobID makes one id of several names, none of which holds a slash.
func jobID(parts ...string) string { return strings.Join(parts, "/") }

// keyOfJob reads the id of a job about a key, and what follows it.
func keyOfJob(id string) (name keyName, rest string, err error) {
	parts := strings.SplitN(id, "/", 4)
	if len(parts) < 3 {
		return name, "", fmt.Errorf("kms: malformed job id %q", id)
	}
	if len(parts) == 4 {
		rest = parts[3]
	}
	return keyName{parts[0], parts[1], parts[2]}, rest, nil
}

func (k *keyRecord) name() keyName { return keyName{k.Account, k.Region, k.ID} }

func (n keyName) jobID() string { return jobID(n.account, n.region, n.id) }

// discard has a material's slot shredded as soon as the transaction is durable. The
// caller takes the slot out of the record, or removes the record, in the same
// transaction: from its commit on nothing refers to the slot, and the job outlives a
// crash before the shredding.
func (s *Service) discard(tx store.Txn, slot keyslot.SlotID) error {
	if slot.IsZero() {
		return nil
	}
	return s.jobs.Schedule(tx, jobShred, slot.String(), s.clock.Now())
}

// shredDue destroys a slot. Shredding twice is no error, so a transaction that is
// retried or lost after the shredding does no harm.
func (s *Service) shredDue(ctx context.Context, _ store.Txn, id string) error {
	var slot keyslot.SlotID
	if err := slot.UnmarshalText([]byte(id)); err != nil {
		return fmt.Errorf("kms: job %q: %w", id, err)
	}
	return s.slots.Shred(ctx, slot)
}

// saveIn writes a key record in a transaction and lets calls see it after the commit.
func (s *Service) saveIn(tx store.Txn, k *keyRecord) error {
	if err := s.tables.keys.Put(tx, k); err != nil {
		return err
	}
	if err := s.tables.putRef(tx, k); err != nil {
		return err
	}
	s.changedIn(tx, k.name())
	return nil
}

// changedIn lets calls see a key anew once the transaction has committed.
func (s *Service) changedIn(tx store.Txn, name keyName) {
	tx.OnCommit(func(store.Revision) { s.directory.changed(name) })
}

// record adds a service event about a key to the history: something KMS did on its
// own.
func (s *Service) record(tx store.Txn, k *keyRecord, event string, details ...call.Note) error {
	return s.audit.AppendTxn(tx, audit.ServiceRecord(audit.ServiceEvent{
		Account: k.Account, Region: k.Region, Source: "kms.amazonaws.com", Name: event, Time: s.clock.Now().UTC(),
		Resources: []audit.Resource{{Type: typeKey, ARN: k.arn(), Account: k.Account}},
		Details:   append(details, call.Note{Name: "keyId", Value: k.ID}),
	}))
}
