package iam

import (
	"strings"
	"testing"
)

func TestAccountOfAccessKey(t *testing.T) {
	for id, want := range map[string]string{
		// Published with its account in "A short note on AWS KEY ID" (Tal Be'ery).
		"ASIAQNZGKIQY56JQ7WML": "029608264753",
		"AKIAIOSFODNN7EXAMPLE": "", // made before ids held the account
		"AKIA":                 "",
		"AKIAQNZGKIQY56JQ7WM1": "",
		"":                     "",
	} {
		if got, ok := accountOf(id); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v", id, got, ok)
		}
	}
}

func TestAccessKeyIDsHoldTheAccount(t *testing.T) {
	for _, account := range []string{"000000000000", "000000000001", "123456789012", "999999999999"} {
		seen := make(map[string]bool)
		for range 1000 {
			id, err := newAccessKeyID(longTermPrefix, account)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := accountOf(id); !ok || got != account || len(id) != 20 || !strings.HasPrefix(id, "AKIA") || seen[id] {
				t.Fatalf("%s of %s: %q, %v", id, account, got, ok)
			}
			seen[id] = true
		}
	}
	if _, err := newAccessKeyID(longTermPrefix, "12"); err == nil {
		t.Error("an id for a malformed account")
	}
}

func TestUniqueIDs(t *testing.T) {
	for _, prefix := range []string{userPrefix, rolePrefix, groupPrefix, policyPrefix} {
		a, b := newID(prefix), newID(prefix)
		if a == b || len(a) != 21 || !strings.HasPrefix(a, prefix) || strings.ToUpper(a) != a {
			t.Errorf("%s %s", a, b)
		}
	}
	if s := newSecret(); len(s) != 40 {
		t.Errorf("secret of %d characters", len(s))
	}
}

func FuzzAccountOf(f *testing.F) {
	f.Add("ASIAQNZGKIQY56JQ7WML")
	f.Add("AKIAIOSFODNN7EXAMPLE")
	f.Fuzz(func(t *testing.T, id string) {
		if account, ok := accountOf(id); ok && len(account) != 12 {
			t.Fatalf("%q: %q", id, account)
		}
	})
}

func TestPercentEncode(t *testing.T) {
	// RFC 3986, section 2.3: unreserved characters stay.
	if got := percentEncode(`{"A": "b-_.~é*"}`); got != "%7B%22A%22%3A%20%22b-_.~%C3%A9%2A%22%7D" {
		t.Error(got)
	}
}
