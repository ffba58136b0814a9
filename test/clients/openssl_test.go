package clients

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// opensslVerify are the arguments by which openssl verifies the file "message" against
// the file "signature" under the key "public.der", for each signing algorithm.
func opensslVerify(algorithm types.SigningAlgorithmSpec, openssl string, t *testing.T) []string {
	t.Helper()
	name := string(algorithm)
	sha := "-sha" + name[strings.LastIndexByte(name, '_')+1:]
	dgst := []string{"dgst", sha, "-keyform", "DER", "-verify", "public.der", "-signature", "signature"}
	raw := []string{"pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "public.der", "-sigfile", "signature", "-rawin", "-in", "message"}
	switch {
	case strings.HasPrefix(name, "RSASSA_PSS"):
		return append(dgst, "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest", "message")
	case strings.HasPrefix(name, "RSASSA"), strings.HasPrefix(name, "ECDSA"):
		return append(dgst, "message")
	case algorithm == types.SigningAlgorithmSpecEd25519Sha512:
		return raw
	case algorithm == types.SigningAlgorithmSpecSm2dsa:
		return append(raw, "-digest", "sm3", "-pkeyopt", "distid:1234567812345678")
	case algorithm == types.SigningAlgorithmSpecMlDsaShake256 && strings.Contains(succeed(t, "", os.Environ(), openssl, "list", "-signature-algorithms"), "ML-DSA"):
		return raw
	}
	return nil
}

// TestOpenSSLVerifies has openssl verify a signature of every algorithm it knows, and
// reject it for another message.
func TestOpenSSLVerifies(t *testing.T) {
	openssl := need(t, "openssl")
	client, ctx := kmsClient(), t.Context()
	verified := 0
	for _, name := range must[*kmsModel](t)(loadModel()).Shapes["KeySpec"].Enum {
		spec := types.KeySpec(name)
		if spec == types.KeySpecSymmetricDefault || strings.HasPrefix(name, "HMAC") {
			continue
		}
		k := must[*kms.CreateKeyOutput](t)(client.CreateKey(ctx, &kms.CreateKeyInput{KeySpec: spec, KeyUsage: types.KeyUsageTypeSignVerify})).KeyMetadata
		public := must[*kms.GetPublicKeyOutput](t)(client.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: k.KeyId})).PublicKey
		for _, algorithm := range k.SigningAlgorithms {
			arguments := opensslVerify(algorithm, openssl, t)
			if arguments == nil {
				t.Logf("this openssl does not know %s", algorithm)
				continue
			}
			signature := must[*kms.SignOutput](t)(client.Sign(ctx, &kms.SignInput{KeyId: k.KeyId, Message: message, SigningAlgorithm: algorithm})).Signature
			dir := t.TempDir()
			for file, content := range map[string][]byte{"public.der": public, "signature": signature, "message": message} {
				if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			succeed(t, dir, os.Environ(), openssl, arguments...)
			if err := os.WriteFile(filepath.Join(dir, "message"), []byte("attack at noon"), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, _, err := execute(t, dir, os.Environ(), openssl, arguments...); err == nil {
				t.Errorf("%s %s: openssl verifies another message too", name, algorithm)
			}
			verified++
		}
	}
	// Six of RSA for each of three sizes, four of ECDSA, Ed25519 and SM2.
	if verified < 24 {
		t.Errorf("openssl verified only %d algorithms", verified)
	}
}

// TestOpenSSLEncrypts decrypts what openssl encrypted under a public key.
func TestOpenSSLEncrypts(t *testing.T) {
	openssl := need(t, "openssl")
	client, ctx, dir := kmsClient(), t.Context(), t.TempDir()
	k := createKey(t, &kms.CreateKeyInput{KeySpec: types.KeySpecRsa2048, KeyUsage: types.KeyUsageTypeEncryptDecrypt})
	public := must[*kms.GetPublicKeyOutput](t)(client.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: &k.id})).PublicKey
	for file, content := range map[string][]byte{"public.der": public, "message": message} {
		if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for hash, algorithm := range map[string]types.EncryptionAlgorithmSpec{
		"sha1": types.EncryptionAlgorithmSpecRsaesOaepSha1, "sha256": types.EncryptionAlgorithmSpecRsaesOaepSha256,
	} {
		succeed(t, dir, os.Environ(), openssl, "pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", "public.der", "-in", "message", "-out", "cipher",
			"-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:"+hash, "-pkeyopt", "rsa_mgf1_md:"+hash)
		cipher := must[[]byte](t)(os.ReadFile(filepath.Join(dir, "cipher")))
		out := must[*kms.DecryptOutput](t)(client.Decrypt(ctx, &kms.DecryptInput{KeyId: &k.id, CiphertextBlob: cipher, EncryptionAlgorithm: algorithm}))
		if !bytes.Equal(out.Plaintext, message) {
			t.Errorf("%s: decrypted %q", algorithm, out.Plaintext)
		}
	}
}
