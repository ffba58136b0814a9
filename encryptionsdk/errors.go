package encryptionsdk

import "errors"

// What can be wrong with a message, its keys or the way it is asked for. Errors wrap one of
// these, with the place and the cause; match them with errors.Is.
var (
	// ErrTruncated: the input ends inside the message.
	ErrTruncated = errors.New("message is truncated")
	// ErrTrailingData: bytes follow the end of the message.
	ErrTrailingData = errors.New("bytes follow the message")
	// ErrBase64Input: the input is the base64 text of a message; decode it first.
	ErrBase64Input = errors.New("input is base64 text, not a message")
	// ErrNotAMessage: the input does not start like a message of version 1 or 2.
	ErrNotAMessage = errors.New("not an AWS Encryption SDK message")
	// ErrMalformedHeader: the header breaks the format; the text says where.
	ErrMalformedHeader = errors.New("malformed message header")
	// ErrMalformedContext: the serialized encryption context breaks the format: unordered,
	// duplicate, not UTF-8, or with lengths that do not add up.
	ErrMalformedContext = errors.New("malformed encryption context")
	// ErrUnknownSuite: the header names an algorithm suite that does not exist.
	ErrUnknownSuite = errors.New("unknown algorithm suite")
	// ErrHeaderAuthentication: the header's tag does not verify under the data key.
	ErrHeaderAuthentication = errors.New("header does not authenticate")
	// ErrKeyCommitment: the data key is not the one that the header commits to.
	ErrKeyCommitment = errors.New("data key does not match the message's key commitment")
	// ErrMalformedFrame: a frame breaks the format; the text says which.
	ErrMalformedFrame = errors.New("malformed frame")
	// ErrFrameSequence: a frame is missing, doubled or out of order.
	ErrFrameSequence = errors.New("frame is out of sequence")
	// ErrFrameAuthentication: a frame's tag does not verify.
	ErrFrameAuthentication = errors.New("frame does not authenticate")
	// ErrSignature: the trailing signature is malformed or does not verify.
	ErrSignature = errors.New("message signature does not verify")
	// ErrUnsignedOnly: a signed message was given to a reader for unsigned messages only.
	ErrUnsignedOnly = errors.New("message is signed")
	// ErrCommitmentPolicy: the commitment policy forbids the suite.
	ErrCommitmentPolicy = errors.New("commitment policy forbids the algorithm suite")
	// ErrTooManyDataKeys: more encrypted data keys than the caller allows.
	ErrTooManyDataKeys = errors.New("too many encrypted data keys")
	// ErrNoDataKey: no keyring could unwrap any of the message's encrypted data keys.
	ErrNoDataKey = errors.New("no encrypted data key could be decrypted")
	// ErrEncryptionContext: a context that is reserved, too long, not UTF-8, or that does
	// not match the message's.
	ErrEncryptionContext = errors.New("encryption context is not acceptable")
	// ErrMaterials: a keyring or manager gave materials that break its contract.
	ErrMaterials = errors.New("invalid cryptographic materials")
	// ErrMessageTooLong: the message is longer than its bound or than the format can hold.
	ErrMessageTooLong = errors.New("message is too long")
	// ErrOptions: options that contradict each other or are out of bounds.
	ErrOptions = errors.New("invalid options")
)
