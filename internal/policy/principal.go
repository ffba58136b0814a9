package policy

import (
	"strings"
)

// PrincipalType says who makes a request.
type PrincipalType uint8

// The principal types.
const (
	Anonymous     PrincipalType = iota // unsigned request
	RootUser                           // root user of an account
	User                               // IAM user, with or without a GetSessionToken session
	RoleSession                        // assumed role, by any AssumeRole operation
	FederatedUser                      // GetFederationToken session of a user or of root
	WebIdentity                        // bearer of a web identity token, before it has a role
	SAMLIdentity                       // bearer of a SAML assertion, before it has a role
	Service                            // AWS service
)

// Tag is a tag of a principal (session tags override the tags of the role).
type Tag struct{ Key, Value string }

// Principal is the caller as the evaluator sees it. Unused fields stay empty. Its
// Lookup answers the condition keys that follow from it.
type Principal struct {
	Type PrincipalType
	// ARN is the caller's own: the user, the root user, the role session
	// (arn:aws:sts::…:assumed-role/Role/Session) or the federated user.
	ARN string
	// Account is the 12-digit account of the caller; empty for services, anonymous
	// callers and bearers of tokens.
	Account string
	// UserID is aws:userid: AIDA… for users, the account id for root, AROA…:session
	// for role sessions, account:name for federated users.
	UserID string
	// UserName is aws:username, of users only.
	UserName string
	// RoleARN (with its path) and RoleID (AROA…) identify the role of a session.
	RoleARN string
	RoleID  string
	// IssuerARN and IssuerID identify the user, or root, who called GetFederationToken.
	IssuerARN string
	IssuerID  string
	// ServiceLinked marks a session of a service-linked role, which SCPs and RCPs do
	// not bind.
	ServiceLinked bool
	// Provider is the identity provider of a WebIdentity or SAMLIdentity, in the form
	// a trust policy names it, and aws:FederatedProvider of sessions they led to.
	Provider string
	// Services are the names of a service principal, the one it called with first.
	Services []string
	// CanonicalID is the S3 canonical user id of the account.
	CanonicalID string
	// OrgID and OrgPaths place the account in an organization.
	OrgID    string
	OrgPaths []string
	Tags     []Tag
}

// identity reports whether identity policies can apply.
func (p *Principal) identity() bool {
	switch p.Type {
	case RootUser, User, RoleSession, FederatedUser:
		return true
	}
	return false
}

// root reports whether the full power of the account stands behind the caller.
func (p *Principal) root() bool {
	return p.Type == RootUser || p.Type == FederatedUser && strings.HasSuffix(p.IssuerARN, ":root")
}

// Lookup answers the global condition keys that describe the principal. The key is
// in lower case.
func (p *Principal) Lookup(key string) (Values, bool) {
	const tag = "aws:principaltag/"
	if len(key) > len(tag) && key[:len(tag)] == tag {
		for i := range p.Tags {
			if strings.EqualFold(p.Tags[i].Key, key[len(tag):]) {
				return One(p.Tags[i].Value), true
			}
		}
		return Values{}, false
	}
	switch key {
	case "aws:principalarn":
		if p.Type == RoleSession {
			return present(p.RoleARN)
		}
		return present(p.ARN)
	case "aws:principalaccount":
		return present(p.Account)
	case "aws:principalorgid":
		return present(p.OrgID)
	case "aws:principalorgpaths":
		return Many(p.OrgPaths), len(p.OrgPaths) > 0
	case "aws:principaltype":
		return present(p.typeName())
	case "aws:userid":
		return present(p.UserID)
	case "aws:username":
		return present(p.UserName)
	case "aws:federatedprovider":
		return present(p.Provider)
	case "aws:principalisawsservice":
		return Flag(p.Type == Service), p.Type != Anonymous
	case "aws:principalservicename":
		if len(p.Services) == 0 {
			return Values{}, false
		}
		return One(p.Services[0]), true
	case "aws:principalservicenameslist":
		return Many(p.Services), len(p.Services) > 0
	}
	return Values{}, false
}

func present(s string) (Values, bool) { return One(s), s != "" }

