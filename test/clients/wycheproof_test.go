package clients

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/c2sp/wycheproof"
)

// hexBytes is a byte string that the vectors write in hexadecimal.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// wycheproofGroup is a test group of any of the vector files used here.
type wycheproofGroup struct {
	KeySize      int      `json:"keySize"` // bits
	TagSize      int      `json:"tagSize"` // bits
	IVSize       int      `json:"ivSize"`  // bits
	Sha          string   `json:"sha"`
	PublicKeyDer hexBytes `json:"publicKeyDer"`
	PrivatePKCS8 hexBytes `json:"privateKeyPkcs8"`
	Tests        []wycheproofCase
}

type wycheproofCase struct {
	ID      int      `json:"tcId"`
	Comment string   `json:"comment"`
	Result  string   `json:"result"` // valid, invalid or acceptable
	Key     hexBytes `json:"key"`
	IV      hexBytes `json:"iv"`
	AAD     hexBytes `json:"aad"`
	Msg     hexBytes `json:"msg"`
	CT      hexBytes `json:"ct"`
	Label   hexBytes `json:"label"`
	Sig     hexBytes `json:"sig"`
	Tag     hexBytes `json:"tag"`
}

// vectors reads a file of Wycheproof's.
func vectors(t *testing.T, name string) []wycheproofGroup {
	t.Helper()
	var file struct {
		TestGroups []wycheproofGroup `json:"testGroups"`
	}
	if err := json.Unmarshal(must[[]byte](t)(fs.ReadFile(wycheproof.TestVectors, name)), &file); err != nil {
		t.Fatal(err)
	}
	return file.TestGroups
}

// tally counts what a vector test did, so that a run says how much it covered.
type tally struct{ accepted, rejected, left int }

func (c *tally) report(t *testing.T) {
	t.Helper()
	t.Logf("%d accepted, %d rejected, as they should be; %d that the API cannot take", c.accepted, c.rejected, c.left)
	if c.accepted+c.rejected == 0 {
		t.Error("nothing was tested")
	}
}

// judge compares the server's verdict with the vector's.
func (c *tally) judge(t *testing.T, v *wycheproofCase, want string, accepted bool) {
	t.Helper()
	switch {
	case accepted && want == "invalid":
		t.Errorf("tcId %d (%s) is wrongly accepted", v.ID, v.Comment)
	case !accepted && want == "valid":
		t.Errorf("tcId %d (%s) is wrongly rejected", v.ID, v.Comment)
	case accepted:
		c.accepted++
	default:
		c.rejected++
	}
}

// rsaPrivateKeys are the private keys among the vectors, by their public keys: the
// files of signatures have public keys only, but those of the same authors' other
// files.
var rsaPrivateKeys = sync.OnceValues(func() (map[string][]byte, error) {
	found := make(map[string][]byte)
	for _, size := range []string{"2048", "3072", "4096"} {
		data, err := fs.ReadFile(wycheproof.TestVectors, "rsa_pkcs1_"+size+"_sig_gen_test.json")
		if err != nil {
			return nil, err
		}
		var file struct {
			TestGroups []wycheproofGroup `json:"testGroups"`
		}
		if err := json.Unmarshal(data, &file); err != nil {
			return nil, err
		}
		for _, g := range file.TestGroups {
			private, err := x509.ParsePKCS8PrivateKey(g.PrivatePKCS8)
			if err != nil {
				return nil, err
			}
			public, err := x509.MarshalPKIXPublicKey(private.(*rsa.PrivateKey).Public())
			if err != nil {
				return nil, err
			}
			found[string(public)] = g.PrivatePKCS8
		}
	}
	return found, nil
})

// digest is the hash of a message for MessageType DIGEST.
func digest(sha string, message []byte) []byte {
	switch sha {
	case "SHA-256":
		d := sha256.Sum256(message)
		return d[:]
	case "SHA-384":
		d := sha512.Sum384(message)
		return d[:]
	}
	d := sha512.Sum512(message)
	return d[:]
}

// maxMessage is the longest message, in bytes, that Sign and Verify take.
const maxMessage = 4096

