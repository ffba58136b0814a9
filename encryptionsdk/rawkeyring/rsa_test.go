package rawkeyring

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"testing"

	"fastness/encryptionsdk"
)

var allPaddings = []Padding{PKCS1, OAEPSHA1, OAEPSHA256, OAEPSHA384, OAEPSHA512}

func rsaKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newRSA(t testing.TB, name string, p Padding, public *rsa.PublicKey, private *rsa.PrivateKey) *RSAKeyring {
	t.Helper()
	k, err := NewRSA("namespace", name, p, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestRSAWrapsWithEveryPadding(t *testing.T) {
	key := rsaKey(t)
	for _, p := range allPaddings {
		for _, n := range []int{16, 24, 32} {
			public, private := newRSA(t, "name", p, &key.PublicKey, nil), newRSA(t, "name", p, nil, key)
			m := materials(n, encryptionsdk.EncryptionContext{"a": "b"})
			if err := public.OnEncrypt(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			reopen(t, private, m)
			if err := private.OnEncrypt(t.Context(), m); !errors.Is(err, encryptionsdk.ErrMaterials) {
				t.Errorf("padding %d: a private key alone encrypted: %v", p, err)
			}
			d := &encryptionsdk.DecryptionMaterials{Suite: m.Suite}
			if err := public.OnDecrypt(t.Context(), d, m.EncryptedDataKeys); !errors.Is(err, encryptionsdk.ErrNoDataKey) {
				t.Errorf("padding %d: a public key alone decrypted: %v", p, err)
			}
		}
	}
}

func TestRSAOpensTheFirstWrappingThatFits(t *testing.T) {
	key, other := rsaKey(t), rsaKey(t)
	for _, p := range allPaddings {
		m := materials(32, nil)
		// Same name, another key; then another name; then the real one, and a later one of
		// another data key, which must not win.
		for _, k := range []*RSAKeyring{newRSA(t, "name", p, &other.PublicKey, nil), newRSA(t, "other", p, &key.PublicKey, nil), newRSA(t, "name", p, &key.PublicKey, nil)} {
			if err := k.OnEncrypt(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		late := materials(32, nil)
		if err := newRSA(t, "name", p, &key.PublicKey, nil).OnEncrypt(t.Context(), late); err != nil {
			t.Fatal(err)
		}
		m.EncryptedDataKeys = append(m.EncryptedDataKeys, encryptionsdk.EncryptedDataKey{ProviderID: "namespace", ProviderInfo: []byte("name"), Ciphertext: []byte{1}})
		m.EncryptedDataKeys = append(m.EncryptedDataKeys, late.EncryptedDataKeys...)
		reopen(t, newRSA(t, "name", p, nil, key), m)
	}
}

func TestRSABrokenWrappings(t *testing.T) {
	key := rsaKey(t)
	for _, p := range allPaddings {
		k := newRSA(t, "name", p, &key.PublicKey, key)
		m := materials(32, nil)
		if err := k.OnEncrypt(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		broken := bytes.Clone(m.EncryptedDataKeys[0].Ciphertext)
		broken[100] ^= 1
		d := &encryptionsdk.DecryptionMaterials{Suite: m.Suite}
		err := k.OnDecrypt(t.Context(), d, []encryptionsdk.EncryptedDataKey{{ProviderID: "namespace", ProviderInfo: []byte("name"), Ciphertext: broken}})
		if p == PKCS1 {
			// Neither error nor the key: a random one, so that nobody learns about the padding.
			if err != nil || len(d.PlaintextDataKey) != 32 || bytes.Equal(d.PlaintextDataKey, m.PlaintextDataKey) || bytes.Equal(d.PlaintextDataKey, make([]byte, 32)) {
				t.Errorf("PKCS1: %v", err)
			}
		} else if !errors.Is(err, encryptionsdk.ErrNoDataKey) || !errors.Is(err, rsa.ErrDecryption) || d.PlaintextDataKey != nil {
			t.Errorf("padding %d: %v", p, err)
		}
		d = &encryptionsdk.DecryptionMaterials{Suite: m.Suite}
		for _, keys := range [][]encryptionsdk.EncryptedDataKey{
			nil,
			{{ProviderID: "other", ProviderInfo: []byte("name"), Ciphertext: m.EncryptedDataKeys[0].Ciphertext}},
			{{ProviderID: "namespace", ProviderInfo: []byte("name"), Ciphertext: broken[1:]}},
		} {
			if err := k.OnDecrypt(t.Context(), d, keys); !errors.Is(err, encryptionsdk.ErrNoDataKey) || d.PlaintextDataKey != nil {
				t.Errorf("padding %d: %v", p, err)
			}
		}
	}
}

func TestNewRSARefusesBadOptions(t *testing.T) {
	key, other := rsaKey(t), rsaKey(t)
	small := &rsa.PublicKey{N: new(big.Int).Sqrt(key.N), E: 65537}
	for name, f := range map[string]func() (*RSAKeyring, error){
		"no key":    func() (*RSAKeyring, error) { return NewRSA("ns", "n", PKCS1, nil, nil) },
		"padding 0": func() (*RSAKeyring, error) { return NewRSA("ns", "n", 0, &other.PublicKey, nil) },
		"padding 6": func() (*RSAKeyring, error) { return NewRSA("ns", "n", 6, &other.PublicKey, nil) },
		"aws-kms":   func() (*RSAKeyring, error) { return NewRSA("aws-kms", "n", PKCS1, &other.PublicKey, nil) },
		"strangers": func() (*RSAKeyring, error) { return NewRSA("ns", "n", PKCS1, &rsaKey(t).PublicKey, other) },
		"small":     func() (*RSAKeyring, error) { return NewRSA("ns", "n", PKCS1, small, nil) },
	} {
		if _, err := f(); !errors.Is(err, encryptionsdk.ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClosedRSAFails(t *testing.T) {
	key := rsaKey(t)
	k := newRSA(t, "name", OAEPSHA256, &key.PublicKey, key)
	m := materials(32, nil)
	if err := k.OnEncrypt(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	if err := k.OnDecrypt(t.Context(), &encryptionsdk.DecryptionMaterials{Suite: m.Suite}, m.EncryptedDataKeys); !errors.Is(err, errClosed) {
		t.Error(err)
	}
}

func TestParseRSAKeys(t *testing.T) {
	key := rsaKey(t)
	pkix, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, der := range [][]byte{pkix, x509.MarshalPKCS1PublicKey(&key.PublicKey)} {
		for _, data := range [][]byte{der, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})} {
			if got, err := ParseRSAPublicKey(data); err != nil || !got.Equal(&key.PublicKey) {
				t.Error(err)
			}
		}
	}
	for _, der := range [][]byte{pkcs8, x509.MarshalPKCS1PrivateKey(key)} {
		for _, data := range [][]byte{der, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})} {
			if got, err := ParseRSAPrivateKey(data); err != nil || !got.Equal(key) {
				t.Error(err)
			}
		}
	}
	if _, err := ParseRSAPublicKey(pkcs8); !errors.Is(err, encryptionsdk.ErrOptions) {
		t.Error(err)
	}
	if _, err := ParseRSAPrivateKey(pkix); !errors.Is(err, encryptionsdk.ErrOptions) {
		t.Error(err)
	}
}
