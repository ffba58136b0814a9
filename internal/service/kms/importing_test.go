package kms

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"hash"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/due"
	"fastness/internal/engine/keyalg"
	"fastness/internal/engine/keypool"
	"fastness/internal/engine/keywrap"
	"fastness/internal/keyslot"
	"fastness/internal/store"
)

// wrappingKeys makes one wrapping key of each spec for all tests, because an RSA_4096
// key takes seconds.
var wrappingKeys sync.Map // keyalg.Spec → func() []byte

// fixedPool hands out copies of wrappingKeys.
type fixedPool struct{}

func (fixedPool) Take(spec keyalg.Spec) (*keyalg.Key, bool) {
	if !strings.HasPrefix(string(spec), "RSA_") {
		return nil, false
	}
	make, _ := wrappingKeys.LoadOrStore(spec, sync.OnceValue(func() []byte {
		k, err := keyalg.Generate(spec)
		if err != nil {
			return nil
		}
		der, _ := k.MarshalPKCS8()
		return der
	}))
	k, err := keyalg.ParsePKCS8(spec, make.(func() []byte)())
	return k, err == nil
}

// importRoom is a room whose wrapping keys come from the pool.
func importRoom(h *harness, region string) *room {
	h.service.pool = fixedPool{}
	return h.in(region)
}

