package kms

import (
	"context"
	"fmt"
	"strings"
	"time"

	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/due"
	"fastness/internal/keyslot"
	"fastness/internal/store"
)

// Jobs keeps work for later, durably (due.Queue).
type Jobs interface {
	Schedule(tx store.Txn, j due.Job) error
	Cancel(tx store.Txn, kind, id string) (bool, error)
}

// The kinds of jobs.
const (
	jobRotate    = "kms.rotate"    // id: a key; rotate its material
	jobExpire    = "kms.expire"    // id: a material; delete it
	jobShred     = "kms.shred"     // id: a slot; destroy it
	jobReplicate = "kms.replicate" // id: a replica key in creation; finish it
	jobDelete    = "kms.delete"    // id: a key whose waiting period ends; destroy it
)

// JobHandlers are the service's jobs by kind, for the runner (due.NewRunner).
func (s *Service) JobHandlers() map[string]due.Handler {
	return map[string]due.Handler{
		jobRotate:    {RunInTxn: s.rotateDue},
		jobExpire:    {RunInTxn: s.expireDue},
		jobReplicate: {RunInTxn: s.replicateDue},
		jobShred:     {Run: s.shredDue},
		jobDelete:    {Run: s.deleteDue},
	}
}

// schedule has a job run at a time, in place of an earlier appointment.
func (s *Service) schedule(tx store.Txn, kind, id string, at time.Time) error {
	return s.jobs.Schedule(tx, due.Job{Kind: kind, ID: id, At: at})
}

// unschedule forgets a job, if it is there.
func (s *Service) unschedule(tx store.Txn, kind, id string) error {
	_, err := s.jobs.Cancel(tx, kind, id)
	return err
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

func (n keyName) jobID() string { return jobID(n.account, n.region, n.id) }

// discard has a material's slot shredded as soon as the transaction is durable. The
// caller takes the slot out of the record, or removes the record, in the same
// transaction: from its commit on nothing refers to the slot, and the job outlives a
// crash before the shredding.
func (s *Service) discard(tx store.Txn, slot keyslot.SlotID) error {
	if slot.IsZero() {
		return nil
	}
	return s.schedule(tx, jobShred, slot.String(), s.clock.Now())
}

// shredDue destroys a slot. It works outside the store, so it may run twice, which is no
// error.
func (s *Service) shredDue(ctx context.Context, j due.Job) error {
	var slot keyslot.SlotID
	if err := slot.UnmarshalText([]byte(j.ID)); err != nil {
		return fmt.Errorf("kms: job %q: %w", j.ID, err)
	}
	return s.shred(ctx, slot)
}

// saveIn writes the record of a key that exists in a transaction, and lets calls see it
// after the commit.
func (s *Service) saveIn(tx store.Txn, k *keyRecord) error {
	s.changedIn(tx, k.name())
	return s.tables.keys.Put(tx, k)
}

// changedIn lets calls see a key anew once the transaction has committed.
func (s *Service) changedIn(tx store.Txn, name keyName) {
	s.memory.OnCommit(tx, func(store.Revision) { s.directory.changed(name) })
}

// record adds a service event about a key to the history: something KMS did on its
// own.
func (s *Service) record(tx store.Txn, k *keyRecord, event string, details ...call.Note) error {
	return s.audit.AppendTxn(tx, s.event(k, event, details...))
}

func (s *Service) event(k *keyRecord, event string, details ...call.Note) *audit.Event {
	return audit.ServiceRecord(audit.ServiceEvent{
		Account: k.Account, Region: k.Region, Source: "kms.amazonaws.com", Name: event, Time: s.clock.Now().UTC(),
		Resources: []audit.Resource{{Type: typeKey, ARN: k.arn(), Account: k.Account}},
		Details:   append(details, call.Note{Name: "keyId", Value: k.ID}),
	})
}
