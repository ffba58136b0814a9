package rawkeyring

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"fmt"
	"sync/atomic"

	"fastness/encryptionsdk"
	"fastness/encryptionsdk/internal/datakey"
	"fastness/encryptionsdk/internal/ecdhwrap"
)

// ECDHProviderID is the provider of data keys that raw ECDH keyrings wrap.
const ECDHProviderID = "raw-ecdh"

// kmsECDHProviderID marks data keys that a KMS ECDH keyring wrapped in the same form. Who
// holds the other private key himself opens them here.
const kmsECDHProviderID = "aws-kms-ecdh"

// ECDHKeyring wraps data keys under keys that two parties agree on. Which of the three
// schemes of the Encryption SDK it follows, its constructor decides.
type ECDHKeyring struct {
	curve   ecdh.Curve
	name    string                          // of the curve, in the derivation
	own     atomic.Pointer[ecdh.PrivateKey] // the static private key
	secret  bool                            // own was set once
	peer    *ecdh.PublicKey                 // recipient of what is encrypted; nil in discovery
	sender  []byte                          // own public key, compressed; nil without
	another []byte                          // peer's public key, compressed; nil without
}

var _ encryptionsdk.Keyring = (*ECDHKeyring)(nil)

// NewECDHStatic returns a keyring between two static keys (RawPrivateKeyToStaticPublicKey).
// It encrypts from own to peer and decrypts what either of them encrypted to the other.
// It fails with ErrOptions unless both keys are on one of the curves P-256, P-384, P-521.
func NewECDHStatic(own *ecdh.PrivateKey, peer *ecdh.PublicKey) (*ECDHKeyring, error) {
	if own == nil || peer == nil {
		return nil, fmt.Errorf("%w: raw ECDH needs a private and a public key", encryptionsdk.ErrOptions)
	}
	if own.Curve() != peer.Curve() {
		return nil, fmt.Errorf("%w: raw ECDH keys are on different curves", encryptionsdk.ErrOptions)
	}
	return newECDH(own, peer)
}

// NewECDHEphemeral returns a keyring that encrypts to peer from a key that it makes anew
// for every message (EphemeralPrivateKeyToStaticPublicKey). It cannot decrypt.
func NewECDHEphemeral(peer *ecdh.PublicKey) (*ECDHKeyring, error) {
	if peer == nil {
		return nil, fmt.Errorf("%w: raw ECDH needs a public key", encryptionsdk.ErrOptions)
	}
	return newECDH(nil, peer)
}

// NewECDHDiscovery returns a keyring that decrypts what anybody encrypted to own
// (PublicKeyDiscovery). It cannot encrypt. It says nothing about who wrote a message.
func NewECDHDiscovery(own *ecdh.PrivateKey) (*ECDHKeyring, error) {
	if own == nil {
		return nil, fmt.Errorf("%w: raw ECDH needs a private key", encryptionsdk.ErrOptions)
	}
	return newECDH(own, nil)
}

func newECDH(own *ecdh.PrivateKey, peer *ecdh.PublicKey) (*ECDHKeyring, error) {
	k := &ECDHKeyring{peer: peer}
	if own != nil {
		k.curve = own.Curve()
	} else {
		k.curve = peer.Curve()
	}
	if k.name = ecdhwrap.CurveName(k.curve); k.name == "" {
		return nil, fmt.Errorf("%w: raw ECDH on curve %v: only P-256, P-384 and P-521", encryptionsdk.ErrOptions, k.curve)
	}
	if own != nil {
		k.own.Store(own)
		k.secret = true
		k.sender = ecdhwrap.Compress(own.PublicKey())
	}
	if peer != nil {
		k.another = ecdhwrap.Compress(peer)
	}
	return k, nil
}

// OnEncrypt implements encryptionsdk.Keyring. A discovery keyring fails.
func (k *ECDHKeyring) OnEncrypt(_ context.Context, m *encryptionsdk.EncryptionMaterials) error {
	if k.peer == nil {
		return fmt.Errorf("raw ECDH: %w: a discovery keyring cannot encrypt", encryptionsdk.ErrMaterials)
	}
	if m == nil {
		return fmt.Errorf("raw ECDH: %w: none", encryptionsdk.ErrMaterials)
	}
	own, sender := k.own.Load(), k.sender
	switch {
	case own == nil && k.secret:
		return fmt.Errorf("raw ECDH: %w: %w", encryptionsdk.ErrMaterials, errClosed)
	case own == nil:
		var err error
		if own, err = k.curve.GenerateKey(rand.Reader); err != nil {
			return fmt.Errorf("raw ECDH: %w", err)
		}
		sender = ecdhwrap.Compress(own.PublicKey())
	}
	serialized, err := m.EncryptionContext.AppendBinary(nil)
	if err != nil {
		return fmt.Errorf("raw ECDH: %w", err)
	}
	secret, err := own.ECDH(k.peer)
	if err != nil {
		return fmt.Errorf("raw ECDH: %w", err)
	}
	defer clear(secret)
	key, err := datakey.Get(m)
	if err != nil {
		return fmt.Errorf("raw ECDH: %w", err)
	}
	info := ecdhwrap.Info{Sender: sender, Recipient: k.another}
	wrapped, err := ecdhwrap.Wrap(secret, k.name, info, serialized, key)
	if err != nil {
		datakey.Drop(m, key)
		return fmt.Errorf("raw ECDH: %w", err)
	}
	return datakey.Put(m, key, encryptionsdk.EncryptedDataKey{ProviderID: ECDHProviderID, ProviderInfo: info.Append(nil), Ciphertext: wrapped})
}

// OnDecrypt implements encryptionsdk.Keyring. A keyring with ephemeral sender fails.
func (k *ECDHKeyring) OnDecrypt(ctx context.Context, m *encryptionsdk.DecryptionMaterials, keys []encryptionsdk.EncryptedDataKey) error {
	if !k.secret {
		return fmt.Errorf("raw ECDH: %w: a keyring with ephemeral sender cannot decrypt", encryptionsdk.ErrNoDataKey)
	}
	own := k.own.Load()
	if own == nil {
		return fmt.Errorf("raw ECDH: %w: %w", encryptionsdk.ErrNoDataKey, errClosed)
	}
	err := datakey.Open(ctx, m, keys, func(edk *encryptionsdk.EncryptedDataKey) ([]byte, error) {
		if edk.ProviderID != ECDHProviderID && edk.ProviderID != kmsECDHProviderID {
			return nil, datakey.ErrForeign
		}
		info, err := ecdhwrap.ParseInfo(edk.ProviderInfo)
		if err != nil {
			return nil, err
		}
		peer, err := info.Partner(k.curve, k.sender, k.another, k.peer)
		if err != nil {
			return nil, err
		}
		if peer == nil {
			return nil, datakey.ErrForeign
		}
		serialized, err := m.EncryptionContext.AppendBinary(nil)
		if err != nil {
			return nil, err
		}
		secret, err := own.ECDH(peer)
		if err != nil {
			return nil, err
		}
		defer clear(secret)
		return ecdhwrap.Unwrap(secret, k.name, info, serialized, edk.Ciphertext)
	})
	if err != nil {
		return fmt.Errorf("raw ECDH: %w", err)
	}
	return nil
}

// Close makes the keyring forget its private key; using that afterwards fails.
func (k *ECDHKeyring) Close() error {
	k.own.Store(nil)
	return nil
}