// wrapFor wraps material as a customer does. OAEP is the standard library's.
func wrapFor(t testing.TB, algorithm string, spki, material []byte) []byte {
	t.Helper()
	if algorithm == "SM2PKE" {
		public := got(keyalg.ParsePublicKey(keyalg.SM2, spki))
		return got(public.Encrypt(keyalg.SM2PKE, material))
	}
	parsed, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		t.Fatal(err)
	}
	newHash := func() hash.Hash { return sha256.New() }
	if strings.HasSuffix(algorithm, "_SHA_1") {
		newHash = func() hash.Hash { return sha1.New() }
	}
	oaep := func(b []byte) []byte {
		out, err := rsa.EncryptOAEP(newHash(), rand.Reader, parsed.(*rsa.PublicKey), b, nil)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if !strings.HasPrefix(algorithm, "RSA_AES") {
		return oaep(material)
	}
	kek := randomBytes(2 * aes.BlockSize)
	wrapped, err := keywrap.WrapPadded(kek, material)
	if err != nil {
		t.Fatal(err)
	}
	return append(oaep(kek), wrapped...)
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// parameters asks for a wrapping key.
func (r *room) parameters(id *string, algorithm, spec string) *kmsapi.GetParametersForImportResponse {
	r.Helper()
	out, err := r.GetParametersForImport(r.Context(), &kmsapi.GetParametersForImportRequest{
		KeyId: id, WrappingAlgorithm: new(kmsapi.AlgorithmSpec(algorithm)), WrappingKeySpec: new(kmsapi.WrappingKeySpec(spec)),
	})
	return must(r, out, err)
}

const (
	oaep256 = "RSAES_OAEP_SHA_256"
	hybrid  = "RSA_AES_KEY_WRAP_SHA_256"
)

// tryImport imports material that does not expire, unless in says otherwise.
func (r *room) tryImport(id *string, material []byte, in kmsapi.ImportKeyMaterialRequest) (string, error) {
	r.Helper()
	algorithm := oaep256
	if len(material) > 190 {
		algorithm = hybrid
	}
	p := r.parameters(id, algorithm, "RSA_2048")
	in.KeyId, in.ImportToken = id, p.ImportToken
	in.EncryptedKeyMaterial = wrapFor(r, algorithm, p.PublicKey, material)
	if in.ExpirationModel == nil && in.ValidTo == nil {
		in.ExpirationModel = new(kmsapi.ExpirationModelTypeKeyMaterialDoesNotExpire)
	}
	out, err := r.ImportKeyMaterial(r.Context(), &in)
	if err != nil {
		return "", err
	}
	return *out.KeyMaterialId, nil
}

func (r *room) mustImport(id *string, material []byte, in kmsapi.ImportKeyMaterialRequest) string {
	r.Helper()
	m, err := r.tryImport(id, material, in)
	return must(r, m, err)
}

func (r *room) external(in kmsapi.CreateKeyRequest) *kmsapi.KeyMetadata {
	r.Helper()
	in.Origin = new(kmsapi.OriginTypeExternal)
	return r.create(&in)
}

func TestImportRoundTripUnderEachWrapping(t *testing.T) {
	h := newHarness(t)
	r := importRoom(h, testRegion)
	for _, c := range []struct{ algorithm, spec string }{
		{"RSAES_OAEP_SHA_1", "RSA_2048"}, {oaep256, "RSA_2048"}, {oaep256, "RSA_3072"}, {oaep256, "RSA_4096"},
		{"RSA_AES_KEY_WRAP_SHA_1", "RSA_3072"}, {hybrid, "RSA_4096"}, {"SM2PKE", "SM2"},
	} {
		t.Run(c.algorithm+" "+c.spec, func(t *testing.T) {
			made := r.external(kmsapi.CreateKeyRequest{})
			if *made.KeyState != kmsapi.KeyStatePendingImport || *made.Enabled || made.CurrentKeyMaterialId != nil {
				t.Errorf("new key: %+v", made)
			}
			p := r.parameters(made.KeyId, c.algorithm, c.spec)
			if !p.ParametersValidTo.Equal(h.clock.Now().Add(24*time.Hour)) || *p.KeyId != *made.Arn {
				t.Errorf("parameters: %v %s", p.ParametersValidTo, *p.KeyId)
			}
			if len(p.ImportToken) > 6144 {
				t.Errorf("token of %d bytes", len(p.ImportToken))
			}
			out, err := r.ImportKeyMaterial(t.Context(), &kmsapi.ImportKeyMaterialRequest{
				KeyId: made.KeyId, ImportToken: p.ImportToken, ValidTo: new(h.clock.Now().AddDate(0, 0, 365)),
				EncryptedKeyMaterial: wrapFor(t, c.algorithm, p.PublicKey, randomBytes(32)),
			})
			if err != nil {
				t.Fatal(err)
			}
			if *out.KeyId != *made.Arn || len(*out.KeyMaterialId) != 64 {
				t.Errorf("answer: %+v", out)
			}
			now := r.describe(made.KeyId)
			if *now.KeyState != kmsapi.KeyStateEnabled || *now.ExpirationModel != kmsapi.ExpirationModelTypeKeyMaterialExpires ||
				!now.ValidTo.Equal(h.clock.Now().AddDate(0, 0, 365)) || *now.CurrentKeyMaterialId != *out.KeyMaterialId {
				t.Errorf("after the import: %+v", now)
			}
			if got := r.decrypts(r.encrypt(made.KeyId, "x"), "x"); got != *out.KeyMaterialId {
				t.Errorf("decrypted by %s", got)
			}
		})
	}
}

// The customer's side with OpenSSL, as the developer guide shows it; what comes back
// must be the HMAC that OpenSSL makes with the same key.
func TestImportMaterialWrappedByOpenSSL(t *testing.T) {
	h := newHarness(t)
	r := importRoom(h, testRegion)
	id := r.external(kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecHMAC256), KeyUsage: new(kmsapi.KeyUsageTypeGenerateVerifyMAC)}).KeyId
	p := r.parameters(id, oaep256, "RSA_3072")
	material := randomBytes(32)
	wrapped := openssl(t, material, map[string][]byte{"wrapping.der": p.PublicKey},
		"pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", "wrapping.der",
		"-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256", "-pkeyopt", "rsa_mgf1_md:sha256")
	if _, err := r.ImportKeyMaterial(t.Context(), &kmsapi.ImportKeyMaterialRequest{
		KeyId: id, ImportToken: p.ImportToken, EncryptedKeyMaterial: wrapped, ValidTo: new(h.clock.Now().Add(time.Hour)),
	}); err != nil {
		t.Fatal(err)
	}
	out, err := r.GenerateMac(t.Context(), &kmsapi.GenerateMacRequest{KeyId: id, Message: []byte("message"), MacAlgorithm: new(kmsapi.MacAlgorithmSpecHMACSHA256)})
	want := openssl(t, []byte("message"), nil, "dgst", "-sha256", "-mac", "HMAC", "-macopt", "hexkey:"+hexOf(material), "-binary")
	if !bytes.Equal(must(t, out, err).Mac, want) {
		t.Error("the imported key makes another MAC than OpenSSL")
	}
}

