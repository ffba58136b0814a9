package kms

import (
	"context"
	"errors"
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/api/secretsmanagerapi"
	"fastness/internal/call"
	"fastness/internal/store"
)

const secretsAlias = "alias/aws/secretsmanager"

// viaSecretsManager runs f as Secrets Manager would on behalf of who, inside the
// transaction of one of its calls.
func (h *harness) viaSecretsManager(who *call.Principal, f func(ctx context.Context, kms *kmsapi.Client) error) error {
	h.Helper()
	_, err := h.store.Update(h.Context(), func(tx store.Txn) error {
		parent := &call.Call{
			Principal: who, Account: who.Account, Region: testRegion, Time: h.clock.Now(),
			Operation: &secretsmanagerapi.API.Operations[2],
		}
		parent.SetTxn(tx)
		return f(call.With(h.Context(), parent), kmsapi.NewClient(h.door))
	})
	return err
}

func dataKeyFor(alias string) *kmsapi.GenerateDataKeyRequest {
	return &kmsapi.GenerateDataKeyRequest{KeyId: &alias, KeySpec: new(kmsapi.DataKeySpecAES256)}
}

func TestAWSManagedKeyIsMadeAtItsFirstUseThroughItsService(t *testing.T) {
	h := newHarness(t)
	alice := user(testAccount, "alice")
	var first, second *kmsapi.GenerateDataKeyResponse
	err := h.viaSecretsManager(alice, func(ctx context.Context, kms *kmsapi.Client) (err error) {
		if first, err = kms.GenerateDataKey(ctx, dataKeyFor(secretsAlias)); err != nil {
			return err
		}
		if second, err = kms.GenerateDataKey(ctx, dataKeyFor(secretsAlias)); err != nil {
			return err
		}
		_, err = kms.Decrypt(ctx, &kmsapi.DecryptRequest{KeyId: first.KeyId, CiphertextBlob: first.CiphertextBlob})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if *first.KeyId != *second.KeyId {
		t.Errorf("two keys in one transaction: %s and %s", *first.KeyId, *second.KeyId)
	}
	if err := h.viaSecretsManager(alice, func(ctx context.Context, kms *kmsapi.Client) error {
		out, err := kms.Decrypt(ctx, &kmsapi.DecryptRequest{CiphertextBlob: first.CiphertextBlob})
		if err == nil && string(out.Plaintext) != string(first.Plaintext) {
			t.Error("another plaintext")
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	meta, err := h.as(root(testAccount), testRegion).kms().DescribeKey(t.Context(), &kmsapi.DescribeKeyRequest{KeyId: new(secretsAlias)})
	if err != nil {
		t.Fatal(err)
	}
	if *meta.KeyMetadata.Arn != *first.KeyId || *meta.KeyMetadata.KeyManager != kmsapi.KeyManagerTypeAWS {
		t.Errorf("metadata %+v", meta.KeyMetadata)
	}
}

func TestAWSManagedKeyIsOnlyForItsServiceAndAccount(t *testing.T) {
	h := newHarness(t)
	admin := h.as(root(testAccount), testRegion).kms()
	if _, err := admin.GenerateDataKey(t.Context(), dataKeyFor(secretsAlias)); codeOf(err) != "NotFoundException" {
		t.Errorf("a direct call: %v", err)
	}
	// Parameter Store's key is not made for Secrets Manager.
	err := h.viaSecretsManager(root(testAccount), func(ctx context.Context, kms *kmsapi.Client) error {
		_, err := kms.GenerateDataKey(ctx, dataKeyFor("alias/aws/ssm"))
		return err
	})
	if codeOf(err) != "NotFoundException" {
		t.Errorf("another service: %v", err)
	}
	meta, err := admin.DescribeKey(t.Context(), &kmsapi.DescribeKeyRequest{KeyId: new(secretsAlias)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.GenerateDataKey(t.Context(), dataKeyFor(secretsAlias)); codeOf(err) != "AccessDeniedException" {
		t.Errorf("a direct call on the key: %v", err)
	}
	err = h.viaSecretsManager(root(otherAccount), func(ctx context.Context, kms *kmsapi.Client) error {
		_, err := kms.GenerateDataKey(ctx, dataKeyFor(*meta.KeyMetadata.Arn))
		return err
	})
	if codeOf(err) != "AccessDeniedException" {
		t.Errorf("another account: %v", err)
	}
}

func TestAWSManagedKeyCannotBeChanged(t *testing.T) {
	h := newHarness(t)
	admin := h.as(root(testAccount), testRegion).kms()
	meta, err := admin.DescribeKey(t.Context(), &kmsapi.DescribeKeyRequest{KeyId: new(secretsAlias)})
	if err != nil {
		t.Fatal(err)
	}
	id := meta.KeyMetadata.KeyId
	for name, try := range map[string]func() error{
		"ScheduleKeyDeletion": func() error {
			_, err := admin.ScheduleKeyDeletion(t.Context(), &kmsapi.ScheduleKeyDeletionRequest{KeyId: id})
			return err
		},
		"DisableKey": func() error {
			_, err := admin.DisableKey(t.Context(), &kmsapi.DisableKeyRequest{KeyId: id})
			return err
		},
		"PutKeyPolicy": func() error {
			_, err := admin.PutKeyPolicy(t.Context(), &kmsapi.PutKeyPolicyRequest{KeyId: id, Policy: new(defaultPolicy(testAccount))})
			return err
		},
		"DeleteAlias": func() error {
			_, err := admin.DeleteAlias(t.Context(), &kmsapi.DeleteAliasRequest{AliasName: new(secretsAlias)})
			return err
		},
	} {
		if codeOf(try()) != "AccessDeniedException" && codeOf(try()) != "NotAuthorizedException" {
			t.Errorf("%s: %v", name, try())
		}
	}
	for operation := range changesKey {
		if err := checkManaged(operation, &keyRecord{Managed: true}); codeOf(err) != "AccessDeniedException" {
			t.Errorf("%s: %v", operation, err)
		}
	}
	if status, err := admin.GetKeyRotationStatus(t.Context(), &kmsapi.GetKeyRotationStatusRequest{KeyId: id}); err != nil || !*status.KeyRotationEnabled {
		t.Errorf("rotation %+v: %v", status, err)
	}
	h.clock.Advance(366 * 24 * time.Hour)
	h.runJobs()
	list, err := admin.ListKeyRotations(t.Context(), &kmsapi.ListKeyRotationsRequest{KeyId: id})
	if err != nil || len(list.Rotations) != 1 {
		t.Errorf("after a year: %+v: %v", list, err)
	}
}

func TestAWSManagedKeyGoesWithTheTransactionThatMadeIt(t *testing.T) {
	h := newHarness(t)
	giveUp := errors.New("give up")
	err := h.viaSecretsManager(root(testAccount), func(ctx context.Context, kms *kmsapi.Client) error {
		if _, err := kms.GenerateDataKey(ctx, dataKeyFor(secretsAlias)); err != nil {
			return err
		}
		return giveUp
	})
	if !errors.Is(err, giveUp) {
		t.Fatal(err)
	}
	out, err := h.as(root(testAccount), testRegion).kms().ListKeys(t.Context(), &kmsapi.ListKeysRequest{})
	if err != nil || len(out.Keys) != 0 {
		t.Errorf("keys %+v: %v", out, err)
	}
}

// The aliases of AWS services are there before their keys, and DescribeKey makes the keys
// (AWS KMS API reference: ListAliases, "aliases that have no TargetKeyId field"; DescribeKey,
// KeyId, "AWS KMS associates the alias with an AWS managed key").
func TestPredefinedAliasesAreListedBeforeTheirKeysExist(t *testing.T) {
	h := newHarness(t)
	r := h.in(testRegion)
	aliases := func() map[string]*string {
		targets := make(map[string]*string)
		var marker *string
		for {
			out, err := r.ListAliases(t.Context(), &kmsapi.ListAliasesRequest{Limit: new(int32(3)), Marker: marker})
			h.must(err)
			for _, a := range out.Aliases {
				if *a.AliasArn != aliasARN(testAccount, testRegion, *a.AliasName) {
					t.Errorf("ARN %s", *a.AliasArn)
				}
				if _, twice := targets[*a.AliasName]; twice {
					t.Errorf("%s is listed twice", *a.AliasName)
				}
				targets[*a.AliasName] = a.TargetKeyId
			}
			if marker = out.NextMarker; marker == nil {
				return targets
			}
		}
	}
	key := r.create(&kmsapi.CreateKeyRequest{}).KeyId
	h.must(errorOf(r.CreateAlias(t.Context(), &kmsapi.CreateAliasRequest{AliasName: new("alias/zz"), TargetKeyId: key})))
	before := aliases()
	if len(before) != len(predefinedAliases)+1 || *before["alias/zz"] != *key {
		t.Errorf("listed %v", before)
	}
	for _, name := range predefinedAliases {
		if target, ok := before[name]; !ok || target != nil {
			t.Errorf("%s: %v, %v", name, target, ok)
		}
	}
	meta := r.describe(new("alias/aws/s3"))
	if *meta.KeyManager != kmsapi.KeyManagerTypeAWS || *meta.Description != "Default key that protects my S3 objects when no other key is defined" {
		t.Errorf("metadata %+v", meta)
	}
	after := aliases()
	if len(after) != len(before) || after["alias/aws/s3"] == nil || *after["alias/aws/s3"] != *meta.KeyId || after["alias/aws/ebs"] != nil {
		t.Errorf("listed %v", after)
	}
	_, err := r.Encrypt(t.Context(), &kmsapi.EncryptRequest{KeyId: new("alias/aws/s3"), Plaintext: []byte("x")})
	wantErrorCode(t, "a direct use", err, "AccessDeniedException")
	_, err = r.DescribeKey(t.Context(), &kmsapi.DescribeKeyRequest{KeyId: new("alias/aws/none")})
	wantErrorCode(t, "no service's", err, "NotFoundException")
}
