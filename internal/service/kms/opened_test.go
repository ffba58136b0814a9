package kms

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/keyslot"
	"fastness/internal/securemem"
)

// worn is a key of each way to be open, with something to do with it.
type worn struct {
	name  string
	id    string
	cache *openCache
	use   func(ctx context.Context) error
}

// oneOfEach makes keys that are open in each of the ways there are. They are not open.
func (h *harness) oneOfEach() []worn {
	h.Helper()
	c, s := h.in(testRegion), h.service
	symmetric := h.newKey(&kmsapi.CreateKeyRequest{})
	mac := h.newKey(&kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecHMAC384), KeyUsage: new(kmsapi.KeyUsageTypeGenerateVerifyMAC)})
	signing := h.newKey(&kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecECCNISTP256), KeyUsage: new(kmsapi.KeyUsageTypeSignVerify)})
	agreeing := h.newKey(&kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecECCNISTP256), KeyUsage: new(kmsapi.KeyUsageTypeKeyAgreement)})
	decrypting := h.newKey(&kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecRSA2048), KeyUsage: new(kmsapi.KeyUsageTypeEncryptDecrypt)})
	peer := got(c.GetPublicKey(h.Context(), &kmsapi.GetPublicKeyRequest{KeyId: &agreeing})).PublicKey
	oaep := new(kmsapi.EncryptionAlgorithmSpecRSAESOAEPSHA256)
	sealed := got(c.Encrypt(h.Context(), &kmsapi.EncryptRequest{KeyId: &decrypting, Plaintext: []byte("text"), EncryptionAlgorithm: oaep})).CiphertextBlob
	return []worn{
		{"symmetric", symmetric, s.locked, func(ctx context.Context) error {
			out, err := c.Encrypt(ctx, &kmsapi.EncryptRequest{KeyId: &symmetric, Plaintext: []byte("text")})
			if err != nil {
				return err
			}
			return errorOf(c.Decrypt(ctx, &kmsapi.DecryptRequest{CiphertextBlob: out.CiphertextBlob}))
		}},
		{"HMAC", mac, s.locked, func(ctx context.Context) error {
			out, err := c.GenerateMac(ctx, &kmsapi.GenerateMacRequest{KeyId: &mac, MacAlgorithm: new(kmsapi.MacAlgorithmSpecHMACSHA384), Message: []byte("text")})
			if err != nil {
				return err
			}
			return errorOf(c.VerifyMac(ctx, &kmsapi.VerifyMacRequest{KeyId: &mac, MacAlgorithm: new(kmsapi.MacAlgorithmSpecHMACSHA384), Message: []byte("text"), Mac: out.Mac}))
		}},
		{"signing", signing, s.parsed, func(ctx context.Context) error {
			return errorOf(c.Sign(ctx, &kmsapi.SignRequest{KeyId: &signing, SigningAlgorithm: new(kmsapi.SigningAlgorithmSpecECDSASHA256), Message: []byte("text")}))
		}},
		{"agreeing", agreeing, s.parsed, func(ctx context.Context) error {
			return errorOf(c.DeriveSharedSecret(ctx, &kmsapi.DeriveSharedSecretRequest{KeyId: &agreeing, KeyAgreementAlgorithm: new(kmsapi.KeyAgreementAlgorithmSpecECDH), PublicKey: peer}))
		}},
		{"decrypting", decrypting, s.parsed, func(ctx context.Context) error {
			return errorOf(c.Decrypt(ctx, &kmsapi.DecryptRequest{KeyId: &decrypting, CiphertextBlob: sealed, EncryptionAlgorithm: oaep}))
		}},
	}
}

// open is the entry of a key's only material, or nil.
func (h *harness) open(w worn) *opened {
	slot := h.materials(w.id)[0].Slot
	w.cache.mu.Lock()
	defer w.cache.mu.Unlock()
	return w.cache.bySlot[slot]
}

func (c *openCache) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.bySlot)
}

func TestMaterialIsOpenWhileItIsUsedAndForAWhileAfter(t *testing.T) {
	h := newHarness(t)
	keys := h.oneOfEach()
	for _, w := range keys {
		if h.open(w) != nil {
			t.Errorf("%s: open before its first use", w.name)
		}
	}
	idle := h.service.arena.Stats().Secrets
	for range 3 {
		for _, w := range keys {
			if err := w.use(t.Context()); err != nil {
				t.Fatalf("%s: %v", w.name, err)
			}
			o := h.open(w)
			if o == nil {
				t.Fatalf("%s: not open after its use", w.name)
			}
			w.cache.closeIdle(false) // it was used
			if h.open(w) != o || o.closed.Load() {
				t.Fatalf("%s: closed at once", w.name)
			}
			w.cache.closeIdle(false)
			if h.open(w) != nil || !o.closed.Load() {
				t.Errorf("%s: open for ever", w.name)
			}
		}
	}
	if n := h.service.arena.Stats().Secrets; n != idle {
		t.Errorf("%d secrets are left of closed material, %d before", n, idle)
	}
}

