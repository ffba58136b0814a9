package kms

import (
	"strings"
	"sync"
	"testing"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
)

// staff stands for the directory of IAM: ids by ARN.
type staff struct {
	mu  sync.Mutex
	ids map[string]string
}

func (s *staff) PrincipalID(arn string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if rest, ok := strings.CutPrefix(arn, "arn:aws:sts::"); ok {
		account, name, _ := strings.Cut(rest, ":assumed-role/")
		role, session, _ := strings.Cut(name, "/")
		id, ok := s.ids["arn:aws:iam::"+account+":role/"+role]
		return id + ":" + session, ok
	}
	id, ok := s.ids[arn]
	return id, ok
}

func (s *staff) PrincipalARN(id string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, session, isSession := strings.Cut(id, ":")
	for arn, known := range s.ids {
		if known != id {
			continue
		}
		if isSession {
			return strings.Replace(strings.Replace(arn, ":iam:", ":sts:", 1), ":role/", ":assumed-role/", 1) + "/" + session, true
		}
		return arn, true
	}
	return "", false
}

// hire makes a user or role under an id, in place of one of that name if there is one.
func (s *staff) hire(arn, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids[arn] = id
}

func (s *staff) dismiss(arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ids, arn)
}

const (
	aliceARN = "arn:aws:iam::" + testAccount + ":user/alice"
	roleARN  = "arn:aws:iam::" + testAccount + ":role/worker"
)

func aliceWith(id string) *call.Principal {
	return &call.Principal{Kind: call.User, Account: testAccount, ARN: aliceARN, ID: id, UserName: "alice"}
}

func workerWith(id string) *call.Principal {
	return &call.Principal{
		Kind: call.AssumedRole, Account: testAccount, ARN: "arn:aws:sts::" + testAccount + ":assumed-role/worker/s", ID: id + ":s",
		Session: &call.Session{RoleARN: roleARN, RoleID: id, RoleName: "worker", Name: "s"},
	}
}

// staffed is a harness with a user alice, a role worker, and what tests of either need.
func staffed(t *testing.T) (*harness, *staff) {
	t.Helper()
	people := &staff{ids: map[string]string{aliceARN: "AIDAALICE0000000001", roleARN: "AROAWORKER000000001"}}
	return newHarness(t, func(c *Config) { c.Principals = people }), people
}

// deletions are the principals of the tests, before and after they are made anew under
// the same name.
var deletions = []struct {
	name, arn, id, newID string
	as                   func(id string) *call.Principal
}{
	{"user", aliceARN, "AIDAALICE0000000001", "AIDAALICE0000000002", aliceWith},
	{"role", roleARN, "AROAWORKER000000001", "AROAWORKER000000002", workerWith},
	{"session", "arn:aws:sts::" + testAccount + ":assumed-role/worker/s", "AROAWORKER000000001", "AROAWORKER000000002", workerWith},
}

// personARN is whom to delete: the role of a session.
func personARN(arn string) string {
	if strings.Contains(arn, "assumed-role") {
		return roleARN
	}
	return arn
}

func policyNaming(who string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + testAccount + `:root"},"Action":"kms:*","Resource":"*"},
  {"Effect":"Allow","Principal":{"AWS":["` + who + `"]},"Action":["kms:Encrypt","kms:PutKeyPolicy"],"Resource":"*"}]}`
}

func TestKeyPolicyIsForWhoItNamedThen(t *testing.T) {
	for _, test := range deletions {
		t.Run(test.name, func(t *testing.T) {
			h, people := staffed(t)
			c := h.as(root(testAccount), testRegion).kms()
			document := policyNaming(test.arn)
			printed, err := printedPolicy(document)
			h.must(err)
			created := h.newKey(&kmsapi.CreateKeyRequest{Policy: &document})
			put := h.newKey(&kmsapi.CreateKeyRequest{})
			_, err = c.PutKeyPolicy(t.Context(), &kmsapi.PutKeyPolicyRequest{KeyId: &put, Policy: &document})
			h.must(err)
			for _, key := range []string{created, put} {
				shown := func() string {
					t.Helper()
					out, err := c.GetKeyPolicy(t.Context(), &kmsapi.GetKeyPolicyRequest{KeyId: &key})
					return *must(t, out, err).Policy
				}
				people.hire(personARN(test.arn), test.id)
				wantErrorCode(t, "named", h.encryptAs(test.as(test.id), key, nil), "")
				if got := shown(); got != printed {
					t.Errorf("shown as %s", got)
				}
				people.dismiss(personARN(test.arn))
				if got := shown(); strings.Contains(got, test.arn) || !strings.Contains(got, test.id) {
					t.Errorf("after the deletion shown as %s", got)
				}
				_, err := c.PutKeyPolicy(t.Context(), &kmsapi.PutKeyPolicyRequest{KeyId: &key, Policy: new(shown())})
				wants(t, err, "MalformedPolicyDocumentException", "Policy contains a statement with one or more invalid principals.")
				people.hire(personARN(test.arn), test.newID)
				wantErrorCode(t, "of the same name", h.encryptAs(test.as(test.newID), key, nil), "AccessDeniedException")
				if got := shown(); !strings.Contains(got, test.id) {
					t.Errorf("for the new one shown as %s", got)
				}
			}
		})
	}
}