// openssl runs the program in a directory with the files, and returns what it writes.
func openssl(t *testing.T, stdin []byte, files map[string][]byte, args ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(t.Context(), "openssl", args...)
	var stderr bytes.Buffer
	command.Dir, command.Stdin, command.Stderr = dir, bytes.NewReader(stdin), &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("openssl %s: %v: %s", args[0], err, stderr.String())
	}
	return out
}

func TestImportAsymmetricAndHMACKeys(t *testing.T) {
	h := newHarness(t)
	r := importRoom(h, testRegion)
	sign := kmsapi.KeyUsageTypeSignVerify
	for _, c := range []struct {
		spec      keyalg.Spec
		usage     kmsapi.KeyUsageType
		algorithm string
	}{
		{keyalg.RSA2048, sign, "RSASSA_PSS_SHA_256"}, {keyalg.P256, sign, "ECDSA_SHA_256"}, {keyalg.P521, sign, "ECDSA_SHA_512"},
		{keyalg.Secp256k1, sign, "ECDSA_SHA_256"}, {keyalg.HMAC512, kmsapi.KeyUsageTypeGenerateVerifyMAC, "HMAC_SHA_512"},
	} {
		t.Run(string(c.spec), func(t *testing.T) {
			made := r.external(kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpec(c.spec)), KeyUsage: &c.usage})
			theirs := got(keyalg.Generate(c.spec))
			material := got(theirs.Material())
			p := r.parameters(made.KeyId, hybrid, "RSA_3072")
			in := &kmsapi.ImportKeyMaterialRequest{
				KeyId: made.KeyId, ImportToken: p.ImportToken, ExpirationModel: new(kmsapi.ExpirationModelTypeKeyMaterialDoesNotExpire),
				EncryptedKeyMaterial: wrapFor(t, hybrid, p.PublicKey, material),
			}
			if _, err := r.ImportKeyMaterial(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			// What the imported key makes, the original one verifies.
			message := []byte("message")
			if c.spec == keyalg.HMAC512 {
				out, err := r.GenerateMac(t.Context(), &kmsapi.GenerateMacRequest{KeyId: made.KeyId, Message: message, MacAlgorithm: new(kmsapi.MacAlgorithmSpec(c.algorithm))})
				if err := errors.Join(err, theirs.VerifyMAC(keyalg.Algorithm(c.algorithm), message, must(t, out, err).Mac)); err != nil {
					t.Error(err)
				}
			} else {
				out, err := r.Sign(t.Context(), &kmsapi.SignRequest{KeyId: made.KeyId, Message: message, SigningAlgorithm: new(kmsapi.SigningAlgorithmSpec(c.algorithm))})
				if err := errors.Join(err, theirs.Verify(keyalg.Algorithm(c.algorithm), keyalg.Raw, message, must(t, out, err).Signature)); err != nil {
					t.Error(err)
				}
			}
			// The same material comes back after a deletion; no other does.
			if _, err := r.DeleteImportedKeyMaterial(t.Context(), &kmsapi.DeleteImportedKeyMaterialRequest{KeyId: made.KeyId}); err != nil {
				t.Fatal(err)
			}
			if got := *r.describe(made.KeyId).KeyState; got != kmsapi.KeyStatePendingImport {
				t.Errorf("state %s", got)
			}
			other := got(got(keyalg.Generate(c.spec)).Material())
			wrong := *in
			wrong.EncryptedKeyMaterial = wrapFor(t, hybrid, p.PublicKey, other)
			_, err := r.ImportKeyMaterial(t.Context(), &wrong)
			wantsCode(t, err, "IncorrectKeyMaterialException")
			typed := *in
			typed.ImportType = new(kmsapi.ImportTypeExistingKeyMaterial)
			_, err = r.ImportKeyMaterial(t.Context(), &typed)
			wantsCode(t, err, "UnsupportedOperationException")
			if _, err := r.ImportKeyMaterial(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			if got := *r.describe(made.KeyId).KeyState; got != kmsapi.KeyStateEnabled {
				t.Errorf("state %s", got)
			}
		})
	}
}

