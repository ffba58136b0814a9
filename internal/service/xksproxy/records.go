package xksproxy

import (
	"context"
	"errors"
	"fmt"
	"iter"
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
	Prefix      string             `json:"prefix"` // "" or "/example"
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
	Prefix  string    `json:"prefix"`
	ID      string    `json:"id"`
	KMSKey  string    `json:"kmsKey"` // ARN
	Created time.Time `json:"created"`
	Usages  []string  `json:"usages"`
	Enabled bool      `json:"enabled"`
	// Generations are the wrapped keys, oldest first; the last one encrypts.
	Generations [][]byte `json:"generations"`
}

// tables are where the records live. They belong to the operator, so they are in no
// account's scope.
type tables struct {
	prefixes *table.Table[prefixRecord]
	keys     *table.Table[keyRecord]
}

// Register tells a registry about the room's tables; Open does it, too.
func Register(r *table.Registry) error {
	_, err := newTables(r)
	return err
}

func newTables(r *table.Registry) (*tables, error) {
	prefixes, err := table.Register(r, table.Def[prefixRecord]{
		Service: "xksproxy", Kind: "prefix",
		Scope: func(*prefixRecord) table.Scope { return table.Scope{} },
		ID:    func(p *prefixRecord) []table.Part { return []table.Part{table.String(p.Prefix)} },
	})
	if err != nil {
		return nil, fmt.Errorf("xksproxy: %w", err)
	}
	keys, err := table.Register(r, table.Def[keyRecord]{
		Service: "xksproxy", Kind: "key",
		Scope: func(*keyRecord) table.Scope { return table.Scope{} },
		ID:    func(k *keyRecord) []table.Part { return []table.Part{table.String(k.Prefix), table.String(k.ID)} },
	})
	if err != nil {
		return nil, fmt.Errorf("xksproxy: %w", err)
	}
	return &tables{prefixes, keys}, nil
}

func (t *tables) prefix(r store.Reader, prefix string) (*prefixRecord, error) {
	p, err := t.prefixes.Get(r, table.Scope{}, table.String(prefix))
	if errors.Is(err, store.ErrNotFound) {
		return nil, ErrNoSuchPrefix
	}
	return p, err
}

func (t *tables) key(r store.Reader, prefix, id string) (*keyRecord, error) {
	k, err := t.keys.Get(r, table.Scope{}, table.String(prefix), table.String(id))
	if errors.Is(err, store.ErrNotFound) {
		return nil, ErrNoSuchKey
	}
	return k, err
}

// load reads everything.
func (t *tables) load(ctx context.Context, s store.Store) (prefixes []*prefixRecord, keys []*keyRecord, err error) {
	err = s.View(ctx, func(r store.Reader) (err error) {
		if prefixes, err = collect(t.prefixes.Scan(r, table.Scope{}, table.Page{})); err != nil {
			return err
		}
		keys, err = collect(t.keys.Scan(r, table.Scope{}, table.Page{}))
		return err
	})
	return prefixes, keys, err
}

func collect[T any](rows iter.Seq2[table.Row[T], error]) ([]*T, error) {
	var all []*T
	for row, err := range rows {
		if err != nil {
			return nil, err
		}
		all = append(all, row.Record)
	}
	return all, nil
}

// countPrefixes tells how many prefixes there are, at most limit.
func (t *tables) countPrefixes(r store.Reader, limit int) (int, error) {
	all, err := collect(t.prefixes.Scan(r, table.Scope{}, table.Page{Limit: limit}))
	return len(all), err
}

// countKeys tells how many keys a prefix has, at most limit.
func (t *tables) countKeys(r store.Reader, prefix string, limit int) (int, error) {
	all, err := collect(t.keys.Scan(r, table.Scope{}, table.Page{Prefix: []table.Part{table.String(prefix)}, Limit: limit}))
	return len(all), err
}
