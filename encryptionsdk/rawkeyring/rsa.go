package rawkeyring

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // OAEP with SHA-1 is part of the format; it does not rest on collisions
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"sync/atomic"

	"fastness/encryptionsdk"
	"fastness/encryptionsdk/internal/datakey"
)

// Padding is an RSA encryption scheme of RFC 8017. OAEP uses its hash for MGF1 too, and an
// empty label.
type Padding int

// The paddings of the AWS Encryption SDK. PKCS1 is for old messages and partners only.
const (
	PKCS1 Padding = 1 + iota
	OAEPSHA1
	OAEPSHA256
	OAEPSHA384
	OAEPSHA512
)

// hash is nil for PKCS1 and for values that are no padding.
func (p Padding) hash() func() hash.Hash {
	switch p {
	case OAEPSHA1:
		return sha1.New
	case OAEPSHA256:
		return sha256.New
	case OAEPSHA384:
		return sha512.New384
	case OAEPSHA512:
		return sha512.New
	}
	return nil
}

// RSAKeyring wraps data keys with RSA.
type RSAKeyring struct {
	namespace string
	name      string
	padding   Padding
	public    *rsa.PublicKey
	private   atomic.Pointer[rsa.PrivateKey]
	hasSecret bool
}

var _ encryptionsdk.Keyring = (*RSAKeyring)(nil)

// NewRSA returns a keyring that wraps with public and unwraps with private. One of them may
// be nil: such a keyring only decrypts or only encrypts. The public key is never taken from
// the private one, so that who wants to encrypt says so. If both are given they must belong
// together. It fails with ErrOptions, also for moduli below 2048 bits or too small to carry
// a data key of 32 bytes.
func NewRSA(namespace, name string, padding Padding, public *rsa.PublicKey, private *rsa.PrivateKey) (*RSAKeyring, error) {
	if err := checkName(namespace, name, 0); err != nil {
		return nil, err
	}
	if padding != PKCS1 && padding.hash() == nil {
		return nil, fmt.Errorf("%w: unknown RSA padding %d", encryptionsdk.ErrOptions, int(padding))
	}
	if public == nil && private == nil {
		return nil, fmt.Errorf("%w: a public or a private RSA key is needed", encryptionsdk.ErrOptions)
	}
	k := &RSAKeyring{namespace: namespace, name: name, padding: padding, public: public}
	if public != nil && (public.N == nil || public.N.BitLen() < 2048) {
		return nil, fmt.Errorf("%w: RSA keys need at least 2048 bits", encryptionsdk.ErrOptions)
	}
	if private != nil {
		if private.N == nil || private.N.BitLen() < 2048 {
			return nil, fmt.Errorf("%w: RSA keys need at least 2048 bits", encryptionsdk.ErrOptions)
		}
		if err := private.Validate(); err != nil {
			return nil, fmt.Errorf("%w: RSA private key: %w", encryptionsdk.ErrOptions, err)
		}
		if public != nil && !private.PublicKey.Equal(public) {
			return nil, fmt.Errorf("%w: RSA public and private key do not belong together", encryptionsdk.ErrOptions)
		}
		k.private.Store(private)
		k.hasSecret = true
	}
	return k, nil
}

// OnEncrypt implements encryptionsdk.Keyring. It fails for a keyring without public key.
func (k *RSAKeyring) OnEncrypt(_ context.Context, m *encryptionsdk.EncryptionMaterials) error {
	if k.public == nil {
		return fmt.Errorf("raw RSA: %w: no public key to encrypt with", encryptionsdk.ErrMaterials)
	}
	key, err := datakey.Get(m)
	if err != nil {
		return fmt.Errorf("raw RSA: %w", err)
	}
	var wrapped []byte
	if k.padding == PKCS1 {
		//lint:ignore SA1019 the padding is one of AWS's; messages under it have to be made
		wrapped, err = rsa.EncryptPKCS1v15(rand.Reader, k.public, key)
	} else {
		wrapped, err = rsa.EncryptOAEP(k.padding.hash()(), rand.Reader, k.public, key, nil)
	}
	if err != nil {
		datakey.Drop(m, key)
		return fmt.Errorf("raw RSA: %w: %w", encryptionsdk.ErrMaterials, err)
	}
	return datakey.Put(m, key, encryptionsdk.EncryptedDataKey{ProviderID: k.namespace, ProviderInfo: []byte(k.name), Ciphertext: wrapped})
}

