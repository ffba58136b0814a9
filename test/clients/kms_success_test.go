package clients

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

func TestKeyLifeCycle(t *testing.T) {
	client, ctx := kmsClient(), t.Context()
	created := must[*kms.CreateKeyOutput](t)(client.CreateKey(ctx, &kms.CreateKeyInput{
		Description: aws.String("first"), Tags: []types.Tag{{TagKey: aws.String("team"), TagValue: aws.String("red")}},
	})).KeyMetadata
	id := created.KeyId
	if created.KeyState != types.KeyStateEnabled || *created.AWSAccountId != account || *created.Arn != "arn:aws:kms:"+region+":"+account+":key/"+*id {
		t.Errorf("metadata %+v", created)
	}
	must[*kms.UpdateKeyDescriptionOutput](t)(client.UpdateKeyDescription(ctx, &kms.UpdateKeyDescriptionInput{KeyId: id, Description: aws.String("second")}))
	must[*kms.DisableKeyOutput](t)(client.DisableKey(ctx, &kms.DisableKeyInput{KeyId: id}))
	described := must[*kms.DescribeKeyOutput](t)(client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: id})).KeyMetadata
	if described.KeyState != types.KeyStateDisabled || described.Enabled || *described.Description != "second" {
		t.Errorf("after DisableKey %+v", described)
	}
	must[*kms.EnableKeyOutput](t)(client.EnableKey(ctx, &kms.EnableKeyInput{KeyId: id}))
	scheduled := must[*kms.ScheduleKeyDeletionOutput](t)(client.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: id, PendingWindowInDays: aws.Int32(7)}))
	if scheduled.KeyState != types.KeyStatePendingDeletion || scheduled.DeletionDate.Sub(*created.CreationDate).Hours() < 7*24-1 {
		t.Errorf("scheduled %+v", scheduled)
	}
	must[*kms.CancelKeyDeletionOutput](t)(client.CancelKeyDeletion(ctx, &kms.CancelKeyDeletionInput{KeyId: id}))
	described = must[*kms.DescribeKeyOutput](t)(client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: id})).KeyMetadata
	if described.KeyState != types.KeyStateDisabled {
		t.Errorf("after CancelKeyDeletion the key is %s, not Disabled", described.KeyState)
	}
	must[*kms.EnableKeyOutput](t)(client.EnableKey(ctx, &kms.EnableKeyInput{KeyId: id}))

	found := false
	for pages := kms.NewListKeysPaginator(client, &kms.ListKeysInput{Limit: aws.Int32(2)}); pages.HasMorePages(); {
		page := must[*kms.ListKeysOutput](t)(pages.NextPage(ctx))
		found = found || slices.ContainsFunc(page.Keys, func(e types.KeyListEntry) bool { return *e.KeyId == *id })
	}
	if !found {
		t.Error("ListKeys does not list the key")
	}

	must[*kms.TagResourceOutput](t)(client.TagResource(ctx, &kms.TagResourceInput{KeyId: id, Tags: []types.Tag{{TagKey: aws.String("cost"), TagValue: aws.String("7")}}}))
	must[*kms.UntagResourceOutput](t)(client.UntagResource(ctx, &kms.UntagResourceInput{KeyId: id, TagKeys: []string{"team"}}))
	tags := must[*kms.ListResourceTagsOutput](t)(client.ListResourceTags(ctx, &kms.ListResourceTagsInput{KeyId: id})).Tags
	if len(tags) != 1 || *tags[0].TagKey != "cost" || *tags[0].TagValue != "7" {
		t.Errorf("tags %+v", tags)
	}

	must[*kms.PutKeyPolicyOutput](t)(client.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: id, Policy: aws.String(rootPolicy)}))
	policy := must[*kms.GetKeyPolicyOutput](t)(client.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: id}))
	if !sameJSON(t, *policy.Policy, rootPolicy) || aws.ToString(policy.PolicyName) != "default" {
		t.Errorf("policy %s %s", aws.ToString(policy.PolicyName), *policy.Policy)
	}
	names := must[*kms.ListKeyPoliciesOutput](t)(client.ListKeyPolicies(ctx, &kms.ListKeyPoliciesInput{KeyId: id})).PolicyNames
	if !slices.Equal(names, []string{"default"}) {
		t.Errorf("policy names %v", names)
	}
}