// signable is what to sign for a message: itself, or its digest if the API does not
// take it because of its size.
func signable(sha string, message []byte) ([]byte, types.MessageType) {
	if len(message) == 0 || len(message) > maxMessage {
		return digest(sha, message), types.MessageTypeDigest
	}
	return message, types.MessageTypeRaw
}

// verifies asks the server. An error that is not a verdict ends the test.
func verifies(t *testing.T, keyID string, algorithm types.SigningAlgorithmSpec, message []byte, kind types.MessageType, signature []byte) bool {
	t.Helper()
	if signature == nil {
		signature = []byte{} // the SDK itself refuses nil
	}
	out, err := kmsClient().Verify(t.Context(), &kms.VerifyInput{
		KeyId: &keyID, SigningAlgorithm: algorithm, Message: message, MessageType: kind, Signature: signature,
	})
	switch code(err) {
	case "":
		if err != nil {
			t.Fatal(err)
		}
		return out.SignatureValid
	case "KMSInvalidSignatureException":
		return false
	case "ValidationException":
		if len(signature) == 0 {
			return false // shorter than the API takes
		}
	}
	t.Fatal(err)
	return false
}

func rsaAlgorithm(padding, sha string) types.SigningAlgorithmSpec {
	return types.SigningAlgorithmSpec("RSASSA_" + padding + "_" + strings.ReplaceAll(sha, "-", "_"))
}

// TestWycheproofRSASignatures verifies the vectors of PKCS #1 v1.5 and PSS under their
// own keys, imported. KMS takes PSS salts of the digest's length only: files with other
// salts must be rejected as a whole.
func TestWycheproofRSASignatures(t *testing.T) {
	imported := make(map[string]string)
	for _, f := range []struct {
		file, padding string
		foreignSalt   bool
	}{
		{"rsa_signature_2048_sha256", "PKCS1_V1_5", false}, {"rsa_signature_2048_sha384", "PKCS1_V1_5", false},
		{"rsa_signature_2048_sha512", "PKCS1_V1_5", false}, {"rsa_signature_3072_sha256", "PKCS1_V1_5", false},
		{"rsa_signature_3072_sha384", "PKCS1_V1_5", false}, {"rsa_signature_3072_sha512", "PKCS1_V1_5", false},
		{"rsa_signature_4096_sha256", "PKCS1_V1_5", false}, {"rsa_signature_4096_sha384", "PKCS1_V1_5", false},
		{"rsa_signature_4096_sha512", "PKCS1_V1_5", false},
		{"rsa_pss_2048_sha256_mgf1_32", "PSS", false}, {"rsa_pss_2048_sha384_mgf1_48", "PSS", false},
		{"rsa_pss_3072_sha256_mgf1_32", "PSS", false}, {"rsa_pss_4096_sha256_mgf1_32", "PSS", false},
		{"rsa_pss_4096_sha384_mgf1_48", "PSS", false}, {"rsa_pss_4096_sha512_mgf1_64", "PSS", false},
		{"rsa_pss_2048_sha256_mgf1_0", "PSS", true}, {"rsa_pss_4096_sha512_mgf1_32", "PSS", true},
		{"rsa_pss_2048_sha256_mgf1sha1_20", "PSS", true},
	} {
		t.Run(f.file, func(t *testing.T) {
			var c tally
			defer c.report(t)
			for _, g := range vectors(t, f.file+"_test.json") {
				id := imported[string(g.PublicKeyDer)]
				if id == "" {
					private := must[map[string][]byte](t)(rsaPrivateKeys())[string(publicKeyOf(t, &g))]
					if private == nil {
						c.left += len(g.Tests)
						continue
					}
					k, err := importPrivateKey(t, rsaSpec(g.KeySize), types.KeyUsageTypeSignVerify, private)
					if code(err) == "IncorrectKeyMaterialException" && publicExponent(t, private) != 65537 {
						c.left += len(g.Tests)
						continue
					}
					if err != nil {
						t.Fatal(err)
					}
					id = k.id
					imported[string(g.PublicKeyDer)] = id
				}
				for _, v := range g.Tests {
					want := v.Result
					if f.foreignSalt && !strings.Contains(v.Comment, "s_len") {
						want = "invalid"
					} else if f.foreignSalt {
						want = "acceptable"
					}
					message, kind := signable(g.Sha, v.Msg)
					c.judge(t, &v, want, verifies(t, id, rsaAlgorithm(f.padding, g.Sha), message, kind, v.Sig))
				}
			}
		})
	}
}