func TestKeyPolicyOfReplicaIsStoredByID(t *testing.T) {
	h, people := staffed(t)
	r := h.in(testRegion)
	primary := r.create(&kmsapi.CreateKeyRequest{MultiRegion: new(true)})
	document := policyNaming(aliceARN)
	out, err := r.ReplicateKey(t.Context(), &kmsapi.ReplicateKeyRequest{KeyId: primary.KeyId, ReplicaRegion: new("us-west-2"), Policy: &document})
	if got := *must(t, out, err).ReplicaPolicy; !strings.Contains(got, aliceARN) {
		t.Errorf("shown as %s", got)
	}
	people.hire(aliceARN, "AIDAALICE0000000002")
	policy, err := h.in("us-west-2").GetKeyPolicy(t.Context(), &kmsapi.GetKeyPolicyRequest{KeyId: primary.KeyId})
	if got := *must(t, policy, err).Policy; !strings.Contains(got, "AIDAALICE0000000001") {
		t.Errorf("shown as %s", got)
	}
	_, err = r.ReplicateKey(t.Context(), &kmsapi.ReplicateKeyRequest{KeyId: primary.KeyId, ReplicaRegion: new("eu-west-1"), Policy: new(policyNaming(aliceARN + "x"))})
	wantsCode(t, err, "MalformedPolicyDocumentException")
}

func TestKeyPolicyNamesOnlyWhoExists(t *testing.T) {
	h, _ := staffed(t)
	c := h.as(root(testAccount), testRegion).kms()
	key := h.newKey(&kmsapi.CreateKeyRequest{})
	const refusal = "Policy contains a statement with one or more invalid principals."
	for who, want := range map[string]string{
		aliceARN: "", roleARN: "", "arn:aws:sts::" + testAccount + ":assumed-role/worker/any": "", "AIDAALICE0000000001": "", "*": "",
		otherAccount: "", "arn:aws:iam::" + otherAccount + ":root": "", "arn:aws:sts::" + testAccount + ":federated-user/carol": "",
		"arn:aws:iam::" + testAccount + ":user/nobody": refusal, "arn:aws:iam::" + otherAccount + ":role/nobody": refusal,
		"arn:aws:sts::" + testAccount + ":assumed-role/nobody/s": refusal, "AIDANOBODY000000001": refusal, "AROANOBODY000000001": refusal, "nonsense": refusal, "arn:aws:iam::" + testAccount + ":user/*": refusal,
	} {
		for _, bypass := range []bool{false, true} {
			document := policyNaming(who)
			_, err := c.PutKeyPolicy(t.Context(), &kmsapi.PutKeyPolicyRequest{KeyId: &key, Policy: &document, BypassPolicyLockoutSafetyCheck: &bypass})
			_, errCreate := c.CreateKey(t.Context(), &kmsapi.CreateKeyRequest{Policy: &document, BypassPolicyLockoutSafetyCheck: &bypass})
			for _, err := range []error{err, errCreate} {
				if want == "" && err != nil {
					t.Errorf("%s: %v", who, err)
				} else if want != "" {
					wants(t, err, "MalformedPolicyDocumentException", want)
				}
			}
		}
	}
}

// The lockout check compares ids too: the caller is found in a policy that names only it.
func TestLockoutCheckKnowsTheCallerByID(t *testing.T) {
	h, _ := staffed(t)
	h.allow(aliceWith(""), `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:CreateKey","Resource":"*"}}`)
	alone := func(who string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + who + `"},"Action":"kms:*","Resource":"*"}}`
	}
	c := h.as(aliceWith("AIDAALICE0000000001"), testRegion).kms()
	_, err := c.CreateKey(t.Context(), &kmsapi.CreateKeyRequest{Policy: new(alone(aliceARN))})
	h.must(err)
	_, err = c.CreateKey(t.Context(), &kmsapi.CreateKeyRequest{Policy: new(alone(roleARN))})
	wants(t, err, "MalformedPolicyDocumentException", "The new key policy will not allow you to update the key policy in the future.")
}

