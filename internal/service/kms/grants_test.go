package kms

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/store"
)

func roleSession(account, role, session string) *call.Principal {
	return &call.Principal{
		Kind: call.AssumedRole, Account: account, ID: "AROA" + role + ":" + session,
		ARN:     "arn:aws:sts::" + account + ":assumed-role/" + role + "/" + session,
		Session: &call.Session{RoleARN: "arn:aws:iam::" + account + ":role/" + role, RoleID: "AROA" + role, RoleName: role, Name: session},
	}
}

// newKey makes a key in the test account and Region and returns its ARN.
func (h *harness) newKey(in *kmsapi.CreateKeyRequest) string {
	h.Helper()
	out, err := h.as(root(testAccount), testRegion).kms().CreateKey(h.Context(), in)
	if err != nil {
		h.Fatal(err)
	}
	return *out.KeyMetadata.Arn
}

func (h *harness) grant(by *call.Principal, in *kmsapi.CreateGrantRequest) *kmsapi.CreateGrantResponse {
	h.Helper()
	out, err := h.as(by, testRegion).kms().CreateGrant(h.Context(), in)
	if err != nil {
		h.Fatal(err)
	}
	return out
}

// encryptAs is the error of Encrypt by who.
func (h *harness) encryptAs(who *call.Principal, key string, context map[string]string) error {
	_, err := h.as(who, testRegion).kms().Encrypt(h.Context(), &kmsapi.EncryptRequest{KeyId: &key, Plaintext: []byte("x"), EncryptionContext: context})
	return err
}

func wantErrorCode(t testing.TB, what string, err error, code string) {
	t.Helper()
	if got := codeOf(err); got != code {
		t.Errorf("%s: got %q (%v), want %q", what, got, err, code)
	}
}

func wantError(t testing.TB, what string, err error, code, message string) {
	t.Helper()
	if err == nil || codeOf(err) != code || err.Error() != strings.TrimSuffix(code+": "+message, ": ") {
		t.Errorf("%s:\n got %v\nwant %s: %s", what, err, code, message)
	}
}

var grantEncrypt = []kmsapi.GrantOperation{kmsapi.GrantOperationEncrypt}

