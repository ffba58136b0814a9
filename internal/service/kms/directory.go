package kms

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"fastness/internal/engine/envelope"
	"fastness/internal/engine/keyalg"
	"fastness/internal/policy"
	"fastness/internal/store"
)

// keyName is the identity of a key record.
type keyName struct{ account, region, id string }

// key is an immutable snapshot of a key and all that belongs to it. Calls run on
// snapshots; a change makes a new one.
type key struct {
	record    keyRecord
	arn       string
	policy    *policy.Policy
	tags      map[string]string
	aliases   []string // "alias/…", sorted
	grants    *grantCache
	materials []*material // in order
	byID      map[[envelope.MaterialIDSize]byte]*material
	current   *material // nil while there is none
	public    atomic.Pointer[keyalg.PublicKey]
}

// publicKey is the public key of an asymmetric key, which is parsed once.
func (k *key) publicKey() (*keyalg.PublicKey, error) {
	if p := k.public.Load(); p != nil {
		return p, nil
	}
	p, err := keyalg.ParsePublicKey(keyalg.Spec(k.record.Spec), k.record.Public)
	if err != nil {
		return nil, fmt.Errorf("kms: stored public key: %w", err)
	}
	k.public.Store(p)
	return p, nil
}

// with is the snapshot after a change of the record alone, or nil when the change
// concerns more.
func (k *key) with(r *keyRecord) *key {
	was := &k.record
	if r.name() != was.name() || r.Policy != was.Policy || r.Material != was.Material || r.dying() || !bytes.Equal(r.Public, was.Public) || !bytes.Equal(r.Ref, was.Ref) {
		return nil
	}
	next := &key{
		record: *r, arn: k.arn, policy: k.policy, tags: tagMap(r.Tags), aliases: k.aliases,
		grants: k.grants, materials: k.materials, byID: k.byID, current: k.current,
	}
	next.public.Store(k.public.Load())
	return next
}

// material is one key material of a snapshot; it is opened when it is used.
type material struct {
	record materialRecord
	opened atomic.Pointer[opened] // as it was last seen; it may be closed
}

// directory keeps snapshots of the keys that are in use. Loading and invalidation are
// ordered by a generation number: what was loaded before a change is not kept after
// it.
type directory struct {
	store  store.Store
	tables *tables
	limit  int

	mu         sync.RWMutex
	keys       map[keyName]*key
	aliases    map[aliasName]string // key id; "" is not cached
	refs       map[refName]keyName
	counts     map[keyName]int // of grants, for their quota
	compiled   map[keyName]compiledPolicy
	generation atomic.Uint64
}

// compiledPolicy is the key policy of a snapshot that a change made obsolete: most
// changes leave the policy as it is, and compiling it is most of the cost of a load.
type compiledPolicy struct {
	text   string
	policy *policy.Policy
}

// maxCompiled bounds the policies that are kept for the next snapshot of their key.
const maxCompiled = 1024

type aliasName struct{ account, region, name string }

// refName finds a key by the reference in a blob. The blob does not say the account:
// references are random and unique.
type refName struct {
	region string
	ref    [16]byte
}

// defaultCachedKeys bounds the snapshots in memory.
const defaultCachedKeys = 100_000

func newDirectory(s store.Store, t *tables) *directory {
	return &directory{
		store: s, tables: t, limit: defaultCachedKeys,
		keys: make(map[keyName]*key), aliases: make(map[aliasName]string), refs: make(map[refName]keyName),
		counts: make(map[keyName]int), compiled: make(map[keyName]compiledPolicy),
	}
}

// key returns the snapshot of a key, or nil when there is no such key.
func (d *directory) key(ctx context.Context, name keyName) (*key, error) {
	d.mu.RLock()
	k := d.keys[name]
	d.mu.RUnlock()
	if k != nil {
		return k, nil
	}
	return d.fetch(ctx, name)
}

