// Package due runs durable work at a time: rotations, deletions, expiries, deliveries,
// schedules. A job is a row in the store, written in the transaction that decides on
// it, so it exists exactly when the decision does; one leader-elected runner takes the
// rows whose time has come.
//
// # What is promised
//
// A job runs at its time or as soon after as a leader is there: what came due while
// nothing was running is caught up, in the order of due times, each job once. A
// restart, a crash or a lost leadership loses no job.
//
// A handler is of one of two kinds. RunInTxn works in the transaction that also
// removes the row: its effects on the store and the end of the job are one commit, so
// it takes effect exactly once. Run is for effects outside the store; the row is
// removed after it succeeded, so it may run again when the runner dies in between, and
// must bear that.
//
// Every transaction of a runner is fenced by its lease: after a pause in which another
// leader took over, it can no longer commit anything.
//
// # Failure
//
// A job that fails is tried again after a time that doubles with every attempt. After
// Retry.Attempts failures it is parked: kept, out of the queue, until it is scheduled
// anew or cancelled. Several jobs run at the same time, so a slow one does not hold up
// the rest.
package due
