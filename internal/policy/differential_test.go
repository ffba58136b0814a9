package policy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"fastness/internal/policy"
)

type obj = map[string]any

// refValues are the values of a context key; list marks multivalued keys.
type refValues struct {
	vals []string
	list bool
}

// refCase is a request with everything around it.
type refCase struct {
	who                            *policy.Principal
	action, resource, account      string
	ctx                            map[string]refValues
	identity, session, resourcePol []obj
	boundary, endpoint             obj
	scp, rcp                       [][]obj
	mode                           policy.ResourceMode
	management                     string
	extra                          bool
}

// TestEvaluatorAgreesWithReference compares the compiled evaluator with the plain one
// on generated requests. The seed is fixed, so a failure repeats; POLICY_CASES and
// POLICY_SEED make longer and other runs.
func TestEvaluatorAgreesWithReference(t *testing.T) {
	count, seed := fromEnv(t, "POLICY_CASES", 200_000), fromEnv(t, "POLICY_SEED", 1)
	g := newGenerator(t, uint64(seed))
	seen := map[string]int{}
	for i := range count {
		c, req, ps := g.draw()
		want, layer := c.decide()
		got := policy.Evaluate(req, ps, nil)
		if got.Decision != want || got.Layer.String() != layer {
			t.Fatalf("case %d: got %v by %q, want %v by %q\n%s", i, got.Decision, got.Layer, want, layer, describe(c))
		}
		seen[want.String()+" "+layer]++
		if i%8 == 0 {
			checkTrace(t, req, ps, got)
		}
	}
	// The comparison means something only if the cases reach every outcome.
	for _, outcome := range []string{"allowed ", "explicitDeny identity-based policy", "implicitDeny identity-based policy",
		"explicitDeny resource-based policy", "implicitDeny resource-based policy", "implicitDeny role trust policy",
		"explicitDeny permissions boundary", "implicitDeny permissions boundary", "explicitDeny session policy",
		"implicitDeny session policy", "explicitDeny service control policy", "implicitDeny service control policy",
		"explicitDeny resource control policy", "implicitDeny resource control policy",
		"explicitDeny VPC endpoint policy", "implicitDeny VPC endpoint policy"} {
		if seen[outcome] < count/2000 {
			t.Errorf("only %d of %d cases end in %q", seen[outcome], count, outcome)
		}
	}
}

// checkTrace demands that a traced evaluation decides the same, by the same
// statements, and that every deciding statement is in the trace as applying.
func checkTrace(t *testing.T, req *policy.Request, ps *policy.Policies, want policy.Result) {
	t.Helper()
	var trace policy.Trace
	got := policy.Evaluate(req, ps, &trace)
	if got.Decision != want.Decision || got.Layer != want.Layer || got.Grant != want.Grant ||
		fmt.Sprint(got.Decisive()) != fmt.Sprint(want.Decisive()) {
		t.Fatalf("traced %+v, untraced %+v", got, want)
	}
	applied := map[policy.Match]bool{}
	for _, s := range trace.Steps {
		applied[s.Match] = applied[s.Match] || s.Outcome == policy.Applied
	}
	for _, m := range got.Decisive() {
		if !applied[m] {
			t.Fatalf("deciding statement %v is not applying in the trace", m.Statement())
		}
	}
}

func fromEnv(t *testing.T, name string, standard int) int {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return standard
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

func describe(c *refCase) string {
	var b strings.Builder
	fmt.Fprintf(&b, "who %+v\naction %s\nresource %s of %s\nmode %v management %q extra %v\ncontext %v\n",
		*c.who, c.action, c.resource, c.account, c.mode, c.management, c.extra, c.ctx)
	for name, v := range map[string]any{"identity": c.identity, "session": c.session, "resource": c.resourcePol,
		"boundary": c.boundary, "endpoint": c.endpoint, "scp": c.scp, "rcp": c.rcp} {
		j, _ := json.Marshal(v)
		fmt.Fprintf(&b, "%s %s\n", name, j)
	}
	return b.String()
}

// document is one generated policy in both forms.
type document struct {
	tree     obj
	compiled *policy.Policy
}

// generator draws from small pools, so that what policies say and what requests ask
// meet often. Documents are made once and combined at random.
type generator struct {
	*rand.Rand
	docs map[policy.Kind][]document
}

func newGenerator(t *testing.T, seed uint64) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 7)), docs: map[policy.Kind][]document{}}
	for _, kind := range []policy.Kind{policy.IdentityInline, policy.Boundary, policy.Session, policy.Resource, policy.KMSKey,
		policy.RoleTrust, policy.ServiceControl, policy.ResourceControl, policy.VPCEndpoint} {
		for range 500 {
			g.docs[kind] = append(g.docs[kind], g.document(t, kind))
		}
	}
	return g
}

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

