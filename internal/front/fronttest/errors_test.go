package fronttest

import (
	"errors"
	"fmt"
	"testing"

	"fastness/internal/wire"
)

func TestErrorsAsCallersSeeThem(t *testing.T) {
	api := &wire.CommonError{Kind: wire.AccessDenied, Message: "no"}
	for _, c := range []struct {
		err        error
		code, text string
	}{
		{nil, "", ""},
		{api, api.ErrorCode(), api.ErrorCode() + ": no"},
		{fmt.Errorf("wrapped: %w", api), api.ErrorCode(), api.ErrorCode() + ": no"},
		{errors.New("broken"), "not an API error: broken", "not an API error: broken"},
	} {
		if code, text := Code(c.err), Text(c.err); code != c.code || text != c.text {
			t.Errorf("%v: %q, %q", c.err, code, text)
		}
	}
}

func TestNobodyMayDoMoreThanWasAllowed(t *testing.T) {
	p := NewPeople()
	h := &House{TB: t, People: p}
	alice, bob := User(Account, "alice"), User(Account, "bob")
	h.Allow(alice, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}`)
	for who, want := range map[string]int{alice.UserName: 1, bob.UserName: 0} {
		got, err := p.Policies(t.Context(), User(Account, who))
		if err != nil || len(got.Identity) != want {
			t.Errorf("%s has %d policies, %v", who, len(got.Identity), err)
		}
	}
	if _, err := p.Credential(t.Context(), "AKIA", ""); err == nil {
		t.Error("somebody has an access key")
	}
}
