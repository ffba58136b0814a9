package clients

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// each runs do for every operation that testdata/kms-errors.txt says the test covers.
func each(t *testing.T, do func(t *testing.T, o operation) error) {
	covered := coveredBy(t, t.Name())
	if len(covered) == 0 {
		t.Fatal("the error table has no line for this test")
	}
	for _, line := range covered {
		o, ok := operations[line.operation]
		if !ok {
			t.Errorf("no way to call %s", line.operation)
			continue
		}
		t.Run(line.operation, func(t *testing.T) { wantCode(t, do(t, o), line.code) })
	}
}

func TestKeyThatDoesNotExist(t *testing.T) {
	each(t, func(t *testing.T, o operation) error {
		err := o.call(t.Context(), kmsClient(), &kmsKey{id: absentKey, arn: absentKey}, options{})
		var absent *types.NotFoundException
		if errors.As(err, &absent) && absent.ErrorMessage() != "Key '"+absentKey+"' does not exist" {
			t.Errorf("message %q", absent.ErrorMessage())
		}
		return err
	})
}

func TestMalformedARN(t *testing.T) {
	const malformed = "arn:aws:kms:" + region + ":" + account + ":nonsense"
	each(t, func(t *testing.T, o operation) error {
		return o.call(t.Context(), kmsClient(), &kmsKey{id: malformed, arn: malformed}, options{})
	})
}

func TestListRetirableGrantsMalformedPrincipal(t *testing.T) {
	_, err := kmsClient().ListRetirableGrants(t.Context(), &kms.ListRetirableGrantsInput{RetiringPrincipal: aws.String("nonsense")})
	wantCode(t, err, "InvalidArnException")
}

func TestDisabledKey(t *testing.T) {
	each(t, func(t *testing.T, o operation) error {
		k := sharedKey(t, o.kind, disabled)
		err := o.call(t.Context(), kmsClient(), k, options{})
		var refused *types.DisabledException
		if errors.As(err, &refused) && refused.ErrorMessage() != k.arn+" is disabled." {
			t.Errorf("message %q", refused.ErrorMessage())
		}
		return err
	})
}

func TestKeyPendingDeletion(t *testing.T) {
	each(t, func(t *testing.T, o operation) error {
		k := sharedKey(t, o.kind, pendingDeletion)
		err := o.call(t.Context(), kmsClient(), k, options{})
		var refused *types.KMSInvalidStateException
		if errors.As(err, &refused) && refused.ErrorMessage() != k.arn+" is pending deletion." {
			t.Errorf("message %q", refused.ErrorMessage())
		}
		return err
	})
}

func TestCancelKeyDeletionOfEnabledKey(t *testing.T) {
	_, err := kmsClient().CancelKeyDeletion(t.Context(), &kms.CancelKeyDeletionInput{KeyId: &sharedKey(t, symmetric, enabled).id})
	wantCode(t, err, "KMSInvalidStateException")
}

func TestWrongKeyUsage(t *testing.T) {
	each(t, func(t *testing.T, o operation) error {
		wrong := signing
		if o.kind != symmetric {
			wrong = symmetric
		}
		return o.call(t.Context(), kmsClient(), sharedKey(t, wrong, enabled), options{})
	})
}

func TestGarbageGrantToken(t *testing.T) {
	each(t, func(t *testing.T, o operation) error {
		return o.call(t.Context(), kmsClient(), sharedKey(t, o.kind, enabled), options{grantTokens: []string{"Z2FyYmFnZQ=="}})
	})
}

func TestDryRun(t *testing.T) {
	each(t, func(t *testing.T, o operation) error {
		k := *sharedKey(t, o.kind, enabled)
		if o.kind == noKey {
			k = *sharedKey(t, symmetric, enabled)
		}
		granted := must[*kms.CreateGrantOutput](t)(kmsClient().CreateGrant(t.Context(), &kms.CreateGrantInput{
			KeyId: &k.id, GranteePrincipal: aws.String(rootARN), RetiringPrincipal: aws.String(rootARN), Operations: grantOperationsOf(t, o.kind),
		}))
		k.grantID = *granted.GrantId
		err := o.call(t.Context(), kmsClient(), &k, options{dryRun: aws.Bool(true)})
		var dry *types.DryRunOperationException
		if errors.As(err, &dry) && dry.ErrorMessage() != "The request would have succeeded, but the DryRun option is set." {
			t.Errorf("message %q", dry.ErrorMessage())
		}
		return err
	})
}