// fetch loads a snapshot and keeps it.
func (d *directory) fetch(ctx context.Context, name keyName) (k *key, err error) {
	generation := d.generation.Load()
	k, err = d.fresh(ctx, name)
	if k == nil || err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.generation.Load() != generation {
		return k, nil // current when it was read, but a change has come since
	}
	if len(d.keys) >= d.limit {
		d.evict()
	}
	d.keys[name] = k
	d.refs[refName{name.region, refOf(&k.record)}] = name
	return k, nil
}

// fresh reads a key from the store, whether there is a snapshot of it or not, and
// returns nil when there is no such key.
func (d *directory) fresh(ctx context.Context, name keyName) (k *key, err error) {
	err = d.store.View(ctx, func(r store.Reader) (err error) {
		k, err = d.load(r, name)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("kms: load key %s: %w", name.id, err)
	}
	return k, nil
}

// load reads everything about a key.
func (d *directory) load(r store.Reader, name keyName) (*key, error) {
	record, err := d.tables.key(r, name)
	if err != nil {
		return nil, err
	}
	if record.dying() {
		return nil, store.ErrNotFound
	}
	k := &key{record: *record, arn: record.arn(), tags: tagMap(record.Tags)}
	if k.policy, err = d.compile(name, record); err != nil {
		return nil, err
	}
	aliases, err := d.tables.aliasesOf(r, name)
	if err != nil {
		return nil, err
	}
	for i := range aliases {
		k.aliases = append(k.aliases, aliases[i].Name)
	}
	k.grants = new(grantCache)
	if k.grants.any, err = d.tables.hasGrants(r, name); err != nil {
		return nil, err
	}
	materials, err := d.tables.materialsOf(r, name)
	if err != nil {
		return nil, err
	}
	k.byID = make(map[[envelope.MaterialIDSize]byte]*material, len(materials))
	for i := range materials {
		m := &material{record: materials[i]}
		k.materials = append(k.materials, m)
		k.byID[materialID(m.record.ID)] = m
		if m.record.ID == record.Material {
			k.current = m
		}
	}
	return k, nil
}

// alias returns the key id that an alias stands for, or "".
func (d *directory) alias(ctx context.Context, account, region, name string) (string, error) {
	cached := aliasName{account, region, name}
	d.mu.RLock()
	id := d.aliases[cached]
	d.mu.RUnlock()
	if id != "" {
		return id, nil
	}
	return d.fetchAlias(ctx, cached)
}

func (d *directory) fetchAlias(ctx context.Context, alias aliasName) (id string, err error) {
	generation := d.generation.Load()
	err = d.store.View(ctx, func(r store.Reader) error {
		a, err := d.tables.alias(r, alias.account, alias.region, alias.name)
		if err == nil {
			id = a.KeyID
		}
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("kms: load alias: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.generation.Load() == generation && len(d.aliases) < d.limit {
		d.aliases[alias] = id
	}
	return id, nil
}

// byRef returns the key that a blob's reference names in a Region, or nil.
func (d *directory) byRef(ctx context.Context, region string, ref [16]byte) (*key, error) {
	d.mu.RLock()
	name, ok := d.refs[refName{region, ref}]
	k := d.keys[name]
	d.mu.RUnlock()
	if ok && k != nil {
		return k, nil
	}
	return d.fetchByRef(ctx, region, ref)
}

// elsewhere returns a key in any of regions that a blob's reference names, or nothing.
func (d *directory) elsewhere(ctx context.Context, regions []string, ref [16]byte) (name keyName, err error) {
	err = d.store.View(ctx, func(r store.Reader) error {
		for _, region := range regions {
			k, err := d.tables.keyOfRef(r, region, ref)
			switch {
			case isNotFound(err):
				continue
			case err == nil && !k.dying():
				name = k.name()
			}
			return err
		}
		return nil
	})
	if err != nil {
		return keyName{}, fmt.Errorf("kms: look a key reference up: %w", err)
	}
	return name, nil
}

func (d *directory) fetchByRef(ctx context.Context, region string, ref [16]byte) (*key, error) {
	var k *keyRecord
	err := d.store.View(ctx, func(r store.Reader) (err error) {
		k, err = d.tables.keyOfRef(r, region, ref)
		return err
	})
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("kms: look a key reference up: %w", err)
	}
	return d.key(ctx, k.name())
}

// changed forgets what is cached of a key; it runs after the change is durable and
// before its caller is answered.
func (d *directory) changed(name keyName) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.drop(name)
}

// replace puts a snapshot in the place of the one that the change was made to. If that
// is not there any more, another change has come between, and the next call reads both
// from the store.
func (d *directory) replace(was, now *key) {
	d.mu.Lock()
	defer d.mu.Unlock()
	name := was.record.name()
	if now == nil || d.keys[name] != was {
		d.drop(name)
		return
	}
	d.generation.Add(1)
	d.keys[name] = now
}

// forget drops all that is cached.
func (d *directory) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.generation.Add(1)
	clear(d.keys)
	clear(d.aliases)
	clear(d.refs)
	clear(d.counts)
}

