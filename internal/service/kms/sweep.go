package kms

import (
	"context"
	"fmt"
	"sync"
	"time"

	"fastness/internal/keyslot"
	"fastness/internal/store"
)

// orphans are the slots that the last sweep found without a record, and since when.
type orphans struct {
	mu    sync.Mutex
	since map[keyslot.SlotID]time.Time
}

// orphanAge is how long a slot must have been without a record before it is shredded:
// far longer than any transaction takes that might still commit the record.
const orphanAge = 10 * time.Minute

// SweepSlots shreds the slots that no record of this room refers to: a slot is durable
// before the transaction that records it, so a crash or a failed transaction leaves it
// behind. A slot is shredded when two sweeps, orphanAge apart, have found it so. The
// keyslot file must hold slots of this room only. It returns how many it shredded.
func (s *Service) SweepSlots(ctx context.Context) (shredded int, err error) {
	refs := map[keyslot.SlotID]string{}
	err = s.store.View(ctx, func(r store.Reader) error {
		for row, err := range s.tables.materials.ScanAll(r) {
			if err != nil {
				return err
			}
			if m := row.Record; !m.Slot.IsZero() {
				refs[m.Slot] = materialOwner(m.Account, m.Region, m.KeyID, m.ID)
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("kms: read slot references: %w", err)
	}
	// To a check without references every live slot looks like an orphan.
	report, err := s.slots.Check(ctx, func(func(keyslot.SlotID, string) bool) {})
	if err != nil {
		return 0, fmt.Errorf("kms: list slots: %w", err)
	}
	now := s.clock.Now()
	s.orphans.mu.Lock()
	defer s.orphans.mu.Unlock()
	seen := make(map[keyslot.SlotID]time.Time)
	for _, slot := range report.Orphans {
		if _, ok := refs[slot]; ok {
			continue
		}
		first, known := s.orphans.since[slot]
		if !known {
			first = now
		}
		if now.Sub(first) < orphanAge {
			seen[slot] = first
			continue
		}
		if err := s.shred(ctx, slot); err != nil {
			return shredded, fmt.Errorf("kms: shred an orphaned slot: %w", err)
		}
		shredded++
	}
	s.orphans.since = seen
	return shredded, nil
}
