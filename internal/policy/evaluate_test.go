package policy

import (
	"strings"
	"testing"
)

// The people of the documents, in account 111122223333 unless said.
var (
	alice   = &Principal{Type: User, ARN: "arn:aws:iam::111122223333:user/alice", Account: "111122223333", UserID: "AIDAALICE0000000001", UserName: "alice"}
	outside = &Principal{Type: User, ARN: "arn:aws:iam::999988887777:user/olga", Account: "999988887777", UserID: "AIDAOLGA00000000001", UserName: "olga"}
	owner   = &Principal{Type: RootUser, ARN: "arn:aws:iam::111122223333:root", Account: "111122223333", UserID: "111122223333"}
	session = &Principal{Type: RoleSession, ARN: "arn:aws:sts::111122223333:assumed-role/R/s", Account: "111122223333",
		UserID: "AROAROLE00000000001:s", RoleARN: "arn:aws:iam::111122223333:role/R", RoleID: "AROAROLE00000000001"}
	linked = &Principal{Type: RoleSession, ServiceLinked: true, ARN: "arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForX/s", Account: "111122223333",
		UserID: "AROASLR000000000001:s", RoleARN: "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"}
	fred = &Principal{Type: FederatedUser, ARN: "arn:aws:sts::111122223333:federated-user/fred", Account: "111122223333",
		UserID: "111122223333:fred", IssuerARN: alice.ARN, IssuerID: alice.UserID}
	ofRoot = &Principal{Type: FederatedUser, ARN: "arn:aws:sts::111122223333:federated-user/rufus", Account: "111122223333",
		UserID: "111122223333:rufus", IssuerARN: owner.ARN}
	service   = &Principal{Type: Service, Services: []string{"sns.amazonaws.com"}}
	web       = &Principal{Type: WebIdentity, Provider: "accounts.example.com"}
	anonymous = &Principal{}
)

const theKey = "arn:aws:kms:eu-west-1:111122223333:key/k"

// house builds Policies from words: "identity allow", "boundary none", "scp deny" …
// Each word pair puts a policy of that kind there whose statement allows or denies
// everything, or (none) one that says nothing about the request. "resource allow WHO"
// names a principal; "mode delegating" and "mode trust" set the mode.
func house(t *testing.T, words string) *Policies {
	t.Helper()
	ps := &Policies{}
	for item := range strings.SplitSeq(words, ",") {
		f := strings.Fields(item)
		if len(f) == 0 {
			continue
		}
		doc := map[string]string{
			"allow": `"Effect":"Allow","Action":"*","Resource":"*"`,
			"deny":  `"Effect":"Deny","Action":"*","Resource":"*"`,
			"none":  `"Effect":"Allow","Action":"other:Thing","Resource":"*"`,
		}[f[1]]
		principal := `"Principal":"*",`
		if len(f) > 2 {
			principal = `"Principal":{"AWS":"` + f[2] + `"},`
			if strings.Contains(f[2], ".") {
				principal = `"Principal":{"Service":"` + f[2] + `","Federated":"` + f[2] + `"},`
			}
		}
		plain := func(k Kind) *Policy { return must(t, k, `{"Version":"2012-10-17","Statement":{`+doc+`}}`) }
		named := func(k Kind) *Policy {
			return must(t, k, `{"Version":"2012-10-17","Statement":{`+principal+doc+`}}`)
		}
		switch f[0] {
		case "identity":
			ps.Identity = append(ps.Identity, plain(IdentityManaged))
		case "boundary":
			ps.Boundary = plain(Boundary)
		case "session":
			ps.Session = append(ps.Session, plain(Session))
		case "scp":
			ps.SCP = append(ps.SCP, []*Policy{plain(ServiceControl)})
		case "rcp":
			ps.RCP = append(ps.RCP, []*Policy{named(ResourceControl)})
		case "endpoint":
			ps.VPCEndpoint = named(VPCEndpoint)
		case "resource":
			ps.Resource = append(ps.Resource, named(Resource))
		case "except": // a Deny with NotPrincipal
			list := `"` + strings.Join(f[1:], `","`) + `"`
			ps.Resource = append(ps.Resource, must(t, Resource,
				`{"Version":"2012-10-17","Statement":{"Effect":"Deny","NotPrincipal":{"AWS":[`+list+`]},"Action":"*","Resource":"*"}}`))
		case "grant":
			ps.Extra = grant(f[1])
		case "management":
			ps.ManagementAccount = f[1]
		case "mode":
			ps.ResourceMode = map[string]ResourceMode{"delegating": ResourceDelegating, "trust": ResourceTrust}[f[1]]
		default:
			t.Fatalf("unknown word %q", f[0])
		}
	}
	return ps
}