func TestGrantIsEffectiveAtOnceAndEndsWhenRevoked(t *testing.T) {
	h := newHarness(t)
	key := h.newKey(&kmsapi.CreateKeyRequest{})
	owner, alice := root(testAccount), user(testAccount, "alice")
	stranger := user(otherAccount, "stranger")
	wantErrorCode(t, "before", h.encryptAs(alice, key, nil), "AccessDeniedException")
	g := h.grant(owner, &kmsapi.CreateGrantRequest{KeyId: &key, GranteePrincipal: &alice.ARN, Operations: grantEncrypt})
	if len(*g.GrantId) != 64 {
		t.Errorf("grant id %q", *g.GrantId)
	}
	wantErrorCode(t, "granted", h.encryptAs(alice, key, nil), "")
	wantErrorCode(t, "other user", h.encryptAs(user(testAccount, "bob"), key, nil), "AccessDeniedException")
	wantErrorCode(t, "other account before", h.encryptAs(stranger, key, nil), "AccessDeniedException")
	h.grant(owner, &kmsapi.CreateGrantRequest{KeyId: &key, GranteePrincipal: &stranger.ARN, Operations: grantEncrypt})
	h.allow(stranger, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}`)
	wantErrorCode(t, "other account", h.encryptAs(stranger, key, nil), "")
	if _, err := h.as(owner, testRegion).kms().RevokeGrant(t.Context(), &kmsapi.RevokeGrantRequest{KeyId: &key, GrantId: g.GrantId}); err != nil {
		t.Fatal(err)
	}
	wantErrorCode(t, "revoked", h.encryptAs(alice, key, nil), "AccessDeniedException")
	_, err := h.as(owner, testRegion).kms().RevokeGrant(t.Context(), &kmsapi.RevokeGrantRequest{KeyId: &key, GrantId: g.GrantId})
	wantError(t, "again", err, "NotFoundException", "Grant ID "+*g.GrantId+" not found")
}

func TestGrantToARoleCoversItsSessions(t *testing.T) {
	h := newHarness(t)
	key := h.newKey(&kmsapi.CreateKeyRequest{})
	one, two := roleSession(testAccount, "app", "one"), roleSession(testAccount, "app", "two")
	h.grant(root(testAccount), &kmsapi.CreateGrantRequest{KeyId: &key, GranteePrincipal: &one.ARN, Operations: grantEncrypt})
	wantErrorCode(t, "the session", h.encryptAs(one, key, nil), "")
	wantErrorCode(t, "another session", h.encryptAs(two, key, nil), "AccessDeniedException")
	h.grant(root(testAccount), &kmsapi.CreateGrantRequest{KeyId: &key, GranteePrincipal: &one.Session.RoleARN, Operations: grantEncrypt})
	wantErrorCode(t, "a session of the role", h.encryptAs(two, key, nil), "")
}

func TestGrantConstraints(t *testing.T) {
	h := newHarness(t)
	key := h.newKey(&kmsapi.CreateKeyRequest{})
	exact, part, empty := user(testAccount, "exact"), user(testAccount, "part"), user(testAccount, "empty")
	for who, c := range map[*call.Principal]*kmsapi.GrantConstraints{
		exact: {EncryptionContextEquals: map[string]string{"a": "1"}},
		part:  {EncryptionContextSubset: map[string]string{"a": "1"}},
		empty: {EncryptionContextEquals: map[string]string{}},
	} {
		h.grant(root(testAccount), &kmsapi.CreateGrantRequest{KeyId: &key, GranteePrincipal: &who.ARN, Constraints: c,
			Operations: []kmsapi.GrantOperation{kmsapi.GrantOperationEncrypt, kmsapi.GrantOperationDescribeKey}})
	}
	const denied = "AccessDeniedException"
	for _, test := range []struct {
		name    string
		who     *call.Principal
		context map[string]string
		want    string
	}{
		{"equal", exact, map[string]string{"a": "1"}, ""},
		{"more than equal", exact, map[string]string{"a": "1", "b": "2"}, denied},
		{"none for equal", exact, nil, denied},
		{"case of the value", exact, map[string]string{"a": "l"}, denied},
		{"case of the key", exact, map[string]string{"A": "1"}, denied},
		{"exact subset", part, map[string]string{"a": "1"}, ""},
		{"subset of more", part, map[string]string{"a": "1", "b": "2"}, ""},
		{"other value", part, map[string]string{"a": "2"}, denied},
		{"none for subset", part, nil, denied},
		{"no context allowed", empty, nil, ""},
		{"some where none is allowed", empty, map[string]string{"a": "1"}, denied},
	} {
		wantErrorCode(t, test.name, h.encryptAs(test.who, key, test.context), test.want)
	}
	if _, err := h.as(exact, testRegion).kms().DescribeKey(t.Context(), &kmsapi.DescribeKeyRequest{KeyId: &key}); err != nil {
		t.Errorf("DescribeKey takes no context and is not constrained: %v", err)
	}
}

func TestCreateGrantRefuses(t *testing.T) {
	h := newHarness(t)
	symmetric := h.newKey(&kmsapi.CreateKeyRequest{})
	hmac := h.newKey(&kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecHMAC256), KeyUsage: new(kmsapi.KeyUsageTypeGenerateVerifyMAC)})
	alice := user(testAccount, "alice").ARN
	ops := func(o ...kmsapi.GrantOperation) []kmsapi.GrantOperation { return o }
	pairs := map[string]string{}
	for i := range 9 {
		pairs[fmt.Sprint(i)] = "v"
	}
	for name, test := range map[string]struct {
		in            *kmsapi.CreateGrantRequest
		code, message string
	}{
		"service principal": {&kmsapi.CreateGrantRequest{KeyId: &symmetric, GranteePrincipal: new("sns.amazonaws.com"), Operations: grantEncrypt},
			"InvalidArnException", "ARN does not refer to a valid principal: sns.amazonaws.com"},
		"group": {&kmsapi.CreateGrantRequest{KeyId: &symmetric, GranteePrincipal: new("arn:aws:iam::111122223333:group/g"), Operations: grantEncrypt},
			"InvalidArnException", "ARN does not refer to a valid principal: arn:aws:iam::111122223333:group/g"},
		"retiring principal": {&kmsapi.CreateGrantRequest{KeyId: &symmetric, GranteePrincipal: &alice, RetiringPrincipal: new("nobody"), Operations: grantEncrypt},
			"InvalidArnException", "ARN does not refer to a valid principal: nobody"},
		"Sign on a symmetric key": {&kmsapi.CreateGrantRequest{KeyId: &symmetric, GranteePrincipal: &alice, Operations: ops(kmsapi.GrantOperationSign)},
			"ValidationException", "Grant operation Sign is not valid for KMS key " + symmetric + " with key usage ENCRYPT_DECRYPT and key spec SYMMETRIC_DEFAULT."},
		"Encrypt on an HMAC key": {&kmsapi.CreateGrantRequest{KeyId: &hmac, GranteePrincipal: &alice, Operations: grantEncrypt},
			"ValidationException", "Grant operation Encrypt is not valid for KMS key " + hmac + " with key usage GENERATE_VERIFY_MAC and key spec HMAC_256."},
		"GetPublicKey on a symmetric key": {&kmsapi.CreateGrantRequest{KeyId: &symmetric, GranteePrincipal: &alice, Operations: ops(kmsapi.GrantOperationGetPublicKey)},
			"ValidationException", "Grant operation GetPublicKey is not valid for KMS key " + symmetric + " with key usage ENCRYPT_DECRYPT and key spec SYMMETRIC_DEFAULT."},
		"constraint on an HMAC key": {&kmsapi.CreateGrantRequest{KeyId: &hmac, GranteePrincipal: &alice, Operations: ops(kmsapi.GrantOperationGenerateMac),
			Constraints: &kmsapi.GrantConstraints{EncryptionContextSubset: map[string]string{"a": "1"}}},
			"ValidationException", "Encryption context constraints are not supported for grants on asymmetric or HMAC KMS keys."},
		"nine pairs": {&kmsapi.CreateGrantRequest{KeyId: &symmetric, GranteePrincipal: &alice, Operations: grantEncrypt,
			Constraints: &kmsapi.GrantConstraints{EncryptionContextSubset: pairs}},
			"ValidationException", "A grant constraint can have at most 8 encryption context pairs."},
		"385 characters": {&kmsapi.CreateGrantRequest{KeyId: &symmetric, GranteePrincipal: &alice, Operations: grantEncrypt,
			Constraints: &kmsapi.GrantConstraints{EncryptionContextEquals: map[string]string{"a": strings.Repeat("é", 384)}}},
			"ValidationException", "The encryption context of a grant constraint cannot exceed 384 characters."},
		"garbage token": {&kmsapi.CreateGrantRequest{KeyId: &symmetric, GranteePrincipal: &alice, Operations: grantEncrypt, GrantTokens: []string{"garbage"}},
			"InvalidGrantTokenException", "Grant token is not valid."},
		"alias": {&kmsapi.CreateGrantRequest{KeyId: new("alias/a"), GranteePrincipal: &alice, Operations: grantEncrypt},
			"InvalidArnException", "Key Aliases are not supported for this operation."},
		"dry run": {&kmsapi.CreateGrantRequest{KeyId: &symmetric, GranteePrincipal: &alice, Operations: grantEncrypt, DryRun: new(true)},
			"DryRunOperationException", "The request would have succeeded, but the DryRun option is set."},
	} {
		_, err := h.as(root(testAccount), testRegion).kms().CreateGrant(t.Context(), test.in)
		wantError(t, name, err, test.code, test.message)
	}
	if got := h.listGrants(&kmsapi.ListGrantsRequest{KeyId: &symmetric}); len(got) != 0 {
		t.Errorf("refused requests left %d grants", len(got))
	}
}

// listGrants follows all pages.
func (h *harness) listGrants(in *kmsapi.ListGrantsRequest) (all []kmsapi.GrantListEntry) {
	h.Helper()
	for {
		out, err := h.as(root(testAccount), testRegion).kms().ListGrants(h.Context(), in)
		if err != nil {
			h.Fatal(err)
		}
		all = append(all, out.Grants...)
		if !*out.Truncated {
			return all
		}
		in.Marker = out.NextMarker
	}
}

func TestNamedGrantIsMadeOnce(t *testing.T) {
	h := newHarness(t)
	key := h.newKey(&kmsapi.CreateKeyRequest{})
	alice := user(testAccount, "alice").ARN
	in := func() *kmsapi.CreateGrantRequest {
		return &kmsapi.CreateGrantRequest{KeyId: &key, GranteePrincipal: &alice, Operations: grantEncrypt, Name: new("n"),
			Constraints: &kmsapi.GrantConstraints{EncryptionContextSubset: map[string]string{"a": "1", "b": "2"}}}
	}
	first, again := h.grant(root(testAccount), in()), h.grant(root(testAccount), in())
	if *first.GrantId != *again.GrantId {
		t.Error("the same request made another grant")
	}
	if *first.GrantToken == *again.GrantToken {
		t.Error("the token must be another one")
	}
	different := in()
	different.Operations = append(different.Operations, kmsapi.GrantOperationDecrypt)
	if g := h.grant(root(testAccount), different); *g.GrantId == *first.GrantId {
		t.Error("other parameters, same grant")
	}
	unnamed := &kmsapi.CreateGrantRequest{KeyId: &key, GranteePrincipal: &alice, Operations: grantEncrypt}
	if a, b := h.grant(root(testAccount), unnamed), h.grant(root(testAccount), unnamed); *a.GrantId == *b.GrantId {
		t.Error("unnamed grants must differ")
	}
	// After it is revoked the name is free again.
	if _, err := h.as(root(testAccount), testRegion).kms().RevokeGrant(t.Context(), &kmsapi.RevokeGrantRequest{KeyId: &key, GrantId: first.GrantId}); err != nil {
		t.Fatal(err)
	}
	if g := h.grant(root(testAccount), in()); *g.GrantId == *first.GrantId {
		t.Error("a revoked grant came back")
	}
}

func TestGranteeHandsOnNoMoreThanItHas(t *testing.T) {
	h := newHarness(t)
	key := h.newKey(&kmsapi.CreateKeyRequest{})
	alice, bob := user(testAccount, "alice"), user(testAccount, "bob")
	create, encrypt, decrypt := kmsapi.GrantOperationCreateGrant, kmsapi.GrantOperationEncrypt, kmsapi.GrantOperationDecrypt
	subset := func(kv ...string) *kmsapi.GrantConstraints {
		return &kmsapi.GrantConstraints{EncryptionContextSubset: pairsOf(kv)}
	}
	equals := func(kv ...string) *kmsapi.GrantConstraints {
		return &kmsapi.GrantConstraints{EncryptionContextEquals: pairsOf(kv)}
	}
	const denied = "AccessDeniedException"
	for _, test := range []struct {
		name          string
		parent, child *kmsapi.GrantConstraints
		ops           []kmsapi.GrantOperation
		want          string
	}{
		{"same operations", nil, nil, []kmsapi.GrantOperation{create, encrypt}, ""},
		{"fewer operations", nil, nil, []kmsapi.GrantOperation{encrypt}, ""},
		{"one more operation", nil, nil, []kmsapi.GrantOperation{encrypt, decrypt}, denied},
		{"added constraint", nil, subset("a", "1"), grantEncrypt, ""},
		{"same subset", subset("a", "1"), subset("a", "1"), grantEncrypt, ""},
		{"stricter subset", subset("a", "1"), subset("a", "1", "b", "2"), grantEncrypt, ""},
		{"equals for subset", subset("a", "1"), equals("a", "1", "b", "2"), grantEncrypt, ""},
		{"dropped constraint", subset("a", "1"), nil, grantEncrypt, denied},
		{"other subset", subset("a", "1"), subset("b", "2"), grantEncrypt, denied},
		{"same equals", equals("a", "1"), equals("a", "1"), grantEncrypt, ""},
		{"subset for equals", equals("a", "1"), subset("a", "1"), grantEncrypt, denied},
		{"wider equals", equals("a", "1"), equals("a", "1", "b", "2"), grantEncrypt, denied},
	} {
		parent := h.grant(root(testAccount), &kmsapi.CreateGrantRequest{KeyId: &key, GranteePrincipal: &alice.ARN,
			Operations: []kmsapi.GrantOperation{create, encrypt}, Constraints: test.parent})
		_, err := h.as(alice, testRegion).kms().CreateGrant(t.Context(), &kmsapi.CreateGrantRequest{
			KeyId: &key, GranteePrincipal: &bob.ARN, Operations: test.ops, Constraints: test.child})
		wantErrorCode(t, test.name, err, test.want)
		if _, err := h.as(root(testAccount), testRegion).kms().RevokeGrant(t.Context(), &kmsapi.RevokeGrantRequest{KeyId: &key, GrantId: parent.GrantId}); err != nil {
			t.Fatal(err)
		}
	}
}

func pairsOf(kv []string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	return m
}

func TestKeyPolicyDenyOverridesAGrant(t *testing.T) {
	h := newHarness(t)
	alice := user(testAccount, "alice")
	key := h.newKey(&kmsapi.CreateKeyRequest{Policy: new(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Deny","Principal":{"AWS":"` + alice.ARN + `"},"Action":"kms:Encrypt","Resource":"*"}]}`)})
	h.grant(root(testAccount), &kmsapi.CreateGrantRequest{KeyId: &key, GranteePrincipal: &alice.ARN, Operations: grantEncrypt})
	wantErrorCode(t, "denied by policy", h.encryptAs(alice, key, nil), "AccessDeniedException")
}

