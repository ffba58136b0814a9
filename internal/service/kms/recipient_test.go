package kms

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"maps"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/engine/attestation"

	"github.com/fxamacker/cbor/v2"
	"github.com/veraison/go-cose"
)

// enclave is a test platform with an enclave on it: an authority, the certificate that
// signs documents, and the enclave's own key. Documents are signed by go-cose, which the
// product does not use.
type enclave struct {
	testing.TB
	roots   *x509.CertPool
	root    []byte
	leaf    []byte
	leafKey *ecdsa.PrivateKey
	own     *rsa.PrivateKey
	public  []byte
}

// start is when the clocks of harnesses start.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newEnclave(t testing.TB) *enclave {
	t.Helper()
	rootKey := made(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test.nitro-enclaves"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: start.Add(-48 * time.Hour), NotAfter: start.Add(48 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	e := &enclave{TB: t, roots: x509.NewCertPool(), leafKey: made(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))}
	e.root = made(x509.CreateCertificate(rand.Reader, template, template, &rootKey.PublicKey, rootKey))
	root := made(x509.ParseCertificate(e.root))
	e.roots.AddCert(root)
	e.leaf = made(x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "i-0123456789abcdef0-enc0123456789abcdef"}, BasicConstraintsValid: true,
		NotBefore: start.Add(-time.Minute), NotAfter: start.Add(3 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}, root, &e.leafKey.PublicKey, rootKey))
	e.own = made(rsa.GenerateKey(rand.Reader, 2048))
	e.public = made(x509.MarshalPKIXPublicKey(&e.own.PublicKey))
	return e
}

// made is v; making it cannot fail here.
func made[V any](v V, err error) V {
	if err != nil {
		panic(err)
	}
	return v
}

// pcrValue is what the test enclave has in one of its PCRs.
func pcrValue(n byte) []byte { return bytes.Repeat([]byte{0xa0 + n}, 48) }

// document is an attestation document of the time given, changed as the test wants.
func (e *enclave) document(at time.Time, changes map[string]any) *kmsapi.RecipientInfo {
	e.Helper()
	fields := map[string]any{
		"module_id": "i-0123456789abcdef0-enc0123456789abcdef", "digest": "SHA384", "timestamp": uint64(at.UnixMilli()),
		"pcrs":        map[int][]byte{0: pcrValue(0), 1: pcrValue(1), 8: pcrValue(8)},
		"certificate": e.leaf, "cabundle": [][]byte{e.root}, "public_key": e.public,
	}
	maps.Copy(fields, changes)
	message := cose.NewSign1Message()
	message.Headers.Protected.SetAlgorithm(cose.AlgorithmES384)
	message.Payload = made(cbor.Marshal(fields))
	signer := made(cose.NewSigner(cose.AlgorithmES384, e.leafKey))
	if err := message.Sign(rand.Reader, nil, signer); err != nil {
		e.Fatal(err)
	}
	return &kmsapi.RecipientInfo{
		KeyEncryptionAlgorithm: new(kmsapi.KeyEncryptionMechanismRSAESOAEPSHA256),
		AttestationDocument:    made((*cose.UntaggedSign1Message)(message).MarshalCBOR()),
	}
}

// open decrypts CiphertextForRecipient as the enclave would, by the openssl command.
func (e *enclave) open(cms []byte) []byte {
	e.Helper()
	dir := e.TempDir()
	key, message := filepath.Join(dir, "key.pem"), filepath.Join(dir, "message.cms")
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: made(x509.MarshalPKCS8PrivateKey(e.own))})
	for name, content := range map[string][]byte{key: private, message: cms} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			e.Fatal(err)
		}
	}
	return made(exec.Command("openssl", "cms", "-decrypt", "-inform", "DER", "-binary", "-in", message, "-inkey", key).Output())
}

func attested(t *testing.T, e *enclave) *harness {
	t.Helper()
	return newHarness(t, func(c *Config) { c.Attestation = attestation.NewVerifier(e.roots, 5*time.Minute) })
}

