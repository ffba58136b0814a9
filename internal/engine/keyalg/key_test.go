package keyalg

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
)

// testKeys makes one key per spec, once: RSA keys are slow.
var testKeys = sync.OnceValue(func() map[Spec]*Key {
	keys := map[Spec]*Key{}
	for _, s := range Specs() {
		k, err := Generate(s)
		if err != nil {
			panic(err)
		}
		keys[s] = k
	}
	return keys
})

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTableHasAllSpecsAndAlgorithms(t *testing.T) {
	if n := len(Specs()); n != 17 {
		t.Errorf("%d key specs, want 17", n)
	}
	used := map[Algorithm]bool{}
	for _, row := range specs {
		for _, u := range row.spec.Usages() {
			for _, a := range row.spec.Algorithms(u) {
				if lookupAlgorithm(a) == nil {
					t.Errorf("%s names the unknown algorithm %s", row.spec, a)
				}
				used[a] = true
			}
		}
		if len(row.spec.Usages()) == 0 {
			t.Errorf("%s has no usage", row.spec)
		}
	}
	for _, a := range algorithms {
		if !used[a.name] {
			t.Errorf("no key spec uses %s", a.name)
		}
	}
	if Spec("RSA_1024").Known() || Spec("RSA_1024").Usages() != nil {
		t.Error("RSA_1024 is known")
	}
}

func TestMaxPlaintextIsAWSs(t *testing.T) {
	for _, c := range []struct {
		spec      Spec
		algorithm Algorithm
		want      int
	}{
		{RSA2048, OAEPSHA1, 214}, {RSA3072, OAEPSHA1, 342}, {RSA4096, OAEPSHA1, 470},
		{RSA2048, OAEPSHA256, 190}, {RSA3072, OAEPSHA256, 318}, {RSA4096, OAEPSHA256, 446},
		{SM2, SM2PKE, 1024}, {SymmetricDefault, SymmetricAlgorithm, 4096},
	} {
		if got, ok := MaxPlaintext(c.spec, c.algorithm); !ok || got != c.want {
			t.Errorf("%s %s: %d, want %d", c.spec, c.algorithm, got, c.want)
		}
	}
	if _, ok := MaxPlaintext(P256, OAEPSHA1); ok {
		t.Error("ECC_NIST_P256 encrypts")
	}
}

// messageFor returns a message a sign algorithm takes in the given form.
func messageFor(a *algorithmInfo, t MessageType) ([]byte, bool) {
	length := 0
	switch t {
	case Raw:
		return []byte("a message to sign"), a.raw
	case Digest:
		length = a.digestLen
	case ExternalMu:
		length = a.muLen
	}
	return bytes.Repeat([]byte{0xd1}, length), length > 0
}

func TestSignAndVerifyEveryAlgorithmAndMessageType(t *testing.T) {
	for spec, key := range testKeys() {
		for _, name := range spec.Algorithms(SignVerify) {
			a := lookupAlgorithm(name)
			for _, mt := range []MessageType{Raw, Digest, ExternalMu} {
				message, ok := messageFor(a, mt)
				t.Run(fmt.Sprint(spec, "/", name, "/", mt), func(t *testing.T) {
					signature, err := key.Sign(name, mt, message)
					if !ok {
						if !errors.Is(err, ErrUnsupportedMessageType) {
							t.Errorf("Sign: %v", err)
						}
						if err := key.Verify(name, mt, message, nil); !errors.Is(err, ErrUnsupportedMessageType) {
							t.Errorf("Verify: %v", err)
						}
						return
					}
					if err != nil {
						t.Fatal(err)
					}
					if err := key.Verify(name, mt, message, signature); err != nil {
						t.Fatal(err)
					}
					if mt != Raw {
						var length *DigestLengthError
						if _, err := key.Sign(name, mt, message[1:]); !errors.As(err, &length) || length.Want != len(message) {
							t.Errorf("short digest: %v", err)
						}
						if err := key.Verify(name, mt, append(message, 0), signature); !errors.Is(err, ErrDigestLength) {
							t.Errorf("long digest: %v", err)
						}
					}
					other := bytes.Clone(message)
					other[0] ^= 1
					if err := key.Verify(name, mt, other, signature); err != ErrInvalidSignature {
						t.Errorf("other message: %v", err)
					}
					for _, bad := range [][]byte{nil, {}, signature[:len(signature)-1], append(bytes.Clone(signature), 0)} {
						if err := key.Verify(name, mt, message, bad); err != ErrInvalidSignature {
							t.Errorf("signature of %d bytes: %v", len(bad), err)
						}
					}
					for i := 0; i < len(signature); i += 1 + len(signature)/40 {
						bad := bytes.Clone(signature)
						bad[i] ^= 0x10
						if err := key.Verify(name, mt, message, bad); err != ErrInvalidSignature {
							t.Errorf("byte %d changed: %v", i, err)
						}
					}
				})
			}
		}
	}
}

