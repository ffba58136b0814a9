package seal

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"fastness/internal/securemem"
)

const (
	saltBytes = 12 // first half of the nonce: selects the derived key
	// xaesOverhead is nonce (24) and tag (16).
	xaesOverhead = saltBytes + securemem.GCMOverhead
	// saltUses is how many values share a derived key. See doc.go for the bound.
	saltUses = 1 << 20
	// cachedCiphers bounds the derived ciphers kept for opening, about 1 KiB each.
	cachedCiphers = 128
)

// errTag: the tag is wrong or the input too short.
var errTag = errors.New("seal: wrong tag")

// xaes is XAES-256-GCM under one key.
type xaes struct {
	arena *securemem.Arena
	block *securemem.Block  // AES-256 under the key
	k1    *securemem.Secret // CMAC subkey K1

	current atomic.Pointer[derived] // seals; not in the cache

	mu     sync.RWMutex
	cache  map[[saltBytes]byte]*derived // open values of other salts
	order  [cachedCiphers][saltBytes]byte
	next   int
	closed bool
}

// derived is the cipher of one salt.
type derived struct {
	salt [saltBytes]byte
	gcm  *securemem.GCM
	used atomic.Int64
}

// newXAES expands a key of 32 bytes.
func newXAES(a *securemem.Arena, key []byte) (*xaes, error) {
	b, err := a.NewBlock(key)
	if err != nil {
		return nil, err
	}
	k1, err := a.New(blockBytes)
	if err != nil {
		b.Destroy()
		return nil, err
	}
	err = k1.With(func(s []byte) {
		p := (*[blockBytes]byte)(s)
		_ = b.Encrypt(p[:], p[:]) // L = AES(0); b is fresh, so this cannot fail
		double(p)
	})
	if err != nil {
		b.Destroy()
		return nil, err
	}
	return &xaes{arena: a, block: b, k1: k1, cache: map[[saltBytes]byte]*derived{}}, nil
}

// derive makes the cipher for a salt: steps 3 to 5 of the specification.
func (x *xaes) derive(salt [saltBytes]byte) (*derived, error) {
	key, err := x.arena.New(32)
	if err != nil {
		return nil, sealedErr(err)
	}
	defer key.Destroy()
	err = x.k1.With(func(k1 []byte) {
		_ = key.With(func(k []byte) {
			for i, half := range [][]byte{k[:16], k[16:]} {
				m := [blockBytes]byte{0, byte(i + 1), 'X', 0}
				copy(m[4:], salt[:])
				subtle.XORBytes(half, m[:], k1)
				if err == nil {
					err = x.block.Encrypt(half, half)
				}
			}
		})
	})
	if err != nil {
		return nil, sealedErr(err)
	}
	d := &derived{salt: salt}
	_ = key.With(func(k []byte) { d.gcm, err = x.arena.NewGCM(k) })
	if err != nil {
		return nil, sealedErr(err)
	}
	return d, nil
}

// seal appends nonce, ciphertext and tag to dst.
func (x *xaes) seal(dst, plaintext, aad []byte) ([]byte, error) {
	for {
		d := x.current.Load()
		if d == nil || d.used.Add(1) > saltUses {
			var err error
			if d, err = x.renew(d); err != nil {
				return nil, err
			}
		}
		out, err := d.gcm.Seal(append(dst, d.salt[:]...), plaintext, aad)
		if err == nil {
			return out, nil
		}
		if !errors.Is(err, securemem.ErrDestroyed) {
			return nil, err
		}
		// Either all is destroyed, or this goroutine slept while d was replaced and
		// then evicted from the cache: take the new one.
		x.mu.RLock()
		closed := x.closed
		x.mu.RUnlock()
		if closed {
			return nil, ErrSealed
		}
	}
}

// renew replaces the sealing cipher old by one with a new salt, unless another
// goroutine has done so, and moves old to the cache.
func (x *xaes) renew(old *derived) (*derived, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return nil, ErrSealed
	}
	if d := x.current.Load(); d != nil && d != old && d.used.Add(1) <= saltUses {
		return d, nil
	}
	var salt [saltBytes]byte
	if _, err := rand.Read(salt[:]); err != nil {
		return nil, fmt.Errorf("seal: reading random bytes: %w", err)
	}
	d, err := x.derive(salt)
	if err != nil {
		return nil, err
	}
	d.used.Store(1)
	if prev := x.current.Swap(d); prev != nil {
		x.remember(prev) // it will open what it sealed
	}
	return d, nil
}

// open appends the plaintext to dst, or returns errTag.
func (x *xaes) open(dst, sealed, aad []byte) ([]byte, error) {
	if len(sealed) < xaesOverhead {
		return nil, errTag
	}
	salt := [saltBytes]byte(sealed)
	d, err := x.cipherFor(salt)
	if err != nil {
		return nil, err
	}
	out, err := d.gcm.Open(dst, sealed[saltBytes:], aad)
	if errors.Is(err, securemem.ErrDestroyed) {
		// Evicted between lookup and use: once more, with a cipher of its own.
		if d, err = x.derive(salt); err != nil {
			return nil, err
		}
		defer d.gcm.Destroy()
		out, err = d.gcm.Open(dst, sealed[saltBytes:], aad)
	}
	if err != nil {
		return nil, errTag
	}
	return out, nil
}

// cipherFor finds or derives the cipher of a salt.
func (x *xaes) cipherFor(salt [saltBytes]byte) (*derived, error) {
	if d := x.current.Load(); d != nil && d.salt == salt {
		return d, nil
	}
	x.mu.RLock()
	d := x.cache[salt]
	x.mu.RUnlock()
	if d != nil {
		return d, nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return nil, ErrSealed
	}
	if d := x.cache[salt]; d != nil {
		return d, nil
	}
	d, err := x.derive(salt)
	if err != nil {
		return nil, err
	}
	x.remember(d)
	return d, nil
}

// remember puts d into the cache in place of the oldest. The caller holds x.mu.
func (x *xaes) remember(d *derived) {
	if old := x.cache[x.order[x.next]]; old != nil {
		delete(x.cache, old.salt)
		old.gcm.Destroy()
	}
	x.cache[d.salt] = d
	x.order[x.next] = d.salt
	x.next = (x.next + 1) % cachedCiphers
}

// destroy overwrites all keys; seal and open then return ErrSealed.
func (x *xaes) destroy() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return
	}
	x.closed = true
	x.block.Destroy()
	x.k1.Destroy()
	if d := x.current.Load(); d != nil {
		d.gcm.Destroy()
	}
	for _, d := range x.cache {
		d.gcm.Destroy()
	}
	clear(x.cache)
}
