package kms

import (
	"testing"

	"fastness/internal/api/kmsapi"
	"fastness/internal/store/follow/followtest"
)

// twoRooms are two rooms on one store, each of which follows the other. seen waits until
// both have been told of everything.
func twoRooms(t *testing.T, options ...func(*Config)) (here, there *room, seen func()) {
	h := newHarness(t, options...)
	o := h.beside()
	caughtUp, otherCaughtUp := followtest.Run(t, h.store, h.service.Memory()), followtest.Run(t, h.store, o.service.Memory())
	return h.in(testRegion), o.in(testRegion), func() {
		t.Helper()
		caughtUp()
		otherCaughtUp()
	}
}

func TestChangesOfAnotherProcessAreFollowed(t *testing.T) {
	here, there, seen := twoRooms(t)
	ctx := t.Context()
	id := here.create(&kmsapi.CreateKeyRequest{}).KeyId
	blob := there.encrypt(id, "text") // there has a snapshot now
	here.decrypts(blob, "text")

	_, err := here.DisableKey(ctx, &kmsapi.DisableKeyRequest{KeyId: id})
	must(t, 0, err)
	seen()
	wantErrorCode(t, "disabled", errorOf(there.Decrypt(ctx, &kmsapi.DecryptRequest{CiphertextBlob: blob})), "DisabledException")
	_, err = there.EnableKey(ctx, &kmsapi.EnableKeyRequest{KeyId: id})
	must(t, 0, err)
	there.decrypts(blob, "text") // at once: a process reads what it wrote
	seen()
	here.decrypts(blob, "text")

	before := here.decrypts(there.encrypt(id, "a"), "a")
	_, err = here.RotateKeyOnDemand(ctx, &kmsapi.RotateKeyOnDemandRequest{KeyId: id})
	must(t, 0, err)
	here.runJobs()
	seen()
	if after := there.decrypts(there.encrypt(id, "b"), "b"); after == before {
		t.Error("there does not encrypt with the new material")
	}
}

func TestAliasesOfAnotherProcessAreFollowed(t *testing.T) {
	here, there, seen := twoRooms(t)
	ctx := t.Context()
	first, second := here.create(&kmsapi.CreateKeyRequest{}), here.create(&kmsapi.CreateKeyRequest{})
	alias := new("alias/a")
	stands := func(want *kmsapi.KeyMetadata) {
		t.Helper()
		if got := there.describe(alias); *got.KeyId != *want.KeyId {
			t.Errorf("the alias stands for %s, want %s", *got.KeyId, *want.KeyId)
		}
	}
	there.describe(first.KeyId)
	_, err := here.CreateAlias(ctx, &kmsapi.CreateAliasRequest{AliasName: alias, TargetKeyId: first.KeyId})
	must(t, 0, err)
	seen()
	stands(first)
	_, err = here.UpdateAlias(ctx, &kmsapi.UpdateAliasRequest{AliasName: alias, TargetKeyId: second.KeyId})
	must(t, 0, err)
	seen()
	stands(second)
	_, err = here.DeleteAlias(ctx, &kmsapi.DeleteAliasRequest{AliasName: alias})
	must(t, 0, err)
	seen()
	wantErrorCode(t, "deleted", errorOf(there.DescribeKey(ctx, &kmsapi.DescribeKeyRequest{KeyId: alias})), "NotFoundException")
}

