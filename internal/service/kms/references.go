package kms

import (
	"fmt"

	"fastness/internal/keyslot"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// References returns the key slot of every stored key material, with its owner. What is
// in none of them may be destroyed, so a record that cannot be read is an error and not
// a gap.
func References(r store.Reader) (map[keyslot.SlotID]string, error) {
	t, err := newTables(table.NewRegistry())
	if err != nil {
		return nil, err
	}
	refs := make(map[keyslot.SlotID]string)
	for row, err := range t.materials.ScanAll(r) {
		if err != nil {
			return nil, fmt.Errorf("kms: reading key materials: %w", err)
		}
		// A replica in creation names the slot of its primary until it has its own.
		if m := row.Record; !m.Slot.IsZero() && len(m.Wrapped) > 0 {
			refs[m.Slot] = materialOwner(m.Account, m.Region, m.KeyID, m.ID)
		}
	}
	return refs, nil
}