func TestAliases(t *testing.T) {
	client, ctx := kmsClient(), t.Context()
	first, second := createKey(t, &kms.CreateKeyInput{}), createKey(t, &kms.CreateKeyInput{})
	name := "alias/" + strings.ToLower(rand.Text())
	must[*kms.CreateAliasOutput](t)(client.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: &name, TargetKeyId: &first.id}))
	blob := must[*kms.EncryptOutput](t)(client.Encrypt(ctx, &kms.EncryptInput{KeyId: &name, Plaintext: message})).CiphertextBlob
	must[*kms.UpdateAliasOutput](t)(client.UpdateAlias(ctx, &kms.UpdateAliasInput{AliasName: &name, TargetKeyId: &second.id}))
	listed := must[*kms.ListAliasesOutput](t)(client.ListAliases(ctx, &kms.ListAliasesInput{KeyId: &second.id})).Aliases
	if len(listed) != 1 || *listed[0].AliasName != name || *listed[0].TargetKeyId != second.id {
		t.Errorf("aliases %+v", listed)
	}
	decrypted := must[*kms.DecryptOutput](t)(client.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: blob}))
	if *decrypted.KeyId != first.arn || !bytes.Equal(decrypted.Plaintext, message) {
		t.Errorf("decrypted by %s", *decrypted.KeyId)
	}
	must[*kms.DeleteAliasOutput](t)(client.DeleteAlias(ctx, &kms.DeleteAliasInput{AliasName: &name}))
	_, err := client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &name})
	wantCode(t, err, "NotFoundException")
}

func TestEncryption(t *testing.T) {
	client, ctx := kmsClient(), t.Context()
	k, other := sharedKey(t, symmetric, enabled), createKey(t, &kms.CreateKeyInput{})
	encryptionContext := map[string]string{"purpose": "test", "tenant": "Ω"}
	blob := must[*kms.EncryptOutput](t)(client.Encrypt(ctx, &kms.EncryptInput{KeyId: &k.id, Plaintext: message, EncryptionContext: encryptionContext})).CiphertextBlob
	if len(blob) > len(message)+152 {
		t.Errorf("the blob is %d bytes larger than the plaintext", len(blob)-len(message))
	}
	moved := must[*kms.ReEncryptOutput](t)(client.ReEncrypt(ctx, &kms.ReEncryptInput{CiphertextBlob: blob, SourceEncryptionContext: encryptionContext, DestinationKeyId: &other.id}))
	if *moved.SourceKeyId != k.arn || *moved.KeyId != other.arn {
		t.Errorf("re-encrypted from %s to %s", *moved.SourceKeyId, *moved.KeyId)
	}
	if got := must[*kms.DecryptOutput](t)(client.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: moved.CiphertextBlob})).Plaintext; !bytes.Equal(got, message) {
		t.Errorf("decrypted %q", got)
	}

	dataKey := must[*kms.GenerateDataKeyOutput](t)(client.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: &k.id, KeySpec: types.DataKeySpecAes256}))
	if got := must[*kms.DecryptOutput](t)(client.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: dataKey.CiphertextBlob})).Plaintext; len(got) != 32 || !bytes.Equal(got, dataKey.Plaintext) {
		t.Error("the data key and its ciphertext differ")
	}
	sealed := must[*kms.GenerateDataKeyWithoutPlaintextOutput](t)(client.GenerateDataKeyWithoutPlaintext(ctx, &kms.GenerateDataKeyWithoutPlaintextInput{KeyId: &k.id, NumberOfBytes: aws.Int32(57)}))
	if got := must[*kms.DecryptOutput](t)(client.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})).Plaintext; len(got) != 57 {
		t.Errorf("a data key of %d bytes", len(got))
	}
	random := must[*kms.GenerateRandomOutput](t)(client.GenerateRandom(ctx, &kms.GenerateRandomInput{NumberOfBytes: aws.Int32(1024)})).Plaintext
	if len(random) != 1024 || bytes.Equal(random[:512], random[512:]) {
		t.Error("not 1024 random bytes")
	}

	rsa := createKey(t, &kms.CreateKeyInput{KeySpec: types.KeySpecRsa2048, KeyUsage: types.KeyUsageTypeEncryptDecrypt})
	for _, algorithm := range []types.EncryptionAlgorithmSpec{types.EncryptionAlgorithmSpecRsaesOaepSha1, types.EncryptionAlgorithmSpecRsaesOaepSha256} {
		blob := must[*kms.EncryptOutput](t)(client.Encrypt(ctx, &kms.EncryptInput{KeyId: &rsa.id, Plaintext: message, EncryptionAlgorithm: algorithm})).CiphertextBlob
		got := must[*kms.DecryptOutput](t)(client.Decrypt(ctx, &kms.DecryptInput{KeyId: &rsa.id, CiphertextBlob: blob, EncryptionAlgorithm: algorithm})).Plaintext
		if !bytes.Equal(got, message) {
			t.Errorf("%s decrypted %q", algorithm, got)
		}
	}
}

