package filecrypt

import (
	"errors"
	"fmt"
	"time"

	"fastness/encryptionsdk"
)

// ErrUsage is matched by errors of whoever wrote the command line.
var ErrUsage = errors.New("usage")

// usageError matches ErrUsage without saying so in its text.
type usageError struct{ error }

func (e usageError) Unwrap() error        { return e.error }
func (e usageError) Is(target error) bool { return target == ErrUsage }

func usage(format string, a ...any) error { return usageError{fmt.Errorf(format, a...)} }

// Mode is what is done to every input.
type Mode string

const (
	Encrypt Mode = "encrypt"
	Decrypt Mode = "decrypt"
	// DecryptUnsigned refuses signed messages, so that what is streamed out early is as
	// authentic as it will ever be.
	DecryptUnsigned Mode = "decrypt-unsigned"
)

func (m Mode) decrypts() bool { return m != Encrypt }

// suffix is what output names get in directories, if nothing else is said.
func (m Mode) suffix() string {
	if m.decrypts() {
		return ".decrypted"
	}
	return ".encrypted"
}

// stream is standard input or output, as the name of a file.
const stream = "-"

// Options say what to do. ParseArguments makes them.
type Options struct {
	Mode Mode
	// Input is a path, a pattern of paths, or "-"; Output a path or "-".
	Input, Output string
	Recursive     bool
	// Suffix is appended to the names of outputs in a directory; nil: the mode's.
	Suffix *string
	// Existing outputs are replaced, unless one of these is set.
	NoOverwrite, Interactive bool
	// Decode takes base64 from the input before, Encode puts it into the output after.
	Decode, Encode bool
	// Buffer withholds standard output until all of it has been verified.
	Buffer bool

	WrappingKeys []KeyGroup
	// EncryptionContext is stored when encrypting; when decrypting these pairs, and the
	// keys in RequiredKeys, must be in the message.
	EncryptionContext encryptionsdk.EncryptionContext
	RequiredKeys      []string

	CommitmentPolicy encryptionsdk.CommitmentPolicy
	Suite            encryptionsdk.SuiteID // 0: the policy's default
	FrameLength      uint32                // bytes; 0: the library's default
	// MaxLength refuses messages with longer frames, and unframed ones that are longer, in
	// bytes; 0: no bound.
	MaxLength            uint32
	MaxEncryptedDataKeys int // 0: no bound but the format's
	Caching              *Caching

	// Metadata is where lines of metadata go: a path, "-", or "" for nowhere.
	Metadata          string
	OverwriteMetadata bool

	Verbosity int // 0: warnings; 1: and what is done; 2: and why
	Quiet     bool
}

// Caching bounds the reuse of data keys among the files of one run.
type Caching struct {
	Capacity    int
	MaxAge      time.Duration
	MaxMessages int64 // 0: the library's bound
	MaxBytes    int64 // 0: the library's bound
}
