package kms

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"fastness/internal/api/iamapi"
	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/engine/attestation"
	"fastness/internal/wire"
)

// conditionCase is a call and a condition that it meets, and one that it does not.
type conditionCase struct {
	key, operator, met, unmet string // met and unmet are JSON values
	// calls is what is called, by somebody whom only the condition lets.
	calls func(ctx context.Context, c *kmsapi.Client) error
}

func TestConditionKeys(t *testing.T) {
	h := newHarness(t)
	sym := h.newKey(&kmsapi.CreateKeyRequest{})
	sign := h.newKey(&kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecECCNISTP256), KeyUsage: new(kmsapi.KeyUsageTypeSignVerify)})
	mac := h.newKey(&kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecHMAC256), KeyUsage: new(kmsapi.KeyUsageTypeGenerateVerifyMAC)})
	ecdh := h.newKey(&kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecECCNISTP256), KeyUsage: new(kmsapi.KeyUsageTypeKeyAgreement)})
	external := h.newKey(&kmsapi.CreateKeyRequest{Origin: new(kmsapi.OriginTypeExternal)})
	multi := h.newKey(&kmsapi.CreateKeyRequest{MultiRegion: new(true), Tags: []kmsapi.Tag{{TagKey: new("team"), TagValue: new("blue")}}})
	owner := h.as(root(testAccount), testRegion).kms()
	h.must(errorOf(owner.CreateAlias(t.Context(), &kmsapi.CreateAliasRequest{AliasName: new("alias/prod"), TargetKeyId: &sym})))
	alice := user(testAccount, "alice")
	encrypt := func(key string, encryptionContext map[string]string) func(context.Context, *kmsapi.Client) error {
		return func(ctx context.Context, c *kmsapi.Client) error {
			return errorOf(c.Encrypt(ctx, &kmsapi.EncryptRequest{KeyId: &key, Plaintext: []byte("x"), EncryptionContext: encryptionContext}))
		}
	}
	describe := func(key string) func(context.Context, *kmsapi.Client) error {
		return func(ctx context.Context, c *kmsapi.Client) error {
			return errorOf(c.DescribeKey(ctx, &kmsapi.DescribeKeyRequest{KeyId: &key}))
		}
	}
	createKey := func(in kmsapi.CreateKeyRequest) func(context.Context, *kmsapi.Client) error {
		return func(ctx context.Context, c *kmsapi.Client) error { return errorOf(c.CreateKey(ctx, &in)) }
	}
	createGrant := func(ctx context.Context, c *kmsapi.Client) error {
		return errorOf(c.CreateGrant(ctx, &kmsapi.CreateGrantRequest{KeyId: &sym, GranteePrincipal: new(user(testAccount, "bob").ARN), RetiringPrincipal: new(user(testAccount, "carol").ARN),
			Operations: grantEncrypt, Constraints: &kmsapi.GrantConstraints{EncryptionContextSubset: map[string]string{"a": "1"}}, DryRun: new(true)}))
	}
	validTo := h.clock.Now().Add(24 * time.Hour)
	importMaterial := func(ctx context.Context, c *kmsapi.Client) error {
		return errorOf(c.ImportKeyMaterial(ctx, &kmsapi.ImportKeyMaterialRequest{KeyId: &external, ImportToken: []byte("x"), EncryptedKeyMaterial: []byte("x"), ValidTo: &validTo}))
	}
	parameters := func(ctx context.Context, c *kmsapi.Client) error {
		return errorOf(c.GetParametersForImport(ctx, &kmsapi.GetParametersForImportRequest{KeyId: &external,
			WrappingAlgorithm: new(kmsapi.AlgorithmSpecRSAESOAEPSHA256), WrappingKeySpec: new(kmsapi.WrappingKeySpecRSA2048)}))
	}
	reEncrypt := func(ctx context.Context, c *kmsapi.Client) error {
		blob, err := owner.Encrypt(t.Context(), &kmsapi.EncryptRequest{KeyId: &sym, Plaintext: []byte("x")})
		h.must(err)
		return errorOf(c.ReEncrypt(ctx, &kmsapi.ReEncryptRequest{CiphertextBlob: blob.CiphertextBlob, DestinationKeyId: &sym}))
	}
	signIt := func(ctx context.Context, c *kmsapi.Client) error {
		return errorOf(c.Sign(ctx, &kmsapi.SignRequest{KeyId: &sign, Message: []byte("x"), SigningAlgorithm: new(kmsapi.SigningAlgorithmSpecECDSASHA256)}))
	}
	account := testAccount
	cases := []conditionCase{
		{"kms:BypassPolicyLockoutSafetyCheck", "Bool", `"true"`, `"false"`, func(ctx context.Context, c *kmsapi.Client) error {
			return errorOf(c.PutKeyPolicy(ctx, &kmsapi.PutKeyPolicyRequest{KeyId: &sym, Policy: new(defaultPolicy(account)), BypassPolicyLockoutSafetyCheck: new(true)}))
		}},
		{"kms:CallerAccount", "StringEquals", `"` + account + `"`, `"` + otherAccount + `"`, encrypt(sym, nil)},
		{"kms:CustomerMasterKeySpec", "StringEquals", `"SYMMETRIC_DEFAULT"`, `"RSA_2048"`, createKey(kmsapi.CreateKeyRequest{})},
		{"kms:CustomerMasterKeyUsage", "StringEquals", `"ENCRYPT_DECRYPT"`, `"SIGN_VERIFY"`, describe(sym)},
		{"kms:DataKeyPairSpec", "StringEquals", `"ECC_NIST_P256"`, `"RSA_2048"`, func(ctx context.Context, c *kmsapi.Client) error {
			return errorOf(c.GenerateDataKeyPair(ctx, &kmsapi.GenerateDataKeyPairRequest{KeyId: &sym, KeyPairSpec: new(kmsapi.DataKeyPairSpecECCNISTP256)}))
		}},
		{"kms:EncryptionAlgorithm", "StringEquals", `"SYMMETRIC_DEFAULT"`, `"RSAES_OAEP_SHA_1"`, encrypt(sym, nil)},
		{"kms:EncryptionContext:Department", "StringEquals", `"Finance"`, `"finance"`, encrypt(sym, map[string]string{"Department": "Finance"})},
		{"kms:EncryptionContext:department", "StringEquals", `"Finance"`, `"IT"`, encrypt(sym, map[string]string{"Department": "Finance"})},
		{"kms:EncryptionContextKeys", "ForAnyValue:StringEquals", `["a","z"]`, `["A"]`, encrypt(sym, map[string]string{"a": "1", "b": "2"})},
		{"kms:EncryptionContextKeys", "Null", `"false"`, `"true"`, encrypt(sym, map[string]string{"a": "1"})},
		{"kms:EncryptionContextKeys", "Null", `"true"`, `"false"`, encrypt(sym, nil)},
		{"kms:ExpirationModel", "StringEquals", `"KEY_MATERIAL_EXPIRES"`, `"KEY_MATERIAL_DOES_NOT_EXPIRE"`, importMaterial},
		{"kms:GrantConstraintType", "StringEquals", `"EncryptionContextSubset"`, `"EncryptionContextEquals"`, createGrant},
		{"kms:GrantIsForAWSResource", "Bool", `"false"`, `"true"`, createGrant},
		{"kms:GrantOperations", "ForAllValues:StringEquals", `["Encrypt","Decrypt"]`, `["Decrypt"]`, createGrant},
		{"kms:GranteePrincipal", "StringEquals", `"arn:aws:iam::111122223333:user/bob"`, `"arn:aws:iam::111122223333:user/eve"`, createGrant},
		{"kms:RetiringPrincipal", "StringEquals", `"arn:aws:iam::111122223333:user/carol"`, `"arn:aws:iam::111122223333:user/eve"`, createGrant},
		{"kms:KeyAgreementAlgorithm", "StringEquals", `"ECDH"`, `"X"`, func(ctx context.Context, c *kmsapi.Client) error {
			peer, err := owner.GetPublicKey(t.Context(), &kmsapi.GetPublicKeyRequest{KeyId: &ecdh})
			h.must(err)
			return errorOf(c.DeriveSharedSecret(ctx, &kmsapi.DeriveSharedSecretRequest{KeyId: &ecdh, KeyAgreementAlgorithm: new(kmsapi.KeyAgreementAlgorithmSpecECDH), PublicKey: peer.PublicKey}))
		}},
		{"kms:KeyOrigin", "StringEquals", `"EXTERNAL"`, `"AWS_KMS"`, describe(external)},
		{"kms:KeyOrigin", "StringEquals", `"AWS_KMS"`, `"EXTERNAL"`, createKey(kmsapi.CreateKeyRequest{})},
		{"kms:KeySpec", "StringEquals", `"HMAC_256"`, `"HMAC_512"`, describe(mac)},
		{"kms:KeySpec", "StringEquals", `"RSA_2048"`, `"SYMMETRIC_DEFAULT"`, createKey(kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecRSA2048), KeyUsage: new(kmsapi.KeyUsageTypeSignVerify)})},
		{"kms:KeyUsage", "StringEquals", `"SIGN_VERIFY"`, `"ENCRYPT_DECRYPT"`, describe(sign)},
		{"kms:MacAlgorithm", "StringEquals", `"HMAC_SHA_256"`, `"HMAC_SHA_512"`, func(ctx context.Context, c *kmsapi.Client) error {
			return errorOf(c.GenerateMac(ctx, &kmsapi.GenerateMacRequest{KeyId: &mac, Message: []byte("x"), MacAlgorithm: new(kmsapi.MacAlgorithmSpecHMACSHA256)}))
		}},
		{"kms:MessageType", "StringEquals", `"RAW"`, `"DIGEST"`, signIt},
		{"kms:MultiRegion", "Bool", `"true"`, `"false"`, describe(multi)},
		{"kms:MultiRegion", "Bool", `"false"`, `"true"`, createKey(kmsapi.CreateKeyRequest{})},
		{"kms:MultiRegionKeyType", "StringEquals", `"PRIMARY"`, `"REPLICA"`, describe(multi)},
		{"kms:PrimaryRegion", "StringEquals", `"eu-west-1"`, `"us-west-2"`, func(ctx context.Context, c *kmsapi.Client) error {
			return errorOf(c.UpdatePrimaryRegion(ctx, &kmsapi.UpdatePrimaryRegionRequest{KeyId: &multi, PrimaryRegion: new("eu-west-1")}))
		}},
		{"kms:ReEncryptOnSameKey", "Bool", `"true"`, `"false"`, reEncrypt},
		{"kms:ReplicaRegion", "StringEquals", `"xx-mars-1"`, `"us-west-2"`, func(ctx context.Context, c *kmsapi.Client) error {
			return errorOf(c.ReplicateKey(ctx, &kmsapi.ReplicateKeyRequest{KeyId: &multi, ReplicaRegion: new("xx-mars-1")}))
		}},
		{"kms:RequestAlias", "StringEquals", `"alias/prod"`, `"alias/test"`, encrypt("alias/prod", nil)},
		{"kms:RequestAlias", "Null", `"true"`, `"false"`, encrypt(sym, nil)},
		{"kms:ResourceAliases", "ForAnyValue:StringLike", `"alias/pr*"`, `"alias/te*"`, encrypt(sym, nil)},
		{"kms:RotationPeriodInDays", "NumericLessThanEquals", `"180"`, `"90"`, func(ctx context.Context, c *kmsapi.Client) error {
			return errorOf(c.EnableKeyRotation(ctx, &kmsapi.EnableKeyRotationRequest{KeyId: &sym, RotationPeriodInDays: new(int32(180))}))
		}},
		{"kms:RotationPeriodInDays", "NumericEquals", `"365"`, `"180"`, func(ctx context.Context, c *kmsapi.Client) error {
			return errorOf(c.EnableKeyRotation(ctx, &kmsapi.EnableKeyRotationRequest{KeyId: &sym}))
		}},
		{"kms:ScheduleKeyDeletionPendingWindowInDays", "NumericGreaterThan", `"20"`, `"30"`, func(ctx context.Context, c *kmsapi.Client) error {
			key := h.newKey(&kmsapi.CreateKeyRequest{})
			return errorOf(c.ScheduleKeyDeletion(ctx, &kmsapi.ScheduleKeyDeletionRequest{KeyId: &key, PendingWindowInDays: new(int32(21))}))
		}},
		{"kms:ScheduleKeyDeletionPendingWindowInDays", "NumericEquals", `"30"`, `"7"`, func(ctx context.Context, c *kmsapi.Client) error {
			key := h.newKey(&kmsapi.CreateKeyRequest{})
			return errorOf(c.ScheduleKeyDeletion(ctx, &kmsapi.ScheduleKeyDeletionRequest{KeyId: &key}))
		}},
		{"kms:SigningAlgorithm", "StringEquals", `"ECDSA_SHA_256"`, `"ECDSA_SHA_384"`, signIt},
		{"kms:ValidTo", "DateLessThan", `"` + validTo.Add(time.Hour).Format(time.RFC3339) + `"`, `"` + validTo.Add(-time.Hour).Format(time.RFC3339) + `"`, importMaterial},
		{"kms:ViaService", "Null", `"true"`, `"false"`, encrypt(sym, nil)},
		{"kms:WrappingAlgorithm", "StringEquals", `"RSAES_OAEP_SHA_256"`, `"RSAES_OAEP_SHA_1"`, parameters},
		{"kms:WrappingKeySpec", "StringEquals", `"RSA_2048"`, `"RSA_4096"`, parameters},
		{"kms:RecipientAttestation:ImageSha384", "Null", `"true"`, `"false"`, encrypt(sym, nil)},
		{"kms:RecipientAttestation:PCR0", "Null", `"true"`, `"false"`, encrypt(sym, nil)},
		{"aws:ResourceTag/team", "StringEquals", `"blue"`, `"red"`, describe(multi)},
		{"aws:RequestTag/team", "StringEquals", `"blue"`, `"red"`, createKey(kmsapi.CreateKeyRequest{Tags: []kmsapi.Tag{{TagKey: new("team"), TagValue: new("blue")}}})},
		{"aws:TagKeys", "ForAllValues:StringEquals", `["team"]`, `["other"]`, func(ctx context.Context, c *kmsapi.Client) error {
			return errorOf(c.UntagResource(ctx, &kmsapi.UntagResourceRequest{KeyId: &multi, TagKeys: []string{"team"}}))
		}},
	}
	for i, test := range cases {
		for _, effect := range []string{"Allow", "Deny"} {
			for _, value := range []string{test.met, test.unmet} {
				who := user(testAccount, fmt.Sprint(alice.UserName, i, effect, value == test.met))
				statements := fmt.Sprintf(`{"Effect":%q,"Action":"kms:*","Resource":"*","Condition":{%q:{%q:%s}}}`, effect, test.operator, test.key, value)
				if effect == "Deny" {
					statements = `{"Effect":"Allow","Action":"kms:*","Resource":"*"},` + statements
				}
				// Conditions of other kinds of calls play no part in what CreateKey needs besides.
				h.allow(who, `{"Version":"2012-10-17","Statement":[`+statements+`,{"Effect":"Allow","Action":"iam:*","Resource":"*"}]}`)
				err := test.calls(t.Context(), h.as(who, testRegion).kms())
				wantDenied := (value == test.met) == (effect == "Deny")
				if denied := codeOf(err) == "AccessDeniedException"; denied != wantDenied {
					t.Errorf("%s if %s %s %s: %v", effect, test.key, test.operator, value, err)
				}
			}
		}
	}
}

