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

// A reference that names no key is an altered one; one that names another key than the
// request is a misdirected blob.
func TestAlteredBlobIsNotTakenForOneOfAnotherKey(t *testing.T) {
	h := newHarness(t)
	owner := h.as(root(testAccount), testRegion).kms()
	encrypt := func() (key string, blob []byte) {
		created, err := owner.CreateKey(t.Context(), &kmsapi.CreateKeyRequest{})
		if err != nil {
			t.Fatal(err)
		}
		out, err := owner.Encrypt(t.Context(), &kmsapi.EncryptRequest{KeyId: created.KeyMetadata.KeyId, Plaintext: []byte("x")})
		if err != nil {
			t.Fatal(err)
		}
		return *created.KeyMetadata.KeyId, out.CiphertextBlob
	}
	key, blob := encrypt()
	_, other := encrypt()
	blob[5] ^= 1
	for want, b := range map[string][]byte{"InvalidCiphertextException": blob, "IncorrectKeyException": other} {
		_, err := owner.Decrypt(t.Context(), &kmsapi.DecryptRequest{KeyId: new(key), CiphertextBlob: b})
		if got := codeOf(err); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
