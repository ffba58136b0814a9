package secretsmanager

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/wire"
)

const (
	inSync = string(secretsmanagerapi.StatusTypeInSync)
	failed = string(secretsmanagerapi.StatusTypeFailed)
)

// ReplicateSecretToRegions implements the operation of that name.
func (s *Service) ReplicateSecretToRegions(ctx context.Context, in *secretsmanagerapi.ReplicateSecretToRegionsRequest) (*secretsmanagerapi.ReplicateSecretToRegionsResponse, error) {
	c, rec, err := s.begin(ctx, 0)
	if err != nil {
		return nil, err
	}
	if err := s.addReplicas(ctx, rec, in.AddReplicaRegions, wire.Value(in.ForceOverwriteReplicaSecret)); err != nil {
		return nil, err
	}
	if err := s.save(c.Txn(), rec); err != nil {
		return nil, err
	}
	return &secretsmanagerapi.ReplicateSecretToRegionsResponse{ARN: new(rec.arn()), ReplicationStatus: s.replicationStatus(ctx, rec)}, nil
}

// addReplicas replicates a secret to further Regions. The caller saves it.
func (s *Service) addReplicas(ctx context.Context, rec *secretRecord, add []secretsmanagerapi.ReplicaRegionType, force bool) error {
	rec.PrimaryRegion = rec.Region
	seen := make(map[string]bool)
	for _, a := range add {
		region := wire.Value(a.Region)
		if region == rec.Region || seen[region] || !slices.Contains(s.regions, region) {
			return invalidParameter("Invalid replica region.")
		}
		seen[region] = true
		i := slices.IndexFunc(rec.Replicas, func(r replica) bool { return r.Region == region })
		if i < 0 {
			rec.Replicas = append(rec.Replicas, replica{Region: region})
			i = len(rec.Replicas) - 1
		} else if rec.Replicas[i].Status == inSync && givenKey(a.KmsKeyId) != rec.Replicas[i].KMSKey {
			return invalidParameter("The secret already has a replica in Region " + region + ".")
		}
		rec.Replicas[i].KMSKey = givenKey(a.KmsKeyId)
		if err := s.replicate(ctx, rec, &rec.Replicas[i], force); err != nil {
			return err
		}
	}
	slices.SortFunc(rec.Replicas, func(a, b replica) int { return cmp.Compare(a.Region, b.Region) })
	return nil
}

// saveWithReplicas writes a secret that has changed, and its replicas.
func (s *Service) saveWithReplicas(ctx context.Context, tx store.Txn, rec *secretRecord) error {
	for i := range rec.Replicas {
		if err := s.replicate(ctx, rec, &rec.Replicas[i], false); err != nil {
			return err
		}
	}
	return s.save(tx, rec)
}

// refusal says why a replica cannot be written; everything else is unharmed.
type refusal string

// Error implements error.
func (r refusal) Error() string { return string(r) }

// replicate writes the replica of a secret in one Region, in the transaction of the call.
// What hinders it is not an error of the call, but the replica's status.
func (s *Service) replicate(ctx context.Context, rec *secretRecord, r *replica, force bool) error {
	tx := call.From(ctx).Txn()
	before := *r
	if before.Status == "" {
		if err := s.report(tx, rec, "ReplicationStarted", call.Note{Name: "Region", Value: r.Region}); err != nil {
			return err
		}
	}
	err := tx.Savepoint(func() error { return s.writeReplica(ctx, rec, r, force) })
	r.Status, r.Message = inSync, "Replication succeeded"
	var refused refusal
	var api wire.APIError
	switch {
	case err == nil:
	case errors.As(err, &refused):
		r.Status, r.Message = failed, "Replication failed: "+string(refused)
	case errors.Is(err, store.ErrTxnTooLarge):
		r.Status, r.Message = failed, "Replication failed: The values are too large to be replicated to this many Regions at once."
	case errors.As(err, &api) && api.ErrorCode() != "InternalFailure":
		r.Status, r.Message = failed, "Replication failed: "+api.ErrorMessage()
	default:
		return err
	}
	if r.Status == before.Status {
		return nil
	}
	event := "ReplicationSucceeded"
	if r.Status == failed {
		event = "ReplicationFailed"
	}
	return s.report(tx, rec, event, call.Note{Name: "Region", Value: r.Region})
}

// writeReplica makes the secret in the other Region what the primary is.
func (s *Service) writeReplica(ctx context.Context, rec *secretRecord, r *replica, force bool) error {
	tx := call.From(ctx).Txn()
	there := rec.name()
	there.region = r.Region
	old, err := s.tables.secret(tx, there)
	if absent(err) != nil {
		return err
	}
	if err == nil && !(old.Suffix == rec.Suffix && old.PrimaryRegion == rec.Region) {
		if !force || len(old.Replicas) > 0 || old.isReplica() {
			return refusal("Secret name " + rec.Name + " already exists in region " + r.Region + ".")
		}
		if err := s.remove(tx, old); err != nil {
			return err
		}
		old = nil
	}
	copied := rec.clone()
	copied.Region, copied.KMSKey, copied.Replicas, copied.Versions = r.Region, r.KMSKey, nil, 0
	if old != nil {
		copied.Created, copied.Versions = old.Created, old.Versions
	} else {
		copied.Created = s.now()
		s.counted(tx, copied.scope(), 1)
	}
	for _, id := range rec.labelled() {
		if err := s.copyVersion(ctx, rec, copied, id); err != nil {
			return err
		}
	}
	if err := s.prune(tx, copied); err != nil {
		return err
	}
	return s.save(tx, copied)
}

