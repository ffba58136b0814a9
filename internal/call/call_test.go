package call

import (
	"context"
	"testing"

	"fastness/internal/policy"
)

func TestViaServiceNamesTheRegion(t *testing.T) {
	for _, c := range []struct {
		via  []string
		want string
	}{
		{nil, ""},
		{[]string{"ssm.amazonaws.com"}, "ssm.eu-west-1.amazonaws.com"},
		{[]string{"ssm.amazonaws.com", "secretsmanager.amazonaws.com"}, "secretsmanager.eu-west-1.amazonaws.com"},
		{[]string{"xks-proxy.fastness.internal"}, "xks-proxy.fastness.internal"},
	} {
		if got := (&Call{Region: "eu-west-1", Via: c.via}).ViaService(); got != c.want {
			t.Errorf("%v: %q, want %q", c.via, got, c.want)
		}
	}
}

func TestDepthCountsTheCallsAbove(t *testing.T) {
	top := &Call{}
	if inner := (&Call{Parent: &Call{Parent: top}}); top.Depth() != 0 || inner.Depth() != 2 {
		t.Errorf("depths %d and %d", top.Depth(), inner.Depth())
	}
}

func TestACallFromInsideIsSecure(t *testing.T) {
	for _, c := range []struct {
		source *Source
		want   bool
	}{{nil, true}, {&Source{}, false}, {&Source{TLSVersion: "TLSv1.3"}, true}} {
		if got := (&Call{Source: c.source}).Secure(); got != c.want {
			t.Errorf("%+v: %v", c.source, got)
		}
	}
}

func TestContextCarriesTheCall(t *testing.T) {
	if From(context.Background()) != nil {
		t.Error("a call from nowhere")
	}
	c := &Call{}
	if From(With(context.Background(), c)) != c {
		t.Error("another call")
	}
}

func TestPrincipalsAsPoliciesSeeThem(t *testing.T) {
	session := &Session{RoleARN: "arn:aws:iam::111122223333:role/path/r", RoleID: "AROAX", RoleName: "r", Name: "s"}
	for _, c := range []struct {
		p                  *Principal
		kind               policy.PrincipalType
		policyARN, display string
	}{
		{&Principal{Kind: Root, Account: "111122223333", ARN: "arn:aws:iam::111122223333:root"}, policy.RootUser, "arn:aws:iam::111122223333:root", "root"},
		{&Principal{Kind: User, ARN: "arn:aws:iam::111122223333:user/a", UserName: "a"}, policy.User, "arn:aws:iam::111122223333:user/a", "a"},
		{&Principal{Kind: AssumedRole, ARN: "arn:aws:sts::111122223333:assumed-role/r/s", Session: session}, policy.RoleSession, session.RoleARN, "s"},
		{&Principal{Kind: Service, ARN: "kms.amazonaws.com", Service: "kms.amazonaws.com"}, policy.Service, "kms.amazonaws.com", "kms"},
		{&Principal{Kind: Anonymous}, policy.Anonymous, "", ""},
	} {
		s := c.p.Subject()
		if s.Type != c.kind || s.ARN != c.p.ARN || s != c.p.Subject() {
			t.Errorf("%+v: subject %+v", c.p.Kind, s)
		}
		if got := c.p.PolicyARN(); got != c.policyARN {
			t.Errorf("policy ARN %q, want %q", got, c.policyARN)
		}
		if got := c.p.DisplayName(); got != c.display {
			t.Errorf("display name %q, want %q", got, c.display)
		}
	}
}
