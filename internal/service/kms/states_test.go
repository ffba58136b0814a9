package kms

import (
	"testing"

	"fastness/internal/api/kmsapi"
	"fastness/internal/store"
)

// stateCase is how one operation is called on a key, for the table of states.
type stateCase struct {
	key string // the key whose state is varied; empty for operations without one
	// call calls the operation.
	call func() error
	// refused is the error that the operation gives in a state in which it works, if it
	// cannot succeed with such parameters.
	refused string
}

func TestEveryOperationInEveryState(t *testing.T) {
	h := newHarness(t)
	cases := stateCases(h)
	operations := 0
	for _, op := range kmsapi.API.Operations {
		operations++
		test, ok := cases[op.Name]
		if !ok {
			t.Errorf("%s: no case", op.Name)
			continue
		}
		rules, ok := stateRules[op.Name]
		if !ok || len(rules) != len(stateColumns) {
			t.Errorf("%s: no row in states.txt", op.Name)
			continue
		}
		var kept keyRecord
		if test.key != "" {
			kept = h.recordOf(test.key)
		}
		for _, state := range stateColumns {
			if test.key != "" {
				h.setState(kept, state)
			}
			err := test.call()
			what := op.Name + " in " + string(state)
			text, wantText := "", ""
			if err != nil {
				text = err.Error()
			}
			switch rules[state] {
			case works:
				wantErrorCode(t, what, err, test.refused)
				continue
			case isDisabled:
				wantText = "DisabledException: " + test.key + " is disabled."
			case notScheduled:
				wantText = "KMSInvalidStateException: " + test.key + " is not pending deletion."
			case isInvalid:
				wantText = "KMSInvalidStateException: " + test.key + " is " + stateNames[state] + "."
			default:
				t.Errorf("%s: verdict %q", what, rules[state])
				continue
			}
			if text != wantText {
				t.Errorf("%s:\n got %s\nwant %s", what, text, wantText)
			}
		}
		if test.key != "" {
			h.setState(kept, kept.State)
		}
	}
	if operations != 54 || len(stateColumns) != 8 {
		t.Errorf("%d operations, %d states", operations, len(stateColumns))
	}
}

func (h *harness) recordOf(key string) (k keyRecord) {
	h.Helper()
	name := nameOf(key)
	if err := h.store.View(h.Context(), func(r store.Reader) error {
		found, err := h.service.tables.key(r, name)
		if err == nil {
			k = *found
		}
		return err
	}); err != nil {
		h.Fatal(err)
	}
	return k
}

// setState writes a record with another state.
func (h *harness) setState(k keyRecord, state kmsapi.KeyState) {
	h.Helper()
	k.State = state
	if k.deletionPending() {
		k.Deletion = &deletion{Days: 7, Date: h.clock.Now().AddDate(0, 0, 7)}
	}
	if _, err := h.store.Update(h.Context(), func(tx store.Txn) error { return h.service.saveIn(tx, &k) }); err != nil {
		h.Fatal(err)
	}
}

func (h *harness) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func errorOf[T any](_ T, err error) error { return err }

