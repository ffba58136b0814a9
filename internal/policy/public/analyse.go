package public

import (
	"slices"
	"strconv"
	"strings"

	"fastness/internal/policy"
)

// Finding is a statement that lets everybody in.
type Finding struct {
	// Statement is its place in the document, from 0, and Sid its name, if it has one.
	Statement int
	Sid       string
	// Witness is somebody whom it lets in: "*" for callers without credentials, or the ARN
	// of a principal in an account that the policy does not mention.
	Witness string
}

// String says it in words.
func (f Finding) String() string {
	name := "statement " + strconv.Itoa(f.Statement+1)
	if f.Sid != "" {
		name += ` ("` + f.Sid + `")`
	}
	if f.Witness == anonymous {
		return name + " allows everybody, even callers without credentials"
	}
	return name + " allows principals of any account, such as " + f.Witness
}

// Analyse returns the public statements of a resource policy. If there is none, the
// policy is not public.
func Analyse(d *policy.Document) []Finding {
	var found []Finding
	for i := range d.Statements {
		s := &d.Statements[i]
		if s.Effect != policy.EffectAllow || !everybody(s) || bounded(s.Conditions) {
			continue
		}
		found = append(found, Finding{Statement: i, Sid: s.Sid, Witness: witness(d, i)})
	}
	return found
}

// everybody tells whether the principals of a statement have no bounds. Allow with
// NotPrincipal is everybody but some.
func everybody(s *policy.Statement) bool {
	if s.NotPrincipal {
		return true
	}
	return slices.ContainsFunc(s.Principals, func(p policy.PrincipalEntry) bool { return strings.ContainsAny(p.Value, "*?") })
}

// anonymous is a witness without credentials.
const anonymous = "*"

// witness is somebody whom a public statement lets in: whoever has no credentials, if that
// is enough, and otherwise a principal of a foreign account.
func witness(d *policy.Document, i int) string {
	alone := *d
	alone.Statements = d.Statements[i : i+1]
	p := policy.Compile("", &alone)
	for _, action := range sample(alone.Statements[0].Actions) {
		for _, resource := range sample(alone.Statements[0].Resources) {
			result := policy.Evaluate(&policy.Request{
				Action: action, Resource: resource, ResourceAccount: foreign(d),
			}, &policy.Policies{Resource: []*policy.Policy{p}}, nil)
			if result.Allowed() {
				return anonymous
			}
		}
	}
	return "arn:aws:iam::" + foreign(d) + ":root"
}

// sample are members of the sets that patterns describe.
func sample(patterns []string) []string {
	if len(patterns) == 0 {
		return []string{"*"}
	}
	var list []string
	for _, p := range patterns {
		list = append(list, strings.NewReplacer("*", "a", "?", "a").Replace(p), "secretsmanager:GetSecretValue", p)
	}
	return list
}

// foreign is an account that nothing in the policy mentions.
func foreign(d *policy.Document) string {
	for n := 0; ; n++ {
		account := strconv.Itoa(999999999999 - n)
		if !slices.ContainsFunc(d.Statements, func(s policy.Statement) bool {
			return slices.ContainsFunc(s.Principals, func(p policy.PrincipalEntry) bool { return strings.Contains(p.Value, account) }) ||
				slices.ContainsFunc(s.Conditions, func(c policy.Condition) bool {
					return slices.ContainsFunc(c.Values, func(v string) bool { return strings.Contains(v, account) })
				})
		}) {
			return account
		}
	}
}
