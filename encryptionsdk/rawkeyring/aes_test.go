package rawkeyring

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"fastness/encryptionsdk"
)

// materials are empty encryption materials of a suite with keys of n bytes.
func materials(n int, ec encryptionsdk.EncryptionContext) *encryptionsdk.EncryptionMaterials {
	id := map[int]encryptionsdk.SuiteID{
		16: encryptionsdk.SuiteAES128GCMIV12Tag16HKDFSHA256,
		24: encryptionsdk.SuiteAES192GCMIV12Tag16HKDFSHA256,
		32: encryptionsdk.SuiteAES256GCMHKDFSHA512CommitKey,
	}[n]
	return &encryptionsdk.EncryptionMaterials{Suite: id.Suite(), EncryptionContext: ec}
}

// reopen unwraps what was wrapped into m and fails the test unless it is the same key.
func reopen(t *testing.T, k encryptionsdk.Keyring, m *encryptionsdk.EncryptionMaterials) {
	t.Helper()
	d := &encryptionsdk.DecryptionMaterials{Suite: m.Suite, EncryptionContext: m.EncryptionContext}
	if err := k.OnDecrypt(context.Background(), d, m.EncryptedDataKeys); err != nil {
		t.Fatal(err)
	}
	if len(d.PlaintextDataKey) != m.Suite.DataKeyLen || !bytes.Equal(d.PlaintextDataKey, m.PlaintextDataKey) {
		t.Fatal("the unwrapped data key is not the wrapped one")
	}
}

func TestAESWrapsEveryKeyLengthUnderEveryWrappingKey(t *testing.T) {
	for _, wrapping := range []int{16, 24, 32} {
		k, err := NewAES("namespace", "name", bytes.Repeat([]byte{7}, wrapping))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{16, 24, 32} {
			for _, ec := range []encryptionsdk.EncryptionContext{nil, {"b": "1", "a": "2"}} {
				m := materials(n, ec)
				if err := k.OnEncrypt(t.Context(), m); err != nil {
					t.Fatal(err)
				}
				first := bytes.Clone(m.PlaintextDataKey)
				if err := k.OnEncrypt(t.Context(), m); err != nil {
					t.Fatal(err)
				}
				if len(m.EncryptedDataKeys) != 2 || !bytes.Equal(first, m.PlaintextDataKey) {
					t.Fatal("a second wrapping must wrap the same data key")
				}
				reopen(t, k, m)
			}
		}
	}
}