func TestImportRefusesMaterialThatIsNotTheKeys(t *testing.T) {
	h := newHarness(t)
	r := importRoom(h, testRegion)
	symmetric := r.external(kmsapi.CreateKeyRequest{})
	p256 := r.external(kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecECCNISTP256), KeyUsage: new(kmsapi.KeyUsageTypeSignVerify)})
	rsa3072 := r.external(kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecRSA3072), KeyUsage: new(kmsapi.KeyUsageTypeSignVerify)})
	pkcs8 := func(spec keyalg.Spec) []byte {
		return got(got(keyalg.Generate(spec)).MarshalPKCS8())
	}
	truncated := pkcs8(keyalg.P256)
	for name, c := range map[string]struct {
		key      *kmsapi.KeyMetadata
		material []byte
	}{
		"short":             {symmetric, randomBytes(31)},
		"long":              {symmetric, randomBytes(33)},
		"another curve":     {p256, pkcs8(keyalg.P384)},
		"not a PKCS #8":     {p256, randomBytes(32)},
		"truncated PKCS #8": {p256, truncated[:len(truncated)-1]},
		"another modulus":   {rsa3072, pkcs8(keyalg.RSA2048)},
		"EC for RSA":        {rsa3072, append(pkcs8(keyalg.P256), make([]byte, 100)...)},
	} {
		p := r.parameters(c.key.KeyId, hybrid, "RSA_2048")
		_, err := r.ImportKeyMaterial(t.Context(), &kmsapi.ImportKeyMaterialRequest{
			KeyId: c.key.KeyId, ImportToken: p.ImportToken, ExpirationModel: new(kmsapi.ExpirationModelTypeKeyMaterialDoesNotExpire),
			EncryptedKeyMaterial: wrapFor(t, hybrid, p.PublicKey, c.material),
		})
		if codeOf(err) != "IncorrectKeyMaterialException" {
			t.Errorf("%s: %v", name, err)
		}
		if got := *r.describe(c.key.KeyId).KeyState; got != kmsapi.KeyStatePendingImport {
			t.Errorf("%s: state %s", name, got)
		}
	}
}

