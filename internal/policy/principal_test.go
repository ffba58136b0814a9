package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestPrincipalAnswersGlobalKeys(t *testing.T) {
	member := *session
	member.OrgID, member.OrgPaths, member.Provider = "o-1", []string{"o-1/r-1/ou-1/"}, "accounts.example.com"
	member.Tags = []Tag{{"CostCenter", "42"}}
	for _, c := range []struct {
		who  *Principal
		key  string
		want string // values joined with commas; - when absent
	}{
		{&member, "aws:principalorgid", "o-1"},
		{&member, "aws:principalorgpaths", "o-1/r-1/ou-1/"},
		{&member, "aws:federatedprovider", "accounts.example.com"},
		{&member, "aws:principaltag/costcenter", "42"},
		{&member, "aws:principaltag/other", "-"},
		{&member, "aws:principalaccount", "111122223333"},
		{&member, "aws:principalisawsservice", "false"},
		{&member, "aws:principalservicename", "-"},
		{&member, "aws:sourceip", "-"},
		{alice, "aws:principalorgid", "-"},
		{service, "aws:principalisawsservice", "true"},
		{service, "aws:principalservicename", "sns.amazonaws.com"},
		{service, "aws:principalservicenameslist", "sns.amazonaws.com"},
		{anonymous, "aws:principalisawsservice", "-"},
		{anonymous, "aws:principalaccount", "-"},
	} {
		got := "-"
		if v, ok := c.who.Lookup(c.key); ok {
			var list []string
			for i := range v.Len() {
				list = append(list, v.At(i))
			}
			got = strings.Join(list, ",")
		}
		if got != c.want {
			t.Errorf("%s of %s: %s, want %s", c.key, c.who.displayName(), got, c.want)
		}
	}
}

// TestContextOverridesPrincipal is what simulations rely on.
func TestContextOverridesPrincipal(t *testing.T) {
	p := must(t, IdentityInline, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:username":"bob"}}}}`)
	req := &Request{Principal: alice, Action: "x:y", Resource: "*", Context: Map{"aws:username": One("bob")}}
	if r := Evaluate(req, &Policies{Identity: []*Policy{p}}, nil); !r.Allowed() {
		t.Error("the context does not come first")
	}
}

func TestManyPrincipalsAreFound(t *testing.T) {
	var list []string
	for i := range 500 {
		list = append(list, fmt.Sprintf(`"arn:aws:iam::111122223333:user/u%d"`, i))
	}
	p := must(t, KMSKey, `{"Statement":{"Effect":"Allow","Principal":{"AWS":[`+strings.Join(list, ",")+`]},"Action":"kms:*","Resource":"*"}}`)
	for _, name := range []string{"u0", "u8", "u499", "u500"} {
		who := &Principal{Type: User, Account: "111122223333", ARN: "arn:aws:iam::111122223333:user/" + name}
		r := Evaluate(&Request{Principal: who, Action: "kms:Decrypt", Resource: theKey}, &Policies{Resource: []*Policy{p}, ResourceMode: ResourceDelegating}, nil)
		if want := slices.Contains(list, `"`+who.ARN+`"`); r.Allowed() != want {
			t.Errorf("%s: allowed %v, want %v", name, r.Allowed(), want)
		}
	}
}

func TestNilPrincipalIsAnonymous(t *testing.T) {
	req := &Request{Action: "kms:Decrypt", Resource: theKey}
	r := Evaluate(req, house(t, "identity allow"), nil)
	if r.Allowed() || r.Denial(req) != "User: anonymous is not authorized to perform: kms:Decrypt on resource: "+theKey+" because no resource-based policy allows the kms:Decrypt action" {
		t.Error(r.Denial(req))
	}
}

func TestNilPoliciesSayNothing(t *testing.T) {
	nothing := []*Policy{nil}
	r := Evaluate(&Request{Principal: alice, Action: "kms:Decrypt", Resource: theKey},
		&Policies{Identity: nothing, Resource: nothing, SCP: [][]*Policy{{must(t, ServiceControl, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`), nil}}}, nil)
	if r.Decision != ImplicitDeny || r.Layer != LayerIdentity {
		t.Errorf("%v by %v", r.Decision, r.Layer)
	}
}

// TestHandMadeDocumentsDoNotOpenDoors: Compile does not rely on Parse having refused
// statements without principal or resource.
func TestHandMadeDocumentsDoNotOpenDoors(t *testing.T) {
	for name, s := range map[string]Statement{
		"no principal": {Effect: EffectAllow, Actions: []string{"*"}, Resources: []string{"*"}},
		"no resource":  {Effect: EffectAllow, Actions: []string{"*"}, Principals: []PrincipalEntry{{Type: PrincipalAWS, Value: "*"}}},
		"no action":    {Effect: EffectAllow, Resources: []string{"*"}, Principals: []PrincipalEntry{{Type: PrincipalAWS, Value: "*"}}},
		"no effect":    {Actions: []string{"x:y"}, Principals: []PrincipalEntry{{Type: PrincipalAWS, Value: "*"}}},
		"bad operator": {Effect: EffectAllow, Actions: []string{"*"}, Resources: []string{"*"}, Principals: []PrincipalEntry{{Type: PrincipalAWS, Value: "*"}},
			Conditions: []Condition{{Operator: "Whatever", Key: "aws:username", Values: []string{"alice"}}}},
	} {
		p := Compile("p", &Document{Kind: KMSKey, Version: Version2012, Statements: []Statement{s}})
		r := Evaluate(&Request{Principal: alice, Action: "kms:Decrypt", Resource: theKey}, &Policies{Resource: []*Policy{p}, ResourceMode: ResourceDelegating}, nil)
		if r.Allowed() {
			t.Errorf("%s: allowed", name)
		}
	}
}
