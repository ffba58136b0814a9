package xksproxy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fastness/internal/store"
	"fastness/internal/store/table"
)

// Bounds of what an operator configures.
const (
	MaxPrefixes    = 1000
	MaxKeys        = 1000 // of one prefix
	MaxGenerations = 100  // of one key
	MaxCredentials = 2    // of one prefix
)

// prefixRecord is one customer of the proxy.
type prefixRecord struct {
	Prefix string `json:"prefix"` // "" or "/example"

	Account     string             `json:"account"`
	Region      string             `json:"region"`
	Created     time.Time          `json:"created"`
	Credentials []credentialRecord `json:"credentials"` // oldest first
	Rules       Rules              `json:"rules,omitzero"`
}

type credentialRecord struct {
	AccessKeyID string    `json:"accessKeyId"`
	Secret      string    `json:"secret"`
	Created     time.Time `json:"created"`
}

// keyRecord is one exported key.
type keyRecord struct {
	Prefix string `json:"prefix"`
	ID     string `json:"id"`

	KMSKey  string    `json:"kmsKey"` // ARN
	Created time.Time `json:"created"`
	Usages  []string  `json:"usages"`
	Enabled bool      `json:"enabled"`
	// Generations are the wrapped keys, oldest first; the last one encrypts.
	Generations [][]byte `json:"generations"`
}

// tables are the proxy's records in the store. A prefix is unique over all accounts,
// for it is what a request comes with; so they have no scope.
type tables struct {
	prefixes *table.Table[prefixRecord]
	keys     *table.Table[keyRecord]
}

// everywhere is the scope of all records.
var everywhere = table.Scope{}

const roomName = "xksproxy"

// Register tells a registry about the proxy's tables, for whoever examines a store
// without a proxy; Open does it, too.
func Register(reg *table.Registry) error {
	_, err := newTables(reg)
	return err
}

func newTables(reg *table.Registry) (*tables, error) {
	prefixes, err := table.Register(reg, table.Def[prefixRecord]{
		Service: roomName, Kind: "prefix",
		Scope: func(*prefixRecord) table.Scope { return everywhere },
		ID:    func(p *prefixRecord) []table.Part { return []table.Part{table.String(p.Prefix)} },
	})
	if err != nil {
		return nil, fmt.Errorf("xksproxy: %w", err)
	}
	keys, err := table.Register(reg, table.Def[keyRecord]{
		Service: roomName, Kind: "key",
		Scope: func(*keyRecord) table.Scope { return everywhere },
		ID:    func(k *keyRecord) []table.Part { return []table.Part{table.String(k.Prefix), table.String(k.ID)} },
	})
	if err != nil {
		return nil, fmt.Errorf("xksproxy: %w", err)
	}
	return &tables{prefixes, keys}, nil
}

func (t *tables) prefix(r store.Reader, prefix string) (*prefixRecord, error) {
	return known(t.prefixes, r, ErrNoSuchPrefix, table.String(prefix))
}

func (t *tables) key(r store.Reader, prefix, id string) (*keyRecord, error) {
	return known(t.keys, r, ErrNoSuchKey, table.String(prefix), table.String(id))
}

// known reads a record, or returns the error missing.
func known[T any](t *table.Table[T], r store.Reader, missing error, id ...table.Part) (*T, error) {
	record, err := t.Get(r, everywhere, id...)
	if errors.Is(err, store.ErrNotFound) {
		return nil, missing
	}
	return record, err
}

// load reads everything, at one revision.
func (t *tables) load(ctx context.Context, s store.Store) (prefixes []*prefixRecord, keys []*keyRecord, at store.Revision, err error) {
	err = s.View(ctx, func(r store.Reader) (err error) {
		at = r.Revision()
		if prefixes, err = scan(t.prefixes, r, table.Page{}); err != nil {
			return err
		}
		keys, err = scan(t.keys, r, table.Page{})
		return err
	})
	return prefixes, keys, at, err
}

// keysOf returns the keys of a prefix, at most limit.
func (t *tables) keysOf(r store.Reader, prefix string, limit int) ([]*keyRecord, error) {
	return scan(t.keys, r, table.Page{Prefix: []table.Part{table.String(prefix)}, Limit: limit})
}

func scan[T any](t *table.Table[T], r store.Reader, p table.Page) (records []*T, err error) {
	for row, err := range t.Scan(r, everywhere, p) {
		if err != nil {
			return nil, err
		}
		records = append(records, row.Record)
	}
	return records, nil
}