type grant string

func (g grant) Allow() (string, bool) { return string(g), true }

// TestDocumentedRules has one line for each rule of "Policy evaluation logic" and the
// pages it refers to.
func TestDocumentedRules(t *testing.T) {
	const (
		account = "arn:aws:iam::111122223333:root"
		user    = "arn:aws:iam::111122223333:user/alice"
		role    = "arn:aws:iam::111122223333:role/R"
		sess    = "arn:aws:sts::111122223333:assumed-role/R/s"
		olga    = "arn:aws:iam::999988887777:user/olga"
	)
	for _, c := range []struct {
		who   *Principal
		house string
		want  string // allowed, or the end of the denial
	}{
		// Default: implicit deny, except root.
		{alice, "", "no identity-based policy"},
		{owner, "", "allowed"},
		{anonymous, "", "no resource-based policy"},
		{alice, "identity allow", "allowed"},
		{alice, "identity none, identity allow", "allowed"},
		// An explicit deny in any policy overrides any allow.
		{alice, "identity allow, identity deny", "explicit deny in an identity-based policy"},
		{alice, "identity allow, boundary deny", "explicit deny in a permissions boundary"},
		{alice, "identity allow, resource deny", "explicit deny in a resource-based policy"},
		{session, "identity allow, session deny", "explicit deny in a session policy"},
		{alice, "identity allow, scp allow, scp deny", "explicit deny in a service control policy"},
		{owner, "scp deny", "explicit deny in a service control policy"},
		{alice, "identity allow, rcp deny", "explicit deny in a resource control policy"},
		{outside, "identity allow, resource allow, rcp deny", "explicit deny in a resource control policy"},
		{alice, "identity allow, endpoint deny", "explicit deny in a VPC endpoint policy"},
		{owner, "resource deny", "explicit deny in a resource-based policy"},
		{alice, "resource allow " + user + ", identity deny", "explicit deny in an identity-based policy"},
		{alice, "resource allow " + user + ", boundary deny", "explicit deny in a permissions boundary"},
		{session, "resource allow " + sess + ", session deny", "explicit deny in a session policy"},
		// SCPs: every level must allow; member accounts only; not service-linked roles.
		{alice, "identity allow, scp allow, scp allow", "allowed"},
		{alice, "identity allow, scp allow, scp none, scp allow", "no service control policy"},
		{owner, "scp none", "no service control policy"},
		{alice, "resource allow " + user + ", scp none", "no service control policy"},
		{alice, "identity allow, scp deny, management 111122223333", "allowed"},
		{linked, "identity allow, scp deny", "allowed"},
		{service, "resource allow sns.amazonaws.com, scp deny", "allowed"},
		// RCPs: all callers of the resource; not service-linked roles; not the management account.
		{alice, "identity allow, rcp allow, rcp none", "no resource control policy"},
		{service, "resource allow sns.amazonaws.com, rcp deny", "explicit deny in a resource control policy"},
		{owner, "rcp deny", "explicit deny in a resource control policy"},
		{linked, "identity allow, rcp deny", "allowed"},
		{alice, "identity allow, rcp deny, management 111122223333", "allowed"},
		{outside, "identity allow, resource allow, rcp deny, management 999988887777", "explicit deny in a resource control policy"},
		// VPC endpoint policy.
		{alice, "identity allow, endpoint none", "no VPC endpoint policy"},
		{alice, "identity allow, endpoint allow", "allowed"},
		// Same account: identity or resource policy; the account principal only delegates.
		{alice, "resource allow " + user, "allowed"},
		{alice, "resource allow AIDAALICE0000000001", "allowed"},
		{alice, "resource allow", "allowed"},
		{alice, "resource allow " + account, "no identity-based policy"},
		{alice, "resource allow 111122223333", "no identity-based policy"},
		{alice, "resource allow 111122223333, identity allow", "allowed"},
		{alice, "resource allow " + olga, "no identity-based policy"},
		{session, "resource allow " + role, "allowed"},
		{session, "resource allow AROAROLE00000000001", "allowed"},
		{session, "resource allow AROAROLE00000000001:s", "allowed"},
		{session, "resource allow " + sess, "allowed"},
		// Table "Resource-based policies and implicit denies in other policy types".
		{alice, "resource allow " + user + ", boundary none", "allowed"},
		{session, "resource allow " + role + ", boundary none", "no permissions boundary"},
		{session, "resource allow " + role + ", session none", "no session policy"},
		{session, "resource allow " + role + ", boundary allow, session allow", "allowed"},
		{session, "resource allow " + sess + ", boundary none, session none", "allowed"},
		{session, "resource allow, boundary none, session none", "allowed"},
		{fred, "resource allow arn:aws:sts::111122223333:federated-user/fred, boundary none", "allowed"},
		{fred, "resource allow " + user + ", session allow", "allowed"},
		{fred, "resource allow " + user + ", session none", "no session policy"},
		{fred, "resource allow " + user, "no session policy"},
		{fred, "resource allow " + user + ", session allow, boundary none", "no permissions boundary"},
		// Boundaries and session policies intersect identity policies.
		{alice, "identity allow, boundary none", "no permissions boundary"},
		{alice, "identity allow, boundary allow", "allowed"},
		{alice, "boundary allow", "no identity-based policy"},
		{session, "identity allow, session none", "no session policy"},
		{session, "identity allow, session none, session allow", "allowed"},
		{session, "identity allow", "allowed"},
		{session, "session allow", "no identity-based policy"},
		{fred, "identity allow", "no session policy"},
		{fred, "identity allow, session allow", "allowed"},
		{ofRoot, "session allow", "allowed"},
		{ofRoot, "", "no session policy"},
		// Key policies: must allow or delegate.
		{alice, "mode delegating, identity allow", "no resource-based policy"},
		{owner, "mode delegating", "no resource-based policy"},
		{owner, "mode delegating, resource allow " + account, "allowed"},
		{alice, "mode delegating, resource allow " + account, "no identity-based policy"},
		{alice, "mode delegating, resource allow " + account + ", identity allow", "allowed"},
		{alice, "mode delegating, resource allow " + user, "allowed"},
		{session, "mode delegating, resource allow " + role, "allowed"},
		{session, "mode delegating, resource allow " + role + ", boundary none", "no permissions boundary"},
		{alice, "mode delegating, resource allow " + role + ", identity allow", "no resource-based policy"},
		{outside, "mode delegating, resource allow " + account + ", identity allow", "no resource-based policy"},
		// Trust policies.
		{alice, "mode trust, identity allow", "no role trust policy"},
		{alice, "mode trust, resource deny, identity allow", "explicit deny in the role trust policy"},
		{alice, "mode trust, resource allow " + account, "no identity-based policy"},
		{alice, "mode trust, resource allow " + user, "allowed"},
		{web, "mode trust, resource allow accounts.example.com", "allowed"},
		{web, "mode trust, resource allow other.example.com", "no role trust policy"},
		{service, "mode trust, resource allow sns.amazonaws.com", "allowed"},
		{service, "mode trust, resource allow sqs.amazonaws.com", "no role trust policy"},
		// Cross-account: both sides.
		{outside, "identity allow", "no resource-based policy"},
		{outside, "resource allow " + olga, "no identity-based policy"},
		{outside, "resource allow", "no identity-based policy"},
		{outside, "resource allow " + olga + ", identity allow", "allowed"},
		{outside, "resource allow 999988887777, identity allow", "allowed"},
		{outside, "resource allow " + olga + ", identity allow, boundary none", "no permissions boundary"},
		{outside, "resource allow " + olga + ", identity deny", "explicit deny in an identity-based policy"},
		{outside, "resource allow 111122223333, identity allow", "no resource-based policy"},
		// Everybody, services.
		{anonymous, "resource allow", "allowed"},
		{anonymous, "resource allow 111122223333", "no resource-based policy"},
		{service, "resource allow", "allowed"},
		{service, "identity allow", "no resource-based policy"},
		// Grants: enough by themselves, but not against an explicit deny, an SCP, or the limits of a role.
		{alice, "mode delegating, grant g1", "allowed"},
		{outside, "mode delegating, grant g1", "allowed"},
		{alice, "mode delegating, grant g1, resource deny", "explicit deny in a resource-based policy"},
		{alice, "mode delegating, grant g1, scp none", "no service control policy"},
		{alice, "mode delegating, grant g1, boundary none", "allowed"},
		{alice, "mode delegating, resource allow " + account + ", identity allow, boundary none, grant g1", "allowed"},
		{session, "mode delegating, grant g1", "allowed"},
		{session, "mode delegating, grant g1, session none", "no session policy"},
		{service, "mode delegating, grant g1", "allowed"},
		// Deny with NotPrincipal.
		{alice, "identity allow, except " + user, "allowed"},
		{alice, "identity allow, except " + user + " " + account, "allowed"},
		{alice, "identity allow, except " + account, "explicit deny in a resource-based policy"},
		{alice, "identity allow, except " + olga, "explicit deny in a resource-based policy"},
		{session, "identity allow, except " + role, "explicit deny in a resource-based policy"},
		{session, "identity allow, except " + sess, "explicit deny in a resource-based policy"},
		{session, "identity allow, except " + role + " " + sess, "allowed"},
		{session, "identity allow, except " + role + " " + sess + " " + account, "allowed"},
		{session, "identity allow, except " + role + " " + account, "allowed"},
		{owner, "except " + account, "allowed"},
		{anonymous, "resource allow, except " + user, "explicit deny in a resource-based policy"},
		{alice, "identity allow, boundary allow, except " + user + " " + account, "explicit deny in a resource-based policy"},
	} {
		ps := house(t, c.house)
		req := &Request{Principal: c.who, Action: "kms:Decrypt", Resource: theKey}
		r := Evaluate(req, ps, nil)
		got := "allowed"
		if !r.Allowed() {
			got = r.Denial(req)
		}
		if c.want == "allowed" && got != c.want || !strings.Contains(got, c.want) {
			t.Errorf("%s, %s:\n got %s\nwant %s", c.who.displayName(), c.house, got, c.want)
		}
		var trace Trace
		if traced := Evaluate(req, ps, &trace); traced.Decision != r.Decision || traced.Layer != r.Layer {
			t.Errorf("%s: traced %v %v, untraced %v %v", c.house, traced.Decision, traced.Layer, r.Decision, r.Layer)
		}
	}
}

