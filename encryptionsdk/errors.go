package encryptionsdk

import (
	"errors"
	"fmt"
)

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
	// ErrMalformedContext: the serialized encryption context breaks the format: a duplicate
	// key, not UTF-8, or lengths that do not add up. Keys out of order are accepted: releases
	// of AWS's libraries have written them, and the header authenticates the order.
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

// Refinements: each also matches the error that it refines, which stands behind it.
var (
	// ErrReservedBytes: the reserved bytes of a version 1 header are not zero (ErrMalformedHeader).
	ErrReservedBytes error = &refinement{"reserved bytes are not zero", ErrMalformedHeader}
	// ErrIVLength: the IV length of a version 1 header is not 12 (ErrMalformedHeader).
	ErrIVLength error = &refinement{"IV length is not 12", ErrMalformedHeader}
	// ErrNoEncryptedDataKeys: the header has no encrypted data key (ErrMalformedHeader).
	ErrNoEncryptedDataKeys error = &refinement{"no encrypted data keys", ErrMalformedHeader}
	// ErrContentType: the content type is neither framed nor unframed (ErrMalformedHeader).
	ErrContentType error = &refinement{"unknown content type", ErrMalformedHeader}
	// ErrFrameLength: the frame length is zero in a framed message, not zero in an unframed
	// one, or above DecryptOptions.MaxFrameLength (ErrMalformedHeader).
	ErrFrameLength error = &refinement{"frame length is not acceptable", ErrMalformedHeader}
	// ErrDuplicateContextKey: a key stands twice in the encryption context (ErrMalformedContext).
	ErrDuplicateContextKey error = &refinement{"duplicate key", ErrMalformedContext}
	// ErrFinalFrameLength: the final frame is longer than the frame length (ErrMalformedFrame).
	ErrFinalFrameLength error = &refinement{"final frame is longer than the frame length", ErrMalformedFrame}
	// ErrFrameRepeated: a frame stands again after a later or the same one (ErrFrameSequence).
	ErrFrameRepeated error = &refinement{"frame is repeated or too late", ErrFrameSequence}
	// ErrFrameMissing: a frame is left out (ErrFrameSequence).
	ErrFrameMissing error = &refinement{"frame is missing", ErrFrameSequence}
	// ErrSequenceEnd: more frames than the 2³²−1 that the format can number
	// (ErrMessageTooLong): the sequence number would wrap.
	ErrSequenceEnd error = &refinement{"frame sequence numbers are used up", ErrMessageTooLong}
)

// refinement is an error that matches a broader one too.
type refinement struct {
	text string
	of   error
}

func (r *refinement) Error() string { return r.of.Error() + ": " + r.text }
func (r *refinement) Unwrap() error { return r.of }

// PositionError says where in a message something is wrong. It wraps one of the errors above.
type PositionError struct {
	Offset int64  // bytes from the start of the message to the field or frame at fault
	Part   string // what stands there, such as "encrypted data key 2" or "frame 17"
	Err    error
}

func (e *PositionError) Error() string {
	return fmt.Sprintf("%s at byte %d: %v", e.Part, e.Offset, e.Err)
}

func (e *PositionError) Unwrap() error { return e.Err }

// at wraps err with its place in the message.
func at(offset int64, part string, err error) error {
	return &PositionError{Offset: offset, Part: part, Err: err}
}
