package sts

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
	"slices"
	"strings"
	"time"

	"fastness/internal/api/stsapi"
	"fastness/internal/arn"
	"fastness/internal/call"
	"fastness/internal/policy"
)

// Provider is an OpenID Connect identity provider of an account.
type Provider struct {
	Account string
	// Issuer is the URL in the iss claim: "https://oidc.example.com/team".
	Issuer string
	// ClientIDs are the audiences that are accepted.
	ClientIDs []string
	Keys      []ProviderKey
}

// ProviderKey is a key that a provider signs with: an *rsa.PublicKey of at least 2048
// bits (RS256) or an *ecdsa.PublicKey on P-256 (ES256).
type ProviderKey struct {
	ID  string // the kid of tokens
	Key crypto.PublicKey
}

func (p *Provider) check() error {
	if !arn.IsAccountID(p.Account) || !strings.HasPrefix(p.Issuer, "https://") || len(p.ClientIDs) == 0 {
		return fmt.Errorf("sts: provider %q needs an account, an https issuer and a client id", p.Issuer)
	}
	for _, k := range p.Keys {
		switch key := k.Key.(type) {
		case *rsa.PublicKey:
			if key.N.BitLen() >= 2048 {
				continue
			}
		case *ecdsa.PublicKey:
			if key.Curve == elliptic.P256() {
				continue
			}
		}
		return fmt.Errorf("sts: provider %q: key %q is not of an accepted kind", p.Issuer, k.ID)
	}
	return nil
}

// host is the issuer without its scheme, as ARNs and condition keys have it.
func (p *Provider) host() string { return strings.TrimPrefix(p.Issuer, "https://") }

func (p *Provider) arn() string {
	return "arn:" + call.Partition + ":iam::" + p.Account + ":oidc-provider/" + p.host()
}

// webAssumption is what Resolve has found out about a web identity.
type webAssumption struct {
	role       *call.Principal
	maxSession time.Duration
	provider   *Provider
	token      *identityToken
	audience   string
}

func badToken(format string, args ...any) error {
	return &stsapi.InvalidIdentityTokenException{Message: new(fmt.Sprintf(format, args...))}
}

// resolveWebIdentity verifies the token and asks the role's trust policy. The bearer
// of a token has no other policies, and is no caller that the front door knows, so
// the whole decision is made here.
func (s *Service) resolveWebIdentity(c *call.Call, in *stsapi.AssumeRoleWithWebIdentityRequest) error {
	target, err := roleARN(*in.RoleArn)
	if err != nil {
		return err
	}
	w, err := s.webIdentity(target.Account, *in.WebIdentityToken)
	if err != nil {
		return err
	}
	role, trust, maxSession, err := s.dir.AssumableRole(*in.RoleArn)
	if err != nil {
		return err
	}
	refused := denied("Not authorized to perform sts:AssumeRoleWithWebIdentity")
	if role == nil {
		return refused
	}
	result := policy.Evaluate(&policy.Request{
		Principal: &policy.Principal{Type: policy.WebIdentity, Provider: w.provider.arn()},
		Action:    "sts:AssumeRoleWithWebIdentity", Resource: *in.RoleArn, ResourceAccount: target.Account,
		Context: w.context(c, *in.RoleSessionName, role),
	}, &policy.Policies{Resource: []*policy.Policy{trust}, ResourceMode: policy.ResourceTrust}, nil)
	if !result.Allowed() {
		return refused
	}
	w.role, w.maxSession = role, maxSession
	c.Resolved = w
	return nil
}

