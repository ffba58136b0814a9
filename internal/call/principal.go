package call

import (
	"strings"
	"sync"
	"time"

	"fastness/internal/policy"
)

// Kind is the kind of a principal.
type Kind uint8

// The kinds of principals.
const (
	Anonymous     Kind = iota // no signature, for operations that allow it
	Root                      // the account's root user
	User                      // an IAM user
	AssumedRole               // a session of an IAM role
	FederatedUser             // a session of GetFederationToken
	Service                   // an AWS service principal (background work of a service)
)

// Principal is an authenticated caller. It is immutable and must not be copied: all
// calls of one session share it.
type Principal struct {
	Kind    Kind
	Account string // twelve digits; empty for Anonymous and Service
	// ARN as policies and messages show it: arn:aws:iam::A:user/path/name,
	// arn:aws:sts::A:assumed-role/role/session, arn:aws:iam::A:root.
	ARN string
	// ID is the principal id: AIDA…, AROA…:session, A:name, the account for root.
	ID string
	// UserName is the IAM user's name, for User only.
	UserName string
	// AccessKeyID of the credentials that signed; empty for Service and Anonymous.
	AccessKeyID string
	// Tags of the user or of the role and the session, by key (aws:PrincipalTag).
	Tags map[string]string
	// Service is the service principal ("kms.amazonaws.com"), for Service only.
	Service string
	// Session is set for temporary credentials.
	Session *Session

	subject     policy.Principal
	subjectOnce sync.Once
}

// Session is what temporary credentials carry besides the principal.
type Session struct {
	Issued, Expires time.Time
	// MFA tells whether the session was made with multi-factor authentication.
	MFA bool
	// The role behind an AssumedRole.
	RoleARN, RoleID, RoleName string
	// Name of the session (RoleSessionName or federated user name).
	Name string
	// SourceIdentity, if one was set when the role was assumed.
	SourceIdentity string
	// TransitiveTagKeys are handed on when the session assumes another role.
	TransitiveTagKeys []string
	// Federated is the identity provider of a web identity session.
	Federated string
	// The user (or root) behind a FederatedUser.
	IssuerARN, IssuerID string
	// Policies are the compiled session policies; nil means none were passed, and a
	// session is then not limited by any.
	Policies []*policy.Policy
	// ServiceLinked roles are exempt from SCPs and RCPs.
	ServiceLinked bool
}

// IsRootOf tells whether p is the root user of the account.
func (p *Principal) IsRootOf(account string) bool {
	return p.Kind == Root && p.Account == account
}

// PolicyARN is the ARN that grants and stored principals name for p: the role's ARN
// for a role session, the principal's own otherwise.
func (p *Principal) PolicyARN() string {
	if p.Kind == AssumedRole && p.Session != nil {
		return p.Session.RoleARN
	}
	return p.ARN
}

// DisplayName is CloudTrail's user name: the user, the session or "root".
func (p *Principal) DisplayName() string {
	switch p.Kind {
	case User:
		return p.UserName
	case Root:
		return "root"
	case AssumedRole, FederatedUser:
		if p.Session != nil {
			return p.Session.Name
		}
	case Service:
		return strings.TrimSuffix(p.Service, ".amazonaws.com")
	}
	return ""
}

// Subject is p as policies see it. It is made once; callers share it.
func (p *Principal) Subject() *policy.Principal {
	p.subjectOnce.Do(func() {
		s := policy.Principal{ARN: p.ARN, Account: p.Account, UserID: p.ID, UserName: p.UserName}
		switch p.Kind {
		case Root:
			s.Type = policy.RootUser
		case User:
			s.Type = policy.User
		case AssumedRole:
			s.Type = policy.RoleSession
		case FederatedUser:
			s.Type = policy.FederatedUser
		case Service:
			s.Type, s.Services = policy.Service, []string{p.Service}
		}
		if p.Session != nil {
			s.RoleARN, s.RoleID = p.Session.RoleARN, p.Session.RoleID
			s.IssuerARN, s.IssuerID = p.Session.IssuerARN, p.Session.IssuerID
			s.ServiceLinked, s.Provider = p.Session.ServiceLinked, p.Session.Federated
		}
		for k, v := range p.Tags {
			s.Tags = append(s.Tags, policy.Tag{Key: k, Value: v})
		}
		p.subject = s
	})
	return &p.subject
}
