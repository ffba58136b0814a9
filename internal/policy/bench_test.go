package policy

import (
	"fmt"
	"strings"
	"testing"
)

var benchServices = []string{"states", "ec2", "kms", "sqs", "sns", "cloudwatch", "logs", "lambda", "dynamodb", "ssm",
	"ecr", "events", "glue", "rds", "athena"}

// spread makes policies with statements that name many services, as real accounts do.
func spread(tb testing.TB, policies, statements int) []*Policy {
	tb.Helper()
	var out []*Policy
	n := 0
	for i := range policies {
		var b strings.Builder
		b.WriteString(`{"Version":"2012-10-17","Statement":[`)
		for j := range statements {
			if j > 0 {
				b.WriteByte(',')
			}
			svc := benchServices[n%len(benchServices)]
			effect := "Allow"
			if n%10 == 9 {
				effect = "Deny"
			}
			fmt.Fprintf(&b, `{"Effect":%q,"Action":["%s:Get%d*","%s:PutThing%d","%s:*Tag%d"],"Resource":"arn:aws:%s:*:111122223333:thing/%d/*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"t%d"}}}`,
				effect, svc, n, svc, n, svc, n, svc, n, n)
			n++
		}
		b.WriteString(`]}`)
		p, err := New(IdentityInline, fmt.Sprintf("p%d", i), []byte(b.String()))
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

func must(tb testing.TB, kind Kind, doc string) *Policy {
	tb.Helper()
	p, err := New(kind, kind.String(), []byte(doc))
	if err != nil {
		tb.Fatalf("%v: %s", err, doc)
	}
	return p
}

// wholeHouse is the case of the goal: 20 attached policies with 300 statements, one
// resource policy, one boundary and three SCP levels.
func wholeHouse(tb testing.TB, policies, statements int) (*Request, *Policies) {
	tb.Helper()
	ps := &Policies{Identity: spread(tb, policies, statements)}
	ps.Identity[policies-1] = must(tb, IdentityManaged, `{"Version":"2012-10-17","Statement":[
		{"Sid":"Own","Effect":"Allow","Action":["kms:Decrypt","kms:Encrypt","kms:GenerateDataKey*"],
		 "Resource":"arn:aws:kms:*:111122223333:key/*",
		 "Condition":{"StringEquals":{"kms:EncryptionContext:app":"${aws:PrincipalTag/app}"},"Bool":{"aws:SecureTransport":"true"}}}]}`)
	ps.Resource = []*Policy{must(tb, KMSKey, `{"Version":"2012-10-17","Statement":[
		{"Sid":"Admin","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"},
		{"Sid":"NoOutside","Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*","Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}}]}`)}
	ps.ResourceMode = ResourceDelegating
	ps.Boundary = must(tb, Boundary, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["kms:*","s3:*","ec2:*","logs:*"],"Resource":"*"},
		{"Effect":"Deny","Action":["iam:*","organizations:*"],"Resource":"*"}]}`)
	full := must(tb, ServiceControl, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	regions := must(tb, ServiceControl, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Deny","NotAction":["iam:*","sts:*","organizations:*","support:*","route53:*","cloudfront:*"],"Resource":"*",
		 "Condition":{"StringNotEquals":{"aws:RequestedRegion":["eu-west-1","eu-central-1"]}}}]}`)
	ps.SCP = [][]*Policy{{full}, {full, regions}, {full}}
	return &Request{
		Principal: &Principal{
			Type: RoleSession, Account: "111122223333", UserID: "AROAEXAMPLE00000001:app",
			ARN:     "arn:aws:sts::111122223333:assumed-role/App/app",
			RoleARN: "arn:aws:iam::111122223333:role/App", RoleID: "AROAEXAMPLE00000001",
			OrgID: "o-a1b2c3d4e5", Tags: []Tag{{"app", "web"}, {"team", "blue"}},
		},
		Action:   "kms:Decrypt",
		Resource: "arn:aws:kms:eu-west-1:111122223333:key/0f9a3a0c-6a2e-4d0f-9a53-0d8c7a7a1c11",
		Context: Map{
			"kms:encryptioncontext:app": One("web"),
			"aws:securetransport":       Flag(true),
			"aws:requestedregion":       One("eu-west-1"),
		},
	}, ps
}

func benchmarkEvaluate(b *testing.B, policies, statements int) {
	req, ps := wholeHouse(b, policies, statements)
	if r := Evaluate(req, ps, nil); !r.Allowed() {
		b.Fatal(r.Denial(req))
	}
	b.ReportAllocs()
	for b.Loop() {
		r := Evaluate(req, ps, nil)
		if r.Decision != Allow {
			b.Fatal("not allowed")
		}
	}
}

func BenchmarkEvaluate300Statements(b *testing.B)   { benchmarkEvaluate(b, 20, 15) }
func BenchmarkEvaluate10000Statements(b *testing.B) { benchmarkEvaluate(b, 20, 500) }

// BenchmarkNew parses and compiles a managed policy of the greatest size IAM accepts.
func BenchmarkNew(b *testing.B) {
	const item = `{"Effect":"Allow","Action":["kms:Decrypt","kms:Encrypt"],"Resource":"arn:aws:kms:*:111122223333:key/*"},`
	doc := []byte(`{"Version":"2012-10-17","Statement":[` + strings.TrimSuffix(strings.Repeat(item, 6000/len(item)), ",") + `]}`)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New(IdentityManaged, "p", doc); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEvaluateExplained is the cost of a trace.
func BenchmarkEvaluateExplained(b *testing.B) {
	req, ps := wholeHouse(b, 20, 15)
	b.ReportAllocs()
	for b.Loop() {
		Evaluate(req, ps, &Trace{})
	}
}