// drop forgets the snapshot of a key. The caller holds d.mu.
func (d *directory) drop(name keyName) {
	d.generation.Add(1)
	if k := d.keys[name]; k != nil {
		delete(d.refs, refName{name.region, refOf(&k.record)})
		delete(d.keys, name)
		if len(d.compiled) >= maxCompiled {
			clear(d.compiled)
		}
		d.compiled[name] = compiledPolicy{k.record.Policy, k.policy}
	}
}

// compile returns the compiled policy of a record: the former snapshot's if the text
// is the same.
func (d *directory) compile(name keyName, record *keyRecord) (*policy.Policy, error) {
	d.mu.RLock()
	former := d.compiled[name]
	d.mu.RUnlock()
	if former.policy != nil && former.text == record.Policy {
		return former.policy, nil
	}
	p, err := policy.New(policy.KMSKey, record.arn(), []byte(record.Policy))
	if err != nil {
		return nil, fmt.Errorf("stored key policy: %w", err)
	}
	return p, nil
}

// aliasChanged forgets an alias.
func (d *directory) aliasChanged(account, region, name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.generation.Add(1)
	delete(d.aliases, aliasName{account, region, name})
}

// grantCount returns how many grants a key has. They are counted once; from then on
// commits keep the number current.
func (d *directory) grantCount(ctx context.Context, name keyName) (int, error) {
	d.mu.RLock()
	n, ok := d.counts[name]
	d.mu.RUnlock()
	if ok {
		return n, nil
	}
	generation := d.generation.Load()
	err := d.store.View(ctx, func(r store.Reader) (err error) {
		n, err = d.tables.countGrants(r, name)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("kms: count grants: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.generation.Load() == generation && len(d.counts) < d.limit {
		d.counts[name] = n
	}
	return n, nil
}

// grantCounted adds to the number of grants of a key, if it is known.
func (d *directory) grantCounted(name keyName, change int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n, ok := d.counts[name]; ok {
		d.counts[name] = n + change
	}
}

// forgetGrantCount has the grants of a key counted anew.
func (d *directory) forgetGrantCount(name keyName) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.generation.Add(1)
	delete(d.counts, name)
}

// evict makes room by dropping a sixteenth of the snapshots, whichever the map yields
// first. The caller holds d.mu.
func (d *directory) evict() {
	n := max(d.limit/16, 1)
	for name, k := range d.keys {
		delete(d.refs, refName{name.region, refOf(&k.record)})
		delete(d.keys, name)
		if n--; n == 0 {
			return
		}
	}
}

func refOf(r *keyRecord) (ref [16]byte) {
	copy(ref[:], r.Ref)
	return ref
}
