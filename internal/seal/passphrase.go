package seal

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/scrypt"

	"fastness/internal/securemem"
)

// KindPassphrase is the kind of the Passphrase provider.
const KindPassphrase = "passphrase"

// Functions that make a key of a passphrase.
const (
	Argon2id = "argon2id" // RFC 9106
	Scrypt   = "scrypt"   // RFC 7914
)

// Bounds of a passphrase in bytes.
const (
	MinPassphraseBytes = 8
	MaxPassphraseBytes = 1024
)

// ErrPassphrase: the passphrase is too short or too long.
var ErrPassphrase = errors.New("seal: passphrase must have 8 to 1024 bytes")

// Stretch says how a passphrase becomes a key. It is kept in the keyring record.
type Stretch struct {
	Function string `json:"function"` // Argon2id or Scrypt

	Time      uint32 `json:"time,omitempty"`      // Argon2id: passes, 1 to 64
	MemoryKiB uint32 `json:"memoryKiB,omitempty"` // Argon2id: 8 MiB to 4 GiB
	Threads   uint8  `json:"threads,omitempty"`   // Argon2id: 1 to 64

	N int `json:"n,omitempty"` // scrypt: a power of two, 2^14 to 2^24
	R int `json:"r,omitempty"` // scrypt: 1 to 32
	P int `json:"p,omitempty"` // scrypt: 1 to 16
}

// DefaultStretch is the second recommendation of RFC 9106, section 4: Argon2id with 3
// passes over 64 MiB in 4 lanes.
func DefaultStretch() Stretch {
	return Stretch{Function: Argon2id, Time: 3, MemoryKiB: 64 << 10, Threads: 4}
}

// check refuses parameters that are weak or that would exhaust the machine.
func (s Stretch) check() error {
	switch s.Function {
	case Argon2id:
		if s.Time < 1 || s.Time > 64 || s.MemoryKiB < 8<<10 || s.MemoryKiB > 4<<20 || s.Threads < 1 || s.Threads > 64 || s.N|s.R|s.P != 0 {
			return errors.New("seal: Argon2id parameters out of bounds")
		}
	case Scrypt:
		if s.N < 1<<14 || s.N > 1<<24 || s.N&(s.N-1) != 0 || s.R < 1 || s.R > 32 || s.P < 1 || s.P > 16 ||
			128*int64(s.N)*int64(s.R) > 4<<30 || s.Time != 0 || s.MemoryKiB != 0 || s.Threads != 0 {
			return errors.New("seal: scrypt parameters out of bounds")
		}
	default:
		return fmt.Errorf("seal: unknown passphrase function %q", s.Function)
	}
	return nil
}

// passphraseConfig stands in the keyring record.
type passphraseConfig struct {
	Stretch
	Salt []byte `json:"salt"` // 16 bytes
}

// Passphrase protects the root with a passphrase. Argon2id and scrypt are not
// FIPS 140-3 approved functions.
type Passphrase struct {
	arena   *securemem.Arena
	stretch Stretch
	read    func(context.Context) ([]byte, error)
}

var _ Provider = (*Passphrase)(nil)

// NewPassphrase returns the provider. read gets the passphrase (from a descriptor, a
// file, a terminal …) each time it is needed; the slice it returns is overwritten.
// stretch is used by Wrap; Unwrap takes what the record says.
func NewPassphrase(a *securemem.Arena, stretch Stretch, read func(context.Context) ([]byte, error)) (*Passphrase, error) {
	if err := stretch.check(); err != nil {
		return nil, err
	}
	return &Passphrase{arena: a, stretch: stretch, read: read}, nil
}

// Kind is KindPassphrase.
func (p *Passphrase) Kind() string { return KindPassphrase }

// Wrap implements Provider.
func (p *Passphrase) Wrap(ctx context.Context, installation string, root []byte) (Wrapped, error) {
	c := passphraseConfig{Stretch: p.stretch, Salt: make([]byte, 16)}
	if _, err := rand.Read(c.Salt); err != nil {
		return Wrapped{}, fmt.Errorf("seal: reading random bytes: %w", err)
	}
	config, err := json.Marshal(c)
	if err != nil {
		return Wrapped{}, fmt.Errorf("seal: encoding passphrase parameters: %w", err)
	}
	key, err := p.key(ctx, c)
	if err != nil {
		return Wrapped{}, err
	}
	defer key.Destroy()
	return wrapWithKey(p.arena, key, KindPassphrase, installation, config, root)
}

// Unwrap implements Provider.
func (p *Passphrase) Unwrap(ctx context.Context, installation string, w Wrapped, root []byte) error {
	var c passphraseConfig
	if err := decodeConfig(w.Config, &c); err != nil {
		return err
	}
	if err := c.check(); err != nil || len(c.Salt) != 16 {
		return fmt.Errorf("%w: passphrase parameters", ErrIntegrity)
	}
	key, err := p.key(ctx, c)
	if err != nil {
		return err
	}
	defer key.Destroy()
	return unwrapWithKey(p.arena, key, KindPassphrase, installation, w, root)
}

// key reads the passphrase and stretches it.
func (p *Passphrase) key(ctx context.Context, c passphraseConfig) (*securemem.Secret, error) {
	pass, err := p.read(ctx)
	defer clear(pass)
	if err != nil {
		return nil, fmt.Errorf("seal: reading the passphrase: %w", err)
	}
	if len(pass) < MinPassphraseBytes || len(pass) > MaxPassphraseBytes {
		return nil, ErrPassphrase
	}
	if c.Function == Argon2id {
		return p.arena.Take(argon2.IDKey(pass, c.Salt, c.Time, c.MemoryKiB, c.Threads, 32))
	}
	key, err := scrypt.Key(pass, c.Salt, c.N, c.R, c.P, 32)
	if err != nil {
		return nil, fmt.Errorf("seal: scrypt: %w", err)
	}
	return p.arena.Take(key)
}