// A DIGEST signature and a RAW one are the same signature, where both exist.
func TestDigestIsTheHashOfRaw(t *testing.T) {
	message := []byte("hashed by one side or the other")
	for spec, key := range testKeys() {
		for _, name := range spec.Algorithms(SignVerify) {
			a := lookupAlgorithm(name)
			if !a.raw || a.digestLen == 0 {
				continue
			}
			signature, err := key.Sign(name, Raw, message)
			if err != nil {
				t.Fatal(err)
			}
			digest := key.testDigest(a, message)
			if err := key.Verify(name, Digest, digest, signature); err != nil {
				t.Errorf("%s %s: %v", spec, name, err)
			}
		}
	}
}

func (k *Key) testDigest(a *algorithmInfo, message []byte) []byte {
	if p, ok := k.pub.impl.(*sm2Public); ok {
		return p.digest(Raw, message)
	}
	return a.digest(Raw, message)
}

func TestEveryOperationRefusesForeignAlgorithms(t *testing.T) {
	for spec, key := range testKeys() {
		row := lookup(spec)
		for _, a := range algorithms {
			refused := func(operation string, err error) {
				if !errors.Is(err, ErrUnsupportedAlgorithm) {
					t.Errorf("%s %s %s: %v", spec, operation, a.name, err)
				}
			}
			if !slices.Contains(row.sign, a.name) {
				_, err := key.Sign(a.name, Raw, nil)
				refused("Sign", err)
				refused("Verify", key.Verify(a.name, Raw, nil, nil))
			}
			if !slices.Contains(row.encrypt, a.name) || row.family == familySymmetric {
				_, err := key.Encrypt(a.name, nil)
				refused("Encrypt", err)
				_, err = key.Decrypt(a.name, nil)
				refused("Decrypt", err)
			}
			if !slices.Contains(row.mac, a.name) {
				_, err := key.MAC(a.name, nil)
				refused("MAC", err)
				refused("VerifyMAC", key.VerifyMAC(a.name, nil, nil))
			}
			if !slices.Contains(row.agree, a.name) {
				_, err := key.DeriveSharedSecret(a.name, nil)
				refused("DeriveSharedSecret", err)
			}
		}
	}
}

func TestEncryptAndDecrypt(t *testing.T) {
	for _, spec := range []Spec{RSA2048, RSA3072, RSA4096, SM2} {
		key := testKeys()[spec]
		for _, name := range spec.Algorithms(EncryptDecrypt) {
			t.Run(fmt.Sprint(spec, "/", name), func(t *testing.T) {
				limit, _ := MaxPlaintext(spec, name)
				for _, size := range []int{1, 16, limit} {
					plaintext := bytes.Repeat([]byte{7}, size)
					ciphertext, err := key.Encrypt(name, plaintext)
					if err != nil {
						t.Fatal(err)
					}
					got, err := key.Decrypt(name, ciphertext)
					if err != nil || !bytes.Equal(got, plaintext) {
						t.Fatalf("%d bytes: %v", size, err)
					}
					for i := 0; i < len(ciphertext); i += 1 + len(ciphertext)/50 {
						bad := bytes.Clone(ciphertext)
						bad[i] ^= 1
						if _, err := key.Decrypt(name, bad); err != ErrInvalidCiphertext {
							t.Errorf("byte %d changed: %v", i, err)
						}
					}
					for _, bad := range [][]byte{nil, {}, ciphertext[1:], ciphertext[:len(ciphertext)-1], append(bytes.Clone(ciphertext), 0)} {
						if _, err := key.Decrypt(name, bad); err != ErrInvalidCiphertext {
							t.Errorf("ciphertext of %d bytes: %v", len(bad), err)
						}
					}
				}
				var long *MessageTooLongError
				if _, err := key.Encrypt(name, make([]byte, limit+1)); !errors.As(err, &long) || long.Limit != limit {
					t.Errorf("too long a plaintext: %v", err)
				}
			})
		}
	}
}

