// Package pebble is the embedded engine of the store: one process, one directory,
// built on the log-structured tree of github.com/cockroachdb/pebble.
//
// # What lies in the tree
//
// Every user key is kept in versions. A version's key is the user key followed by
// the inverted revision that wrote it, so that the newest version of a key comes
// first and a reader at revision r seeks straight to the newest version not above r.
// That one layout gives three things: readers never see a commit that is not durable
// yet (they read at the last durable revision), a Watch can report the value a commit
// wrote although the key was overwritten since, and a value is written only once.
//
// Beside the versions there is the change log: for each group of commits one record
// that names the keys each commit wrote. A Watch that reaches back further than
// memory reads it, also after a restart. The log is bounded by Options.RetainCommits
// and Options.RetainBytes; when a commit leaves the log, the versions that it
// replaced leave the tree.
//
// # How a commit happens
//
// The function of an Update runs in the caller's goroutine on a snapshot and collects
// reads and writes. One commit goroutine takes the transactions that wait, checks
// each against the keys written since its snapshot, gives every survivor its own
// revision and applies the group as one batch. A second goroutine waits for the sync
// of each batch in order, makes its revisions visible, hands them to watchers, runs
// OnCommit hooks and releases the callers. So many writers share one sync, and the
// next group is put together while the disk works on the last.
//
// A transaction may read what is applied but not yet durable: its own commit lies
// behind what it read in the same write-ahead log, so it cannot survive without it.
// An Update that wrote nothing, or failed, first waits until what it read is durable.
//
// # Failure
//
// An error that the tree cannot repair (a failed sync, a damaged table) makes the
// engine fail closed: every call returns store.ErrFailed until the directory is
// opened again by a new process.
package pebble
