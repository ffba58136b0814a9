// Package kms is the AWS Key Management Service: keys that never leave it, used
// through an API that decides on every call whether the caller may.
//
// # What AWS promises here
//
// A KMS key belongs to an account and a Region. Its key policy is the root of trust:
// nobody, not even the account's root user, may use a key unless the key policy says
// so; a statement that names the account delegates to IAM policies. Grants are a
// further way to be allowed, effective at once. Ciphertexts of symmetric keys carry
// which key and material made them, and are bound to their encryption context.
// Rotation adds material and keeps the old for decryption. Deletion waits 7 to 30 days
// and then destroys the material for good.
//
// Limits: plaintext 4096 bytes, ciphertext blob 6144, key policy 32 KiB, alias 256
// characters, 50 tags, 10 grant tokens in a call, waiting period 7 to 30 days, rotation
// period 90 to 2560 days, 25 rotations on demand, 8 pairs in a grant constraint.
//
// # How it is kept
//
//	root key → domain keys        package seal: everything in the store is sealed
//	slot                          package keyslot: one key for each key material, in a
//	                              file of its own; erasing it shreds the material in
//	                              every copy of the store
//	material                      the random bytes or private key, wrapped by its slot,
//	                              in the store
//	message key                   package engine/envelope: derived anew for each message
//
// # Where to look
//
//	record.go, tables.go, granttables.go, keystorerecords.go
//	               records and tables
//	directory.go   the in-memory snapshots that calls run on; follow.go forgets those that
//	               other processes change
//	vault.go       wrapping and unwrapping key material
//	opened.go      material that is open because it is used: how much, and how long
//	jobs.go        timed work: rotation, expiry, shredding
//	identify.go    key ids, ARNs and aliases → a key
//	resolve.go     what a call touches, for authorization
//	quota.go, keyquota.go
//	               request rates, and how many keys there may be
//	principals.go  unique ids in place of ARNs, in key policies and grants
//	conditions.go  the kms: condition keys
//	states.go      which operation works in which key state
//	keys.go, lifecycle.go, aliases.go, policies.go, tags.go, grants.go, rotation.go,
//	importing.go (with importtoken.go), multiregion.go, keystores.go
//	               management operations, a family each
//	encrypt.go, datakeys.go, sign.go, mac.go, agreement.go, random.go
//	               cryptographic operations
//	egress.go, connection.go, proxyerrors.go
//	               external key stores: which proxies may be reached, connecting and
//	               health, what callers hear of a proxy's failures
//	external.go, externalblob.go
//	               keys in external key stores: encrypted twice, by us and by the proxy
//	explain.go     which statement or grant decided
package kms
