package kms

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

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
	// Check compares the slots with references to them.
	Check(ctx context.Context, refs iter.Seq2[keyslot.SlotID, string]) (keyslot.Report, error)
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
// all calls on the snapshot. Later uses read it without a lock.
type opened struct {
	mu        sync.Mutex // held while it is being opened
	symmetric atomic.Pointer[envelope.Key]
	other     atomic.Pointer[keyalg.Key]
}

// symmetric returns the material of a SYMMETRIC_DEFAULT key, ready to seal and open.
func (s *Service) symmetric(ctx context.Context, m *material) (*envelope.Key, error) {
	return openOnce(ctx, s, m, &m.opened.symmetric, envelope.NewKey)
}

// algorithmic returns the material of an asymmetric or HMAC key.
func (s *Service) algorithmic(ctx context.Context, k *key, m *material) (*keyalg.Key, error) {
	if opened := m.other.Load(); opened != nil {
		return opened, nil
	}
	return openOnce(ctx, s, m, &m.other, func(b []byte) (*keyalg.Key, error) {
		return keyalg.ParseMaterial(keyalg.Spec(k.record.Spec), b)
	})
}

// openOnce returns what is at place, after putting it there if nobody has yet.
func openOnce[K any](ctx context.Context, s *Service, m *material, place *atomic.Pointer[K], parse func([]byte) (*K, error)) (*K, error) {
	if opened := place.Load(); opened != nil {
		return opened, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if opened := place.Load(); opened != nil {
		return opened, nil
	}
	var opened *K
	err := s.unwrap(ctx, &m.record, func(b []byte) (err error) {
		opened, err = parse(b)
		return err
	})
	if err != nil && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "key material does not open", "key", m.record.KeyID, "account", m.record.Account, "error", err)
		return nil, &kmsapi.KeyUnavailableException{Message: new("The KMS key is not available. Retry the request.")}
	}
	if err != nil {
		return nil, err
	}
	place.Store(opened)
	return opened, nil
}

// rawMaterial is key material that is not wrapped yet. Whoever has it clears bytes.
type rawMaterial struct {
	id    string // 64 hexadecimal digits
	bytes []byte
	spki  []byte // the public key of asymmetric specs, nil otherwise
}

// record is the record of the material as a key's current one, without a slot.
func (r *rawMaterial) record(k *keyRecord, now time.Time) *materialRecord {
	return &materialRecord{
		Account: k.Account, Region: k.Region, KeyID: k.ID, ID: r.id,
		State: kmsapi.KeyMaterialStateCurrent, Created: now, Order: 1,
	}
}

// rawOf takes the material out of a key, which it destroys. The id depends on the key
// id and the material in its one canonical encoding, and so is the same in all Regions
// and at each import.
func rawOf(k *keyRecord, generated *keyalg.Key) (*rawMaterial, error) {
	defer generated.Destroy()
	raw := &rawMaterial{}
	var err error
	if generated.Spec().Asymmetric() {
		if raw.spki, err = generated.PublicKeySPKI(); err != nil {
			return nil, fmt.Errorf("kms: encode public key: %w", err)
		}
	}
	if raw.bytes, err = generated.Material(); err != nil {
		return nil, fmt.Errorf("kms: encode key material: %w", err)
	}
	id := envelope.MaterialID(k.ID, raw.bytes)
	raw.id = hex.EncodeToString(id[:])
	return raw, nil
}

// generateMaterial makes new material for a key.
func (s *Service) generateMaterial(k *keyRecord) (*rawMaterial, error) {
	generated, err := s.generate(keyalg.Spec(k.Spec))
	if err != nil {
		return nil, err
	}
	return rawOf(k, generated)
}

// newMaterial generates the first material of a key and wraps it. The returned SPKI is
// the public key of asymmetric specs, nil otherwise.
func (s *Service) newMaterial(ctx context.Context, k *keyRecord) (*materialRecord, []byte, error) {
	raw, err := s.generateMaterial(k)
	if err != nil {
		return nil, nil, err
	}
	defer clear(raw.bytes)
	m := raw.record(k, s.clock.Now().UTC())
	if err := s.wrap(ctx, m, raw.bytes); err != nil {
		return nil, nil, err
	}
	return m, raw.spki, nil
}