func TestImportTokenIsForOneKeyAndADay(t *testing.T) {
	h := newHarness(t)
	r := importRoom(h, testRegion)
	key, other := r.external(kmsapi.CreateKeyRequest{}), r.external(kmsapi.CreateKeyRequest{})
	p, q := r.parameters(key.KeyId, oaep256, "RSA_2048"), r.parameters(key.KeyId, hybrid, "RSA_3072")
	attempt := func(k *kmsapi.KeyMetadata, token, wrapped []byte) error {
		_, err := r.ImportKeyMaterial(t.Context(), &kmsapi.ImportKeyMaterialRequest{
			KeyId: k.KeyId, ImportToken: token, EncryptedKeyMaterial: wrapped, ExpirationModel: new(kmsapi.ExpirationModelTypeKeyMaterialDoesNotExpire),
		})
		return err
	}
	wrapped := wrapFor(t, oaep256, p.PublicKey, randomBytes(32))
	wantsCode(t, attempt(other, p.ImportToken, wrapped), "InvalidImportTokenException")
	flipped := bytes.Clone(p.ImportToken)
	flipped[len(flipped)/2] ^= 1
	for name, token := range map[string][]byte{"flipped": flipped, "garbage": []byte("garbage"), "one byte": {0}, "cut": p.ImportToken[:100]} {
		if err := attempt(key, token, wrapped); codeOf(err) != "InvalidImportTokenException" {
			t.Errorf("%s: %v", name, err)
		}
	}
	broken := bytes.Clone(wrapped)
	broken[7] ^= 1
	for name, w := range map[string][]byte{"another wrapping key's": wrapFor(t, hybrid, q.PublicKey, randomBytes(32)), "flipped": broken, "short": wrapped[1:], "one byte": {1}} {
		if err := attempt(key, p.ImportToken, w); codeOf(err) != "InvalidCiphertextException" || err.Error() != "InvalidCiphertextException" {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.clock.Advance(24 * time.Hour)
	if err := attempt(key, p.ImportToken, wrapped); err != nil {
		t.Errorf("at the end of its life: %v", err)
	}
	h.clock.Advance(time.Second)
	wantsCode(t, attempt(key, p.ImportToken, wrapped), "ExpiredImportTokenException")
}

func TestGetParametersForImportRefusals(t *testing.T) {
	h := newHarness(t)
	r := importRoom(h, testRegion)
	ours := r.create(&kmsapi.CreateKeyRequest{})
	symmetric := r.external(kmsapi.CreateKeyRequest{})
	rsaKey := r.external(kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecRSA2048), KeyUsage: new(kmsapi.KeyUsageTypeSignVerify)})
	p521 := r.external(kmsapi.CreateKeyRequest{KeySpec: new(kmsapi.KeySpecECCNISTP521), KeyUsage: new(kmsapi.KeyUsageTypeSignVerify)})
	for _, c := range []struct {
		key             *kmsapi.KeyMetadata
		algorithm, spec string
		message         string
	}{
		{ours, oaep256, "RSA_2048", *ours.Arn + " origin is AWS_KMS which is not valid for this operation."},
		{symmetric, "RSAES_PKCS1_V1_5", "RSA_2048", "WrappingAlgorithm RSAES_PKCS1_V1_5 is not supported."},
		{symmetric, "SM2PKE", "RSA_2048", "WrappingAlgorithm SM2PKE and WrappingKeySpec RSA_2048 cannot wrap key material for KeySpec SYMMETRIC_DEFAULT."},
		{rsaKey, oaep256, "RSA_4096", "WrappingAlgorithm RSAES_OAEP_SHA_256 and WrappingKeySpec RSA_4096 cannot wrap key material for KeySpec RSA_2048."},
		{p521, oaep256, "RSA_2048", "WrappingAlgorithm RSAES_OAEP_SHA_256 and WrappingKeySpec RSA_2048 cannot wrap key material for KeySpec ECC_NIST_P521."},
	} {
		_, err := r.GetParametersForImport(t.Context(), &kmsapi.GetParametersForImportRequest{
			KeyId: c.key.KeyId, WrappingAlgorithm: new(kmsapi.AlgorithmSpec(c.algorithm)), WrappingKeySpec: new(kmsapi.WrappingKeySpec(c.spec)),
		})
		wants(t, err, "UnsupportedOperationException", c.message)
	}
	for _, f := range []func() error{
		func() error {
			_, err := r.ImportKeyMaterial(t.Context(), &kmsapi.ImportKeyMaterialRequest{KeyId: ours.KeyId, ImportToken: []byte("x"), EncryptedKeyMaterial: []byte("x")})
			return err
		},
		func() error {
			_, err := r.DeleteImportedKeyMaterial(t.Context(), &kmsapi.DeleteImportedKeyMaterialRequest{KeyId: ours.KeyId})
			return err
		},
	} {
		wants(t, f(), "UnsupportedOperationException", *ours.Arn+" origin is AWS_KMS which is not valid for this operation.")
	}
}

