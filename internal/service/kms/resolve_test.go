package kms

import (
	"strings"
	"testing"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
)

func TestForeignBlobsAndKeysRevealNothing(t *testing.T) {
	h := newHarness(t)
	key := h.newKey(&kmsapi.CreateKeyRequest{})
	out, err := h.as(root(testAccount), testRegion).kms().Encrypt(t.Context(), &kmsapi.EncryptRequest{KeyId: &key, Plaintext: []byte("x")})
	h.must(err)
	stranger := root(otherAccount)
	c := h.as(stranger, testRegion).kms()
	// The sentences are AWS's, as users quote them: "on the resource associated with this
	// ciphertext" in https://github.com/metaps/genova/issues/375 and, for want of a permission,
	// in "Troubleshoot customer managed keys in AWS IAM Identity Center"; "on this resource" of
	// other operations.
	const unknown = " because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"
	refused := "User: " + stranger.ARN + " is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext" + unknown
	_, err = c.Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: out.CiphertextBlob})
	wantError(t, "blob of another account", err, "AccessDeniedException", refused)
	_, err = c.Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: out.CiphertextBlob, DryRun: new(true)})
	wantError(t, "the same, dry", err, "AccessDeniedException", refused)
	_, err = h.as(root(otherAccount), "us-west-2").kms().Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: out.CiphertextBlob})
	wantError(t, "blob of another account and Region", err, "AccessDeniedException", refused)
	_, err = h.as(root(testAccount), "us-west-2").kms().Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: out.CiphertextBlob})
	wantError(t, "blob of another Region", err, "AccessDeniedException", strings.ReplaceAll(refused, stranger.ARN, root(testAccount).ARN))
	eve := user(otherAccount, "eve")
	_, err = h.as(eve, testRegion).kms().Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: out.CiphertextBlob})
	wantError(t, "blob of another account, without permission", err, "AccessDeniedException",
		"User: "+eve.ARN+" is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because no identity-based policy allows the kms:Decrypt action")
	_, err = h.as(user(testAccount, "alice"), testRegion).kms().Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: out.CiphertextBlob})
	wantErrorCode(t, "unauthorized in the own account", err, "AccessDeniedException")
	other := h.newKey(&kmsapi.CreateKeyRequest{})
	_, err = h.as(root(testAccount), testRegion).kms().Decrypt(t.Context(), &kmsapi.DecryptRequest{KeyId: &other, CiphertextBlob: out.CiphertextBlob})
	wantErrorCode(t, "wrong key", err, "IncorrectKeyException")

	// A key that exists and one that does not are refused with the same words.
	absent := keyARN(testAccount, testRegion, "00000000-0000-4000-8000-000000000000")
	for _, id := range []string{key, absent} {
		_, err = c.DescribeKey(t.Context(), &kmsapi.DescribeKeyRequest{KeyId: &id})
		wantError(t, id, err, "AccessDeniedException", "User: "+stranger.ARN+" is not authorized to perform: kms:DescribeKey on this resource"+unknown)
	}
}

// An open key policy lets another account use a key, but never manage it.
func TestCrossAccountOperations(t *testing.T) {
	h := newHarness(t)
	key := h.newKey(&kmsapi.CreateKeyRequest{Policy: new(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:root","arn:aws:iam::444455556666:root"]},"Action":"kms:*","Resource":"*"}}`)})
	for i := range kmsapi.API.Operations {
		op := &kmsapi.API.Operations[i]
		q := Question{Action: "kms:" + op.Name, Key: key}
		if op.Name == "ReEncrypt" {
			q.Action = "kms:ReEncryptFrom"
		}
		_, in, err := q.Operation()
		switch op.Name {
		case "CreateAlias", "UpdateAlias", "DeleteAlias", "ListAliases", "RetireGrant":
			continue // their key is not simply KeyId
		}
		if err != nil {
			continue // takes no key
		}
		stranger := root(otherAccount)
		explained, err := h.door.Explain(t.Context(), &call.Call{Operation: op, Principal: stranger, Account: otherAccount, Region: testRegion, Input: in})
		if err != nil {
			t.Errorf("%s: %v", op.Name, err)
			continue
		}
		if got := explained[0].Result.Allowed(); got != crossAccount[op.Name] {
			t.Errorf("%s across accounts: %t", op.Name, got)
		}
	}
}

func TestAliasNames(t *testing.T) {
	h := newHarness(t)
	key := h.newKey(&kmsapi.CreateKeyRequest{})
	c := h.as(root(testAccount), testRegion).kms()
	for name, want := range map[string][2]string{
		"alias/aws/s3": {"NotAuthorizedException", ""},
		"alias/":       {"InvalidAliasNameException", "Alias name must not be empty"},
		"name":         {"ValidationException", "Invalid identifier"},
		"alias/a:b":    {"ValidationException", "alias/a:b contains invalid characters for an alias"},
	} {
		_, err := c.CreateAlias(t.Context(), &kmsapi.CreateAliasRequest{AliasName: &name, TargetKeyId: &key})
		wantError(t, name, err, want[0], want[1])
	}
	h.must(errorOf(c.CreateAlias(t.Context(), &kmsapi.CreateAliasRequest{AliasName: new("alias/a"), TargetKeyId: &key})))
	_, err := c.CreateAlias(t.Context(), &kmsapi.CreateAliasRequest{AliasName: new("alias/b"), TargetKeyId: new("alias/a")})
	wantError(t, "alias of an alias", err, "ValidationException", "Aliases must refer to keys. Not aliases")
	_, err = c.EnableKey(t.Context(), &kmsapi.EnableKeyRequest{KeyId: new("alias/a")})
	wantError(t, "alias where none is taken", err, "NotFoundException", "Invalid keyId 'alias/a'")
}
