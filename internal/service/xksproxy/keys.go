package xksproxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/engine/xks"
	"fastness/internal/securemem"
	"fastness/internal/store"
	"fastness/internal/wire"
)

// exportedKey is an exported key as requests see it.
type exportedKey struct {
	record      *keyRecord
	generations []*generation
}

// generation is one version of an exported key, unwrapped while it is in use.
type generation struct {
	mu      sync.Mutex
	secret  *securemem.Secret
	expires time.Time
	// deleted: the key is gone, but requests that began before may still come here.
	deleted bool
}

// newExportedKey keeps the generations of old, which may be nil: they are a prefix of
// the new ones.
func newExportedKey(r *keyRecord, old *exportedKey) *exportedKey {
	k := &exportedKey{record: r}
	for i, wrapped := range r.Generations {
		if old != nil && i < len(old.generations) && bytes.Equal(wrapped, old.record.Generations[i]) {
			k.generations = append(k.generations, old.generations[i])
		} else {
			k.generations = append(k.generations, new(generation))
		}
	}
	return k
}

// delete forgets what is unwrapped and takes care that nothing is any more, except
// what next, which may be nil, has taken over.
func (k *exportedKey) delete(next *exportedKey) {
	for _, g := range k.generations {
		if next != nil && slices.Contains(next.generations, g) {
			continue
		}
		g.mu.Lock()
		g.deleted = true
		g.secret.Destroy()
		g.secret = nil
		g.mu.Unlock()
	}
}

// expire forgets what is unwrapped and due at now; everything if now is zero.
func (k *exportedKey) expire(now time.Time) {
	for _, g := range k.generations {
		g.mu.Lock()
		if g.secret != nil && (now.IsZero() || !now.Before(g.expires)) {
			g.secret.Destroy()
			g.secret = nil
		}
		g.mu.Unlock()
	}
}

// context binds a wrapped key to its place.
func (r *keyRecord) context() map[string]string {
	return map[string]string{"xks-proxy:prefix": r.Prefix + "/", "xks-proxy:key": r.ID}
}

// with calls f with the key of a generation, from 0.
func (t *tenant) with(ctx context.Context, k *exportedKey, index int, f func(key []byte) error) error {
	for {
		secret, err := t.unwrap(ctx, k, index)
		if err != nil {
			return err
		}
		var inner error
		err = secret.With(func(b []byte) { inner = f(b) })
		if errors.Is(err, securemem.ErrDestroyed) && ctx.Err() == nil {
			continue // it expired just now
		}
		return errors.Join(err, inner)
	}
}

// unwrap returns the key of a generation, asking KMS if the last answer is too old.
func (t *tenant) unwrap(ctx context.Context, k *exportedKey, index int) (*securemem.Secret, error) {
	g := k.generations[index]
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.deleted {
		return nil, xks.NewProxyError(xks.KeyNotFoundException, "the key does not exist")
	}
	now := t.service.clock.Now()
	if g.secret != nil && now.Before(g.expires) {
		return g.secret, nil
	}
	g.secret.Destroy()
	g.secret = nil
	s := t.service
	out, err := s.kms.Decrypt(s.door.AsService(ctx, Principal, t.record.Account, t.record.Region), &kmsapi.DecryptRequest{
		KeyId: &k.record.KMSKey, CiphertextBlob: k.record.Generations[index], EncryptionContext: k.record.context(),
	})
	if err != nil {
		return nil, kmsFailure(err)
	}
	if g.secret, err = s.arena.Take(out.Plaintext); err != nil {
		return nil, fmt.Errorf("xksproxy: keep an unwrapped key: %w", err)
	}
	g.expires = now.Add(KeyLifetime)
	return g.secret, nil
}

// kmsFailure is what the caller of the proxy hears of a refusal of our KMS.
func kmsFailure(err error) error {
	var api wire.APIError
	if !errors.As(err, &api) {
		return err
	}
	switch api.ErrorCode() {
	case "DisabledException", "KMSInvalidStateException":
		return failure(xks.InvalidStateException, "the key is not enabled", err)
	case "NotFoundException":
		return failure(xks.KeyNotFoundException, "the key does not exist", err)
	case "AccessDeniedException":
		return failure(xks.AccessDeniedException, "the key is not exported", err)
	case "ThrottlingException":
		return failure(xks.ThrottlingException, "the request rate is too high", err)
	}
	return err
}

func failure(name xks.ErrorName, message string, cause error) error {
	return fmt.Errorf("%w: %w", xks.NewProxyError(name, message), cause)
}

var _ xks.Keys = (*tenant)(nil)

func (t *tenant) key(id string) (*exportedKey, error) {
	k, ok := t.keys[id]
	if !ok {
		return nil, xks.NewProxyError(xks.KeyNotFoundException, "the key does not exist")
	}
	return k, nil
}

// Metadata implements xks.Keys. A key whose KMS key cannot be used is disabled.
func (t *tenant) Metadata(ctx context.Context, id string) (xks.KeyMetadata, error) {
	k, err := t.key(id)
	if err != nil {
		return xks.KeyMetadata{}, err
	}
	m := xks.KeyMetadata{KeySpec: xks.KeySpecAES256, KeyUsage: k.record.Usages, KeyStatus: xks.KeyEnabled}
	if !k.record.Enabled {
		m.KeyStatus = xks.KeyDisabled
		return m, nil
	}
	_, err = t.unwrap(ctx, k, len(k.generations)-1)
	if errors.Is(err, &xks.ProxyError{Name: xks.InvalidStateException}) {
		m.KeyStatus, err = xks.KeyDisabled, nil
	}
	return m, err
}

// Encrypt implements xks.Keys.
func (t *tenant) Encrypt(ctx context.Context, id string, plaintext, aad []byte) (sealed xks.Sealed, err error) {
	k, err := t.key(id)
	if err != nil {
		return sealed, err
	}
	current := len(k.generations) - 1
	err = t.with(ctx, k, current, func(key []byte) (err error) {
		sealed, err = xks.Seal(key, uint32(current), plaintext, aad)
		return err
	})
	return sealed, err
}

// Decrypt implements xks.Keys.
func (t *tenant) Decrypt(ctx context.Context, id string, sealed xks.Sealed, aad []byte) (plaintext []byte, err error) {
	k, err := t.key(id)
	if err != nil {
		return nil, err
	}
	generation, err := xks.Generation(sealed)
	if err != nil {
		return nil, err
	}
	if int64(generation) >= int64(len(k.generations)) {
		return nil, xks.NewProxyError(xks.InvalidCiphertextException, "the ciphertext is not of this key")
	}
	err = t.with(ctx, k, int(generation), func(key []byte) (err error) {
		plaintext, err = xks.Open(key, sealed, aad)
		return err
	})
	return plaintext, err
}

// Health implements xks.Keys: the proxy is as healthy as the store that it needs.
func (t *tenant) Health(ctx context.Context) (xks.HealthStatus, error) {
	status := xks.HealthActive
	if err := t.service.store.View(ctx, func(r store.Reader) error {
		_, err := t.service.tables.prefix(r, t.record.Prefix)
		return err
	}); err != nil {
		t.service.log.ErrorContext(ctx, "external key store proxy", "prefix", t.record.Prefix, "error", err)
		status = xks.HealthUnavailable
	}
	return xks.HealthStatus{
		FleetSize: 1, ProxyVendor: "Fastness", ProxyModel: "Fastness XKS proxy", EKMVendor: "Fastness",
		FleetDetails: []xks.KeyManagerHealth{{ID: t.record.Account + "/" + t.record.Region, Model: "Fastness KMS", Status: status}},
	}, nil
}