func TestImportExpirationRules(t *testing.T) {
	h := newHarness(t)
	r := importRoom(h, testRegion)
	id := r.external(kmsapi.CreateKeyRequest{}).KeyId
	now := h.clock.Now()
	never, expires := kmsapi.ExpirationModelTypeKeyMaterialDoesNotExpire, kmsapi.ExpirationModelTypeKeyMaterialExpires
	p := r.parameters(id, oaep256, "RSA_2048")
	for name, in := range map[string]kmsapi.ImportKeyMaterialRequest{
		"nothing":              {},
		"expires without date": {ExpirationModel: &expires},
		"date without expiry":  {ExpirationModel: &never, ValidTo: new(now.Add(time.Hour))},
		"past":                 {ValidTo: new(now.Add(-time.Second))},
		"now":                  {ValidTo: new(now)},
		"too far":              {ExpirationModel: &expires, ValidTo: new(now.AddDate(0, 0, 365).Add(time.Second))},
		"id of new material":   {ExpirationModel: &never, ImportType: new(kmsapi.ImportTypeNewKeyMaterial), KeyMaterialId: new(strings.Repeat("0", 64))},
	} {
		in.KeyId, in.ImportToken, in.EncryptedKeyMaterial = id, p.ImportToken, []byte("x")
		if _, err := r.ImportKeyMaterial(t.Context(), &in); codeOf(err) != "ValidationException" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestExpiredMaterialIsDestroyed(t *testing.T) {
	h := newHarness(t)
	r := importRoom(h, testRegion)
	id := r.external(kmsapi.CreateKeyRequest{}).KeyId
	material := randomBytes(32)
	m := r.mustImport(id, material, kmsapi.ImportKeyMaterialRequest{ValidTo: new(h.clock.Now().Add(time.Hour))})
	blob := r.encrypt(id, "x")
	before := h.material(testRegion, *id, m)
	h.clock.Advance(time.Hour - time.Second)
	h.runJobs()
	r.decrypts(blob, "x")
	h.clock.Advance(time.Second)
	h.runJobs()
	if got := r.describe(id); *got.KeyState != kmsapi.KeyStatePendingImport || got.ValidTo != nil || got.ExpirationModel != nil {
		t.Errorf("after the expiry: %+v", got)
	}
	_, err := r.Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: blob})
	wants(t, err, "KMSInvalidStateException", *r.describe(id).Arn+" is pending import.")
	// A copy of the record from before opens nothing.
	if err := h.service.unwrap(t.Context(), before, func([]byte) error { return nil }); !errors.Is(err, keyslot.ErrGone) {
		t.Errorf("the material of an old copy of the record: %v", err)
	}
	if all := r.materials(id); len(all) != 1 || *all[0].ImportState != kmsapi.ImportStatePendingImport || all[0].ValidTo != nil {
		t.Errorf("materials: %+v", all)
	}
	if events := h.events(testRegion, "DeleteExpiredKeyMaterial"); len(events) != 1 || events[0]["serviceEventDetails"].(map[string]any)["keyId"] != *id {
		t.Errorf("events: %v", events)
	}
	// The same material brings the blob back, now for good.
	if got := r.mustImport(id, material, kmsapi.ImportKeyMaterialRequest{}); got != m {
		t.Errorf("material %s, was %s", got, m)
	}
	r.decrypts(blob, "x")
	h.after(400)
	r.decrypts(blob, "x")
}

func TestRunnerDeletesMaterialAtItsTime(t *testing.T) {
	h := newHarness(t)
	r := importRoom(h, testRegion)
	id := r.external(kmsapi.CreateKeyRequest{}).KeyId
	r.mustImport(id, randomBytes(32), kmsapi.ImportKeyMaterialRequest{ValidTo: new(h.clock.Now().Add(time.Hour))})
	runner, err := due.NewRunner(h.store, h.queue, h.service.JobHandlers(), due.Options{Clock: h.clock})
	if err != nil {
		t.Fatal(err)
	}
	var rev store.Revision
	if err := h.store.View(t.Context(), func(rd store.Reader) error { rev = rd.Revision(); return nil }); err != nil {
		t.Fatal(err)
	}
	watch, err := h.store.Watch(t.Context(), h.service.tables.keys.Key(regional(testRegion)), rev)
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	h.clock.Advance(time.Hour)
	if _, err := watch.Next(t.Context()); err != nil { // the key changes
		t.Fatal(err)
	}
	if got := *r.describe(id).KeyState; got != kmsapi.KeyStatePendingImport {
		t.Errorf("state %s", got)
	}
}

// material reads a material's record.
func (h *harness) material(region, key, id string) (m *materialRecord) {
	h.Helper()
	if err := h.store.View(h.Context(), func(r store.Reader) (err error) {
		m, err = h.service.tables.material(r, keyName{testAccount, region, key}, id)
		return err
	}); err != nil {
		h.Fatal(err)
	}
	return m
}