func TestDataKeyPairs(t *testing.T) {
	client, ctx := kmsClient(), t.Context()
	k := sharedKey(t, symmetric, enabled)
	for _, spec := range []types.DataKeyPairSpec{
		types.DataKeyPairSpecRsa2048, types.DataKeyPairSpecEccNistP256, types.DataKeyPairSpecEccNistP384, types.DataKeyPairSpecEccNistP521,
		types.DataKeyPairSpecEccNistEdwards25519,
	} {
		pair := must[*kms.GenerateDataKeyPairOutput](t)(client.GenerateDataKeyPair(ctx, &kms.GenerateDataKeyPairInput{KeyId: &k.id, KeyPairSpec: spec}))
		private, ok := must[any](t)(x509.ParsePKCS8PrivateKey(pair.PrivateKeyPlaintext)).(interface{ Public() crypto.PublicKey })
		if !ok || !bytes.Equal(must[[]byte](t)(x509.MarshalPKIXPublicKey(private.Public())), pair.PublicKey) {
			t.Errorf("%s: the halves do not belong together", spec)
		}
		opened := must[*kms.DecryptOutput](t)(client.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: pair.PrivateKeyCiphertextBlob})).Plaintext
		if !bytes.Equal(opened, pair.PrivateKeyPlaintext) {
			t.Errorf("%s: the private key and its ciphertext differ", spec)
		}
	}
	sealed := must[*kms.GenerateDataKeyPairWithoutPlaintextOutput](t)(client.GenerateDataKeyPairWithoutPlaintext(ctx, &kms.GenerateDataKeyPairWithoutPlaintextInput{KeyId: &k.id, KeyPairSpec: types.DataKeyPairSpecEccSecgP256k1}))
	if len(sealed.PublicKey) == 0 || len(sealed.PrivateKeyCiphertextBlob) == 0 {
		t.Error("half of the pair is missing")
	}
}

func TestSignatureAndMac(t *testing.T) {
	client, ctx := kmsClient(), t.Context()
	k := sharedKey(t, signing, enabled)
	if !must[*kms.VerifyOutput](t)(client.Verify(ctx, &kms.VerifyInput{KeyId: &k.id, Message: message, Signature: k.signature, SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256})).SignatureValid {
		t.Error("the signature is not valid")
	}
	public := must[*kms.GetPublicKeyOutput](t)(client.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: &k.id}))
	if public.KeySpec != types.KeySpecEccNistP256 || public.KeyUsage != types.KeyUsageTypeSignVerify {
		t.Errorf("public key %+v", public)
	}
	k = sharedKey(t, mac, enabled)
	if !must[*kms.VerifyMacOutput](t)(client.VerifyMac(ctx, &kms.VerifyMacInput{KeyId: &k.id, Message: message, Mac: k.tag, MacAlgorithm: types.MacAlgorithmSpecHmacSha256})).MacValid {
		t.Error("the MAC is not valid")
	}
}