// stateCases has one case for each operation.
func stateCases(h *harness) map[string]stateCase {
	ctx, c := h.Context(), h.as(root(testAccount), testRegion).kms()
	key := h.newKey(&kmsapi.CreateKeyRequest{})
	other := h.newKey(&kmsapi.CreateKeyRequest{})
	rsa := h.newKey(&kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecECCNISTP256), KeyUsage: new(kmsapi.KeyUsageTypeSignVerify)})
	mac := h.newKey(&kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecHMAC256), KeyUsage: new(kmsapi.KeyUsageTypeGenerateVerifyMAC)})
	ecdh := h.newKey(&kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecECCNISTP256), KeyUsage: new(kmsapi.KeyUsageTypeKeyAgreement)})
	external := h.newKey(&kmsapi.CreateKeyRequest{Origin: new(kmsapi.OriginTypeExternal)})
	primary := h.newKey(&kmsapi.CreateKeyRequest{MultiRegion: new(true)})
	promoted := h.newKey(&kmsapi.CreateKeyRequest{MultiRegion: new(true)})
	h.must(errorOf(c.ReplicateKey(ctx, &kmsapi.ReplicateKeyRequest{KeyId: &promoted, ReplicaRegion: new("eu-west-1")})))
	h.runJobs()
	alice := user(testAccount, "alice").ARN
	encrypted, err := c.Encrypt(ctx, &kmsapi.EncryptRequest{KeyId: &key, Plaintext: []byte("x")})
	h.must(err)
	peer, err := c.GetPublicKey(ctx, &kmsapi.GetPublicKeyRequest{KeyId: &ecdh})
	h.must(err)
	h.must(errorOf(c.CreateAlias(ctx, &kmsapi.CreateAliasRequest{AliasName: new("alias/moved"), TargetKeyId: &other})))
	alias := 0
	newAlias := func() *string { alias++; return new("alias/new" + itoa(alias)) }
	grantID := func() *string {
		// The grant is made on the record as it is, whatever its state.
		id := newGrantID()
		name := nameOf(key)
		_, err := h.store.Update(ctx, func(tx store.Txn) error {
			return h.service.tables.grants.Insert(tx, &grantRecord{Account: name.account, Region: name.region, KeyID: name.id, ID: id, Grantee: alice, Operations: grantEncrypt})
		})
		h.must(err)
		return &id
	}
	algorithm, macAlgorithm := new(kmsapi.SigningAlgorithmSpecECDSASHA256), new(kmsapi.MacAlgorithmSpecHMACSHA256)
	wrapping, wrappingSpec := new(kmsapi.AlgorithmSpecRSAESOAEPSHA256), new(kmsapi.WrappingKeySpecRSA2048)
	store := new("cks-0123456789abcdef0")
	pair := new(kmsapi.DataKeyPairSpecECCNISTP256)
	const noStore = "CustomKeyStoreNotFoundException"
	return map[string]stateCase{
		"CancelKeyDeletion": {key, func() error {
			return errorOf(c.CancelKeyDeletion(ctx, &kmsapi.CancelKeyDeletionRequest{KeyId: &key}))
		}, ""},
		"ConnectCustomKeyStore": {"", func() error {
			return errorOf(c.ConnectCustomKeyStore(ctx, &kmsapi.ConnectCustomKeyStoreRequest{CustomKeyStoreId: store}))
		}, noStore},
		"CreateAlias": {key, func() error {
			return errorOf(c.CreateAlias(ctx, &kmsapi.CreateAliasRequest{AliasName: newAlias(), TargetKeyId: &key}))
		}, ""},
		"CreateCustomKeyStore": {"", func() error {
			return errorOf(c.CreateCustomKeyStore(ctx, &kmsapi.CreateCustomKeyStoreRequest{CustomKeyStoreName: new("s"), CloudHsmClusterId: new("cluster-2a23b4cdefg"), TrustAnchorCertificate: new("x"), KeyStorePassword: new("password")}))
		}, "CloudHsmClusterNotFoundException"},
		"CreateGrant": {key, func() error {
			return errorOf(c.CreateGrant(ctx, &kmsapi.CreateGrantRequest{KeyId: &key, GranteePrincipal: &alice, Operations: grantEncrypt}))
		}, ""},
		"CreateKey": {"", func() error { return errorOf(c.CreateKey(ctx, &kmsapi.CreateKeyRequest{})) }, ""},
		"Decrypt": {key, func() error {
			return errorOf(c.Decrypt(ctx, &kmsapi.DecryptRequest{CiphertextBlob: encrypted.CiphertextBlob}))
		}, ""},
		"DeleteAlias": {key, func() error {
			return errorOf(c.DeleteAlias(ctx, &kmsapi.DeleteAliasRequest{AliasName: new("alias/none")}))
		}, "NotFoundException"},
		"DeleteCustomKeyStore": {"", func() error {
			return errorOf(c.DeleteCustomKeyStore(ctx, &kmsapi.DeleteCustomKeyStoreRequest{CustomKeyStoreId: store}))
		}, noStore},
		"DeleteImportedKeyMaterial": {external, func() error {
			return errorOf(c.DeleteImportedKeyMaterial(ctx, &kmsapi.DeleteImportedKeyMaterialRequest{KeyId: &external}))
		}, ""},
		"DeriveSharedSecret": {ecdh, func() error {
			return errorOf(c.DeriveSharedSecret(ctx, &kmsapi.DeriveSharedSecretRequest{KeyId: &ecdh, KeyAgreementAlgorithm: new(kmsapi.KeyAgreementAlgorithmSpecECDH), PublicKey: peer.PublicKey}))
		}, ""},
		"DescribeCustomKeyStores": {"", func() error {
			return errorOf(c.DescribeCustomKeyStores(ctx, &kmsapi.DescribeCustomKeyStoresRequest{}))
		}, ""},
		"DescribeKey": {key, func() error { return errorOf(c.DescribeKey(ctx, &kmsapi.DescribeKeyRequest{KeyId: &key})) }, ""},
		"DisableKey":  {key, func() error { return errorOf(c.DisableKey(ctx, &kmsapi.DisableKeyRequest{KeyId: &key})) }, ""},
		"DisableKeyRotation": {key, func() error {
			return errorOf(c.DisableKeyRotation(ctx, &kmsapi.DisableKeyRotationRequest{KeyId: &key}))
		}, ""},
		"DisconnectCustomKeyStore": {"", func() error {
			return errorOf(c.DisconnectCustomKeyStore(ctx, &kmsapi.DisconnectCustomKeyStoreRequest{CustomKeyStoreId: store}))
		}, noStore},
		"EnableKey": {key, func() error { return errorOf(c.EnableKey(ctx, &kmsapi.EnableKeyRequest{KeyId: &key})) }, ""},
		"EnableKeyRotation": {key, func() error {
			return errorOf(c.EnableKeyRotation(ctx, &kmsapi.EnableKeyRotationRequest{KeyId: &key}))
		}, ""},
		"Encrypt": {key, func() error {
			return errorOf(c.Encrypt(ctx, &kmsapi.EncryptRequest{KeyId: &key, Plaintext: []byte("x")}))
		}, ""},
		"GenerateDataKey": {key, func() error {
			return errorOf(c.GenerateDataKey(ctx, &kmsapi.GenerateDataKeyRequest{KeyId: &key, NumberOfBytes: new(int32(32))}))
		}, ""},
		"GenerateDataKeyPair": {key, func() error {
			return errorOf(c.GenerateDataKeyPair(ctx, &kmsapi.GenerateDataKeyPairRequest{KeyId: &key, KeyPairSpec: pair}))
		}, ""},
		"GenerateDataKeyPairWithoutPlaintext": {key, func() error {
			return errorOf(c.GenerateDataKeyPairWithoutPlaintext(ctx, &kmsapi.GenerateDataKeyPairWithoutPlaintextRequest{KeyId: &key, KeyPairSpec: pair}))
		}, ""},
		"GenerateDataKeyWithoutPlaintext": {key, func() error {
			return errorOf(c.GenerateDataKeyWithoutPlaintext(ctx, &kmsapi.GenerateDataKeyWithoutPlaintextRequest{KeyId: &key, NumberOfBytes: new(int32(32))}))
		}, ""},
		"GenerateMac": {mac, func() error {
			return errorOf(c.GenerateMac(ctx, &kmsapi.GenerateMacRequest{KeyId: &mac, MacAlgorithm: macAlgorithm, Message: []byte("x")}))
		}, ""},
		"GenerateRandom": {"", func() error {
			return errorOf(c.GenerateRandom(ctx, &kmsapi.GenerateRandomRequest{NumberOfBytes: new(int32(1))}))
		}, ""},
		"GetKeyLastUsage": {key, func() error {
			return errorOf(c.GetKeyLastUsage(ctx, &kmsapi.GetKeyLastUsageRequest{KeyId: &key}))
		}, ""},
		"GetKeyPolicy": {key, func() error { return errorOf(c.GetKeyPolicy(ctx, &kmsapi.GetKeyPolicyRequest{KeyId: &key})) }, ""},
		"GetKeyRotationStatus": {key, func() error {
			return errorOf(c.GetKeyRotationStatus(ctx, &kmsapi.GetKeyRotationStatusRequest{KeyId: &key}))
		}, ""},
		"GetParametersForImport": {external, func() error {
			return errorOf(c.GetParametersForImport(ctx, &kmsapi.GetParametersForImportRequest{KeyId: &external, WrappingAlgorithm: wrapping, WrappingKeySpec: wrappingSpec}))
		}, ""},
		"GetPublicKey": {rsa, func() error { return errorOf(c.GetPublicKey(ctx, &kmsapi.GetPublicKeyRequest{KeyId: &rsa})) }, ""},
		"ImportKeyMaterial": {external, func() error {
			return errorOf(c.ImportKeyMaterial(ctx, &kmsapi.ImportKeyMaterialRequest{KeyId: &external, ImportToken: []byte("x"), EncryptedKeyMaterial: []byte("x"),
				ExpirationModel: new(kmsapi.ExpirationModelTypeKeyMaterialDoesNotExpire)}))
		}, "InvalidImportTokenException"},
		"ListAliases": {key, func() error { return errorOf(c.ListAliases(ctx, &kmsapi.ListAliasesRequest{KeyId: &key})) }, ""},
		"ListGrants":  {key, func() error { return errorOf(c.ListGrants(ctx, &kmsapi.ListGrantsRequest{KeyId: &key})) }, ""},
		"ListKeyPolicies": {key, func() error {
			return errorOf(c.ListKeyPolicies(ctx, &kmsapi.ListKeyPoliciesRequest{KeyId: &key}))
		}, ""},
		"ListKeyRotations": {key, func() error {
			return errorOf(c.ListKeyRotations(ctx, &kmsapi.ListKeyRotationsRequest{KeyId: &key}))
		}, ""},
		"ListKeys": {"", func() error { return errorOf(c.ListKeys(ctx, &kmsapi.ListKeysRequest{})) }, ""},
		"ListResourceTags": {key, func() error {
			return errorOf(c.ListResourceTags(ctx, &kmsapi.ListResourceTagsRequest{KeyId: &key}))
		}, ""},
		"ListRetirableGrants": {"", func() error {
			return errorOf(c.ListRetirableGrants(ctx, &kmsapi.ListRetirableGrantsRequest{RetiringPrincipal: &alice}))
		}, ""},
		"PutKeyPolicy": {key, func() error {
			return errorOf(c.PutKeyPolicy(ctx, &kmsapi.PutKeyPolicyRequest{KeyId: &key, Policy: new(defaultPolicy(testAccount))}))
		}, ""},
		"ReEncrypt": {key, func() error {
			return errorOf(c.ReEncrypt(ctx, &kmsapi.ReEncryptRequest{CiphertextBlob: encrypted.CiphertextBlob, DestinationKeyId: &other}))
		}, ""},
		"ReplicateKey": {primary, func() error {
			return errorOf(c.ReplicateKey(ctx, &kmsapi.ReplicateKeyRequest{KeyId: &primary, ReplicaRegion: new("us-west-2")}))
		}, ""},
		"RetireGrant": {key, func() error {
			return errorOf(c.RetireGrant(ctx, &kmsapi.RetireGrantRequest{KeyId: &key, GrantId: grantID()}))
		}, ""},
		"RevokeGrant": {key, func() error {
			return errorOf(c.RevokeGrant(ctx, &kmsapi.RevokeGrantRequest{KeyId: &key, GrantId: grantID()}))
		}, ""},
		"RotateKeyOnDemand": {key, func() error {
			return errorOf(c.RotateKeyOnDemand(ctx, &kmsapi.RotateKeyOnDemandRequest{KeyId: &key}))
		}, ""},
		"ScheduleKeyDeletion": {key, func() error {
			return errorOf(c.ScheduleKeyDeletion(ctx, &kmsapi.ScheduleKeyDeletionRequest{KeyId: &key}))
		}, ""},
		"Sign": {rsa, func() error {
			return errorOf(c.Sign(ctx, &kmsapi.SignRequest{KeyId: &rsa, Message: []byte("x"), SigningAlgorithm: algorithm}))
		}, ""},
		"TagResource": {key, func() error {
			return errorOf(c.TagResource(ctx, &kmsapi.TagResourceRequest{KeyId: &key, Tags: []kmsapi.Tag{{TagKey: new("k"), TagValue: new("v")}}}))
		}, ""},
		"UntagResource": {key, func() error {
			return errorOf(c.UntagResource(ctx, &kmsapi.UntagResourceRequest{KeyId: &key, TagKeys: []string{"k"}}))
		}, ""},
		"UpdateAlias": {key, func() error {
			return errorOf(c.UpdateAlias(ctx, &kmsapi.UpdateAliasRequest{AliasName: new("alias/moved"), TargetKeyId: &key}))
		}, ""},
		"UpdateCustomKeyStore": {"", func() error {
			return errorOf(c.UpdateCustomKeyStore(ctx, &kmsapi.UpdateCustomKeyStoreRequest{CustomKeyStoreId: store, NewCustomKeyStoreName: new("n")}))
		}, noStore},
		"UpdateKeyDescription": {key, func() error {
			return errorOf(c.UpdateKeyDescription(ctx, &kmsapi.UpdateKeyDescriptionRequest{KeyId: &key, Description: new("d")}))
		}, ""},
		"UpdatePrimaryRegion": {promoted, func() error {
			return errorOf(c.UpdatePrimaryRegion(ctx, &kmsapi.UpdatePrimaryRegionRequest{KeyId: &promoted, PrimaryRegion: new("eu-west-1")}))
		}, ""},
		"Verify": {rsa, func() error {
			return errorOf(c.Verify(ctx, &kmsapi.VerifyRequest{KeyId: &rsa, Message: []byte("x"), Signature: []byte("x"), SigningAlgorithm: algorithm}))
		}, "KMSInvalidSignatureException"},
		"VerifyMac": {mac, func() error {
			return errorOf(c.VerifyMac(ctx, &kmsapi.VerifyMacRequest{KeyId: &mac, Message: []byte("x"), Mac: []byte("x"), MacAlgorithm: macAlgorithm}))
		}, "KMSInvalidMacException"},
	}
}
