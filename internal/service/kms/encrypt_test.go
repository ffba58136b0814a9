package kms

import (
	"bytes"
	"testing"

	"fastness/internal/api/kmsapi"
)

func TestEncryptDecryptRoundTripIsBoundToItsContext(t *testing.T) {
	h := newHarness(t)
	c := h.as(root(testAccount), testRegion).kms()
	made, err := c.CreateKey(t.Context(), &kmsapi.CreateKeyRequest{})
	if err != nil {
		t.Fatal(err)
	}
	id := made.KeyMetadata.KeyId
	enc, err := c.Encrypt(t.Context(), &kmsapi.EncryptRequest{KeyId: id, Plaintext: []byte("attack at dawn"), EncryptionContext: map[string]string{"a": "1", "b": "2"}})
	if err != nil {
		t.Fatal(err)
	}
	dec, err := c.Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: enc.CiphertextBlob, EncryptionContext: map[string]string{"b": "2", "a": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(dec.Plaintext, []byte("attack at dawn")) {
		t.Fatalf("got %q", dec.Plaintext)
	}
	for name, context := range map[string]map[string]string{"none": nil, "less": {"a": "1"}, "other": {"a": "1", "b": "3"}, "case": {"A": "1", "b": "2"}} {
		_, err := c.Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: enc.CiphertextBlob, EncryptionContext: context})
		if codeOf(err) != "InvalidCiphertextException" {
			t.Errorf("context %s: %v", name, err)
		}
	}
}

func TestNobodyMayUseAKeyThatItsPolicyDoesNotName(t *testing.T) {
	h := newHarness(t)
	owner := h.as(root(testAccount), testRegion).kms()
	made, err := owner.CreateKey(t.Context(), &kmsapi.CreateKeyRequest{})
	if err != nil {
		t.Fatal(err)
	}
	alice := user(testAccount, "alice")
	_, err = h.as(alice, testRegion).kms().Encrypt(t.Context(), &kmsapi.EncryptRequest{KeyId: made.KeyMetadata.KeyId, Plaintext: []byte("x")})
	want := "User: " + alice.ARN + " is not authorized to perform: kms:Encrypt on resource: " + *made.KeyMetadata.Arn + " because no identity-based policy allows the kms:Encrypt action"
	if err == nil || codeOf(err) != "AccessDeniedException" || err.Error() != "AccessDeniedException: "+want {
		t.Fatalf("got %v\nwant %s", err, want)
	}
	h.allow(alice, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:Encrypt","Resource":"*"}}`)
	if _, err := h.as(alice, testRegion).kms().Encrypt(t.Context(), &kmsapi.EncryptRequest{KeyId: made.KeyMetadata.KeyId, Plaintext: []byte("x")}); err != nil {
		t.Fatal(err)
	}
}
