package kms

import (
	"context"
	"slices"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/due"
	"fastness/internal/policy"
	"fastness/internal/store"
	"fastness/internal/wire"
)

// A multi-Region key has a record, its own key policy, tags, aliases, grants and state
// in each of its Regions. The parts share id, reference, spec, usage, origin, rotation
// and material; each part's material is wrapped under a slot of its own, so that
// deleting a part shreds that part alone. What is shared changes in all parts in one
// transaction: there is no moment at which two parts disagree.
//
// AWS lets changes travel for some seconds, with the states Creating and Updating
// meanwhile. Here ReplicateKey answers Creating, as AWS does, but the replica is
// complete when the answer arrives; only a key with very many materials is really left
// in Creating, and a job fills it. UpdatePrimaryRegion is one transaction, and nobody
// sees Updating.

// maxInlineMaterials bounds the materials that one transaction copies: a transaction
// has at most store.MaxTxnOps writes, and each material costs a synced slot.
const maxInlineMaterials = 48

// isPrimary tells whether a key is its own primary: single-Region keys are.
func (k *keyRecord) isPrimary() bool {
	return k.MultiRegion == nil || k.MultiRegion.Type == kmsapi.MultiRegionKeyTypePrimary
}

// checkPrimary refuses replicas.
func checkPrimary(k *keyRecord) error {
	if !k.isPrimary() {
		return unsupported(k.arn() + " is not a multi-Region primary key.")
	}
	return nil
}

// parts returns the records of a key in all its Regions: k itself first, then the
// primary if that is another one, then the rest.
func (s *Service) parts(tx store.Txn, k *keyRecord) ([]*keyRecord, error) {
	all := []*keyRecord{k}
	if k.MultiRegion == nil {
		return all, nil
	}
	for _, region := range append([]string{k.MultiRegion.Primary}, k.MultiRegion.Replicas...) {
		if region == k.Region {
			continue
		}
		part, err := s.tables.key(tx, keyName{k.Account, region, k.ID})
		if err != nil {
			return nil, err
		}
		all = append(all, part)
	}
	return all, nil
}

// livingParts is parts without the replicas whose destruction has begun: they get no
// material any more.
func (s *Service) livingParts(tx store.Txn, k *keyRecord) ([]*keyRecord, error) {
	parts, err := s.parts(tx, k)
	return slices.DeleteFunc(parts, (*keyRecord).dying), err
}

// eachPart calls f for the record of each Region, k itself included.
func (s *Service) eachPart(tx store.Txn, k *keyRecord, f func(part *keyRecord) error) error {
	parts, err := s.parts(tx, k)
	if err != nil {
		return err
	}
	for _, part := range parts {
		if err := f(part); err != nil {
			return err
		}
	}
	return nil
}

// inRegion answers aws:RequestedRegion for the part of a call that happens in another
// Region than the caller named.
type inRegion struct {
	policy.Context
	region string
}

// Lookup implements policy.Context.
func (c inRegion) Lookup(name string) (policy.Values, bool) {
	if name == "aws:requestedregion" {
		return policy.One(c.region), true
	}
	return c.Context.Lookup(name)
}

// resolveReplicateKey: kms:ReplicateKey on the primary; kms:CreateKey, and
// kms:TagResource if the replica gets tags, in the replica's Region.
func (s *Service) resolveReplicateKey(ctx context.Context, c *call.Call, in *kmsapi.ReplicateKeyRequest) ([]call.Access, error) {
	r, err := s.locateRequest(ctx, c, readRequest(in))
	if err != nil {
		return nil, err
	}
	c.Resolved = r
	primary, err := s.keyAccess(ctx, c, r, "kms:ReplicateKey")
	if err != nil {
		return nil, err
	}
	there := inRegion{primary.Context, text(in.ReplicaRegion)}
	accesses := []call.Access{primary, {Action: "kms:CreateKey", Resource: "*", RequestTags: requestTags(in.Tags), Context: there}}
	if len(in.Tags) > 0 {
		accesses = append(accesses, call.Access{Action: "kms:TagResource", Resource: "*", RequestTags: requestTags(in.Tags), Context: there})
	}
	return accesses, nil
}

