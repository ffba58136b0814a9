package hierarchical

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"fastness/encryptionsdk"
)

var (
	suite  = encryptionsdk.SuiteAES256GCMHKDFSHA512CommitKey.Suite()
	testEC = encryptionsdk.EncryptionContext{"tenant": "a"}
)

// counting counts what a keyring asks a store for.
type counting struct {
	BranchKeyStore
	mu    sync.Mutex
	calls []string
	alter func(*BranchKey)
}

func (c *counting) note(call string, k *BranchKey, err error) (*BranchKey, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, call)
	if err == nil && c.alter != nil {
		c.alter(k)
	}
	return k, err
}

func (c *counting) ActiveBranchKey(ctx context.Context, id string) (*BranchKey, error) {
	k, err := c.BranchKeyStore.ActiveBranchKey(ctx, id)
	return c.note("active "+id, k, err)
}

func (c *counting) BranchKeyVersion(ctx context.Context, id, version string) (*BranchKey, error) {
	k, err := c.BranchKeyStore.BranchKeyVersion(ctx, id, version)
	return c.note("version "+id, k, err)
}

// must fails the test on err.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// localStore is a key store in a directory under a key of its own, with branch keys.
func localStore(t testing.TB, ids ...string) *KeyStore {
	t.Helper()
	items := must(NewDirItems(t.TempDir()))(t)
	protector := must(NewAESProtector("test key", bytes.Repeat([]byte{1}, 32)))(t)
	s := must(NewKeyStore("test store", items, protector, func() time.Time { return time.Unix(1e9, 123456789) }))(t)
	for _, id := range ids {
		if err := s.Create(t.Context(), id, encryptionsdk.EncryptionContext{"department": "admin"}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func encrypted(t testing.TB, k *Keyring) *encryptionsdk.EncryptionMaterials {
	t.Helper()
	m := &encryptionsdk.EncryptionMaterials{Suite: suite, EncryptionContext: testEC}
	if err := k.OnEncrypt(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	return m
}

func reopen(t testing.TB, k *Keyring, m *encryptionsdk.EncryptionMaterials) error {
	t.Helper()
	d := &encryptionsdk.DecryptionMaterials{Suite: suite, EncryptionContext: m.EncryptionContext}
	err := k.OnDecrypt(t.Context(), d, m.EncryptedDataKeys)
	if err == nil && !bytes.Equal(d.PlaintextDataKey, m.PlaintextDataKey) {
		t.Fatal("another data key came back")
	}
	if err != nil && d.PlaintextDataKey != nil {
		t.Fatal("a data key in spite of an error")
	}
	return err
}

func TestKeyringHoldsBranchKeysForTheirTime(t *testing.T) {
	store := &counting{BranchKeyStore: localStore(t, "a")}
	at := time.Unix(1e9, 0)
	k := must(New(store, Options{BranchKeyID: "a", TTL: time.Minute, Now: func() time.Time { return at }}))(t)
	old := encrypted(t, k)
	encrypted(t, k)
	for range 2 {
		if err := reopen(t, k, old); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"active a", "version a"}; !slices.Equal(store.calls, want) {
		t.Fatal(store.calls)
	}
	if err := store.BranchKeyStore.(*KeyStore).Rotate(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	same := encrypted(t, k)
	at = at.Add(time.Minute)
	fresh := encrypted(t, k)
	version := func(m *encryptionsdk.EncryptionMaterials) [16]byte {
		return must(wrappedVersion(m.EncryptedDataKeys[0].Ciphertext))(t)
	}
	if version(same) != version(old) || version(fresh) == version(old) {
		t.Error("the active version changed too early, or not")
	}
	if err := errors.Join(reopen(t, k, old), reopen(t, k, fresh)); err != nil {
		t.Error(err)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	calls := len(store.calls)
	encrypted(t, k)
	if len(store.calls) != calls+1 {
		t.Error("a closed keyring still held its branch key")
	}
}

func TestKeyringChoosesByContext(t *testing.T) {
	none := errors.New("no tenant")
	k := must(New(localStore(t, "a", "b"), Options{TTL: time.Minute, Supplier: func(ec encryptionsdk.EncryptionContext) (string, error) {
		if ec["tenant"] == "" {
			return "", none
		}
		return ec["tenant"], nil
	}}))(t)
	m := encrypted(t, k)
	if string(m.EncryptedDataKeys[0].ProviderInfo) != "a" {
		t.Error("another branch key was used")
	}
	if err := reopen(t, k, m); err != nil {
		t.Error(err)
	}
	for tenant, want := range map[string]error{"b": encryptionsdk.ErrNoDataKey, "": none} {
		d := &encryptionsdk.DecryptionMaterials{Suite: suite, EncryptionContext: encryptionsdk.EncryptionContext{"tenant": tenant}}
		if err := k.OnDecrypt(t.Context(), d, m.EncryptedDataKeys); !errors.Is(err, want) || !errors.Is(err, encryptionsdk.ErrNoDataKey) {
			t.Errorf("tenant %q: %v", tenant, err)
		}
	}
	if err := k.OnEncrypt(t.Context(), &encryptionsdk.EncryptionMaterials{Suite: suite}); !errors.Is(err, none) {
		t.Error(err)
	}
	if err := k.OnEncrypt(t.Context(), &encryptionsdk.EncryptionMaterials{Suite: suite, EncryptionContext: encryptionsdk.EncryptionContext{"tenant": "c"}}); !errors.Is(err, ErrNoBranchKey) {
		t.Error(err)
	}
}

func TestKeyringRefusesChangedWrappings(t *testing.T) {
	k := must(New(localStore(t, "a"), Options{BranchKeyID: "a", TTL: time.Minute}))(t)
	m := encrypted(t, k)
	good := m.EncryptedDataKeys[0]
	for i := range good.Ciphertext {
		m.EncryptedDataKeys = []encryptionsdk.EncryptedDataKey{{ProviderID: ProviderID, ProviderInfo: []byte("a"), Ciphertext: bytes.Clone(good.Ciphertext)}}
		m.EncryptedDataKeys[0].Ciphertext[i] ^= 1
		if err := reopen(t, k, m); !errors.Is(err, encryptionsdk.ErrNoDataKey) {
			t.Fatalf("byte %d: %v", i, err)
		}
		m.EncryptedDataKeys[0].Ciphertext = good.Ciphertext[:i]
		if err := reopen(t, k, m); !errors.Is(err, encryptionsdk.ErrNoDataKey) {
			t.Fatalf("%d bytes: %v", i, err)
		}
	}
	// A broken one in front, and one of another kind, do not hide the good one.
	m.EncryptedDataKeys = append(m.EncryptedDataKeys, encryptionsdk.EncryptedDataKey{ProviderID: "aws-kms", ProviderInfo: []byte("a")}, good)
	if err := reopen(t, k, m); err != nil {
		t.Fatal(err)
	}
}

func TestKeyringDistrustsItsStore(t *testing.T) {
	for name, alter := range map[string]func(*BranchKey){
		"another branch key": func(k *BranchKey) { k.ID = "b" },
		"a version":          func(k *BranchKey) { k.Version = "x" },
		"a short key":        func(k *BranchKey) { k.Material = k.Material[:31] },
	} {
		store := &counting{BranchKeyStore: localStore(t, "a"), alter: alter}
		k := must(New(store, Options{BranchKeyID: "a", TTL: time.Minute}))(t)
		if err := k.OnEncrypt(t.Context(), &encryptionsdk.EncryptionMaterials{Suite: suite}); !errors.Is(err, encryptionsdk.ErrMaterials) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewRefusesBadOptions(t *testing.T) {
	store := localStore(t)
	supplier := func(encryptionsdk.EncryptionContext) (string, error) { return "a", nil }
	for name, o := range map[string]Options{
		"nothing":  {TTL: 1},
		"both":     {TTL: 1, BranchKeyID: "a", Supplier: supplier},
		"TTL":      {BranchKeyID: "a"},
		"capacity": {TTL: 1, BranchKeyID: "a", Capacity: -1},
		"UTF-8":    {TTL: 1, BranchKeyID: "\xff"},
	} {
		if _, err := New(store, o); !errors.Is(err, encryptionsdk.ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New(nil, Options{TTL: 1, BranchKeyID: "a"}); !errors.Is(err, encryptionsdk.ErrOptions) {
		t.Error(err)
	}
}

// One keyring serves 64 goroutines, with more branch keys than it has room for; the race
// detector watches.
func TestKeyringIsSharedByManyGoroutines(t *testing.T) {
	ids := []string{"a", "b", "c"}
	store := localStore(t, ids...)
	k := must(New(store, Options{TTL: time.Hour, Capacity: 4, Supplier: func(ec encryptionsdk.EncryptionContext) (string, error) { return ec["tenant"], nil }}))(t)
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for j := range 5 {
				ec := encryptionsdk.EncryptionContext{"tenant": ids[(i+j)%len(ids)]}
				m := &encryptionsdk.EncryptionMaterials{Suite: suite, EncryptionContext: ec}
				d := &encryptionsdk.DecryptionMaterials{Suite: suite, EncryptionContext: ec}
				if err := errors.Join(k.OnEncrypt(t.Context(), m), k.OnDecrypt(t.Context(), d, m.EncryptedDataKeys)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzUnwrap(f *testing.F) {
	k := must(New(localStore(f, "a"), Options{BranchKeyID: "a", TTL: time.Hour}))(f)
	f.Add(encrypted(f, k).EncryptedDataKeys[0].Ciphertext[1:])
	f.Add(make([]byte, overhead))
	f.Fuzz(func(t *testing.T, wrapped []byte) {
		if key, err := unwrap(make([]byte, BranchKeyLen), "a", nil, wrapped); err == nil {
			t.Fatalf("opened: %x", key)
		}
		if version, err := wrappedVersion(wrapped); err == nil {
			if back, ok := parseVersion(formatVersion(version)); !ok || back != version {
				t.Fatal("a version changed by being written")
			}
		}
	})
}

func BenchmarkWrap(b *testing.B) {
	k := must(New(localStore(b, "a"), Options{BranchKeyID: "a", TTL: time.Hour}))(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := k.OnEncrypt(b.Context(), &encryptionsdk.EncryptionMaterials{Suite: suite, EncryptionContext: testEC}); err != nil {
			b.Fatal(err)
		}
	}
}
