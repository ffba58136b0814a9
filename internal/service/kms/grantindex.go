package kms

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/policy"
	"fastness/internal/store"
)

// grantOperations maps an IAM action to the grant operation that permits it.
var grantOperations = func() map[string]kmsapi.GrantOperation {
	m := make(map[string]kmsapi.GrantOperation)
	for _, op := range kmsapi.GrantOperation("").Values() {
		m["kms:"+string(op)] = op
	}
	return m
}()

// grantCache holds the grants of one key, by grantee, for the principals that have
// called. It is part of a snapshot, but it is filled and emptied grantee by grantee, so
// that neither a call nor a new grant costs more on a key with 50,000 grants.
type grantCache struct {
	// any is false when the key had no grant at all when the snapshot was made; then
	// nothing is ever looked up.
	any bool

	mu         sync.RWMutex
	byGrantee  map[string][]grantRecord
	generation uint64
}

// maxCachedGrantees bounds the grantees kept of one key, those without a grant
// included.
const maxCachedGrantees = 4096

// of returns the grants of a grantee.
func (x *grantCache) of(grantee string) (grants []grantRecord, cached bool, generation uint64) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	grants, cached = x.byGrantee[grantee]
	return grants, cached, x.generation
}

// keep stores what was read at a generation, unless something has changed since.
func (x *grantCache) keep(grantee string, grants []grantRecord, generation uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.generation != generation {
		return
	}
	if x.byGrantee == nil || len(x.byGrantee) >= maxCachedGrantees {
		x.byGrantee = make(map[string][]grantRecord)
	}
	x.byGrantee[grantee] = grants
}

// forget drops a grantee whose grants have changed.
func (x *grantCache) forget(grantee string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.generation++
	delete(x.byGrantee, grantee)
}

// grantsTo returns the grants of a key whose grantee is the one given.
func (d *directory) grantsTo(ctx context.Context, k *key, grantee string) ([]grantRecord, error) {
	grants, cached, generation := k.grants.of(grantee)
	if cached {
		return grants, nil
	}
	return d.fetchGrantsTo(ctx, k, grantee, generation)
}

// fetchGrantsTo loads grants that were not in memory at a generation.
func (d *directory) fetchGrantsTo(ctx context.Context, k *key, grantee string, generation uint64) (grants []grantRecord, err error) {
	err = d.store.View(ctx, func(r store.Reader) (err error) {
		grants, err = d.tables.grantsTo(r, k.record.name(), grantee)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("kms: load the grants of a principal: %w", err)
	}
	k.grants.keep(grantee, grants, generation)
	return grants, nil
}

// grantChanged lets calls see that a grant came or went; it runs after the change is
// durable and before its caller is answered.
func (d *directory) grantChanged(name keyName, grantee string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.generation.Add(1)
	k := d.keys[name]
	switch {
	case k == nil:
	case k.grants.any:
		k.grants.forget(grantee)
	default: // the first grant of the key
		delete(d.refs, refName{name.region, refOf(&k.record)})
		delete(d.keys, name)
	}
}

// grantCheck asks the grants of a key whether they permit a call (policy.ExtraAllow).
type grantCheck struct {
	candidates [2][]grantRecord // by who the caller is
	operation  kmsapi.GrantOperation
	context    map[string]string
	// child is the grant that CreateGrant asks for: the grant that permits it must hold
	// all that the child holds.
	child *grantRecord
}

var _ policy.ExtraAllow = (*grantCheck)(nil)

// newGrantCheck gathers the grants that may permit op for the caller; nil when there
// are none.
func (s *Service) newGrantCheck(ctx context.Context, c *call.Call, r *resolved, op kmsapi.GrantOperation) (policy.ExtraAllow, error) {
	if !r.key.grants.any {
		return nil, nil
	}
	var candidates [2][]grantRecord
	found := false
	for i, name := range s.granteeNames(c.Principal) {
		if name == "" {
			continue
		}
		grants, err := s.directory.grantsTo(ctx, r.key, name)
		if err != nil {
			return nil, err
		}
		candidates[i] = grants
		found = found || len(grants) > 0
	}
	if !found {
		return nil, nil
	}
	g := &grantCheck{candidates: candidates, operation: op, context: r.req.context}
	if in, ok := c.Input.(*kmsapi.CreateGrantRequest); ok {
		g.child = requestedGrant(in)
	}
	return g, nil
}

// Allow implements policy.ExtraAllow.
func (g *grantCheck) Allow() (id string, ok bool) {
	for _, grants := range g.candidates {
		for i := range grants {
			grant := &grants[i]
			if grant.permits(g.operation, g.context) && (g.child == nil || grant.covers(g.child)) {
				return grant.ID, true
			}
		}
	}
	return "", false
}

// permits tells whether the grant holds the operation and its constraints are met.
func (g *grantRecord) permits(op kmsapi.GrantOperation, context map[string]string) bool {
	if !slices.Contains(g.Operations, op) {
		return false
	}
	if !constrained(op) {
		return true
	}
	if g.Equals != nil && !maps.Equal(g.Equals, context) {
		return false
	}
	return includes(context, g.Subset)
}

// covers tells whether whoever holds g may hand child on: no operation that g does not
// hold, and an encryption context constraint that is as strict or stricter (AWS KMS
// API reference, CreateGrant, Constraints).
func (g *grantRecord) covers(child *grantRecord) bool {
	for _, op := range child.Operations {
		if !slices.Contains(g.Operations, op) {
			return false
		}
	}
	if g.Equals != nil && (child.Equals == nil || !maps.Equal(g.Equals, child.Equals)) {
		return false
	}
	if g.Subset == nil {
		return true
	}
	return child.Equals != nil && includes(child.Equals, g.Subset) ||
		child.Subset != nil && includes(child.Subset, g.Subset)
}

// includes tells whether all has every pair of some.
func includes(all, some map[string]string) bool {
	for k, v := range some {
		if got, ok := all[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// constrained tells whether encryption context constraints apply to an operation:
// those that take an encryption context. Others are permitted whatever the
// constraint (AWS KMS API reference, GrantConstraints).
func constrained(op kmsapi.GrantOperation) bool {
	switch op {
	case kmsapi.GrantOperationDescribeKey, kmsapi.GrantOperationRetireGrant, kmsapi.GrantOperationCreateGrant,
		kmsapi.GrantOperationGetPublicKey, kmsapi.GrantOperationSign, kmsapi.GrantOperationVerify,
		kmsapi.GrantOperationGenerateMac, kmsapi.GrantOperationVerifyMac, kmsapi.GrantOperationDeriveSharedSecret:
		return false
	}
	return true
}
