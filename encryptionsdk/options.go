package encryptionsdk

import (
	"fmt"
	"math"
	"runtime"
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
	// Concurrency is how many goroutines encrypt; 0: the number of usable cores, but one for
	// a stream of frames below 64 KiB without a signature. AES-GCM takes less time than
	// moving such frames from core to core (BENCHMARKS.md). A stream with a signature uses two
	// at most: one encrypts, one hashes.
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
	// a reader: a few frames of this length. An unframed body counts as one frame, and
	// without a limit may have 2³⁶−32 bytes.
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
	Concurrency  int // as in EncryptOptions
}

// NetV400RetryPolicy is whether messages of the faulty .NET library 4.0.0 are readable.
type NetV400RetryPolicy int

const (
	// AllowNetV400Retry reads such messages: a header that does not authenticate is tried
	// once more with the faulty derivation.
	AllowNetV400Retry NetV400RetryPolicy = iota
	// ForbidNetV400Retry refuses them with ErrHeaderAuthentication.
	ForbidNetV400Retry
)

// maxConcurrency bounds the Concurrency of options: memory grows with it.
const maxConcurrency = 1024

// maxDataKeys is the number of encrypted data keys that a header can count.
const maxDataKeys = math.MaxUint16

// manager checks the options' way to materials.
func manager(k Keyring, m MaterialsManager) (MaterialsManager, error) {
	switch {
	case k != nil && m != nil:
		return nil, fmt.Errorf("%w: both a keyring and a materials manager", ErrOptions)
	case m != nil:
		return m, nil
	case k != nil:
		return NewDefaultManager(k), nil
	}
	return nil, fmt.Errorf("%w: neither a keyring nor a materials manager", ErrOptions)
}

// concurrency is the number of goroutines that the options ask for.
func concurrency(n int) (int, error) {
	if n < 0 || n > maxConcurrency {
		return 0, fmt.Errorf("%w: concurrency %d is not between 0 and %d", ErrOptions, n, maxConcurrency)
	}
	if n == 0 {
		n = min(runtime.GOMAXPROCS(0), maxConcurrency)
	}
	return n, nil
}

// streamWorkers is the number of goroutines for a stream, of which asked were asked for and
// workers allowed.
func streamWorkers(asked, workers int, h *Header) int {
	if asked == 0 && !h.Suite.Signs() && h.FrameLength < batchLen {
		return 1
	}
	return workers
}

// dataKeyLimit is the number of encrypted data keys that the options allow.
func dataKeyLimit(n int) (int, error) {
	if n < 0 || n > maxDataKeys {
		return 0, fmt.Errorf("%w: %d encrypted data keys is not between 0 and %d", ErrOptions, n, maxDataKeys)
	}
	if n == 0 {
		n = maxDataKeys
	}
	return n, nil
}

// writes checks that the policy lets messages be encrypted under s.
func (p CommitmentPolicy) writes(s *Suite) error {
	switch p {
	case RequireEncryptRequireDecrypt, RequireEncryptAllowDecrypt:
		if !s.Commits {
			return fmt.Errorf("%w: %s does not commit to the data key", ErrCommitmentPolicy, s.Name)
		}
	case ForbidEncryptAllowDecrypt:
		if s.Commits {
			return fmt.Errorf("%w: %s commits to the data key", ErrCommitmentPolicy, s.Name)
		}
	default:
		return fmt.Errorf("%w: commitment policy %d", ErrOptions, int(p))
	}
	return nil
}

// reads checks that the policy lets messages under s be decrypted.
func (p CommitmentPolicy) reads(s *Suite) error {
	switch p {
	case RequireEncryptRequireDecrypt:
		if !s.Commits {
			return fmt.Errorf("%w: %s does not commit to the data key", ErrCommitmentPolicy, s.Name)
		}
	case RequireEncryptAllowDecrypt, ForbidEncryptAllowDecrypt:
	default:
		return fmt.Errorf("%w: commitment policy %d", ErrOptions, int(p))
	}
	return nil
}

// suite is the suite that the policy prefers when nobody names one.
func (p CommitmentPolicy) suite() *Suite {
	if p == ForbidEncryptAllowDecrypt {
		return defaultNonCommittingSuiteID.Suite()
	}
	return defaultSuiteID.Suite()
}
