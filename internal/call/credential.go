package call

import "errors"

// Credential is what an access key stands for.
type Credential struct {
	Principal *Principal
	// Secret is the secret access key. It belongs to whoever returned the
	// Credential: use it at once, do not change or keep it.
	Secret []byte
}

// The errors of looking a credential up.
var (
	// ErrUnknownAccessKey: nobody has this access key, or it is inactive.
	ErrUnknownAccessKey = errors.New("call: unknown access key")
	// ErrInvalidToken: the session token is not one of ours, or not of this key.
	ErrInvalidToken = errors.New("call: invalid session token")
	// ErrExpiredToken: the session has ended.
	ErrExpiredToken = errors.New("call: expired session token")
)