func TestPoliciesAndGrantsOfAnotherProcessAreFollowed(t *testing.T) {
	here, there, seen := twoRooms(t)
	ctx := t.Context()
	k := here.create(&kmsapi.CreateKeyRequest{})
	id := k.KeyId
	bob := user(testAccount, "bob")
	as := there.as(bob, testRegion).kms()
	encrypt := func() string {
		_, err := as.Encrypt(ctx, &kmsapi.EncryptRequest{KeyId: id, Plaintext: []byte("x")})
		return codeOf(err)
	}
	const denied = "AccessDeniedException"
	if got := encrypt(); got != denied {
		t.Errorf("nobody allowed it: %q", got)
	}
	grant, err := here.CreateGrant(ctx, &kmsapi.CreateGrantRequest{KeyId: id, GranteePrincipal: &bob.ARN, Operations: []kmsapi.GrantOperation{kmsapi.GrantOperationEncrypt}})
	must(t, 0, err)
	seen()
	if got := encrypt(); got != "" {
		t.Errorf("with a grant: %q", got)
	}
	second, err := here.CreateGrant(ctx, &kmsapi.CreateGrantRequest{KeyId: id, GranteePrincipal: &bob.ARN, Operations: []kmsapi.GrantOperation{kmsapi.GrantOperationDecrypt}})
	must(t, 0, err)
	_, err = here.RevokeGrant(ctx, &kmsapi.RevokeGrantRequest{KeyId: id, GrantId: grant.GrantId})
	must(t, 0, err)
	seen()
	if got := encrypt(); got != denied {
		t.Errorf("with the grant revoked: %q", got)
	}
	_, err = here.RevokeGrant(ctx, &kmsapi.RevokeGrantRequest{KeyId: id, GrantId: second.GrantId})
	must(t, 0, err)
	policy := `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + testAccount + `:root"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":{"AWS":"` + bob.ARN + `"},"Action":"kms:Encrypt","Resource":"*"}]}`
	_, err = here.PutKeyPolicy(ctx, &kmsapi.PutKeyPolicyRequest{KeyId: id, Policy: &policy})
	must(t, 0, err)
	seen()
	if got := encrypt(); got != "" {
		t.Errorf("with a key policy: %q", got)
	}
}

func TestQuotasCountKeysAndGrantsOfOtherProcesses(t *testing.T) {
	here, there, seen := twoRooms(t, func(c *Config) { c.ResourceQuotas = map[string]int{QuotaKeys: 2, QuotaGrantsPerKey: 2} })
	ctx := t.Context()
	k := there.create(&kmsapi.CreateKeyRequest{}) // there has counted: one
	here.create(&kmsapi.CreateKeyRequest{})
	seen()
	wantErrorCode(t, "a third key", errorOf(there.CreateKey(ctx, &kmsapi.CreateKeyRequest{})), "LimitExceededException")
	grant := func(r *room, name string) error {
		_, err := r.CreateGrant(ctx, &kmsapi.CreateGrantRequest{
			KeyId: k.KeyId, GranteePrincipal: new(user(testAccount, name).ARN), Operations: []kmsapi.GrantOperation{kmsapi.GrantOperationEncrypt},
		})
		return err
	}
	must(t, 0, grant(there, "a"))
	must(t, 0, grant(here, "b"))
	seen()
	wantErrorCode(t, "a third grant", grant(there, "c"), "LimitExceededException")
}

func TestAKeyThatAnotherProcessDestroyedIsGone(t *testing.T) {
	here, there, seen := twoRooms(t)
	ctx := t.Context()
	id := here.create(&kmsapi.CreateKeyRequest{}).KeyId
	blob := there.encrypt(id, "text")
	_, err := here.ScheduleKeyDeletion(ctx, &kmsapi.ScheduleKeyDeletionRequest{KeyId: id, PendingWindowInDays: new(int32(7))})
	must(t, 0, err)
	seen()
	wantErrorCode(t, "pending deletion", errorOf(there.Decrypt(ctx, &kmsapi.DecryptRequest{CiphertextBlob: blob})), "KMSInvalidStateException")
	here.after(8)
	seen()
	wantErrorCode(t, "deleted", errorOf(there.DescribeKey(ctx, &kmsapi.DescribeKeyRequest{KeyId: id})), "NotFoundException")
	wantErrorCode(t, "its blob", errorOf(there.Decrypt(ctx, &kmsapi.DecryptRequest{CiphertextBlob: blob})), "InvalidCiphertextException")
}

func TestOwnCommitsKeepTheirSnapshots(t *testing.T) {
	here, _, seen := twoRooms(t)
	ctx := t.Context()
	id := here.create(&kmsapi.CreateKeyRequest{}).KeyId
	here.describe(id)
	kept := 0
	for range 50 {
		_, err := here.TagResource(ctx, &kmsapi.TagResourceRequest{KeyId: id, Tags: []kmsapi.Tag{{TagKey: new("k"), TagValue: new("v")}}})
		must(t, 0, err)
		seen()
		d := here.service.directory
		d.mu.RLock()
		if d.keys[keyName{testAccount, testRegion, *id}] != nil {
			kept++
		}
		d.mu.RUnlock()
		here.describe(id)
	}
	// The watch may be faster than the commit's own hook, now and then.
	if kept == 0 {
		t.Error("a snapshot never survived the news of the commit that made it")
	}
	t.Logf("%d of 50 kept", kept)
}

func TestAfterAGapEverythingIsReadAgain(t *testing.T) {
	h := newHarness(t)
	o := h.beside()
	here, there := h.in(testRegion), o.in(testRegion)
	id := here.create(&kmsapi.CreateKeyRequest{}).KeyId
	blob := there.encrypt(id, "text")
	_, err := here.DisableKey(t.Context(), &kmsapi.DisableKeyRequest{KeyId: id})
	must(t, 0, err)
	there.decrypts(blob, "text") // nobody has told it
	must(t, 0, o.service.forget(t.Context()))
	wantErrorCode(t, "disabled", errorOf(there.Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: blob})), "DisabledException")
}