func TestWhoMayRetireAGrant(t *testing.T) {
	h := newHarness(t)
	key := h.newKey(&kmsapi.CreateKeyRequest{})
	grantee, retirer, stranger := user(testAccount, "grantee"), user(otherAccount, "retirer"), user(testAccount, "stranger")
	for _, test := range []struct {
		name string
		who  *call.Principal
		ops  []kmsapi.GrantOperation
		want string
	}{
		{"retiring principal of another account", retirer, grantEncrypt, ""},
		{"grantee with RetireGrant", grantee, []kmsapi.GrantOperation{kmsapi.GrantOperationRetireGrant}, ""},
		{"grantee without", grantee, grantEncrypt, "AccessDeniedException"},
		{"owner", root(testAccount), grantEncrypt, ""},
		{"stranger", stranger, grantEncrypt, "AccessDeniedException"},
		{"root of another account", root(otherAccount), grantEncrypt, "AccessDeniedException"},
	} {
		for _, by := range []string{"token", "id"} {
			g := h.grant(root(testAccount), &kmsapi.CreateGrantRequest{KeyId: &key, GranteePrincipal: &grantee.ARN, RetiringPrincipal: &retirer.ARN, Operations: test.ops})
			in := &kmsapi.RetireGrantRequest{GrantToken: g.GrantToken}
			if by == "id" {
				in = &kmsapi.RetireGrantRequest{KeyId: &key, GrantId: g.GrantId}
			}
			in.DryRun = new(true)
			_, err := h.as(test.who, testRegion).kms().RetireGrant(t.Context(), in)
			dry := test.want
			if dry == "" {
				dry = "DryRunOperationException"
			}
			wantErrorCode(t, test.name+", dry, by "+by, err, dry)
			in.DryRun = nil
			_, err = h.as(test.who, testRegion).kms().RetireGrant(t.Context(), in)
			wantErrorCode(t, test.name+" by "+by, err, test.want)
			if left := h.listGrants(&kmsapi.ListGrantsRequest{KeyId: &key, GrantId: g.GrantId}); len(left) == 1 != (test.want != "") {
				t.Errorf("%s by %s: %d grants left", test.name, by, len(left))
			}
		}
	}
	for name, in := range map[string]*kmsapi.RetireGrantRequest{
		"nothing": {}, "key alone": {KeyId: &key}, "grant alone": {GrantId: new(newGrantID())},
		"both": {GrantToken: new("x"), KeyId: &key, GrantId: new(newGrantID())},
	} {
		_, err := h.as(root(testAccount), testRegion).kms().RetireGrant(t.Context(), in)
		wantErrorCode(t, name, err, "ValidationException")
	}
	_, err := h.as(root(testAccount), testRegion).kms().RetireGrant(t.Context(), &kmsapi.RetireGrantRequest{KeyId: &key, GrantId: new(strings.Repeat("a", 64))})
	wantErrorCode(t, "unknown grant", err, "NotFoundException")
}

