package keyalg

import (
	"bytes"
	"crypto/sha3"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"testing"

	"github.com/c2sp/wycheproof"
)

// hexBytes is a hexadecimal string of a vector file.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) error {
	*h = make([]byte, hex.DecodedLen(len(text)))
	_, err := hex.Decode(*h, text)
	return err
}

type wycheproofTest struct {
	ID      int      `json:"tcId"`
	Comment string   `json:"comment"`
	Flags   []string `json:"flags"`
	Result  string   `json:"result"`

	Message    hexBytes `json:"msg"`
	Signature  hexBytes `json:"sig"`
	Ciphertext hexBytes `json:"ct"`
	Label      hexBytes `json:"label"`
	Context    hexBytes `json:"ctx"`
	Mu         hexBytes `json:"mu"`
	Key        hexBytes `json:"key"`
	Tag        hexBytes `json:"tag"`
	Public     hexBytes `json:"public"`
	Private    hexBytes `json:"private"`
	Shared     hexBytes `json:"shared"`
}

type wycheproofGroup struct {
	KeySize         int              `json:"keySize"`
	TagSize         int              `json:"tagSize"`
	Hash            string           `json:"sha"`
	MGFHash         string           `json:"mgfSha"`
	SaltLength      int              `json:"sLen"`
	PublicKeyDER    hexBytes         `json:"publicKeyDer"`
	PublicKeyRaw    json.RawMessage  `json:"publicKey"`
	PrivateKeyPKCS8 hexBytes         `json:"privateKeyPkcs8"`
	PrivateSeed     hexBytes         `json:"privateSeed"`
	Tests           []wycheproofTest `json:"tests"`
}

func wycheproofGroups(t *testing.T, file string) []wycheproofGroup {
	t.Helper()
	data, err := fs.ReadFile(wycheproof.TestVectors, file+"_test.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Groups []wycheproofGroup `json:"testGroups"`
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors.Groups) == 0 {
		t.Fatalf("%s has no tests", file)
	}
	return vectors.Groups
}

// checkResult fails the test unless valid vectors passed and invalid ones did
// not. Acceptable ones may do either.
func (v *wycheproofTest) checkResult(t *testing.T, file string, passed bool) {
	t.Helper()
	if v.Result == "valid" && !passed || v.Result == "invalid" && passed {
		t.Errorf("%s %d (%s, %v): passed %v, want %s", file, v.ID, v.Comment, v.Flags, passed, v.Result)
	}
}

func TestWycheproofSignatures(t *testing.T) {
	files := []struct {
		file      string
		spec      Spec
		algorithm Algorithm
	}{
		{"rsa_signature_2048_sha256", RSA2048, PKCS1SHA256},
		{"rsa_signature_2048_sha384", RSA2048, PKCS1SHA384},
		{"rsa_signature_2048_sha512", RSA2048, PKCS1SHA512},
		{"rsa_signature_3072_sha256", RSA3072, PKCS1SHA256},
		{"rsa_signature_3072_sha384", RSA3072, PKCS1SHA384},
		{"rsa_signature_3072_sha512", RSA3072, PKCS1SHA512},
		{"rsa_signature_4096_sha256", RSA4096, PKCS1SHA256},
		{"rsa_signature_4096_sha384", RSA4096, PKCS1SHA384},
		{"rsa_signature_4096_sha512", RSA4096, PKCS1SHA512},
		{"rsa_pss_2048_sha256_mgf1_32", RSA2048, PSSSHA256},
		{"rsa_pss_2048_sha384_mgf1_48", RSA2048, PSSSHA384},
		{"rsa_pss_3072_sha256_mgf1_32", RSA3072, PSSSHA256},
		{"rsa_pss_4096_sha256_mgf1_32", RSA4096, PSSSHA256},
		{"rsa_pss_4096_sha384_mgf1_48", RSA4096, PSSSHA384},
		{"rsa_pss_4096_sha512_mgf1_64", RSA4096, PSSSHA512},
		{"ecdsa_secp256r1_sha256", P256, ECDSASHA256},
		{"ecdsa_secp384r1_sha384", P384, ECDSASHA384},
		{"ecdsa_secp521r1_sha512", P521, ECDSASHA512},
		{"ecdsa_secp256k1_sha256", Secp256k1, ECDSASHA256},
		{"ed25519", Edwards25519, Ed25519SHA512},
	}
	for _, f := range files {
		t.Run(f.file, func(t *testing.T) {
			for _, g := range wycheproofGroups(t, f.file) {
				pub, err := ParsePublicKey(f.spec, g.PublicKeyDER)
				if err != nil {
					// Some files mix in RSA keys with a small exponent.
					if exponent := smallExponent(g.PublicKeyRaw); !exponent {
						t.Fatal(err)
					}
					continue
				}
				if !bytes.Equal(pub.SPKI(), g.PublicKeyDER) {
					t.Errorf("the key reads as %x and writes as %x", []byte(g.PublicKeyDER), pub.SPKI())
				}
				for _, v := range g.Tests {
					err := pub.Verify(f.algorithm, Raw, v.Message, v.Signature)
					if err != nil && err != ErrInvalidSignature {
						t.Errorf("%d: %v", v.ID, err)
					}
					v.checkResult(t, f.file, err == nil)
				}
			}
		})
	}
}