func TestDeriveSharedSecret(t *testing.T) {
	client, ctx := kmsClient(), t.Context()
	k := sharedKey(t, agreement, enabled)
	private := must[*ecdh.PrivateKey](t)(ecdh.P256().GenerateKey(rand.Reader))
	mine := must[[]byte](t)(x509.MarshalPKIXPublicKey(private.PublicKey()))
	derived := must[*kms.DeriveSharedSecretOutput](t)(client.DeriveSharedSecret(ctx, &kms.DeriveSharedSecretInput{
		KeyId: &k.id, KeyAgreementAlgorithm: types.KeyAgreementAlgorithmSpecEcdh, PublicKey: mine,
	}))
	spki := must[*kms.GetPublicKeyOutput](t)(client.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: &k.id})).PublicKey
	theirs, ok := must[any](t)(x509.ParsePKIXPublicKey(spki)).(interface {
		ECDH() (*ecdh.PublicKey, error)
	})
	if !ok {
		t.Fatal("the public key is not for ECDH")
	}
	want := must[[]byte](t)(private.ECDH(must[*ecdh.PublicKey](t)(theirs.ECDH())))
	if !bytes.Equal(derived.SharedSecret, want) {
		t.Error("the two sides derived different secrets")
	}
}

func TestGrants(t *testing.T) {
	client, ctx := kmsClient(), t.Context()
	k := createKey(t, &kms.CreateKeyInput{})
	grant := func() *kms.CreateGrantOutput {
		return must[*kms.CreateGrantOutput](t)(client.CreateGrant(ctx, &kms.CreateGrantInput{
			KeyId: &k.id, GranteePrincipal: aws.String(rootARN), RetiringPrincipal: aws.String(rootARN),
			Operations: []types.GrantOperation{types.GrantOperationEncrypt, types.GrantOperationDecrypt},
		}))
	}
	first, second, third := grant(), grant(), grant()
	if n := len(must[*kms.ListGrantsOutput](t)(client.ListGrants(ctx, &kms.ListGrantsInput{KeyId: &k.id})).Grants); n != 3 {
		t.Errorf("%d grants, not 3", n)
	}
	if n := len(must[*kms.ListRetirableGrantsOutput](t)(client.ListRetirableGrants(ctx, &kms.ListRetirableGrantsInput{RetiringPrincipal: aws.String(rootARN)})).Grants); n < 3 {
		t.Errorf("%d retirable grants, not at least 3", n)
	}
	must[*kms.RevokeGrantOutput](t)(client.RevokeGrant(ctx, &kms.RevokeGrantInput{KeyId: &k.id, GrantId: first.GrantId}))
	must[*kms.RetireGrantOutput](t)(client.RetireGrant(ctx, &kms.RetireGrantInput{KeyId: &k.arn, GrantId: second.GrantId}))
	must[*kms.RetireGrantOutput](t)(client.RetireGrant(ctx, &kms.RetireGrantInput{GrantToken: third.GrantToken}))
	if n := len(must[*kms.ListGrantsOutput](t)(client.ListGrants(ctx, &kms.ListGrantsInput{KeyId: &k.id})).Grants); n != 0 {
		t.Errorf("%d grants are left", n)
	}
	_, err := client.RevokeGrant(ctx, &kms.RevokeGrantInput{KeyId: &k.id, GrantId: first.GrantId})
	wantCode(t, err, "NotFoundException")
}

