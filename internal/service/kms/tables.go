package kms

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"fastness/internal/store"
	"fastness/internal/store/table"
)

// tables are the room's records in the store.
//
// Most records lie in the scope of their account and Region. Keys and grants lie in
// that of their Region alone, with the account in front of their ids: a ciphertext
// names its key, and a retiring principal its grants, without saying whose they are,
// and one index of the Region finds them. Key stores have no scope, account and Region
// in front of their ids, because the background work goes through all of them again
// and again. So no list of one account in one Region ever reads another's records.
type tables struct {
	keys      *table.Table[keyRecord]
	materials *table.Table[materialRecord]
	aliases   *table.Table[aliasRecord]
	grants    *table.Table[grantRecord]
	uses      *table.Table[useRecord]

	keyStores       *table.Table[keyStoreRecord]
	keyStoreSecrets *table.Table[keyStoreSecret]
}

// tableService names the service of the tables; the kinds are those that are followed.
const (
	tableService = "kms"

	kindKey      = "key"
	kindMaterial = "material"
	kindAlias    = "alias"
	kindGrant    = "grant"
	kindKeyStore = "key-store"
)

// The indexes.
const (
	keysByReference = "reference" // what ciphertexts carry; unique
	keysByExternal  = "external"  // account, key store, external key; unique
	aliasesByKey    = "key"
	grantsByGrantee = "grantee"
	grantsByRequest = "request" // account, key, hash of the named request; unique
	grantsByRetirer = "retiring"
)

