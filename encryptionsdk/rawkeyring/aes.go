package rawkeyring

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"fastness/encryptionsdk"
	"fastness/encryptionsdk/internal/datakey"
)

const (
	aesIVLen   = 12
	aesTagLen  = 16
	aesInfoLen = 4 + 4 + aesIVLen // behind the name: tag length in bits, IV length, IV
)

// AESKeyring wraps data keys with AES-GCM.
type AESKeyring struct {
	namespace string
	name      string
	// aead prepends random nonces itself, which keeps it usable in FIPS 140-3 mode.
	aead atomic.Pointer[cipher.AEAD]
}

var _ encryptionsdk.Keyring = (*AESKeyring)(nil)

// NewAES returns a keyring that wraps with key: 16, 24 or 32 random bytes, which are not
// kept. A message shows namespace and name. Under one key at most 2³² messages should be
// encrypted, because the nonces are random (NIST SP 800-38D, section 8.3). It fails with
// ErrOptions.
func NewAES(namespace, name string, key []byte) (*AESKeyring, error) {
	if err := checkName(namespace, name, aesInfoLen); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("%w: a wrapping key of %d bytes: it must have 16, 24 or 32", encryptionsdk.ErrOptions, len(key))
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", encryptionsdk.ErrOptions, err)
	}
	k := &AESKeyring{namespace: namespace, name: name}
	k.aead.Store(&aead)
	return k, nil
}

// OnEncrypt implements encryptionsdk.Keyring.
func (k *AESKeyring) OnEncrypt(_ context.Context, m *encryptionsdk.EncryptionMaterials) error {
	aead := k.aead.Load()
	if aead == nil {
		return fmt.Errorf("raw AES: %w: %w", encryptionsdk.ErrMaterials, errClosed)
	}
	key, err := datakey.Get(m)
	if err != nil {
		return fmt.Errorf("raw AES: %w", err)
	}
	aad, err := m.EncryptionContext.AppendBinary(nil)
	if err != nil {
		datakey.Drop(m, key)
		return fmt.Errorf("raw AES: %w", err)
	}
	sealed := (*aead).Seal(make([]byte, 0, aesIVLen+len(key)+aesTagLen), nil, key, aad)
	return datakey.Put(m, key, encryptionsdk.EncryptedDataKey{
		ProviderID:   k.namespace,
		ProviderInfo: appendAESInfo(make([]byte, 0, len(k.name)+aesInfoLen), k.name, sealed[:aesIVLen]),
		Ciphertext:   sealed[aesIVLen:],
	})
}

// OnDecrypt implements encryptionsdk.Keyring.
func (k *AESKeyring) OnDecrypt(ctx context.Context, m *encryptionsdk.DecryptionMaterials, keys []encryptionsdk.EncryptedDataKey) error {
	aead := k.aead.Load()
	if aead == nil {
		return fmt.Errorf("raw AES: %w: %w", encryptionsdk.ErrNoDataKey, errClosed)
	}
	var aad []byte
	err := datakey.Open(ctx, m, keys, func(edk *encryptionsdk.EncryptedDataKey) ([]byte, error) {
		if edk.ProviderID != k.namespace {
			return nil, datakey.ErrForeign
		}
		iv, ok := aesInfoIV(edk.ProviderInfo, k.name)
		if !ok {
			return nil, datakey.ErrForeign
		}
		if aad == nil {
			var err error
			if aad, err = m.EncryptionContext.AppendBinary([]byte{}); err != nil {
				return nil, err
			}
		}
		sealed := make([]byte, 0, len(iv)+len(edk.Ciphertext))
		sealed = append(append(sealed, iv...), edk.Ciphertext...)
		return (*aead).Open(nil, nil, sealed, aad)
	})
	if err != nil {
		return fmt.Errorf("raw AES: %w", err)
	}
	return nil
}

// Close makes the keyring forget its key; using it afterwards fails.
func (k *AESKeyring) Close() error {
	k.aead.Store(nil)
	return nil
}

// appendAESInfo appends the provider info of a wrapping: name, tag length in bits, IV
// length in bytes, IV.
func appendAESInfo(b []byte, name string, iv []byte) []byte {
	b = append(b, name...)
	b = binary.BigEndian.AppendUint32(b, aesTagLen*8)
	b = binary.BigEndian.AppendUint32(b, uint32(len(iv)))
	return append(b, iv...)
}

// aesInfoIV returns the IV in a provider info that appendAESInfo could have made for name.
// Nothing separates the name from what follows it, so it can only be read by who knows it.
func aesInfoIV(info []byte, name string) (iv []byte, ok bool) {
	rest, ok := bytes.CutPrefix(info, []byte(name))
	if !ok || len(rest) != aesInfoLen ||
		binary.BigEndian.Uint32(rest) != aesTagLen*8 || binary.BigEndian.Uint32(rest[4:]) != aesIVLen {
		return nil, false
	}
	return rest[8:], true
}
