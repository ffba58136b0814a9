// Package audit writes the CloudTrail event history: one record of version 1.11 for
// every call, allowed or refused, that nobody can make without it being written.
//
// A mutation's record commits in the mutation's own transaction (AppendTxn). All
// other records go through a group commit (Append): they are rendered into a shared
// batch, and every caller returns when the batch is durable. If the log cannot be
// written, both fail, and with them the calls that asked: the log fails closed.
//
// Records name what was touched and by whom, never secrets: members that the API
// model marks sensitive read HIDDEN_DUE_TO_SECURITY_REASONS, blobs are left out.
//
// A batch is one value of the store under a key that orders by time, so the history
// of the last seconds is the end of one range; Lookup walks it newest first. Batches
// are compressed: records of one second resemble each other, and what is not written
// need not be sealed, logged, flushed and compacted.
//
// Source: the CloudTrail record contents reference of the CloudTrail user guide.
package audit