func newTables(reg *table.Registry) (*tables, error) {
	t := new(tables)
	err := errors.Join(
		register(reg, &t.keys, table.Def[keyRecord]{
			Kind:  kindKey,
			Scope: func(k *keyRecord) table.Scope { return regional(k.Region) },
			ID:    func(k *keyRecord) []table.Part { return k.name().parts() },
			Indexes: []table.Index[keyRecord]{
				{Name: keysByReference, Unique: true, Keys: func(k *keyRecord) [][]table.Part { return [][]table.Part{parts(string(k.Ref))} }},
				{Name: keysByExternal, Unique: true, Keys: externalKeys},
			},
		}),
		register(reg, &t.materials, table.Def[materialRecord]{
			Kind:  kindMaterial,
			Scope: func(m *materialRecord) table.Scope { return table.Scope{Account: m.Account, Region: m.Region} },
			ID:    func(m *materialRecord) []table.Part { return parts(m.KeyID, m.ID) },
		}),
		register(reg, &t.aliases, table.Def[aliasRecord]{
			Kind:  kindAlias,
			Scope: func(a *aliasRecord) table.Scope { return table.Scope{Account: a.Account, Region: a.Region} },
			ID:    func(a *aliasRecord) []table.Part { return parts(a.Name) },
			Indexes: []table.Index[aliasRecord]{
				{Name: aliasesByKey, Keys: func(a *aliasRecord) [][]table.Part { return [][]table.Part{parts(a.KeyID)} }},
			},
		}),
		register(reg, &t.grants, table.Def[grantRecord]{
			Kind:    kindGrant,
			Scope:   func(g *grantRecord) table.Scope { return regional(g.Region) },
			ID:      func(g *grantRecord) []table.Part { return g.key().parts(g.ID) },
			Indexes: grantIndexes(),
		}),
		register(reg, &t.uses, table.Def[useRecord]{
			Kind:  "last-use",
			Scope: func(u *useRecord) table.Scope { return table.Scope{Account: u.Account, Region: u.Region} },
			ID:    func(u *useRecord) []table.Part { return parts(u.KeyID) },
		}),
		register(reg, &t.keyStores, table.Def[keyStoreRecord]{
			Kind:  kindKeyStore,
			Scope: func(*keyStoreRecord) table.Scope { return everywhere },
			ID:    func(k *keyStoreRecord) []table.Part { return parts(k.Account, k.Region, k.ID) },
		}),
		register(reg, &t.keyStoreSecrets, table.Def[keyStoreSecret]{
			Kind:  "key-store-secret",
			Scope: func(k *keyStoreSecret) table.Scope { return table.Scope{Account: k.Account, Region: k.Region} },
			ID:    func(k *keyStoreSecret) []table.Part { return parts(k.ID) },
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("kms: %w", err)
	}
	return t, nil
}

func register[T any](reg *table.Registry, place **table.Table[T], def table.Def[T]) (err error) {
	def.Service = tableService
	*place, err = table.Register(reg, def)
	return err
}

// everywhere is the scope of what is listed over all accounts and Regions.
var everywhere = table.Scope{}

// regional is the scope of what is found without its account.
func regional(region string) table.Scope { return table.Scope{Region: region} }

// scope is that of what belongs to a key and is never found without it.
func (n keyName) scope() table.Scope { return table.Scope{Account: n.account, Region: n.region} }

func parts(names ...string) []table.Part {
	p := make([]table.Part, len(names))
	for i, n := range names {
		p[i] = table.String(n)
	}
	return p
}

// parts are the key's in the scope of its Region, and what follows them.
func (n keyName) parts(more ...string) []table.Part {
	return parts(append([]string{n.account, n.id}, more...)...)
}

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }

// absent lets a deletion find that there is nothing to delete.
func absent(err error) error {
	if isNotFound(err) {
		return nil
	}
	return err
}

// collect gathers what a scan yields.
func collect[T any](rows iter.Seq2[table.Row[T], error]) ([]T, error) {
	var all []T
	for row, err := range rows {
		if err != nil {
			return nil, err
		}
		all = append(all, *row.Record)
	}
	return all, nil
}

// exists tells whether a scan yields anything.
func exists[T any](rows iter.Seq2[table.Row[T], error]) (bool, error) {
	for _, err := range rows {
		return err == nil, err
	}
	return false, nil
}

func (t *tables) key(r store.Reader, n keyName) (*keyRecord, error) {
	return t.keys.Get(r, regional(n.region), n.parts()...)
}

// holdKey is key for a change.
func (t *tables) holdKey(tx store.Txn, n keyName) (*table.Held[keyRecord], error) {
	return t.keys.Hold(tx, regional(n.region), n.parts()...)
}

// deleteKey removes the record of a key alone.
func (t *tables) deleteKey(tx store.Txn, n keyName) error {
	return t.keys.Delete(tx, regional(n.region), n.parts()...)
}

// keyOfRef returns the key that ciphertexts name in a Region, or store.ErrNotFound.
func (t *tables) keyOfRef(r store.Reader, region string, ref [16]byte) (*keyRecord, error) {
	return t.keys.GetUnique(r, regional(region), keysByReference, parts(string(ref[:]))...)
}

// listKeys returns a page of the keys of an account and Region.
func (t *tables) listKeys(ctx context.Context, s store.Store, account, region string, p position) (keys []keyRecord, next string, err error) {
	err = s.View(ctx, func(r store.Reader) (err error) {
		rows := t.keys.Scan(r, regional(region), p.page(parts(account)...))
		keys, next, err = listing(rows, p.limit, func(k *keyRecord) bool { return !k.dying() })
		return err
	})
	return keys, next, err
}

func (t *tables) material(r store.Reader, n keyName, id string) (*materialRecord, error) {
	return t.materials.Get(r, n.scope(), parts(n.id, id)...)
}

// materialsOf returns the materials of a key, oldest first.
func (t *tables) materialsOf(r store.Reader, n keyName) ([]materialRecord, error) {
	materials, err := collect(t.materials.Scan(r, n.scope(), table.Page{Prefix: parts(n.id)}))
	slices.SortFunc(materials, func(a, b materialRecord) int { return a.Order - b.Order })
	return materials, err
}

func (t *tables) deleteMaterial(tx store.Txn, m *materialRecord) error {
	return t.materials.Delete(tx, m.key().scope(), parts(m.KeyID, m.ID)...)
}

func (t *tables) alias(r store.Reader, account, region, name string) (*aliasRecord, error) {
	return t.aliases.Get(r, table.Scope{Account: account, Region: region}, parts(name)...)
}

// aliasesOf returns the aliases of a key, by name.
func (t *tables) aliasesOf(r store.Reader, n keyName) ([]aliasRecord, error) {
	return collect(t.aliases.ScanIndex(r, n.scope(), aliasesByKey, table.Page{Prefix: parts(n.id)}))
}

func (t *tables) deleteAlias(tx store.Txn, a *aliasRecord) error {
	return t.aliases.Delete(tx, table.Scope{Account: a.Account, Region: a.Region}, parts(a.Name)...)
}

func (t *tables) use(r store.Reader, n keyName) (*useRecord, error) {
	return t.uses.Get(r, n.scope(), parts(n.id)...)
}

// Register defines the room's tables for whoever examines a store without opening the
// room; New does it by itself.
func Register(reg *table.Registry) error {
	_, err := newTables(reg)
	return err
}