// ReplicateKey implements the operation of that name.
func (s *Service) ReplicateKey(ctx context.Context, in *kmsapi.ReplicateKeyRequest) (*kmsapi.ReplicateKeyResponse, error) {
	c, k, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	region := text(in.ReplicaRegion)
	switch {
	case k.MultiRegion == nil:
		return nil, unsupported(k.arn() + " is not a multi-Region primary key.")
	case !k.isPrimary():
		return nil, checkPrimary(k)
	case !slices.Contains(s.regions, region):
		return nil, unsupported("Region " + region + " is not supported.")
	case region == k.Region || slices.Contains(k.MultiRegion.Replicas, region):
		return nil, &kmsapi.AlreadyExistsException{Message: new("Key " + keyARN(k.Account, region, k.ID) + " already exists")}
	}
	replica, err := s.newReplica(c, k, in)
	if err != nil {
		return nil, err
	}
	if err := s.checkKeyCount(ctx, replica.Account, replica.Region); err != nil {
		return nil, err
	}
	tx := c.Txn()
	replicas := append(slices.Clone(k.MultiRegion.Replicas), region)
	slices.Sort(replicas)
	if err := s.eachPart(tx, k, func(part *keyRecord) error {
		part.MultiRegion = &multiRegion{Type: part.MultiRegion.Type, Primary: k.Region, Replicas: replicas}
		return s.saveIn(tx, part)
	}); err != nil {
		return nil, err
	}
	replica.MultiRegion = &multiRegion{Type: kmsapi.MultiRegionKeyTypeReplica, Primary: k.Region, Replicas: replicas}
	if err := s.fillReplica(ctx, tx, k, replica); err != nil {
		return nil, err
	}
	if err := s.settlePending(tx, k); err != nil {
		return nil, err
	}
	if err := s.record(tx, replica, "CreateKey"); err != nil {
		return nil, err
	}
	s.keyCounted(tx, replica, 1)
	shown, err := s.shownPolicy(replica.Policy)
	if err != nil {
		return nil, err
	}
	metadata := replica.metadata()
	metadata.KeyState, metadata.Enabled = new(kmsapi.KeyStateCreating), new(false)
	out := &kmsapi.ReplicateKeyResponse{ReplicaKeyMetadata: metadata, ReplicaPolicy: &shown, ReplicaTags: []kmsapi.Tag{}}
	for _, t := range replica.Tags {
		out.ReplicaTags = append(out.ReplicaTags, kmsapi.Tag{TagKey: new(t.Key), TagValue: new(t.Value)})
	}
	return out, nil
}

// newReplica is the record of a replica, without what depends on the other parts.
func (s *Service) newReplica(c *call.Call, primary *keyRecord, in *kmsapi.ReplicateKeyRequest) (*keyRecord, error) {
	tags, err := newTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	document := defaultPolicy(primary.Account)
	if in.Policy != nil {
		document = *in.Policy
	}
	if document, err = s.newPolicy(c, document, wire.Value(in.BypassPolicyLockoutSafetyCheck)); err != nil {
		return nil, err
	}
	return &keyRecord{
		Account: primary.Account, Region: text(in.ReplicaRegion), ID: primary.ID, Ref: primary.Ref,
		Spec: primary.Spec, Usage: primary.Usage, Origin: primary.Origin, State: kmsapi.KeyStateCreating,
		Description: text(in.Description), Created: s.clock.Now().UTC(), Policy: document, Tags: tags,
		Rotation: primary.Rotation, OnDemandRotations: primary.OnDemandRotations,
		Material: primary.Material, Public: primary.Public,
	}, nil
}

