// Package keyslot makes deletion of a key final.
//
// A database is a bad place to destroy something: its write-ahead log, its older
// tables and every replica and backup still hold what was deleted. So each key that
// must be destroyable is encrypted under a key-encryption key (KEK) of its own, and
// the KEK stands in one slot of a file outside the store, where it is overwritten in
// place. When the slot is gone, every copy of the key's record, wherever it is, is
// noise.
//
// # File
//
// A header page, then groups of two pages of 4096 bytes: page A and page B each hold
// one copy of the same 32 slots of 128 bytes. A copy has a state, a random 64-bit
// generation, a hash of the owner, the KEK sealed under a domain key, and a checksum
// that includes the slot's number. All zero means free.
//
// # Writing
//
// Between two syncs only A pages or only B pages are written, so whatever a crash
// does to pages that were being written, neighbours in the page included, the other
// copy of each slot is whole. The repair after a crash keeps the same order.
//
//   - Allocate: A, sync, B, sync; then it returns. A transaction that refers to the
//     slot may commit from then on.
//   - Rewrap (after a rotation of the domain key): the same, with the new sealing.
//   - Shred: A and then B become "shredding" with random bytes in place of the KEK,
//     each synced; then A and then B become zero, each synced. Opening the file after
//     a crash finishes a shredding that had begun.
//
// Concurrent requests share the syncs (group commit). A failed write or sync stops
// all further changes until the file is opened again, because the kernel may have
// dropped the data it could not write.
//
// The order for the owner is: Allocate, then commit the record; and mark the record as
// dying, Shred, then remove the record. A crash in between leaves a slot without a
// record (Check lists it) or a record whose Shred is repeated (it is idempotent).
//
// # What it cannot promise
//
// Flash storage and copy-on-write file systems may keep the old contents of an
// overwritten page where only forensic tools reach. That residue is sealed under the
// domain key; after the next Rotate, Rewrap and Drop of that key it is noise too.
//
// A backup made with Backup holds the KEKs of its day (sealed). Restoring it together
// with an equally old store brings back keys that were deleted later. It is a separate
// stream so that it can be kept shorter, or not at all.
package keyslot