func TestRecipientAloneReadsTheAnswer(t *testing.T) {
	e := newEnclave(t)
	h := attested(t, e)
	r := h.in(testRegion)
	key := r.create(&kmsapi.CreateKeyRequest{}).KeyId
	agreement := r.create(&kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecECCNISTP256), KeyUsage: new(kmsapi.KeyUsageTypeKeyAgreement)}).KeyId
	recipient := e.document(h.clock.Now(), nil)
	sealed := func(what string, cms, plaintext []byte) []byte {
		t.Helper()
		if plaintext != nil {
			t.Errorf("%s: the answer has the plaintext", what)
		}
		return e.open(cms)
	}

	t.Run("Decrypt", func(t *testing.T) {
		out, err := r.Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: r.encrypt(key, "secret"), Recipient: recipient})
		h.must(err)
		if got := sealed("Decrypt", out.CiphertextForRecipient, out.Plaintext); string(got) != "secret" {
			t.Errorf("opened %q", got)
		}
	})
	t.Run("GenerateDataKey", func(t *testing.T) {
		out, err := r.GenerateDataKey(t.Context(), &kmsapi.GenerateDataKeyRequest{KeyId: key, KeySpec: new(kmsapi.DataKeySpecAES256), Recipient: recipient})
		h.must(err)
		got := sealed("GenerateDataKey", out.CiphertextForRecipient, out.Plaintext)
		r.decrypts(out.CiphertextBlob, string(got))
	})
	t.Run("GenerateDataKeyPair", func(t *testing.T) {
		out, err := r.GenerateDataKeyPair(t.Context(), &kmsapi.GenerateDataKeyPairRequest{KeyId: key, KeyPairSpec: new(kmsapi.DataKeyPairSpecECCNISTP256), Recipient: recipient})
		h.must(err)
		got := sealed("GenerateDataKeyPair", out.CiphertextForRecipient, out.PrivateKeyPlaintext)
		r.decrypts(out.PrivateKeyCiphertextBlob, string(got))
		private := made(x509.ParsePKCS8PrivateKey(got))
		if spki := made(x509.MarshalPKIXPublicKey(&private.(*ecdsa.PrivateKey).PublicKey)); !bytes.Equal(spki, out.PublicKey) {
			t.Error("the private key is not of the public key")
		}
	})
	t.Run("GenerateRandom", func(t *testing.T) {
		out, err := r.GenerateRandom(t.Context(), &kmsapi.GenerateRandomRequest{NumberOfBytes: new(int32(37)), Recipient: recipient})
		h.must(err)
		if got := sealed("GenerateRandom", out.CiphertextForRecipient, out.Plaintext); len(got) != 37 {
			t.Errorf("%d random bytes", len(got))
		}
	})
	t.Run("DeriveSharedSecret", func(t *testing.T) {
		peer := made(ecdh.P256().GenerateKey(rand.Reader))
		out, err := r.DeriveSharedSecret(t.Context(), &kmsapi.DeriveSharedSecretRequest{
			KeyId: agreement, KeyAgreementAlgorithm: new(kmsapi.KeyAgreementAlgorithmSpecECDH),
			PublicKey: made(x509.MarshalPKIXPublicKey(peer.PublicKey())), Recipient: recipient,
		})
		h.must(err)
		got := sealed("DeriveSharedSecret", out.CiphertextForRecipient, out.SharedSecret)
		public, err := r.GetPublicKey(t.Context(), &kmsapi.GetPublicKeyRequest{KeyId: agreement})
		h.must(err)
		ours := made(x509.ParsePKIXPublicKey(public.PublicKey)).(*ecdsa.PublicKey)
		if want := made(peer.ECDH(made(ours.ECDH()))); !bytes.Equal(got, want) {
			t.Error("the secrets differ")
		}
	})
}

func TestPoliciesAskForAttestation(t *testing.T) {
	e := newEnclave(t)
	h := attested(t, e)
	r := h.in(testRegion)
	alice := user(testAccount, "alice")
	right, wrong := hex.EncodeToString(pcrValue(0)), hex.EncodeToString(pcrValue(7))
	recipient := e.document(h.clock.Now(), nil)
	for _, test := range []struct {
		name, key, value string
		recipient        *kmsapi.RecipientInfo
		allowed          bool
	}{
		{"right image", "ImageSha384", right, recipient, true},
		{"other image", "ImageSha384", wrong, recipient, false},
		{"image without a document", "ImageSha384", right, nil, false},
		{"right register", "PCR8", hex.EncodeToString(pcrValue(8)), recipient, true},
		{"other value", "PCR8", right, recipient, false},
		{"register that the enclave has not", "PCR5", right, recipient, false},
		{"register without a document", "PCR0", right, nil, false},
		{"register of an instance", "NitroTPMPCR0", right, recipient, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			key := h.newKey(&kmsapi.CreateKeyRequest{Policy: new(`{"Version":"2012-10-17","Statement":[
				{"Effect":"Allow","Principal":{"AWS":"` + testAccount + `"},"Action":"kms:*","Resource":"*"},
				{"Effect":"Allow","Principal":{"AWS":"` + alice.ARN + `"},"Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":"*",
				 "Condition":{"StringEqualsIgnoreCase":{"kms:RecipientAttestation:` + test.key + `":"` + test.value + `"}}}]}`)})
			c := h.as(alice, testRegion).kms()
			decrypted, err := c.Decrypt(t.Context(), &kmsapi.DecryptRequest{KeyId: &key, CiphertextBlob: r.encrypt(&key, "secret"), Recipient: test.recipient})
			errKey := errorOf(c.GenerateDataKey(t.Context(), &kmsapi.GenerateDataKeyRequest{KeyId: &key, KeySpec: new(kmsapi.DataKeySpecAES256), Recipient: test.recipient}))
			if !test.allowed {
				wantsCode(t, err, "AccessDeniedException")
				wantsCode(t, errKey, "AccessDeniedException")
				return
			}
			h.must(err)
			h.must(errKey)
			if got := e.open(decrypted.CiphertextForRecipient); string(got) != "secret" {
				t.Errorf("opened %q", got)
			}
		})
	}
}

