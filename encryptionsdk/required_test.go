package encryptionsdk_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"fastness/encryptionsdk"
)

// source is a materials manager for tests: it makes random materials of a fixed suite and
// counts its calls.
type source struct {
	suite    *encryptionsdk.Suite
	keyring  encryptionsdk.Keyring
	strip    string // a context key that it loses
	onCall   func(context.Context) error
	encrypts int
	decrypts int
}

func (s *source) EncryptionMaterials(ctx context.Context, r *encryptionsdk.EncryptionRequest) (*encryptionsdk.EncryptionMaterials, error) {
	s.encrypts++
	if s.onCall != nil {
		if err := s.onCall(ctx); err != nil {
			return nil, err
		}
	}
	m := &encryptionsdk.EncryptionMaterials{Suite: s.suite, EncryptionContext: maps.Clone(r.EncryptionContext)}
	delete(m.EncryptionContext, s.strip)
	return m, s.keyring.OnEncrypt(ctx, m)
}

func (s *source) DecryptionMaterials(ctx context.Context, r *encryptionsdk.DecryptionRequest) (*encryptionsdk.DecryptionMaterials, error) {
	s.decrypts++
	if s.onCall != nil {
		if err := s.onCall(ctx); err != nil {
			return nil, err
		}
	}
	m := &encryptionsdk.DecryptionMaterials{Suite: r.Suite, EncryptionContext: encryptionsdk.EncryptionContext{}}
	maps.Copy(m.EncryptionContext, r.ReproducedContext)
	maps.Copy(m.EncryptionContext, r.EncryptionContext)
	delete(m.EncryptionContext, s.strip)
	return m, s.keyring.OnDecrypt(ctx, m, r.EncryptedDataKeys)
}

func TestRequiredContext(t *testing.T) {
	inner := &source{suite: testSuite, keyring: aesKeyring(t, "a")}
	k, err := encryptionsdk.NewRequiredContextManager(inner, "tenant", "object")
	if err != nil {
		t.Fatal(err)
	}
	full := encryptionsdk.EncryptionContext{"tenant": "1", "object": "2", "note": "3"}
	m, err := k.EncryptionMaterials(t.Context(), &encryptionsdk.EncryptionRequest{EncryptionContext: full})
	if err != nil {
		t.Fatal(err)
	}
	if slices.Sort(m.RequiredContextKeys); !slices.Equal(m.RequiredContextKeys, []string{"object", "tenant"}) {
		t.Fatal(m.RequiredContextKeys)
	}
	r := &encryptionsdk.DecryptionRequest{Suite: testSuite, EncryptedDataKeys: m.EncryptedDataKeys,
		EncryptionContext: encryptionsdk.EncryptionContext{"note": "3"}, ReproducedContext: encryptionsdk.EncryptionContext{"tenant": "1", "object": "2"}}
	d, err := k.DecryptionMaterials(t.Context(), r)
	if err != nil || !maps.Equal(d.EncryptionContext, full) {
		t.Fatal(d, err)
	}

	if _, err := k.EncryptionMaterials(t.Context(), &encryptionsdk.EncryptionRequest{EncryptionContext: encryptionsdk.EncryptionContext{"tenant": "1"}}); !errors.Is(err, encryptionsdk.ErrEncryptionContext) {
		t.Error(err)
	}
	r.ReproducedContext = encryptionsdk.EncryptionContext{"tenant": "1"}
	if _, err := k.DecryptionMaterials(t.Context(), r); !errors.Is(err, encryptionsdk.ErrEncryptionContext) {
		t.Error(err)
	}
	// A wrong value does not open the data key.
	r.ReproducedContext = encryptionsdk.EncryptionContext{"tenant": "1", "object": "3"}
	if _, err := k.DecryptionMaterials(t.Context(), r); !errors.Is(err, encryptionsdk.ErrNoDataKey) {
		t.Error(err)
	}
	inner.strip = "object"
	if _, err := k.EncryptionMaterials(t.Context(), &encryptionsdk.EncryptionRequest{EncryptionContext: full}); !errors.Is(err, encryptionsdk.ErrMaterials) {
		t.Error(err)
	}
}

func TestNewRequiredContextManagerRefusesBadKeys(t *testing.T) {
	inner := &source{}
	for _, keys := range [][]string{nil, {"a", "b", "a"}, {"aws-crypto-public-key"}} {
		if _, err := encryptionsdk.NewRequiredContextManager(inner, keys...); !errors.Is(err, encryptionsdk.ErrOptions) {
			t.Errorf("%v: %v", keys, err)
		}
	}
	if _, err := encryptionsdk.NewRequiredContextManager(nil, "a"); !errors.Is(err, encryptionsdk.ErrOptions) {
		t.Error(err)
	}
}
