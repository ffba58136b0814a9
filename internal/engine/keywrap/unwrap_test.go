package keywrap

import (
	"bytes"
	"crypto"
	"crypto/fips140"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/emmansun/gmsm/sm2"
)

var wrappingKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// sm2Decrypter fixes the ciphertext form, as the consumer does.
type sm2Decrypter struct{ *sm2.PrivateKey }

func (d sm2Decrypter) Decrypt(rand io.Reader, ciphertext []byte, _ crypto.DecrypterOpts) ([]byte, error) {
	return d.PrivateKey.Decrypt(rand, ciphertext, sm2.ASN1DecrypterOpts)
}

func oaep(t testing.TB, hash crypto.Hash, plaintext []byte) []byte {
	t.Helper()
	ciphertext, err := rsa.EncryptOAEP(hash.New(), rand.Reader, &wrappingKey().PublicKey, plaintext, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ciphertext
}

func hybrid(t testing.TB, hash crypto.Hash, kek, key []byte) []byte {
	t.Helper()
	wrapped, err := WrapPadded(kek, key)
	if err != nil {
		t.Fatal(err)
	}
	return append(oaep(t, hash, kek), wrapped...)
}

func TestImportOpensEveryAlgorithm(t *testing.T) {
	key, long := bytes.Repeat([]byte{5}, 32), bytes.Repeat([]byte{6}, 2376)
	kek := bytes.Repeat([]byte{7}, aesKeySize)
	sm2Key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sm2Wrapped, err := sm2.EncryptASN1(rand.Reader, &sm2Key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		algorithm Algorithm
		key       crypto.Decrypter
		wrapped   []byte
		want      []byte
	}{
		{OAEPSHA1, wrappingKey(), oaep(t, crypto.SHA1, key), key},
		{OAEPSHA256, wrappingKey(), oaep(t, crypto.SHA256, key), key},
		{RSAAESKeyWrapSHA1, wrappingKey(), hybrid(t, crypto.SHA1, kek, long), long},
		{RSAAESKeyWrapSHA256, wrappingKey(), hybrid(t, crypto.SHA256, kek, long), long},
		{SM2PKE, sm2Decrypter{sm2Key}, sm2Wrapped, key},
	} {
		got, err := Import(c.algorithm, c.key, c.wrapped)
		if err != nil || !bytes.Equal(got, c.want) {
			t.Errorf("%s: %v", c.algorithm, err)
		}
		for i := 0; i < len(c.wrapped); i += 1 + len(c.wrapped)/60 {
			bad := bytes.Clone(c.wrapped)
			bad[i] ^= 1
			if _, err := Import(c.algorithm, c.key, bad); err != ErrUnwrap {
				t.Errorf("%s, byte %d changed: %v", c.algorithm, i, err)
			}
		}
		for _, bad := range [][]byte{nil, c.wrapped[1:], c.wrapped[:len(c.wrapped)-1], append(bytes.Clone(c.wrapped), 0), make([]byte, 20000)} {
			if _, err := Import(c.algorithm, c.key, bad); err != ErrUnwrap {
				t.Errorf("%s, %d bytes: %v", c.algorithm, len(bad), err)
			}
		}
		for _, other := range algorithms {
			if other.name == c.algorithm {
				continue
			}
			if _, err := Import(other.name, c.key, c.wrapped); err != ErrUnwrap && !errors.Is(err, ErrIncompatible) {
				t.Errorf("%s opened as %s: %v", c.algorithm, other.name, err)
			}
		}
	}
}

// The AES key must have 256 bits, and neither a short nor an absent one may show
// in another way than a wrong one.
func TestImportHybridRefusesOtherAESKeys(t *testing.T) {
	for _, size := range []int{16, 24} {
		wrapped := hybrid(t, crypto.SHA256, make([]byte, size), []byte("key material"))
		if _, err := Import(RSAAESKeyWrapSHA256, wrappingKey(), wrapped); err != ErrUnwrap {
			t.Errorf("AES key of %d bytes: %v", size, err)
		}
	}
	if _, err := Import(RSAAESKeyWrapSHA256, wrappingKey(), append(oaep(t, crypto.SHA256, nil), make([]byte, 40)...)); err != ErrUnwrap {
		t.Errorf("empty AES key: %v", err)
	}
	if _, err := Import(OAEPSHA256, wrappingKey(), oaep(t, crypto.SHA256, nil)); err != ErrUnwrap {
		t.Errorf("empty material: %v", err)
	}
}

func TestCompatible(t *testing.T) {
	for _, c := range []struct {
		algorithm          Algorithm
		wrapping, material string
		want               error
	}{
		{OAEPSHA1, "RSA_2048", "SYMMETRIC_DEFAULT", nil},
		{OAEPSHA256, "RSA_4096", "HMAC_512", nil},
		{OAEPSHA256, "RSA_2048", "ECC_NIST_P384", nil},
		{OAEPSHA256, "RSA_2048", "ECC_NIST_P521", ErrIncompatible},
		{OAEPSHA1, "RSA_2048", "ECC_NIST_P521", ErrIncompatible},
		{OAEPSHA256, "RSA_3072", "ECC_NIST_P521", nil},
		{OAEPSHA256, "RSA_4096", "RSA_2048", ErrIncompatible},
		{RSAAESKeyWrapSHA1, "RSA_2048", "RSA_4096", nil},
		{RSAAESKeyWrapSHA256, "RSA_2048", "ECC_NIST_P521", nil},
		{RSAAESKeyWrapSHA256, "SM2", "RSA_4096", ErrIncompatible},
		{SM2PKE, "SM2", "SYMMETRIC_DEFAULT", nil},
		{SM2PKE, "SM2", "RSA_2048", ErrIncompatible},
		{SM2PKE, "RSA_2048", "SYMMETRIC_DEFAULT", ErrIncompatible},
		{OAEPSHA256, "RSA_1024", "SYMMETRIC_DEFAULT", ErrIncompatible},
		{"RSAES_PKCS1_V1_5", "RSA_2048", "SYMMETRIC_DEFAULT", ErrUnknownAlgorithm},
		{"", "RSA_2048", "SYMMETRIC_DEFAULT", ErrUnknownAlgorithm},
	} {
		if err := Compatible(c.algorithm, c.wrapping, c.material); !errors.Is(err, c.want) {
			t.Errorf("Compatible(%q, %q, %q): %v, want %v", c.algorithm, c.wrapping, c.material, err, c.want)
		}
	}
	if _, err := Import("RSAES_PKCS1_V1_5", wrappingKey(), nil); !errors.Is(err, ErrUnknownAlgorithm) {
		t.Errorf("RSAES_PKCS1_V1_5: %v", err)
	}
}

// The commands of AWS's instructions for importing, "Encrypt the key material".
func TestImportOpensWhatOpenSSLWrapped(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Fatal("this test needs the openssl command, version 3: ", err)
	}
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	run := func(args ...string) []byte {
		t.Helper()
		out, err := exec.Command("openssl", args...).Output()
		if err != nil {
			t.Fatalf("openssl %s: %v", strings.Join(args, " "), err)
		}
		return out
	}
	spki, err := x509.MarshalPKIXPublicKey(&wrappingKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := write("public.der", spki)
	material := bytes.Repeat([]byte{0x42}, 1217) // as long as a PKCS #8 of RSA_2048
	kek := bytes.Repeat([]byte{0x17}, aesKeySize)
	for algorithm, hash := range map[Algorithm]string{RSAAESKeyWrapSHA1: "sha1", RSAAESKeyWrapSHA256: "sha256"} {
		wrappedKEK := run("pkeyutl", "-encrypt", "-in", write("kek", kek), "-inkey", public, "-keyform", "DER", "-pubin",
			"-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:"+hash, "-pkeyopt", "rsa_mgf1_md:"+hash)
		wrapped := run("enc", "-id-aes256-wrap-pad", "-K", hex.EncodeToString(kek), "-iv", "A65959A6", "-in", write("material", material))
		got, err := Import(algorithm, wrappingKey(), append(wrappedKEK, wrapped...))
		if err != nil || !bytes.Equal(got, material) {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}

// TestFIPSOnlyRefusesSHA1AndSM2 runs this test binary again with FIPS mode
// enforced, since the mode of a process cannot change.
func TestFIPSOnlyRefusesSHA1AndSM2(t *testing.T) {
	if !fips140.Enforced() {
		cmd := exec.Command(os.Args[0], "-test.run=^TestFIPSOnlyRefusesSHA1AndSM2$", "-test.v")
		cmd.Env = append(os.Environ(), "GODEBUG=fips140=only")
		out, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("FIPS mode is enforced")) {
			t.Errorf("with fips140=only: %v\n%s", err, out)
		}
		return
	}
	t.Log("FIPS mode is enforced")
	for _, a := range algorithms {
		_, err := Import(a.name, wrappingKey(), nil)
		if errors.Is(err, ErrNotApproved) == a.approved {
			t.Errorf("%s: %v", a.name, err)
		}
	}
	wrapped := hybrid(t, crypto.SHA256, make([]byte, aesKeySize), []byte("key material"))
	if got, err := Import(RSAAESKeyWrapSHA256, wrappingKey(), wrapped); err != nil || string(got) != "key material" {
		t.Errorf("RSA_AES_KEY_WRAP_SHA_256: %v", err)
	}
}

func FuzzImport(f *testing.F) {
	f.Add(uint8(0), oaep(f, crypto.SHA1, []byte("x")))
	f.Add(uint8(3), hybrid(f, crypto.SHA256, make([]byte, aesKeySize), []byte("x")))
	sm2Key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint8(4), []byte{0x30, 0x00})
	f.Fuzz(func(t *testing.T, which uint8, wrapped []byte) {
		row := algorithms[int(which)%len(algorithms)]
		var key crypto.Decrypter = wrappingKey()
		if row.name == SM2PKE {
			key = sm2Decrypter{sm2Key}
		}
		if _, err := Import(row.name, key, wrapped); err != nil && err != ErrUnwrap {
			t.Fatalf("%s: unexpected error %v", row.name, err)
		}
	})
}
