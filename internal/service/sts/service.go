package sts

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"fastness/internal/api/stsapi"
	"fastness/internal/call"
	"fastness/internal/clock"
	"fastness/internal/policy"
	"fastness/internal/wire"
)

// Directory is what the service needs to know of users, roles and keys; the iam
// room's directory is one. Principals are shared and not changed. See there for the
// meaning of each method.
type Directory interface {
	Credential(ctx context.Context, accessKeyID, token string) (call.Credential, error)
	AssumableRole(roleARN string) (template *call.Principal, trust *policy.Policy, maxSession time.Duration, err error)
	SessionRole(account, roleID string) (*call.Principal, bool)
	SessionUser(account, userID string) (*call.Principal, bool)
	ManagedPolicy(account, policyARN string) (*policy.Policy, error)
	Generation(account string) uint64
	AccountOf(accessKeyID string) (account string, ok bool)
	NewSessionKeyID(account string) (string, error)
}

// Sealer seals session tokens and authorization messages; *seal.AEAD is one.
type Sealer interface {
	Seal(dst, plaintext, aad []byte) ([]byte, error)
	Open(dst, sealed, aad []byte) ([]byte, error)
}

// Options are what a Service is made of. All but Providers are required.
type Options struct {
	Directory Directory
	Tokens    Sealer
	Clock     clock.Clock
	// Providers are the OpenID Connect providers whose tokens may assume roles.
	Providers []Provider
}

// Service implements the operations of STS, and knows what any access key, with or
// without a session token, stands for. It is safe for concurrent use.
type Service struct {
	dir       Directory
	tokens    Sealer
	clock     clock.Clock
	providers []Provider

	sessions sync.Map // access key id → *session
	cached   atomic.Int64
}

var _ stsapi.Service = (*Service)(nil)

// New makes the service.
func New(o Options) (*Service, error) {
	if o.Directory == nil || o.Tokens == nil || o.Clock == nil {
		return nil, fmt.Errorf("sts: Options needs a Directory, Tokens and a Clock")
	}
	for i := range o.Providers {
		if err := o.Providers[i].check(); err != nil {
			return nil, err
		}
	}
	return &Service{dir: o.Directory, tokens: o.Tokens, clock: o.Clock, providers: o.Providers}, nil
}

func invalid(format string, args ...any) error {
	return &wire.CommonError{Kind: wire.Validation, Message: fmt.Sprintf(format, args...)}
}

func denied(format string, args ...any) error {
	return &wire.CommonError{Kind: wire.AccessDenied, Message: fmt.Sprintf(format, args...)}
}

// parameterError is InvalidParameterValue, which the API's model does not list.
type parameterError struct{ text string }

var _ wire.APIError = (*parameterError)(nil)

func (e *parameterError) Error() string        { return wire.ErrorText(e) }
func (e *parameterError) ErrorCode() string    { return "InvalidParameterValue" }
func (e *parameterError) ErrorMessage() string { return e.text }

// newSecret makes a secret access key of 240 random bits.
func newSecret() string {
	var b [30]byte
	_, _ = rand.Read(b[:]) // never fails
	defer clear(b[:])
	return base64.StdEncoding.EncodeToString(b[:])
}
