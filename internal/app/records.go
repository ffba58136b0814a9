package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fastness/internal/store"
	"fastness/internal/store/table"
)

// records are the tables of the house itself; the rooms have their own.
type records struct {
	authority *table.Table[authorityRecord]
	slotFile  *table.Table[slotFileRecord]
}

// authorityRecord is our own certificate authority. There is one.
type authorityRecord struct {
	Certificate []byte `json:"certificate"` // PEM
	Key         []byte `json:"key"`         // PKCS #8
}

// slotFileRecord says that the file of key slots has been made. There is one.
type slotFileRecord struct {
	Made time.Time `json:"made"`
}

const only = "only" // the id of records of which there is one

func newRecords(reg *table.Registry) (*records, error) {
	authority, err := table.Register(reg, table.Def[authorityRecord]{
		Service: "app", Kind: "authority",
		Scope: func(*authorityRecord) table.Scope { return table.Scope{} },
		ID:    func(*authorityRecord) []table.Part { return []table.Part{table.String(only)} },
	})
	if err != nil {
		return nil, fmt.Errorf("app: %w", err)
	}
	slotFile, err := table.Register(reg, table.Def[slotFileRecord]{
		Service: "app", Kind: "keyslot-file",
		Scope: func(*slotFileRecord) table.Scope { return table.Scope{} },
		ID:    func(*slotFileRecord) []table.Part { return []table.Part{table.String(only)} },
	})
	if err != nil {
		return nil, fmt.Errorf("app: %w", err)
	}
	if err := reserveSpool(reg); err != nil {
		return nil, fmt.Errorf("app: %w", err)
	}
	return &records{authority: authority, slotFile: slotFile}, nil
}

// slotFileMade tells whether the file of key slots has ever been made.
func (t *records) slotFileMade(ctx context.Context, s store.Store) (made bool, err error) {
	err = s.View(ctx, func(r store.Reader) error {
		_, err := t.slotFile.Get(r, table.Scope{}, table.String(only))
		made = err == nil
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("app: reading about the key slots: %w", err)
	}
	return made, nil
}

func (t *records) noteSlotFile(ctx context.Context, s store.Store, now time.Time) error {
	_, err := s.Update(ctx, func(tx store.Txn) error {
		return t.slotFile.Put(tx, &slotFileRecord{Made: now.UTC()})
	})
	if err != nil {
		return fmt.Errorf("app: noting the key slots: %w", err)
	}
	return nil
}
