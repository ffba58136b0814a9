package secretsagent

import "context"

// SecretQuery names a version of a secret, as GetSecretValue takes it.
type SecretQuery struct {
	// ID is the name or the ARN.
	ID string
	// VersionID and VersionStage may be empty. Without both, AWSCURRENT is meant.
	VersionID, VersionStage string
}

// ParameterQuery names a version of a parameter, as GetParameter takes it.
type ParameterQuery struct {
	// Name is the name or the ARN, without a selector.
	Name string
	// Selector is a version's number or label, empty for the latest version.
	Selector string
	// Decrypt asks for the value of a SecureString instead of its ciphertext.
	Decrypt bool
}

// name is the name with its selector, as GetParameter takes it.
func (q ParameterQuery) name() string {
	if q.Selector == "" {
		return q.Name
	}
	return q.Name + ":" + q.Selector
}

// Source is where secrets and parameters come from: Upstream, or Client. Its errors
// that are of the server are *Failure.
type Source interface {
	Secret(ctx context.Context, q SecretQuery) (*Secret, error)
	Parameter(ctx context.Context, q ParameterQuery) (*Parameter, error)
}
