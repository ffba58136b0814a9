// Package encryptionsdk encrypts data on the client's side, in the message format of the
// AWS Encryption SDK: what it writes, every AWS Encryption SDK reads with the same keys, and
// the reverse.
//
// A message carries everything but a wrapping key: a random data key encrypts the data in
// frames (AES-GCM, 4096 bytes each unless said otherwise), and the data key itself is in the
// header, wrapped by one or more keyrings: keys of AWS KMS, or raw ones. Losing the message
// to a stranger gives away its length, its encryption context and the names of the keys.
//
//	keyring, err := rawkeyring.NewAES("example", "key 1", key) // 32 random bytes, kept elsewhere
//	…
//	w, err := encryptionsdk.NewEncrypter(ctx, file, encryptionsdk.EncryptOptions{
//		Keyring:           keyring,
//		EncryptionContext: encryptionsdk.EncryptionContext{"purpose": "backup"},
//	})
//	…
//	_, err = io.Copy(w, source)
//	…
//	err = w.Close() // the message is complete only when this is nil
//
// and back:
//
//	r, err := encryptionsdk.NewDecrypter(ctx, file, encryptionsdk.DecryptOptions{
//		Keyring:           keyring,
//		EncryptionContext: encryptionsdk.EncryptionContext{"purpose": "backup"}, // must be so
//	})
//	…
//	_, err = io.Copy(sink, r) // on error, throw away what sink got
//
// Encrypt and Decrypt do the same for a message in memory. ReadHeader shows a header to
// somebody without keys.
//
// # Suites
//
// All eleven algorithm suites can be read and written, within the CommitmentPolicy. The
// default, 0x0578, derives the message key by HKDF, commits to the data key (so that no
// ciphertext opens to two plaintexts under two keys), and signs the message with an ECDSA
// key of its own, so that someone who may only decrypt cannot forge messages for the other
// readers. Where all readers may encrypt as well, 0x0478 leaves out the signature and is
// several times as fast: see README.md. A caller that reads context from the header must
// check it, or pass what it expects in DecryptOptions.
//
// # What is guaranteed
//
//   - Plaintext of a frame is given out only when the frame has been authenticated, in its
//     place: frames that are reordered, repeated or missing are errors.
//   - What a Decrypter gives out is a prefix of the message until it returns io.EOF. Only then
//     is it known that the message was not cut off. Decrypt gives out nothing before it is.
//   - For suites that sign, the last frames are withheld until the signature has been
//     verified, so that nobody can take the output for complete before.
//     DecryptOptions.ReleaseBeforeVerification lifts this; UnsignedOnly refuses such messages.
//   - Every bad input is an error of errors.go, with a PositionError where it has a place,
//     and never a panic.
//   - A reader allocates at most a mebibyte ahead of what has arrived, whatever lengths the
//     message announces.
//
// # Memory and cores
//
// Encrypt and Decrypt work on frames in parallel, in each of Concurrency goroutines about
// 64 KiB or one frame at a time. So do streams of large frames, and all streams without a
// signature that are told to by Concurrency; left to themselves, streams of small frames
// without a signature use one goroutine, because that is faster on two cores. Streams with
// a signature encrypt in the caller's goroutine and hash in another, which is what takes
// long. Frames are written in order. An Encrypter or Decrypter holds a few batches of 64 KiB
// or a frame, whatever the length of the message. Unframed messages, which only old libraries
// wrote, are one frame and need memory accordingly; MaxFrameLength bounds both. Data keys,
// derived keys and buffers with plaintext are wiped when a message ends. The key schedules
// inside Go's ciphers cannot be reached; they are left to the collector.
//
// # Keyrings and managers
//
// A Keyring wraps and unwraps data keys; a MaterialsManager decides about suite, context
// and the reuse of data keys, and asks a keyring. The packages below this one have them;
// other code can bring its own. All are safe for use by several goroutines; an Encrypter or
// a Decrypter belongs to one.
//
// Source: the AWS Encryption SDK specification, data-format and client-apis.
package encryptionsdk
