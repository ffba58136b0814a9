package attestation

import (
	"errors"
	"fmt"
)

// The reasons for which a document is refused. Every error of Verify wraps
// exactly one of them.
var (
	// ErrTooLarge: the document exceeds MaxDocumentBytes or its payload MaxPayloadBytes.
	ErrTooLarge = errors.New("attestation document too large")
	// ErrMalformed: not a COSE_Sign1 of ES384 over CBOR, or CBOR beyond the bounds.
	ErrMalformed = errors.New("malformed attestation document")
	// ErrField: a field is missing, unknown, of the wrong type or out of its range.
	ErrField = errors.New("invalid attestation field")
	// ErrCertificate: the certificate does not chain to a configured root at the
	// given time, or may not sign documents.
	ErrCertificate = errors.New("untrusted attestation certificate")
	// ErrSignature: the signature does not verify under the certificate.
	ErrSignature = errors.New("attestation signature mismatch")
	// ErrStale: the document is older than Verifier.MaxAge, or from the future.
	ErrStale = errors.New("attestation document outside its time window")
)

// ErrRecipient is wrapped by every error of EncryptForRecipient.
var ErrRecipient = errors.New("cannot encrypt for recipient")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrMalformed, fmt.Errorf(format, args...))
}

func badField(name, format string, args ...any) error {
	return fmt.Errorf("%w %s: %s", ErrField, name, fmt.Sprintf(format, args...))
}
