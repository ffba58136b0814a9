package kms

import (
	"encoding/json"
	"reflect"
	"testing"

	"fastness/internal/api/kmsapi"
)

// The members that AWS documents for each operation beside those of the request and the answer:
// AWS KMS developer guide, "Logging AWS KMS API calls with AWS CloudTrail", the pages CreateKey,
// CreateAlias, EnableKeyRotation, CreateGrant, RetireGrant, Decrypt, GenerateDataKey,
// GenerateDataKeyPair, ReEncrypt, Sign and ScheduleKeyDeletion.
func TestRecordsHaveTheMembersThatAWSDocuments(t *testing.T) {
	h := newHarness(t)
	r, ctx := h.in(testRegion), t.Context()
	meta := r.create(&kmsapi.CreateKeyRequest{})
	key, arn, material := meta.KeyId, *meta.Arn, *meta.CurrentKeyMaterialId
	blob := r.encrypt(key, "x")
	shown := func(event, member, want string) {
		t.Helper()
		events := h.events(testRegion, event)
		var w any
		h.must(json.Unmarshal([]byte(want), &w))
		if len(events) != 1 || !reflect.DeepEqual(events[0][member], w) {
			t.Errorf("%s: %s: %v, want %v", event, member, events, want)
		}
	}
	response := `{"keyId":"` + arn + `"}`

	shown("CreateKey", "requestParameters", `{"description":"","origin":"AWS_KMS","bypassPolicyLockoutSafetyCheck":false,
		"customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT","keyUsage":"ENCRYPT_DECRYPT"}`)
	created, _ := h.events(testRegion, "CreateKey")[0]["responseElements"].(map[string]any)["keyMetadata"].(map[string]any)
	if created["AWSAccountId"] != testAccount || created["creationDate"] != h.clock.Now().UTC().Format("Jan 2, 2006, 3:04:05 PM") {
		t.Errorf("keyMetadata: %v", created)
	}
	shown("Encrypt", "requestParameters", `{"keyId":"`+*key+`","encryptionAlgorithm":"SYMMETRIC_DEFAULT"}`)

	h.must(errorOf(r.Decrypt(ctx, &kmsapi.DecryptRequest{CiphertextBlob: blob})))
	shown("Decrypt", "requestParameters", `{"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}`)
	shown("Decrypt", "additionalEventData", `{"keyMaterialId":"`+material+`"}`)

	h.must(errorOf(r.ReEncrypt(ctx, &kmsapi.ReEncryptRequest{CiphertextBlob: blob, DestinationKeyId: key})))
	shown("ReEncrypt", "requestParameters", `{"sourceEncryptionAlgorithm":"SYMMETRIC_DEFAULT","destinationKeyId":"`+*key+`","destinationEncryptionAlgorithm":"SYMMETRIC_DEFAULT"}`)
	shown("ReEncrypt", "additionalEventData", `{"destinationKeyMaterialId":"`+material+`","sourceKeyMaterialId":"`+material+`"}`)

	h.must(errorOf(r.GenerateDataKey(ctx, &kmsapi.GenerateDataKeyRequest{KeyId: key, KeySpec: new(kmsapi.DataKeySpecAES256)})))
	shown("GenerateDataKey", "additionalEventData", `{"keyMaterialId":"`+material+`"}`)
	h.must(errorOf(r.GenerateDataKeyPair(ctx, &kmsapi.GenerateDataKeyPairRequest{KeyId: key, KeyPairSpec: new(kmsapi.DataKeyPairSpecECCNISTP256)})))
	shown("GenerateDataKeyPair", "additionalEventData", `{"keyMaterialId":"`+material+`"}`)

	h.must(errorOf(r.CreateAlias(ctx, &kmsapi.CreateAliasRequest{AliasName: new("alias/a"), TargetKeyId: key})))
	shown("CreateAlias", "responseElements", response)
	h.must(errorOf(r.DeleteAlias(ctx, &kmsapi.DeleteAliasRequest{AliasName: new("alias/a")})))
	shown("DeleteAlias", "responseElements", response)
	h.must(errorOf(r.EnableKeyRotation(ctx, &kmsapi.EnableKeyRotationRequest{KeyId: key, RotationPeriodInDays: new(int32(180))})))
	shown("EnableKeyRotation", "responseElements", response)
	h.must(errorOf(r.TagResource(ctx, &kmsapi.TagResourceRequest{KeyId: key, Tags: []kmsapi.Tag{{TagKey: new("a"), TagValue: new("b")}}})))
	shown("TagResource", "responseElements", response)

	granted, err := r.CreateGrant(ctx, &kmsapi.CreateGrantRequest{KeyId: key, GranteePrincipal: new(root(testAccount).ARN), Operations: []kmsapi.GrantOperation{kmsapi.GrantOperationEncrypt}})
	h.must(err)
	shown("CreateGrant", "responseElements", `{"keyId":"`+arn+`","grantId":"`+*granted.GrantId+`"}`)
	h.must(errorOf(r.RetireGrant(ctx, &kmsapi.RetireGrantRequest{GrantToken: granted.GrantToken})))
	shown("RetireGrant", "requestParameters", `null`)
	shown("RetireGrant", "responseElements", response)
	shown("RetireGrant", "additionalEventData", `{"grantId":"`+*granted.GrantId+`"}`)

	signer := r.create(&kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecECCNISTP256), KeyUsage: new(kmsapi.KeyUsageTypeSignVerify)}).KeyId
	h.must(errorOf(r.Sign(ctx, &kmsapi.SignRequest{KeyId: signer, Message: []byte("x"), SigningAlgorithm: new(kmsapi.SigningAlgorithmSpecECDSASHA256)})))
	shown("Sign", "requestParameters", `{"keyId":"`+*signer+`","messageType":"RAW","signingAlgorithm":"ECDSA_SHA_256"}`)

	h.must(errorOf(r.ScheduleKeyDeletion(ctx, &kmsapi.ScheduleKeyDeletionRequest{KeyId: key, PendingWindowInDays: new(int32(20))})))
	shown("ScheduleKeyDeletion", "responseElements", `{"keyId":"`+arn+`","keyState":"PendingDeletion","pendingWindowInDays":20,
		"deletionDate":"`+h.clock.Now().AddDate(0, 0, 20).UTC().Format("Jan 2, 2006, 3:04:05 PM")+`"}`)
}