// fillReplica copies materials from the primary to a replica in the state Creating,
// saves it, and lets it out of that state when it has them all. What does not fit into
// one transaction is left to a job.
func (s *Service) fillReplica(ctx context.Context, tx store.Txn, primary, replica *keyRecord) error {
	imported := primary.Origin == string(kmsapi.OriginTypeExternal)
	materials, err := s.tables.materialsOf(tx, primary.name())
	if err != nil {
		return err
	}
	there, err := s.tables.materialsOf(tx, replica.name())
	if err != nil {
		return err
	}
	have := make(map[string]bool, len(there))
	for i := range there {
		have[there[i].ID] = true
	}
	copied := 0
	// The newest go first, so that the current one is there from the start.
	for i := range slices.Backward(materials) {
		m := &materials[i]
		if have[m.ID] || m.pending() {
			continue
		}
		if copied == maxInlineMaterials {
			if err := s.saveIn(tx, replica); err != nil {
				return err
			}
			return s.schedule(tx, jobReplicate, replica.name().jobID(), s.clock.Now())
		}
		copied++
		if err := s.copyMaterial(ctx, tx, m, replica, imported); err != nil {
			return err
		}
	}
	replica.State = kmsapi.KeyStateEnabled
	if imported {
		replica.State = kmsapi.KeyStatePendingImport
	}
	return s.saveIn(tx, replica)
}

// copyMaterial gives a replica the material m of its primary. Imported material is
// not copied: the customer imports it in each Region; only its entry is.
func (s *Service) copyMaterial(ctx context.Context, tx store.Txn, m *materialRecord, replica *keyRecord, imported bool) error {
	c := *m
	c.Region, c.Slot, c.Wrapped = replica.Region, m.Slot, nil
	if imported {
		c.absent()
		c.Description = ""
		return s.tables.materials.Put(tx, &c)
	}
	if err := s.unwrap(ctx, m, func(raw []byte) error { return s.wrap(ctx, &c, raw) }); err != nil {
		return err
	}
	return s.tables.materials.Put(tx, &c)
}

// replicateDue is the job that goes on filling a replica.
func (s *Service) replicateDue(ctx context.Context, tx store.Txn, j due.Job) error {
	name, _, err := keyOfJob(j.ID)
	if err != nil {
		return err
	}
	replica, err := s.tables.key(tx, name)
	if isNotFound(err) || err == nil && replica.State != kmsapi.KeyStateCreating {
		return nil
	}
	if err != nil {
		return err
	}
	primary, err := s.tables.key(tx, keyName{name.account, replica.MultiRegion.Primary, name.id})
	if err != nil {
		return err
	}
	return s.fillReplica(ctx, tx, primary, replica)
}

// resolveUpdatePrimaryRegion: kms:UpdatePrimaryRegion on the primary and on the
// replica that takes its place.
func (s *Service) resolveUpdatePrimaryRegion(ctx context.Context, c *call.Call, in *kmsapi.UpdatePrimaryRegionRequest) ([]call.Access, error) {
	r, err := s.locateRequest(ctx, c, readRequest(in))
	if err != nil {
		return nil, err
	}
	c.Resolved = r
	const action = "kms:UpdatePrimaryRegion"
	primary, err := s.keyAccess(ctx, c, r, action)
	if err != nil {
		return nil, err
	}
	region := text(in.PrimaryRegion)
	if r.key == nil || region == r.region {
		return []call.Access{primary}, nil
	}
	r.other = &resolved{req: r.req, account: r.account, region: region, id: r.id}
	if r.other.key, err = s.directory.key(ctx, keyName{r.account, region, r.id}); err != nil {
		return nil, err
	}
	replica, err := s.keyAccess(ctx, c, r.other, action)
	if err != nil {
		return nil, err
	}
	replica.Context = inRegion{replica.Context, region}
	return []call.Access{primary, replica}, nil
}

