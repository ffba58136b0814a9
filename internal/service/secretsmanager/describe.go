package secretsmanager

import (
	"cmp"
	"context"
	"time"

	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/store"
)

// DescribeSecret implements the operation of that name. It works on secrets that are
// marked for deletion, too.
func (s *Service) DescribeSecret(ctx context.Context, _ *secretsmanagerapi.DescribeSecretRequest) (*secretsmanagerapi.DescribeSecretResponse, error) {
	_, sec, err := target(ctx)
	if err != nil {
		return nil, err
	}
	rec := &sec.record
	var read *accessRecord
	err = s.store.View(ctx, func(r store.Reader) (err error) {
		read, err = s.tables.access(r, rec)
		return absent(err)
	})
	if err != nil {
		return nil, err
	}
	e := s.entry(rec, read)
	return &secretsmanagerapi.DescribeSecretResponse{
		ARN: e.ARN, Name: e.Name, Type: e.Type, Description: e.Description, KmsKeyId: e.KmsKeyId,
		RotationEnabled: e.RotationEnabled, RotationLambdaARN: e.RotationLambdaARN, RotationRules: e.RotationRules,
		ExternalSecretRotationMetadata: e.ExternalSecretRotationMetadata, ExternalSecretRotationRoleArn: e.ExternalSecretRotationRoleArn,
		LastRotatedDate: e.LastRotatedDate, LastChangedDate: e.LastChangedDate, LastAccessedDate: e.LastAccessedDate,
		DeletedDate: e.DeletedDate, NextRotationDate: e.NextRotationDate, Tags: e.Tags, VersionIdsToStages: e.SecretVersionsToStages,
		OwningService: e.OwningService, CreatedDate: e.CreatedDate, PrimaryRegion: e.PrimaryRegion,
		ReplicationStatus: s.replicationStatus(ctx, rec),
	}, nil
}

// entry is what lists and descriptions say about a secret. Members that do not apply are
// left out, as AWS does.
func (s *Service) entry(rec *secretRecord, read *accessRecord) secretsmanagerapi.SecretListEntry {
	e := secretsmanagerapi.SecretListEntry{
		ARN: new(rec.arn()), Name: &rec.Name, Type: optional(rec.Type), Description: optional(rec.Description),
		KmsKeyId: optional(rec.KMSKey), LastChangedDate: date(rec.Changed), CreatedDate: date(rec.Created),
		DeletedDate: date(rec.Deleted), LastAccessedDate: s.lastRead(rec, read, ""),
		SecretVersionsToStages: rec.stagesByVersion(), PrimaryRegion: optional(rec.PrimaryRegion),
	}
	if rec.Tags != nil {
		e.Tags = []secretsmanagerapi.Tag{}
	}
	for i := range rec.Tags {
		e.Tags = append(e.Tags, secretsmanagerapi.Tag{Key: &rec.Tags[i].Key, Value: &rec.Tags[i].Value})
	}
	r := rec.Rotation
	if r == nil {
		return e
	}
	e.RotationEnabled, e.RotationLambdaARN, e.ExternalSecretRotationRoleArn = &r.Enabled, optional(r.Function), optional(r.Role)
	if r.Enabled { // otherwise AWS shows neither date
		e.LastRotatedDate = date(rec.LastRotated)
		if !r.Next.IsZero() {
			e.NextRotationDate = date(r.Next.Add(-time.Second)) // the last second of the window
		}
	}
	if r.AfterDays != 0 || r.Schedule != "" || r.Duration != "" {
		e.RotationRules = &secretsmanagerapi.RotationRulesType{ScheduleExpression: optional(r.Schedule), Duration: optional(r.Duration)}
		if days := cmp.Or(r.AfterDays, r.Interval); days != 0 {
			e.RotationRules.AutomaticallyAfterDays = &days
		}
	}
	for i := range r.Metadata {
		e.ExternalSecretRotationMetadata = append(e.ExternalSecretRotationMetadata, secretsmanagerapi.ExternalSecretRotationMetadataItem{
			Key: &r.Metadata[i].Key, Value: &r.Metadata[i].Value,
		})
	}
	return e
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func date(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
