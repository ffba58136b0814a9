package keyalg

import (
	"errors"
	"fmt"
)

// The errors of this package. Each is matched with errors.Is; those that carry
// numbers a caller shows are also types, matched with errors.As. None carries
// key material or the bytes it refused.
var (
	// ErrUnknownSpec: the key spec is not in the table.
	ErrUnknownSpec = errors.New("unknown key spec")
	// ErrUnsupportedAlgorithm: the algorithm does not belong to the key spec, or
	// not to this operation.
	ErrUnsupportedAlgorithm = errors.New("algorithm not supported by the key spec")
	// ErrUnsupportedMessageType: see MessageTypeError.
	ErrUnsupportedMessageType = errors.New("message type not supported by the algorithm")
	// ErrDigestLength: see DigestLengthError.
	ErrDigestLength = errors.New("digest has the wrong length for the algorithm")
	// ErrMessageTooLong: see MessageTooLongError.
	ErrMessageTooLong = errors.New("plaintext too long for the key")
	// ErrInvalidSignature: the signature does not verify. It says no more.
	ErrInvalidSignature = errors.New("invalid signature")
	// ErrInvalidMAC: the MAC does not verify. It says no more.
	ErrInvalidMAC = errors.New("invalid MAC")
	// ErrInvalidCiphertext: the ciphertext does not decrypt. It says no more.
	ErrInvalidCiphertext = errors.New("invalid ciphertext")
	// ErrInvalidPublicKey: not a well-formed public key of the expected spec, or
	// a point that is not on the curve.
	ErrInvalidPublicKey = errors.New("invalid public key")
	// ErrInvalidMaterial: not well-formed key material of the expected spec.
	ErrInvalidMaterial = errors.New("invalid key material")
	// ErrNotApproved: the algorithm is outside the FIPS 140-3 module and FIPS
	// mode is enforced.
	ErrNotApproved = errors.New("not approved in FIPS 140-3 mode")
	// ErrDestroyed: the key was destroyed.
	ErrDestroyed = errors.New("key destroyed")
)

// MessageTypeError says which message type an algorithm refused.
type MessageTypeError struct {
	Algorithm   Algorithm
	MessageType MessageType
}

func (e *MessageTypeError) Error() string {
	return fmt.Sprintf("%s does not take message type %q", e.Algorithm, e.MessageType)
}

// Is matches ErrUnsupportedMessageType.
func (e *MessageTypeError) Is(target error) bool { return target == ErrUnsupportedMessageType }

// DigestLengthError says how long a digest must be, in bytes.
type DigestLengthError struct {
	Algorithm   Algorithm
	MessageType MessageType
	Want, Got   int
}

func (e *DigestLengthError) Error() string {
	return fmt.Sprintf("%s takes a %s of %d bytes, not %d", e.Algorithm, e.MessageType, e.Want, e.Got)
}

// Is matches ErrDigestLength.
func (e *DigestLengthError) Is(target error) bool { return target == ErrDigestLength }

// MessageTooLongError says how much a key encrypts at once, in bytes.
type MessageTooLongError struct {
	Spec      Spec
	Algorithm Algorithm
	Limit     int
}

func (e *MessageTooLongError) Error() string {
	return fmt.Sprintf("%s with %s encrypts at most %d bytes", e.Spec, e.Algorithm, e.Limit)
}

// Is matches ErrMessageTooLong.
func (e *MessageTooLongError) Is(target error) bool { return target == ErrMessageTooLong }

func unsupported(s Spec, a Algorithm) error {
	return fmt.Errorf("%s with key spec %s: %w", a, s, ErrUnsupportedAlgorithm)
}