func TestReimportChangesTheExpiration(t *testing.T) {
	h := newHarness(t)
	r := importRoom(h, testRegion)
	id := r.external(kmsapi.CreateKeyRequest{}).KeyId
	material := randomBytes(32)
	r.mustImport(id, material, kmsapi.ImportKeyMaterialRequest{ValidTo: new(h.clock.Now().Add(time.Hour)), KeyMaterialDescription: new("from the safe")})
	r.mustImport(id, material, kmsapi.ImportKeyMaterialRequest{ValidTo: new(h.clock.Now().Add(48 * time.Hour))})
	h.after(1)
	if all := r.materials(id); *r.describe(id).KeyState != kmsapi.KeyStateEnabled || *all[0].KeyMaterialDescription != "from the safe" {
		t.Errorf("materials: %+v", all)
	}
	h.after(1)
	if got := *r.describe(id).KeyState; got != kmsapi.KeyStatePendingImport {
		t.Errorf("state %s", got)
	}
}

func TestImportedKeyRotatesToWaitingMaterial(t *testing.T) {
	h := newHarness(t)
	r := importRoom(h, testRegion)
	made := r.external(kmsapi.CreateKeyRequest{})
	id := made.KeyId
	fresh := kmsapi.ImportKeyMaterialRequest{ImportType: new(kmsapi.ImportTypeNewKeyMaterial)}
	m1, m2, m3 := randomBytes(32), randomBytes(32), randomBytes(32)
	first := r.mustImport(id, m1, kmsapi.ImportKeyMaterialRequest{})
	old := r.encrypt(id, "old")

	_, err := r.RotateKeyOnDemand(t.Context(), &kmsapi.RotateKeyOnDemandRequest{KeyId: id})
	wants(t, err, "KMSInvalidStateException", "No available key material pending rotation for the key: "+*made.Arn+".")
	_, err = r.tryImport(id, m2, kmsapi.ImportKeyMaterialRequest{}) // EXISTING by default now
	wantsCode(t, err, "IncorrectKeyMaterialException")
	_, err = r.tryImport(id, m1, fresh)
	wantsCode(t, err, "IncorrectKeyMaterialException")
	_, err = r.tryImport(id, m1, kmsapi.ImportKeyMaterialRequest{KeyMaterialId: new(strings.Repeat("0", 64))})
	wantsCode(t, err, "IncorrectKeyMaterialException")

	second := r.mustImport(id, m2, fresh)
	if all := r.materials(id); len(all) != 2 || *all[1].KeyMaterialState != kmsapi.KeyMaterialStatePendingRotation || all[1].RotationDate != nil {
		t.Fatalf("materials: %+v", all)
	}
	_, err = r.tryImport(id, m3, fresh)
	if codeOf(err) != "KMSInvalidStateException" || !strings.Contains(err.Error(), "cannot be imported into KMS key "+*made.Arn+", because another key material (id: "+second+") is pending rotation.") {
		t.Errorf("a third material: %v", err)
	}
	if got := r.decrypts(r.encrypt(id, "x"), "x"); got != first {
		t.Error("waiting material is in use")
	}
	// Waiting material does not belong to the key: deleting it changes nothing else.
	if _, err := r.DeleteImportedKeyMaterial(t.Context(), &kmsapi.DeleteImportedKeyMaterialRequest{KeyId: id, KeyMaterialId: &second}); err != nil {
		t.Fatal(err)
	}
	if n := len(r.materials(id)); n != 1 || *r.describe(id).KeyState != kmsapi.KeyStateEnabled {
		t.Errorf("%d materials", n)
	}
	r.mustImport(id, m2, fresh)
	if _, err := r.RotateKeyOnDemand(t.Context(), &kmsapi.RotateKeyOnDemandRequest{KeyId: id}); err != nil {
		t.Fatal(err)
	}
	young := r.encrypt(id, "young")
	if r.decrypts(young, "young") != second || r.decrypts(old, "old") != first {
		t.Error("blobs were opened by the wrong materials")
	}
	all := r.materials(id)
	if *all[0].KeyMaterialState != kmsapi.KeyMaterialStateNonCurrent || *all[1].KeyMaterialState != kmsapi.KeyMaterialStateCurrent || *all[1].RotationType != kmsapi.RotationTypeOnDemand {
		t.Errorf("materials: %+v", all)
	}
	// With any material of the key gone, the key is of no use, whatever the blob needs.
	if _, err := r.DeleteImportedKeyMaterial(t.Context(), &kmsapi.DeleteImportedKeyMaterialRequest{KeyId: id, KeyMaterialId: &first}); err != nil {
		t.Fatal(err)
	}
	for _, blob := range [][]byte{old, young} {
		_, err := r.Decrypt(t.Context(), &kmsapi.DecryptRequest{CiphertextBlob: blob})
		wantsCode(t, err, "KMSInvalidStateException")
	}
	if _, err := r.DeleteImportedKeyMaterial(t.Context(), &kmsapi.DeleteImportedKeyMaterialRequest{KeyId: id}); err != nil {
		t.Fatal(err) // the current one
	}
	r.mustImport(id, m1, kmsapi.ImportKeyMaterialRequest{KeyMaterialId: &first})
	if got := *r.describe(id).KeyState; got != kmsapi.KeyStatePendingImport {
		t.Errorf("state %s with one of two materials", got)
	}
	r.mustImport(id, m2, kmsapi.ImportKeyMaterialRequest{})
	r.decrypts(old, "old")
	r.decrypts(young, "young")
	_, err = r.DeleteImportedKeyMaterial(t.Context(), &kmsapi.DeleteImportedKeyMaterialRequest{KeyId: id, KeyMaterialId: new(strings.Repeat("0", 64))})
	wantsCode(t, err, "NotFoundException")
}