// grantOperationsOf is an operation that a grant for a key of the kind may allow.
func grantOperationsOf(t *testing.T, k kind) []types.GrantOperation {
	t.Helper()
	switch k {
	case signing:
		return []types.GrantOperation{types.GrantOperationSign}
	case mac:
		return []types.GrantOperation{types.GrantOperationGenerateMac}
	case agreement:
		return []types.GrantOperation{types.GrantOperationDeriveSharedSecret}
	}
	return []types.GrantOperation{types.GrantOperationDecrypt}
}

func TestInvalidMarker(t *testing.T) {
	each(t, func(t *testing.T, o operation) error {
		return o.call(t.Context(), kmsClient(), sharedKey(t, o.kind, enabled), options{marker: aws.String("nonsense")})
	})
}

// TestUnsupportedByKey calls operations on keys of a kind that they are not for.
func TestUnsupportedByKey(t *testing.T) {
	each(t, func(t *testing.T, o operation) error {
		k := symmetric
		if o.kind == symmetric {
			k = signing
		}
		return o.call(t.Context(), kmsClient(), sharedKey(t, k, enabled), options{})
	})
}

func TestMalformedPolicyDocument(t *testing.T) {
	client, ctx := kmsClient(), t.Context()
	const malformed = `{"Version":"2012-10-17","Statement":[{"Effect":"Perhaps","Principal":"*","Action":"kms:*","Resource":"*"}]}`
	_, err := client.CreateKey(ctx, &kms.CreateKeyInput{Policy: aws.String("my policy")})
	wantCode(t, err, "MalformedPolicyDocumentException")
	_, err = client.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: &sharedKey(t, symmetric, enabled).id, Policy: aws.String(malformed)})
	wantCode(t, err, "MalformedPolicyDocumentException")
	_, err = client.ReplicateKey(ctx, &kms.ReplicateKeyInput{KeyId: &sharedKey(t, multiRegion, enabled).id, ReplicaRegion: aws.String("ap-south-1"), Policy: aws.String(malformed)})
	wantCode(t, err, "MalformedPolicyDocumentException")
}

func TestInvalidTags(t *testing.T) {
	client, ctx := kmsClient(), t.Context()
	k := sharedKey(t, symmetric, enabled)
	twice := []types.Tag{{TagKey: aws.String("a"), TagValue: aws.String("1")}, {TagKey: aws.String("a"), TagValue: aws.String("2")}}
	_, err := client.CreateKey(ctx, &kms.CreateKeyInput{Tags: twice})
	wantCode(t, err, "TagException")
	_, err = client.TagResource(ctx, &kms.TagResourceInput{KeyId: &k.id, Tags: twice})
	wantCode(t, err, "TagException")
	_, err = client.TagResource(ctx, &kms.TagResourceInput{KeyId: &k.id, Tags: []types.Tag{{TagKey: aws.String("aws:a"), TagValue: aws.String("1")}}})
	wantCode(t, err, "TagException")
	_, err = client.UntagResource(ctx, &kms.UntagResourceInput{KeyId: &k.id, TagKeys: []string{"aws:a"}})
	wantCode(t, err, "TagException")
	_, err = client.ReplicateKey(ctx, &kms.ReplicateKeyInput{KeyId: &sharedKey(t, multiRegion, enabled).id, ReplicaRegion: aws.String("ap-south-1"), Tags: twice})
	wantCode(t, err, "TagException")
}

func TestAlreadyExists(t *testing.T) {
	client, ctx := kmsClient(), t.Context()
	k := sharedKey(t, symmetric, enabled)
	must[*kms.CreateAliasOutput](t)(client.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/taken"), TargetKeyId: &k.id}))
	_, err := client.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/taken"), TargetKeyId: &k.id})
	wantCode(t, err, "AlreadyExistsException")

	primary := newKey(t, multiRegion)
	replicate := &kms.ReplicateKeyInput{KeyId: &primary.id, ReplicaRegion: aws.String("eu-west-1")}
	must[*kms.ReplicateKeyOutput](t)(client.ReplicateKey(ctx, replicate))
	_, err = client.ReplicateKey(ctx, replicate)
	wantCode(t, err, "AlreadyExistsException")
}

func TestInvalidAliasName(t *testing.T) {
	k := sharedKey(t, symmetric, enabled)
	for name, want := range map[string]string{
		"alias/": "InvalidAliasNameException", "without-prefix": "ValidationException", "alias/my:alias": "ValidationException",
		"alias/my alias": "ValidationException", "alias/aws/mine": "NotAuthorizedException",
	} {
		_, err := kmsClient().CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: &name, TargetKeyId: &k.id})
		wantCode(t, err, want)
	}
	_, err := kmsClient().CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: aws.String("alias/of-alias"), TargetKeyId: aws.String("alias/taken")})
	wantCode(t, err, "ValidationException")
}

