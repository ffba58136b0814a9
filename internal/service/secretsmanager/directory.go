package secretsmanager

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"fastness/internal/policy"
	"fastness/internal/store"
)

// secret is an immutable snapshot of a secret. Its versions are loaded when they are
// first read, encrypted as they are.
type secret struct {
	record secretRecord
	arn    string
	policy *policy.Policy // nil when there is none
	tags   map[string]string

	mu       sync.Mutex
	versions map[string]*version
	size     atomic.Int64 // of versions, in bytes
}

// version is a version with its encrypted value; value is nil while there is none.
type version struct {
	record versionRecord
	value  *valueRecord
}

// directory keeps snapshots of the secrets in use. Loading and invalidation are ordered
// by a generation number: what was loaded before a change is not kept after it.
type directory struct {
	store      store.Store
	tables     *tables
	limit      int   // of snapshots
	limitBytes int64 // of their values

	mu         sync.RWMutex
	secrets    map[secretName]*secret
	bytes      atomic.Int64
	generation atomic.Uint64
}

const (
	// cachedSecrets and cachedBytes bound what the directory keeps in memory.
	cachedSecrets = 20_000
	cachedBytes   = 64 << 20
	// snapshotBytes and versionBytes are roughly what a snapshot and each of its versions
	// take besides the values.
	snapshotBytes = 5 << 9
	versionBytes  = 3 << 9
)

func newDirectory(s store.Store, t *tables) *directory {
	return &directory{store: s, tables: t, limit: cachedSecrets, limitBytes: cachedBytes, secrets: make(map[secretName]*secret)}
}

// secret returns the snapshot of a secret, or nil when there is none.
func (d *directory) secret(ctx context.Context, name secretName) (*secret, error) {
	d.mu.RLock()
	s := d.secrets[name]
	d.mu.RUnlock()
	if s != nil {
		return s, nil
	}
	return d.fetch(ctx, name)
}

// fetch loads a secret that is not in memory.
func (d *directory) fetch(ctx context.Context, name secretName) (s *secret, err error) {
	generation := d.generation.Load()
	err = d.store.View(ctx, func(r store.Reader) (err error) {
		s, err = d.load(r, name)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("secretsmanager: load %s: %w", name.name, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.generation.Load() != generation {
		return s, nil // current when it was read, but a change has come since
	}
	if len(d.secrets) >= d.limit || d.bytes.Load() > d.limitBytes {
		d.evict()
	}
	if old := d.secrets[name]; old != nil {
		return old, nil
	}
	d.secrets[name] = s
	s.size.Store(snapshotBytes)
	d.bytes.Add(snapshotBytes)
	return s, nil
}

func (d *directory) load(r store.Reader, name secretName) (*secret, error) {
	record, err := d.tables.secret(r, name)
	if err != nil {
		return nil, err
	}
	s := &secret{record: *record, arn: record.arn(), tags: tagMap(record.Tags), versions: make(map[string]*version)}
	if record.Policy != "" {
		if s.policy, err = policy.New(policy.Resource, s.arn, []byte(record.Policy)); err != nil {
			return nil, fmt.Errorf("stored resource policy: %w", err)
		}
	}
	return s, nil
}

// version returns a version of a snapshot, or nil when there is no such version.
func (d *directory) version(ctx context.Context, s *secret, id string) (*version, error) {
	s.mu.Lock()
	v := s.versions[id]
	s.mu.Unlock()
	if v != nil {
		return v, nil
	}
	return d.fetchVersion(ctx, s, id)
}

// fetchVersion loads a version that is not in memory.
func (d *directory) fetchVersion(ctx context.Context, s *secret, id string) (*version, error) {
	v := new(version)
	err := d.store.View(ctx, func(r store.Reader) error {
		record, err := d.tables.version(r, &s.record, id)
		if err != nil {
			return err
		}
		v.record = *record
		if record.Form == noValue {
			return nil
		}
		v.value, err = d.tables.value(r, &s.record, id)
		return err
	})
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("secretsmanager: load a version of %s: %w", s.record.Name, err)
	}
	if v.value == nil {
		return v, nil // what is filled later must be seen then
	}
	size := int64(versionBytes + len(v.value.Value) + len(v.value.DataKey))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.versions[id] == nil {
		s.versions[id] = v
		d.grow(s, size)
	}
	return v, nil
}

// grow counts the bytes of a version, if its snapshot is still kept.
func (d *directory) grow(s *secret, size int64) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.secrets[s.record.name()] == s {
		s.size.Add(size)
		d.bytes.Add(size)
	}
}

// changed forgets a secret; it runs after the change is durable and before its caller is
// answered.
func (d *directory) changed(name secretName) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.generation.Add(1)
	d.drop(name)
}

// forget drops all snapshots.
func (d *directory) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.generation.Add(1)
	for name := range d.secrets {
		d.drop(name)
	}
}

func (d *directory) drop(name secretName) {
	if s := d.secrets[name]; s != nil {
		delete(d.secrets, name)
		d.bytes.Add(-s.size.Load())
	}
}

// evict makes room by dropping a quarter of the snapshots, whichever the map yields
// first. The caller holds d.mu.
func (d *directory) evict() {
	n := len(d.secrets)/4 + 1
	for name := range d.secrets {
		d.drop(name)
		if n--; n == 0 {
			return
		}
	}
}
