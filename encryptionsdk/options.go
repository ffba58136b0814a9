package encryptionsdk

import (
	"context"
	"io"
)

// DefaultFrameLength is the frame length of AWS's implementations, in bytes.
const DefaultFrameLength = 4096

// EncryptOptions say how a message is made. Exactly one of Keyring and Manager is set.
type EncryptOptions struct {
	Keyring Keyring          // wraps the data key, under a default manager
	Manager MaterialsManager // or: gives the materials

	Suite             SuiteID // 0: 0x0578, or 0x0378 under ForbidEncryptAllowDecrypt
	CommitmentPolicy  CommitmentPolicy
	EncryptionContext EncryptionContext
	FrameLength       uint32 // bytes of plaintext in a frame; 0: DefaultFrameLength
	// MaxEncryptedDataKeys bounds the wrappings in the header; 0: 65,535.
	MaxEncryptedDataKeys int
	// PlaintextLengthBound is an upper bound of the plaintext in bytes, 0 for none. A longer
	// message fails with ErrMessageTooLong. A caching manager reuses materials only with a bound.
	PlaintextLengthBound int64
	// Concurrency is how many frames are processed at once; 0: the number of usable cores.
	Concurrency int
}

// DecryptOptions say how a message is opened. Exactly one of Keyring and Manager is set.
type DecryptOptions struct {
	Keyring Keyring
	Manager MaterialsManager

	CommitmentPolicy CommitmentPolicy
	// EncryptionContext is what the caller expects: pairs that the header holds must be
	// equal; required pairs that it does not hold are taken from here.
	EncryptionContext    EncryptionContext
	MaxEncryptedDataKeys int // 0: 65,535
	// MaxFrameLength refuses messages with longer frames, in bytes; 0: 2³²−1. It bounds the memory of
	// a reader: a few frames of this length.
	MaxFrameLength uint32
	// MaxLength refuses longer plaintexts, in bytes; 0: no bound.
	MaxLength int64
	// UnsignedOnly refuses messages of suites that sign (ErrUnsignedOnly), which makes it
	// safe to act on streamed plaintext before the end of the message.
	UnsignedOnly bool
	// ReleaseBeforeVerification lets a stream of a signed suite give out its last frame
	// before the signature has been verified; an invalid signature is still the last error.
	ReleaseBeforeVerification bool
	// NetV400Retry says whether messages that AWS's .NET library 4.0.0 wrote with its faulty
	// derivation are read. The zero value allows it, as AWS's libraries do.
	NetV400Retry NetV400RetryPolicy
	Concurrency  int // frames at once; 0: the number of usable cores
}

// NetV400RetryPolicy is whether messages of the faulty .NET library 4.0.0 are readable.
type NetV400RetryPolicy int

const (
	AllowNetV400Retry NetV400RetryPolicy = iota
	ForbidNetV400Retry
)

// Signatures to build (stream.go, oneshot.go, header.go):
//
//	func NewEncrypter(ctx context.Context, dst io.Writer, o EncryptOptions) (*Encrypter, error) // io.WriteCloser; Header() *Header; also ReadFrom
//	func NewDecrypter(ctx context.Context, src io.Reader, o DecryptOptions) (*Decrypter, error) // io.Reader, io.WriterTo; Header() *Header; Close
//	func Encrypt(ctx context.Context, plaintext []byte, o EncryptOptions) ([]byte, *Header, error)
//	func Decrypt(ctx context.Context, message []byte, o DecryptOptions) ([]byte, *Header, error)
//	func ReadHeader(r io.Reader) (*Header, error)  // parses and bounds, verifies nothing
//	type Header struct { Version int; Suite *Suite; MessageID []byte; EncryptionContext; EncryptedDataKeys; Framed bool; FrameLength uint32; … }
//	func NewDefaultManager(k Keyring) MaterialsManager
var _ = context.Background
var _ io.Writer