func smallExponent(raw json.RawMessage) bool {
	var key struct {
		Exponent string `json:"publicExponent"`
	}
	return json.Unmarshal(raw, &key) == nil && key.Exponent == "03"
}

// Signatures that are right but for the length of the salt, or the hash of the
// mask, are not what AWS verifies.
func TestPSSRefusesOtherSaltLengthsAndMasks(t *testing.T) {
	for _, file := range []string{
		"rsa_pss_2048_sha256_mgf1_0", "rsa_pss_2048_sha256_mgf1sha1_20", "rsa_pss_4096_sha512_mgf1_32",
	} {
		for _, g := range wycheproofGroups(t, file) {
			spec, algorithm := RSA2048, PSSSHA256
			if g.KeySize == 4096 {
				spec, algorithm = RSA4096, PSSSHA512
			}
			pub, err := ParsePublicKey(spec, g.PublicKeyDER)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range g.Tests {
				if v.Result != "valid" {
					continue // among them some with the salt that KMS does accept
				}
				if err := pub.Verify(algorithm, Raw, v.Message, v.Signature); err != ErrInvalidSignature {
					t.Errorf("%s %d: %v", file, v.ID, err)
				}
			}
		}
	}
}

func TestWycheproofOAEP(t *testing.T) {
	files := []struct {
		file      string
		spec      Spec
		algorithm Algorithm
	}{
		{"rsa_oaep_2048_sha1_mgf1sha1", RSA2048, OAEPSHA1},
		{"rsa_oaep_2048_sha256_mgf1sha256", RSA2048, OAEPSHA256},
		{"rsa_oaep_3072_sha256_mgf1sha256", RSA3072, OAEPSHA256},
		{"rsa_oaep_4096_sha256_mgf1sha256", RSA4096, OAEPSHA256},
	}
	for _, f := range files {
		t.Run(f.file, func(t *testing.T) {
			for _, g := range wycheproofGroups(t, f.file) {
				key, err := ParsePKCS8(f.spec, g.PrivateKeyPKCS8)
				if err != nil {
					t.Fatal(err)
				}
				for _, v := range g.Tests {
					plaintext, err := key.Decrypt(f.algorithm, v.Ciphertext)
					if err != nil && err != ErrInvalidCiphertext {
						t.Errorf("%d: %v", v.ID, err)
					}
					if len(v.Label) > 0 { // KMS has no label
						v.Result = "invalid"
					}
					v.checkResult(t, f.file, err == nil && bytes.Equal(plaintext, v.Message))
				}
			}
		})
	}
}

