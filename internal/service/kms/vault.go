package kms

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
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

// vault wraps key material under slots and opens it again, in locked memory.
type vault struct {
	slots Slots
	arena *securemem.Arena
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
func (v *vault) wrap(ctx context.Context, m *materialRecord, material []byte) error {
	owner := materialOwner(m.Account, m.Region, m.KeyID, m.ID)
	slot, kek, err := v.slots.Allocate(ctx, owner)
	if err != nil {
		return fmt.Errorf("kms: allocate a key slot: %w", err)
	}
	defer kek.Destroy()
	aead, err := v.wrapCipher(kek)
	if err != nil {
		return fmt.Errorf("kms: wrap key material: %w", err)
	}
	defer aead.Destroy()
	if m.Wrapped, err = aead.Seal(nil, material, wrapBinding(owner)); err != nil {
		return fmt.Errorf("kms: wrap key material: %w", err)
	}
	m.Slot = slot
	return nil
}

// wrapBinding is the associated data of wrapped material.
func wrapBinding(owner string) []byte { return []byte(owner + "/" + wrapVersion) }

// wrapCipher is AES-256-GCM that puts a random nonce in front. A slot's key wraps one
// material, once.
func (v *vault) wrapCipher(kek *securemem.Secret) (aead *securemem.GCM, err error) {
	if e := kek.With(func(k []byte) { aead, err = v.arena.NewGCM(k) }); e != nil {
		return nil, e
	}
	return aead, err
}

// unwrap calls f with the material of m, in locked memory that is zeroed afterwards.
func (v *vault) unwrap(ctx context.Context, m *materialRecord, f func(material []byte) error) error {
	owner := materialOwner(m.Account, m.Region, m.KeyID, m.ID)
	kek, err := v.slots.OpenSlot(ctx, m.Slot, owner)
	if err != nil {
		return fmt.Errorf("kms: open the key slot of material %s: %w", m.ID, err)
	}
	defer kek.Destroy()
	if err := v.unwrapUnder(kek, owner, m.Wrapped, f); err != nil {
		return fmt.Errorf("kms: key material %s: %w", m.ID, err)
	}
	return nil
}

var errUnwrap = errors.New("wrapped key material does not open")

func (v *vault) unwrapUnder(kek *securemem.Secret, owner string, wrapped []byte, f func(material []byte) error) error {
	aead, err := v.wrapCipher(kek)
	if err != nil {
		return err
	}
	defer aead.Destroy()
	size := len(wrapped) - securemem.GCMOverhead
	if size < 1 {
		return errUnwrap
	}
	secret, err := v.arena.New(size)
	if err != nil {
		return err
	}
	defer secret.Destroy()
	var inner error
	err = secret.With(func(b []byte) {
		if out, err := aead.Open(b[:0], wrapped, wrapBinding(owner)); err != nil || len(out) != size {
			inner = errUnwrap
			return
		}
		inner = f(b)
	})
	return errors.Join(err, inner)
}

// shred destroys a slot, and the material under it that is open.
func (s *Service) shred(ctx context.Context, slot keyslot.SlotID) error {
	if err := s.slots.Shred(ctx, slot); err != nil {
		return err
	}
	// Whoever opened the slot before it was shredded has an entry by now, which is closed
	// once it is open.
	s.locked.forget(slot)
	s.parsed.forget(slot)
	return nil
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
