package public

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"fastness/internal/policy"
)

func document(t testing.TB, statements ...string) *policy.Document {
	t.Helper()
	d, err := policy.Parse(policy.Resource, []byte(`{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}`))
	if err != nil {
		t.Fatalf("%v: %v", statements, err)
	}
	return d
}

func allow(principal, condition string) string {
	if condition != "" {
		condition = `,"Condition":` + condition
	}
	return `{"Effect":"Allow","Principal":` + principal + `,"Action":"secretsmanager:GetSecretValue","Resource":"*"` + condition + `}`
}

// The examples are those of Amazon S3's user guide ("The meaning of public"), and what
// follows from them for each key.
func TestWhatIsPublic(t *testing.T) {
	for _, c := range []struct {
		name      string
		statement string
		public    bool
	}{
		{"everybody", allow(`"*"`, ""), true},
		{"every AWS principal", allow(`{"AWS":"*"}`, ""), true},
		{"everybody among others", allow(`{"AWS":["arn:aws:iam::111122223333:root","*"]}`, ""), true},
		{"an account", allow(`{"AWS":"111122223333"}`, ""), false},
		{"a foreign role", allow(`{"AWS":"arn:aws:iam::999999999999:role/r"}`, ""), false},
		{"a service", allow(`{"Service":"lambda.amazonaws.com"}`, ""), false},
		{"a deny", strings.Replace(allow(`"*"`, ""), "Allow", "Deny", 1), false},

		{"an organization", allow(`"*"`, `{"StringEquals":{"aws:PrincipalOrgID":"o-abc"}}`), false},
		{"an organization, spelled otherwise", allow(`"*"`, `{"StringEquals":{"AWS:principalorgid":"o-abc"}}`), false},
		{"any organization", allow(`"*"`, `{"StringLike":{"aws:PrincipalOrgID":"o-*"}}`), true},
		{"another organization", allow(`"*"`, `{"StringNotEquals":{"aws:PrincipalOrgID":"o-abc"}}`), true},
		{"an organization, if there is one", allow(`"*"`, `{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-abc"}}`), true},
		{"an organization's paths", allow(`"*"`, `{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-abc/r-1/*"}}`), false},
		{"all paths", allow(`"*"`, `{"ForAllValues:StringLike":{"aws:PrincipalOrgPaths":"o-abc/r-1/*"}}`), true},
		{"paths of any", allow(`"*"`, `{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-a*"}}`), true},

		{"an ARN", allow(`"*"`, `{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*"}}`), false},
		{"an ARN of any account", allow(`"*"`, `{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/admin"}}`), true},
		{"an ARN, half an account", allow(`"*"`, `{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::11112222*:role/admin"}}`), true},
		{"an ARN and any", allow(`"*"`, `{"ArnLike":{"aws:PrincipalArn":["arn:aws:iam::111122223333:role/r","*"]}}`), true},
		{"not an ARN", allow(`"*"`, `{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*"}}`), true},
		{"a source account", allow(`"*"`, `{"StringEquals":{"aws:SourceAccount":"111122223333"}}`), false},
		{"any source account", allow(`"*"`, `{"StringLike":{"aws:SourceAccount":"*"}}`), true},
		{"a source bucket", allow(`"*"`, `{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::mine"}}`), false},
		{"any source bucket", allow(`"*"`, `{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::*"}}`), true},
		{"a source topic", allow(`"*"`, `{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:us-east-1:111122223333:t*"}}`), false},
		{"the caller's own account", allow(`"*"`, `{"StringEquals":{"aws:PrincipalAccount":"${aws:PrincipalAccount}"}}`), true},
		{"an account", allow(`"*"`, `{"StringEquals":{"aws:PrincipalAccount":["111122223333","444455556666"]}}`), false},
		{"the resource's account", allow(`"*"`, `{"StringEquals":{"aws:ResourceAccount":"111122223333"}}`), true},
		{"a VPC", allow(`"*"`, `{"StringEquals":{"aws:SourceVpc":"vpc-91237329"}}`), false},
		{"any VPC", allow(`"*"`, `{"StringLike":{"aws:SourceVpc":"vpc-*"}}`), true},
		{"an endpoint", allow(`"*"`, `{"StringEquals":{"aws:SourceVpce":"vpce-1"}}`), false},
		{"a role's sessions", allow(`"*"`, `{"StringLike":{"aws:userid":"AROAAAAAAAAAAAAAAAAAA:*"}}`), false},
		{"anybody's sessions", allow(`"*"`, `{"StringLike":{"aws:userid":"AROA*"}}`), true},

		{"a network", allow(`"*"`, `{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`), false},
		{"every network", allow(`"*"`, `{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}`), true},
		{"every network in halves", allow(`"*"`, `{"IpAddress":{"aws:SourceIp":["0.0.0.0/1","128.0.0.0/1"]}}`), true},
		{"every network of IPv6", allow(`"*"`, `{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","::/0"]}}`), true},
		{"no network", allow(`"*"`, `{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`), true},
		{"one address", allow(`"*"`, `{"IpAddress":{"aws:SourceIp":"203.0.113.7"}}`), false},

		{"TLS", allow(`"*"`, `{"Bool":{"aws:SecureTransport":"true"}}`), true},
		{"a date", allow(`"*"`, `{"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}}`), true},
		{"TLS and an organization", allow(`"*"`, `{"Bool":{"aws:SecureTransport":"true"},"StringEquals":{"aws:PrincipalOrgID":"o-abc"}}`), false},
		{"a tag", allow(`"*"`, `{"StringEquals":{"aws:PrincipalTag/team":"a"}}`), true},
		{"a version stage", allow(`"*"`, `{"ForAnyValue:StringEquals":{"secretsmanager:VersionStage":"AWSCURRENT"}}`), true},
	} {
		if found := Analyse(document(t, c.statement)); (len(found) > 0) != c.public {
			t.Errorf("%s: %v, want public %v", c.name, found, c.public)
		}
	}
}

