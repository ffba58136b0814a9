package kms

import (
	"testing"

	"fastness/internal/api/kmsapi"
)

func TestQuotaOfKeys(t *testing.T) {
	h := newHarness(t, func(c *Config) { c.ResourceQuotas = map[string]int{QuotaKeys: 2} })
	r := h.in(testRegion)
	const refusal = "Key quota for this account in this region is 2 but the current usage is 2."
	create := func() error { return errorOf(r.CreateKey(t.Context(), &kmsapi.CreateKeyRequest{})) }
	first := r.create(&kmsapi.CreateKeyRequest{MultiRegion: new(true)})
	second := r.create(&kmsapi.CreateKeyRequest{})
	wants(t, create(), "LimitExceededException", refusal)
	// Another account and another Region have their own.
	wantErrorCode(t, "another account", errorOf(h.as(root(otherAccount), testRegion).kms().CreateKey(t.Context(), &kmsapi.CreateKeyRequest{})), "")
	west := h.in("us-west-2")
	west.create(&kmsapi.CreateKeyRequest{})
	replicate := &kmsapi.ReplicateKeyRequest{KeyId: first.KeyId, ReplicaRegion: new("us-west-2")}
	wantErrorCode(t, "a replica", errorOf(r.ReplicateKey(t.Context(), replicate)), "")
	wants(t, errorOf(west.CreateKey(t.Context(), &kmsapi.CreateKeyRequest{})), "LimitExceededException", refusal)
	east := h.in("eu-west-1")
	east.create(&kmsapi.CreateKeyRequest{})
	east.create(&kmsapi.CreateKeyRequest{})
	wants(t, errorOf(r.ReplicateKey(t.Context(), &kmsapi.ReplicateKeyRequest{KeyId: first.KeyId, ReplicaRegion: new("eu-west-1")})), "LimitExceededException", refusal)

	// A key that waits for its deletion counts until it is gone.
	_, err := r.ScheduleKeyDeletion(t.Context(), &kmsapi.ScheduleKeyDeletionRequest{KeyId: second.KeyId, PendingWindowInDays: new(int32(7))})
	h.must(err)
	wants(t, create(), "LimitExceededException", refusal)
	h.after(8)
	wantErrorCode(t, "after the deletion", create(), "")
	wants(t, create(), "LimitExceededException", refusal)

	// What is counted along agrees with what is there.
	for _, region := range []string{testRegion, "us-west-2", "eu-west-1"} {
		p := place{testAccount, region}
		kept, err := h.service.countKeys(t.Context(), p)
		h.must(err)
		h.service.keyCounts.Forget()
		counted, err := h.service.countKeys(t.Context(), p)
		h.must(err)
		if kept != 2 || counted != 2 {
			t.Errorf("%s: %d keys kept, %d counted", region, kept, counted)
		}
	}
}