func TestGrantTokens(t *testing.T) {
	h := newHarness(t)
	key := h.newKey(&kmsapi.CreateKeyRequest{})
	alice := user(testAccount, "alice")
	g := h.grant(root(testAccount), &kmsapi.CreateGrantRequest{KeyId: &key, GranteePrincipal: &alice.ARN, Operations: grantEncrypt})
	c := h.as(alice, testRegion).kms()
	encrypt := func(tokens ...string) error {
		_, err := c.Encrypt(t.Context(), &kmsapi.EncryptRequest{KeyId: &key, Plaintext: []byte("x"), GrantTokens: tokens})
		return err
	}
	wantErrorCode(t, "its token", encrypt(*g.GrantToken), "")
	raw, err := base64.RawURLEncoding.DecodeString(*g.GrantToken)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		bad := slices.Clone(raw)
		bad[i] ^= 1
		wantErrorCode(t, fmt.Sprintf("bit of byte %d flipped", i), encrypt(base64.RawURLEncoding.EncodeToString(bad)), "InvalidGrantTokenException")
	}
	for _, token := range []string{"x", "!", strings.Repeat("A", 8192)} {
		wantErrorCode(t, "garbage", encrypt(token), "InvalidGrantTokenException")
	}
	// Another key's token, and that of a grant that is gone, are ignored.
	other := h.newKey(&kmsapi.CreateKeyRequest{})
	irrelevant := h.grant(root(testAccount), &kmsapi.CreateGrantRequest{KeyId: &other, GranteePrincipal: &alice.ARN, Operations: grantEncrypt})
	if _, err := h.as(root(testAccount), testRegion).kms().RevokeGrant(t.Context(), &kmsapi.RevokeGrantRequest{KeyId: &other, GrantId: irrelevant.GrantId}); err != nil {
		t.Fatal(err)
	}
	wantErrorCode(t, "irrelevant token", encrypt(*irrelevant.GrantToken), "")
	// A token is no permission: bob has alice's.
	_, err = h.as(user(testAccount, "bob"), testRegion).kms().Encrypt(t.Context(), &kmsapi.EncryptRequest{KeyId: &key, Plaintext: []byte("x"), GrantTokens: []string{*g.GrantToken}})
	wantErrorCode(t, "somebody else's token", err, "AccessDeniedException")
}