func TestRotation(t *testing.T) {
	client, ctx := kmsClient(), t.Context()
	k := newKey(t, symmetric)
	must[*kms.EnableKeyRotationOutput](t)(client.EnableKeyRotation(ctx, &kms.EnableKeyRotationInput{KeyId: &k.id, RotationPeriodInDays: aws.Int32(90)}))
	status := must[*kms.GetKeyRotationStatusOutput](t)(client.GetKeyRotationStatus(ctx, &kms.GetKeyRotationStatusInput{KeyId: &k.id}))
	if !status.KeyRotationEnabled || aws.ToInt32(status.RotationPeriodInDays) != 90 || status.NextRotationDate == nil {
		t.Errorf("status %+v", status)
	}
	must[*kms.DisableKeyRotationOutput](t)(client.DisableKeyRotation(ctx, &kms.DisableKeyRotationInput{KeyId: &k.id}))
	before := must[*kms.DescribeKeyOutput](t)(client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &k.id})).KeyMetadata.CurrentKeyMaterialId
	must[*kms.RotateKeyOnDemandOutput](t)(client.RotateKeyOnDemand(ctx, &kms.RotateKeyOnDemandInput{KeyId: &k.id}))
	after := must[*kms.DescribeKeyOutput](t)(client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &k.id})).KeyMetadata.CurrentKeyMaterialId
	if aws.ToString(before) == aws.ToString(after) {
		t.Error("the material did not change")
	}
	rotations := must[*kms.ListKeyRotationsOutput](t)(client.ListKeyRotations(ctx, &kms.ListKeyRotationsInput{KeyId: &k.id})).Rotations
	if len(rotations) != 1 || rotations[0].RotationType != types.RotationTypeOnDemand {
		t.Errorf("rotations %+v", rotations)
	}
	old := must[*kms.DecryptOutput](t)(client.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: k.blob}))
	if !bytes.Equal(old.Plaintext, message) || aws.ToString(old.KeyMaterialId) != aws.ToString(before) {
		t.Errorf("the old blob was decrypted by %s to %q", aws.ToString(old.KeyMaterialId), old.Plaintext)
	}
}

func TestImportedMaterial(t *testing.T) {
	client, ctx := kmsClient(), t.Context()
	material := randomBytes(32)
	k := createKey(t, &kms.CreateKeyInput{Origin: types.OriginTypeExternal})
	imported := importSymmetric(t, k.id, material)
	blob := must[*kms.EncryptOutput](t)(client.Encrypt(ctx, &kms.EncryptInput{KeyId: &k.id, Plaintext: message})).CiphertextBlob
	must[*kms.DeleteImportedKeyMaterialOutput](t)(client.DeleteImportedKeyMaterial(ctx, &kms.DeleteImportedKeyMaterialInput{KeyId: &k.id}))
	again := importSymmetric(t, k.id, material)
	if aws.ToString(again.KeyMaterialId) != aws.ToString(imported.KeyMaterialId) {
		t.Error("the same material got another id")
	}
	if got := must[*kms.DecryptOutput](t)(client.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: blob})).Plaintext; !bytes.Equal(got, message) {
		t.Errorf("decrypted %q", got)
	}
}

func TestMultiRegionKeys(t *testing.T) {
	client, ctx := kmsClient(), t.Context()
	primary := newKey(t, multiRegion)
	must[*kms.ReplicateKeyOutput](t)(client.ReplicateKey(ctx, &kms.ReplicateKeyInput{KeyId: &primary.id, ReplicaRegion: aws.String("eu-west-1")}))
	there := kmsIn(server, "eu-west-1", server.credentials)
	if got := must[*kms.DecryptOutput](t)(there.Decrypt(ctx, &kms.DecryptInput{KeyId: &primary.id, CiphertextBlob: primary.blob})).Plaintext; !bytes.Equal(got, message) {
		t.Errorf("the replica decrypted %q", got)
	}
	must[*kms.UpdatePrimaryRegionOutput](t)(client.UpdatePrimaryRegion(ctx, &kms.UpdatePrimaryRegionInput{KeyId: &primary.id, PrimaryRegion: aws.String("eu-west-1")}))
	described := must[*kms.DescribeKeyOutput](t)(there.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &primary.id})).KeyMetadata
	if described.MultiRegionConfiguration == nil || described.MultiRegionConfiguration.MultiRegionKeyType != types.MultiRegionKeyTypePrimary {
		t.Errorf("after UpdatePrimaryRegion %+v", described.MultiRegionConfiguration)
	}
}

