package kms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"fastness/internal/store"
)

// tables are the room's records in the store. Keys are tuples of strings, joined by
// a zero byte, which no component holds.
type tables struct {
	keys      table[keyRecord, *keyRecord]
	materials table[materialRecord, *materialRecord]
	aliases   table[aliasRecord, *aliasRecord]
	grants    table[grantRecord, *grantRecord]
	uses      table[useRecord, *useRecord]

	keyStores       table[keyStoreRecord, *keyStoreRecord]
	keyStoreSecrets table[keyStoreSecret, *keyStoreSecret]
}

// identified is a record that knows its own tuple: account, Region, and what follows.
type identified[R any] interface {
	*R
	tuple() []string
	setTuple(t []string)
}

func (r *keyRecord) tuple() []string     { return []string{r.Account, r.Region, r.ID} }
func (r *keyRecord) setTuple(t []string) { r.Account, r.Region, r.ID = t[0], t[1], t[2] }

func (r *materialRecord) tuple() []string { return []string{r.Account, r.Region, r.KeyID, r.ID} }
func (r *materialRecord) setTuple(t []string) {
	r.Account, r.Region, r.KeyID, r.ID = t[0], t[1], t[2], t[3]
}

func (r *aliasRecord) tuple() []string     { return []string{r.Account, r.Region, r.Name} }
func (r *aliasRecord) setTuple(t []string) { r.Account, r.Region, r.Name = t[0], t[1], t[2] }

func (r *grantRecord) tuple() []string { return []string{r.Account, r.Region, r.KeyID, r.ID} }
func (r *grantRecord) setTuple(t []string) {
	r.Account, r.Region, r.KeyID, r.ID = t[0], t[1], t[2], t[3]
}

func newTables() (*tables, error) {
	return &tables{
		keys:      table[keyRecord, *keyRecord]{name: "kms/key", parts: 3},
		materials: table[materialRecord, *materialRecord]{name: "kms/material", parts: 4},
		aliases:   table[aliasRecord, *aliasRecord]{name: "kms/alias", parts: 3},
		grants:    table[grantRecord, *grantRecord]{name: "kms/grant", parts: 4},
		uses:      table[useRecord, *useRecord]{name: "kms/last-use", parts: 3},

		keyStores:       table[keyStoreRecord, *keyStoreRecord]{name: "kms/keystore", parts: 3},
		keyStoreSecrets: table[keyStoreSecret, *keyStoreSecret]{name: "kms/keystore-secret", parts: 3},
	}, nil
}

const schemaVersion = 1

// table keeps one kind of record.
type table[R any, P identified[R]] struct {
	name  string
	parts int
}

func rowKey(name string, tuple ...string) []byte {
	return []byte("\x01" + name + "\x00" + strings.Join(tuple, "\x00"))
}

// Get returns a record, or store.ErrNotFound.
func (t table[R, P]) Get(r store.Reader, tuple ...string) (R, error) {
	item, err := r.Get(rowKey(t.name, tuple...))
	if err != nil {
		var zero R
		return zero, err
	}
	return t.decode(item)
}

func (t table[R, P]) decode(item store.Item) (R, error) {
	var rec R
	if len(item.Value) == 0 || item.Value[0] != schemaVersion {
		return rec, fmt.Errorf("kms: record %q has an unknown schema", item.Key)
	}
	if err := json.Unmarshal(item.Value[1:], &rec); err != nil {
		return rec, fmt.Errorf("kms: record %q: %w", item.Key, err)
	}
	tuple := strings.Split(string(item.Key), "\x00")[1:]
	if len(tuple) != t.parts {
		return rec, fmt.Errorf("kms: record %q has a malformed key", item.Key)
	}
	P(&rec).setTuple(tuple)
	return rec, nil
}

// Put writes a record.
func (t table[R, P]) Put(tx store.Txn, rec P) error {
	value, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("kms: encode %s: %w", t.name, err)
	}
	return tx.Put(rowKey(t.name, rec.tuple()...), append([]byte{schemaVersion}, value...))
}