func TestAFindingNamesItsStatementAndAWitness(t *testing.T) {
	d := document(t,
		allow(`{"AWS":"arn:aws:iam::999999999999:root"}`, ""),
		strings.Replace(allow(`"*"`, ""), `{`, `{"Sid":"Oops",`, 1),
		allow(`"*"`, `{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*"}}`),
	)
	found := Analyse(d)
	if len(found) != 2 {
		t.Fatalf("found %v", found)
	}
	if f := found[0]; f.Statement != 1 || f.Sid != "Oops" || f.Witness != "*" || f.String() != `statement 2 ("Oops") allows everybody, even callers without credentials` {
		t.Errorf("first %+v: %s", f, f)
	}
	if f := found[1]; f.Statement != 2 || f.Witness != "arn:aws:iam::999999999998:root" {
		t.Errorf("second %+v: %s", f, f)
	}
}

// An outsider is anybody whom the author of a policy could not have in mind: somebody
// without credentials, or of an account, an organization, an address that no policy of
// the test names. What he may bring to a request is up to him.
func outsider(r *rand.Rand) *policy.Request {
	const account = "999999999999"
	req := &policy.Request{Action: "secretsmanager:GetSecretValue", Resource: "arn:aws:secretsmanager:us-east-1:111122223333:secret:s-abcdef", ResourceAccount: "111122223333"}
	keys := policy.Map{
		"aws:securetransport":         policy.Flag(r.IntN(2) == 0),
		"secretsmanager:versionstage": policy.Many([]string{"AWSCURRENT"}),
		"aws:resourceaccount":         policy.One("111122223333"),
		"aws:requestedregion":         policy.One("us-east-1"),
	}
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	if r.IntN(4) > 0 {
		keys["aws:sourceip"] = policy.Addr(netip.MustParseAddr(pick("198.51.100.1", "10.9.8.7", "2001:db8:ffff::1", "::ffff:198.51.100.9")))
	}
	if r.IntN(3) == 0 {
		keys["aws:sourcevpc"] = policy.One(pick("vpc-outside", "vpc-99"))
		keys["aws:sourcevpce"] = policy.One("vpce-outside")
	}
	if r.IntN(3) == 0 {
		keys["aws:sourceaccount"] = policy.One(account)
		keys["aws:sourcearn"] = policy.One(pick("arn:aws:s3:::outside", "arn:aws:sns:us-east-1:"+account+":t", "arn:aws:iam::"+account+":role/admin"))
	}
	if r.IntN(2) == 0 {
		keys["aws:principalorgid"] = policy.One("o-outside")
		keys["aws:principalorgpaths"] = policy.Many([]string{"o-outside/r-1/ou-1/"})
	}
	if r.IntN(3) == 0 {
		keys["aws:sourceorgid"] = policy.One("o-outside")
	}
	req.Context = keys
	switch r.IntN(5) {
	case 0: // without credentials
	case 1:
		req.Principal = &policy.Principal{Type: policy.RootUser, Account: account, ARN: "arn:aws:iam::" + account + ":root", UserID: account}
	case 2:
		req.Principal = &policy.Principal{Type: policy.User, Account: account, ARN: "arn:aws:iam::" + account + ":user/" + pick("admin", "111122223333"), UserID: "AIDAOUTSIDE0000000000", UserName: "admin",
			Tags: []policy.Tag{{Key: "team", Value: "a"}}}
	case 3:
		req.Principal = &policy.Principal{Type: policy.RoleSession, Account: account, ARN: "arn:aws:sts::" + account + ":assumed-role/admin/s", RoleARN: "arn:aws:iam::" + account + ":role/admin", UserID: "AROAOUTSIDE0000000000:s", RoleID: "AROAOUTSIDE0000000000"}
	case 4:
		req.Principal = &policy.Principal{Type: policy.FederatedUser, Account: account, ARN: "arn:aws:sts::" + account + ":federated-user/u", UserID: account + ":u"}
	}
	return req
}

