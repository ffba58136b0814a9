package kms

import (
	"errors"
	"strings"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
	"fastness/internal/policy"
)

// Principals knows the unique ids (AIDA…, AROA…, AROA…:session) behind the ARNs of users,
// roles and role sessions (iam.Directory). Key policies and grants are stored with ids, so
// that a user or role deleted and made again under its old name has nothing of what the
// old one was given (IAM user guide, "AWS JSON policy elements: Principal").
type Principals interface {
	PrincipalID(arn string) (id string, ok bool)
	PrincipalARN(id string) (arn string, ok bool)
}

// invalidPrincipals is KMS's refusal of a key policy that names somebody who does not
// exist, ids of what has been deleted included.
func invalidPrincipals() error {
	return &kmsapi.MalformedPolicyDocumentException{Message: new("Policy contains a statement with one or more invalid principals.")}
}

// storedPolicy is a checked key policy as it is stored: principals by their ids.
func (s *Service) storedPolicy(document string) (string, error) {
	if s.principals == nil {
		return document, nil
	}
	parsed, err := policy.Parse(policy.KMSKey, []byte(document))
	if err != nil {
		return "", malformedPolicy(err)
	}
	for _, statement := range parsed.Statements {
		for _, p := range statement.Principals {
			if p.Type == policy.PrincipalAWS && !s.named(p.Value) {
				return "", invalidPrincipals()
			}
		}
	}
	stored, err := policy.StorePrincipals(policy.KMSKey, []byte(document), s.principals.PrincipalID)
	if err != nil {
		return "", malformedPolicy(err)
	}
	return string(stored), nil
}

// named tells whether the principal of a policy exists, as far as StorePrincipals does not
// find that out: ids and role sessions.
func (s *Service) named(principal string) bool {
	ok := true
	switch {
	case isUniqueID(principal):
		_, ok = s.principals.PrincipalARN(principal)
	case strings.Contains(principal, ":assumed-role/"):
		_, ok = s.principals.PrincipalID(principal)
	}
	return ok
}

// shownPolicy is a stored key policy as GetKeyPolicy shows it: ARNs of those who exist,
// ids of those who do not any more.
func (s *Service) shownPolicy(stored string) (string, error) {
	if s.principals == nil {
		return printedPolicy(stored)
	}
	shown, err := policy.ShowPrincipals(policy.KMSKey, []byte(stored), s.principals.PrincipalARN)
	if err != nil {
		return "", err
	}
	return printedPolicy(string(shown))
}

// malformedPolicy is KMS's error for a key policy that package policy refuses.
func malformedPolicy(err error) error {
	var refused *policy.Error
	switch {
	case !errors.As(err, &refused):
		return err
	case refused.Fault == policy.FaultPrincipal:
		return invalidPrincipals()
	}
	return &kmsapi.MalformedPolicyDocumentException{Message: new(refused.Message)}
}

// isUniqueID tells whether the principal of a valid policy is an id: it is then neither
// an ARN, an account nor everybody.
func isUniqueID(principal string) bool {
	return strings.HasPrefix(principal, "AIDA") || strings.HasPrefix(principal, "AROA")
}

// storedPrincipal is who a grant names, as it is stored: an id for users, roles and role
// sessions, the ARN itself for accounts and federated users, which have none. It is false
// for those who do not exist; accounts are not checked.
func (s *Service) storedPrincipal(arn string) (stored string, ok bool) {
	if s.principals == nil || strings.HasSuffix(arn, ":root") || isFederatedUser(arn) {
		return arn, true
	}
	return s.principals.PrincipalID(arn)
}

func isFederatedUser(arn string) bool {
	return strings.HasPrefix(arn, "arn:"+call.Partition+":sts:") && strings.Contains(arn, ":federated-user/")
}

// searchedPrincipal is the same for those who look grants up: they may also give an id,
// as ListGrants shows it of somebody deleted. Who is unknown has no grants.
func (s *Service) searchedPrincipal(name string) string {
	if stored, ok := s.storedPrincipal(name); ok {
		return stored
	}
	return name
}

// shownPrincipal is the way back.
func (s *Service) shownPrincipal(stored string) string {
	if s.principals != nil && isUniqueID(stored) {
		if arn, ok := s.principals.PrincipalARN(stored); ok {
			return arn
		}
	}
	return stored
}

// storePrincipals replaces the principals of a requested grant by their ids.
func (s *Service) storePrincipals(g *grantRecord) error {
	for _, p := range []*string{&g.Grantee, &g.Retiring} {
		if *p == "" {
			continue
		}
		stored, ok := s.storedPrincipal(*p)
		if !ok {
			return invalidPrincipal(*p)
		}
		*p = stored
	}
	return nil
}

func invalidPrincipal(arn string) error {
	return &kmsapi.InvalidArnException{Message: new("ARN does not refer to a valid principal: " + arn)}
}

// granteeNames are the principals a stored grant may name to mean p: the session or user
// itself, the role of the session, or the service. Where ids are known, users, roles and
// sessions are never named by ARNs.
func (s *Service) granteeNames(p *call.Principal) [2]string {
	switch p.Kind {
	case call.Service:
		return [2]string{p.Service}
	case call.AssumedRole:
		if s.principals != nil && p.Session != nil {
			return [2]string{p.ID, p.Session.RoleID}
		}
		return [2]string{p.ARN, p.PolicyARN()}
	case call.User:
		if s.principals != nil {
			return [2]string{p.ID}
		}
	}
	return [2]string{p.ARN}
}
