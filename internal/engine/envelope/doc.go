// Package envelope makes and opens the ciphertext blobs of symmetric KMS keys,
// the bytes a customer stores and sends back years later. Whatever this package
// has ever sealed must stay readable; testdata/blobs_v1.json holds twenty blobs,
// made by another implementation, that say so.
//
// # Version 1
//
//	offset  bytes  field
//	0       1      version, 0x01
//	1       1      algorithm, 0x01 = AES-256-GCM under a derived key
//	2       16     key reference: random per KMS key, never its UUID
//	18      32     key material id: which rotation of the key
//	50      16     nonce of the key derivation, random per message
//	66      12     IV of AES-GCM, random per message
//	78      n      ciphertext
//	78+n    16     tag of AES-GCM
//
// The overhead is 94 bytes. The message key is derived by SP 800-108 in counter
// mode with HMAC-SHA-256 from the key material, with label "KMS-ENC-1" and the
// nonce as context. A fresh key per message means that no number of messages
// exhausts the 96-bit IVs of a material (SP 800-38D section 8.3). The associated
// data is the first 66 bytes, followed by the encryption context in the canonical
// form of [AppendContext].
//
// # Use
//
// [ParseHeader] names the key and material that a blob asks for. The caller finds
// the material, authorizes the request, and then opens the blob with a [Key]. A
// Key has the key material only as a [PRF], which the caller makes and which can keep it
// in locked memory; the key of each message is overwritten after use. A Key is safe for
// concurrent use and worth keeping for a key in use.
//
// Every defect of a blob, a wrong encryption context and a wrong material give
// the same ErrInvalidCiphertext, without a reason.
package envelope
