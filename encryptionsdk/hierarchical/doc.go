// Package hierarchical wraps data keys of AWS Encryption SDK messages under branch keys:
// keys between a key of AWS KMS (or one that the program holds) and the data keys. A branch
// key is fetched once and kept for a while, so that most messages need no call at all, and
// yet no branch key wraps a data key itself: each wrapping derives a key of its own from it.
//
// A branch key has an identifier, such as one per tenant, and versions, one of which is
// active: that one encrypts, and every version decrypts. The parts:
//
//   - Keyring wraps and unwraps, from a BranchKeyStore, with a cache. What it writes, the
//     hierarchical keyring of AWS's libraries reads with the same branch keys, and the
//     reverse.
//   - KeyStore is a BranchKeyStore over Items (where the protected branch keys lie) and a
//     Protector (what protects them). It creates and rotates branch keys.
//   - DirItems keeps items as files in a directory.
//   - KMSProtector protects branch keys with AWS KMS, AESProtector with a key of the program.
//
// An item has the attributes of AWS's key store table, and KMSProtector authenticates them
// as AWS does, so that items can be moved to a table in DynamoDB and back.
//
// Source: AWS Encryption SDK specification, framework/aws-kms/aws-kms-hierarchical-keyring.md
// and framework/branch-key-store.md.
package hierarchical
