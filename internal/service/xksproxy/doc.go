// Package xksproxy makes Fastness an external key store proxy: AWS KMS (the real one,
// or another Fastness) keeps its keys in an "external key store", and each of its
// calls ends in a key of ours.
//
// It serves /<prefix>/kms/xks/v1/{health,keys/ID/metadata,keys/ID/encrypt,keys/ID/decrypt}
// by the engine internal/engine/xks, which knows the protocol. This room decides what
// stands behind it: prefixes, their credentials, the exported keys and who may use
// them.
//
// # Prefixes
//
// A prefix is one customer of the proxy: a path, an account and Region of ours whose
// KMS keys it exports, one credential (two while it is rotated), and rules on what the
// caller says of itself (Rules). Prefixes share nothing. They are made by the
// operator (Admin), not through any AWS API, because AWS has none for it.
//
// # Which key encrypts
//
// An exported key is a random AES-256 key that a KMS key of ours wraps: it is made by
// GenerateDataKeyWithoutPlaintext and opened by Decrypt, through the front door, as
// the service principal Principal, under an encryption context that names prefix and
// key. So the KMS key's policy decides whether it may be exported, disabling it or
// taking the permission away stops the proxy within KeyLifetime, its deletion shreds
// the exported key with it, and each opening is in CloudTrail. The unwrapped key
// lives in locked memory for KeyLifetime at most.
//
// Why not call KMS Encrypt and Decrypt for each message: the protocol allows 4,300
// bytes of plaintext and 8,192 of additional data, KMS 4,096 and less; and the caller
// gives up after 250 ms and comes 1,800 times a second, which three audited calls for
// each message would make dear. Why not a key of the proxy's own: it would be outside
// key policies, rotation, deletion and shredding.
//
// A rotated exported key has several generations; the ciphertext's metadata says
// which one made it.
//
// # Audit
//
// Each authorized request is a record in the event history of the prefix's account
// before it is carried out, with what the caller said of itself (principal, KMS key,
// operation, request id); each refused one a record with the error. If the log cannot
// be written, requests are refused.
//
// # Limits
//
// Two credentials and 1,000 keys a prefix, 1,000 prefixes, 100 generations a key.
package xksproxy