func TestAESRefusesWhatIsNotItsOwn(t *testing.T) {
	k, err := NewAES("namespace", "name", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	ec := encryptionsdk.EncryptionContext{"k": "v"}
	m := materials(32, ec)
	if err := k.OnEncrypt(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	good := m.EncryptedDataKeys[0]
	change := func(f func(*encryptionsdk.EncryptedDataKey)) encryptionsdk.EncryptedDataKey {
		e := encryptionsdk.EncryptedDataKey{ProviderID: good.ProviderID, ProviderInfo: bytes.Clone(good.ProviderInfo), Ciphertext: bytes.Clone(good.Ciphertext)}
		f(&e)
		return e
	}
	for name, e := range map[string]encryptionsdk.EncryptedDataKey{
		"namespace":       change(func(e *encryptionsdk.EncryptedDataKey) { e.ProviderID = "other" }),
		"name":            change(func(e *encryptionsdk.EncryptedDataKey) { e.ProviderInfo[0] ^= 1 }),
		"tag length":      change(func(e *encryptionsdk.EncryptedDataKey) { e.ProviderInfo[7] ^= 1 }),
		"IV length":       change(func(e *encryptionsdk.EncryptedDataKey) { e.ProviderInfo[11] ^= 1 }),
		"IV":              change(func(e *encryptionsdk.EncryptedDataKey) { e.ProviderInfo[12] ^= 1 }),
		"short info":      change(func(e *encryptionsdk.EncryptedDataKey) { e.ProviderInfo = e.ProviderInfo[:4] }),
		"long info":       change(func(e *encryptionsdk.EncryptedDataKey) { e.ProviderInfo = append(e.ProviderInfo, 0) }),
		"ciphertext":      change(func(e *encryptionsdk.EncryptedDataKey) { e.Ciphertext[3] ^= 1 }),
		"tag":             change(func(e *encryptionsdk.EncryptedDataKey) { e.Ciphertext[47] ^= 1 }),
		"short":           change(func(e *encryptionsdk.EncryptedDataKey) { e.Ciphertext = e.Ciphertext[:15] }),
		"empty":           {},
		"shorter for key": change(func(e *encryptionsdk.EncryptedDataKey) { e.Ciphertext = e.Ciphertext[1:] }),
	} {
		d := &encryptionsdk.DecryptionMaterials{Suite: m.Suite, EncryptionContext: ec}
		if err := k.OnDecrypt(t.Context(), d, []encryptionsdk.EncryptedDataKey{e}); !errors.Is(err, encryptionsdk.ErrNoDataKey) || d.PlaintextDataKey != nil {
			t.Errorf("%s: %v", name, err)
		}
		// A broken wrapping in front of a good one is passed over.
		if err := k.OnDecrypt(t.Context(), d, []encryptionsdk.EncryptedDataKey{e, good}); err != nil {
			t.Errorf("%s, then a good one: %v", name, err)
		}
	}
	for name, other := range map[string]encryptionsdk.EncryptionContext{"none": nil, "changed": {"k": "w"}, "more": {"k": "v", "l": ""}} {
		d := &encryptionsdk.DecryptionMaterials{Suite: m.Suite, EncryptionContext: other}
		if err := k.OnDecrypt(t.Context(), d, m.EncryptedDataKeys); !errors.Is(err, encryptionsdk.ErrNoDataKey) {
			t.Errorf("context %s: %v", name, err)
		}
	}
	// A data key of another length than the suite's is not handed out.
	d := &encryptionsdk.DecryptionMaterials{Suite: encryptionsdk.SuiteAES128GCMIV12Tag16NoKDF.Suite(), EncryptionContext: ec}
	if err := k.OnDecrypt(t.Context(), d, m.EncryptedDataKeys); !errors.Is(err, encryptionsdk.ErrNoDataKey) || !errors.Is(err, encryptionsdk.ErrMaterials) {
		t.Error(err)
	}
}

func TestAESLeavesAnOpenedMessageAlone(t *testing.T) {
	k, err := NewAES("namespace", "name", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	d := &encryptionsdk.DecryptionMaterials{Suite: materials(32, nil).Suite, PlaintextDataKey: []byte{1}}
	if err := k.OnDecrypt(t.Context(), d, nil); err != nil || !bytes.Equal(d.PlaintextDataKey, []byte{1}) {
		t.Fatal(err)
	}
}

func TestNewAESRefusesBadOptions(t *testing.T) {
	for _, c := range []struct {
		namespace, name string
		key             int
	}{
		{"aws-kms", "name", 32}, {"", "name", 32}, {"ns", "", 32}, {"ns", "\xff", 32}, {"\xff", "name", 32},
		{"ns", "name", 0}, {"ns", "name", 15}, {"ns", "name", 33}, {"ns", strings.Repeat("n", 65516), 32},
	} {
		if _, err := NewAES(c.namespace, c.name, make([]byte, c.key)); !errors.Is(err, encryptionsdk.ErrOptions) {
			t.Errorf("%.10q %.10q %d: %v", c.namespace, c.name, c.key, err)
		}
	}
	if _, err := NewAES("ns", strings.Repeat("n", 65515), make([]byte, 16)); err != nil {
		t.Error(err)
	}
}

func TestClosedAESFails(t *testing.T) {
	k, err := NewAES("ns", "name", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	if err := k.OnEncrypt(t.Context(), materials(32, nil)); !errors.Is(err, errClosed) {
		t.Error(err)
	}
	if err := k.OnDecrypt(t.Context(), &encryptionsdk.DecryptionMaterials{}, nil); !errors.Is(err, errClosed) {
		t.Error(err)
	}
}

func FuzzAESInfo(f *testing.F) {
	f.Add(appendAESInfo(nil, "name", make([]byte, 12)), "name")
	f.Add([]byte("name\x00\x00\x00\x80\x00\x00\x00\x0b"), "name")
	f.Fuzz(func(t *testing.T, info []byte, name string) {
		if iv, ok := aesInfoIV(info, name); ok && !bytes.Equal(appendAESInfo(nil, name, iv), info) {
			t.Fatal("accepted a provider info that is not canonical")
		}
	})
}

func BenchmarkAESWrap(b *testing.B) {
	k, err := NewAES("namespace", "name", make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	ec := encryptionsdk.EncryptionContext{"purpose": "test", "origin": "here"}
	b.ReportAllocs()
	for b.Loop() {
		if err := k.OnEncrypt(b.Context(), materials(32, ec)); err != nil {
			b.Fatal(err)
		}
	}
}
