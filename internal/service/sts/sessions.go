package sts

import (
	"context"
	"crypto/subtle"
	"maps"
	"strings"
	"time"

	"fastness/internal/call"
	"fastness/internal/policy"
)

// maxSessions bounds the cache of opened tokens.
const maxSessions = 8192

// temporaryPrefix begins the access key ids of sessions.
const temporaryPrefix = "ASIA"

// session is an opened token. It is immutable; a change in the account replaces it.
type session struct {
	token  string
	claims *claims
	// inline is the compiled session policy, nil if there is none.
	inline     *policy.Policy
	generation uint64
	credential call.Credential
}

// Credential returns what an access key stands for: of sessions here, of long-term
// keys from the directory. It implements what the front door asks.
func (s *Service) Credential(ctx context.Context, accessKeyID, token string) (call.Credential, error) {
	if !strings.HasPrefix(accessKeyID, temporaryPrefix) {
		return s.dir.Credential(ctx, accessKeyID, token)
	}
	if token == "" {
		return call.Credential{}, call.ErrUnknownAccessKey
	}
	var of *session
	if v, ok := s.sessions.Load(accessKeyID); ok {
		if c := v.(*session); subtle.ConstantTimeCompare([]byte(c.token), []byte(token)) == 1 {
			of = c
		}
	}
	if of == nil {
		var err error
		if of, err = s.newSession(accessKeyID, token); err != nil {
			return call.Credential{}, err
		}
	}
	if !s.clock.Now().Before(of.claims.Expires) {
		s.forget(accessKeyID)
		return call.Credential{}, call.ErrExpiredToken
	}
	if g := s.dir.Generation(of.claims.Account); of.credential.Principal == nil || g != of.generation {
		next := *of
		next.generation = g
		p, err := s.principal(&next, accessKeyID)
		if err != nil {
			s.forget(accessKeyID)
			return call.Credential{}, err
		}
		next.credential = call.Credential{Principal: p, Secret: []byte(of.claims.Secret)}
		of = &next
		s.keep(accessKeyID, of)
	}
	return of.credential, nil
}

func (s *Service) newSession(accessKeyID, token string) (*session, error) {
	cl, err := s.open(accessKeyID, token)
	if err != nil {
		return nil, err
	}
	of := &session{token: strings.Clone(token), claims: cl}
	if cl.Policy != "" {
		if of.inline, err = policy.New(policy.Session, "session policy", []byte(cl.Policy)); err != nil {
			return nil, err
		}
	}
	return of, nil
}

// principal is who the session is now. A role or user that no longer exists makes its
// sessions invalid.
func (s *Service) principal(of *session, accessKeyID string) (*call.Principal, error) {
	cl := of.claims
	var template *call.Principal
	var exists bool
	if cl.Kind == kindRole {
		template, exists = s.dir.SessionRole(cl.Account, cl.ID)
	} else {
		template, exists = s.dir.SessionUser(cl.Account, cl.ID)
	}
	if !exists {
		return nil, call.ErrInvalidToken
	}
	p := &call.Principal{
		Kind: template.Kind, Account: cl.Account, ARN: template.ARN, ID: template.ID, UserName: template.UserName,
		AccessKeyID: accessKeyID, Tags: merged(template.Tags, cl.Tags),
		Session: &call.Session{
			Issued: cl.Issued, Expires: cl.Expires, Name: cl.Name,
			SourceIdentity: cl.SourceIdentity, TransitiveTagKeys: cl.Transitive, Federated: cl.Provider,
		},
	}
	switch cl.Kind {
	case kindRole:
		t := template.Session
		p.Session.RoleARN, p.Session.RoleID, p.Session.RoleName, p.Session.ServiceLinked = t.RoleARN, t.RoleID, t.RoleName, t.ServiceLinked
		p.ARN, p.ID = sessionARN(cl.Account, t.RoleName, cl.Name), t.RoleID+":"+cl.Name
	case kindFederated:
		p.Kind, p.UserName = call.FederatedUser, ""
		p.Session.IssuerARN, p.Session.IssuerID = template.ARN, template.ID
		p.ARN, p.ID = federatedARN(cl.Account, cl.Name), cl.Account+":"+cl.Name
	}
	var err error
	p.Session.Policies, err = s.sessionPolicies(of)
	return p, err
}

// nothing is a session policy that allows nothing. It stands for a managed session
// policy that has been deleted: leaving it out could leave a session unlimited.
var nothing = policy.Compile("deleted session policy", &policy.Document{Kind: policy.Session, Version: policy.Version2012})

func (s *Service) sessionPolicies(of *session) ([]*policy.Policy, error) {
	var list []*policy.Policy
	if of.inline != nil {
		list = append(list, of.inline)
	}
	for _, arn := range of.claims.PolicyARNs {
		p, err := s.dir.ManagedPolicy(of.claims.Account, arn)
		if err != nil {
			return nil, err
		}
		if p == nil {
			p = nothing
		}
		list = append(list, p)
	}
	return list, nil
}

// merged are tags overlaid by session tags; keys are the same without regard to case.
func merged(tags, session map[string]string) map[string]string {
	if len(session) == 0 {
		return tags
	}
	out := maps.Clone(session)
	for k, v := range tags {
		if _, overridden := tagValue(session, k); !overridden {
			out[k] = v
		}
	}
	return out
}

func tagValue(tags map[string]string, key string) (string, bool) {
	for k, v := range tags {
		if strings.EqualFold(k, key) {
			return v, true
		}
	}
	return "", false
}

func sessionARN(account, role, name string) string {
	return "arn:" + call.Partition + ":sts::" + account + ":assumed-role/" + role + "/" + name
}

func federatedARN(account, name string) string {
	return "arn:" + call.Partition + ":sts::" + account + ":federated-user/" + name
}

// keep puts a session into the cache; a full cache first loses what has expired, and
// then whatever comes.
func (s *Service) keep(accessKeyID string, of *session) {
	if _, had := s.sessions.Swap(accessKeyID, of); had {
		return
	}
	if s.cached.Add(1) <= maxSessions {
		return
	}
	now := s.clock.Now()
	s.evict(func(c *session) bool { return !now.Before(c.claims.Expires) })
	s.evict(func(*session) bool { return s.cached.Load() > maxSessions*3/4 })
}

func (s *Service) evict(drop func(*session) bool) {
	s.sessions.Range(func(id, v any) bool {
		if drop(v.(*session)) {
			s.forget(id.(string))
		}
		return true
	})
}

func (s *Service) forget(accessKeyID string) {
	if _, had := s.sessions.LoadAndDelete(accessKeyID); had {
		s.cached.Add(-1)
	}
}

// seconds is a duration member, or a default.
func seconds(p *int32, otherwise time.Duration) time.Duration {
	if p == nil {
		return otherwise
	}
	return time.Duration(*p) * time.Second
}
