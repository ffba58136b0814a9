// Package rawkeyring wraps data keys of AWS Encryption SDK messages with keys that the
// program itself holds: no service is called. What it writes, every AWS Encryption SDK
// reads with the same key, and the reverse.
//
//   - AESKeyring wraps with AES-GCM under a key of 128, 192 or 256 bits. The encryption
//     context is authenticated with the wrapping.
//   - RSAKeyring wraps with RSA: PKCS #1 v1.5 or OAEP. A keyring with the public key alone
//     encrypts, one with the private key alone decrypts. The encryption context is not bound
//     to the wrapping, only to the message.
//   - ECDHKeyring agrees on a wrapping key by elliptic-curve Diffie-Hellman on P-256, P-384
//     or P-521, between two static keys or from an ephemeral key to a static one.
//
// AES and RSA keys are found by a namespace and a name that the message shows in clear:
// they are identifiers, not secrets, and have to be the same strings when the message is
// opened. The namespace "aws-kms" belongs to AWS KMS and is refused.
//
// All keyrings are safe for use by any number of goroutines. Close makes a keyring forget
// its key. Go's ciphers keep expanded keys in memory that nobody outside can overwrite, so
// what Close promises is that nothing refers to the key any more, and that bytes which this
// package copied itself are overwritten.
//
// In FIPS 140-3 only mode (GODEBUG=fips140=only) AES and OAEP with SHA-2 work; Go refuses
// PKCS #1 v1.5, SHA-1 and the fixed nonces of the ECDH form there, and so the keyrings fail.
//
// Source: AWS Encryption SDK specification, framework/raw-aes-keyring.md,
// raw-rsa-keyring.md, raw-ecdh-keyring.md and key-agreement-schemas.md.
package rawkeyring
