package encryptionsdk_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"fastness/encryptionsdk"
	"fastness/encryptionsdk/rawkeyring"
)

func aesKeyring(t testing.TB, name string) *rawkeyring.AESKeyring {
	t.Helper()
	k, err := rawkeyring.NewAES("namespace", name, bytes.Repeat([]byte(name[:1]), 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func multi(t testing.TB, generator encryptionsdk.Keyring, children ...encryptionsdk.Keyring) *encryptionsdk.MultiKeyring {
	t.Helper()
	k, err := encryptionsdk.NewMultiKeyring(generator, children...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var testSuite = encryptionsdk.SuiteAES256GCMHKDFSHA512CommitKey.Suite()

func TestMultiKeyringIsOpenedByEachOfItsKeyrings(t *testing.T) {
	a, b, c := aesKeyring(t, "a"), aesKeyring(t, "b"), aesKeyring(t, "c")
	for _, k := range []*encryptionsdk.MultiKeyring{multi(t, a, b, c), multi(t, a, multi(t, b, c)), multi(t, multi(t, a, b), c)} {
		m := &encryptionsdk.EncryptionMaterials{Suite: testSuite}
		if err := k.OnEncrypt(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if len(m.EncryptedDataKeys) != 3 {
			t.Fatalf("%d wrappings", len(m.EncryptedDataKeys))
		}
		for i, reader := range []encryptionsdk.Keyring{a, b, c, k, multi(t, nil, aesKeyring(t, "x"), c)} {
			d := &encryptionsdk.DecryptionMaterials{Suite: testSuite}
			if err := reader.OnDecrypt(t.Context(), d, m.EncryptedDataKeys); err != nil || !bytes.Equal(d.PlaintextDataKey, m.PlaintextDataKey) {
				t.Errorf("reader %d: %v", i, err)
			}
		}
		d := &encryptionsdk.DecryptionMaterials{Suite: testSuite}
		if err := multi(t, aesKeyring(t, "x"), aesKeyring(t, "y")).OnDecrypt(t.Context(), d, m.EncryptedDataKeys); !errors.Is(err, encryptionsdk.ErrNoDataKey) || d.PlaintextDataKey != nil {
			t.Errorf("strangers: %v", err)
		}
	}
}

func TestMultiKeyringNeedsMaterials(t *testing.T) {
	k := multi(t, aesKeyring(t, "a"))
	for _, m := range []*encryptionsdk.EncryptionMaterials{nil, {}} {
		if err := k.OnEncrypt(t.Context(), m); !errors.Is(err, encryptionsdk.ErrMaterials) {
			t.Errorf("encrypt with %+v: %v", m, err)
		}
	}
	for _, m := range []*encryptionsdk.DecryptionMaterials{nil, {}} {
		if err := k.OnDecrypt(t.Context(), m, nil); !errors.Is(err, encryptionsdk.ErrMaterials) {
			t.Errorf("decrypt with %+v: %v", m, err)
		}
	}
}

func TestMultiKeyringWithoutGeneratorNeedsADataKey(t *testing.T) {
	k := multi(t, nil, aesKeyring(t, "a"))
	m := &encryptionsdk.EncryptionMaterials{Suite: testSuite}
	if err := k.OnEncrypt(t.Context(), m); !errors.Is(err, encryptionsdk.ErrMaterials) {
		t.Fatal(err)
	}
	m.PlaintextDataKey = make([]byte, 32)
	if err := k.OnEncrypt(t.Context(), m); err != nil || len(m.EncryptedDataKeys) != 1 {
		t.Fatal(err)
	}
}

func TestNewMultiKeyringRefusesNothing(t *testing.T) {
	if _, err := encryptionsdk.NewMultiKeyring(nil); !errors.Is(err, encryptionsdk.ErrOptions) {
		t.Error(err)
	}
	if _, err := encryptionsdk.NewMultiKeyring(aesKeyring(t, "a"), nil); !errors.Is(err, encryptionsdk.ErrOptions) {
		t.Error(err)
	}
}

// scripted is a keyring that does what its functions do.
type scripted struct {
	encrypt func(*encryptionsdk.EncryptionMaterials) error
	decrypt func(*encryptionsdk.DecryptionMaterials) error
}

func (s scripted) OnEncrypt(_ context.Context, m *encryptionsdk.EncryptionMaterials) error {
	return s.encrypt(m)
}

func (s scripted) OnDecrypt(_ context.Context, m *encryptionsdk.DecryptionMaterials, _ []encryptionsdk.EncryptedDataKey) error {
	return s.decrypt(m)
}

func TestMultiKeyringDetectsBrokenKeyrings(t *testing.T) {
	broken := errors.New("broken")
	good := aesKeyring(t, "a")
	for name, f := range map[string]func(*encryptionsdk.EncryptionMaterials) error{
		"fails":        func(*encryptionsdk.EncryptionMaterials) error { return broken },
		"does nothing": func(*encryptionsdk.EncryptionMaterials) error { return nil },
		"changes the key": func(m *encryptionsdk.EncryptionMaterials) error {
			m.PlaintextDataKey = make([]byte, 32)
			m.EncryptedDataKeys = append(m.EncryptedDataKeys, encryptionsdk.EncryptedDataKey{})
			return nil
		},
	} {
		m := &encryptionsdk.EncryptionMaterials{Suite: testSuite}
		if err := multi(t, good, scripted{encrypt: f}).OnEncrypt(t.Context(), m); err == nil {
			t.Errorf("a child that %s was not noticed", name)
		}
	}
	m := &encryptionsdk.EncryptionMaterials{Suite: testSuite}
	if err := good.OnEncrypt(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func(*encryptionsdk.DecryptionMaterials) error{
		"fails but leaves a key": func(d *encryptionsdk.DecryptionMaterials) error {
			d.PlaintextDataKey = make([]byte, 32)
			d.Suite = nil
			return broken
		},
		"does nothing": func(*encryptionsdk.DecryptionMaterials) error { return nil },
	} {
		d := &encryptionsdk.DecryptionMaterials{Suite: testSuite}
		if err := multi(t, scripted{decrypt: f}, good).OnDecrypt(t.Context(), d, m.EncryptedDataKeys); err != nil || !bytes.Equal(d.PlaintextDataKey, m.PlaintextDataKey) {
			t.Errorf("behind a generator that %s: %v", name, err)
		}
	}
	d := &encryptionsdk.DecryptionMaterials{Suite: testSuite}
	err := multi(t, scripted{decrypt: func(*encryptionsdk.DecryptionMaterials) error { return broken }}).OnDecrypt(t.Context(), d, nil)
	if !errors.Is(err, broken) || !errors.Is(err, encryptionsdk.ErrNoDataKey) {
		t.Error(err)
	}
}
