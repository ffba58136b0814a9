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

// A key's owner finds the event of its last use in the owner's own history, also when
// another account used the key.
func TestLastUseNamesTheOwnersEvent(t *testing.T) {
	h := newHarness(t)
	stranger := root(otherAccount)
	key := h.newKey(&kmsapi.CreateKeyRequest{Policy: new(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":["` + testAccount + `","` + otherAccount + `"]},"Action":"kms:*","Resource":"*"}]}`)})
	h.allow(stranger, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}`)
	wantErrorCode(t, "cross-account use", h.encryptAs(stranger, key, nil), "")
	out, err := h.as(root(testAccount), testRegion).kms().GetKeyLastUsage(t.Context(), &kmsapi.GetKeyLastUsageRequest{KeyId: &key})
	use := must(t, out, err).KeyLastUsage
	if use == nil {
		t.Fatal("the use is not tracked")
	}
	events := h.events(testRegion, "Encrypt") // of testAccount
	if len(events) != 1 {
		t.Fatalf("%d events of the owner", len(events))
	}
	if e := events[0]; e["eventID"] != *use.CloudTrailEventId || e["requestID"] != *use.KmsRequestId || e["recipientAccountId"] != testAccount {
		t.Errorf("event %s of request %s, and the record is %v", *use.CloudTrailEventId, *use.KmsRequestId, e)
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