func TestMACAndVerifyMAC(t *testing.T) {
	message := []byte("authentic")
	for _, spec := range []Spec{HMAC224, HMAC256, HMAC384, HMAC512} {
		key := testKeys()[spec]
		name := spec.Algorithms(GenerateVerifyMAC)[0]
		mac, err := key.MAC(name, message)
		if err != nil || len(mac) != lookup(spec).size {
			t.Fatalf("%s: MAC of %d bytes, %v", spec, len(mac), err)
		}
		if err := key.VerifyMAC(name, message, mac); err != nil {
			t.Error(err)
		}
		for _, bad := range [][]byte{nil, mac[1:], mac[:16], append([]byte{mac[0] ^ 1}, mac[1:]...)} {
			if err := key.VerifyMAC(name, message, bad); err != ErrInvalidMAC {
				t.Errorf("%s: %v", spec, err)
			}
		}
	}
}

func TestDeriveSharedSecretAgreesAndRefusesOtherKeys(t *testing.T) {
	for _, spec := range []Spec{P256, P384, P521, SM2} {
		a := testKeys()[spec]
		b, err := Generate(spec)
		if err != nil {
			t.Fatal(err)
		}
		aPub, errA := a.PublicKeySPKI()
		bPub, errB := b.PublicKeySPKI()
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		x, errX := a.DeriveSharedSecret(ECDH, bPub)
		y, errY := b.DeriveSharedSecret(ECDH, aPub)
		if errX != nil || errY != nil || !bytes.Equal(x, y) || len(x) != lookup(spec).size {
			t.Errorf("%s: %x and %x: %v %v", spec, x, y, errX, errY)
		}
		row := lookup(spec)
		point := bytes.Clone(b.pub.impl.spki())
		point[len(point)-1] ^= 1
		bad := map[string][]byte{
			"empty":         nil,
			"garbage":       []byte("no key"),
			"off the curve": marshalSPKI(row, point),
			"infinity":      marshalSPKI(row, []byte{0}),
			"zero":          marshalSPKI(row, append([]byte{4}, make([]byte, 2*row.size)...)),
			"trailing data": append(bytes.Clone(bPub), 0),
			"too long":      make([]byte, MaxSPKI+1),
		}
		for other, key := range testKeys() {
			if other != spec && other.Asymmetric() {
				spki, err := key.PublicKeySPKI()
				if err != nil {
					t.Fatal(err)
				}
				bad[string(other)] = spki
			}
		}
		for name, spki := range bad {
			if _, err := a.DeriveSharedSecret(ECDH, spki); !errors.Is(err, ErrInvalidPublicKey) {
				t.Errorf("%s with peer %s: %v", spec, name, err)
			}
		}
	}
}

func TestMaterialAndPublicKeyRoundTrip(t *testing.T) {
	for spec, key := range testKeys() {
		material, err := key.Material()
		if err != nil {
			t.Fatal(spec, err)
		}
		again, err := ParseMaterial(spec, material)
		if err != nil {
			t.Fatal(spec, err)
		}
		if m, err := again.Material(); err != nil || !bytes.Equal(m, material) {
			t.Errorf("%s: material changed in a round trip: %v", spec, err)
		}
		for other := range testKeys() {
			ambiguous := lookup(other).keyOID == nil // takes any bytes of a fitting length
			if other == spec || ambiguous {
				continue
			}
			if _, err := ParseMaterial(other, material); !errors.Is(err, ErrInvalidMaterial) {
				t.Errorf("%s reads material of %s: %v", other, spec, err)
			}
		}
		if !spec.Asymmetric() {
			if _, err := key.Public(); !errors.Is(err, ErrUnsupportedAlgorithm) {
				t.Errorf("%s has a public key: %v", spec, err)
			}
			if _, err := key.MarshalPKCS8(); !errors.Is(err, ErrUnsupportedAlgorithm) {
				t.Errorf("%s has a PKCS #8 form: %v", spec, err)
			}
			continue
		}
		spki, err := key.PublicKeySPKI()
		if err != nil {
			t.Fatal(spec, err)
		}
		if s, err := again.PublicKeySPKI(); err != nil || !bytes.Equal(s, spki) {
			t.Errorf("%s: another public key after a round trip", spec)
		}
		pub, err := ParsePublicKey(spec, spki)
		if err != nil || !bytes.Equal(pub.SPKI(), spki) || pub.Spec() != spec {
			t.Errorf("%s: public key changed in a round trip: %v", spec, err)
		}
	}
}

