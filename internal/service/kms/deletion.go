package kms

import (
	"context"
	"errors"
	"fmt"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/due"
	"fastness/internal/keyslot"
	"fastness/internal/store"
)

// The waiting period of ScheduleKeyDeletion, in days.
const (
	minPendingWindow = 7
	maxPendingWindow = 30
)

// ScheduleKeyDeletion implements the operation of that name. A multi-Region primary
// with replicas waits for them first; its own waiting period begins when the last one
// is gone.
func (s *Service) ScheduleKeyDeletion(ctx context.Context, in *kmsapi.ScheduleKeyDeletionRequest) (*kmsapi.ScheduleKeyDeletionResponse, error) {
	days := pendingWindow(in.PendingWindowInDays)
	if days < minPendingWindow || days > maxPendingWindow {
		return nil, invalid("PendingWindowInDays should be between " + itoa(minPendingWindow) + " and " + itoa(maxPendingWindow) + ", but it is " + itoa(days))
	}
	var out *kmsapi.ScheduleKeyDeletionResponse
	err := s.change(ctx, func(k *keyRecord) error {
		out = &kmsapi.ScheduleKeyDeletionResponse{KeyId: new(k.arn()), PendingWindowInDays: new(int32(days))}
		k.Deletion = &deletion{Days: days}
		if k.MultiRegion != nil && k.isPrimary() && len(k.MultiRegion.Replicas) > 0 {
			k.State = kmsapi.KeyStatePendingReplicaDeletion
			out.KeyState = new(k.State)
			return nil
		}
		k.State = kmsapi.KeyStatePendingDeletion
		k.Deletion.Date = s.clock.Now().UTC().AddDate(0, 0, days)
		out.KeyState, out.DeletionDate = new(k.State), new(k.Deletion.Date)
		return s.scheduleDestruction(call.From(ctx).Txn(), k)
	})
	return out, err
}

