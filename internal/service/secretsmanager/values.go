package secretsmanager

import (
	"context"
	"slices"

	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/call"
	"fastness/internal/wire"
)

// GetSecretValue implements the operation of that name.
func (s *Service) GetSecretValue(ctx context.Context, in *secretsmanagerapi.GetSecretValueRequest) (*secretsmanagerapi.GetSecretValueResponse, error) {
	_, sec, err := target(ctx)
	if err != nil {
		return nil, err
	}
	if sec.record.doomed() {
		return nil, markedForDeletion()
	}
	v, err := s.chosenVersion(ctx, sec, wire.Value(in.VersionId), wire.Value(in.VersionStage))
	if err != nil {
		return nil, err
	}
	value, err := s.open(ctx, sec.arn, &v.record, v.value)
	if err != nil {
		return nil, err
	}
	defer value.clear()
	s.reads.note(sec, v.record.ID, s.clock.Now())
	out := &secretsmanagerapi.GetSecretValueResponse{
		ARN: &sec.arn, Name: &sec.record.Name, VersionId: &v.record.ID, CreatedDate: &v.record.Created,
		VersionStages: sec.record.labels(v.record.ID),
	}
	out.SecretString, out.SecretBinary = value.answer()
	return out, nil
}

// chosenVersion is the version with an id, with a label, or the current one. It has a
// value.
func (s *Service) chosenVersion(ctx context.Context, sec *secret, id, label string) (*version, error) {
	missing := func() error { return noVersion(id) }
	if id == "" {
		if label == "" {
			label = stageCurrent
		}
		asked := label
		missing = func() error { return noValueFor(asked) }
		if id = sec.record.Stages[label]; id == "" {
			return nil, missing()
		}
		label = ""
	}
	v, err := s.directory.version(ctx, sec, id)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, missing()
	}
	if label != "" && sec.record.Stages[label] != id {
		return nil, invalidRequest("You provided a VersionStage that is not associated to the provided VersionId.")
	}
	if v.value == nil {
		return nil, missing()
	}
	return v, nil
}

// recordARNOnly has CloudTrail record nothing of the answer but the ARN of the secret: that is
// all that records of CreateSecret and PutSecretValue have ("responseElements":
// {"arn": "…"}, NextWork, "Build a Security Monitoring System"; external-secrets, reloader).
// UpdateSecret, which answers likewise, is taken to do the same.
func recordARNOnly(c *call.Call) {
	c.Notes.Response = map[string]any{"name": nil, "versionId": nil, "versionStages": nil, "replicationStatus": nil}
}

// PutSecretValue implements the operation of that name.
func (s *Service) PutSecretValue(ctx context.Context, in *secretsmanagerapi.PutSecretValueRequest) (*secretsmanagerapi.PutSecretValueResponse, error) {
	value, err := givenValue(in.SecretString, in.SecretBinary)
	if err != nil {
		return nil, err
	}
	if value == nil {
		return nil, invalidRequest("You must provide either SecretString or SecretBinary.")
	}
	defer value.clear()
	if in.ClientRequestToken == nil {
		return nil, missingToken()
	}
	if err := checkTokenLength(in.ClientRequestToken); err != nil {
		return nil, err
	}
	token := *in.ClientRequestToken
	c, rec, err := s.begin(ctx, 0)
	if err != nil {
		return nil, err
	}
	recordARNOnly(c)
	known, err := s.repeats(ctx, rec, token, value)
	if err != nil {
		return nil, err
	}
	labels := rec.labels(token)
	if !known {
		labels = slices.Clone(in.VersionStages)
		if len(labels) == 0 || len(rec.Stages) == 0 && !slices.Contains(labels, stageCurrent) {
			labels = append(labels, stageCurrent) // the first version is the current one
		}
		if err := s.putVersion(ctx, rec, token, value, labels); err != nil {
			return nil, err
		}
	}
	return &secretsmanagerapi.PutSecretValueResponse{
		ARN: new(rec.arn()), Name: &rec.Name, VersionId: &token, VersionStages: labels,
	}, nil
}

// putVersion adds a version with labels, and saves the secret with its replicas.
func (s *Service) putVersion(ctx context.Context, rec *secretRecord, token string, value *secretValue, labels []string) error {
	before := rec.Stages[stageCurrent]
	if err := s.addVersion(ctx, rec, token, value, labels); err != nil {
		return err
	}
	return s.saveValue(ctx, rec, before)
}

