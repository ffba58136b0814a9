// Package store is the one place where Fastness keeps what it must not lose: a
// transactional, ordered key-value store behind an interface that an embedded
// engine (store/pebble) and, later, a cluster engine (etcd) both satisfy.
//
// The contract, in one paragraph: keys and values are bytes; a View reads one
// consistent snapshot; an Update is serializable, is retried by the engine when
// another commit touched what it read, and returns only after its writes are
// durable; every commit has a Revision, one higher than the commit before; a
// Watch delivers commits in order and without gaps, or says ErrCompacted; a Lease
// gives a name to one holder at a time, with a fencing token that makes the writes
// of a holder who lost it fail.
//
// The limits of the stricter engine (etcd) hold for both, so that code cannot come
// to depend on the looser one: MaxTxnOps operations and MaxTxnBytes bytes in one
// transaction, MaxValueBytes in one value, MaxKeyBytes in one key.
//
// Keys are tuples, built and taken apart by package store/table; values are sealed
// (encrypted and authenticated) by package seal before they reach an engine.
package store
