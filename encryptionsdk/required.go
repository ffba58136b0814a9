package encryptionsdk

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// RequiredContextManager insists on keys of the encryption context: whoever encrypts has to
// give them, and whoever decrypts has to say the same values again, because the message does
// not carry them. They are authenticated all the same.
type RequiredContextManager struct {
	inner MaterialsManager
	keys  []string
}

var _ MaterialsManager = (*RequiredContextManager)(nil)

// NewRequiredContextManager returns a manager that requires keys on top of inner. It fails
// with ErrOptions for no keys, reserved keys (aws-crypto-…) and duplicates.
func NewRequiredContextManager(inner MaterialsManager, keys ...string) (*RequiredContextManager, error) {
	if inner == nil {
		return nil, fmt.Errorf("%w: no materials manager below the required encryption context", ErrOptions)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: no required keys of the encryption context", ErrOptions)
	}
	sorted := slices.Sorted(slices.Values(keys))
	for i, key := range sorted {
		if strings.HasPrefix(key, reservedPrefix) {
			return nil, fmt.Errorf("%w: required key %q is reserved", ErrOptions, key)
		}
		if i > 0 && key == sorted[i-1] {
			return nil, fmt.Errorf("%w: required key %q twice", ErrOptions, key)
		}
	}
	return &RequiredContextManager{inner: inner, keys: sorted}, nil
}

// EncryptionMaterials implements MaterialsManager. It fails with ErrEncryptionContext if a
// required key is missing.
func (r *RequiredContextManager) EncryptionMaterials(ctx context.Context, q *EncryptionRequest) (*EncryptionMaterials, error) {
	for _, key := range r.keys {
		if _, ok := q.EncryptionContext[key]; !ok {
			return nil, fmt.Errorf("%w: required key %q is missing", ErrEncryptionContext, key)
		}
	}
	m, err := r.inner.EncryptionMaterials(ctx, q)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, fmt.Errorf("%w: none from the manager below", ErrMaterials)
	}
	required := slices.Clone(m.RequiredContextKeys)
	for _, key := range r.keys {
		// What the manager below has dropped or changed would be authenticated nowhere.
		if v, ok := m.EncryptionContext[key]; !ok || v != q.EncryptionContext[key] {
			clear(m.PlaintextDataKey)
			return nil, fmt.Errorf("%w: the manager below lost required key %q", ErrMaterials, key)
		}
		if !slices.Contains(required, key) {
			required = append(required, key)
		}
	}
	m.RequiredContextKeys = required
	return m, nil
}

// DecryptionMaterials implements MaterialsManager. It fails with ErrEncryptionContext if the
// caller did not reproduce a required key.
func (r *RequiredContextManager) DecryptionMaterials(ctx context.Context, q *DecryptionRequest) (*DecryptionMaterials, error) {
	for _, key := range r.keys {
		if _, ok := q.ReproducedContext[key]; !ok {
			return nil, fmt.Errorf("%w: required key %q is missing", ErrEncryptionContext, key)
		}
	}
	m, err := r.inner.DecryptionMaterials(ctx, q)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, fmt.Errorf("%w: none from the manager below", ErrMaterials)
	}
	for _, key := range r.keys {
		if v, ok := m.EncryptionContext[key]; !ok || v != q.ReproducedContext[key] {
			clear(m.PlaintextDataKey)
			return nil, fmt.Errorf("%w: the manager below lost required key %q", ErrMaterials, key)
		}
	}
	return m, nil
}