func TestDeleteAliasThatDoesNotExist(t *testing.T) {
	_, err := kmsClient().DeleteAlias(t.Context(), &kms.DeleteAliasInput{AliasName: aws.String("alias/nobody")})
	wantCode(t, err, "NotFoundException")
}

func TestGrantThatDoesNotExist(t *testing.T) {
	client, ctx := kmsClient(), t.Context()
	k := sharedKey(t, symmetric, enabled)
	for _, id := range []string{absentGrant, "aabbccdd"} {
		_, err := client.RevokeGrant(ctx, &kms.RevokeGrantInput{KeyId: &k.id, GrantId: &id})
		wantCode(t, err, "NotFoundException")
		_, err = client.RetireGrant(ctx, &kms.RetireGrantInput{KeyId: &k.arn, GrantId: &id})
		wantCode(t, err, "NotFoundException")
	}
	malformed := aws.String("nonsense")
	_, err := client.RevokeGrant(ctx, &kms.RevokeGrantInput{KeyId: &k.id, GrantId: malformed})
	wantCode(t, err, "InvalidGrantIdException")
	_, err = client.RetireGrant(ctx, &kms.RetireGrantInput{KeyId: &k.arn, GrantId: malformed})
	wantCode(t, err, "InvalidGrantIdException")
	_, err = client.ListGrants(ctx, &kms.ListGrantsInput{KeyId: &k.id, GrantId: malformed})
	wantCode(t, err, "InvalidGrantIdException")
}

func TestInvalidCiphertext(t *testing.T) {
	client, ctx := kmsClient(), t.Context()
	k := sharedKey(t, symmetric, enabled)
	for i := range k.blob {
		if i > 64 && rand.IntN(8) != 0 {
			continue // the header always, of the rest some
		}
		flipped := append([]byte(nil), k.blob...)
		flipped[i] ^= 1 << rand.IntN(8)
		if _, err := client.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: flipped}); code(err) != "InvalidCiphertextException" && code(err) != "NotFoundException" && code(err) != "AccessDeniedException" {
			t.Errorf("byte %d flipped: %v", i, err)
		}
	}
	_, err := client.Decrypt(ctx, &kms.DecryptInput{KeyId: &k.id, CiphertextBlob: k.blob, EncryptionContext: map[string]string{"other": "context"}})
	wantCode(t, err, "InvalidCiphertextException")
	var refused *types.InvalidCiphertextException
	if errors.As(err, &refused) && refused.Message != nil && *refused.Message != "" {
		t.Errorf("the error has a message: %q", *refused.Message)
	}
	_, err = client.ReEncrypt(ctx, &kms.ReEncryptInput{SourceKeyId: &k.id, DestinationKeyId: &k.id, CiphertextBlob: k.blob, SourceEncryptionContext: map[string]string{"other": "context"}})
	wantCode(t, err, "InvalidCiphertextException")
}

func TestIncorrectKey(t *testing.T) {
	client, ctx := kmsClient(), t.Context()
	k, other := sharedKey(t, symmetric, enabled), sharedKey(t, multiRegion, enabled)
	_, err := client.Decrypt(ctx, &kms.DecryptInput{KeyId: &other.id, CiphertextBlob: k.blob})
	wantCode(t, err, "IncorrectKeyException")
	_, err = client.ReEncrypt(ctx, &kms.ReEncryptInput{SourceKeyId: &other.id, DestinationKeyId: &k.id, CiphertextBlob: k.blob})
	wantCode(t, err, "IncorrectKeyException")
}

func TestWrongSignatureAndMac(t *testing.T) {
	client, ctx := kmsClient(), t.Context()
	k := sharedKey(t, signing, enabled)
	_, err := client.Verify(ctx, &kms.VerifyInput{KeyId: &k.id, Message: []byte("another message"), Signature: k.signature, SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256})
	wantCode(t, err, "KMSInvalidSignatureException")
	k = sharedKey(t, mac, enabled)
	_, err = client.VerifyMac(ctx, &kms.VerifyMacInput{KeyId: &k.id, Message: []byte("another message"), Mac: k.tag, MacAlgorithm: types.MacAlgorithmSpecHmacSha256})
	wantCode(t, err, "KMSInvalidMacException")
}