// copyVersion gives a replica one version of the primary, encrypted under its own key. A
// value never changes, so one that is there already stays.
func (s *Service) copyVersion(ctx context.Context, from, to *secretRecord, id string) error {
	tx := call.From(ctx).Txn()
	v, err := s.tables.version(tx, from, id)
	if err != nil {
		return err
	}
	old, err := s.tables.version(tx, to, id)
	if absent(err) != nil {
		return err
	}
	if err == nil && old.Form == v.Form {
		return nil
	}
	if old == nil {
		to.Versions++
	}
	copied := &versionRecord{Account: to.Account, Region: to.Region, Secret: to.id(), ID: id, Created: v.Created}
	if v.Form != noValue {
		stored, err := s.tables.value(tx, from, id)
		if err != nil {
			return err
		}
		value, err := s.open(ctx, from.arn(), v, stored)
		if err != nil {
			return err
		}
		defer value.clear()
		if stored, err = s.seal(ctx, to, copied, value); err != nil {
			return err
		}
		if err := s.tables.values.Put(tx, stored); err != nil {
			return err
		}
	}
	return s.tables.versions.Put(tx, copied)
}

// RemoveRegionsFromReplication implements the operation of that name. Regions without a
// replica are no error.
func (s *Service) RemoveRegionsFromReplication(ctx context.Context, in *secretsmanagerapi.RemoveRegionsFromReplicationRequest) (*secretsmanagerapi.RemoveRegionsFromReplicationResponse, error) {
	c, rec, err := s.begin(ctx, 0)
	if err != nil {
		return nil, err
	}
	tx := c.Txn()
	var kept []replica
	for _, r := range rec.Replicas {
		if !slices.Contains(in.RemoveReplicaRegions, r.Region) {
			kept = append(kept, r)
			continue
		}
		there := rec.name()
		there.region = r.Region
		old, err := s.tables.secret(tx, there)
		if isNotFound(err) || err == nil && (old.Suffix != rec.Suffix || !old.isReplica()) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := s.remove(tx, old); err != nil {
			return nil, err
		}
	}
	rec.Replicas = kept
	if len(kept) == 0 {
		rec.PrimaryRegion = ""
	}
	if err := s.save(tx, rec); err != nil {
		return nil, err
	}
	return &secretsmanagerapi.RemoveRegionsFromReplicationResponse{ARN: new(rec.arn()), ReplicationStatus: s.replicationStatus(ctx, rec)}, nil
}

// StopReplicationToReplica implements the operation of that name: the replica becomes a
// secret of its own. It is not rotated until that is configured there.
func (s *Service) StopReplicationToReplica(ctx context.Context, _ *secretsmanagerapi.StopReplicationToReplicaRequest) (*secretsmanagerapi.StopReplicationToReplicaResponse, error) {
	c, rec, err := s.begin(ctx, onReplicas)
	if err != nil {
		return nil, err
	}
	if !rec.isReplica() {
		return nil, invalidRequest("You can't stop replication of a secret that isn't a replica of a secret in another Region.")
	}
	tx := c.Txn()
	there := rec.name()
	there.region = rec.PrimaryRegion
	primary, err := s.tables.secret(tx, there)
	if absent(err) != nil {
		return nil, err
	}
	if err == nil && primary.Suffix == rec.Suffix {
		primary.Replicas = slices.DeleteFunc(primary.Replicas, func(r replica) bool { return r.Region == rec.Region })
		if len(primary.Replicas) == 0 {
			primary.PrimaryRegion = ""
		}
		if err := s.save(tx, primary); err != nil {
			return nil, err
		}
	}
	rec.PrimaryRegion, rec.Rotation = "", nil
	rec.Changed = s.now()
	return &secretsmanagerapi.StopReplicationToReplicaResponse{ARN: new(rec.arn())}, s.save(tx, rec)
}

// rekeyReplica gives a replica another key, the one thing that can be changed on it.
func (s *Service) rekeyReplica(ctx context.Context, tx store.Txn, rec *secretRecord, key string) error {
	if err := s.reencrypt(ctx, rec, key); err != nil {
		return err
	}
	there := rec.name()
	there.region = rec.PrimaryRegion
	primary, err := s.tables.secret(tx, there)
	if err != nil {
		return err
	}
	for i := range primary.Replicas {
		if primary.Replicas[i].Region == rec.Region {
			primary.Replicas[i].KMSKey = key
		}
	}
	if err := s.save(tx, primary); err != nil {
		return err
	}
	return s.save(tx, rec)
}

// replicationStatus is what a primary says about its replicas.
func (s *Service) replicationStatus(ctx context.Context, rec *secretRecord) []secretsmanagerapi.ReplicationStatusType {
	var all []secretsmanagerapi.ReplicationStatusType
	for i := range rec.Replicas {
		r := &rec.Replicas[i]
		all = append(all, secretsmanagerapi.ReplicationStatusType{
			Region: &r.Region, KmsKeyId: new(cmp.Or(r.KMSKey, defaultKeyAlias)), Status: new(secretsmanagerapi.StatusType(r.Status)),
			StatusMessage: optional(r.Message), LastAccessedDate: s.lastReadIn(ctx, rec, r.Region),
		})
	}
	return all
}

// lastReadIn is the day on which the part of a secret in another Region was last read.
func (s *Service) lastReadIn(ctx context.Context, rec *secretRecord, region string) *time.Time {
	there := &secretRecord{Account: rec.Account, Region: region, Name: rec.Name, Suffix: rec.Suffix}
	var read *accessRecord
	// A day that cannot be read is left out: it is no more than a hint.
	_ = s.store.View(ctx, func(r store.Reader) (err error) {
		read, err = s.tables.access(r, there)
		return err
	})
	return s.lastRead(there, read, "")
}
