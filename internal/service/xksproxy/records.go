package xksproxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"fastness/internal/store"
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
	Prefix string `json:"-"` // "" or "/example"

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
	Prefix string `json:"-"`
	ID     string `json:"-"`

	KMSKey  string    `json:"kmsKey"` // ARN
	Created time.Time `json:"created"`
	Usages  []string  `json:"usages"`
	Enabled bool      `json:"enabled"`
	// Generations are the wrapped keys, oldest first; the last one encrypts.
	Generations [][]byte `json:"generations"`
}

// Rows are \x01<table>\x00<prefix>[\x00<key id>]. Neither part holds a zero byte.
const (
	prefixTable   = "xksproxy/prefix"
	keyTable      = "xksproxy/key"
	schemaVersion = 1
)

func row(table string, tuple ...string) []byte {
	return []byte("\x01" + table + "\x00" + strings.Join(tuple, "\x00"))
}

func put(tx store.Txn, key []byte, rec any) error {
	value, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("xksproxy: encode %q: %w", key, err)
	}
	return tx.Put(key, append([]byte{schemaVersion}, value...))
}

func decode(item store.Item, rec any) error {
	if len(item.Value) == 0 || item.Value[0] != schemaVersion {
		return fmt.Errorf("xksproxy: record %q has an unknown schema", item.Key)
	}
	if err := json.Unmarshal(item.Value[1:], rec); err != nil {
		return fmt.Errorf("xksproxy: record %q: %w", item.Key, err)
	}
	return nil
}

func getPrefix(r store.Reader, prefix string) (*prefixRecord, error) {
	item, err := r.Get(row(prefixTable, prefix))
	if errors.Is(err, store.ErrNotFound) {
		return nil, ErrNoSuchPrefix
	}
	if err != nil {
		return nil, err
	}
	rec := &prefixRecord{Prefix: prefix}
	return rec, decode(item, rec)
}

func getKey(r store.Reader, prefix, id string) (*keyRecord, error) {
	item, err := r.Get(row(keyTable, prefix, id))
	if errors.Is(err, store.ErrNotFound) {
		return nil, ErrNoSuchKey
	}
	if err != nil {
		return nil, err
	}
	rec := &keyRecord{Prefix: prefix, ID: id}
	return rec, decode(item, rec)
}

// load reads everything.
func load(ctx context.Context, s store.Store) (prefixes []*prefixRecord, keys []*keyRecord, err error) {
	err = s.View(ctx, func(r store.Reader) error {
		prefixes, keys = nil, nil
		for item, err := range r.Scan(store.Prefix(row(prefixTable))) {
			if err != nil {
				return err
			}
			rec := &prefixRecord{Prefix: string(item.Key[len(row(prefixTable)):])}
			if err := decode(item, rec); err != nil {
				return err
			}
			prefixes = append(prefixes, rec)
		}
		for item, err := range r.Scan(store.Prefix(row(keyTable))) {
			if err != nil {
				return err
			}
			prefix, id, ok := strings.Cut(string(item.Key[len(row(keyTable)):]), "\x00")
			if !ok {
				return fmt.Errorf("xksproxy: record %q has a malformed key", item.Key)
			}
			rec := &keyRecord{Prefix: prefix, ID: id}
			if err := decode(item, rec); err != nil {
				return err
			}
			keys = append(keys, rec)
		}
		return nil
	})
	return prefixes, keys, err
}

// count tells how many rows begin with base, at most limit.
func count(r store.Reader, base []byte, limit int) (int, error) {
	rg := store.Prefix(base)
	rg.Limit = limit
	n := 0
	for _, err := range r.Scan(rg) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}
