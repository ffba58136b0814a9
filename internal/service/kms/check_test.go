package kms

import (
	"errors"
	"slices"
	"testing"

	"fastness/internal/api/kmsapi"
	"fastness/internal/store"
)

func TestChecksFindWhatIsMissing(t *testing.T) {
	h := newHarness(t)
	c := h.as(root(testAccount), testRegion).kms()
	lost, bare := h.newKey(&kmsapi.CreateKeyRequest{}), h.newKey(&kmsapi.CreateKeyRequest{})
	alice := user(testAccount, "alice").ARN
	h.grant(root(testAccount), &kmsapi.CreateGrantRequest{
		KeyId: &lost, GranteePrincipal: &alice, RetiringPrincipal: &alice, Name: new("named"), Operations: grantEncrypt,
	})
	if _, err := c.CreateAlias(t.Context(), &kmsapi.CreateAliasRequest{AliasName: new("alias/lost"), TargetKeyId: &lost}); err != nil {
		t.Fatal(err)
	}
	h.consistent()
	material := h.materials(bare)[0]
	if _, err := h.store.Update(t.Context(), func(tx store.Txn) error {
		return errors.Join(h.service.tables.deleteKey(tx, nameOf(lost)), h.service.tables.deleteMaterial(tx, &material))
	}); err != nil {
		t.Fatal(err)
	}
	problems, err := store.Fsck(t.Context(), h.store, append(h.registry.Checks(), Checks(h.slots)...)...)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, p := range problems {
		found = append(found, p.Check+": "+p.Text)
	}
	slices.Sort(found)
	want := []string{
		"kms records: alias of a key that does not exist",
		"kms records: grant on a key that does not exist",
		"kms records: key material of a key that does not exist",
		"kms records: the current key material is missing",
	}
	if !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
}

// Keys and grants of all accounts in a Region lie in one table, in order of their
// accounts: each sees its own alone, page by page.
func TestListsKeepToTheirAccount(t *testing.T) {
	h := newHarness(t)
	counts := map[string]int{testAccount: 3, otherAccount: 2}
	for account, n := range counts {
		for range n {
			if _, err := h.as(root(account), testRegion).kms().CreateKey(t.Context(), &kmsapi.CreateKeyRequest{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for account, n := range counts {
		for _, limit := range []int32{1, 2, 3, 100} {
			seen := map[string]bool{}
			in := &kmsapi.ListKeysRequest{Limit: new(limit)}
			for more := true; more; {
				out, err := h.as(root(account), testRegion).kms().ListKeys(t.Context(), in)
				if err != nil {
					t.Fatal(err)
				}
				for _, k := range out.Keys {
					if seen[*k.KeyArn] || nameOf(*k.KeyArn).account != account {
						t.Errorf("account %s, limit %d: unexpected %s", account, limit, *k.KeyArn)
					}
					seen[*k.KeyArn] = true
				}
				in.Marker, more = out.NextMarker, *out.Truncated
			}
			if len(seen) != n {
				t.Errorf("account %s, limit %d: %d keys, want %d", account, limit, len(seen), n)
			}
		}
	}
}
