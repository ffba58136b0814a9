package clients

import (
	"context"
	"crypto/rand"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

const (
	rootARN    = "arn:aws:iam::" + account + ":root"
	rootPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + rootARN + `"},"Action":"kms:*","Resource":"*"}]}`
)

// operations are the KMS operations that concern a key, and those that list. Aliases
// by name, RetireGrant, RevokeGrant and custom key stores have tests of their own.
var operations = map[string]operation{
	"CancelKeyDeletion": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.CancelKeyDeletion(ctx, &kms.CancelKeyDeletionInput{KeyId: &k.id})
		return err
	}},
	"CreateAlias": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/" + rand.Text()), TargetKeyId: &k.id})
		return err
	}},
	"CreateGrant": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.CreateGrant(ctx, &kms.CreateGrantInput{KeyId: &k.id, GranteePrincipal: aws.String(rootARN), Operations: []types.GrantOperation{types.GrantOperationDecrypt}, GrantTokens: o.grantTokens, DryRun: o.dryRun})
		return err
	}},
	"CreateKey": {noKey, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.CreateKey(ctx, &kms.CreateKeyInput{})
		return err
	}},
	"Decrypt": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.Decrypt(ctx, &kms.DecryptInput{KeyId: &k.id, CiphertextBlob: blobOf(k), GrantTokens: o.grantTokens, DryRun: o.dryRun})
		return err
	}},
	"DeleteImportedKeyMaterial": {external, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.DeleteImportedKeyMaterial(ctx, &kms.DeleteImportedKeyMaterialInput{KeyId: &k.id})
		return err
	}},
	"DeriveSharedSecret": {agreement, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.DeriveSharedSecret(ctx, &kms.DeriveSharedSecretInput{KeyId: &k.id, KeyAgreementAlgorithm: types.KeyAgreementAlgorithmSpecEcdh, PublicKey: peerKey(), GrantTokens: o.grantTokens, DryRun: o.dryRun})
		return err
	}},
	"DescribeKey": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &k.id, GrantTokens: o.grantTokens})
		return err
	}},
	"DisableKey": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.DisableKey(ctx, &kms.DisableKeyInput{KeyId: &k.id})
		return err
	}},
	"DisableKeyRotation": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.DisableKeyRotation(ctx, &kms.DisableKeyRotationInput{KeyId: &k.id})
		return err
	}},
	"EnableKey": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.EnableKey(ctx, &kms.EnableKeyInput{KeyId: &k.id})
		return err
	}},
	"EnableKeyRotation": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.EnableKeyRotation(ctx, &kms.EnableKeyRotationInput{KeyId: &k.id})
		return err
	}},
	"Encrypt": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.Encrypt(ctx, &kms.EncryptInput{KeyId: &k.id, Plaintext: message, GrantTokens: o.grantTokens, DryRun: o.dryRun})
		return err
	}},
	"GenerateDataKey": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: &k.id, KeySpec: types.DataKeySpecAes256, GrantTokens: o.grantTokens, DryRun: o.dryRun})
		return err
	}},
	"GenerateDataKeyPair": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.GenerateDataKeyPair(ctx, &kms.GenerateDataKeyPairInput{KeyId: &k.id, KeyPairSpec: types.DataKeyPairSpecEccNistP256, GrantTokens: o.grantTokens, DryRun: o.dryRun})
		return err
	}},
	"GenerateDataKeyPairWithoutPlaintext": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.GenerateDataKeyPairWithoutPlaintext(ctx, &kms.GenerateDataKeyPairWithoutPlaintextInput{KeyId: &k.id, KeyPairSpec: types.DataKeyPairSpecEccNistP256, GrantTokens: o.grantTokens, DryRun: o.dryRun})
		return err
	}},
	"GenerateDataKeyWithoutPlaintext": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.GenerateDataKeyWithoutPlaintext(ctx, &kms.GenerateDataKeyWithoutPlaintextInput{KeyId: &k.id, KeySpec: types.DataKeySpecAes256, GrantTokens: o.grantTokens, DryRun: o.dryRun})
		return err
	}},
	"GenerateMac": {mac, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.GenerateMac(ctx, &kms.GenerateMacInput{KeyId: &k.id, Message: message, MacAlgorithm: types.MacAlgorithmSpecHmacSha256, GrantTokens: o.grantTokens, DryRun: o.dryRun})
		return err
	}},
	"GenerateRandom": {noKey, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.GenerateRandom(ctx, &kms.GenerateRandomInput{NumberOfBytes: aws.Int32(32)})
		return err
	}},
	"GetKeyLastUsage": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.GetKeyLastUsage(ctx, &kms.GetKeyLastUsageInput{KeyId: &k.id})
		return err
	}},
	"GetKeyPolicy": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: &k.id})
		return err
	}},
	"GetKeyRotationStatus": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.GetKeyRotationStatus(ctx, &kms.GetKeyRotationStatusInput{KeyId: &k.id})
		return err
	}},
	"GetParametersForImport": {external, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.GetParametersForImport(ctx, &kms.GetParametersForImportInput{KeyId: &k.id, WrappingAlgorithm: types.AlgorithmSpecRsaesOaepSha256, WrappingKeySpec: types.WrappingKeySpecRsa2048})
		return err
	}},
	"GetPublicKey": {signing, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: &k.id, GrantTokens: o.grantTokens})
		return err
	}},
	"ImportKeyMaterial": {external, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.ImportKeyMaterial(ctx, &kms.ImportKeyMaterialInput{KeyId: &k.id, ImportToken: message, EncryptedKeyMaterial: message, ExpirationModel: types.ExpirationModelTypeKeyMaterialDoesNotExpire})
		return err
	}},
	"ListAliases": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.ListAliases(ctx, &kms.ListAliasesInput{KeyId: orNil(k.id), Marker: o.marker})
		return err
	}},
	"ListGrants": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.ListGrants(ctx, &kms.ListGrantsInput{KeyId: &k.id, Marker: o.marker})
		return err
	}},
	"ListKeyPolicies": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.ListKeyPolicies(ctx, &kms.ListKeyPoliciesInput{KeyId: &k.id, Marker: o.marker})
		return err
	}},
	"ListKeyRotations": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.ListKeyRotations(ctx, &kms.ListKeyRotationsInput{KeyId: &k.id, Marker: o.marker})
		return err
	}},
	"ListKeys": {noKey, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.ListKeys(ctx, &kms.ListKeysInput{Marker: o.marker})
		return err
	}},
	"ListResourceTags": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.ListResourceTags(ctx, &kms.ListResourceTagsInput{KeyId: &k.id, Marker: o.marker})
		return err
	}},
	"ListRetirableGrants": {noKey, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.ListRetirableGrants(ctx, &kms.ListRetirableGrantsInput{RetiringPrincipal: aws.String(rootARN), Marker: o.marker})
		return err
	}},
	"PutKeyPolicy": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: &k.id, Policy: aws.String(rootPolicy)})
		return err
	}},
	"ReEncrypt": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.ReEncrypt(ctx, &kms.ReEncryptInput{SourceKeyId: &k.id, CiphertextBlob: blobOf(k), DestinationKeyId: &k.id, GrantTokens: o.grantTokens, DryRun: o.dryRun})
		return err
	}},
	"ReplicateKey": {multiRegion, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.ReplicateKey(ctx, &kms.ReplicateKeyInput{KeyId: &k.id, ReplicaRegion: aws.String("eu-central-1")})
		return err
	}},
	"RotateKeyOnDemand": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.RotateKeyOnDemand(ctx, &kms.RotateKeyOnDemandInput{KeyId: &k.id})
		return err
	}},
	"ScheduleKeyDeletion": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: &k.id, PendingWindowInDays: aws.Int32(7)})
		return err
	}},
	"Sign": {signing, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.Sign(ctx, &kms.SignInput{KeyId: &k.id, Message: message, SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256, GrantTokens: o.grantTokens, DryRun: o.dryRun})
		return err
	}},
	"TagResource": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.TagResource(ctx, &kms.TagResourceInput{KeyId: &k.id, Tags: []types.Tag{{TagKey: aws.String("team"), TagValue: aws.String("blue")}}})
		return err
	}},
	"UntagResource": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.UntagResource(ctx, &kms.UntagResourceInput{KeyId: &k.id, TagKeys: []string{"team"}})
		return err
	}},
	"UpdateKeyDescription": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.UpdateKeyDescription(ctx, &kms.UpdateKeyDescriptionInput{KeyId: &k.id, Description: aws.String("described")})
		return err
	}},
	"UpdatePrimaryRegion": {multiRegion, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.UpdatePrimaryRegion(ctx, &kms.UpdatePrimaryRegionInput{KeyId: &k.id, PrimaryRegion: aws.String("eu-west-1")})
		return err
	}},
	"Verify": {signing, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.Verify(ctx, &kms.VerifyInput{KeyId: &k.id, Message: message, Signature: orMessage(k.signature), SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256, GrantTokens: o.grantTokens, DryRun: o.dryRun})
		return err
	}},
	"VerifyMac": {mac, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.VerifyMac(ctx, &kms.VerifyMacInput{KeyId: &k.id, Message: message, Mac: orMessage(k.tag), MacAlgorithm: types.MacAlgorithmSpecHmacSha256, GrantTokens: o.grantTokens, DryRun: o.dryRun})
		return err
	}},
	"UpdateAlias": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		other, err := c.CreateKey(ctx, &kms.CreateKeyInput{})
		if err != nil {
			return err
		}
		alias := "alias/" + rand.Text()
		if _, err := c.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: &alias, TargetKeyId: other.KeyMetadata.KeyId}); err != nil {
			return err
		}
		_, err = c.UpdateAlias(ctx, &kms.UpdateAliasInput{AliasName: &alias, TargetKeyId: &k.id})
		return err
	}},
	"RetireGrant": {noKey, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		in := &kms.RetireGrantInput{DryRun: o.dryRun}
		if len(o.grantTokens) > 0 {
			in.GrantToken = &o.grantTokens[0]
		} else {
			in.KeyId, in.GrantId = &k.arn, aws.String(orAbsentGrant(k.grantID))
		}
		_, err := c.RetireGrant(ctx, in)
		return err
	}},
	"RevokeGrant": {symmetric, func(ctx context.Context, c *kms.Client, k *kmsKey, o options) error {
		_, err := c.RevokeGrant(ctx, &kms.RevokeGrantInput{KeyId: &k.id, GrantId: aws.String(orAbsentGrant(k.grantID)), DryRun: o.dryRun})
		return err
	}},
}

// absentGrant has the form of a grant id.
const absentGrant = "0000000000000000000000000000000000000000000000000000000000000000"

func orAbsentGrant(id string) string {
	if id == "" {
		return absentGrant
	}
	return id
}

func blobOf(k *kmsKey) []byte { return orMessage(k.blob) }

func orMessage(b []byte) []byte {
	if b == nil {
		return message
	}
	return b
}

func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