func TestDestroyRefusesEverythingAndWipes(t *testing.T) {
	for _, spec := range Specs() {
		material, err := testKeys()[spec].Material()
		if err != nil {
			t.Fatal(err)
		}
		key, err := ParseMaterial(spec, material)
		if err != nil {
			t.Fatal(err)
		}
		key.Destroy()
		key.Destroy()
		if _, err := key.Material(); err != ErrDestroyed {
			t.Errorf("%s: Material: %v", spec, err)
		}
		for _, name := range spec.Algorithms(SignVerify) {
			if _, err := key.Sign(name, Raw, nil); err != ErrDestroyed {
				t.Errorf("%s: Sign: %v", spec, err)
			}
		}
		if d, err := key.Decrypter(); err == nil {
			if _, err := d.Decrypt(nil, nil, nil); err != ErrDestroyed {
				t.Errorf("%s: Decrypter: %v", spec, err)
			}
		}
		if k, ok := key.impl.(*bareKey); ok && !bytes.Equal(k.bytes, make([]byte, len(k.bytes))) {
			t.Errorf("%s is not wiped", spec)
		}
		if k, ok := key.impl.(*nistKey); ok && !bytes.Equal(k.scalar, make([]byte, len(k.scalar))) {
			t.Errorf("%s is not wiped", spec)
		}
		if k, ok := key.impl.(*rsaKey); ok {
			mustBeZero(t, string(spec), reflect.ValueOf(k.priv.D))
			mustBeZero(t, string(spec), reflect.ValueOf(k.priv.Primes))
			mustBeZero(t, string(spec), reflect.ValueOf(&k.priv.Precomputed))
		}
	}
}

// mustBeZero looks at all numbers behind v, the way scrub does, and at one more thing: that
// there are any.
func mustBeZero(t *testing.T, what string, v reflect.Value) {
	t.Helper()
	numbers := 0
	var walk func(v reflect.Value, path string)
	walk = func(v reflect.Value, path string) {
		switch v.Kind() {
		case reflect.Pointer, reflect.Interface:
			if !v.IsNil() {
				walk(v.Elem(), path)
			}
		case reflect.Struct:
			for i := range v.NumField() {
				// The sign of a big.Int and the length of a slice tell nothing.
				if name := v.Type().Field(i).Name; name != "neg" {
					walk(v.Field(i), path+"."+name)
				}
			}
		case reflect.Slice, reflect.Array:
			for i := range v.Len() {
				walk(v.Index(i), path)
			}
		case reflect.String:
		default:
			if numbers++; !v.IsZero() {
				t.Errorf("%s: %s is not wiped", what, path)
			}
		}
	}
	walk(v, v.Type().String())
	if numbers < 8 {
		t.Errorf("%s: %d numbers in %v: the library is not as it was", what, numbers, v.Type())
	}
}

// Keys share curves behind interfaces, and pairs share nothing else: another key works
// after one was destroyed.
func TestDestroyLeavesOtherKeysAlone(t *testing.T) {
	for _, spec := range []Spec{RSA2048, P256, P384, P521, Secp256k1, Edwards25519, MLDSA44, SM2} {
		material, err := testKeys()[spec].Material()
		if err != nil {
			t.Fatal(err)
		}
		first, err := ParseMaterial(spec, material)
		if err != nil {
			t.Fatal(err)
		}
		second, err := ParseMaterial(spec, material)
		if err != nil {
			t.Fatal(err)
		}
		if names := spec.Algorithms(KeyAgreement); len(names) > 0 {
			spki, err := second.PublicKeySPKI()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := first.DeriveSharedSecret(names[0], spki); err != nil {
				t.Fatal(err)
			}
		}
		name := spec.Algorithms(SignVerify)[0]
		public, err := first.Public()
		if err != nil {
			t.Fatal(err)
		}
		first.Destroy()
		signature, err := second.Sign(name, Raw, []byte("m"))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(public.Verify(name, Raw, []byte("m"), signature), second.Verify(name, Raw, []byte("m"), signature)); err != nil {
			t.Errorf("%s: %v", spec, err)
		}
		if again, err := second.Material(); err != nil || !bytes.Equal(again, material) {
			t.Errorf("%s: the other key changed", spec)
		}
	}
}