func TestWycheproofHMAC(t *testing.T) {
	files := []struct {
		file      string
		spec      Spec
		algorithm Algorithm
		size      int
	}{
		{"hmac_sha224", HMAC224, HMACSHA224, 28},
		{"hmac_sha256", HMAC256, HMACSHA256, 32},
		{"hmac_sha384", HMAC384, HMACSHA384, 48},
		{"hmac_sha512", HMAC512, HMACSHA512, 64},
	}
	for _, f := range files {
		t.Run(f.file, func(t *testing.T) {
			for _, g := range wycheproofGroups(t, f.file) {
				for _, v := range g.Tests {
					key, err := ParseMaterial(f.spec, v.Key)
					if tooShort := len(v.Key) < f.size; tooShort || err != nil {
						if !tooShort || !errors.Is(err, ErrInvalidMaterial) {
							t.Errorf("%d: key of %d bytes: %v", v.ID, len(v.Key), err)
						}
						continue
					}
					if g.TagSize < f.size*8 { // a truncated MAC is not the MAC
						v.Result = "invalid"
					}
					err = key.VerifyMAC(f.algorithm, v.Message, v.Tag)
					if err != nil && err != ErrInvalidMAC {
						t.Errorf("%d: %v", v.ID, err)
					}
					v.checkResult(t, f.file, err == nil)
				}
			}
		})
	}
}

func TestWycheproofECDH(t *testing.T) {
	files := []struct {
		file string
		spec Spec
	}{
		{"ecdh_secp256r1", P256}, {"ecdh_secp384r1", P384}, {"ecdh_secp521r1", P521},
	}
	for _, f := range files {
		t.Run(f.file, func(t *testing.T) {
			row := lookup(f.spec)
			for _, g := range wycheproofGroups(t, f.file) {
				for _, v := range g.Tests {
					key, err := ParsePKCS8(f.spec, testECPKCS8(row, v.Private))
					if err != nil {
						// A few vectors put a scalar of another curve here.
						v.checkResult(t, f.file, false)
						continue
					}
					secret, err := key.DeriveSharedSecret(ECDH, v.Public)
					if err != nil && !errors.Is(err, ErrInvalidPublicKey) {
						t.Errorf("%d: %v", v.ID, err)
					}
					if err == nil && !bytes.Equal(secret, v.Shared) {
						t.Errorf("%d (%s): wrong secret", v.ID, v.Comment)
					}
					v.checkResult(t, f.file, err == nil)
				}
			}
		})
	}
}

// testECPKCS8 writes a private key without its public point.
func testECPKCS8(row *specInfo, scalar []byte) []byte {
	for len(scalar) > row.size && scalar[0] == 0 {
		scalar = scalar[1:]
	}
	inner := append([]byte{0x30, byte(5 + len(scalar)), 2, 1, 1, 4, byte(len(scalar))}, scalar...)
	return marshalPKCS8(row, inner)
}

func mldsaMu(pub, context, message []byte) []byte {
	tr := make([]byte, 64)
	h := sha3.NewSHAKE256()
	h.Write(pub)
	h.Read(tr)
	h.Reset()
	h.Write(tr)
	h.Write([]byte{0, byte(len(context))})
	h.Write(context)
	h.Write(message)
	mu := make([]byte, 64)
	h.Read(mu)
	return mu
}

func TestWycheproofMLDSAVerify(t *testing.T) {
	for file, spec := range map[string]Spec{
		"mldsa_44_verify": MLDSA44, "mldsa_65_verify": MLDSA65, "mldsa_87_verify": MLDSA87,
	} {
		t.Run(file, func(t *testing.T) {
			ran := 0
			for _, g := range wycheproofGroups(t, file) {
				var raw hexBytes
				if err := json.Unmarshal(g.PublicKeyRaw, &raw); err != nil {
					t.Fatal(err)
				}
				pub, err := ParsePublicKey(spec, marshalSPKI(lookup(spec), raw))
				for _, v := range g.Tests {
					if err != nil {
						v.checkResult(t, file, false)
						continue
					}
					ran++
					// With a context only the representative can be verified.
					if len(v.Context) == 0 {
						v.checkResult(t, file, pub.Verify(MLDSASHAKE256, Raw, v.Message, v.Signature) == nil)
					}
					if len(v.Context) <= 255 {
						mu := mldsaMu(raw, v.Context, v.Message)
						v.checkResult(t, file+" mu", pub.Verify(MLDSASHAKE256, ExternalMu, mu, v.Signature) == nil)
					}
				}
			}
			if ran == 0 {
				t.Error("no vector ran")
			}
		})
	}
}