// some is one value or a list of up to three.
func some(g *generator, from ...string) any {
	if g.IntN(2) == 0 {
		return pick(g, from...)
	}
	var l []string
	for range 1 + g.IntN(3) {
		l = append(l, pick(g, from...))
	}
	return l
}

func (g *generator) document(t *testing.T, kind policy.Kind) document {
	var statements []obj
	for range 1 + g.IntN(3) {
		statements = append(statements, g.statement(kind))
	}
	tree := obj{"Version": "2012-10-17", "Statement": statements}
	if len(statements) == 1 && g.IntN(2) == 0 {
		tree["Statement"] = statements[0]
	}
	if kind != policy.Boundary && g.IntN(8) == 0 {
		tree["Version"] = "2008-10-17"
	}
	text, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.New(kind, kind.String(), text)
	if err != nil {
		t.Fatalf("generated document refused: %v\n%s", err, text)
	}
	var d document
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&d.tree); err != nil {
		t.Fatal(err)
	}
	d.compiled = p
	return d
}

func (g *generator) statement(kind policy.Kind) obj {
	s := obj{"Effect": "Allow"}
	if g.IntN(5) == 0 {
		s["Effect"] = "Deny"
	}
	actions := []string{"*", "kms:*", "kms:De*", "kms:*crypt", "KMS:?ecrypt", "*:D*t", "kms:decrypt", "kms:DescribeKey",
		"s3:*Object", "s3:GetObject", "*:*", "sts:*", "kms:*cr*pt", "kms:D?s*Key"}
	if kind == policy.RoleTrust {
		actions = []string{"sts:AssumeRole", "sts:*", "sts:Assume*", "STS:*Role", "sts:TagSession"}
	}
	s[pick(g, "Action", "Action", "Action", "Action", "NotAction")] = some(g, actions...)
	if kind != policy.RoleTrust {
		s[pick(g, "Resource", "Resource", "Resource", "Resource", "NotResource")] = some(g, "*", "*", "*",
			"arn:aws:kms:us-east-1:111111111111:key/abc", "arn:aws:kms:*:111111111111:key/*", "arn:aws:kms:us-*-1:*:key/a?c",
			"arn:aws:*:us-*:key/abc", "arn:*:kms:us-eas?-1:111111111111:key/*", "arn:aws:s3:::bucket/*", "arn:aws:s3:::buc*/f:x",
			"arn:aws:s3:::bucket/home/${aws:username}/*", "arn:aws:s3:::bucket/${aws:PrincipalTag/dir, 'home'}/*",
			"arn:aws:kms:*:${aws:PrincipalAccount}:key/*", "arn:aws:s3:::bucket/home/${*}/*", "arn:aws:sqs:*", "arn:aws:k*s:*",
			"arn:aws:kms:us-east-1:1?1111111111:key/*", "arn:aws:kms:us-east-1:1*1:key/abc", "arn:aws:kms:*:1*11:key/abc")
	}
	switch kind {
	case policy.ResourceControl:
		s["Principal"] = "*"
	case policy.Resource, policy.KMSKey, policy.RoleTrust, policy.VPCEndpoint:
		name := "Principal"
		if kind != policy.RoleTrust && s["Effect"] == "Deny" && g.IntN(2) == 0 {
			name = "NotPrincipal"
		}
		s[name] = g.principal()
	}
	if g.IntN(3) == 0 {
		block := obj{}
		for range 1 + g.IntN(2) {
			op, key, want := g.condition()
			block[op] = obj{key: want}
		}
		s["Condition"] = block
	}
	return s
}

func (g *generator) principal() any {
	if g.IntN(5) == 0 {
		return "*"
	}
	p := obj{"AWS": some(g, "*", "111111111111", "arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:root",
		"arn:aws:iam::111111111111:user/alice", "AIDAALICE0000000001", "arn:aws:iam::111111111111:role/app/App",
		"AROAAPP000000000001", "arn:aws:sts::111111111111:assumed-role/App/s1", "AROAAPP000000000001:s1",
		"arn:aws:sts::111111111111:federated-user/fred", "arn:aws:iam::222222222222:user/bob", "222222222222")}
	if g.IntN(3) == 0 {
		p["Service"] = some(g, "kms.amazonaws.com", "s3.amazonaws.com", "sns.amazonaws.com")
	}
	if g.IntN(3) == 0 {
		p["Federated"] = some(g, "accounts.example.com", "cognito-identity.amazonaws.com")
	}
	if g.IntN(6) == 0 {
		p["CanonicalUser"] = "c0ffee"
	}
	return p
}

