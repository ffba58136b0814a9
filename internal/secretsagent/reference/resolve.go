package reference

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"fastness/internal/secretsagent"
)

// Resolver resolves references. Each secret and each parameter is asked for once, so
// that all variables of one program have the same version of it. It is not safe for
// concurrent use.
type Resolver struct {
	source     secretsagent.Source
	secrets    map[secretsagent.SecretQuery]*secretsagent.Secret
	parameters map[secretsagent.ParameterQuery]*secretsagent.Parameter
}

// NewResolver makes a resolver that asks source.
func NewResolver(source secretsagent.Source) *Resolver {
	return &Resolver{
		source:     source,
		secrets:    make(map[secretsagent.SecretQuery]*secretsagent.Secret),
		parameters: make(map[secretsagent.ParameterQuery]*secretsagent.Parameter),
	}
}

// Resolve returns the text of a value, with what its references stand for in their
// places. What is resolved is not looked through for further references.
func (r *Resolver) Resolve(ctx context.Context, v Value) (string, error) {
	var b strings.Builder
	for _, p := range v.parts {
		s := p.text
		if p.ref != nil {
			var err error
			if s, err = r.one(ctx, p.ref); err != nil {
				return "", fmt.Errorf("%s: %w", p.ref.Text, err)
			}
			if strings.ContainsRune(s, 0) {
				return "", fmt.Errorf("%s: the value has a NUL, which no environment variable can hold", p.ref.Text)
			}
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

func (r *Resolver) one(ctx context.Context, ref *Reference) (string, error) {
	if ref.Parameter {
		q := secretsagent.ParameterQuery{Name: ref.Name, Selector: ref.Version, Decrypt: !ref.Plain}
		p := r.parameters[q]
		if p == nil {
			var err error
			if p, err = r.source.Parameter(ctx, q); err != nil {
				return "", err
			}
			r.parameters[q] = p
		}
		if ref.Plain && p.Type == "SecureString" {
			return "", errors.New("the parameter is a SecureString: write ssm-secure")
		}
		return p.Value, nil
	}
	q := secretsagent.SecretQuery{ID: ref.Name, VersionID: ref.Version, VersionStage: ref.Stage}
	s := r.secrets[q]
	if s == nil {
		var err error
		if s, err = r.source.Secret(ctx, q); err != nil {
			return "", err
		}
		r.secrets[q] = s
	}
	if s.String == nil {
		return "", errors.New("the secret is binary, and an environment variable holds text")
	}
	if ref.Key == "" {
		return *s.String, nil
	}
	return member(*s.String, ref.Key)
}

// member returns the member of a JSON object, as text. Errors of the decoder may quote
// the secret, so they are not passed on.
func member(text, key string) (string, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &object); err != nil || object == nil {
		return "", errors.New("the secret is not a JSON object")
	}
	raw, ok := object[key]
	if !ok {
		return "", errors.New("the secret has no member of this name")
	}
	raw = bytes.TrimSpace(raw)
	switch raw[0] {
	case '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return "", errors.New("the secret's member cannot be read")
		}
		return s, nil
	case '{', '[', 'n':
		return "", errors.New("the secret's member is not a string, a number or a boolean")
	}
	return string(raw), nil
}
