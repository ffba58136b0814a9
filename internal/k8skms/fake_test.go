package k8skms

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"
)

// rotatingKMS is a key service in memory: AES-256-GCM under one key for each
// material, bound to the encryption context.
type rotatingKMS struct {
	mu        sync.Mutex
	materials [][]byte
	failure   error
	silent    bool // Encrypt does not tell the material, as AWS's does not
	oversized bool
}

func newRotatingKMS() *rotatingKMS {
	k := new(rotatingKMS)
	k.rotate()
	return k
}

func (k *rotatingKMS) rotate() {
	k.mu.Lock()
	defer k.mu.Unlock()
	material := make([]byte, 32)
	rand.Read(material)
	k.materials = append(k.materials, material)
}

func (k *rotatingKMS) set(change func(*rotatingKMS)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change(k)
}

func (k *rotatingKMS) key() Key {
	return Key{ARN: "arn:aws:kms:eu-west-1:111122223333:key/1", MaterialID: fmt.Sprint("material-", len(k.materials))}
}

func (k *rotatingKMS) aead(i int) (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.materials[i])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func flatten(encryptionContext map[string]string) []byte {
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(encryptionContext)) {
		fmt.Fprintf(&b, "%q%q", name, encryptionContext[name])
	}
	return b.Bytes()
}

func (k *rotatingKMS) Encrypt(_ context.Context, plaintext []byte, encryptionContext map[string]string) ([]byte, Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failure != nil {
		return nil, Key{}, k.failure
	}
	if k.oversized {
		return make([]byte, MaxCiphertextBytes+1), k.key(), nil
	}
	last := len(k.materials) - 1
	aead, err := k.aead(last)
	if err != nil {
		return nil, Key{}, err
	}
	key := k.key()
	if k.silent {
		key.MaterialID = ""
	}
	return aead.Seal([]byte{byte(last)}, nil, plaintext, flatten(encryptionContext)), key, nil
}

func (k *rotatingKMS) Decrypt(_ context.Context, blob []byte, encryptionContext map[string]string) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failure != nil {
		return nil, k.failure
	}
	if len(blob) == 0 || int(blob[0]) >= len(k.materials) {
		return nil, fmt.Errorf("blob: %w", ErrInvalidCiphertext)
	}
	aead, err := k.aead(int(blob[0]))
	if err != nil {
		return nil, err
	}
	plaintext, err := aead.Open(nil, nil, blob[1:], flatten(encryptionContext))
	if err != nil {
		return nil, fmt.Errorf("open: %w", ErrInvalidCiphertext)
	}
	return plaintext, nil
}

func (k *rotatingKMS) Describe(context.Context) (Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failure != nil {
		return Key{}, k.failure
	}
	return k.key(), nil
}

var errDown = errors.New("connection refused")

// handClock is moved by hand.
type handClock struct {
	mu      sync.Mutex
	now     time.Time
	waiters map[*waiter]struct{}
	waiting chan time.Duration // each wait that begins
}

type waiter struct {
	due time.Time
	ch  chan time.Time
}

func newHandClock() *handClock {
	return &handClock{
		now:     time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
		waiters: map[*waiter]struct{}{},
		waiting: make(chan time.Duration, 1024),
	}
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) After(d time.Duration) (<-chan time.Time, func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := &waiter{c.now.Add(d), make(chan time.Time, 1)}
	c.waiters[w] = struct{}{}
	c.waiting <- d
	return w.ch, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiters, w)
	}
}

func (c *handClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for w := range c.waiters {
		if !w.due.After(c.now) {
			w.ch <- c.now
			delete(c.waiters, w)
		}
	}
}

// settle waits until the refresh loop waits for want.
func (c *handClock) settle(t *testing.T, want time.Duration) {
	t.Helper()
	for {
		select {
		case d := <-c.waiting:
			if d == want {
				return
			}
		case <-t.Context().Done():
			t.Fatal("the refresh loop never waited", want)
		}
	}
}