// saveValue saves a secret whose AWSCURRENT may have moved away from the version before,
// with its replicas. Rotation goes on from there.
func (s *Service) saveValue(ctx context.Context, rec *secretRecord, before string) error {
	tx := call.From(ctx).Txn()
	if rec.Rotation != nil && rec.Stages[stageCurrent] != before {
		rec.Replaced = s.now()
		if err := s.rotations.configured(ctx, tx, rec); err != nil {
			return err
		}
	}
	return s.saveWithReplicas(ctx, tx, rec)
}

// UpdateSecret implements the operation of that name.
func (s *Service) UpdateSecret(ctx context.Context, in *secretsmanagerapi.UpdateSecretRequest) (*secretsmanagerapi.UpdateSecretResponse, error) {
	if err := checkTokenLength(in.ClientRequestToken); err != nil {
		return nil, err
	}
	// The key is the one thing that can be changed on a replica.
	onlyKey := in.KmsKeyId != nil && in.Description == nil && in.Type == nil && in.SecretString == nil && in.SecretBinary == nil
	allow := allowance(0)
	if onlyKey {
		allow = onReplicas
	}
	c, rec, err := s.begin(ctx, allow)
	if err != nil {
		return nil, err
	}
	recordARNOnly(c)
	if rec.isReplica() {
		return &secretsmanagerapi.UpdateSecretResponse{ARN: new(rec.arn()), Name: &rec.Name}, s.rekeyReplica(ctx, c.Txn(), rec, givenKey(in.KmsKeyId))
	}
	value, err := givenValue(in.SecretString, in.SecretBinary)
	if err != nil {
		return nil, err
	}
	if value != nil {
		defer value.clear()
	}
	token := wire.Value(in.ClientRequestToken)
	if value != nil && token == "" {
		return nil, missingToken()
	}
	if in.Description != nil {
		rec.Description = *in.Description
	}
	if in.Type != nil {
		rec.Type = *in.Type
	}
	if in.KmsKeyId != nil && givenKey(in.KmsKeyId) != rec.KMSKey {
		if err := s.reencrypt(ctx, rec, givenKey(in.KmsKeyId)); err != nil {
			return nil, err
		}
	}
	rec.Changed = s.now()
	out := &secretsmanagerapi.UpdateSecretResponse{ARN: new(rec.arn()), Name: &rec.Name}
	known := false
	if value != nil {
		out.VersionId = &token
		if known, err = s.repeats(ctx, rec, token, value); err != nil {
			return nil, err
		}
	}
	if value == nil || known {
		return out, s.saveWithReplicas(ctx, c.Txn(), rec)
	}
	return out, s.putVersion(ctx, rec, token, value, []string{stageCurrent})
}

// reencrypt gives a secret another KMS key: the versions that the service's own labels
// are attached to get new data keys under it.
func (s *Service) reencrypt(ctx context.Context, rec *secretRecord, key string) error {
	if err := s.validateKey(ctx, rec, key); err != nil {
		return err
	}
	tx := call.From(ctx).Txn()
	rec.KMSKey = key
	done := make(map[string]bool)
	for _, label := range []string{stageCurrent, stagePending, stagePrevious} {
		id, ok := rec.Stages[label]
		if !ok || done[id] {
			continue
		}
		done[id] = true
		v, err := s.tables.version(tx, rec, id)
		if err != nil {
			return err
		}
		if v.Form == noValue {
			continue
		}
		stored, err := s.tables.value(tx, rec, id)
		if err != nil {
			return err
		}
		if err := s.reencryptVersion(ctx, rec, v, stored); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) reencryptVersion(ctx context.Context, rec *secretRecord, v *versionRecord, stored *valueRecord) error {
	tx := call.From(ctx).Txn()
	value, err := s.open(ctx, rec.arn(), v, stored)
	if err != nil {
		return err
	}
	defer value.clear()
	if stored, err = s.seal(ctx, rec, v, value); err != nil {
		return err
	}
	if err := s.tables.values.Put(tx, stored); err != nil {
		return err
	}
	return s.tables.versions.Put(tx, v)
}
