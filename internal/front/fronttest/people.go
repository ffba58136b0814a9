package fronttest

import (
	"context"
	"sync"

	"fastness/internal/call"
	"fastness/internal/policy"
)

// People stands for IAM: identity policies by principal ARN. Nobody has an access key.
type People struct {
	mu       sync.Mutex
	identity map[string][]*policy.Policy
}

// NewPeople makes one in which nobody has a policy.
func NewPeople() *People { return &People{identity: make(map[string][]*policy.Policy)} }

// Credential implements front.Credentials.
func (p *People) Credential(context.Context, string, string) (call.Credential, error) {
	return call.Credential{}, call.ErrUnknownAccessKey
}

// Policies implements front.Principals.
func (p *People) Policies(_ context.Context, who *call.Principal) (*policy.Policies, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &policy.Policies{Identity: p.identity[who.PolicyARN()]}, nil
}

// Allow gives a principal one more identity policy.
func (h *House) Allow(who *call.Principal, document string) {
	h.Helper()
	p, err := policy.New(policy.IdentityInline, "test", []byte(document))
	h.Must(err)
	h.People.mu.Lock()
	defer h.People.mu.Unlock()
	h.People.identity[who.PolicyARN()] = append(h.People.identity[who.PolicyARN()], p)
}

// Root is the root user of an account.
func Root(account string) *call.Principal {
	return &call.Principal{Kind: call.Root, Account: account, ARN: "arn:aws:iam::" + account + ":root", ID: account}
}

// User is an IAM user.
func User(account, name string) *call.Principal {
	return &call.Principal{Kind: call.User, Account: account, ARN: "arn:aws:iam::" + account + ":user/" + name, ID: "AIDA" + name, UserName: name}
}