// via is a client that calls as a service does on behalf of who.
type via struct {
	*client
	operation *wire.Operation
}

func (v *via) Invoke(ctx context.Context, op *wire.Operation, in any) (any, error) {
	return v.Door.Invoke(call.With(ctx, &call.Call{
		Principal: v.Who, Account: v.Who.Account, Region: v.Region, Time: v.Clock.Now(), Operation: v.operation,
	}), op, in)
}

func TestViaServiceComesFromTheCallPathAlone(t *testing.T) {
	h := newHarness(t)
	alice, stranger := user(testAccount, "alice"), user(otherAccount, "stranger")
	key := h.newKey(&kmsapi.CreateKeyRequest{Policy: new(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:Encrypt","Resource":"*",
		 "Condition":{"StringEquals":{"kms:ViaService":"iam.us-east-1.amazonaws.com","kms:CallerAccount":"111122223333"}}}]}`)})
	h.allow(stranger, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}`)
	request := &kmsapi.EncryptRequest{KeyId: &key, Plaintext: []byte("x")}
	through := func(who *call.Principal, op *wire.Operation) error {
		return errorOf(kmsapi.NewClient(&via{h.as(who, testRegion), op}).Encrypt(t.Context(), request))
	}
	wantErrorCode(t, "direct", h.encryptAs(alice, key, nil), "AccessDeniedException")
	wantErrorCode(t, "through the service", through(alice, &iamapi.API.Operations[0]), "")
	wantErrorCode(t, "through another service", through(alice, &kmsapi.API.Operations[0]), "AccessDeniedException")
	wantErrorCode(t, "another account through the service", through(stranger, &iamapi.API.Operations[0]), "AccessDeniedException")
}

