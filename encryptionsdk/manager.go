package encryptionsdk

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// defaultManager is AWS's default cryptographic materials manager: every message gets its
// own data key from a keyring, and its own signing key when its suite signs.
type defaultManager struct{ keyring Keyring }

// NewDefaultManager returns a manager that takes data keys from k and keeps nothing. It
// checks the commitment policy, refuses contexts with reserved keys, and makes the signing
// key pair of suites that sign, whose public half it adds to the context.
func NewDefaultManager(k Keyring) MaterialsManager { return &defaultManager{keyring: k} }

func (d *defaultManager) EncryptionMaterials(ctx context.Context, r *EncryptionRequest) (*EncryptionMaterials, error) {
	suite := r.Suite
	if suite == nil {
		suite = r.CommitmentPolicy.suite()
	}
	if err := r.CommitmentPolicy.writes(suite); err != nil {
		return nil, err
	}
	if err := r.EncryptionContext.checkReserved(); err != nil {
		return nil, err
	}
	m := &EncryptionMaterials{Suite: suite, EncryptionContext: maps.Clone(r.EncryptionContext)}
	if suite.Signs() {
		key, err := newSigningKey(suite)
		if err != nil {
			return nil, err
		}
		public, err := encodePublicKey(&key.PublicKey)
		if err != nil {
			return nil, err
		}
		if m.EncryptionContext == nil {
			m.EncryptionContext = EncryptionContext{}
		}
		m.EncryptionContext[SignatureContextKey] = public
		m.SigningKey = key
	}
	if err := d.keyring.OnEncrypt(ctx, m); err != nil {
		clear(m.PlaintextDataKey)
		return nil, fmt.Errorf("keyring: %w", err)
	}
	if err := m.check(r); err != nil {
		clear(m.PlaintextDataKey)
		return nil, err
	}
	return m, nil
}

// check verifies what a manager gave for the request.
func (m *EncryptionMaterials) check(r *EncryptionRequest) error {
	switch {
	case m == nil || m.Suite == nil:
		return fmt.Errorf("%w: no algorithm suite", ErrMaterials)
	case m.Suite.ID.Suite() != m.Suite:
		return fmt.Errorf("%w: a suite of the manager's own", ErrMaterials)
	case r.Suite != nil && m.Suite != r.Suite:
		return fmt.Errorf("%w: %s was asked for, %s came", ErrMaterials, r.Suite.Name, m.Suite.Name)
	case len(m.PlaintextDataKey) != m.Suite.DataKeyLen:
		return fmt.Errorf("%w: data key of %d bytes for %s", ErrMaterials, len(m.PlaintextDataKey), m.Suite.Name)
	case len(m.EncryptedDataKeys) == 0:
		return fmt.Errorf("%w: no encrypted data keys", ErrMaterials)
	case m.Suite.Signs() != (m.SigningKey != nil):
		return fmt.Errorf("%w: a signing key and %s do not go together", ErrMaterials, m.Suite.Name)
	case m.SigningKey != nil && m.SigningKey.Curve != m.Suite.Curve():
		return fmt.Errorf("%w: signing key on another curve than %s", ErrMaterials, m.Suite.Curve().Params().Name)
	}
	if limit := r.MaxEncryptedDataKeys; limit > 0 && len(m.EncryptedDataKeys) > limit {
		return fmt.Errorf("%w: %d of at most %d", ErrTooManyDataKeys, len(m.EncryptedDataKeys), limit)
	}
	if err := r.CommitmentPolicy.writes(m.Suite); err != nil {
		return err
	}
	if _, ok := m.EncryptionContext[SignatureContextKey]; ok != m.Suite.Signs() {
		return fmt.Errorf("%w: %s in the context and %s do not go together", ErrMaterials, SignatureContextKey, m.Suite.Name)
	}
	return checkRequired(m.EncryptionContext, m.RequiredContextKeys)
}

func checkRequired(c EncryptionContext, required []string) error {
	for _, k := range required {
		if _, ok := c[k]; !ok {
			return fmt.Errorf("%w: required key %q is not in it", ErrEncryptionContext, k)
		}
		if k == SignatureContextKey {
			return fmt.Errorf("%w: %q must be stored in the message", ErrEncryptionContext, k)
		}
	}
	return nil
}

func (d *defaultManager) DecryptionMaterials(ctx context.Context, r *DecryptionRequest) (*DecryptionMaterials, error) {
	if r.Suite == nil {
		return nil, fmt.Errorf("%w: no algorithm suite", ErrMaterials)
	}
	if err := r.CommitmentPolicy.reads(r.Suite); err != nil {
		return nil, err
	}
	m := &DecryptionMaterials{Suite: r.Suite, EncryptionContext: r.EncryptionContext}
	for k, want := range r.ReproducedContext {
		got, stored := r.EncryptionContext[k]
		switch {
		case stored && got != want:
			return nil, fmt.Errorf("%w: the message has another value for key %q", ErrEncryptionContext, k)
		case !stored:
			m.RequiredContextKeys = append(m.RequiredContextKeys, k)
		}
	}
	if len(m.RequiredContextKeys) > 0 {
		slices.Sort(m.RequiredContextKeys)
		m.EncryptionContext = maps.Clone(r.EncryptionContext)
		if m.EncryptionContext == nil {
			m.EncryptionContext = EncryptionContext{}
		}
		maps.Copy(m.EncryptionContext, r.ReproducedContext)
	}
	public, ok := r.EncryptionContext[SignatureContextKey]
	if ok != r.Suite.Signs() {
		return nil, fmt.Errorf("%w: %s in the context and %s do not go together", ErrEncryptionContext, SignatureContextKey, r.Suite.Name)
	}
	if r.Suite.Signs() {
		key, err := decodePublicKey(r.Suite.Curve(), public)
		if err != nil {
			return nil, err
		}
		m.VerificationKey = key
	}
	if err := d.keyring.OnDecrypt(ctx, m, r.EncryptedDataKeys); err != nil {
		clear(m.PlaintextDataKey)
		return nil, fmt.Errorf("keyring: %w", err)
	}
	return m, nil
}

// check verifies what a manager gave for the request.
func (m *DecryptionMaterials) check(r *DecryptionRequest) error {
	switch {
	case m == nil || m.Suite != r.Suite:
		return fmt.Errorf("%w: not for the message's suite", ErrMaterials)
	case m.PlaintextDataKey == nil:
		return ErrNoDataKey
	case len(m.PlaintextDataKey) != m.Suite.DataKeyLen:
		return fmt.Errorf("%w: data key of %d bytes for %s", ErrMaterials, len(m.PlaintextDataKey), m.Suite.Name)
	case m.Suite.Signs() != (m.VerificationKey != nil):
		return fmt.Errorf("%w: a verification key and %s do not go together", ErrMaterials, m.Suite.Name)
	case m.VerificationKey != nil && m.VerificationKey.Curve != m.Suite.Curve():
		return fmt.Errorf("%w: verification key on another curve than %s", ErrMaterials, m.Suite.Curve().Params().Name)
	}
	for k, v := range r.EncryptionContext {
		if got, ok := m.EncryptionContext[k]; !ok || got != v {
			return fmt.Errorf("%w: the manager's context is not that of the message", ErrMaterials)
		}
	}
	return checkRequired(m.EncryptionContext, m.RequiredContextKeys)
}