// Delete removes a record.
func (t table[R, P]) Delete(tx store.Txn, rec P) error {
	return tx.Delete(rowKey(t.name, rec.tuple()...))
}

// under returns the records whose tuples begin with prefix, behind after (a last
// component; empty for the start), at most limit (0: all).
func (t table[R, P]) under(r store.Reader, after string, limit int, prefix ...string) ([]R, error) {
	base := append(rowKey(t.name, prefix...), 0)
	rg := store.Prefix(base)
	if after != "" {
		rg.Start = append(append(slices.Clone(base), after...), 0)
	}
	rg.Limit = limit
	var out []R
	for item, err := range r.Scan(rg) {
		if err != nil {
			return nil, err
		}
		rec, err := t.decode(item)
		if err != nil {
			return nil, err
		}
		out = append(out, rec)
	}
	return out, nil
}

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }

// refIndex maps the reference in a blob to its key, a row for each Region.
const refIndex = "kms/ref"

func (t *tables) putRef(tx store.Txn, k *keyRecord) error {
	return tx.Put(rowKey(refIndex, k.Region, hexOf(k.Ref)), []byte(k.Account+"\x00"+k.ID))
}

func (t *tables) deleteRef(tx store.Txn, k *keyRecord) error {
	return tx.Delete(rowKey(refIndex, k.Region, hexOf(k.Ref)))
}

func (t *tables) keyOfRef(r store.Reader, region string, ref [16]byte) (keyName, bool, error) {
	item, err := r.Get(rowKey(refIndex, region, hexOf(ref[:])))
	if isNotFound(err) {
		return keyName{}, false, nil
	}
	if err != nil {
		return keyName{}, false, err
	}
	account, id, _ := strings.Cut(string(item.Value), "\x00")
	return keyName{account, region, id}, true, nil
}

// aliasIndex lists the aliases of a key.
const aliasIndex = "kms/alias-of"

func (t *tables) putAlias(tx store.Txn, a *aliasRecord) error {
	if err := t.aliases.Put(tx, a); err != nil {
		return err
	}
	return tx.Put(rowKey(aliasIndex, a.Account, a.Region, a.KeyID, a.Name), nil)
}

func (t *tables) deleteAlias(tx store.Txn, a *aliasRecord) error {
	if err := t.aliases.Delete(tx, a); err != nil {
		return err
	}
	return tx.Delete(rowKey(aliasIndex, a.Account, a.Region, a.KeyID, a.Name))
}

func (t *tables) aliasesOf(r store.Reader, k keyName) ([]string, error) {
	var names []string
	for item, err := range r.Scan(store.Prefix(append(rowKey(aliasIndex, k.account, k.region, k.id), 0))) {
		if err != nil {
			return nil, err
		}
		names = append(names, string(item.Key[strings.LastIndexByte(string(item.Key), 0)+1:]))
	}
	return names, nil
}

// materialsOf returns the materials of a key, oldest first.
func (t *tables) materialsOf(r store.Reader, k keyName) ([]materialRecord, error) {
	materials, err := t.materials.under(r, "", 0, k.account, k.region, k.id)
	slices.SortFunc(materials, func(a, b materialRecord) int { return a.Order - b.Order })
	return materials, err
}

// listKeys returns key ids of an account and Region in order, behind after.
func (t *tables) listKeys(ctx context.Context, s store.Store, account, region, after string, limit int) (ids []string, more bool, err error) {
	err = s.View(ctx, func(r store.Reader) error {
		for len(ids) <= limit {
			keys, err := t.keys.under(r, after, limit+1, account, region)
			if err != nil {
				return err
			}
			for _, k := range keys {
				if after = k.ID; !k.dying() {
					ids = append(ids, k.ID)
				}
			}
			if len(keys) <= limit {
				return nil
			}
		}
		return nil
	})
	if len(ids) > limit {
		ids, more = ids[:limit], true
	}
	return ids, more, err
}