// publicKeyOf is the group's key as SubjectPublicKeyInfo with the plain RSA algorithm
// identifier.
func publicKeyOf(t *testing.T, g *wycheproofGroup) []byte {
	t.Helper()
	public, err := x509.ParsePKIXPublicKey(g.PublicKeyDer)
	if err != nil {
		return g.PublicKeyDer
	}
	return must[[]byte](t)(x509.MarshalPKIXPublicKey(public))
}

// publicExponent of a private key. The server has keys with the usual exponent only, as
// those that KMS makes.
func publicExponent(t *testing.T, pkcs8 []byte) int {
	t.Helper()
	return must[any](t)(x509.ParsePKCS8PrivateKey(pkcs8)).(*rsa.PrivateKey).E
}

func rsaSpec(bits int) types.KeySpec {
	switch bits {
	case 2048:
		return types.KeySpecRsa2048
	case 3072:
		return types.KeySpecRsa3072
	}
	return types.KeySpecRsa4096
}

// TestWycheproofRSASigning makes the signatures of the vectors: PKCS #1 v1.5 is
// deterministic.
func TestWycheproofRSASigning(t *testing.T) {
	for _, size := range []string{"2048", "3072", "4096"} {
		var c tally
		imported := make(map[string]string)
		for _, g := range vectors(t, "rsa_pkcs1_"+size+"_sig_gen_test.json") {
			if g.Sha != "SHA-256" && g.Sha != "SHA-384" && g.Sha != "SHA-512" {
				c.left += len(g.Tests)
				continue
			}
			id := imported[string(g.PrivatePKCS8)]
			if id == "" {
				k, err := importPrivateKey(t, rsaSpec(g.KeySize), types.KeyUsageTypeSignVerify, g.PrivatePKCS8)
				if code(err) == "IncorrectKeyMaterialException" && publicExponent(t, g.PrivatePKCS8) != 65537 {
					c.left += len(g.Tests)
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				id = k.id
				imported[string(g.PrivatePKCS8)] = id
			}
			for _, v := range g.Tests {
				message, kind := signable(g.Sha, v.Msg)
				signed := must[*kms.SignOutput](t)(kmsClient().Sign(t.Context(), &kms.SignInput{
					KeyId: &id, Message: message, MessageType: kind, SigningAlgorithm: rsaAlgorithm("PKCS1_V1_5", g.Sha),
				}))
				c.judge(t, &v, v.Result, bytes.Equal(signed.Signature, v.Sig))
			}
		}
		c.report(t)
	}
}

// TestWycheproofOAEP decrypts the vectors under their own keys, imported. KMS has no
// labels, so those with one must be rejected.
func TestWycheproofOAEP(t *testing.T) {
	for file, algorithm := range map[string]types.EncryptionAlgorithmSpec{
		"rsa_oaep_2048_sha1_mgf1sha1":     types.EncryptionAlgorithmSpecRsaesOaepSha1,
		"rsa_oaep_2048_sha256_mgf1sha256": types.EncryptionAlgorithmSpecRsaesOaepSha256,
		"rsa_oaep_3072_sha256_mgf1sha256": types.EncryptionAlgorithmSpecRsaesOaepSha256,
		"rsa_oaep_4096_sha256_mgf1sha256": types.EncryptionAlgorithmSpecRsaesOaepSha256,
	} {
		t.Run(file, func(t *testing.T) {
			var c tally
			defer c.report(t)
			for _, g := range vectors(t, file+"_test.json") {
				k := must[*kmsKey](t)(importPrivateKey(t, rsaSpec(g.KeySize), types.KeyUsageTypeEncryptDecrypt, g.PrivatePKCS8))
				for _, v := range g.Tests {
					want := v.Result
					if len(v.Label) > 0 {
						want = "invalid"
					} else if len(v.Msg) == 0 && want == "valid" {
						want = "acceptable" // the API has no empty plaintexts
					}
					out, err := kmsClient().Decrypt(t.Context(), &kms.DecryptInput{KeyId: &k.id, CiphertextBlob: v.CT, EncryptionAlgorithm: algorithm})
					if err != nil && code(err) != "InvalidCiphertextException" && !(code(err) == "ValidationException" && len(v.CT) == 0) {
						t.Fatalf("tcId %d (%s): %v", v.ID, v.Comment, err)
					}
					if err == nil && !bytes.Equal(out.Plaintext, v.Msg) {
						t.Errorf("tcId %d (%s): decrypted to something else", v.ID, v.Comment)
					}
					c.judge(t, &v, want, err == nil)
				}
			}
		})
	}
}

// ed25519Seeds are private keys of the vectors that their sources have published: RFC
// 8032, section 7.1, and Wycheproof's own.
var ed25519Seeds = []string{
	"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
	"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
	"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
	"f5e5767cf153319517630f226876b86c8160cc583bc013744c6bf255f5cc0ee5",
	"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
	"add4bb8103785baf9ac534258e8aaf65f5f1adb5ef5f3df19bb80ab989c4d64b",
}

// TestWycheproofEd25519 verifies the vectors whose private keys are known, under those
// keys.
func TestWycheproofEd25519(t *testing.T) {
	known := make(map[string]ed25519.PrivateKey)
	for _, seed := range ed25519Seeds {
		private := ed25519.NewKeyFromSeed(must[[]byte](t)(hex.DecodeString(seed)))
		known[string(must[[]byte](t)(x509.MarshalPKIXPublicKey(private.Public())))] = private
	}
	var c tally
	defer c.report(t)
	for _, g := range vectors(t, "ed25519_test.json") {
		private := known[string(g.PublicKeyDer)]
		if private == nil {
			c.left += len(g.Tests)
			continue
		}
		k := must[*kmsKey](t)(importPrivateKey(t, types.KeySpecEccNistEdwards25519, types.KeyUsageTypeSignVerify, must[[]byte](t)(x509.MarshalPKCS8PrivateKey(private))))
		for _, v := range g.Tests {
			if len(v.Msg) == 0 {
				c.left++ // the API takes no empty message, and Ed25519 no digest
				continue
			}
			c.judge(t, &v, v.Result, verifies(t, k.id, types.SigningAlgorithmSpecEd25519Sha512, v.Msg, types.MessageTypeRaw, v.Sig))
		}
	}
}

// TestWycheproofHMAC verifies the vectors under their own keys, imported. KMS takes
// whole tags only: a truncated one must be rejected.
func TestWycheproofHMAC(t *testing.T) {
	for _, bits := range []string{"224", "256", "384", "512"} {
		t.Run(bits, func(t *testing.T) {
			var c tally
			defer c.report(t)
			imported := make(map[string]string)
			for _, g := range vectors(t, "hmac_sha"+bits+"_test.json") {
				for _, v := range g.Tests {
					id := imported[string(v.Key)]
					if id == "" {
						k := createKey(t, &kms.CreateKeyInput{Origin: types.OriginTypeExternal, KeySpec: types.KeySpec("HMAC_" + bits), KeyUsage: types.KeyUsageTypeGenerateVerifyMac})
						_, err := kmsClient().ImportKeyMaterial(t.Context(), wrapOAEP(t, k.id, v.Key))
						if code(err) == "IncorrectKeyMaterialException" {
							k.id = "refused"
						} else if err != nil {
							t.Fatal(err)
						}
						id = k.id
						imported[string(v.Key)] = id
					}
					if id == "refused" || len(v.Msg) == 0 {
						c.left++ // a key of a length, or an empty message, that the API does not take
						continue
					}
					want := v.Result
					if len(v.Tag)*8 != hmacBits(bits) {
						want = "invalid"
					}
					_, err := kmsClient().VerifyMac(t.Context(), &kms.VerifyMacInput{
						KeyId: &id, Message: v.Msg, Mac: v.Tag, MacAlgorithm: types.MacAlgorithmSpec("HMAC_SHA_" + bits),
					})
					if err != nil && code(err) != "KMSInvalidMacException" && code(err) != "ValidationException" {
						t.Fatalf("tcId %d: %v", v.ID, err)
					}
					c.judge(t, &v, want, err == nil)
				}
			}
		})
	}
}

func hmacBits(bits string) int {
	return map[string]int{"224": 224, "256": 256, "384": 384, "512": 512}[bits]
}
