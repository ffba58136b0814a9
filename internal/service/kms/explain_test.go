package kms

import (
	"strings"
	"testing"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/front"
)

// explain asks the door a question about who.
func (h *harness) explain(who *call.Principal, q Question) ([]front.Explanation, *call.Call) {
	h.Helper()
	op, in, err := q.Operation()
	if err != nil {
		h.Fatal(err)
	}
	c := &call.Call{Operation: op, Principal: who, Account: who.Account, Region: testRegion, Input: in}
	out, err := h.door.Explain(h.Context(), c)
	if err != nil {
		h.Fatal(err)
	}
	return out, c
}

func TestExplainNamesWhatDecided(t *testing.T) {
	h := newHarness(t)
	alice, bob := user(testAccount, "alice"), user(testAccount, "bob")
	key := h.newKey(&kmsapi.CreateKeyRequest{Policy: new(`{"Version":"2012-10-17","Statement":[
		{"Sid":"Root","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"},
		{"Sid":"NoBob","Effect":"Deny","Principal":{"AWS":"` + bob.ARN + `"},"Action":"kms:Decrypt","Resource":"*"},
		{"Sid":"Colour","Effect":"Allow","Principal":{"AWS":"` + alice.ARN + `"},"Action":"kms:Decrypt","Resource":"*",
		 "Condition":{"StringEquals":{"kms:EncryptionContext:colour":"blue"}}}]}`)})
	contains := func(what string, e front.Explanation, words ...string) {
		t.Helper()
		for _, w := range words {
			if !strings.Contains(e.String(), w) {
				t.Errorf("%s: %q is missing in\n%s", what, w, e.String())
			}
		}
	}
	got, _ := h.explain(bob, Question{Action: "kms:Decrypt", Key: key})
	contains("explicit deny", got[0], "denied. User: "+bob.ARN, "with an explicit deny in a resource-based policy", `"NoBob"`)
	got, _ = h.explain(alice, Question{Action: "kms:Decrypt", Key: key, Context: map[string]string{"colour": "blue"}})
	contains("key policy", got[0], ": allowed", `decided by statement 3 "Colour"`)
	got, _ = h.explain(alice, Question{Action: "kms:Decrypt", Key: key})
	contains("condition", got[0], "denied", `"Colour"`, "condition is not met", "kms:encryptioncontext:colour")
	got, _ = h.explain(root(testAccount), Question{Action: "kms:Decrypt", Key: key})
	contains("delegation", got[0], ": allowed", `"Root"`)

	g := h.grant(root(testAccount), &kmsapi.CreateGrantRequest{KeyId: &key, GranteePrincipal: &alice.ARN, Name: new("nightly"),
		Operations: grantEncrypt, Constraints: &kmsapi.GrantConstraints{EncryptionContextSubset: map[string]string{"b": "2", "a": "1"}}})
	got, c := h.explain(alice, Question{Action: "kms:Encrypt", Key: key, Context: map[string]string{"a": "1", "b": "2", "c": "3"}})
	contains("grant", got[0], "allowed by grant "+*g.GrantId)
	words, err := h.service.ExplainGrant(t.Context(), c, got[0].Result.Grant)
	if err != nil || !strings.Contains(words, `"nightly"`) || !strings.Contains(words, `lets `+alice.ARN+` do Encrypt on key `+key+`, only with an encryption context that includes {"a"="1", "b"="2"}`) {
		t.Errorf("%s, %v", words, err)
	}
	if err := h.service.Obstacle(c); err != nil {
		t.Errorf("nothing is in the way, but: %v", err)
	}
	h.setState(h.recordOf(key), kmsapi.KeyStateDisabled)
	_, c = h.explain(alice, Question{Action: "kms:Encrypt", Key: key})
	wantError(t, "disabled key", h.service.Obstacle(c), "DisabledException", key+" is disabled.")
	if got, _ = h.explain(alice, Question{Action: "kms:ReEncryptFrom", Key: key}); len(got) != 2 || got[0].Access.Action != "kms:ReEncryptFrom" {
		t.Errorf("ReEncrypt: %v", got)
	}
	for _, q := range []Question{{Action: "s3:GetObject"}, {Action: "kms:Nothing"}, {Action: "kms:ListKeys", Key: key}, {Action: "kms:Sign", Key: key, Context: map[string]string{"a": "b"}}} {
		if _, _, err := q.Operation(); err == nil {
			t.Errorf("%+v is a question", q)
		}
	}
}
