// Package kmskeyring wraps data keys of AWS Encryption SDK messages with keys in AWS KMS,
// or in anything that answers like it: the keyrings call a KMS through the interface of
// aws-sdk-go-v2, so that the endpoint is the client's business.
//
//   - Keyring (New, NewMRK) wraps under one symmetric key. It encrypts and decrypts. New
//     opens only what that very key wrapped, NewMRK also what its replicas in other Regions
//     wrapped, if it is a multi-Region key.
//   - DiscoveryKeyring (NewDiscovery, NewMRKDiscovery) only decrypts, with whichever key the
//     message names. Give it a Filter: without one it asks KMS about keys of anybody.
//   - RSAKeyring encrypts with the public half of an RSA key in KMS, without calling it, and
//     decrypts by calling it. It refuses suites that sign: since everybody has the public
//     key, a signature would suggest an origin that it does not prove.
//   - ECDHKeyring agrees on a wrapping key with another party, the private key being in KMS.
//
// NewMulti and its siblings make one keyring for several keys or Regions.
//
// Every answer of KMS is checked: the key it says it used must be the one that was asked
// for, and the data key must be as long as the suite wants. Key identifiers of messages are
// parsed as ARNs before anything is called. All keyrings are safe for use by any number of
// goroutines as far as their client is; those of aws-sdk-go-v2 are.
//
// Source: AWS Encryption SDK specification, framework/aws-kms/.
package kmskeyring
