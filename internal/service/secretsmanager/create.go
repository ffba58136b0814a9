package secretsmanager

import (
	"context"
	"slices"
	"strings"

	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/call"
	"fastness/internal/wire"
)

// missingToken is the refusal of a request that would make a version without a name. SDKs
// make a token by themselves.
func missingToken() error {
	return invalidRequest("You must provide a ClientRequestToken value. We recommend a UUID-type value.")
}

// The bounds of a ClientRequestToken.
const (
	minTokenLength = 32
	maxTokenLength = 64
)

// checkTokenLength checks a token, if there is one.
func checkTokenLength(token *string) error {
	if n := len(wire.Value(token)); token != nil && (n < minTokenLength || n > maxTokenLength) {
		return invalidParameter("ClientRequestToken must be 32-64 characters long.")
	}
	return nil
}

// CreateSecret implements the operation of that name.
func (s *Service) CreateSecret(ctx context.Context, in *secretsmanagerapi.CreateSecretRequest) (*secretsmanagerapi.CreateSecretResponse, error) {
	c := call.From(ctx)
	r, ok := c.Resolved.(*resolved)
	if !ok || r.suffix == "" {
		return nil, &wire.CommonError{Kind: wire.InternalFailure}
	}
	recordARNOnly(c)
	if err := checkTokenLength(in.ClientRequestToken); err != nil {
		return nil, err
	}
	value, err := givenValue(in.SecretString, in.SecretBinary)
	if err != nil {
		return nil, err
	}
	if value != nil {
		defer value.clear()
		if in.ClientRequestToken == nil {
			return nil, missingToken()
		}
	}
	old, err := s.tables.secret(c.Txn(), r.name)
	if err == nil {
		return s.createAgain(ctx, in, old, value)
	}
	if !isNotFound(err) {
		return nil, err
	}
	if err := s.checkCount(ctx, r.name.scope()); err != nil {
		return nil, err
	}
	now := s.now()
	rec := &secretRecord{
		Account: c.Account, Region: c.Region, Name: r.name.name, Suffix: r.suffix, Type: wire.Value(in.Type),
		Description: wire.Value(in.Description), KMSKey: givenKey(in.KmsKeyId), Created: now, Changed: now, Stages: make(map[string]string),
	}
	if rec.Tags, err = newTags(nil, in.Tags); err != nil {
		return nil, err
	}
	if err := s.validateKey(ctx, rec, rec.KMSKey); err != nil {
		return nil, err
	}
	out := &secretsmanagerapi.CreateSecretResponse{ARN: new(rec.arn()), Name: &rec.Name}
	if value != nil {
		if err := s.addVersion(ctx, rec, *in.ClientRequestToken, value, []string{stageCurrent}); err != nil {
			return nil, err
		}
		out.VersionId = in.ClientRequestToken
	}
	if len(in.AddReplicaRegions) > 0 {
		if err := s.addReplicas(ctx, rec, in.AddReplicaRegions, wire.Value(in.ForceOverwriteReplicaSecret)); err != nil {
			return nil, err
		}
		out.ReplicationStatus = s.replicationStatus(ctx, rec)
	}
	if err := s.save(c.Txn(), rec); err != nil {
		return nil, err
	}
	s.counted(c.Txn(), rec.scope(), 1)
	note(c, rec)
	return out, nil
}

// createAgain is CreateSecret for a name that is taken. With the token of a version that
// has the same value it is a repetition, and succeeds.
func (s *Service) createAgain(ctx context.Context, in *secretsmanagerapi.CreateSecretRequest, old *secretRecord, value *secretValue) (*secretsmanagerapi.CreateSecretResponse, error) {
	c := call.From(ctx)
	if old.doomed() {
		return nil, invalidRequest("You can't create this secret because a secret with this name is already scheduled for deletion.")
	}
	if value != nil {
		known, err := s.repeats(ctx, old, *in.ClientRequestToken, value)
		if err != nil {
			return nil, err
		}
		if known {
			note(c, old)
			return &secretsmanagerapi.CreateSecretResponse{ARN: new(old.arn()), Name: &old.Name, VersionId: in.ClientRequestToken}, nil
		}
	}
	return nil, exists("The operation failed because the secret " + old.Name + " already exists.")
}

