package encryptionsdk_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fastness/encryptionsdk"
)

// hand is a clock that a test moves.
type hand struct{ at time.Time }

func (h *hand) now() time.Time { return h.at }

func caching(t testing.TB, inner encryptionsdk.MaterialsManager, o encryptionsdk.CachingOptions) *encryptionsdk.CachingManager {
	t.Helper()
	c, err := encryptionsdk.NewCachingManager(inner, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// key asks for the materials of a message and wipes what it was given, as a caller may.
func key(t testing.TB, c encryptionsdk.MaterialsManager, r *encryptionsdk.EncryptionRequest) []byte {
	t.Helper()
	m, err := c.EncryptionMaterials(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	k := bytes.Clone(m.PlaintextDataKey)
	clear(m.PlaintextDataKey)
	clear(m.EncryptedDataKeys[0].Ciphertext)
	clear(m.EncryptionContext)
	if bytes.Equal(k, make([]byte, len(k))) {
		t.Fatal("a wiped data key was handed out")
	}
	return k
}

func request(length int64) *encryptionsdk.EncryptionRequest {
	return &encryptionsdk.EncryptionRequest{Suite: testSuite, PlaintextLength: length, EncryptionContext: encryptionsdk.EncryptionContext{"a": "b"}}
}

func TestCachingReusesWithinItsLimits(t *testing.T) {
	inner := &source{suite: testSuite, keyring: aesKeyring(t, "a")}
	clock := &hand{at: time.Unix(1e9, 0)}
	c := caching(t, inner, encryptionsdk.CachingOptions{Capacity: 10, MaxAge: time.Minute, MaxMessages: 3, MaxBytes: 100, Now: clock.now})
	first := key(t, c, request(40))
	if !bytes.Equal(first, key(t, c, request(60))) {
		t.Fatal("not reused")
	}
	second := key(t, c, request(1)) // the 101st byte
	if bytes.Equal(first, second) || inner.encrypts != 2 {
		t.Fatal("reused beyond its bytes")
	}
	key(t, c, request(0))
	if !bytes.Equal(second, key(t, c, request(0))) {
		t.Fatal("not reused")
	}
	third := key(t, c, request(0)) // the fourth message
	if bytes.Equal(second, third) || inner.encrypts != 3 {
		t.Fatal("reused beyond its messages")
	}
	clock.at = clock.at.Add(time.Minute - 1)
	if !bytes.Equal(third, key(t, c, request(0))) {
		t.Fatal("not reused")
	}
	clock.at = clock.at.Add(1)
	if bytes.Equal(third, key(t, c, request(0))) || inner.encrypts != 4 {
		t.Fatal("reused beyond its age")
	}
}

func TestCachingNeverReusesWhatItMustNot(t *testing.T) {
	inner := &source{suite: testSuite, keyring: aesKeyring(t, "a")}
	for name, f := range map[string]func(*encryptionsdk.EncryptionRequest){
		"identity derivation": func(r *encryptionsdk.EncryptionRequest) {
			r.Suite = encryptionsdk.SuiteAES256GCMIV12Tag16NoKDF.Suite()
		},
		"unknown length":  func(r *encryptionsdk.EncryptionRequest) { r.PlaintextLength = -1 },
		"too long itself": func(r *encryptionsdk.EncryptionRequest) { r.PlaintextLength = 101 },
	} {
		c := caching(t, inner, encryptionsdk.CachingOptions{Capacity: 10, MaxAge: time.Minute, MaxBytes: 100})
		r := request(1)
		f(r)
		if bytes.Equal(key(t, c, r), key(t, c, r)) {
			t.Errorf("%s: reused", name)
		}
	}
	inner.suite = encryptionsdk.SuiteAES256GCMIV12Tag16NoKDF.Suite()
	c := caching(t, inner, encryptionsdk.CachingOptions{Capacity: 10, MaxAge: time.Minute})
	r := request(1)
	r.Suite = nil // the manager below chooses, and chooses badly
	if bytes.Equal(key(t, c, r), key(t, c, r)) {
		t.Error("materials of an identity suite reused")
	}
	before := inner.decrypts
	m, err := inner.EncryptionMaterials(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := c.DecryptionMaterials(t.Context(), &encryptionsdk.DecryptionRequest{Suite: m.Suite, EncryptedDataKeys: m.EncryptedDataKeys, EncryptionContext: m.EncryptionContext}); err != nil {
			t.Fatal(err)
		}
	}
	if inner.decrypts != before+2 {
		t.Error("decryption materials of an identity suite reused")
	}
}

func TestCachingTellsRequestsApart(t *testing.T) {
	inner := &source{suite: testSuite, keyring: aesKeyring(t, "a")}
	c := caching(t, inner, encryptionsdk.CachingOptions{Capacity: 100, MaxAge: time.Minute})
	base := key(t, c, request(1))
	for name, f := range map[string]func(*encryptionsdk.EncryptionRequest){
		"suite": func(r *encryptionsdk.EncryptionRequest) {
			r.Suite = encryptionsdk.SuiteAES256GCMIV12Tag16HKDFSHA256.Suite()
		},
		"no suite": func(r *encryptionsdk.EncryptionRequest) { r.Suite = nil },
		"policy": func(r *encryptionsdk.EncryptionRequest) {
			r.CommitmentPolicy = encryptionsdk.RequireEncryptAllowDecrypt
		},
		"keys":    func(r *encryptionsdk.EncryptionRequest) { r.MaxEncryptedDataKeys = 1 },
		"context": func(r *encryptionsdk.EncryptionRequest) { r.EncryptionContext = nil },
	} {
		r := request(1)
		f(r)
		if bytes.Equal(base, key(t, c, r)) {
			t.Errorf("reused for another %s", name)
		}
	}

	m, err := inner.EncryptionMaterials(t.Context(), request(1))
	if err != nil {
		t.Fatal(err)
	}
	var other encryptionsdk.EncryptionMaterials = *m
	other.EncryptedDataKeys = nil
	if err := inner.keyring.OnEncrypt(t.Context(), &other); err != nil {
		t.Fatal(err)
	}
	a, b := m.EncryptedDataKeys[0], other.EncryptedDataKeys[0]
	ask := func(f func(*encryptionsdk.DecryptionRequest)) (*encryptionsdk.DecryptionMaterials, int) {
		t.Helper()
		r := &encryptionsdk.DecryptionRequest{Suite: testSuite, EncryptedDataKeys: []encryptionsdk.EncryptedDataKey{a, b}, EncryptionContext: m.EncryptionContext}
		f(r)
		before := inner.decrypts
		d, err := c.DecryptionMaterials(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return d, inner.decrypts - before
	}
	for name, test := range map[string]struct {
		change func(*encryptionsdk.DecryptionRequest)
		calls  int
	}{
		"order of keys": {func(r *encryptionsdk.DecryptionRequest) { r.EncryptedDataKeys = []encryptionsdk.EncryptedDataKey{b, a} }, 0},
		"fewer keys":    {func(r *encryptionsdk.DecryptionRequest) { r.EncryptedDataKeys = r.EncryptedDataKeys[:1] }, 1},
		"policy": {func(r *encryptionsdk.DecryptionRequest) {
			r.CommitmentPolicy = encryptionsdk.RequireEncryptAllowDecrypt
		}, 1},
		"reproduced": {func(r *encryptionsdk.DecryptionRequest) {
			r.ReproducedContext = encryptionsdk.EncryptionContext{"a": "b"}
		}, 1},
	} {
		ask(func(*encryptionsdk.DecryptionRequest) {})
		d, calls := ask(test.change)
		if calls != test.calls || !bytes.Equal(d.PlaintextDataKey, m.PlaintextDataKey) {
			t.Errorf("%s: %d calls below", name, calls)
		}
		clear(d.PlaintextDataKey) // the caller's copy, not the cache's
	}
}

func TestCachingPartitions(t *testing.T) {
	cache, err := encryptionsdk.NewMaterialsCache(10)
	if err != nil {
		t.Fatal(err)
	}
	inner := &source{suite: testSuite, keyring: aesKeyring(t, "a")}
	o := encryptionsdk.CachingOptions{Cache: cache, MaxAge: time.Minute}
	a, b := caching(t, inner, o), caching(t, inner, o)
	if bytes.Equal(key(t, a, request(1)), key(t, b, request(1))) {
		t.Error("managers without partition id share materials")
	}
	o.PartitionID = "shared"
	a, b = caching(t, inner, o), caching(t, inner, o)
	if !bytes.Equal(key(t, a, request(1)), key(t, b, request(1))) {
		t.Error("managers with the same partition id do not share materials")
	}
	cache.Clear()
	if cache.Len() != 0 {
		t.Error("not cleared")
	}
}

func TestCachingCapacity(t *testing.T) {
	inner := &source{suite: testSuite, keyring: aesKeyring(t, "a")}
	c := caching(t, inner, encryptionsdk.CachingOptions{Capacity: 2, MaxAge: time.Minute})
	named := func(s string) *encryptionsdk.EncryptionRequest {
		r := request(1)
		r.EncryptionContext = encryptionsdk.EncryptionContext{"n": s}
		return r
	}
	a, b := key(t, c, named("a")), key(t, c, named("b"))
	if !bytes.Equal(a, key(t, c, named("a"))) {
		t.Fatal("a is gone")
	}
	key(t, c, named("c"))
	if !bytes.Equal(a, key(t, c, named("a"))) {
		t.Error("the most recently used was evicted")
	}
	if bytes.Equal(b, key(t, c, named("b"))) {
		t.Error("the least recently used was kept")
	}
}

func TestNewCachingManagerRefusesBadOptions(t *testing.T) {
	inner := &source{}
	cache, err := encryptionsdk.NewMaterialsCache(1)
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]encryptionsdk.CachingOptions{
		"capacity":   {MaxAge: 1},
		"age":        {Capacity: 1},
		"messages":   {Capacity: 1, MaxAge: 1, MaxMessages: encryptionsdk.MaxCachedMessages + 1},
		"messages<0": {Capacity: 1, MaxAge: 1, MaxMessages: -1},
		"bytes":      {Capacity: 1, MaxAge: 1, MaxBytes: -1},
		"two caches": {Capacity: 1, MaxAge: 1, Cache: cache},
	} {
		if _, err := encryptionsdk.NewCachingManager(inner, o); !errors.Is(err, encryptionsdk.ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := encryptionsdk.NewCachingManager(nil, encryptionsdk.CachingOptions{Capacity: 1, MaxAge: 1}); !errors.Is(err, encryptionsdk.ErrOptions) {
		t.Error(err)
	}
	caching(t, inner, encryptionsdk.CachingOptions{Capacity: 1, MaxAge: 1, MaxMessages: encryptionsdk.MaxCachedMessages, MaxBytes: math.MaxInt64})
}

func TestCachingFillsOnceAtATime(t *testing.T) {
	const readers = 64
	var calls atomic.Int32
	entered, proceed := make(chan struct{}), make(chan struct{})
	inner := &source{suite: testSuite, keyring: aesKeyring(t, "a"), onCall: func(context.Context) error {
		calls.Add(1)
		close(entered)
		<-proceed
		return nil
	}}
	c := caching(t, inner, encryptionsdk.CachingOptions{Capacity: 2, MaxAge: time.Minute})
	var wg sync.WaitGroup
	keys := make([][]byte, readers)
	for i := range readers {
		wg.Go(func() { keys[i] = key(t, c, request(1)) })
	}
	<-entered
	close(proceed)
	wg.Wait()
	for _, k := range keys {
		if !bytes.Equal(k, keys[0]) {
			t.Fatal("two data keys for one request")
		}
	}
	if calls.Load() != 1 {
		t.Fatalf("%d calls", calls.Load())
	}
}

func TestCachingSurvivesAFillThatFails(t *testing.T) {
	entered := make(chan struct{}, 2)
	first := true
	inner := &source{suite: testSuite, keyring: aesKeyring(t, "a")}
	inner.onCall = func(ctx context.Context) error {
		entered <- struct{}{}
		if first {
			first = false
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	c := caching(t, inner, encryptionsdk.CachingOptions{Capacity: 2, MaxAge: time.Minute})
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := c.EncryptionMaterials(ctx, request(1))
		failed <- err
	}()
	<-entered
	// Who waits for the fill may give up.
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := c.EncryptionMaterials(gone, request(1)); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	waiting := make(chan error)
	go func() {
		_, err := c.EncryptionMaterials(t.Context(), request(1))
		waiting <- err
	}()
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := <-waiting; err != nil {
		t.Error(err)
	}
}

func TestCachingUnderLoad(t *testing.T) {
	inner := aesKeyring(t, "a")
	c := caching(t, perCall{inner}, encryptionsdk.CachingOptions{Capacity: 3, MaxAge: time.Hour, MaxMessages: 5})
	var mu sync.Mutex
	used := map[string]int{}
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for j := range 20 {
				r := request(1)
				r.EncryptionContext = encryptionsdk.EncryptionContext{"n": string(rune('a' + (i+j)%5))}
				k := key(t, c, r)
				mu.Lock()
				used[string(k)]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, n := range used {
		if n > 5 {
			t.Fatalf("a data key served %d messages", n)
		}
	}
}

// perCall makes materials without counting, for use by many goroutines.
type perCall struct{ keyring encryptionsdk.Keyring }

func (p perCall) EncryptionMaterials(ctx context.Context, r *encryptionsdk.EncryptionRequest) (*encryptionsdk.EncryptionMaterials, error) {
	return (&source{suite: testSuite, keyring: p.keyring}).EncryptionMaterials(ctx, r)
}

func (p perCall) DecryptionMaterials(ctx context.Context, r *encryptionsdk.DecryptionRequest) (*encryptionsdk.DecryptionMaterials, error) {
	return (&source{suite: testSuite, keyring: p.keyring}).DecryptionMaterials(ctx, r)
}

func BenchmarkCachedMaterials(b *testing.B) {
	c := caching(b, perCall{aesKeyring(b, "a")}, encryptionsdk.CachingOptions{Capacity: 3, MaxAge: time.Hour})
	r := request(1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.EncryptionMaterials(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
}