func TestWycheproofMLDSAKeysAndMu(t *testing.T) {
	for file, spec := range map[string]Spec{
		"mldsa_44_sign_seed": MLDSA44, "mldsa_65_sign_seed": MLDSA65, "mldsa_87_sign_seed": MLDSA87,
	} {
		t.Run(file, func(t *testing.T) {
			ran := 0
			for _, g := range wycheproofGroups(t, file) {
				inner := append([]byte{0x80, byte(len(g.PrivateSeed))}, g.PrivateSeed...)
				der := marshalPKCS8(lookup(spec), inner)
				key, err := ParsePKCS8(spec, der)
				if len(g.PrivateSeed) != 32 {
					if !errors.Is(err, ErrInvalidMaterial) {
						t.Errorf("seed of %d bytes: %v", len(g.PrivateSeed), err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if len(g.PrivateKeyPKCS8) > 0 { // absent from some groups
					der = g.PrivateKeyPKCS8
				}
				written, err := key.MarshalPKCS8()
				if err != nil || !bytes.Equal(written, der) {
					t.Errorf("the key writes as %x: %v", written, err)
				}
				for _, v := range g.Tests {
					if v.Result != "valid" || len(v.Mu) != 64 {
						continue
					}
					ran++
					if err := key.Verify(MLDSASHAKE256, ExternalMu, v.Mu, v.Signature); err != nil {
						t.Errorf("%d (%s): %v", v.ID, v.Comment, err)
					}
					signature, err := key.Sign(MLDSASHAKE256, ExternalMu, v.Mu)
					if err != nil {
						t.Fatal(err)
					}
					if err := key.Verify(MLDSASHAKE256, ExternalMu, v.Mu, signature); err != nil {
						t.Errorf("%d: own signature: %v", v.ID, err)
					}
				}
			}
			if ran == 0 {
				t.Error("no vector ran")
			}
		})
	}
}

// PKCS #1 v1.5 signatures are deterministic, so ours must be those of the file.
func TestWycheproofPKCS1SignatureGeneration(t *testing.T) {
	byHash := map[string]Algorithm{"SHA-256": PKCS1SHA256, "SHA-384": PKCS1SHA384, "SHA-512": PKCS1SHA512}
	for file, spec := range map[string]Spec{
		"rsa_pkcs1_2048_sig_gen": RSA2048, "rsa_pkcs1_3072_sig_gen": RSA3072, "rsa_pkcs1_4096_sig_gen": RSA4096,
	} {
		ran := 0
		for _, g := range wycheproofGroups(t, file) {
			algorithm, ok := byHash[g.Hash]
			if !ok {
				continue // a hash that KMS does not sign with
			}
			key, err := ImportMaterial(spec, g.PrivateKeyPKCS8)
			if g.Tests[0].Result == "acceptable" {
				// Keys with the public exponent 3, which FIPS 186-5 rules out.
				if !errors.Is(err, ErrInvalidMaterial) {
					t.Errorf("%s %d: %v", file, g.Tests[0].ID, err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range g.Tests {
				ran++
				signature, err := key.Sign(algorithm, Raw, v.Message)
				if err != nil || !bytes.Equal(signature, v.Signature) {
					t.Errorf("%s %d: signature %x, %v", file, v.ID, signature, err)
				}
			}
		}
		if ran == 0 {
			t.Errorf("%s: no vector ran", file)
		}
	}
}
