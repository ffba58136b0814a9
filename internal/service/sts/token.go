package sts

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"fastness/internal/api/stsapi"
	"fastness/internal/call"
)

// maxTokenBytes bounds a session token before it is decoded. The longest that is made
// holds a session policy of maxPolicyChars and 50 tags of 384 characters.
const maxTokenBytes = 64 << 10

const tokenVersion = 1

// The kinds of sessions.
const (
	kindRole      = "role"
	kindUser      = "user" // GetSessionToken of a user or root
	kindFederated = "federated"
)

// claims are what a session token says.
type claims struct {
	Version int    `json:"v"`
	Kind    string `json:"kind"`
	Account string `json:"account"`
	// ID is the unique id of the role, or of the user (the account's for root).
	ID      string    `json:"id"`
	Name    string    `json:"name,omitempty"` // of the session or federated user
	Secret  string    `json:"secret"`
	Issued  time.Time `json:"issued"`
	Expires time.Time `json:"expires"`

	Tags           map[string]string `json:"tags,omitempty"`
	Transitive     []string          `json:"transitive,omitempty"`
	SourceIdentity string            `json:"sourceIdentity,omitempty"`
	Provider       string            `json:"provider,omitempty"`
	Policy         string            `json:"policy,omitempty"`
	PolicyARNs     []string          `json:"policyArns,omitempty"`
}

var errToken = errors.New("sts: not a session token")

func tokenAAD(accessKeyID string) []byte { return []byte("sts session\x00" + accessKeyID) }

// noteIssued puts into the audit record what CloudTrail shows of new credentials: the
// access key id by which the session's calls can be found, never a secret.
func noteIssued(c *call.Call, cr *stsapi.Credentials, name string, principal map[string]any) {
	c.Notes.Response = map[string]any{"credentials": map[string]any{
		"accessKeyId": *cr.AccessKeyId, "expiration": cr.Expiration.Format("Jan 2, 2006, 3:04:05 PM"),
	}}
	if principal != nil {
		c.Notes.Response[name] = principal
	}
}

// issue makes the credentials of a session that lasts for d from now.
func (s *Service) issue(cl *claims, d time.Duration) (*stsapi.Credentials, error) {
	id, err := s.dir.NewSessionKeyID(cl.Account)
	if err != nil {
		return nil, err
	}
	now := s.clock.Now().UTC().Truncate(time.Second)
	cl.Version, cl.Secret, cl.Issued, cl.Expires = tokenVersion, newSecret(), now, now.Add(d)
	plain, err := json.Marshal(cl)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	sealed, err := s.tokens.Seal(nil, plain, tokenAAD(id))
	if err != nil {
		return nil, fmt.Errorf("sts: sealing a session token: %w", err)
	}
	return &stsapi.Credentials{
		AccessKeyId: new(id), SecretAccessKey: new(cl.Secret), Expiration: new(cl.Expires),
		SessionToken: new(base64.StdEncoding.EncodeToString(sealed)),
	}, nil
}

// open reads a session token. Whatever is wrong with it, the error is
// call.ErrInvalidToken.
func (s *Service) open(accessKeyID, token string) (*claims, error) {
	cl, err := s.openClaims(accessKeyID, token)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", call.ErrInvalidToken, err)
	}
	return cl, nil
}

func (s *Service) openClaims(accessKeyID, token string) (*claims, error) {
	if len(token) > maxTokenBytes {
		return nil, errToken
	}
	sealed, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return nil, errToken
	}
	plain, err := s.tokens.Open(nil, sealed, tokenAAD(accessKeyID))
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	cl := new(claims)
	if err := json.Unmarshal(plain, cl); err != nil {
		return nil, err
	}
	if cl.Version != tokenVersion {
		return nil, errToken
	}
	return cl, nil
}