// A document that does not prove anything is refused before anything is decrypted, and a
// caller never gets the plaintext in its place.
func TestUnprovenRecipientIsRefused(t *testing.T) {
	e, foreign := newEnclave(t), newEnclave(t)
	h := attested(t, e)
	r := h.in(testRegion)
	key := r.create(&kmsapi.CreateKeyRequest{}).KeyId
	agreement := r.create(&kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecECCNISTP256), KeyUsage: new(kmsapi.KeyUsageTypeKeyAgreement)}).KeyId
	blob := r.encrypt(key, "secret")
	now := h.clock.Now()
	altered := e.document(now, nil)
	altered.AttestationDocument[len(altered.AttestationDocument)-1] ^= 1
	misnamed := e.document(now, nil)
	misnamed.KeyEncryptionAlgorithm = nil
	const invalidDocument = "The attestation document is not valid."
	for name, test := range map[string]struct {
		recipient *kmsapi.RecipientInfo
		message   string
	}{
		"expired":         {e.document(now.Add(-time.Hour), nil), invalidDocument},
		"of the future":   {e.document(now.Add(time.Hour), nil), invalidDocument},
		"foreign root":    {foreign.document(now, nil), invalidDocument},
		"altered":         {altered, invalidDocument},
		"garbage":         {&kmsapi.RecipientInfo{KeyEncryptionAlgorithm: misnamed.KeyEncryptionAlgorithm, AttestationDocument: []byte("garbage")}, ""},
		"no algorithm":    {misnamed, "KeyEncryptionAlgorithm is required with an attestation document."},
		"no public key":   {e.document(now, map[string]any{"public_key": nil}), "The attestation document does not include a public key."},
		"bad public key":  {e.document(now, map[string]any{"public_key": []byte("key")}), invalidDocument},
		"only some bytes": {&kmsapi.RecipientInfo{KeyEncryptionAlgorithm: altered.KeyEncryptionAlgorithm, AttestationDocument: altered.AttestationDocument[:100]}, invalidDocument},
	} {
		t.Run(name, func(t *testing.T) {
			for operation, err := range map[string]error{
				"Decrypt":             errorOf(r.Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: blob, Recipient: test.recipient})),
				"GenerateDataKey":     errorOf(r.GenerateDataKey(t.Context(), &kmsapi.GenerateDataKeyRequest{KeyId: key, NumberOfBytes: new(int32(16)), Recipient: test.recipient})),
				"GenerateDataKeyPair": errorOf(r.GenerateDataKeyPair(t.Context(), &kmsapi.GenerateDataKeyPairRequest{KeyId: key, KeyPairSpec: new(kmsapi.DataKeyPairSpecECCNISTP256), Recipient: test.recipient})),
				"GenerateRandom":      errorOf(r.GenerateRandom(t.Context(), &kmsapi.GenerateRandomRequest{NumberOfBytes: new(int32(16)), Recipient: test.recipient})),
				"DeriveSharedSecret":  errorOf(r.DeriveSharedSecret(t.Context(), &kmsapi.DeriveSharedSecretRequest{KeyId: agreement, KeyAgreementAlgorithm: new(kmsapi.KeyAgreementAlgorithmSpecECDH), PublicKey: e.public, Recipient: test.recipient})),
			} {
				wantsCode(t, err, "ValidationException")
				if test.message != "" && err != nil && err.Error() != "ValidationException: "+test.message {
					t.Errorf("%s: %v", operation, err)
				}
			}
		})
	}
	// Documents live five minutes here, their certificates three hours.
	h.clock.Advance(4 * time.Hour)
	wantsCode(t, errorOf(r.Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: blob, Recipient: e.document(h.clock.Now(), nil)})), "ValidationException")

	trusting := newHarness(t).in(testRegion)
	wants(t, errorOf(trusting.GenerateRandom(t.Context(), &kmsapi.GenerateRandomRequest{NumberOfBytes: new(int32(16)), Recipient: e.document(now, nil)})),
		"ValidationException", "The attestation document cannot be verified: no attestation roots are configured.")
}
