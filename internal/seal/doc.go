// Package seal encrypts everything that Fastness keeps, so that a stolen data
// directory alone is useless.
//
// # Hierarchy
//
// A random 256-bit root key protects domain keys: random 256-bit keys, one line of
// versions for each purpose ("store", "audit", "token" …). A domain key seals data.
// Wrapped under the root, the domain keys stand in one record of the store, the
// keyring record (record.go), with an authentication code over all of it. The root
// itself is protected by a Provider: a key file, a passphrase, Shamir shares or any
// KMS with AWS's interface. Changing the provider re-wraps the root (Migrate);
// changing the root re-wraps the domain keys (RotateRoot); rotating a domain key
// (Rotate) adds a version, and old versions open what they sealed until nothing is
// left of it (Store.Rewrap) and they are dropped (Drop). All of it happens online.
//
// The root is created once, over a store without a single key. A store that holds
// data but no keyring record, or one that does not open, is an error
// (ErrKeyringMissing, ErrIntegrity, ErrWrongKey): never a fresh root.
//
// # Format
//
// A sealed value is a header (format 1, key version, 5 bytes) followed by
// XAES-256-GCM (c2sp.org/XAES-256-GCM): a nonce of 24 bytes, the ciphertext, a tag of
// 16 bytes. The associated data is the header and the key of the record, so a value
// moved to another key does not open.
//
// Why XAES: plain AES-GCM with random 96-bit nonces must stop after 2^32 values
// (NIST SP 800-38D, 8.3), which a busy audit log passes within days, and counters as
// nonces repeat when a virtual machine is resumed twice from one snapshot. XAES
// derives a key from half of a 192-bit nonce (SP 800-108 counter mode with CMAC) and
// uses the other half as the GCM nonce. This package keeps the first half for 2^20
// values, so that the derived cipher is reused, and draws the second half from the
// random generator for each value: under one derived key the chance that a nonce
// repeats is 2^-57, and values sealed after a clone of the machine are as safe as
// any. AES-GCM does not commit to its key; here no caller chooses keys, so nothing
// depends on that.
//
// # Memory
//
// Keys and expanded ciphers live in package securemem. Records that were opened are
// ordinary memory of the rooms that asked for them.
//
// # What is not hidden
//
// Keys of records, sizes of values and the times of writes. Whoever can write the
// data directory can put back an older copy of a value under the same key; that is
// detected only for the whole store, by the audit chain.
package seal
