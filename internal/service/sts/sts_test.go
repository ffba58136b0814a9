package sts

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"fastness/internal/api/stsapi"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/page/pagetest"
	"fastness/internal/policy"
	"fastness/internal/wire"
)

const account = "123456789012"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// people is a directory with one role and one user.
type people struct {
	gone       bool
	generation uint64
	keys       int
	managed    map[string]*policy.Policy
}

func (p *people) Credential(context.Context, string, string) (call.Credential, error) {
	return call.Credential{}, call.ErrUnknownAccessKey
}

func (p *people) role() *call.Principal {
	return &call.Principal{Kind: call.AssumedRole, Account: account, Tags: map[string]string{"Team": "red"}, Session: &call.Session{
		RoleARN: "arn:aws:iam::" + account + ":role/r", RoleID: "AROAQQQQQQQQQQQQQQQQQ", RoleName: "r",
	}}
}

func (p *people) AssumableRole(string) (*call.Principal, *policy.Policy, time.Duration, error) {
	return p.role(), nil, time.Hour, nil
}

func (p *people) SessionRole(string, string) (*call.Principal, bool) { return p.role(), !p.gone }

func (p *people) SessionUser(string, string) (*call.Principal, bool) {
	return &call.Principal{Kind: call.User, Account: account, ARN: "arn:aws:iam::" + account + ":user/u", ID: "AIDAQQQQQQQQQQQQQQQQQ", UserName: "u"}, !p.gone
}

func (p *people) ManagedPolicy(_, arn string) (*policy.Policy, error) { return p.managed[arn], nil }
func (p *people) Generation(string) uint64                            { return p.generation }
func (p *people) AccountOf(string) (string, bool)                     { return account, true }

func (p *people) NewSessionKeyID(string) (string, error) {
	p.keys++
	return fmt.Sprintf("ASIA%016d", p.keys), nil
}