// typeName is aws:PrincipalType.
func (p *Principal) typeName() string {
	switch p.Type {
	case Anonymous:
		return "Anonymous"
	case RootUser:
		return "Account"
	case User:
		return "User"
	case RoleSession:
		return "AssumedRole"
	case FederatedUser:
		return "FederatedUser"
	}
	return ""
}

// grantee says how closely a Principal element names the caller.
type grantee uint8

const (
	notNamed  grantee = iota
	byAccount         // its account: delegates to that account's identity policies
	byRole            // the role of the session, or the user behind a federated user
	directly          // the caller itself, or everybody
)

// principalSet is a compiled Principal or NotPrincipal element.
type principalSet struct {
	everybody bool
	accounts  []string
	names     nameSet // ARNs and unique ids
	services  []string
	providers []string
	canonical []string
}

func compilePrincipals(entries []PrincipalEntry) principalSet {
	var set principalSet
	for _, e := range entries {
		switch {
		case e.everybody():
			set.everybody = true
		case e.Type == PrincipalService:
			set.services = append(set.services, strings.ToLower(e.Value))
		case e.Type == PrincipalFederated:
			set.providers = append(set.providers, e.Value)
		case e.Type == PrincipalCanonical:
			set.canonical = append(set.canonical, e.Value)
		case accountID(e.Value):
			set.accounts = append(set.accounts, e.Value)
		case strings.HasSuffix(e.Value, ":root"):
			set.accounts = append(set.accounts, strings.Split(e.Value, ":")[4])
		default:
			set.names.add(e.Value)
		}
	}
	return set
}

func has(list []string, s string) bool {
	if s == "" {
		return false
	}
	for i := range list {
		if list[i] == s {
			return true
		}
	}
	return false
}

// nameSet is a set of strings: a list while it is short, a map when key policies name
// hundreds of principals.
type nameSet struct {
	list []string
	set  map[string]struct{}
}

const longList = 8

func (n *nameSet) add(s string) {
	n.list = append(n.list, s)
	switch {
	case n.set != nil:
		n.set[s] = struct{}{}
	case len(n.list) > longList:
		n.set = make(map[string]struct{}, 2*longList)
		for _, s := range n.list {
			n.set[s] = struct{}{}
		}
	}
}

func (n *nameSet) has(s string) bool {
	if n.set == nil {
		return has(n.list, s)
	}
	_, ok := n.set[s]
	return ok
}

// grants says how closely the set names p.
func (set *principalSet) grants(p *Principal) grantee {
	if set.everybody {
		return directly
	}
	switch p.Type {
	case Anonymous:
		return notNamed
	case Service:
		for _, s := range p.Services {
			if has(set.services, s) {
				return directly
			}
		}
		return notNamed
	case WebIdentity, SAMLIdentity:
		if has(set.providers, p.Provider) {
			return directly
		}
		return notNamed
	}
	if set.names.has(p.ARN) || set.names.has(p.UserID) {
		return directly
	}
	account := has(set.accounts, p.Account) || has(set.canonical, p.CanonicalID)
	if account && p.Type == RootUser {
		return directly
	}
	switch {
	case p.Type == RoleSession && (set.names.has(p.RoleARN) || set.names.has(p.RoleID)),
		p.Type == FederatedUser && (set.names.has(p.IssuerARN) || set.names.has(p.IssuerID)):
		return byRole
	case account:
		return byAccount
	}
	return notNamed
}

// exempts says whether a NotPrincipal element spares p. A role session is spared when
// its role is listed together with the session or the account; listing the account
// alone spares only its root user. bounded callers, those with a permissions
// boundary, are never spared. ("AWS JSON policy elements: NotPrincipal".)
func (set *principalSet) exempts(p *Principal, bounded bool) bool {
	if bounded && p.identity() {
		return false
	}
	if p.Type == RoleSession && !set.everybody {
		return (set.names.has(p.RoleARN) || set.names.has(p.RoleID)) &&
			(set.names.has(p.ARN) || set.names.has(p.UserID) || has(set.accounts, p.Account))
	}
	return set.grants(p) == directly
}
