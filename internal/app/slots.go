package app

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"path/filepath"

	"fastness/internal/keyslot"
	"fastness/internal/seal"
	"fastness/internal/securemem"
	"fastness/internal/service/kms"
	"fastness/internal/store"
)

// slotsFile is the file of key slots in the data directory, and in a backup.
const slotsFile = "keyslots"

// openSlots opens the file of key slots. It makes the file only as long as the store
// does not say that it was made before: a crash between the first start of the store
// and the making of the file is healed, but a lost file is an error, because all KMS
// keys are lost with it.
func openSlots(ctx context.Context, c *Config, ring *seal.Keyring, sealed store.Store, arena *securemem.Arena, t *records) (*keyslot.File, error) {
	info, err := ring.Info()
	if err != nil {
		return nil, err
	}
	aead, err := ring.AEAD(seal.PurposeKeyslot)
	if err != nil {
		return nil, err
	}
	made, err := t.slotFileMade(ctx, sealed)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(c.DataDir, slotsFile)
	f, err := keyslot.Open(ctx, path, keyslot.Options{
		Installation: info.Installation, AEAD: aead, Arena: arena, Create: !made,
	})
	if errors.Is(err, keyslot.ErrMissing) {
		return nil, fmt.Errorf("app: %w; the KMS keys cannot be opened without it, and a new one would not help: put it back from a backup", err)
	}
	if err != nil {
		return nil, err
	}
	if !made {
		if err := t.noteSlotFile(ctx, sealed, c.Clock.Now()); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, nil
}

// references are the slots that records need.
func references(ctx context.Context, s store.Store) (iter.Seq2[keyslot.SlotID, string], error) {
	var refs map[keyslot.SlotID]string
	err := s.View(ctx, func(r store.Reader) (err error) {
		refs, err = kms.References(r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return maps.All(refs), nil
}

// sweepSlots destroys the slots whose record was never committed, because the process
// ended or the transaction failed in between. It runs before anything can allocate.
// When slots are missing, the store and the file do not belong together, and nothing
// is destroyed.
func (a *App) sweepSlots(ctx context.Context, slots *keyslot.File, sealed store.Store) error {
	refs, err := references(ctx, sealed)
	if err != nil {
		return err
	}
	report, err := slots.Check(ctx, refs)
	if err != nil {
		return fmt.Errorf("app: checking the key slots: %w", err)
	}
	if n := len(report.Missing) + len(report.Unopenable) + len(report.Damaged); n > 0 {
		a.config.Log.Error("key material cannot be opened; `fastness fsck` says more", "missing", len(report.Missing), "unopenable", len(report.Unopenable), "damaged", len(report.Damaged))
		return nil
	}
	for _, id := range report.Orphans {
		if err := slots.Shred(ctx, id); err != nil {
			return fmt.Errorf("app: destroying an unused key slot: %w", err)
		}
	}
	if len(report.Orphans) > 0 {
		a.config.Log.Info("destroyed key slots that no key uses", "count", len(report.Orphans))
	}
	return nil
}
