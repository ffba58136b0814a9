package hierarchical

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"fastness/encryptionsdk"
	"fastness/encryptionsdk/internal/datakey"
	"fastness/encryptionsdk/internal/expiring"
)

// DefaultCapacity is how many branch keys a keyring holds unless told otherwise.
const DefaultCapacity = 1000

// Options say which branch keys a keyring uses and how long it holds them. Exactly one of
// BranchKeyID and Supplier is set.
type Options struct {
	BranchKeyID string
	// Supplier chooses the branch key of a message by its encryption context, such as by the
	// tenant that is named there. It must be safe for use by several goroutines.
	Supplier func(encryptionsdk.EncryptionContext) (id string, err error)
	// TTL is how long a branch key serves before it is wiped, and fetched again when it is
	// needed; it must be positive. A rotated branch key goes on encrypting for that long.
	TTL time.Duration
	// Capacity is how many branch keys are held; 0: DefaultCapacity.
	Capacity int
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Keyring wraps data keys under branch keys.
type Keyring struct {
	store    BranchKeyStore
	supplier func(encryptionsdk.EncryptionContext) (string, error)
	ttl      time.Duration
	now      func() time.Time
	cache    *expiring.Cache[cacheKey, *cached]
}

var _ encryptionsdk.Keyring = (*Keyring)(nil)

// cacheKey names a version, or with an empty one the active version, of a branch key.
type cacheKey struct{ id, version string }

// cached is a branch key in the cache.
type cached struct {
	version  [16]byte
	material [BranchKeyLen]byte
}

func (c *cached) wipe() { clear(c.material[:]) }

// New returns a keyring over store. It fails with ErrOptions.
func New(store BranchKeyStore, o Options) (*Keyring, error) {
	k := &Keyring{store: store, supplier: o.Supplier, ttl: o.TTL, now: o.Now}
	if k.now == nil {
		k.now = time.Now
	}
	if o.Capacity == 0 {
		o.Capacity = DefaultCapacity
	}
	switch {
	case store == nil:
		return nil, fmt.Errorf("%w: no branch key store", encryptionsdk.ErrOptions)
	case (o.BranchKeyID == "") == (o.Supplier == nil):
		return nil, fmt.Errorf("%w: either a branch key or a supplier of branch keys is needed", encryptionsdk.ErrOptions)
	case o.TTL <= 0:
		return nil, fmt.Errorf("%w: the time that branch keys are held must be positive", encryptionsdk.ErrOptions)
	case o.Capacity < 0:
		return nil, fmt.Errorf("%w: a cache for %d branch keys", encryptionsdk.ErrOptions, o.Capacity)
	}
	if k.supplier == nil {
		if err := checkID(o.BranchKeyID); err != nil {
			return nil, fmt.Errorf("%w: %w", encryptionsdk.ErrOptions, err)
		}
		k.supplier = func(encryptionsdk.EncryptionContext) (string, error) { return o.BranchKeyID, nil }
	}
	k.cache = expiring.New[cacheKey](o.Capacity, (*cached).wipe)
	return k, nil
}

func checkID(id string) error {
	if id == "" || len(id) > math.MaxUint16 || !utf8.ValidString(id) {
		return fmt.Errorf("a branch key identifier is 1 to %d bytes of UTF-8", math.MaxUint16)
	}
	return nil
}

// OnEncrypt implements encryptionsdk.Keyring.
func (k *Keyring) OnEncrypt(ctx context.Context, m *encryptionsdk.EncryptionMaterials) error {
	if err := k.onEncrypt(ctx, m); err != nil {
		return fmt.Errorf("%s: %w", ProviderID, err)
	}
	return nil
}

func (k *Keyring) onEncrypt(ctx context.Context, m *encryptionsdk.EncryptionMaterials) error {
	if m == nil || m.Suite == nil {
		return fmt.Errorf("%w: no algorithm suite", encryptionsdk.ErrMaterials)
	}
	serialized, err := m.EncryptionContext.AppendBinary(nil)
	if err != nil {
		return err
	}
	id, err := k.branchKeyID(m.EncryptionContext)
	if err != nil {
		return fmt.Errorf("%w: %w", encryptionsdk.ErrMaterials, err)
	}
	branch, err := k.branchKey(ctx, cacheKey{id: id})
	if err != nil {
		return fmt.Errorf("%w: %w", encryptionsdk.ErrMaterials, err)
	}
	defer branch.wipe()
	key, err := datakey.Get(m)
	if err != nil {
		return err
	}
	wrapped, err := wrap(branch.material[:], id, branch.version, serialized, key)
	if err != nil {
		datakey.Drop(m, key)
		return err
	}
	return datakey.Put(m, key, encryptionsdk.EncryptedDataKey{ProviderID: ProviderID, ProviderInfo: []byte(id), Ciphertext: wrapped})
}

// OnDecrypt implements encryptionsdk.Keyring. It asks the store only for versions of the
// branch key that this keyring would use for the encryption context.
func (k *Keyring) OnDecrypt(ctx context.Context, m *encryptionsdk.DecryptionMaterials, keys []encryptionsdk.EncryptedDataKey) error {
	var id string
	var serialized []byte
	err := datakey.Open(ctx, m, keys, func(edk *encryptionsdk.EncryptedDataKey) ([]byte, error) {
		if edk.ProviderID != ProviderID {
			return nil, datakey.ErrForeign
		}
		if id == "" {
			var err error
			if serialized, err = m.EncryptionContext.AppendBinary(nil); err != nil {
				return nil, err
			}
			if id, err = k.branchKeyID(m.EncryptionContext); err != nil {
				return nil, err
			}
		}
		if !bytes.Equal(edk.ProviderInfo, []byte(id)) {
			return nil, datakey.ErrForeign
		}
		version, err := wrappedVersion(edk.Ciphertext)
		if err != nil {
			return nil, err
		}
		branch, err := k.branchKey(ctx, cacheKey{id: id, version: formatVersion(version)})
		if err != nil {
			return nil, err
		}
		defer branch.wipe()
		return unwrap(branch.material[:], id, serialized, edk.Ciphertext)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", ProviderID, err)
	}
	return nil
}

// Close wipes the branch keys that the keyring holds. It can be used again afterwards.
func (k *Keyring) Close() error {
	k.cache.Clear()
	return nil
}

func (k *Keyring) branchKeyID(ec encryptionsdk.EncryptionContext) (string, error) {
	id, err := k.supplier(ec)
	if err != nil {
		return "", fmt.Errorf("branch key supplier: %w", err)
	}
	return id, checkID(id)
}

// branchKey returns a branch key, which the caller wipes, from the cache or the store.
func (k *Keyring) branchKey(ctx context.Context, at cacheKey) (*cached, error) {
	var branch cached
	release, found, err := k.cache.Acquire(ctx, at, k.now, func(c *cached) bool {
		branch = *c
		return true
	})
	if err != nil || found {
		return &branch, err
	}
	defer release()
	var key *BranchKey
	if at.version == "" {
		key, err = k.store.ActiveBranchKey(ctx, at.id)
	} else {
		key, err = k.store.BranchKeyVersion(ctx, at.id, at.version)
	}
	if err != nil {
		return nil, fmt.Errorf("branch key %q: %w", at.id, err)
	}
	if key == nil {
		return nil, fmt.Errorf("branch key %q: %w: the store returned nothing", at.id, encryptionsdk.ErrMaterials)
	}
	defer clear(key.Material)
	version, ok := parseVersion(key.Version)
	if !ok || key.ID != at.id || at.version != "" && key.Version != at.version || len(key.Material) != BranchKeyLen {
		return nil, fmt.Errorf("branch key %q: %w: the store returned another branch key or version", at.id, encryptionsdk.ErrMaterials)
	}
	branch = cached{version: version, material: [BranchKeyLen]byte(key.Material)}
	held := branch
	k.cache.Put(at, &held, k.ttl, k.now)
	return &branch, nil
}