func TestOpenMaterialIsBounded(t *testing.T) {
	h := newHarness(t)
	c := h.in(testRegion)
	h.service.locked.limit = 8
	var keys []string
	for range 40 {
		keys = append(keys, h.newKey(&kmsapi.CreateKeyRequest{}))
	}
	before := h.service.arena.Stats().Secrets
	var blobs [][]byte
	for i := range keys {
		blobs = append(blobs, got(c.Encrypt(t.Context(), &kmsapi.EncryptRequest{KeyId: &keys[i], Plaintext: []byte("text")})).CiphertextBlob)
	}
	for _, blob := range blobs {
		got(c.Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: blob}))
	}
	if n, secrets := h.service.locked.size(), h.service.arena.Stats().Secrets-before; n != 8 || secrets != 8 {
		t.Errorf("%d materials are open in %d secrets, want 8", n, secrets)
	}
}

// counting counts how often slots are opened.
type counting struct {
	Slots
	opened atomic.Int32
}

func (c *counting) OpenSlot(ctx context.Context, id keyslot.SlotID, owner string) (*securemem.Secret, error) {
	c.opened.Add(1)
	return c.Slots.OpenSlot(ctx, id, owner)
}

func TestChangesOfAKeyDoNotOpenItAgain(t *testing.T) {
	slots := &counting{}
	h := newHarness(t, func(c *Config) { slots.Slots, c.Slots = c.Slots, slots })
	for _, w := range h.oneOfEach() {
		slots.opened.Store(0)
		for range 5 {
			if err := w.use(t.Context()); err != nil {
				t.Fatal(err)
			}
			got(h.in(testRegion).UpdateKeyDescription(t.Context(), &kmsapi.UpdateKeyDescriptionRequest{KeyId: &w.id, Description: new("x")}))
		}
		if n := slots.opened.Load(); n != 1 {
			t.Errorf("%s: opened %d times", w.name, n)
		}
	}
}

func TestManyCallersOpenOnce(t *testing.T) {
	slots := &counting{}
	h := newHarness(t, func(c *Config) { slots.Slots, c.Slots = c.Slots, slots })
	w := h.oneOfEach()[0]
	var callers sync.WaitGroup
	for range 16 {
		callers.Go(func() {
			if err := w.use(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	if n := slots.opened.Load(); n != 1 {
		t.Errorf("opened %d times", n)
	}
}

func TestDestructionClosesMaterial(t *testing.T) {
	h := newHarness(t)
	keys := h.oneOfEach()
	var open []*opened
	for _, w := range keys {
		if err := w.use(t.Context()); err != nil {
			t.Fatal(err)
		}
		open = append(open, h.open(w))
		h.schedule(w.id, 7)
	}
	h.after(8)
	for i, w := range keys {
		if !open[i].closed.Load() {
			t.Errorf("%s: destroyed and still open", w.name)
		}
	}
	if n := h.service.locked.size() + h.service.parsed.size(); n != 0 {
		t.Errorf("%d materials of no key are open", n)
	}
}

func TestMaterialThatDoesNotOpenIsTriedAgain(t *testing.T) {
	broken := &breaking{}
	h := newHarness(t, func(c *Config) { broken.Slots, c.Slots = c.Slots, broken })
	for _, w := range h.oneOfEach() {
		broken.err = errors.New("the disk is away")
		for range 2 {
			wantsCode(t, w.use(t.Context()), "KeyUnavailableException")
		}
		if h.open(w) != nil {
			t.Errorf("%s: what did not open is kept", w.name)
		}
		broken.err = nil
		if err := w.use(t.Context()); err != nil {
			t.Errorf("%s: %v", w.name, err)
		}
	}
}

// breaking does not open slots while it has an error.
type breaking struct {
	Slots
	err error
}

func (b *breaking) OpenSlot(ctx context.Context, id keyslot.SlotID, owner string) (*securemem.Secret, error) {
	if b.err != nil {
		return nil, b.err
	}
	return b.Slots.OpenSlot(ctx, id, owner)
}

// Calls go on while material is closed under their hands.
func TestClosingDisturbsNoCall(t *testing.T) {
	h := newHarness(t)
	keys := h.oneOfEach()
	stop := make(chan struct{})
	var closing, callers sync.WaitGroup
	closing.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				h.service.locked.closeIdle(true)
				h.service.parsed.closeIdle(true)
			}
		}
	})
	for _, w := range slices.Concat(keys, keys) {
		callers.Go(func() {
			for range 50 {
				if err := w.use(t.Context()); err != nil {
					t.Errorf("%s: %v", w.name, err)
					return
				}
			}
		})
	}
	callers.Wait()
	close(stop)
	closing.Wait()
}

func TestRunMaterialClosesByTheClockAndAtTheEnd(t *testing.T) {
	h := newHarness(t)
	keys := h.oneOfEach()
	use := func() {
		for _, w := range keys {
			if err := w.use(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- h.service.RunMaterial(ctx) }()
	pass := func(d time.Duration) {
		for ; d > 0; d -= parsedIdle / 2 {
			if err := h.clock.AwaitWaiters(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			h.clock.Advance(parsedIdle / 2)
		}
		if err := h.clock.AwaitWaiters(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	use()
	pass(parsedIdle)
	if locked, parsed := h.service.locked.size(), h.service.parsed.size(); locked != 2 || parsed != 0 {
		t.Errorf("after %s %d symmetric and %d asymmetric keys are open, want 2 and none", parsedIdle, locked, parsed)
	}
	pass(lockedIdle)
	if locked := h.service.locked.size(); locked != 0 {
		t.Errorf("after %s %d symmetric keys are open", lockedIdle, locked)
	}
	use()
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n := h.service.locked.size() + h.service.parsed.size(); n != 0 {
		t.Errorf("%d materials are open at the end", n)
	}
}
