package datakey

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"

	"fastness/encryptionsdk"
)

// ErrForeign says that an encrypted data key belongs to another keyring. It is a cause that
// Open does not collect: a message may carry thousands of foreign keys.
var ErrForeign = errors.New("encrypted data key of another keyring")

// maxCauses bounds the causes that Open joins, so that a message with 65,535 broken keys
// does not become an error text of megabytes.
const maxCauses = 16

// Get returns the data key of m, or a new random one if m has none yet; Put stores it. It
// fails with ErrMaterials when m has no suite or a data key of another length.
func Get(m *encryptionsdk.EncryptionMaterials) ([]byte, error) {
	if m == nil || m.Suite == nil {
		return nil, fmt.Errorf("%w: no algorithm suite", encryptionsdk.ErrMaterials)
	}
	if m.PlaintextDataKey == nil {
		key := make([]byte, m.Suite.DataKeyLen)
		rand.Read(key) // never fails (crypto/rand)
		return key, nil
	}
	if len(m.PlaintextDataKey) != m.Suite.DataKeyLen {
		return nil, fmt.Errorf("%w: data key of %d bytes for %s", encryptionsdk.ErrMaterials, len(m.PlaintextDataKey), m.Suite.Name)
	}
	return m.PlaintextDataKey, nil
}

// Put stores key, which came from Get, as the data key of m and wrapped as a wrapping of
// it. A wrapping that does not fit the message format is refused with ErrMaterials, and the
// key dropped.
func Put(m *encryptionsdk.EncryptionMaterials, key []byte, wrapped encryptionsdk.EncryptedDataKey) error {
	if len(wrapped.ProviderID) > math.MaxUint16 || len(wrapped.ProviderInfo) > math.MaxUint16 || len(wrapped.Ciphertext) > math.MaxUint16 {
		Drop(m, key)
		return fmt.Errorf("%w: an encrypted data key with a member longer than %d bytes", encryptionsdk.ErrMaterials, math.MaxUint16)
	}
	m.PlaintextDataKey = key
	m.EncryptedDataKeys = append(m.EncryptedDataKeys, wrapped)
	return nil
}

// Drop wipes key, which came from Get, unless it is the data key of m already: for a
// keyring that fails between Get and Put.
func Drop(m *encryptionsdk.EncryptionMaterials, key []byte) {
	if m.PlaintextDataKey == nil {
		clear(key)
	}
}

// Open sets the data key of m to what try returns for the first of keys that it can
// unwrap. It does nothing when m has its data key. try returns ErrForeign for keys that are
// not its own; its other errors are joined to the ErrNoDataKey with which Open fails when
// nothing fits. A data key of the wrong length counts as an error of try.
func Open(ctx context.Context, m *encryptionsdk.DecryptionMaterials, keys []encryptionsdk.EncryptedDataKey, try func(*encryptionsdk.EncryptedDataKey) ([]byte, error)) error {
	if m == nil || m.Suite == nil {
		return fmt.Errorf("%w: no algorithm suite", encryptionsdk.ErrMaterials)
	}
	if m.PlaintextDataKey != nil {
		return nil
	}
	var c Causes
	for i := range keys {
		if err := ctx.Err(); err != nil {
			return err
		}
		key, err := try(&keys[i])
		if err == nil && len(key) != m.Suite.DataKeyLen {
			err = fmt.Errorf("%w: unwrapped data key has %d bytes, %s needs %d", encryptionsdk.ErrMaterials, len(key), m.Suite.Name, m.Suite.DataKeyLen)
			clear(key)
		}
		if err == nil {
			m.PlaintextDataKey = key
			return nil
		}
		if !errors.Is(err, ErrForeign) {
			c.Add(fmt.Errorf("encrypted data key %d: %w", i+1, err))
		}
	}
	return c.NoDataKey()
}

// Causes collects why data keys did not open. The zero value is ready.
type Causes struct {
	kept []error
	more int
}

// Add remembers err, if there is still room.
func (c *Causes) Add(err error) {
	if len(c.kept) < maxCauses {
		c.kept = append(c.kept, err)
	} else {
		c.more++
	}
}

// NoDataKey is an error that matches ErrNoDataKey and all collected causes.
func (c *Causes) NoDataKey() error {
	if len(c.kept) == 0 {
		return fmt.Errorf("%w: none of them is this keyring's", encryptionsdk.ErrNoDataKey)
	}
	if c.more > 0 {
		return fmt.Errorf("%w: %w\nand %d more", encryptionsdk.ErrNoDataKey, errors.Join(c.kept...), c.more)
	}
	return fmt.Errorf("%w: %w", encryptionsdk.ErrNoDataKey, errors.Join(c.kept...))
}
