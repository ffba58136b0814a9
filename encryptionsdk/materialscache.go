package encryptionsdk

import (
	"fmt"

	"fastness/encryptionsdk/internal/expiring"
)

// MaterialsCache holds the materials of caching managers: at most so many, the least
// recently used going first. What leaves it is wiped. It is safe for use by several
// goroutines. Materials that reach their age leave by a timer, used or not.
type MaterialsCache struct {
	entries *expiring.Cache[cacheID, *cacheEntry]
}

// NewMaterialsCache returns a cache for capacity materials, at least 1. It fails with
// ErrOptions.
func NewMaterialsCache(capacity int) (*MaterialsCache, error) {
	if capacity < 1 {
		return nil, fmt.Errorf("%w: a cache for %d materials", ErrOptions, capacity)
	}
	return &MaterialsCache{expiring.New[cacheID](capacity, (*cacheEntry).wipe)}, nil
}

// Clear wipes all that is in the cache.
func (c *MaterialsCache) Clear() { c.entries.Clear() }

// Len is how many materials the cache holds.
func (c *MaterialsCache) Len() int { return c.entries.Len() }

// cacheEntry is what the cache holds under an id: materials of one of the two kinds, never
// handed out themselves, and how much they have been used.
type cacheEntry struct {
	encryption *EncryptionMaterials
	decryption *DecryptionMaterials
	messages   int64
	bytes      int64
}

func (e *cacheEntry) wipe() {
	if e.encryption != nil {
		clear(e.encryption.PlaintextDataKey)
	}
	if e.decryption != nil {
		clear(e.decryption.PlaintextDataKey)
	}
}