func TestImportErrors(t *testing.T) {
	client, ctx := kmsClient(), t.Context()
	k := createKey(t, &kms.CreateKeyInput{Origin: types.OriginTypeExternal})
	other := createKey(t, &kms.CreateKeyInput{Origin: types.OriginTypeExternal})

	in := wrapOAEP(t, k.id, randomBytes(32))
	foreign := *in
	foreign.KeyId = &other.id
	_, err := client.ImportKeyMaterial(ctx, &foreign)
	wantCode(t, err, "InvalidImportTokenException")

	broken := *in
	broken.EncryptedKeyMaterial = append([]byte(nil), in.EncryptedKeyMaterial...)
	broken.EncryptedKeyMaterial[100] ^= 1
	_, err = client.ImportKeyMaterial(ctx, &broken)
	wantCode(t, err, "InvalidCiphertextException")

	_, err = client.ImportKeyMaterial(ctx, wrapOAEP(t, k.id, randomBytes(16)))
	wantCode(t, err, "IncorrectKeyMaterialException")

	must[*kms.ImportKeyMaterialOutput](t)(client.ImportKeyMaterial(ctx, in))
	must[*kms.DeleteImportedKeyMaterialOutput](t)(client.DeleteImportedKeyMaterial(ctx, &kms.DeleteImportedKeyMaterialInput{KeyId: &k.id}))
	_, err = client.Encrypt(ctx, &kms.EncryptInput{KeyId: &k.id, Plaintext: message})
	wantCode(t, err, "KMSInvalidStateException")
	if err != nil && !strings.Contains(err.Error(), k.arn+" is pending import.") {
		t.Errorf("message %v", err)
	}
	_, err = client.ImportKeyMaterial(ctx, wrapOAEP(t, k.id, randomBytes(32)))
	wantCode(t, err, "IncorrectKeyMaterialException")
}

// TestQuotas goes over the quotas that are small enough to reach.
func TestQuotas(t *testing.T) {
	client, ctx := kmsClient(), t.Context()
	const aliasesPerKey, tagsPerKey, rotationsPerKey, policyBytes = 50, 50, 25, 32768

	full := createKey(t, &kms.CreateKeyInput{})
	for i := range aliasesPerKey {
		must[*kms.CreateAliasOutput](t)(client.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String(fmt.Sprintf("alias/quota-%d", i)), TargetKeyId: &full.id}))
	}
	_, err := client.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/quota-over"), TargetKeyId: &full.id})
	wantCode(t, err, "LimitExceededException")
	other := createKey(t, &kms.CreateKeyInput{})
	must[*kms.CreateAliasOutput](t)(client.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/quota-moving"), TargetKeyId: &other.id}))
	_, err = client.UpdateAlias(ctx, &kms.UpdateAliasInput{AliasName: aws.String("alias/quota-moving"), TargetKeyId: &full.id})
	wantCode(t, err, "LimitExceededException")

	for i := range tagsPerKey {
		must[*kms.TagResourceOutput](t)(client.TagResource(ctx, &kms.TagResourceInput{KeyId: &full.id, Tags: []types.Tag{{TagKey: aws.String(fmt.Sprint(i)), TagValue: aws.String("v")}}}))
	}
	_, err = client.TagResource(ctx, &kms.TagResourceInput{KeyId: &full.id, Tags: []types.Tag{{TagKey: aws.String("over"), TagValue: aws.String("v")}}})
	wantCode(t, err, "TagException")

	for range rotationsPerKey {
		must[*kms.RotateKeyOnDemandOutput](t)(client.RotateKeyOnDemand(ctx, &kms.RotateKeyOnDemandInput{KeyId: &full.id}))
	}
	_, err = client.RotateKeyOnDemand(ctx, &kms.RotateKeyOnDemandInput{KeyId: &full.id})
	wantCode(t, err, "LimitExceededException")

	large := strings.Replace(rootPolicy, `"Version"`, `"Id":"`+strings.Repeat("x", policyBytes)+`","Version"`, 1)
	_, err = client.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: &full.id, Policy: &large})
	wantCode(t, err, "LimitExceededException")
	_, err = client.CreateKey(ctx, &kms.CreateKeyInput{Policy: &large})
	wantCode(t, err, "LimitExceededException")
	_, err = client.ReplicateKey(ctx, &kms.ReplicateKeyInput{KeyId: &sharedKey(t, multiRegion, enabled).id, ReplicaRegion: aws.String("ap-south-1"), Policy: &large})
	wantCode(t, err, "LimitExceededException")
}