// webIdentity verifies a token for the providers of an account.
func (s *Service) webIdentity(account, token string) (*webAssumption, error) {
	t, err := parseJWT(token)
	if err != nil {
		return nil, badToken("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
	i := slices.IndexFunc(s.providers, func(p Provider) bool { return p.Account == account && p.Issuer == t.Issuer })
	if i < 0 {
		return nil, badToken("No OpenIDConnect provider found in your account for %s", t.Issuer)
	}
	p := &s.providers[i]
	if !t.verify(p.Keys) {
		return nil, badToken("The signature of the ID Token provided could not be verified.")
	}
	now := float64(s.clock.Now().Unix())
	switch {
	case t.Expires == nil:
		return nil, badToken("Missing a required claim: exp")
	case t.Subject == "":
		return nil, badToken("Missing a required claim: sub")
	case now >= *t.Expires:
		return nil, &stsapi.ExpiredTokenException{Message: new(fmt.Sprintf("Token expired: current date/time %.0f must be before the expiration date/time %.0f", now, *t.Expires))}
	case t.NotBefore != nil && now < *t.NotBefore:
		return nil, badToken("The ID Token provided is not valid yet.")
	}
	a := slices.IndexFunc(t.Audience, func(a string) bool { return slices.Contains(p.ClientIDs, a) })
	if a < 0 {
		return nil, badToken("Incorrect token audience")
	}
	return &webAssumption{provider: p, token: t, audience: t.Audience[a]}, nil
}

// context are the condition keys of a web identity: those of its token, named after
// the provider, and the global ones of the request. With an azp claim, that is what
// :aud means ("Available keys for AWS OIDC federation").
func (w *webAssumption) context(c *call.Call, sessionName string, role *call.Principal) conditionKeys {
	host := strings.ToLower(w.provider.host())
	keys := conditionKeys{
		host + ":sub": policy.One(w.token.Subject), host + ":aud": policy.One(w.audience),
		"sts:rolesessionname": policy.One(sessionName), "aws:federatedprovider": policy.One(w.provider.arn()),
		"aws:currenttime": policy.Time(c.Time), "aws:epochtime": policy.Time(c.Time),
		"aws:requestedregion": policy.One(c.Region), "aws:securetransport": policy.Flag(c.Secure()),
	}
	if w.token.Party != "" {
		keys[host+":aud"], keys[host+":oaud"] = policy.One(w.token.Party), policy.One(w.audience)
	}
	if len(w.token.Methods) > 0 {
		keys[host+":amr"] = policy.Many(w.token.Methods)
	}
	if c.Source != nil {
		if c.Source.IP.IsValid() {
			keys["aws:sourceip"] = policy.Addr(c.Source.IP)
		}
		if c.Source.UserAgent != "" {
			keys["aws:useragent"] = policy.One(c.Source.UserAgent)
		}
	}
	for k, v := range role.Tags {
		k = strings.ToLower(k)
		keys["aws:resourcetag/"+k], keys["iam:resourcetag/"+k] = policy.One(v), policy.One(v)
	}
	return keys
}

// AssumeRoleWithWebIdentity makes a session of a role for the bearer of a token.
func (s *Service) AssumeRoleWithWebIdentity(ctx context.Context, in *stsapi.AssumeRoleWithWebIdentityRequest) (*stsapi.AssumeRoleWithWebIdentityResponse, error) {
	c := call.From(ctx)
	w, ok := c.Resolved.(*webAssumption)
	if !ok {
		return nil, denied("Not authorized to perform sts:AssumeRoleWithWebIdentity")
	}
	d := seconds(in.DurationSeconds, defaultRoleSession)
	if d > w.maxSession {
		return nil, invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	l, err := s.sessionLimits(w.role.Account, in.Policy, in.PolicyArns)
	if err != nil {
		return nil, err
	}
	packed, err := pack(l, nil)
	if err != nil {
		return nil, err
	}
	credentials, err := s.issue(&claims{
		Kind: kindRole, Account: w.role.Account, ID: w.role.Session.RoleID, Name: *in.RoleSessionName,
		Provider: w.provider.arn(), Policy: l.policy, PolicyARNs: l.arns,
	}, d)
	if err != nil {
		return nil, err
	}
	u := assumedRoleUser(w.role, *in.RoleSessionName)
	noteIssued(c, credentials, "assumedRoleUser", noteRole(u))
	return &stsapi.AssumeRoleWithWebIdentityResponse{
		Credentials: credentials, PackedPolicySize: packed, AssumedRoleUser: u,
		SubjectFromWebIdentityToken: new(w.token.Subject), Provider: new(w.provider.arn()), Audience: new(w.audience),
	}, nil
}