// condition draws an operator, a key and values that suit it most of the time.
func (g *generator) condition() (op, key string, want any) {
	texts := []string{"a", "A", "b*", "?", "", "a*c", "${aws:username}", "${aws:PrincipalTag/dir}", "${test:List}", "${test:List, 'a'}", "${*}",
		"${aws:userid, 'a'}", "a:b:c", "alice", "${$}{x}", "äö*", "?ö?"}
	arns := []string{"arn:aws:iam::111111111111:user/*", "arn:aws:iam::*:role/app/App", "arn:aws:*:*:*:*", "*", "arn:aws:iam::111111111111:*",
		"arn:aws:iam::1*1:user/${aws:username}", "${aws:PrincipalArn}", "arn:aws:sns:us-?ast-1:111111111111:t*:x", "arn:aws:s*"}
	numbers := []string{"1", "10", "-3", "2.5", "100000"}
	dates := []string{"2024-01-01T00:00:00Z", "2024-06-01", "1704067200", "2030-01-01T00:00:00+02:00", "2024-01-01T00:00:00.5Z"}
	negated := pick(g, "", "Not")
	order := pick(g, "Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
	switch g.IntN(10) {
	case 0, 1, 2:
		op, want = "String"+negated+pick(g, "Equals", "EqualsIgnoreCase", "Like"), some(g, texts...)
	case 3, 4:
		op, want = "Arn"+negated+pick(g, "Equals", "Like"), some(g, arns...)
	case 5:
		op, want = "Numeric"+order, some(g, numbers...)
	case 6:
		op, want = "Date"+order, some(g, dates...)
	case 7:
		op, want = negated+"IpAddress", some(g, "10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "::ffff:10.0.0.0/104", "0.0.0.0/0", "::/0")
	case 8:
		op, want = pick(g, "Bool", "BinaryEquals"), "true"
		if op == "BinaryEquals" {
			want = some(g, "YWJj", "QQ==")
		}
	default:
		return pick(g, "Null", "ForAllValues:Null"), pick(g, contextKeys...), pick(g, any("true"), any(false), any([]string{"true", "false"}))
	}
	if g.IntN(3) == 0 {
		op += "IfExists"
	}
	op = pick(g, "", "", "ForAllValues:", "ForAnyValue:") + op
	return op, pick(g, contextKeys...), want
}

// contextKeys are the keys conditions ask for, in assorted case.
var contextKeys = []string{"test:Text", "TEST:text", "test:List", "test:Number", "test:Date", "test:Address", "test:Flag", "test:Bytes",
	"test:Arn", "aws:PrincipalArn", "aws:username", "aws:PrincipalTag/Dir", "aws:PrincipalType", "aws:ResourceAccount", "aws:userid"}

func (g *generator) context() map[string]refValues {
	pools := map[string][]string{
		"test:text":    {"a", "A", "bcd", "", "abc", "alice", "*", "${x}", "a:b:c", "äöü", "not a number"},
		"test:number":  {"1", "10", "-3", "2.50", "99999", "x", ""},
		"test:date":    {"2024-01-01T00:00:00Z", "2024-06-01T00:00:00Z", "1704067200", "2029-12-31T22:00:00Z", "never"},
		"test:address": {"10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1", "192.0.2.7", "garbage"},
		"test:flag":    {"true", "false", "TRUE"},
		"test:bytes":   {"YWJj", "QQ==", "abc"},
		"test:arn": {"arn:aws:iam::111111111111:user/alice", "arn:aws:sns:us-east-1:111111111111:topic:x",
			"arn:aws:iam::999:role/app/App", "notanarn", "arn:aws:s3:::bucket"},
	}
	ctx := map[string]refValues{}
	for key, pool := range pools {
		if g.IntN(2) == 0 {
			ctx[key] = refValues{vals: []string{pick(g, pool...)}}
		}
	}
	if g.IntN(2) == 0 {
		l := refValues{list: true}
		for range g.IntN(4) {
			l.vals = append(l.vals, pick(g, "a", "A", "b1", "abc", "", "alice", "10.1.2.3", "1", "arn:aws:iam::111111111111:user/alice"))
		}
		ctx["test:list"] = l
	}
	return ctx
}

var tags = []policy.Tag{{Key: "Dir", Value: "home"}, {Key: "team", Value: "a*"}}

var callers = []*policy.Principal{
	{Type: policy.User, ARN: "arn:aws:iam::111111111111:user/alice", Account: "111111111111", UserID: "AIDAALICE0000000001", UserName: "alice", Tags: tags},
	{Type: policy.User, ARN: "arn:aws:iam::222222222222:user/bob", Account: "222222222222", UserID: "AIDABOB000000000001", UserName: "bob", CanonicalID: "c0ffee"},
	{Type: policy.RootUser, ARN: "arn:aws:iam::111111111111:root", Account: "111111111111", UserID: "111111111111"},
	{Type: policy.RoleSession, ARN: "arn:aws:sts::111111111111:assumed-role/App/s1", Account: "111111111111", UserID: "AROAAPP000000000001:s1",
		RoleARN: "arn:aws:iam::111111111111:role/app/App", RoleID: "AROAAPP000000000001", Tags: tags},
	{Type: policy.RoleSession, ARN: "arn:aws:sts::111111111111:assumed-role/App/s2", Account: "111111111111", UserID: "AROAAPP000000000001:s2",
		RoleARN: "arn:aws:iam::111111111111:role/app/App", RoleID: "AROAAPP000000000001"},
	{Type: policy.RoleSession, ServiceLinked: true, ARN: "arn:aws:sts::111111111111:assumed-role/AWSServiceRoleForX/x", Account: "111111111111",
		UserID: "AROASLR000000000001:x", RoleARN: "arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX", RoleID: "AROASLR000000000001"},
	{Type: policy.FederatedUser, ARN: "arn:aws:sts::111111111111:federated-user/fred", Account: "111111111111", UserID: "111111111111:fred",
		IssuerARN: "arn:aws:iam::111111111111:user/alice", IssuerID: "AIDAALICE0000000001"},
	{Type: policy.FederatedUser, ARN: "arn:aws:sts::111111111111:federated-user/fred", Account: "111111111111", UserID: "111111111111:fred",
		IssuerARN: "arn:aws:iam::111111111111:root", IssuerID: "111111111111"},
	{Type: policy.Service, Services: []string{"sns.amazonaws.com", "kms.amazonaws.com"}},
	{Type: policy.Anonymous},
	{Type: policy.WebIdentity, Provider: "accounts.example.com"},
}

type always bool

func (a always) Allow() (string, bool) { return "grant", bool(a) }

func (g *generator) take(kind policy.Kind, n int) (trees []obj, compiled []*policy.Policy) {
	for range n {
		d := pick(g, g.docs[kind]...)
		trees, compiled = append(trees, d.tree), append(compiled, d.compiled)
	}
	return trees, compiled
}

func (g *generator) levels(kind policy.Kind) (trees [][]obj, compiled [][]*policy.Policy) {
	if g.IntN(3) > 0 {
		return nil, nil
	}
	for range 1 + g.IntN(2) {
		t, p := g.take(kind, 1+g.IntN(2))
		trees, compiled = append(trees, t), append(compiled, p)
	}
	return trees, compiled
}

// draw makes one case in both forms.
func (g *generator) draw() (*refCase, *policy.Request, *policy.Policies) {
	c := &refCase{who: pick(g, callers...), ctx: g.context(), extra: g.IntN(12) == 0}
	ps := &policy.Policies{Extra: always(c.extra)}
	c.action = pick(g, "kms:Decrypt", "kms:DescribeKey", "KMS:Encrypt", "s3:GetObject")
	c.resource = pick(g, "arn:aws:kms:us-east-1:111111111111:key/abc", "arn:aws:kms:us-west-1:222222222222:key/abc",
		"arn:aws:kms:us-east-1:111:key/x:11:key/abc",
		"arn:aws:s3:::bucket/home/alice/f", "arn:aws:s3:::bucket/f:x", "*", "arn:aws:s3:::bucket/home/*/f")
	c.account = pick(g, "111111111111", "111111111111", "222222222222")
	c.mode = pick(g, policy.ResourceOptional, policy.ResourceOptional, policy.ResourceDelegating, policy.ResourceTrust)
	kind := pick(g, policy.Resource, policy.KMSKey)
	if c.mode == policy.ResourceTrust {
		kind, c.action = policy.RoleTrust, pick(g, "sts:AssumeRole", "sts:TagSession")
	}
	c.identity, ps.Identity = g.take(policy.IdentityInline, g.IntN(4))
	c.session, ps.Session = g.take(policy.Session, max(0, g.IntN(5)-2))
	c.resourcePol, ps.Resource = g.take(kind, min(2, g.IntN(4)))
	if g.IntN(4) == 0 {
		t, p := g.take(policy.Boundary, 1)
		c.boundary, ps.Boundary = t[0], p[0]
	}
	if g.IntN(8) == 0 {
		t, p := g.take(policy.VPCEndpoint, 1)
		c.endpoint, ps.VPCEndpoint = t[0], p[0]
	}
	c.scp, ps.SCP = g.levels(policy.ServiceControl)
	c.rcp, ps.RCP = g.levels(policy.ResourceControl)
	c.management = pick(g, "", "333333333333", "222222222222")
	ps.ResourceMode, ps.ManagementAccount = c.mode, c.management
	ctx := policy.Map{}
	for key, v := range c.ctx {
		if v.list {
			ctx[key] = policy.Many(v.vals)
		} else {
			ctx[key] = policy.One(v.vals[0])
		}
	}
	return c, &policy.Request{Principal: c.who, Action: c.action, Resource: c.resource, ResourceAccount: c.account, Context: ctx}, ps
}
