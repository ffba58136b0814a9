// Package ecdhwrap is the wrapping of data keys that the raw ECDH and the AWS KMS ECDH
// keyrings share: what one writes the other reads, because they differ only in who computes
// the shared secret.
//
// From the shared secret, a random salt and a text that names curve, public keys, version
// and encryption context, the counter mode of NIST SP 800-108 with HMAC-SHA-384 derives 64
// bytes: a commitment to the key, which is stored, and an AES-256 key, which wraps the data
// key in GCM. Each wrapping derives a key of its own, so the nonce is zero.
//
// Source: AWS Encryption SDK specification, framework/raw-ecdh-keyring.md and
// key-agreement-schemas.md. Where the text there and AWS's implementations differ (the case
// of the label, the length of compressed points), this follows the implementations.
package ecdhwrap
