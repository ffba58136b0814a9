package front

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"fastness/internal/call"
)

// anybody takes every access key but one that it refuses.
type anybody struct{ refuses string }

func (a anybody) Credential(_ context.Context, id, _ string) (call.Credential, error) {
	if id == a.refuses {
		return call.Credential{}, call.ErrUnknownAccessKey
	}
	return call.Credential{Principal: &call.Principal{Kind: call.Root, Account: testAccount, ARN: "arn:aws:iam::" + testAccount + ":root", ID: testAccount, AccessKeyID: id}}, nil
}

// Credentials for development are for what nobody knows: whoever is known is verified.
func TestDevelopersNeedNoSignatureAndOthersDo(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*request)
		code   string
	}{
		{"unknown access key", func(q *request) { q.keyID = "test" }, ""},
		{"unknown access key and token", func(q *request) { q.keyID, q.token = "ASIATEST", "x" }, ""},
		{"refused access key", func(q *request) { q.keyID = "inactive" }, "UnrecognizedClientException"},
		{"known key, wrong secret", func(q *request) { q.secret = []byte("wrong") }, "InvalidSignatureException"},
		{"expired token", func(q *request) { q.token = "expired" }, "ExpiredTokenException"},
		{"unsigned", func(q *request) { q.service = "" }, "MissingAuthenticationTokenException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHarness(t)
			h.door.dev = anybody{refuses: "inactive"}
			a := h.json("GetNote", `{"Name":"x"}`, c.change)
			if c.code == "" {
				if calls := h.alpha.calls(); len(calls) != 1 || !strings.HasSuffix(strings.ToLower(calls[0].Principal.AccessKeyID), "test") {
					t.Errorf("got %d %s", a.status, a.body)
				}
				return
			}
			if a.code() != c.code || a.status != http.StatusBadRequest {
				t.Errorf("got %d %s", a.status, a.body)
			}
			if len(h.alpha.calls()) != 0 {
				t.Error("the call reached the service")
			}
		})
	}
}