// OnDecrypt implements encryptionsdk.Keyring. It fails for a keyring without private key.
//
// With PKCS1 a wrapping that does not decrypt is not reported here: the data key is random
// then and the message's header does not authenticate. Anything else would tell an attacker
// who sends crafted wrappings whether their padding is right (Bleichenbacher 1998). So behind
// such a keyring in a multi-keyring, no other is asked for wrappings that carry its name.
func (k *RSAKeyring) OnDecrypt(ctx context.Context, m *encryptionsdk.DecryptionMaterials, keys []encryptionsdk.EncryptedDataKey) error {
	if !k.hasSecret {
		return fmt.Errorf("raw RSA: %w: no private key to decrypt with", encryptionsdk.ErrNoDataKey)
	}
	private := k.private.Load()
	if private == nil {
		return fmt.Errorf("raw RSA: %w: %w", encryptionsdk.ErrNoDataKey, errClosed)
	}
	var err error
	if k.padding == PKCS1 {
		err = k.openPKCS1(ctx, private, m, keys)
	} else {
		err = datakey.Open(ctx, m, keys, func(edk *encryptionsdk.EncryptedDataKey) ([]byte, error) {
			if !k.wrapped(edk) {
				return nil, datakey.ErrForeign
			}
			return rsa.DecryptOAEP(k.padding.hash()(), nil, private, edk.Ciphertext, nil)
		})
	}
	if err != nil {
		return fmt.Errorf("raw RSA: %w", err)
	}
	return nil
}

// wrapped tells whether edk names this keyring's key.
func (k *RSAKeyring) wrapped(edk *encryptionsdk.EncryptedDataKey) bool {
	return edk.ProviderID == k.namespace && string(edk.ProviderInfo) == k.name
}

// openPKCS1 goes through the wrappings backwards and lets each replace the data key, in
// constant time, if it is well padded and as long as the suite wants. So the first good one
// is used at the end, and a random key if there is none, and neither time nor result shows
// which.
func (k *RSAKeyring) openPKCS1(ctx context.Context, private *rsa.PrivateKey, m *encryptionsdk.DecryptionMaterials, keys []encryptionsdk.EncryptedDataKey) error {
	if m == nil || m.Suite == nil {
		return fmt.Errorf("%w: no algorithm suite", encryptionsdk.ErrMaterials)
	}
	if m.PlaintextDataKey != nil {
		return nil
	}
	key := make([]byte, m.Suite.DataKeyLen)
	rand.Read(key) // never fails (crypto/rand)
	var tried bool
	var causes datakey.Causes
	for i := len(keys) - 1; i >= 0; i-- {
		if err := ctx.Err(); err != nil {
			clear(key)
			return err
		}
		if !k.wrapped(&keys[i]) {
			continue
		}
		// The length of a wrapping is public: refusing it tells nobody anything.
		if len(keys[i].Ciphertext) != private.Size() {
			causes.Add(fmt.Errorf("encrypted data key %d: %d bytes for an RSA key of %d", i+1, len(keys[i].Ciphertext), private.Size()))
			continue
		}
		//lint:ignore SA1019 the padding is one of AWS's; this form tells nobody whether it was right
		if err := rsa.DecryptPKCS1v15SessionKey(nil, private, keys[i].Ciphertext, key); err != nil {
			causes.Add(fmt.Errorf("encrypted data key %d: %w", i+1, err))
			continue
		}
		tried = true
	}
	if !tried {
		clear(key)
		return causes.NoDataKey()
	}
	m.PlaintextDataKey = key
	return nil
}

// Close makes the keyring forget its private key; decrypting afterwards fails.
func (k *RSAKeyring) Close() error {
	k.private.Store(nil)
	return nil
}
