package kms

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/engine/envelope"
	"fastness/internal/engine/keyalg"
	"fastness/internal/keyslot"
	"fastness/internal/securemem"
)

// Key material is kept wrapped, and opened when it is used. What is open is bounded in
// number and in time. Symmetric and HMAC keys are open in locked memory alone. The
// private keys of asymmetric algorithms are structures of the standard library on the Go
// heap; so few of them are open, for a shorter time, and they are overwritten when they
// are closed. Making them again costs a read of the slot and a parse, which for RSA is a
// seventh of a signature.
const (
	maxLocked  = 10_000 // 2.6 MB of locked memory; twice that if all were long HMAC keys
	maxParsed  = 256
	lockedIdle = 15 * time.Minute
	parsedIdle = time.Minute
)

// opened is one key material that is open. All snapshots of its key share it.
type opened struct {
	symmetric *envelope.Key // of SYMMETRIC_DEFAULT
	other     *keyalg.Key   // of all other specs

	// used is set by every use and cleared when it is asked for.
	used   atomic.Bool
	closed atomic.Bool
	mu     sync.Mutex // held while it is opened and closed
}

// touch notes a use. The flag is mostly set already, and then it stays in every CPU's
// cache.
func (o *opened) touch() {
	if !o.used.Load() {
		o.used.Store(true)
	}
}

// close overwrites the material. Operations under way end first, or fail with an error
// that has them try again.
func (o *opened) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed.Store(true)
	if o.symmetric != nil {
		o.symmetric.Destroy()
	}
	if o.other != nil {
		o.other.Destroy()
	}
}

// openCache holds the open material of one sort.
type openCache struct {
	limit int
	idle  time.Duration

	mu     sync.Mutex
	bySlot map[keyslot.SlotID]*opened
}

func newOpenCache(limit int, idle time.Duration) *openCache {
	return &openCache{limit: limit, idle: idle, bySlot: make(map[keyslot.SlotID]*opened)}
}

// get returns the material of a slot, which open opens if nobody has.
func (c *openCache) get(slot keyslot.SlotID, open func(o *opened) error) (*opened, error) {
	for {
		c.mu.Lock()
		o := c.bySlot[slot]
		if o == nil {
			o, victim := c.add(slot)
			c.mu.Unlock()
			if victim != nil {
				victim.close()
			}
			return c.fill(slot, o, open)
		}
		c.mu.Unlock()
		if o.await() {
			return o, nil
		}
		// It did not open, or was closed just now; so this caller finds out for itself.
		c.drop(slot, o)
	}
}

// await waits while somebody else opens the material and reports whether it is open.
func (o *opened) await() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.touch()
	return !o.closed.Load()
}

// drop takes an entry out, unless another has taken its place.
func (c *openCache) drop(slot keyslot.SlotID, o *opened) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bySlot[slot] == o {
		delete(c.bySlot, slot)
	}
}

// add makes an entry, locked, and names another to close if there are too many. The
// caller holds c.mu.
func (c *openCache) add(slot keyslot.SlotID) (o, victim *opened) {
	if len(c.bySlot) >= c.limit {
		victim = c.evict()
	}
	o = &opened{}
	o.mu.Lock()
	c.bySlot[slot] = o
	return o, victim
}

// fill opens a new entry, which is locked.
func (c *openCache) fill(slot keyslot.SlotID, o *opened, open func(o *opened) error) (*opened, error) {
	defer o.mu.Unlock()
	if err := open(o); err != nil {
		o.closed.Store(true)
		c.drop(slot, o)
		return nil, err
	}
	o.touch()
	return o, nil
}

// evict takes an entry out: one that was not used lately, if the first few are any
// guide. Maps are ranged over from a random place. The caller holds c.mu and closes the
// entry.
func (c *openCache) evict() *opened {
	const enough = 16
	var victim keyslot.SlotID
	seen := 0
	for slot, o := range c.bySlot {
		victim = slot
		if seen++; !o.used.Swap(false) || seen == enough {
			break
		}
	}
	o := c.bySlot[victim]
	delete(c.bySlot, victim)
	return o
}

// forget closes the material of a slot.
func (c *openCache) forget(slot keyslot.SlotID) {
	c.mu.Lock()
	o := c.bySlot[slot]
	delete(c.bySlot, slot)
	c.mu.Unlock()
	if o != nil {
		o.close()
	}
}

