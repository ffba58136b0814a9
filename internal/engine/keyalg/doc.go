// Package keyalg holds the key types of AWS KMS and everything one key can do:
// generate, sign, verify, encrypt, decrypt, make and check a MAC, agree on a
// secret, and be written to and read from DER.
//
// Start with two tables. spec.go lists the seventeen key specs and the
// algorithms of each; algorithm.go lists the algorithms, the hash of each and
// the message types it takes. Every answer about what is allowed comes from
// these tables; the other files only do the arithmetic of one family each.
//
// Two types carry keys. [Key] is secret material (a private key, an HMAC key or
// a symmetric key), parsed once with its tables precomputed, so that a signature
// costs the bare primitive. [PublicKey] is the public half alone, enough to
// verify and to encrypt. Both are safe for concurrent use. [Key.Destroy] may be
// called while operations run: it refuses new ones at once and wipes the
// material when the last one has ended.
//
// # Rules that are easy to get wrong
//
//   - RSASSA-PSS uses a salt as long as the hash, and verification refuses any
//     other length.
//   - ECDSA signatures are DER, and verification accepts both values of s.
//   - ED25519_SHA_512 takes only RAW. ED25519_PH_SHA_512 takes only DIGEST, and
//     hashes the 64 bytes it is given once more (AWS KMS API reference, Sign,
//     MessageType).
//   - SM2DSA hashes SM3(Z || message) with the default identity
//     1234567812345678; DIGEST is that hash value already made.
//   - ML-DSA uses the empty context; EXTERNAL_MU is the 64-byte representative
//     of FIPS 204 section 6.2.
//   - SM2PKE ciphertexts are the ASN.1 form of GM/T 0009 (C1, C3, C2).
//
// # What it does not do
//
// Nothing here knows key states, policies, ARNs or AWS error names. The service
// maps the errors of errors.go. Message lengths of the API (4096 bytes) are also
// the service's to enforce; this package bounds only what the algorithm bounds
// and what it parses.
//
// # FIPS 140-3
//
// secp256k1, SM2, ML-DSA and OAEP with SHA-1 are not provided by the Go
// Cryptographic Module. [Approved] tells which; while GODEBUG=fips140=only is in
// force they fail with [ErrNotApproved], and nothing panics.
//
// # Memory
//
// Destroy overwrites every copy of the material that can be reached from the key: those
// this package made, and those inside the standard library's key types, the Montgomery
// forms of RSA for example. Beyond reach are temporaries of the libraries' parsers and
// generators and the caches that crypto/ecdsa and crypto/ed25519 keep of a key in use;
// they are left to the garbage collector. The material of HMAC keys need not be in
// ordinary memory at all: see [OpenMAC].
package keyalg