// UpdatePrimaryRegion implements the operation of that name.
func (s *Service) UpdatePrimaryRegion(ctx context.Context, in *kmsapi.UpdatePrimaryRegionRequest) (*kmsapi.UpdatePrimaryRegionOutput, error) {
	c, k, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	region := text(in.PrimaryRegion)
	switch {
	case k.MultiRegion == nil || !k.isPrimary():
		return nil, unsupported(k.arn() + " is not a multi-Region primary key.")
	case region == k.Region:
		return nil, unsupported(k.arn() + " is already the multi-Region primary key.")
	case !slices.Contains(k.MultiRegion.Replicas, region):
		return nil, notFound("Key '" + keyARN(k.Account, region, k.ID) + "' does not exist")
	}
	tx := c.Txn()
	parts, err := s.parts(tx, k)
	if err != nil {
		return nil, err
	}
	promoted := parts[slices.IndexFunc(parts, func(p *keyRecord) bool { return p.Region == region })]
	if err := checkState(c.Operation.Name, promoted); err != nil {
		return nil, err
	}
	if err := s.checkPromotable(tx, k, promoted); err != nil {
		return nil, err
	}
	replicas := slices.DeleteFunc(append(slices.Clone(k.MultiRegion.Replicas), k.Region), func(r string) bool { return r == region })
	slices.Sort(replicas)
	for _, part := range parts {
		part.MultiRegion = &multiRegion{Type: kmsapi.MultiRegionKeyTypeReplica, Primary: region, Replicas: replicas}
		if part == promoted {
			part.MultiRegion.Type = kmsapi.MultiRegionKeyTypePrimary
		}
		if err := s.saveIn(tx, part); err != nil {
			return nil, err
		}
	}
	if err := s.unschedule(tx, jobRotate, k.name().jobID()); err != nil {
		return nil, err
	}
	if err := s.resumeRotation(tx, promoted); err != nil {
		return nil, err
	}
	if err := s.settlePending(tx, promoted); err != nil {
		return nil, err
	}
	if err := s.record(tx, promoted, "UpdatePrimaryRegion"); err != nil {
		return nil, err
	}
	return &kmsapi.UpdatePrimaryRegionOutput{}, nil
}

// checkPromotable refuses a replica that lacks material which waits for its rotation:
// only the primary can have material that others lack.
func (s *Service) checkPromotable(tx store.Txn, primary, replica *keyRecord) error {
	m, err := s.pendingMaterial(tx, primary)
	if err != nil || m == nil {
		return err
	}
	_, err = s.tables.material(tx, replica.name(), m.ID)
	if isNotFound(err) {
		return invalidState(replica.arn() + " lacks key material that is pending rotation in " + primary.arn() + ".")
	}
	return err
}

// detachReplica takes a replica that is being destroyed out of the other parts. If
// that lets its primary go, which has waited for its deletion, the primary's record is
// returned, with its waiting period begun; otherwise nil.
func (s *Service) detachReplica(tx store.Txn, replica *keyRecord) (freed *keyRecord, err error) {
	if replica.MultiRegion == nil || replica.isPrimary() {
		return nil, nil
	}
	parts, err := s.parts(tx, replica)
	if err != nil {
		return nil, err
	}
	replicas := slices.DeleteFunc(slices.Clone(replica.MultiRegion.Replicas), func(r string) bool { return r == replica.Region })
	for _, part := range parts[1:] {
		part.MultiRegion = &multiRegion{Type: part.MultiRegion.Type, Primary: part.MultiRegion.Primary, Replicas: replicas}
		if part.isPrimary() && len(replicas) == 0 && part.State == kmsapi.KeyStatePendingReplicaDeletion && part.Deletion != nil {
			d := *part.Deletion
			d.Date = s.clock.Now().UTC().AddDate(0, 0, d.Days)
			part.State, part.Deletion = kmsapi.KeyStatePendingDeletion, &d
			freed = part
		}
		if err := s.saveIn(tx, part); err != nil {
			return nil, err
		}
		if part.isPrimary() {
			if err := s.settlePending(tx, part); err != nil {
				return nil, err
			}
		}
	}
	return freed, nil
}
