package rawkeyring

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"testing"

	"fastness/encryptionsdk"
)

func ecdhKey(t testing.TB, curve ecdh.Curve) *ecdh.PrivateKey {
	t.Helper()
	key, err := curve.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// ring fails the test on err.
func ring(t testing.TB) func(*ECDHKeyring, error) *ECDHKeyring {
	return func(k *ECDHKeyring, err error) *ECDHKeyring {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
}

func TestECDHSchemes(t *testing.T) {
	for _, curve := range []ecdh.Curve{ecdh.P256(), ecdh.P384(), ecdh.P521()} {
		a, b, c := ecdhKey(t, curve), ecdhKey(t, curve), ecdhKey(t, curve)
		ab, ba := ring(t)(NewECDHStatic(a, b.PublicKey())), ring(t)(NewECDHStatic(b, a.PublicKey()))
		ac, bc := ring(t)(NewECDHStatic(a, c.PublicKey())), ring(t)(NewECDHStatic(b, c.PublicKey()))
		toB := ring(t)(NewECDHEphemeral(b.PublicKey()))
		anyB, anyA := ring(t)(NewECDHDiscovery(b)), ring(t)(NewECDHDiscovery(a))
		for _, test := range []struct {
			name    string
			writer  *ECDHKeyring
			readers []*ECDHKeyring
			others  []*ECDHKeyring
		}{
			{"static", ab, []*ECDHKeyring{ab, ba, anyB}, []*ECDHKeyring{anyA, ac, bc}},
			{"ephemeral", toB, []*ECDHKeyring{anyB}, []*ECDHKeyring{ab, ba, anyA}},
		} {
			m := materials(32, encryptionsdk.EncryptionContext{"a": "b"})
			if err := test.writer.OnEncrypt(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			for _, r := range test.readers {
				reopen(t, r, m)
			}
			for i, r := range test.others {
				d := &encryptionsdk.DecryptionMaterials{Suite: m.Suite, EncryptionContext: m.EncryptionContext}
				if err := r.OnDecrypt(t.Context(), d, m.EncryptedDataKeys); !errors.Is(err, encryptionsdk.ErrNoDataKey) || d.PlaintextDataKey != nil {
					t.Errorf("%v %s: stranger %d: %v", curve, test.name, i, err)
				}
			}
			d := &encryptionsdk.DecryptionMaterials{Suite: m.Suite, EncryptionContext: encryptionsdk.EncryptionContext{"a": "c"}}
			if err := test.readers[0].OnDecrypt(t.Context(), d, m.EncryptedDataKeys); !errors.Is(err, encryptionsdk.ErrNoDataKey) {
				t.Errorf("%v %s: another context: %v", curve, test.name, err)
			}
		}
		if err := toB.OnDecrypt(t.Context(), &encryptionsdk.DecryptionMaterials{}, nil); !errors.Is(err, encryptionsdk.ErrNoDataKey) {
			t.Error(err)
		}
		if err := anyB.OnEncrypt(t.Context(), materials(32, nil)); !errors.Is(err, encryptionsdk.ErrMaterials) {
			t.Error(err)
		}
	}
}

// A message may name any point as its sender: discovery must refuse what is none.
func TestECDHDiscoveryRefusesBadSenders(t *testing.T) {
	key := ecdhKey(t, ecdh.P256())
	m := materials(32, nil)
	if err := ring(t)(NewECDHEphemeral(key.PublicKey())).OnEncrypt(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	k := ring(t)(NewECDHDiscovery(key))
	for name, sender := range map[string][]byte{"zero": make([]byte, 33), "x too large": append([]byte{2}, bytes.Repeat([]byte{255}, 32)...)} {
		edk := m.EncryptedDataKeys[0]
		edk.ProviderInfo = append(bytes.Clone(edk.ProviderInfo[:len(edk.ProviderInfo)-33]), sender...)
		d := &encryptionsdk.DecryptionMaterials{Suite: m.Suite}
		if err := k.OnDecrypt(t.Context(), d, []encryptionsdk.EncryptedDataKey{edk}); !errors.Is(err, encryptionsdk.ErrNoDataKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewECDHRefusesBadOptions(t *testing.T) {
	p256, p384, x := ecdhKey(t, ecdh.P256()), ecdhKey(t, ecdh.P384()), ecdhKey(t, ecdh.X25519())
	for name, f := range map[string]func() (*ECDHKeyring, error){
		"no keys":          func() (*ECDHKeyring, error) { return NewECDHStatic(nil, nil) },
		"no peer":          func() (*ECDHKeyring, error) { return NewECDHStatic(p256, nil) },
		"no recipient":     func() (*ECDHKeyring, error) { return NewECDHEphemeral(nil) },
		"no private key":   func() (*ECDHKeyring, error) { return NewECDHDiscovery(nil) },
		"different curves": func() (*ECDHKeyring, error) { return NewECDHStatic(p256, p384.PublicKey()) },
		"X25519":           func() (*ECDHKeyring, error) { return NewECDHDiscovery(x) },
	} {
		if _, err := f(); !errors.Is(err, encryptionsdk.ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClosedECDHFails(t *testing.T) {
	a, b := ecdhKey(t, ecdh.P256()), ecdhKey(t, ecdh.P256())
	k := ring(t)(NewECDHStatic(a, b.PublicKey()))
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

func TestUnarmorWipesWhatItCopied(t *testing.T) {
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("secret")})
	der, wipe := unarmor(text, "PRIVATE KEY")
	if string(der) != "secret" {
		t.Fatalf("%q", der)
	}
	wipe()
	if !bytes.Equal(der, make([]byte, 6)) {
		t.Errorf("%q is left", der)
	}
	raw := []byte("secret")
	if der, wipe = unarmor(raw, "PRIVATE KEY"); string(der) != "secret" {
		t.Fatalf("%q", der)
	}
	if wipe(); string(raw) != "secret" {
		t.Error("what belongs to the caller was wiped")
	}
}

func TestParseECDHKeys(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	want, err := key.ECDH()
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, der := range [][]byte{sec1, pkcs8} {
		for _, data := range [][]byte{der, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})} {
			if got, err := ParseECDHPrivateKey(data); err != nil || !got.Equal(want) {
				t.Error(err)
			}
		}
	}
	// What "openssl ecparam -genkey" writes has the name of the curve in front.
	withParameters := append([]byte("-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n"),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1})...)
	if got, err := ParseECDHPrivateKey(withParameters); err != nil || !got.Equal(want) {
		t.Errorf("behind the parameters of the curve: %v", err)
	}
	if got, err := ParseECDHPublicKey(spki); err != nil || !got.Equal(want.PublicKey()) {
		t.Error(err)
	}
	for _, data := range [][]byte{nil, pkcs8} {
		if _, err := ParseECDHPublicKey(data); !errors.Is(err, encryptionsdk.ErrOptions) {
			t.Error(err)
		}
	}
	for _, data := range [][]byte{nil, spki} {
		if _, err := ParseECDHPrivateKey(data); !errors.Is(err, encryptionsdk.ErrOptions) {
			t.Error(err)
		}
	}
}