func TestListGrantsPagesAndFilters(t *testing.T) {
	h := newHarness(t)
	key := h.newKey(&kmsapi.CreateKeyRequest{})
	retirer := user(testAccount, "retirer").ARN
	want := map[string]bool{}
	for i := range 7 {
		g := h.grant(root(testAccount), &kmsapi.CreateGrantRequest{KeyId: &key, GranteePrincipal: new(user(testAccount, fmt.Sprint("u", i%2)).ARN),
			RetiringPrincipal: &retirer, Operations: grantEncrypt, Name: new(fmt.Sprint("g", i))})
		want[*g.GrantId] = true
	}
	for _, limit := range []int32{1, 3, 7, 100} {
		got := h.listGrants(&kmsapi.ListGrantsRequest{KeyId: &key, Limit: &limit})
		seen := map[string]bool{}
		for _, g := range got {
			seen[*g.GrantId] = true
		}
		if len(got) != 7 || len(seen) != 7 {
			t.Errorf("limit %d: %d grants, %d different", limit, len(got), len(seen))
		}
	}
	if got := h.listGrants(&kmsapi.ListGrantsRequest{KeyId: &key, Limit: new(int32(2)), GranteePrincipal: new(user(testAccount, "u0").ARN)}); len(got) != 4 {
		t.Errorf("%d grants of u0", len(got))
	}
	var retirable []kmsapi.GrantListEntry
	in := &kmsapi.ListRetirableGrantsRequest{RetiringPrincipal: &retirer, Limit: new(int32(3))}
	c := h.as(root(testAccount), testRegion).kms()
	for {
		out, err := c.ListRetirableGrants(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		retirable = append(retirable, out.Grants...)
		if in.Marker = out.NextMarker; in.Marker == nil {
			break
		}
	}
	if len(retirable) != 7 {
		t.Errorf("%d retirable grants", len(retirable))
	}
	e := retirable[0]
	if *e.KeyId != key || *e.RetiringPrincipal != retirer || *e.IssuingAccount != "arn:aws:iam::"+testAccount+":root" || !slices.Equal(e.Operations, grantEncrypt) || !want[*e.GrantId] {
		t.Errorf("entry: %+v", e)
	}
	_, err := c.ListGrants(t.Context(), &kmsapi.ListGrantsRequest{KeyId: &key, Limit: new(int32(101))})
	wantError(t, "limit", err, "ValidationException", "1 validation error detected: Value '101' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 100")
	_, err = c.ListGrants(t.Context(), &kmsapi.ListGrantsRequest{KeyId: &key, Marker: new("xyz")})
	wantError(t, "marker", err, "InvalidMarkerException", "Could not deserialize marker 'xyz'")
}

func TestGrantQuota(t *testing.T) {
	h := newHarness(t)
	key := h.newKey(&kmsapi.CreateKeyRequest{})
	alice := user(testAccount, "alice").ARN
	h.grant(root(testAccount), &kmsapi.CreateGrantRequest{KeyId: &key, GranteePrincipal: &alice, Operations: grantEncrypt})
	name := keyName{testAccount, testRegion, key[strings.LastIndexByte(key, '/')+1:]}
	h.service.directory.grantCounted(name, h.service.quotas.grants-2) // as if so many more had been made
	h.grant(root(testAccount), &kmsapi.CreateGrantRequest{KeyId: &key, GranteePrincipal: &alice, Operations: grantEncrypt})
	_, err := h.as(root(testAccount), testRegion).kms().CreateGrant(t.Context(), &kmsapi.CreateGrantRequest{KeyId: &key, GranteePrincipal: &alice, Operations: grantEncrypt})
	wantError(t, "one too many", err, "LimitExceededException", "Grant limit exceeded for key "+key+".")
}

// manyGrants writes grants to many users straight into the store, as CreateGrant would.
func (h *harness) manyGrants(name keyName, n int) {
	h.Helper()
	for done := 0; done < n; {
		_, err := h.store.Update(h.Context(), func(tx store.Txn) error {
			for i := range min(30, n-done) {
				g := &grantRecord{Account: name.account, Region: name.region, KeyID: name.id, ID: fmt.Sprintf("%064x", done+i),
					Created: h.clock.Now(), Grantee: user(testAccount, fmt.Sprint("user", done+i)).ARN, Issuing: root(testAccount).ARN, Operations: grantEncrypt}
				if err := h.service.tables.grants.Insert(tx, g); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			h.Fatal(err)
		}
		done += min(30, n-done)
	}
}
