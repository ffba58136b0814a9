package kms

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"fastness/internal/api/kmsapi"
	"fastness/internal/engine/envelope"
	"fastness/internal/engine/keyalg"
	"fastness/internal/keyslot"
	"fastness/internal/securemem"
)

// Slots keeps the keys that wrap key material, one for each, outside the store
// (package keyslot). Shredding a slot makes the material unreadable in every copy of
// the store.
type Slots interface {
	Allocate(ctx context.Context, owner string) (keyslot.SlotID, *securemem.Secret, error)
	OpenSlot(ctx context.Context, id keyslot.SlotID, owner string) (*securemem.Secret, error)
	Shred(ctx context.Context, id keyslot.SlotID) error
}

// wrapVersion is part of the associated data of wrapped material.
const wrapVersion = "1"

// materialOwner names a material to its slot and binds the wrapping to it.
func materialOwner(account, region, keyID, materialID string) string {
	return "kms/" + account + "/" + region + "/" + keyID + "/" + materialID
}

// wrap protects material under a slot of its own. The slot is durable when wrap
// returns; if the transaction that would record it fails, it is an orphan that the
// next sweep shreds.
func (s *Service) wrap(ctx context.Context, m *materialRecord, material []byte) error {
	owner := materialOwner(m.Account, m.Region, m.KeyID, m.ID)
	slot, kek, err := s.slots.Allocate(ctx, owner)
	if err != nil {
		return fmt.Errorf("kms: allocate a key slot: %w", err)
	}
	defer kek.Destroy()
	var wrapErr error
	err = kek.With(func(k []byte) {
		aead, err := wrapCipher(k)
		if err != nil {
			wrapErr = err
			return
		}
		m.Wrapped = aead.Seal(nil, nil, material, []byte(owner+"/"+wrapVersion))
	})
	if err = errors.Join(err, wrapErr); err != nil {
		return fmt.Errorf("kms: wrap key material: %w", err)
	}
	m.Slot = slot
	return nil
}

// wrapCipher is AES-256-GCM that puts a random nonce in front. A slot's key wraps one
// material, once.
func wrapCipher(kek []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(kek)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// unwrap calls f with the material of m, which is zeroed afterwards.
func (s *Service) unwrap(ctx context.Context, m *materialRecord, f func(material []byte) error) error {
	owner := materialOwner(m.Account, m.Region, m.KeyID, m.ID)
	kek, err := s.slots.OpenSlot(ctx, m.Slot, owner)
	if err != nil {
		return fmt.Errorf("kms: open the key slot of material %s: %w", m.ID, err)
	}
	defer kek.Destroy()
	var inner error
	err = kek.With(func(k []byte) {
		aead, err := wrapCipher(k)
		if err != nil {
			inner = err
			return
		}
		material, err := aead.Open(nil, nil, m.Wrapped, []byte(owner+"/"+wrapVersion))
		if err != nil {
			inner = errors.New("wrapped key material does not open")
			return
		}
		defer clear(material)
		inner = f(material)
	})
	if err = errors.Join(err, inner); err != nil {
		return fmt.Errorf("kms: key material %s: %w", m.ID, err)
	}
	return nil
}

// opened is the ready-to-use form of a material, made at its first use and shared by
// all calls on the snapshot.
type opened struct {
	mu        sync.Mutex
	symmetric *envelope.Key
	other     *keyalg.Key
}

// symmetric returns the material of a SYMMETRIC_DEFAULT key, ready to seal and open.
func (s *Service) symmetric(ctx context.Context, m *material) (*envelope.Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.opened.symmetric != nil {
		return m.opened.symmetric, nil
	}
	err := s.unwrap(ctx, &m.record, func(b []byte) (err error) {
		m.opened.symmetric, err = envelope.NewKey(b)
		return err
	})
	return m.opened.symmetric, err
}

// algorithmic returns the material of an asymmetric or HMAC key.
func (s *Service) algorithmic(ctx context.Context, k *key, m *material) (*keyalg.Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.other != nil {
		return m.other, nil
	}
	err := s.unwrap(ctx, &m.record, func(b []byte) (err error) {
		m.other, err = keyalg.ParseMaterial(keyalg.Spec(k.record.Spec), b)
		return err
	})
	return m.other, err
}

// newMaterial generates material for a key and wraps it. The returned SPKI is the
// public key of asymmetric specs, nil otherwise.
func (s *Service) newMaterial(ctx context.Context, k *keyRecord) (*materialRecord, []byte, error) {
	generated, err := s.generate(ctx, keyalg.Spec(k.Spec))
	if err != nil {
		return nil, nil, err
	}
	defer generated.Destroy()
	raw, err := generated.Material()
	if err != nil {
		return nil, nil, fmt.Errorf("kms: encode key material: %w", err)
	}
	defer clear(raw)
	var spki []byte
	if generated.Spec().Asymmetric() {
		if spki, err = generated.PublicKeySPKI(); err != nil {
			return nil, nil, fmt.Errorf("kms: encode public key: %w", err)
		}
	}
	id := envelope.MaterialID(k.ID, raw)
	m := &materialRecord{
		Account: k.Account, Region: k.Region, KeyID: k.ID, ID: hex.EncodeToString(id[:]),
		State: kmsapi.KeyMaterialStateCurrent, Created: s.clock.Now().UTC(), Order: 1,
	}
	if err := s.wrap(ctx, m, raw); err != nil {
		return nil, nil, err
	}
	return m, spki, nil
}
