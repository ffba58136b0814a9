package kms

import (
	"context"

	"fastness/internal/keyslot"
	"fastness/internal/securemem"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// Checks are the consistency checks of the room beyond those of its tables
// (table.Registry.Checks), which find records that do not decode and indexes that do not
// agree: what records name is there. slots opens the slot of every key material (nil
// leaves that out).
func Checks(slots Slots) []store.Check {
	return []store.Check{
		{Name: "kms records", Run: checkRecords},
		{Name: "kms key material", Run: func(ctx context.Context, r store.Reader, report func([]byte, string)) error {
			return checkMaterial(ctx, r, slots, report)
		}},
	}
}

// checkRecords looks for the keys that materials, aliases and grants name, and for the
// current materials of keys.
func checkRecords(ctx context.Context, r store.Reader, report func([]byte, string)) error {
	t, err := newTables(table.NewRegistry())
	if err != nil {
		return err
	}
	// ofKey reports a row whose key is not there.
	ofKey := func(row []byte, n keyName, text string) error {
		found, err := t.keys.Has(r, regional(n.region), n.parts()...)
		if err == nil && !found {
			report(row, text)
		}
		return err
	}
	for _, step := range []func() error{
		func() error {
			return eachRecord(ctx, r, t.keys, func(row []byte, k *keyRecord) error {
				if k.Material == "" {
					return nil
				}
				found, err := t.materials.Has(r, k.name().scope(), parts(k.ID, k.Material)...)
				if err == nil && !found {
					report(row, "the current key material is missing")
				}
				return err
			})
		},
		func() error {
			return eachRecord(ctx, r, t.materials, func(row []byte, m *materialRecord) error {
				return ofKey(row, m.key(), "key material of a key that does not exist")
			})
		},
		func() error {
			return eachRecord(ctx, r, t.aliases, func(row []byte, a *aliasRecord) error {
				return ofKey(row, keyName{a.Account, a.Region, a.KeyID}, "alias of a key that does not exist")
			})
		},
		func() error {
			return eachRecord(ctx, r, t.grants, func(row []byte, g *grantRecord) error {
				return ofKey(row, g.key(), "grant on a key that does not exist")
			})
		},
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// eachRecord calls f for every record of a table that decodes; the table's own check
// reports the others.
func eachRecord[T any](ctx context.Context, r store.Reader, t *table.Table[T], f func(row []byte, record *T) error) error {
	for scope, err := range table.Scopes(r) {
		if err != nil {
			return err
		}
		for item, err := range r.Scan(store.Prefix(t.Key(scope))) {
			if err != nil {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			read, _, err := t.Decode(store.Change{Key: item.Key, Value: item.Value})
			if err != nil || read.Record == nil {
				continue
			}
			if err := f(item.Key, read.Record); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkMaterial opens the slot of every key material.
func checkMaterial(ctx context.Context, r store.Reader, slots Slots, report func([]byte, string)) error {
	if slots == nil {
		return nil
	}
	t, err := newTables(table.NewRegistry())
	if err != nil {
		return err
	}
	v := vault{slots, securemem.NewArena(securemem.Options{})}
	defer v.arena.Close()
	return eachRecord(ctx, r, t.materials, func(row []byte, m *materialRecord) error {
		if m.Slot == (keyslot.SlotID{}) || len(m.Wrapped) == 0 {
			return nil
		}
		if err := v.unwrap(ctx, m, func([]byte) error { return nil }); err != nil {
			report(row, err.Error())
		}
		return nil
	})
}