func TestGrantIsForAWSResourceThroughAService(t *testing.T) {
	h := newHarness(t)
	key := h.newKey(&kmsapi.CreateKeyRequest{})
	alice := user(testAccount, "alice")
	h.allow(alice, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:CreateGrant","Resource":"*","Condition":{"Bool":{"kms:GrantIsForAWSResource":"true"}}}}`)
	request := &kmsapi.CreateGrantRequest{KeyId: &key, GranteePrincipal: &alice.ARN, Operations: grantEncrypt}
	wantErrorCode(t, "direct", errorOf(h.as(alice, testRegion).kms().CreateGrant(t.Context(), request)), "AccessDeniedException")
	wantErrorCode(t, "through a service", errorOf(kmsapi.NewClient(&via{h.as(alice, testRegion), &iamapi.API.Operations[0]}).CreateGrant(t.Context(), request)), "")
}

func TestAttestationKeysKeepPlatformsApart(t *testing.T) {
	pcr := bytes.Repeat([]byte{0xAB}, 48)
	lookup := func(source attestation.Source, key string) (string, bool) {
		c := &conditions{call: &call.Call{}, attested: &attestation.Document{Source: source, PCRs: map[int][]byte{0: pcr, 4: pcr}}}
		v, ok := c.Lookup(strings.ToLower(key))
		return fmt.Sprint(v), ok
	}
	const prefix = "kms:RecipientAttestation:"
	want, _ := (&conditions{call: &call.Call{}, attested: &attestation.Document{Source: attestation.Enclave, PCRs: map[int][]byte{0: pcr}}}).pcr(attestation.Enclave, "0")
	if !strings.Contains(fmt.Sprint(want), hex.EncodeToString(pcr)) {
		t.Errorf("the value is %v", want)
	}
	for _, test := range []struct {
		source attestation.Source
		key    string
		ok     bool
	}{
		{attestation.Enclave, "ImageSha384", true}, {attestation.Enclave, "PCR0", true}, {attestation.Enclave, "PCR4", true},
		{attestation.Enclave, "PCR1", false}, {attestation.Enclave, "PCR00", false}, {attestation.Enclave, "PCR+0", false}, {attestation.Enclave, "PCR", false},
		{attestation.Enclave, "NitroTPMPCR4", false},
		{attestation.NitroTPM, "NitroTPMPCR4", true}, {attestation.NitroTPM, "NitroTPMPCR5", false},
		{attestation.NitroTPM, "PCR4", false}, {attestation.NitroTPM, "PCR0", false}, {attestation.NitroTPM, "ImageSha384", false},
	} {
		if _, ok := lookup(test.source, prefix+test.key); ok != test.ok {
			t.Errorf("%s of %s: %t", test.key, test.source, ok)
		}
	}
}
