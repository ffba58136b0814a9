package kms

import (
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
)

func TestLastUseIsSeenAtOnceAndSurvivesAFlush(t *testing.T) {
	h := newHarness(t)
	key := h.newKey(&kmsapi.CreateKeyRequest{})
	c := h.as(root(testAccount), testRegion).kms()
	last := func() *kmsapi.GetKeyLastUsageResponse {
		t.Helper()
		out, err := c.GetKeyLastUsage(t.Context(), &kmsapi.GetKeyLastUsageRequest{KeyId: &key})
		h.must(err)
		return out
	}
	if out := last(); out.KeyLastUsage != nil || !out.TrackingStartDate.Equal(*out.KeyCreationDate) {
		t.Errorf("unused: %+v", out)
	}
	h.clock.Advance(time.Hour)
	wantErrorCode(t, "use", h.encryptAs(root(testAccount), key, nil), "")
	used := h.clock.Now()
	_, err := c.Decrypt(t.Context(), &kmsapi.DecryptRequest{KeyId: &key, CiphertextBlob: []byte("garbage")})
	wantErrorCode(t, "a failure is no use", err, "InvalidCiphertextException")
	for _, step := range []string{"pending", "flushed", "flushed again"} {
		if step != "pending" {
			h.must(h.service.FlushUsage(t.Context()))
			if n := len(h.service.usage.pending); n != 0 {
				t.Errorf("%s: %d pending", step, n)
			}
		}
		u := last().KeyLastUsage
		if u == nil || *u.Operation != "Encrypt" || !u.Timestamp.Equal(used) || *u.CloudTrailEventId == "" || *u.KmsRequestId == "" {
			t.Errorf("%s: %+v", step, u)
		}
	}
}

func TestPendingUsesAreBounded(t *testing.T) {
	u := newUsage()
	u.limit = 2
	for _, id := range []string{"a", "b", "c", "a"} {
		u.note(keyName{id: id}, lastUse{Operation: "Encrypt"})
	}
	if len(u.pending) != 2 || len(u.full) != 1 {
		t.Errorf("%d pending, %d signals", len(u.pending), len(u.full))
	}
}