// CancelKeyDeletion implements the operation of that name. The key is disabled
// afterwards; one whose imported material has gone meanwhile waits for its import.
func (s *Service) CancelKeyDeletion(ctx context.Context, _ *kmsapi.CancelKeyDeletionRequest) (*kmsapi.CancelKeyDeletionResponse, error) {
	out := new(kmsapi.CancelKeyDeletionResponse)
	err := s.change(ctx, func(k *keyRecord) error {
		out.KeyId = new(k.arn())
		tx := call.From(ctx).Txn()
		k.State, k.Deletion = kmsapi.KeyStateDisabled, nil
		if err := s.settleState(tx, k); err != nil {
			return err
		}
		return s.unschedule(tx, jobDelete, k.name().jobID())
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Service) scheduleDestruction(tx store.Txn, k *keyRecord) error {
	return s.schedule(tx, jobDelete, k.name().jobID(), k.Deletion.Date)
}

// Bounds of one transaction of a destruction; an alias takes two writes,
// a material one, and one for its expiry.
const (
	aliasesPerTxn   = store.MaxTxnOps / 2
	grantsPerTxn    = store.MaxTxnOps / grantWrites
	materialsPerTxn = store.MaxTxnOps / 2
)

// deleteDue is the job at the end of a waiting period. It takes several transactions,
// in an order that survives a crash at any point: the job is done anew until it has
// succeeded, and each step finds out by itself what is left to do.
//
//  1. The record is marked as dying. From this commit on the key does not exist for
//     anybody, and nothing can bring it back.
//  2. The slots of its materials are shredded: no copy of the store opens them now.
//  3. Aliases, grants and materials are removed.
//  4. The record itself goes, with the event DeleteKey in the history.
func (s *Service) deleteDue(ctx context.Context, j due.Job) error {
	name, _, err := keyOfJob(j.ID)
	if err != nil {
		return err
	}
	dying, err := s.markDying(ctx, name)
	if err != nil || !dying {
		return err
	}
	for _, step := range []func(context.Context, keyName) error{s.shredMaterials, s.removeAliases, s.removeGrants, s.removeMaterials} {
		if err := step(ctx, name); err != nil {
			return fmt.Errorf("kms: destroy key %s: %w", name.id, err)
		}
	}
	return s.removeKey(ctx, name)
}

// markDying decides for good. It returns false if the key is not to be destroyed: its
// deletion was cancelled, or put off, or it is gone.
func (s *Service) markDying(ctx context.Context, name keyName) (dying bool, err error) {
	_, err = s.store.Update(ctx, func(tx store.Txn) error {
		dying = false
		k, err := s.tables.key(tx, name)
		if isNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if dying = k.dying(); dying {
			return nil
		}
		if k.State != kmsapi.KeyStatePendingDeletion || k.Deletion == nil || k.Deletion.Date.IsZero() || s.clock.Now().Before(k.Deletion.Date) {
			return nil
		}
		if k.MultiRegion != nil && k.isPrimary() && len(k.MultiRegion.Replicas) > 0 {
			return fmt.Errorf("kms: primary key %s still has replicas", k.arn())
		}
		dying = true
		d := *k.Deletion
		d.Dying = true
		k.Deletion = &d
		s.keyCounted(tx, k, -1)
		return s.saveIn(tx, k)
	})
	return dying, err
}

// dying tells whether the destruction of a key has begun: it does not exist any more,
// though not everything of it is removed yet.
func (k *keyRecord) dying() bool { return k.Deletion != nil && k.Deletion.Dying }

// shredMaterials destroys the slots of all materials of a key.
func (s *Service) shredMaterials(ctx context.Context, name keyName) error {
	var materials []materialRecord
	err := s.store.View(ctx, func(r store.Reader) (err error) {
		materials, err = s.tables.materialsOf(r, name)
		return err
	})
	if err != nil {
		return err
	}
	for i := range materials {
		if materials[i].Slot.IsZero() {
			continue
		}
		if err := s.shred(ctx, materials[i].Slot); err != nil {
			return fmt.Errorf("shred the slot of material %s: %w", materials[i].ID, err)
		}
	}
	return nil
}

// removeAliases removes all aliases of a key.
func (s *Service) removeAliases(ctx context.Context, name keyName) error {
	return s.inBatches(ctx, func(tx store.Txn) (more bool, err error) {
		aliases, err := s.tables.aliasesOf(tx, name)
		if err != nil {
			return false, err
		}
		more = len(aliases) > aliasesPerTxn
		for _, a := range aliases[:min(len(aliases), aliasesPerTxn)] {
			if err := s.tables.deleteAlias(tx, &a); err != nil {
				return false, err
			}
			s.memory.OnCommit(tx, func(store.Revision) { s.directory.aliasChanged(a.Account, a.Region, a.Name) })
		}
		return more, nil
	})
}

// removeGrants removes all grants of a key.
func (s *Service) removeGrants(ctx context.Context, name keyName) error {
	err := s.inBatches(ctx, func(tx store.Txn) (more bool, err error) {
		grants, err := s.tables.someGrants(tx, name, grantsPerTxn)
		if err != nil {
			return false, err
		}
		for i := range grants {
			if err := s.tables.deleteGrant(tx, &grants[i]); err != nil {
				return false, err
			}
		}
		return len(grants) == grantsPerTxn, nil
	})
	s.directory.forgetGrantCount(name)
	return err
}

// removeMaterials removes the records of a key's materials, whose slots are shredded.
// A material that came meanwhile, by a rotation of another Region's part, is an error:
// the next attempt of the job shreds it too.
func (s *Service) removeMaterials(ctx context.Context, name keyName) error {
	return s.inBatches(ctx, func(tx store.Txn) (more bool, err error) {
		materials, err := s.tables.materialsOf(tx, name)
		if err != nil {
			return false, err
		}
		more = len(materials) > materialsPerTxn
		for _, m := range materials[:min(len(materials), materialsPerTxn)] {
			if !m.Slot.IsZero() {
				owner := materialOwner(m.Account, m.Region, m.KeyID, m.ID)
				kek, err := s.slots.OpenSlot(ctx, m.Slot, owner)
				if err == nil {
					kek.Destroy()
					return false, fmt.Errorf("material %s has a live slot", m.ID)
				}
				if !errors.Is(err, keyslot.ErrGone) {
					return false, err
				}
			}
			if err := s.tables.deleteMaterial(tx, &m); err != nil {
				return false, err
			}
			if m.ValidTo.IsZero() {
				continue
			}
			if err := s.unschedule(tx, jobExpire, m.jobID()); err != nil {
				return false, err
			}
		}
		return more, nil
	})
}

// inBatches runs f in one transaction after the other while there is more to do.
func (s *Service) inBatches(ctx context.Context, f func(tx store.Txn) (more bool, err error)) error {
	for more := true; more; {
		_, err := s.store.Update(ctx, func(tx store.Txn) (err error) {
			more, err = f(tx)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// removeKey removes the record of a key of which nothing else is left, and lets a
// primary that waited for it go.
func (s *Service) removeKey(ctx context.Context, name keyName) error {
	s.usage.forget(name)
	_, err := s.store.Update(ctx, func(tx store.Txn) error {
		k, err := s.tables.key(tx, name)
		if isNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		left, err := s.tables.materialsOf(tx, name)
		if err != nil {
			return err
		}
		if len(left) > 0 {
			return fmt.Errorf("kms: key %s got new material while it was destroyed", k.arn())
		}
		freed, err := s.detachReplica(tx, k)
		if err != nil {
			return err
		}
		if freed != nil {
			if err := s.scheduleDestruction(tx, freed); err != nil {
				return err
			}
		}
		for _, kind := range []string{jobRotate, jobReplicate} {
			if err := s.unschedule(tx, kind, name.jobID()); err != nil {
				return err
			}
		}
		if err := absent(s.tables.uses.Delete(tx, name.scope(), parts(name.id)...)); err != nil {
			return err
		}
		if err := s.tables.deleteKey(tx, name); err != nil {
			return err
		}
		s.changedIn(tx, name)
		return s.record(tx, k, "DeleteKey")
	})
	return err
}
