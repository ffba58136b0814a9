package sigv4

import (
	"strings"
	"sync"
)

// scopeKey names one derived key. ECDSA keys depend on the access key only.
type scopeKey struct {
	algorithm   Algorithm
	accessKeyID string
	date        string
	region      string
	service     string
}

// keyCache holds derived keys in two generations: when the young one is full it
// becomes the old one and the old one is forgotten, so that a key in use survives
// and memory stays bounded without bookkeeping on the read path.
type keyCache struct {
	mu         sync.RWMutex
	most       int // entries of one generation
	young, old map[scopeKey]*signingKey
}

func newKeyCache(most int) *keyCache {
	return &keyCache{most: max(1, most/2), young: map[scopeKey]*signingKey{}}
}

func (c *keyCache) get(k scopeKey) *signingKey {
	c.mu.RLock()
	key, old := c.young[k], false
	if key == nil {
		key = c.old[k]
		old = key != nil
	}
	c.mu.RUnlock()
	if old {
		c.put(k, key)
	}
	return key
}

// put stores key. The strings are copied: those of a request would keep its whole
// header in memory.
func (c *keyCache) put(k scopeKey, key *signingKey) {
	k.accessKeyID = strings.Clone(k.accessKeyID)
	k.date = strings.Clone(k.date)
	k.region = strings.Clone(k.region)
	k.service = strings.Clone(k.service)
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.young[k]; !ok && len(c.young) >= c.most {
		c.old, c.young = c.young, make(map[scopeKey]*signingKey, c.most)
	}
	c.young[k] = key
}

// forget drops every key of an access key.
func (c *keyCache) forget(accessKeyID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range []map[scopeKey]*signingKey{c.young, c.old} {
		for k := range m {
			if k.accessKeyID == accessKeyID {
				delete(m, k)
			}
		}
	}
}

func (c *keyCache) len() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.young) + len(c.old)
}