func TestGetKeyLastUsage(t *testing.T) {
	client, ctx := kmsClient(), t.Context()
	k := newKey(t, symmetric)
	usage := must[*kms.GetKeyLastUsageOutput](t)(client.GetKeyLastUsage(ctx, &kms.GetKeyLastUsageInput{KeyId: &k.id}))
	if usage.KeyLastUsage == nil || usage.KeyLastUsage.Operation != types.KeyLastUsageTrackingOperationEncrypt {
		t.Errorf("last usage %+v", usage.KeyLastUsage)
	}
}

// TestKeySpecs makes a key of every spec in the model and uses it.
func TestKeySpecs(t *testing.T) {
	client, ctx := kmsClient(), t.Context()
	specs := must[*kmsModel](t)(loadModel()).Shapes["KeySpec"].Enum
	if len(specs) < 17 {
		t.Errorf("the model has %d key specs: %v", len(specs), specs)
	}
	for _, name := range specs {
		spec := types.KeySpec(name)
		t.Run(name, func(t *testing.T) {
			in := &kms.CreateKeyInput{KeySpec: spec}
			if strings.HasPrefix(string(spec), "HMAC") {
				in.KeyUsage = types.KeyUsageTypeGenerateVerifyMac
			} else if spec != types.KeySpecSymmetricDefault {
				in.KeyUsage = types.KeyUsageTypeSignVerify
			}
			metadata := must[*kms.CreateKeyOutput](t)(client.CreateKey(ctx, in)).KeyMetadata
			for _, algorithm := range metadata.SigningAlgorithms {
				in := &kms.SignInput{KeyId: metadata.KeyId, Message: message, SigningAlgorithm: algorithm}
				if strings.HasSuffix(string(algorithm), "_PH_SHA_512") {
					digest := crypto.SHA512.New()
					digest.Write(message)
					in.Message, in.MessageType = digest.Sum(nil), types.MessageTypeDigest
				}
				signed := must[*kms.SignOutput](t)(client.Sign(ctx, in))
				verified := must[*kms.VerifyOutput](t)(client.Verify(ctx, &kms.VerifyInput{
					KeyId: metadata.KeyId, Message: in.Message, MessageType: in.MessageType, Signature: signed.Signature, SigningAlgorithm: algorithm,
				}))
				if !verified.SignatureValid {
					t.Errorf("%s: not valid", algorithm)
				}
			}
			for _, algorithm := range metadata.MacAlgorithms {
				tag := must[*kms.GenerateMacOutput](t)(client.GenerateMac(ctx, &kms.GenerateMacInput{KeyId: metadata.KeyId, Message: message, MacAlgorithm: algorithm})).Mac
				must[*kms.VerifyMacOutput](t)(client.VerifyMac(ctx, &kms.VerifyMacInput{KeyId: metadata.KeyId, Message: message, Mac: tag, MacAlgorithm: algorithm}))
			}
			if len(metadata.SigningAlgorithms)+len(metadata.MacAlgorithms)+len(metadata.EncryptionAlgorithms) == 0 {
				t.Error("the key has no algorithm")
			}
		})
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal([]byte(a), &x); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(b), &y); err != nil {
		t.Fatal(err)
	}
	p, q := must[[]byte](t)(json.Marshal(x)), must[[]byte](t)(json.Marshal(y))
	return bytes.Equal(p, q)
}
