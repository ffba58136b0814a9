package kms

import (
	"context"

	"fastness/internal/keyslot"
	"fastness/internal/store"
)

// Checks are the consistency checks of the room's records: they decode, and what they
// name is there. slots opens the slot of every key material (nil leaves that out).
func Checks(slots Slots) []store.Check {
	return []store.Check{
		{Name: "kms records", Run: checkRecords},
		{Name: "kms key material", Run: func(ctx context.Context, r store.Reader, report func([]byte, string)) error {
			return checkMaterial(ctx, r, slots, report)
		}},
	}
}

// checkRecords decodes every record, and looks for the keys that aliases, materials,
// grants and references name.
func checkRecords(ctx context.Context, r store.Reader, report func([]byte, string)) error {
	t, err := newTables()
	if err != nil {
		return err
	}
	keys := make(map[keyName]string)               // to the id of the current material
	materials := make(map[keyName]map[string]bool) // ids
	steps := []func() error{
		func() error {
			return eachRecord(ctx, r, t.keys, report, func(_ []byte, k *keyRecord) { keys[k.name()] = k.Material })
		},
		func() error {
			return eachRecord(ctx, r, t.materials, report, func(row []byte, m *materialRecord) {
				name := keyName{m.Account, m.Region, m.KeyID}
				if _, ok := keys[name]; !ok {
					report(row, "key material of a key that does not exist")
				}
				if materials[name] == nil {
					materials[name] = make(map[string]bool)
				}
				materials[name][m.ID] = true
			})
		},
		func() error {
			return eachRecord(ctx, r, t.aliases, report, func(row []byte, a *aliasRecord) {
				if _, ok := keys[keyName{a.Account, a.Region, a.KeyID}]; !ok {
					report(row, "alias of a key that does not exist")
				}
			})
		},
		func() error {
			return eachRecord(ctx, r, t.grants, report, func(row []byte, g *grantRecord) {
				if _, ok := keys[g.key()]; !ok {
					report(row, "grant on a key that does not exist")
				}
			})
		},
		func() error {
			return eachRecord(ctx, r, t.keyStores, report, func([]byte, *keyStoreRecord) {})
		},
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	for name, current := range keys {
		row := rowKey(t.keys.name, name.account, name.region, name.id)
		if current != "" && !materials[name][current] {
			report(row, "the current key material is missing")
		}
		rec, err := t.keys.Get(r, name.account, name.region, name.id)
		if err != nil {
			return err
		}
		var ref [16]byte
		copy(ref[:], rec.Ref)
		if found, ok, err := t.keyOfRef(r, name.region, ref); err != nil {
			return err
		} else if !ok || found != name {
			report(row, "the reference that ciphertexts carry does not lead to the key")
		}
	}
	return nil
}

// eachRecord calls f for every record of a table that decodes, and reports the others.
func eachRecord[R any, P identified[R]](ctx context.Context, r store.Reader, t table[R, P], report func([]byte, string), f func(row []byte, rec P)) error {
	for item, err := range r.Scan(store.Prefix(rowKey(t.name))) {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rec, err := t.decode(item)
		if err != nil {
			report(item.Key, err.Error())
			continue
		}
		f(item.Key, &rec)
	}
	return nil
}

// checkMaterial opens the slot of every key material.
func checkMaterial(ctx context.Context, r store.Reader, slots Slots, report func([]byte, string)) error {
	if slots == nil {
		return nil
	}
	t, err := newTables()
	if err != nil {
		return err
	}
	return eachRecord(ctx, r, t.materials, func([]byte, string) {}, func(row []byte, m *materialRecord) {
		if m.Slot == (keyslot.SlotID{}) || len(m.Wrapped) == 0 {
			return
		}
		kek, err := slots.OpenSlot(ctx, m.Slot, materialOwner(m.Account, m.Region, m.KeyID, m.ID))
		if err != nil {
			report(row, err.Error())
			return
		}
		defer kek.Destroy()
		if err := kek.With(func(k []byte) {
			aead, err := wrapCipher(k)
			if err != nil {
				report(row, err.Error())
				return
			}
			material, err := aead.Open(nil, nil, m.Wrapped, []byte(materialOwner(m.Account, m.Region, m.KeyID, m.ID)+"/"+wrapVersion))
			if err != nil {
				report(row, "wrapped key material does not open")
				return
			}
			clear(material)
		}); err != nil {
			report(row, err.Error())
		}
	})
}