// everything lets the outsider do what the resource policy allows.
func everything(t testing.TB) *policy.Policy {
	t.Helper()
	p, err := policy.New(policy.IdentityInline, "", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// randomStatement draws from operators, keys and values that bound and that do not.
func randomStatement(r *rand.Rand) string {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	principal := pick(`"*"`, `{"AWS":"*"}`, `{"AWS":["*","111122223333"]}`, `{"AWS":"arn:aws:iam::111122223333:role/admin"}`, `{"AWS":"111122223333"}`, `{"Service":"lambda.amazonaws.com"}`)
	var conditions []string
	used := map[string]bool{}
	for range r.IntN(4) {
		operator := pick("StringEquals", "StringLike", "StringNotEquals", "StringNotLike", "ArnLike", "ArnEquals", "ArnNotLike", "IpAddress", "NotIpAddress",
			"StringEqualsIfExists", "StringLikeIfExists", "ArnLikeIfExists", "IpAddressIfExists", "ForAnyValue:StringLike", "ForAllValues:StringLike", "ForAllValues:StringEquals",
			"ForAnyValue:ArnLike", "ForAllValues:IpAddress", "StringEqualsIgnoreCase", "Null", "Bool")
		if used[operator] {
			continue
		}
		used[operator] = true
		key := pick("aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:PrincipalAccount", "aws:PrincipalArn", "aws:SourceAccount", "aws:SourceArn", "aws:SourceVpc", "aws:SourceVpce",
			"aws:SourceIp", "aws:userid", "aws:SecureTransport", "aws:PrincipalTag/team", "aws:SourceOrgID", "aws:ResourceAccount", "secretsmanager:VersionStage", "aws:PrincipalType")
		var values []string
		for range 1 + r.IntN(3) {
			v := pick("o-abc", "o-*", "*", "o-abc/*", "o-abc/r-1/*", "111122223333", "1111*", "arn:aws:iam::111122223333:role/admin", "arn:aws:iam::111122223333:*", "arn:aws:iam::*:role/admin",
				"arn:*:iam::*", "arn:aws:s3:::mine", "arn:aws:s3:::mine/*", "arn:aws:s3:::*", "vpc-1", "vpc-*", "vpce-1", "v*", "203.0.113.0/24", "0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "::/0", "2001:db8::/32",
				"AROAAAAAAAAAAAAAAAAAA:*", "AROA*", "AIDAAAAAAAAAAAAAAAAAA", "true", "false", "a", "AWSCURRENT", "${aws:PrincipalAccount}", "${aws:userid}", "arn:aws:iam::${aws:PrincipalAccount}:*", "o-?????", "User", "?*")
			ip := strings.HasSuffix(operator, "IpAddress") || operator == "IpAddressIfExists"
			if ip {
				v = pick("203.0.113.0/24", "0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "::/0", "2001:db8::/48", "192.0.2.1")
			}
			if strings.Contains(operator, "Arn") && !strings.HasPrefix(v, "arn:") {
				v = pick("arn:aws:iam::111122223333:*", "arn:aws:iam::*:role/admin", "arn:aws:s3:::*", "arn:aws:sns:us-east-1:111122223333:t")
			}
			if operator == "Null" || operator == "Bool" {
				v = pick("true", "false")
			}
			values = append(values, fmt.Sprintf("%q", v))
		}
		conditions = append(conditions, fmt.Sprintf(`%q:{%q:[%s]}`, operator, key, strings.Join(values, ",")))
	}
	condition := ""
	if len(conditions) > 0 {
		condition = "{" + strings.Join(conditions, ",") + "}"
	}
	return allow(principal, condition)
}

// TestNoOutsiderGetsIntoWhatIsNotPublic holds the verdict against the evaluator.
func TestNoOutsiderGetsIntoWhatIsNotPublic(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	identity := everything(t)
	public, private, entered := 0, 0, 0
	for range 20_000 {
		statements := []string{randomStatement(r)}
		if r.IntN(3) == 0 {
			statements = append(statements, randomStatement(r))
		}
		doc := `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
		p, err := policy.New(policy.Resource, "", []byte(doc))
		if err != nil {
			continue
		}
		found := Analyse(p.Document())
		if len(found) > 0 {
			public++
		} else {
			private++
		}
		for range 25 {
			req := outsider(r)
			result := policy.Evaluate(req, &policy.Policies{Identity: []*policy.Policy{identity}, Resource: []*policy.Policy{p}}, nil)
			if !result.Allowed() {
				continue
			}
			if len(found) == 0 {
				t.Fatalf("%s\nis not public, but lets in %+v with %v", doc, req.Principal, req.Context)
			}
			entered++
		}
	}
	if public < 1000 || private < 1000 || entered < 1000 {
		t.Errorf("%d public, %d not, %d times entered: the test proves little", public, private, entered)
	}
}

// FuzzAnalyse: whatever a policy says, the verdict comes, and is right about outsiders.
func FuzzAnalyse(f *testing.F) {
	for _, s := range []string{allow(`"*"`, ""), allow(`"*"`, `{"IpAddress":{"aws:SourceIp":["::ffff:0.0.0.0/96","1.2.3.4"]}}`), allow(`{"AWS":"*"}`, `{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:*"}}`)} {
		f.Add(`{"Version":"2012-10-17","Statement":[`+s+`]}`, uint64(1))
	}
	f.Fuzz(func(t *testing.T, doc string, seed uint64) {
		p, err := policy.New(policy.Resource, "", []byte(doc))
		if err != nil || strings.Contains(doc, "99999") || strings.Contains(doc, "outside") || strings.Contains(strings.ToUpper(doc), "OUTSIDE") {
			return
		}
		found := Analyse(p.Document())
		for _, finding := range found {
			_ = finding.String()
		}
		if len(found) > 0 || strings.Contains(strings.ToLower(doc), "sourceip") {
			return // the outsiders' addresses may lie in what is named
		}
		r := rand.New(rand.NewPCG(seed, 3))
		identity := everything(t)
		for range 10 {
			req := outsider(r)
			result := policy.Evaluate(req, &policy.Policies{Identity: []*policy.Policy{identity}, Resource: []*policy.Policy{p}}, nil)
			if result.Allowed() {
				t.Fatalf("%s lets in %+v with %v", doc, req.Principal, req.Context)
			}
		}
	})
}
