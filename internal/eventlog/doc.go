// Package eventlog keeps the events that services emit, in the envelope of Amazon
// EventBridge: durable, in order, and watchable. EventBridge and the operator read it.
//
// # What is promised
//
// Append writes an event in the transaction of the change that it reports: both are
// there, or neither is. An attempt that is retried leaves nothing behind, so nothing is
// ever there twice.
//
// The events of one account in one Region, a Place, have consecutive numbers from 1 on,
// in the order in which their transactions committed (within a transaction, in that of
// the calls of Append). A reader that remembers the number of the last event that it has
// seen, its Cursor, finds all that follow, or learns with ErrTrimmed that some of them
// are no longer kept. Between places there is no order.
//
// # How
//
// A number that each transaction took from a counter would make every change in an
// account conflict with every other. So Append reads nothing: it writes one row into the
// inbox, under a name that nobody else uses. Behind the commits, Run takes the rows
// from the inbox in the order of the store's revisions and gives them their numbers; an
// event can be read a moment after its commit. That is a transaction too, so a crash
// neither loses nor doubles an event. One process at a time does it, the one that holds
// a lease; two would do no harm.
//
// The envelope is stored as it is handed out, byte for byte. One of more than
// inlineBytes lies in parts beside the row, which stay where Append put them. What CloudTrail
// delivers, calls and the events of services, is in the history already: of these the log
// has no more than the place there (trail.go).
//
// # Bounds
//
// An event has at most MaxEntryBytes by EventBridge's way of counting. Trim, which the
// program calls from time to time, removes events older than Options.MaxAge and, beyond
// Options.MaxEvents for a place, the oldest.
//
// Sources: Amazon EventBridge User Guide, "Events" for the envelope and "Calculating
// PutEvents event entry size"; the limit of 1 MB is that of January 2026.
package eventlog