func TestMaterialIDsDependOnTheKey(t *testing.T) {
	h := newHarness(t)
	r := importRoom(h, testRegion)
	material := randomBytes(32)
	a, b := r.external(kmsapi.CreateKeyRequest{}), r.external(kmsapi.CreateKeyRequest{})
	if r.mustImport(a.KeyId, material, kmsapi.ImportKeyMaterialRequest{}) == r.mustImport(b.KeyId, material, kmsapi.ImportKeyMaterialRequest{}) {
		t.Error("two keys share the id of a material")
	}
}

func TestDeletingMaterialWhileDeletionIsPendingKeepsTheState(t *testing.T) {
	h := newHarness(t)
	r := importRoom(h, testRegion)
	made := r.external(kmsapi.CreateKeyRequest{})
	r.mustImport(made.KeyId, randomBytes(32), kmsapi.ImportKeyMaterialRequest{})
	h.force(made, kmsapi.KeyStatePendingDeletion)
	if _, err := r.DeleteImportedKeyMaterial(t.Context(), &kmsapi.DeleteImportedKeyMaterialRequest{KeyId: made.KeyId}); err != nil {
		t.Fatal(err)
	}
	if got := *r.describe(made.KeyId).KeyState; got != kmsapi.KeyStatePendingDeletion {
		t.Errorf("state %s", got)
	}
}

var _ KeyPool = (*keypool.Pool[keyalg.Spec, *keyalg.Key])(nil)

// onePool has one key.
type onePool struct{ key *keyalg.Key }

func (p *onePool) Take(spec keyalg.Spec) (*keyalg.Key, bool) {
	k := p.key
	if k == nil || k.Spec() != spec {
		return nil, false
	}
	p.key = nil
	return k, true
}

func TestKeysComeFromThePoolWhileItHasAny(t *testing.T) {
	h := newHarness(t)
	k := got(keyalg.Generate(keyalg.P256))
	want := got(k.PublicKeySPKI())
	h.service.pool = &onePool{k}
	r := h.in(testRegion)
	public := func(spec kmsapi.KeySpec) []byte {
		id := r.create(&kmsapi.CreateKeyRequest{KeySpec: &spec, KeyUsage: new(kmsapi.KeyUsageTypeSignVerify)}).KeyId
		out, err := r.GetPublicKey(t.Context(), &kmsapi.GetPublicKeyRequest{KeyId: id})
		return must(t, out, err).PublicKey
	}
	public(kmsapi.KeySpecECCNISTP384) // a kind that the pool does not hold
	if !bytes.Equal(public(kmsapi.KeySpecECCNISTP256), want) {
		t.Error("the key is not the pool's")
	}
	if bytes.Equal(public(kmsapi.KeySpecECCNISTP256), want) {
		t.Error("the pool's key was used twice")
	}
}

// got is for calls that fail only when a test is wrong; it panics then.
func got[V any](v V, err error) V {
	if err != nil {
		panic(err)
	}
	return v
}
