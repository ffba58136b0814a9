package secretsmanager

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/arn"
	"fastness/internal/call"
	"fastness/internal/due"
	"fastness/internal/store"
	"fastness/internal/store/table"
	"fastness/internal/wire"
)

// The recovery window, in days (AWS Secrets Manager API reference, DeleteSecret).
const (
	minRecoveryDays     = 7
	maxRecoveryDays     = 30
	defaultRecoveryDays = 30
)

// DeleteSecret implements the operation of that name.
func (s *Service) DeleteSecret(ctx context.Context, in *secretsmanagerapi.DeleteSecretRequest) (*secretsmanagerapi.DeleteSecretResponse, error) {
	force := wire.Value(in.ForceDeleteWithoutRecovery)
	days := int64(defaultRecoveryDays)
	if in.RecoveryWindowInDays != nil {
		if days = *in.RecoveryWindowInDays; days < minRecoveryDays || days > maxRecoveryDays {
			return nil, invalidParameter("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
		}
		if force {
			return nil, invalidParameter("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
		}
	}
	allow := allowance(0)
	if force {
		allow = onDoomed
	}
	c, rec, err := s.begin(ctx, allow)
	if rec == nil && force && isNoSecret(err) {
		return s.deleteNothing(c, wire.Value(in.SecretId)), nil
	}
	if err != nil {
		return nil, err
	}
	if len(rec.Replicas) > 0 {
		regions := make([]string, len(rec.Replicas))
		for i, r := range rec.Replicas {
			regions[i] = r.Region
		}
		return nil, invalidParameter("You can't delete secret " + rec.arn() + " that still has replica regions [" + strings.Join(regions, ", ") + "].")
	}
	tx := c.Txn()
	if err := s.rotations.cancelled(ctx, tx, rec); err != nil {
		return nil, err
	}
	now := s.now()
	out := &secretsmanagerapi.DeleteSecretResponse{ARN: new(rec.arn()), Name: &rec.Name, DeletionDate: &now}
	if !rec.doomed() {
		if err := s.reportVersions(tx, rec, "StartSecretVersionDelete"); err != nil {
			return nil, err
		}
	}
	if force {
		return out, s.remove(tx, rec)
	}
	rec.Deleted, rec.Purge, rec.Changed = now, now.AddDate(0, 0, int(days)), now
	out.DeletionDate = &rec.Purge
	if err := s.jobs.Schedule(tx, due.Job{Kind: jobPurge, ID: rec.jobID(), At: rec.Purge}); err != nil {
		return nil, err
	}
	return out, s.save(tx, rec)
}

func isNoSecret(err error) bool {
	_, ok := err.(*secretsmanagerapi.ResourceNotFoundException)
	return ok
}

// deleteNothing is the answer to a forced deletion of a secret that does not exist: AWS
// says that it was deleted.
func (s *Service) deleteNothing(c *call.Call, id string) *secretsmanagerapi.DeleteSecretResponse {
	name, full := id, id
	if a, err := arn.Parse(id); err == nil {
		name = strings.TrimPrefix(a.Resource, "secret:")
		if n, _, ok := splitID(name); ok {
			name = n
		}
	} else {
		full = secretARN(c.Account, c.Region, name+"-"+newSuffix())
	}
	return &secretsmanagerapi.DeleteSecretResponse{ARN: &full, Name: &name, DeletionDate: new(s.now())}
}

// RestoreSecret implements the operation of that name. A secret that is not marked for
// deletion stays as it is.
func (s *Service) RestoreSecret(ctx context.Context, _ *secretsmanagerapi.RestoreSecretRequest) (*secretsmanagerapi.RestoreSecretResponse, error) {
	c, rec, err := s.begin(ctx, onDoomed)
	if err != nil {
		return nil, err
	}
	out := &secretsmanagerapi.RestoreSecretResponse{ARN: new(rec.arn()), Name: &rec.Name}
	if !rec.doomed() {
		return out, nil
	}
	tx := c.Txn()
	rec.Deleted, rec.Purge, rec.Changed = time.Time{}, time.Time{}, s.now()
	if _, err := s.jobs.Cancel(tx, jobPurge, rec.jobID()); err != nil {
		return nil, err
	}
	if err := s.reportVersions(tx, rec, "CancelSecretVersionDelete"); err != nil {
		return nil, err
	}
	if rec.Rotation != nil && rec.Rotation.Enabled {
		if err := s.rotations.configured(ctx, tx, rec); err != nil {
			return nil, err
		}
	}
	return out, s.save(tx, rec)
}

// The kinds of jobs. Their ids are secretRecord.jobID.
const (
	jobPurge = "secretsmanager.purge" // the recovery window of a secret ends
	jobSweep = "secretsmanager.sweep" // versions of a removed secret are left
)

// JobHandlers are the service's jobs by kind, for the runner (due.NewRunner).
func (s *Service) JobHandlers() map[string]due.Handler {
	return map[string]due.Handler{
		jobPurge:  {RunInTxn: s.purgeDue},
		jobSweep:  {RunInTxn: s.sweepDue},
		jobWindow: {RunInTxn: s.rotation.open},
	}
}

// jobID names a secret among jobs. Account and Region hold no slash.
func (s *secretRecord) jobID() string { return s.Account + "/" + s.Region + "/" + s.id() }

// secretOfJob is the name and suffix of the secret that a job is about.
func secretOfJob(j due.Job) (name secretName, suffix string, err error) {
	f := strings.SplitN(j.ID, "/", 3)
	if len(f) == 3 {
		var ok bool
		if name.name, suffix, ok = splitID(f[2]); ok {
			name.account, name.region = f[0], f[1]
			return name, suffix, nil
		}
	}
	return name, "", fmt.Errorf("secretsmanager: malformed job id %q", j.ID)
}

// purgeDue is the job at the end of a recovery window.
func (s *Service) purgeDue(_ context.Context, tx store.Txn, j due.Job) error {
	name, suffix, err := secretOfJob(j)
	if err != nil {
		return err
	}
	rec, err := s.tables.secret(tx, name)
	if isNotFound(err) || err == nil && (rec.Suffix != suffix || !rec.doomed()) {
		return nil
	}
	if err != nil {
		return err
	}
	if now := s.now(); rec.Purge.After(now) { // it was put off
		return s.jobs.Schedule(tx, due.Job{Kind: jobPurge, ID: j.ID, At: rec.Purge})
	}
	return s.remove(tx, rec)
}

// remove takes a secret away: from the commit on it does not exist, and its name is free.
// Its versions, which may be many, are swept after that.
func (s *Service) remove(tx store.Txn, rec *secretRecord) error {
	if _, err := s.jobs.Cancel(tx, jobPurge, rec.jobID()); err != nil {
		return err
	}
	if err := absent(s.tables.accesses.Delete(tx, rec.scope(), parts(rec.id())...)); err != nil {
		return err
	}
	if err := s.tables.secrets.Delete(tx, rec.scope(), parts(rec.Name)...); err != nil {
		return err
	}
	s.changedIn(tx, rec.name())
	s.counted(tx, rec.scope(), -1)
	return s.jobs.Schedule(tx, due.Job{Kind: jobSweep, ID: rec.jobID(), At: s.now()})
}

// sweptPerTxn bounds the versions that one transaction removes: each takes three writes
// and two for its event.
const sweptPerTxn = 20

// sweepDue removes the versions of a secret that is gone, and the journal of its rotation.
func (s *Service) sweepDue(_ context.Context, tx store.Txn, j due.Job) error {
	name, suffix, err := secretOfJob(j)
	if err != nil {
		return err
	}
	gone := &secretRecord{Account: name.account, Region: name.region, Name: name.name, Suffix: suffix}
	// A replica may have been made again meanwhile, under the same id: what it uses stays.
	var used []string
	again, err := s.tables.secret(tx, name)
	if absent(err) != nil {
		return err
	}
	if err == nil && again.Suffix == suffix {
		used = again.labelled()
	}
	left, _, err := listing(s.tables.versions.Scan(tx, gone.scope(), table.Page{Prefix: parts(gone.id())}), sweptPerTxn, func(v *versionRecord) bool {
		_, has := slices.BinarySearch(used, v.ID)
		return !has
	})
	if err != nil {
		return err
	}
	for _, v := range left {
		if err := s.tables.deleteVersion(tx, gone.scope(), v.Secret, v.ID); err != nil {
			return err
		}
		if err := s.report(tx, gone, "EndSecretVersionDelete", call.Note{Name: "SecretVersionId", Value: v.ID}); err != nil {
			return err
		}
	}
	if len(left) == sweptPerTxn {
		return s.jobs.Schedule(tx, due.Job{Kind: jobSweep, ID: j.ID, At: s.now()})
	}
	if len(used) > 0 {
		return nil
	}
	return absent(s.tables.journals.Delete(tx, gone.scope(), parts(gone.id())...))
}
