package seal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"fastness/internal/securemem"
)

// Wrapped is a root key as a provider protects it; it is not secret.
type Wrapped struct {
	// Config is what the provider must know to unwrap, without secrets.
	Config []byte
	// Root is the protected root key.
	Root []byte
}

// Provider protects the root key.
type Provider interface {
	// Kind names the provider in the keyring record: "file", "passphrase", "shamir",
	// "awskms".
	Kind() string
	// Wrap protects root (32 bytes, in locked memory; not to be kept) for the
	// installation.
	Wrap(ctx context.Context, installation string, root []byte) (Wrapped, error)
	// Unwrap writes the root key into root (32 bytes, in locked memory). It returns
	// ErrWrongKey when its key is not the one that wrapped, ErrIntegrity when what is
	// stored makes no sense.
	Unwrap(ctx context.Context, installation string, w Wrapped, root []byte) error
}

// maxConfigBytes bounds what a provider stores in or reads from the record.
const maxConfigBytes = 16 << 10

// wrapWithKey protects root under a key-encryption key of 32 bytes, for the
// providers that have one. The configuration is authenticated with it.
func wrapWithKey(a *securemem.Arena, kek *securemem.Secret, kind, installation string, config, root []byte) (Wrapped, error) {
	x, err := kekCipher(a, kek)
	if err != nil {
		return Wrapped{}, err
	}
	defer x.destroy()
	out, err := x.seal(nil, root, rootAAD(kind, installation, config))
	if err != nil {
		return Wrapped{}, err
	}
	return Wrapped{Config: config, Root: out}, nil
}

// unwrapWithKey reverses wrapWithKey.
func unwrapWithKey(a *securemem.Arena, kek *securemem.Secret, kind, installation string, w Wrapped, root []byte) error {
	if len(w.Root) != len(root)+xaesOverhead {
		return fmt.Errorf("%w: wrapped root of %d bytes", ErrIntegrity, len(w.Root))
	}
	x, err := kekCipher(a, kek)
	if err != nil {
		return err
	}
	defer x.destroy()
	if _, err := x.open(root[:0], w.Root, rootAAD(kind, installation, w.Config)); err != nil {
		clear(root)
		if errors.Is(err, errTag) {
			return ErrWrongKey
		}
		return err
	}
	return nil
}

func kekCipher(a *securemem.Arena, kek *securemem.Secret) (x *xaes, err error) {
	if e := kek.With(func(k []byte) { x, err = newXAES(a, k) }); e != nil {
		return nil, sealedErr(e)
	}
	return x, err
}

func rootAAD(kind, installation string, config []byte) []byte {
	return append([]byte("fastness root key\x00"+kind+"\x00"+installation+"\x00"), config...)
}

// decodeConfig decodes a provider's configuration strictly.
func decodeConfig(config []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(config))
	dec.DisallowUnknownFields()
	if len(config) > maxConfigBytes || dec.Decode(v) != nil {
		return fmt.Errorf("%w: provider configuration", ErrIntegrity)
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("%w: provider configuration", ErrIntegrity)
	}
	return nil
}
