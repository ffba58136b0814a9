package app

import (
	"context"
	"time"

	"fastness/internal/due"
	"fastness/internal/service/kms"
	"fastness/internal/store"
)

// roomJobs is the queue as the rooms see it.
type roomJobs struct{ queue *due.Queue }

var _ kms.Jobs = roomJobs{}

// Schedule implements kms.Jobs.
func (j roomJobs) Schedule(tx store.Txn, kind, id string, at time.Time) error {
	return j.queue.Schedule(tx, due.Job{Kind: kind, ID: id, At: at})
}

// Cancel implements kms.Jobs.
func (j roomJobs) Cancel(tx store.Txn, kind, id string) error {
	_, err := j.queue.Cancel(tx, kind, id)
	return err
}

// kmsHandlers are the handlers of the KMS room's jobs. A job takes effect in the
// transaction that removes it.
func kmsHandlers(room *kms.Service) map[string]due.Handler {
	handlers := make(map[string]due.Handler)
	for kind, run := range room.JobHandlers() {
		handlers[kind] = due.Handler{RunInTxn: func(ctx context.Context, tx store.Txn, j due.Job) error {
			return run(ctx, tx, j.ID)
		}}
	}
	return handlers
}
