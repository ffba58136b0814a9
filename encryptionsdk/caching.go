package encryptionsdk

import (
	"context"
	"crypto/rand"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// Bounds of CachingOptions, AWS's for data key caching.
const (
	MaxCachedMessages = 1 << 32       // messages that one data key may encrypt
	MaxCachedBytes    = math.MaxInt64 // bytes of plaintext that one data key may encrypt
)

// CachingOptions bound how long and how often a CachingManager reuses data keys.
type CachingOptions struct {
	// MaxAge is how long materials are reused after they were made; then their data key is
	// wiped, at the latest when MaxAge has passed on the system's clock. It must be positive.
	MaxAge time.Duration
	// MaxMessages bounds the messages that one data key encrypts: 1 to MaxCachedMessages, which
	// is what 0 stands for.
	MaxMessages int64
	// MaxBytes bounds the plaintext that one data key encrypts, in bytes; 0: MaxCachedBytes.
	MaxBytes int64
	// Capacity is how many materials the manager's own cache holds. It must be at least 1,
	// or 0 when Cache is set.
	Capacity int
	// Cache is one that several managers share.
	Cache *MaterialsCache
	// PartitionID separates the managers that share a cache: with equal ids they use each
	// other's materials, which is right only if what is below them is equal too. Empty: an id
	// that no other manager has.
	PartitionID string
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// CachingManager reuses the materials that the manager below it makes: one data key
// encrypts several messages, and one call to a key service opens them. Materials are reused
// only for the same suite, policy and encryption context, and to decrypt for the same
// wrapped keys. Suites without key derivation are never cached, and neither is the key for
// a message of unknown length. Reuse weakens the separation between messages: use it when
// the key service is too slow or too expensive, with limits as low as that allows.
type CachingManager struct {
	inner       MaterialsManager
	cache       *MaterialsCache
	partition   string
	maxAge      time.Duration
	maxMessages int64
	maxBytes    int64
	now         func() time.Time
}

var _ MaterialsManager = (*CachingManager)(nil)

// NewCachingManager returns a caching manager on top of inner. It fails with ErrOptions.
func NewCachingManager(inner MaterialsManager, o CachingOptions) (*CachingManager, error) {
	c := &CachingManager{
		inner: inner, cache: o.Cache, partition: o.PartitionID, maxAge: o.MaxAge,
		maxMessages: o.MaxMessages, maxBytes: o.MaxBytes, now: o.Now,
	}
	if c.maxMessages == 0 {
		c.maxMessages = MaxCachedMessages
	}
	if c.maxBytes == 0 {
		c.maxBytes = MaxCachedBytes
	}
	if c.now == nil {
		c.now = time.Now
	}
	switch {
	case inner == nil:
		return nil, fmt.Errorf("%w: no materials manager below the cache", ErrOptions)
	case o.MaxAge <= 0:
		return nil, fmt.Errorf("%w: the maximum age of cached materials must be positive", ErrOptions)
	case c.maxMessages < 0 || c.maxMessages > MaxCachedMessages:
		return nil, fmt.Errorf("%w: a data key encrypts 1 to 2³² messages, not %d", ErrOptions, o.MaxMessages)
	case c.maxBytes < 0:
		return nil, fmt.Errorf("%w: a data key encrypts at least 1 byte, not %d", ErrOptions, o.MaxBytes)
	case o.Cache != nil && o.Capacity != 0:
		return nil, fmt.Errorf("%w: a shared cache has its own capacity", ErrOptions)
	}
	if c.cache == nil {
		var err error
		if c.cache, err = NewMaterialsCache(o.Capacity); err != nil {
			return nil, err
		}
	}
	if c.partition == "" {
		c.partition = rand.Text()
	}
	return c, nil
}

// EncryptionMaterials implements MaterialsManager.
func (c *CachingManager) EncryptionMaterials(ctx context.Context, r *EncryptionRequest) (*EncryptionMaterials, error) {
	// Such keys serve one message, so that there is nothing to wait for either.
	if r.Suite != nil && !r.Suite.Derives() || r.PlaintextLength < 0 || r.PlaintextLength > c.maxBytes || c.maxMessages == 1 {
		return c.inner.EncryptionMaterials(ctx, r)
	}
	id, err := c.encryptionID(r)
	if err != nil {
		return nil, err
	}
	var m *EncryptionMaterials
	release, found, err := c.cache.entries.Acquire(ctx, id, c.now, func(e *cacheEntry) bool {
		if e.messages >= c.maxMessages || e.bytes > c.maxBytes-r.PlaintextLength {
			return false
		}
		e.messages++
		e.bytes += r.PlaintextLength
		m = cloneEncryption(e.encryption)
		return true
	})
	if err != nil || found {
		return m, err
	}
	defer release()
	m, err = c.inner.EncryptionMaterials(ctx, r)
	if err != nil {
		return nil, err
	}
	if m == nil || m.Suite == nil || m.PlaintextDataKey == nil {
		return nil, fmt.Errorf("%w: incomplete materials from the manager below the cache", ErrMaterials)
	}
	// The manager below may have chosen a suite that must not be cached.
	if m.Suite.Derives() {
		c.cache.entries.Put(id, &cacheEntry{encryption: cloneEncryption(m), messages: 1, bytes: r.PlaintextLength}, c.maxAge, c.now)
	}
	return m, nil
}

// DecryptionMaterials implements MaterialsManager.
func (c *CachingManager) DecryptionMaterials(ctx context.Context, r *DecryptionRequest) (*DecryptionMaterials, error) {
	if r.Suite == nil || !r.Suite.Derives() {
		return c.inner.DecryptionMaterials(ctx, r)
	}
	id, err := c.decryptionID(r)
	if err != nil {
		return nil, err
	}
	var m *DecryptionMaterials
	release, found, err := c.cache.entries.Acquire(ctx, id, c.now, func(e *cacheEntry) bool {
		m = cloneDecryption(e.decryption)
		return true
	})
	if err != nil || found {
		return m, err
	}
	defer release()
	m, err = c.inner.DecryptionMaterials(ctx, r)
	if err != nil {
		return nil, err
	}
	if m == nil || m.Suite == nil || m.PlaintextDataKey == nil {
		return nil, fmt.Errorf("%w: incomplete materials from the manager below the cache", ErrMaterials)
	}
	c.cache.entries.Put(id, &cacheEntry{decryption: cloneDecryption(m)}, c.maxAge, c.now)
	return m, nil
}

// cacheID identifies materials in a cache.
type cacheID [sha512.Size384]byte

// The ids hash what AWS's libraries hash (specification, framework/caching-cmm.md, appendix
// A), and more: policy, number of keys and the context that the reader reproduced have been
// checked when the materials were made, so that they must not serve a request that differs
// in them. Every part is preceded by its length, which makes the hashed text unambiguous.
const (
	cachingResource = 1
	encryptScope    = 1
	decryptScope    = 2
)

func (c *CachingManager) encryptionID(r *EncryptionRequest) (cacheID, error) {
	context, err := r.EncryptionContext.AppendBinary(nil)
	if err != nil {
		return cacheID{}, err
	}
	var suite []byte
	if r.Suite != nil {
		suite = binary.BigEndian.AppendUint16(nil, uint16(r.Suite.ID))
	}
	return hashParts([]byte{cachingResource, encryptScope}, []byte(c.partition), suite,
		number(int(r.CommitmentPolicy)), number(r.MaxEncryptedDataKeys), context), nil
}

func (c *CachingManager) decryptionID(r *DecryptionRequest) (cacheID, error) {
	context, err := r.EncryptionContext.AppendBinary(nil)
	if err != nil {
		return cacheID{}, err
	}
	reproduced, err := r.ReproducedContext.AppendBinary(nil)
	if err != nil {
		return cacheID{}, err
	}
	keys := make([]string, len(r.EncryptedDataKeys))
	for i := range r.EncryptedDataKeys {
		k := &r.EncryptedDataKeys[i]
		h := hashParts([]byte(k.ProviderID), k.ProviderInfo, k.Ciphertext)
		keys[i] = string(h[:])
	}
	slices.Sort(keys)
	parts := make([][]byte, 0, 6+len(keys))
	parts = append(parts, []byte{cachingResource, decryptScope}, []byte(c.partition),
		binary.BigEndian.AppendUint16(nil, uint16(r.Suite.ID)), number(int(r.CommitmentPolicy)), context, reproduced)
	for _, k := range keys {
		parts = append(parts, []byte(k))
	}
	return hashParts(parts...), nil
}

func number(n int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

func hashParts(parts ...[]byte) cacheID {
	h := sha512.New384()
	var length [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(length[:], uint64(len(p)))
		h.Write(length[:])
		h.Write(p)
	}
	var id cacheID
	h.Sum(id[:0])
	return id
}

// cloneEncryption copies materials so that either copy may be wiped. The signing key is
// shared: nobody changes it.
func cloneEncryption(m *EncryptionMaterials) *EncryptionMaterials {
	c := *m
	c.EncryptionContext = maps.Clone(m.EncryptionContext)
	c.PlaintextDataKey = slices.Clone(m.PlaintextDataKey)
	c.RequiredContextKeys = slices.Clone(m.RequiredContextKeys)
	c.EncryptedDataKeys = slices.Clone(m.EncryptedDataKeys)
	for i := range c.EncryptedDataKeys {
		k := &c.EncryptedDataKeys[i]
		k.ProviderInfo, k.Ciphertext = slices.Clone(k.ProviderInfo), slices.Clone(k.Ciphertext)
	}
	return &c
}

func cloneDecryption(m *DecryptionMaterials) *DecryptionMaterials {
	c := *m
	c.EncryptionContext = maps.Clone(m.EncryptionContext)
	c.PlaintextDataKey = slices.Clone(m.PlaintextDataKey)
	c.RequiredContextKeys = slices.Clone(m.RequiredContextKeys)
	return &c
}