// repeats tells whether a secret has a version called token with this value; one with
// another value is an error. It asks KMS for the old value on the caller's behalf.
func (s *Service) repeats(ctx context.Context, rec *secretRecord, token string, value *secretValue) (bool, error) {
	tx := call.From(ctx).Txn()
	v, err := s.tables.version(tx, rec, token)
	if isNotFound(err) || err == nil && v.Form == noValue {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	stored, err := s.tables.value(tx, rec, token)
	if err != nil {
		return false, err
	}
	old, err := s.open(ctx, rec.arn(), v, stored)
	if err != nil {
		return false, err
	}
	defer old.clear()
	if !old.equal(value) {
		return false, tokenInUse(token, rec.arn())
	}
	return true, nil
}

// givenKey is a KMS key as it is kept: the default one is not named.
func givenKey(key *string) string {
	k := wire.Value(key)
	if k == defaultKeyAlias {
		return ""
	}
	return k
}

// Tag limits (AWS Secrets Manager user guide, "Quotas").
const maxTags = 50

// isSystemTag tells whether a tag's key is reserved for AWS (AWS Secrets Manager user guide,
// "Tag secrets").
func isSystemTag(key string) bool { return len(key) >= 4 && strings.EqualFold(key[:4], "aws:") }

// systemTag is AWS's refusal, as https://github.com/cloud-custodian/cloud-custodian/issues/9093
// has it.
func systemTag(key string) error {
	return invalidParameter("You can't modify system tags. Tag key: '" + key + "'.")
}

// newTags adds tags to old ones and checks the result.
func newTags(old []tag, add []secretsmanagerapi.Tag) ([]tag, error) {
	out := slices.Clone(old)
	seen := make(map[string]bool, len(add))
	for _, t := range add {
		k, v := wire.Value(t.Key), wire.Value(t.Value)
		switch {
		case k == "":
			return nil, invalidParameter("Tag keys must not be empty.")
		case seen[k]:
			return nil, invalidParameter("Duplicate tag keys found in the request.")
		case isSystemTag(k):
			return nil, systemTag(k)
		}
		seen[k] = true
		if i := slices.IndexFunc(out, func(t tag) bool { return t.Key == k }); i >= 0 {
			out[i].Value = v
		} else {
			out = append(out, tag{k, v})
		}
	}
	if len(out) > maxTags {
		return nil, invalidParameter("The request exceeds the quota of 50 tags for a secret.")
	}
	return out, nil
}

// TagResource implements the operation of that name.
func (s *Service) TagResource(ctx context.Context, in *secretsmanagerapi.TagResourceRequest) (*secretsmanagerapi.TagResourceOutput, error) {
	c, rec, err := s.begin(ctx, 0)
	if err != nil {
		return nil, err
	}
	if rec.Tags, err = newTags(rec.Tags, in.Tags); err != nil {
		return nil, err
	}
	rec.Changed = s.now()
	return &secretsmanagerapi.TagResourceOutput{}, s.saveWithReplicas(ctx, c.Txn(), rec)
}

// UntagResource implements the operation of that name. Tags that are not there are no
// error.
func (s *Service) UntagResource(ctx context.Context, in *secretsmanagerapi.UntagResourceRequest) (*secretsmanagerapi.UntagResourceOutput, error) {
	c, rec, err := s.begin(ctx, 0)
	if err != nil {
		return nil, err
	}
	if at := slices.IndexFunc(in.TagKeys, isSystemTag); at >= 0 {
		return nil, systemTag(in.TagKeys[at])
	}
	rec.Tags = slices.DeleteFunc(rec.Tags, func(t tag) bool { return slices.Contains(in.TagKeys, t.Key) })
	rec.Changed = s.now()
	return &secretsmanagerapi.UntagResourceOutput{}, s.saveWithReplicas(ctx, c.Txn(), rec)
}