func newService(t testing.TB, providers ...Provider) (*Service, *people, *clock.Manual) {
	t.Helper()
	dir, c := &people{managed: make(map[string]*policy.Policy)}, clock.NewManual(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	s, err := New(Options{Directory: dir, Tokens: pagetest.New(t), Clock: c, Providers: providers})
	must(t, err)
	return s, dir, c
}

func TestSessionTokens(t *testing.T) {
	s, dir, c := newService(t)
	ctx := t.Context()
	cr, err := s.issue(&claims{Kind: kindRole, Account: account, ID: "AROAQQQQQQQQQQQQQQQQQ", Name: "s", Tags: map[string]string{"team": "blue"}, PolicyARNs: []string{"arn:deleted"}}, time.Hour)
	must(t, err)
	id, token := *cr.AccessKeyId, *cr.SessionToken
	got, err := s.Credential(ctx, id, token)
	must(t, err)
	p := got.Principal
	if p.ARN != "arn:aws:sts::"+account+":assumed-role/r/s" || p.ID != "AROAQQQQQQQQQQQQQQQQQ:s" || p.AccessKeyID != id || string(got.Secret) != *cr.SecretAccessKey {
		t.Errorf("%+v", p)
	}
	if len(p.Tags) != 1 || p.Tags["team"] != "blue" {
		t.Errorf("a session tag replaces the role's, whatever its case: %v", p.Tags)
	}
	if len(p.Session.Policies) != 1 || p.Session.Policies[0] != nothing {
		t.Error("a deleted session policy must stand for one that allows nothing")
	}
	again, err := s.Credential(ctx, id, token)
	if err != nil || again.Principal != p {
		t.Error("the second use is not answered from the cache")
	}
	dir.generation++
	if again, err = s.Credential(ctx, id, token); err != nil || again.Principal == p {
		t.Error("a change in the account is not seen")
	}
	for name, bad := range map[string][2]string{
		"other key":  {"ASIA0000000000009999", token},
		"flipped":    {id, token[:40] + string(token[40]^1) + token[41:]},
		"cut":        {id, token[:len(token)-4]},
		"not base64": {id, "!!"},
		"long":       {id, strings.Repeat("A", maxTokenBytes+4)},
	} {
		if _, err := s.Credential(ctx, bad[0], bad[1]); !errors.Is(err, call.ErrInvalidToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Credential(ctx, id, ""); !errors.Is(err, call.ErrUnknownAccessKey) {
		t.Error(err)
	}
	dir.gone = true
	dir.generation++
	if _, err := s.Credential(ctx, id, token); !errors.Is(err, call.ErrInvalidToken) {
		t.Errorf("deleted role: %v", err)
	}
	dir.gone = false
	c.Advance(time.Hour)
	if _, err := s.Credential(ctx, id, token); !errors.Is(err, call.ErrExpiredToken) {
		t.Errorf("expired: %v", err)
	}
	if n := s.cached.Load(); n != 0 {
		t.Errorf("%d sessions are still cached", n)
	}
}

func TestSessionCacheIsBounded(t *testing.T) {
	s, _, c := newService(t)
	session := func() {
		cr, err := s.issue(&claims{Kind: kindUser, Account: account, ID: "AIDAQQQQQQQQQQQQQQQQQ"}, time.Hour)
		must(t, err)
		_, err = s.Credential(t.Context(), *cr.AccessKeyId, *cr.SessionToken)
		must(t, err)
	}
	for range maxSessions + 1 {
		session()
	}
	if n := s.cached.Load(); n > maxSessions || n < maxSessions/2 {
		t.Errorf("%d sessions", n)
	}
	c.Advance(2 * time.Hour)
	for s.cached.Load() < maxSessions {
		session()
	}
	session()
	n := 0
	s.sessions.Range(func(_, _ any) bool { n++; return true })
	if int64(n) != s.cached.Load() || n > maxSessions/2 {
		t.Errorf("%d sessions after the first ones expired, %d counted", n, s.cached.Load())
	}
}

func TestAuthorizationMessages(t *testing.T) {
	s, _, _ := newService(t)
	p, err := policy.New(policy.IdentityInline, "inline", []byte(`{"Version":"2012-10-17","Statement":{"Sid":"No","Effect":"Deny","Action":"*","Resource":"*"}}`))
	must(t, err)
	req := &policy.Request{Principal: &policy.Principal{Type: policy.User, ARN: "arn:aws:iam::" + account + ":user/u", Account: account, UserID: "AIDA"}, Action: "kms:Decrypt", Resource: "*"}
	result := policy.Evaluate(req, &policy.Policies{Identity: []*policy.Policy{p}}, nil)
	encoded, err := s.EncodeAuthorizationMessage(&result, req)
	must(t, err)
	decode := func(account, message string) (string, error) {
		out, err := s.DecodeAuthorizationMessage(call.With(t.Context(), &call.Call{Account: account}), &stsapi.DecodeAuthorizationMessageRequest{EncodedMessage: &message})
		if err != nil {
			return "", err
		}
		return *out.DecodedMessage, nil
	}
	text, err := decode(account, encoded)
	must(t, err)
	var got struct {
		ExplicitDeny      bool
		MatchedStatements struct {
			Items []struct{ StatementID string }
		}
		Context struct{ Action string }
	}
	must(t, json.Unmarshal([]byte(text), &got))
	if !got.ExplicitDeny || got.Context.Action != "kms:Decrypt" || len(got.MatchedStatements.Items) != 1 || got.MatchedStatements.Items[0].StatementID != "No" {
		t.Errorf("%s", text)
	}
	var refused *stsapi.InvalidAuthorizationMessageException
	for _, message := range []string{"", "x", encoded[1:], "AAAA"} {
		if _, err := decode(account, message); !errors.As(err, &refused) {
			t.Errorf("%q: %v", message, err)
		}
	}
	if _, err := decode("210987654321", encoded); !errors.As(err, &refused) {
		t.Errorf("another account: %v", err)
	}
}

func TestSessionPolicyLimits(t *testing.T) {
	s, dir, _ := newService(t)
	dir.managed["arn:aws:iam::aws:policy/P"] = nothing
	arn := func(n int) (list []stsapi.PolicyDescriptorType) {
		for range n {
			list = append(list, stsapi.PolicyDescriptorType{Arn: new("arn:aws:iam::aws:policy/P")})
		}
		return list
	}
	doc := func(action string) *string {
		return new(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"` + action + `","Resource":"*"}}`)
	}
	for name, c := range map[string]struct {
		doc  *string
		arns []stsapi.PolicyDescriptorType
		want string
	}{
		"none":            {nil, nil, ""},
		"both":            {doc("s3:*"), arn(10), ""},
		"malformed":       {new("{}"), nil, "MalformedPolicyDocumentException"},
		"too long":        {doc("s3:" + strings.Repeat("x", 2048)), nil, "ValidationException"},
		"too many":        {nil, arn(11), "ValidationException"},
		"unknown":         {nil, []stsapi.PolicyDescriptorType{{Arn: new("arn:aws:iam::aws:policy/none")}}, "ValidationException"},
		"without ARN":     {nil, []stsapi.PolicyDescriptorType{{}}, "ValidationException"},
		"together beyond": {doc("s3:" + strings.Repeat("x", 1900)), arn(10), "PackedPolicyTooLargeException"},
	} {
		_, err := s.sessionLimits(account, c.doc, c.arns)
		got := ""
		var api wire.APIError
		if errors.As(err, &api) {
			got = api.ErrorCode()
		}
		if got != c.want || err != nil && got == "" {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if n, err := pack(limits{}, nil); n != nil || err != nil {
		t.Errorf("%v, %v", n, err)
	}
	if n, err := pack(limits{policy: *doc("s3:*")}, map[string]string{"k": "v"}); err != nil || *n < 1 || *n > 5 {
		t.Errorf("%v, %v", n, err)
	}
	big := make(map[string]string)
	for i := range 50 {
		b := make([]byte, 96)
		_, _ = rand.Read(b)
		big[fmt.Sprint(i)] = fmt.Sprintf("%x", b)
	}
	var large *stsapi.PackedPolicyTooLargeException
	if _, err := pack(limits{}, big); !errors.As(err, &large) {
		t.Error(err)
	}
}

func TestProvidersAreChecked(t *testing.T) {
	for _, p := range []Provider{
		{}, {Account: account, Issuer: "http://x", ClientIDs: []string{"c"}}, {Account: account, Issuer: "https://x"},
		{Account: account, Issuer: "https://x", ClientIDs: []string{"c"}, Keys: []ProviderKey{{Key: "text"}}},
	} {
		if _, err := New(Options{Directory: &people{}, Tokens: pagetest.New(t), Clock: clock.System{}, Providers: []Provider{p}}); err == nil {
			t.Errorf("%+v is accepted", p)
		}
	}
	if _, err := New(Options{}); err == nil {
		t.Error("a service of nothing")
	}
}

func FuzzOpenToken(f *testing.F) {
	s, _, _ := newService(f)
	cr, err := s.issue(&claims{Kind: kindUser, Account: account, ID: "x"}, time.Hour)
	must(f, err)
	f.Add("ASIA0000000000000009", *cr.SessionToken)
	f.Add("ASIA0000000000000009", "AAAA")
	f.Fuzz(func(t *testing.T, id, token string) {
		if cl, err := s.open(id, token); err == nil && id != *cr.AccessKeyId {
			t.Fatalf("%q opened %+v", token, cl)
		}
	})
}