func TestDestroyLeavesOtherAgreementKeysAlone(t *testing.T) {
	for _, spec := range []Spec{P256, P384, P521, SM2} {
		mine, theirs := testKeys()[spec], testKeys()[spec]
		spki, err := theirs.PublicKeySPKI()
		if err != nil {
			t.Fatal(err)
		}
		name := spec.Algorithms(KeyAgreement)[0]
		want, err := mine.DeriveSharedSecret(name, spki)
		if err != nil {
			t.Fatal(err)
		}
		material, err := mine.Material()
		if err != nil {
			t.Fatal(err)
		}
		doomed, err := ParseMaterial(spec, material)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := doomed.DeriveSharedSecret(name, spki); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%s: %v", spec, err)
		}
		doomed.Destroy()
		if got, err := mine.DeriveSharedSecret(name, spki); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: a key with the same material was destroyed: %v", spec, err)
		}
	}
}

func TestDestroyWaitsForOperationsUnderWay(t *testing.T) {
	key, err := Generate(P256)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	started := make(chan struct{}, 8)
	for range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				signature, err := key.Sign(ECDSASHA256, Raw, []byte("m"))
				if errors.Is(err, ErrDestroyed) {
					return
				}
				if err != nil || key.Verify(ECDSASHA256, Raw, []byte("m"), signature) != nil {
					t.Errorf("bad signature while being destroyed: %v", err)
					return
				}
				if i == 3 {
					started <- struct{}{}
				}
			}
		})
	}
	for range 8 {
		<-started
	}
	key.Destroy()
	wg.Wait()
}

func TestDecrypterRefusesOtherPaddings(t *testing.T) {
	key := testKeys()[RSA2048]
	d, err := key.Decrypter()
	if err != nil {
		t.Fatal(err)
	}
	pub, ok := d.Public().(*rsa.PublicKey)
	if !ok {
		t.Fatalf("public key of type %T", d.Public())
	}
	ciphertext, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, pub, []byte("x"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := d.Decrypt(nil, ciphertext, &rsa.OAEPOptions{Hash: crypto.SHA256}); err != nil || string(got) != "x" {
		t.Error(err)
	}
	//lint:ignore SA1019 what must not be used is what must be refused
	pkcs1 := &rsa.PKCS1v15DecryptOptions{SessionKeyLen: 32}
	for _, opts := range []crypto.DecrypterOpts{nil, pkcs1} {
		if _, err := d.Decrypt(nil, ciphertext, opts); err == nil {
			t.Errorf("%T is accepted", opts)
		}
	}
	if _, err := testKeys()[P256].Decrypter(); !errors.Is(err, ErrUnsupportedAlgorithm) {
		t.Errorf("ECC_NIST_P256 decrypts: %v", err)
	}
}

func TestPrintingAKeyShowsNoMaterial(t *testing.T) {
	key := testKeys()[HMAC256]
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(verb, key); len(got) > 40 {
			t.Errorf("%s prints %q", verb, got)
		}
	}
}

func TestGenerateRefusesUnknownSpecs(t *testing.T) {
	for _, s := range []Spec{"", "RSA_1024", "rsa_2048"} {
		if _, err := Generate(s); !errors.Is(err, ErrUnknownSpec) {
			t.Errorf("Generate(%q): %v", s, err)
		}
		if _, err := ParseMaterial(s, nil); !errors.Is(err, ErrUnknownSpec) {
			t.Errorf("ParseMaterial(%q): %v", s, err)
		}
		if _, err := ParsePublicKey(s, nil); !errors.Is(err, ErrUnknownSpec) {
			t.Errorf("ParsePublicKey(%q): %v", s, err)
		}
	}
}
