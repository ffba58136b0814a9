package encryptionsdk

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
)

// MultiKeyring joins keyrings: each of them alone can open what it wraps.
type MultiKeyring struct {
	generator Keyring
	children  []Keyring
}

var _ Keyring = (*MultiKeyring)(nil)

// NewMultiKeyring returns a keyring that lets generator make the data key, and generator
// and all children wrap it. Without a generator (nil) it can only wrap data keys that
// somebody else made, and decrypt. It fails with ErrOptions when there is no keyring at
// all or a child is nil.
func NewMultiKeyring(generator Keyring, children ...Keyring) (*MultiKeyring, error) {
	if generator == nil && len(children) == 0 {
		return nil, fmt.Errorf("%w: a multi-keyring of no keyrings", ErrOptions)
	}
	if slices.Contains(children, nil) {
		return nil, fmt.Errorf("%w: a child of the multi-keyring is nil", ErrOptions)
	}
	return &MultiKeyring{generator: generator, children: slices.Clone(children)}, nil
}

// OnEncrypt implements Keyring: all keyrings must wrap the data key, or it fails.
func (k *MultiKeyring) OnEncrypt(ctx context.Context, m *EncryptionMaterials) error {
	if m == nil || m.Suite == nil {
		return fmt.Errorf("multi-keyring: %w: no algorithm suite", ErrMaterials)
	}
	if k.generator != nil {
		if err := wrapWith(ctx, k.generator, m); err != nil {
			return fmt.Errorf("multi-keyring, generator: %w", err)
		}
	} else if m.PlaintextDataKey == nil {
		return fmt.Errorf("multi-keyring: %w: no data key and no generator to make one", ErrMaterials)
	}
	for i, child := range k.children {
		if err := wrapWith(ctx, child, m); err != nil {
			return fmt.Errorf("multi-keyring, child %d: %w", i+1, err)
		}
	}
	return nil
}

// wrapWith calls one keyring and checks that it kept to the contract.
func wrapWith(ctx context.Context, k Keyring, m *EncryptionMaterials) error {
	before, count := bytes.Clone(m.PlaintextDataKey), len(m.EncryptedDataKeys)
	defer clear(before)
	if err := k.OnEncrypt(ctx, m); err != nil {
		return err
	}
	switch {
	case m.PlaintextDataKey == nil:
		return fmt.Errorf("%w: the keyring made no data key", ErrMaterials)
	case before != nil && subtle.ConstantTimeCompare(before, m.PlaintextDataKey) != 1:
		return fmt.Errorf("%w: the keyring changed the data key", ErrMaterials)
	case len(m.EncryptedDataKeys) <= count:
		return fmt.Errorf("%w: the keyring did not wrap the data key", ErrMaterials)
	}
	return nil
}

// OnDecrypt implements Keyring: it asks the generator and then the children in order, until
// one has a data key. If none has, the error joins all of theirs.
func (k *MultiKeyring) OnDecrypt(ctx context.Context, m *DecryptionMaterials, keys []EncryptedDataKey) error {
	if m == nil || m.Suite == nil {
		return fmt.Errorf("multi-keyring: %w: no algorithm suite", ErrMaterials)
	}
	if m.PlaintextDataKey != nil {
		return nil
	}
	var causes []error
	try := func(who string, child Keyring) bool {
		// A copy, so that a keyring that fails has changed nothing for the next.
		own := *m
		err := child.OnDecrypt(ctx, &own, keys)
		if err == nil && own.PlaintextDataKey == nil {
			err = fmt.Errorf("%w: neither data key nor error", ErrMaterials)
		}
		if err != nil {
			clear(own.PlaintextDataKey)
			causes = append(causes, fmt.Errorf("%s: %w", who, err))
			return false
		}
		m.PlaintextDataKey = own.PlaintextDataKey
		return true
	}
	if k.generator != nil && try("generator", k.generator) {
		return nil
	}
	for i, child := range k.children {
		if err := ctx.Err(); err != nil {
			return err
		}
		if try(fmt.Sprintf("child %d", i+1), child) {
			return nil
		}
	}
	return fmt.Errorf("multi-keyring: %w: %w", ErrNoDataKey, errors.Join(causes...))
}