// closeIdle closes what was not used since it was called last, or everything.
func (c *openCache) closeIdle(everything bool) {
	c.mu.Lock()
	var idle []*opened
	for slot, o := range c.bySlot {
		if !o.used.Swap(false) || everything {
			delete(c.bySlot, slot)
			idle = append(idle, o)
		}
	}
	c.mu.Unlock()
	for _, o := range idle {
		o.close()
	}
}

// RunMaterial closes key material that nobody has used for a while, until the context
// ends; then it closes all of it.
func (s *Service) RunMaterial(ctx context.Context) error {
	defer s.locked.closeIdle(true)
	defer s.parsed.closeIdle(true)
	// Looking twice in each period closes what was idle for half of it to all of it.
	sinceLocked := time.Duration(0)
	for {
		if err := s.clock.Sleep(ctx, s.parsed.idle/2); err != nil {
			return err
		}
		s.parsed.closeIdle(false)
		if sinceLocked += s.parsed.idle / 2; sinceLocked >= s.locked.idle/2 {
			s.locked.closeIdle(false)
			sinceLocked = 0
		}
	}
}

// ready returns material that is open.
func (s *Service) ready(ctx context.Context, k *key, m *material) (*opened, error) {
	if o := m.opened.Load(); o != nil && !o.closed.Load() {
		o.touch()
		return o, nil
	}
	return s.openMaterial(ctx, k, m)
}

func (s *Service) openMaterial(ctx context.Context, k *key, m *material) (*opened, error) {
	cache := s.locked
	if keyalg.Spec(k.record.Spec).Asymmetric() {
		cache = s.parsed
	}
	o, err := cache.get(m.record.Slot, func(o *opened) error {
		return s.unwrap(ctx, &m.record, func(b []byte) error { return s.parse(keyalg.Spec(k.record.Spec), b, o) })
	})
	if err != nil && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "key material does not open", "key", m.record.KeyID, "account", m.record.Account, "error", err)
		return nil, &kmsapi.KeyUnavailableException{Message: new("The KMS key is not available. Retry the request.")}
	}
	if err != nil {
		return nil, err
	}
	m.opened.Store(o)
	return o, nil
}

// parse makes o of the bare material of a key.
func (s *Service) parse(spec keyalg.Spec, b []byte, o *opened) (err error) {
	switch {
	case spec == keyalg.SymmetricDefault:
		o.symmetric, err = envelope.NewKey(b, func(key []byte) (envelope.PRF, error) { return s.keyed(crypto.SHA256, key) })
	case spec.Asymmetric():
		o.other, err = keyalg.ParseMaterial(spec, b)
	default:
		o.other, err = keyalg.OpenMAC(spec, b, func(h crypto.Hash, key []byte) (keyalg.MAC, error) { return s.keyed(h, key) })
	}
	return err
}

// keyed is HMAC in locked memory.
func (s *Service) keyed(h crypto.Hash, key []byte) (*securemem.HMAC, error) {
	m, err := s.arena.NewHMAC(h, key)
	if err != nil {
		return nil, fmt.Errorf("kms: keep a key: %w", err)
	}
	return m, nil
}

// maxReopen bounds how often a call opens a material that is closed under its hands.
const maxReopen = 4

// seal encrypts under the current material of a symmetric key.
func (s *Service) seal(ctx context.Context, k *key, context map[string]string, plaintext []byte) (blob []byte, err error) {
	for range maxReopen {
		var o *opened
		if o, err = s.ready(ctx, k, k.current); err != nil {
			return nil, err
		}
		if blob, err = o.symmetric.Seal(nil, blobHeader(k, k.current), context, plaintext); !errors.Is(err, securemem.ErrDestroyed) {
			return blob, err
		}
	}
	return nil, err
}

// unseal opens what seal made under a material of the key.
func (s *Service) unseal(ctx context.Context, k *key, m *material, context map[string]string, blob []byte) (plaintext []byte, err error) {
	for range maxReopen {
		var o *opened
		if o, err = s.ready(ctx, k, m); err != nil {
			return nil, err
		}
		if plaintext, err = o.symmetric.Open(nil, blob, context); !errors.Is(err, securemem.ErrDestroyed) {
			return plaintext, err
		}
	}
	return nil, err
}

// private calls f with the current material of an asymmetric or HMAC key.
func (s *Service) private(ctx context.Context, k *key, f func(private *keyalg.Key) ([]byte, error)) (out []byte, err error) {
	for range maxReopen {
		var o *opened
		if o, err = s.ready(ctx, k, k.current); err != nil {
			return nil, err
		}
		if out, err = f(o.other); !errors.Is(err, keyalg.ErrDestroyed) {
			return out, engineError(k, err)
		}
	}
	return nil, err
}