func TestGrantIsForWhoItNamedThen(t *testing.T) {
	for _, test := range deletions {
		t.Run(test.name, func(t *testing.T) {
			h, people := staffed(t)
			key := h.newKey(&kmsapi.CreateKeyRequest{})
			request := &kmsapi.CreateGrantRequest{
				KeyId: &key, GranteePrincipal: &test.arn, RetiringPrincipal: &test.arn, Name: new("n"), Operations: grantEncrypt,
			}
			granted := h.grant(root(testAccount), request)
			if again := h.grant(root(testAccount), request); *again.GrantId != *granted.GrantId {
				t.Error("the same request made another grant")
			}
			wantErrorCode(t, "grantee", h.encryptAs(test.as(test.id), key, nil), "")
			listed := func(grantee string) []kmsapi.GrantListEntry {
				t.Helper()
				return h.listGrants(&kmsapi.ListGrantsRequest{KeyId: &key, GranteePrincipal: &grantee})
			}
			c := h.as(root(testAccount), testRegion).kms()
			retirable := func() int {
				t.Helper()
				out, err := c.ListRetirableGrants(t.Context(), &kmsapi.ListRetirableGrantsRequest{RetiringPrincipal: &test.arn})
				return len(must(t, out, err).Grants)
			}
			if got := listed(test.arn); len(got) != 1 || *got[0].GranteePrincipal != test.arn || *got[0].RetiringPrincipal != test.arn || retirable() != 1 {
				t.Errorf("listed %v, %d retirable", got, retirable())
			}

			people.dismiss(personARN(test.arn))
			all := h.listGrants(&kmsapi.ListGrantsRequest{KeyId: &key})
			if len(all) != 1 || !strings.HasPrefix(*all[0].GranteePrincipal, test.id) || len(listed(*all[0].GranteePrincipal)) != 1 ||
				len(listed(test.arn)) != 0 || retirable() != 0 {
				t.Errorf("after the deletion: %v", all)
			}
			_, err := c.CreateGrant(t.Context(), request)
			wants(t, err, "InvalidArnException", "ARN does not refer to a valid principal: "+test.arn)

			people.hire(personARN(test.arn), test.newID)
			successor := test.as(test.newID)
			wantErrorCode(t, "of the same name", h.encryptAs(successor, key, nil), "AccessDeniedException")
			_, err = h.as(successor, testRegion).kms().RetireGrant(t.Context(), &kmsapi.RetireGrantRequest{KeyId: &key, GrantId: granted.GrantId})
			wantErrorCode(t, "retiring of the same name", err, "AccessDeniedException")
			if again := h.grant(root(testAccount), request); *again.GrantId == *granted.GrantId {
				t.Error("the grant to the new one is the old one's")
			}
			wantErrorCode(t, "with a grant of its own", h.encryptAs(successor, key, nil), "")
			_, err = h.as(successor, testRegion).kms().RetireGrant(t.Context(), &kmsapi.RetireGrantRequest{KeyId: &key, GrantId: h.grant(root(testAccount), request).GrantId})
			wantErrorCode(t, "retiring its own", err, "")
		})
	}
}

func TestGrantNamesOnlyWhoExists(t *testing.T) {
	h, _ := staffed(t)
	key := h.newKey(&kmsapi.CreateKeyRequest{})
	c := h.as(root(testAccount), testRegion).kms()
	for who, ok := range map[string]bool{
		aliceARN: true, roleARN: true, "arn:aws:sts::" + testAccount + ":assumed-role/worker/any": true,
		"arn:aws:iam::" + otherAccount + ":root": true, "arn:aws:sts::" + testAccount + ":federated-user/carol": true,
		"arn:aws:iam::" + testAccount + ":user/nobody": false, "arn:aws:sts::" + testAccount + ":assumed-role/nobody/s": false,
		"AIDAALICE0000000001": false,
	} {
		_, err := c.CreateGrant(t.Context(), &kmsapi.CreateGrantRequest{KeyId: &key, GranteePrincipal: &who, Operations: grantEncrypt})
		_, errRetiring := c.CreateGrant(t.Context(), &kmsapi.CreateGrantRequest{
			KeyId: &key, GranteePrincipal: new(aliceARN), RetiringPrincipal: &who, Operations: grantEncrypt,
		})
		for _, err := range []error{err, errRetiring} {
			if ok {
				wantErrorCode(t, who, err, "")
			} else {
				wants(t, err, "InvalidArnException", "ARN does not refer to a valid principal: "+who)
			}
		}
	}
}
