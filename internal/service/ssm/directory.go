package ssm

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"fastness/internal/policy"
	"fastness/internal/store"
)

// parameter is an immutable snapshot of a parameter: the record and what follows from
// it. SecureStrings are in it as they are stored, encrypted.
type parameter struct {
	record parameterRecord
	arn    string
	tags   map[string]string
	// sharing is the resource policies as one, nil if there are none.
	sharing *policy.Policy
}

// directory keeps snapshots of the parameters that are read. What was loaded before a
// change is not kept after it: the generation says whether there was one.
type directory struct {
	store  store.Store
	tables *tables

	mu         sync.RWMutex
	known      map[parameterName]*parameter
	size       int // bytes, about
	generation uint64
}

// maxDirectoryBytes bounds the snapshots in memory, by the sum of their variable parts.
const maxDirectoryBytes = 64 << 20

func newDirectory(s store.Store, t *tables) *directory {
	return &directory{store: s, tables: t, known: make(map[parameterName]*parameter)}
}

// weight is about what a snapshot takes in memory, in bytes.
func (p *parameter) weight() int {
	r := &p.record
	n := 1024 + 2*len(r.Name) + len(r.Latest.Value) + len(r.Latest.Cipher) + len(r.Latest.Description) + len(r.Latest.AllowedPattern)
	for _, s := range r.Sharing {
		n += 4 * len(s.Text)
	}
	return n + 256*(len(r.Tags)+len(r.Latest.Policies))
}

// parameter returns the snapshot of a parameter, or nil when there is none of the name.
func (d *directory) parameter(ctx context.Context, name parameterName) (*parameter, error) {
	d.mu.RLock()
	p, generation := d.known[name], d.generation
	d.mu.RUnlock()
	if p != nil {
		return p, nil
	}
	return d.fetch(ctx, name, generation)
}

// fetch loads a parameter that was not in memory at a generation.
func (d *directory) fetch(ctx context.Context, name parameterName, generation uint64) (p *parameter, err error) {
	err = d.store.View(ctx, func(r store.Reader) error {
		record, err := d.tables.parameter(r, name)
		if err != nil {
			return err
		}
		p, err = snapshot(record)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ssm: load a parameter: %w", err)
	}
	d.keep(name, p, generation)
	return p, nil
}

// keep remembers a snapshot that was loaded at a generation, if it is still current.
func (d *directory) keep(name parameterName, p *parameter, generation uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.generation != generation || d.known[name] != nil {
		return
	}
	for old, q := range d.known {
		if d.size+p.weight() <= maxDirectoryBytes {
			break
		}
		d.size -= q.weight()
		delete(d.known, old)
	}
	d.known[name] = p
	d.size += p.weight()
}

// changed forgets a parameter; it runs after the change is durable and before its caller
// is answered.
func (d *directory) changed(name parameterName) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.generation++
	if p := d.known[name]; p != nil {
		d.size -= p.weight()
		delete(d.known, name)
	}
}

// forget drops all snapshots.
func (d *directory) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.generation++
	clear(d.known)
	d.size = 0
}

// snapshot makes the snapshot of a record.
func snapshot(r *parameterRecord) (*parameter, error) {
	p := &parameter{record: *r, arn: r.arn(), tags: tagMap(r.Tags)}
	if len(r.Sharing) > 0 {
		var err error
		if p.sharing, err = compileSharing(p.arn, r.Sharing); err != nil {
			return nil, fmt.Errorf("ssm: stored resource policy: %w", err)
		}
	}
	return p, nil
}

func tagMap(tags []tag) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}

// save writes a parameter's record and lets calls see it once the transaction has
// committed.
func (s *Service) save(tx store.Txn, p *parameterRecord) error {
	s.changedIn(tx, p.key())
	return s.tables.parameters.Put(tx, p)
}

// changedIn lets calls see a parameter anew once the transaction has committed.
func (s *Service) changedIn(tx store.Txn, name parameterName) {
	s.memory.OnCommit(tx, func(store.Revision) { s.directory.changed(name) })
}