// TestDenialSentences has the sentences of "Troubleshoot access denied error messages".
func TestDenialSentences(t *testing.T) {
	const john, group = "arn:aws:iam::123456789012:user/JohnDoe", "arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:*"
	for _, c := range []struct {
		action, resource string
		decision         Decision
		layer            Layer
		want             string
	}{
		{"codecommit:ListRepositories", "", ImplicitDeny, LayerSCP, "codecommit:ListRepositories because no service control policy allows the codecommit:ListRepositories action"},
		{"codecommit:ListRepositories", "", ExplicitDeny, LayerSCP, "codecommit:ListRepositories with an explicit deny in a service control policy"},
		{"secretsmanager:GetSecretValue", "", ImplicitDeny, LayerRCP, "secretsmanager:GetSecretValue because no resource control policy allows the secretsmanager:GetSecretValue action"},
		{"codecommit:ListRepositories", "", ImplicitDeny, LayerVPCEndpoint, "codecommit:ListRepositories because no VPC endpoint policy allows the codecommit:ListRepositories action"},
		{"codedeploy:ListDeployments", group, ExplicitDeny, LayerVPCEndpoint, "codedeploy:ListDeployments on resource: " + group + " with an explicit deny in a VPC endpoint policy"},
		{"codedeploy:ListDeployments", group, ImplicitDeny, LayerBoundary, "codedeploy:ListDeployments on resource: " + group + " because no permissions boundary allows the codedeploy:ListDeployments action"},
		{"sagemaker:ListModels", "", ExplicitDeny, LayerBoundary, "sagemaker:ListModels with an explicit deny in a permissions boundary"},
		{"codecommit:ListRepositories", "", ImplicitDeny, LayerSession, "codecommit:ListRepositories because no session policy allows the codecommit:ListRepositories action"},
		{"secretsmanager:GetSecretValue", "", ImplicitDeny, LayerResource, "secretsmanager:GetSecretValue because no resource-based policy allows the secretsmanager:GetSecretValue action"},
		{"sts:AssumeRole", "", ImplicitDeny, LayerTrust, "sts:AssumeRole because no role trust policy allows the sts:AssumeRole action"},
		{"sts:AssumeRole", "", ExplicitDeny, LayerTrust, "sts:AssumeRole with an explicit deny in the role trust policy"},
		{"codecommit:ListRepositories", "", ImplicitDeny, LayerIdentity, "codecommit:ListRepositories because no identity-based policy allows the codecommit:ListRepositories action"},
		{"codedeploy:ListDeployments", group, ExplicitDeny, LayerIdentity, "codedeploy:ListDeployments on resource: " + group + " with an explicit deny in an identity-based policy"},
		{"sts:AssumeRole", group, ImplicitDeny, LayerNone, "sts:AssumeRole on resource: " + group},
	} {
		want := "User: " + john + " is not authorized to perform: " + c.want
		if got := DenialSentence(john, c.action, c.resource, c.decision, c.layer); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

func TestResultNamesTheDecidingStatements(t *testing.T) {
	ps := house(t, "scp allow, boundary allow, session allow")
	ps.Identity = []*Policy{must(t, IdentityManaged, "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"},\n  {\"Sid\":\"Use\",\"Effect\":\"Allow\",\"Action\":\"kms:De*\",\"Resource\":\"*\"}]}")}
	req := &Request{Principal: session, Action: "kms:Decrypt", Resource: theKey}
	r := Evaluate(req, ps, nil)
	var kinds []string
	for _, m := range r.Decisive() {
		kinds = append(kinds, m.Policy.Kind().String())
	}
	if got := strings.Join(kinds, ", "); got != "identity-based policy, permissions boundary, session policy, service control policy" {
		t.Errorf("decisive: %s", got)
	}
	m := r.Decisive()[0]
	if s := m.Statement(); m.Index != 1 || s.Sid != "Use" || s.Pos != (Position{2, 3}) {
		t.Errorf("statement %d %q at %v", m.Index, s.Sid, s.Pos)
	}
}

// AWS KMS API reference, PutKeyPolicy, Policy.
func TestKeyPolicyStatementWithoutActionOrResourceHasNoEffect(t *testing.T) {
	const allow = `{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}`
	for _, inert := range []string{`"Action":"kms:*"`, `"NotAction":"s3:*"`, `"Resource":"*"`, `"NotResource":"arn:aws:s3:::x"`, `"Sid":"neither"`} {
		for doc, want := range map[string]bool{
			`{"Effect":"Allow","Principal":"*",` + inert + `}`:            false,
			`{"Effect":"Deny","Principal":"*",` + inert + `},` + allow:    true,
			allow + `,{"Effect":"Deny","NotPrincipal":"*",` + inert + `}`: true,
			`{"Effect":"Allow","Principal":{"AWS":"*"},` + inert + `}`:    false,
		} {
			p := must(t, KMSKey, `{"Version":"2012-10-17","Statement":[`+doc+`]}`)
			req := &Request{Principal: alice, Action: "kms:Decrypt", Resource: theKey}
			if r := Evaluate(req, &Policies{ResourceMode: ResourceDelegating, Resource: []*Policy{p}}, nil); r.Allowed() != want {
				t.Errorf("%s: allowed %v", doc, r.Allowed())
			}
		}
	}
}

func TestMissingKeysAreReported(t *testing.T) {
	ps := &Policies{Identity: []*Policy{must(t, IdentityManaged, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"kms:*","Resource":"arn:aws:kms:*:*:key/${aws:PrincipalTag/Key}"},
		{"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{"StringEquals":{"kms:ViaService":"x","aws:username":"alice"}}}]}`)}}
	req := &Request{Principal: alice, Action: "kms:Decrypt", Resource: theKey}
	r := Evaluate(req, ps, nil)
	if got := strings.Join(r.MissingKeys(), " "); r.Allowed() || got != "aws:principaltag/key kms:viaservice" {
		t.Errorf("allowed %v, missing %q", r.Allowed(), got)
	}
}

func TestTraceSaysWhy(t *testing.T) {
	ps := &Policies{Identity: []*Policy{must(t, IdentityManaged, `{"Version":"2012-10-17","Statement":[
		{"Sid":"Other","Effect":"Allow","Action":"s3:*","Resource":"*"},
		{"Sid":"Elsewhere","Effect":"Allow","Action":"kms:*","Resource":"arn:aws:kms:us-east-1:*:key/*"},
		{"Sid":"Later","Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}}},
		{"Sid":"Yes","Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}]}`)},
		Resource: []*Policy{must(t, KMSKey, `{"Version":"2012-10-17","Statement":[{"Sid":"Olga","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999988887777:user/olga"},"Action":"kms:*","Resource":"*"}]}`)}}
	req := &Request{Principal: alice, Action: "kms:Decrypt", Resource: theKey, Context: Map{"aws:currenttime": One("2026-01-01T00:00:00Z")}}
	var trace Trace
	if r := Evaluate(req, ps, &trace); !r.Allowed() {
		t.Fatal(r.Denial(req))
	}
	var lines []string
	for _, s := range trace.Steps {
		lines = append(lines, s.String())
	}
	want := `resource-based policy resource-based policy, statement 1 "Olga" (1:38, Allow): principal does not match
identity-based policy identity-based policy, statement 1 "Other" (2:3, Allow): action does not match
identity-based policy identity-based policy, statement 2 "Elsewhere" (3:3, Allow): resource does not match
identity-based policy identity-based policy, statement 3 "Later" (4:3, Allow): condition is not met: DateGreaterThan aws:CurrentTime ["2030-01-01T00:00:00Z"]
identity-based policy identity-based policy, statement 4 "Yes" (5:3, Allow): applies`
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestResourceAccountComesFromTheARNWhenNotGiven(t *testing.T) {
	ps := house(t, "identity allow")
	for resource, want := range map[string]bool{
		"*": true, theKey: true, "arn:aws:s3:::bucket": true,
		"arn:aws:kms:eu-west-1:999988887777:key/k": false,
	} {
		r := Evaluate(&Request{Principal: alice, Action: "kms:Decrypt", Resource: resource}, ps, nil)
		if r.Allowed() != want {
			t.Errorf("%s: allowed %v, want %v", resource, r.Allowed(), want)
		}
	}
	r := Evaluate(&Request{Principal: alice, Action: "s3:GetObject", Resource: "arn:aws:s3:::bucket", ResourceAccount: "999988887777"}, ps, nil)
	if r.Allowed() {
		t.Error("the bucket of another account is not protected")
	}
}

func TestTypedContextValues(t *testing.T) {
	for _, c := range []struct {
		condition string
		value     Values
		want      bool
	}{
		{`"DateEquals":{"x:k":"2024-02-29T12:00:00Z"}`, Time(noon), true},
		{`"DateEquals":{"x:k":"1709208000"}`, Time(noon), true},
		{`"NumericEquals":{"x:k":"1709208000"}`, Time(noon), true},
		{`"StringEquals":{"x:k":"2024-02-29T12:00:00Z"}`, Time(noon), true},
		{`"DateLessThan":{"x:k":"2024-02-29T12:00:00Z"}`, Int(1709207999), true},
		{`"NumericLessThan":{"x:k":"10"}`, Int(9), true},
		{`"StringEquals":{"x:k":"9"}`, Int(9), true},
		{`"IpAddress":{"x:k":"10.0.0.0/8"}`, Addr(tenNet), true},
		{`"StringLike":{"x:k":"10.*"}`, Addr(tenNet), true},
		{`"NotIpAddress":{"x:k":"10.0.0.0/8"}`, Addr(tenNet), false},
		{`"Bool":{"x:k":"true"}`, Flag(true), true},
		{`"Bool":{"x:k":"true"}`, Flag(false), false},
		{`"Null":{"x:k":"true"}`, Values{}, true},
	} {
		p := must(t, IdentityInline, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{`+c.condition+`}}}`)
		r := Evaluate(&Request{Principal: alice, Action: "x:y", Resource: "*", Context: Map{"x:k": c.value}}, &Policies{Identity: []*Policy{p}}, nil)
		if r.Allowed() != c.want {
			t.Errorf("%s: %v, want %v", c.condition, r.Allowed(), c.want)
		}
	}
}

// TestPrincipalKeys has the rows of the table "Principal key values".
func TestPrincipalKeys(t *testing.T) {
	for _, c := range []struct {
		who                        *Principal
		username, userid, typ, arn string
	}{
		{owner, "", "111122223333", "Account", "arn:aws:iam::111122223333:root"},
		{alice, "alice", "AIDAALICE0000000001", "User", "arn:aws:iam::111122223333:user/alice"},
		{fred, "", "111122223333:fred", "FederatedUser", "arn:aws:sts::111122223333:federated-user/fred"},
		{session, "", "AROAROLE00000000001:s", "AssumedRole", "arn:aws:iam::111122223333:role/R"},
		{anonymous, "", "", "Anonymous", ""},
	} {
		for key, want := range map[string]string{"aws:username": c.username, "aws:userid": c.userid, "aws:principaltype": c.typ, "aws:principalarn": c.arn} {
			v, ok := c.who.Lookup(key)
			got := ""
			if ok {
				got = v.At(0)
			}
			if got != want {
				t.Errorf("%s of %s: %q, want %q", key, c.who.displayName(), got, want)
			}
		}
	}
}

func TestEvaluateAllocatesNothing(t *testing.T) {
	req, ps := wholeHouse(t, 20, 15)
	denied := *req
	denied.Action = "kms:ScheduleKeyDeletion"
	for name, r := range map[string]*Request{"allowed": req, "denied": &denied} {
		if n := testing.AllocsPerRun(100, func() { Evaluate(r, ps, nil) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
