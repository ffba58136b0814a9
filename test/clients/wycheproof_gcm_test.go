package clients

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// TestWycheproofAESGCM runs the AES-GCM vectors as far as the API reaches. KMS has no
// operation that takes a nonce or an AES ciphertext of others, and encrypts each
// message under a key of its own, by Go's implementation. Here every message of the vectors, with its
// additional data as the encryption context, must come back from a blob, and a blob
// whose tag is changed as a vector changes it must not.
func TestWycheproofAESGCM(t *testing.T) {
	var c tally
	defer c.report(t)
	client, ctx := kmsClient(), t.Context()
	k := sharedKey(t, external, enabled)
	for _, g := range vectors(t, "aes_gcm_test.json") {
		if g.TagSize != 128 || g.IVSize != 96 {
			c.left += len(g.Tests)
			continue
		}
		for _, v := range g.Tests {
			if len(v.Msg) == 0 {
				c.left++ // the API has no empty plaintexts
				continue
			}
			encryptionContext := map[string]string{"aad": "hex:" + hex.EncodeToString(v.AAD)}
			blob := must[*kms.EncryptOutput](t)(client.Encrypt(ctx, &kms.EncryptInput{KeyId: &k.id, Plaintext: v.Msg, EncryptionContext: encryptionContext})).CiphertextBlob
			for i, change := range tagChange(t, &v) {
				blob[len(blob)-g.TagSize/8+i] ^= change
			}
			out, err := client.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: encryptionContext})
			if err == nil && !bytes.Equal(out.Plaintext, v.Msg) {
				t.Errorf("tcId %d: decrypted to something else", v.ID)
			} else if err != nil && code(err) != "InvalidCiphertextException" {
				t.Fatalf("tcId %d: %v", v.ID, err)
			}
			c.judge(t, &v, v.Result, err == nil)
		}
	}
}

// tagChange is the difference between a vector's tag and the right one.
func tagChange(t *testing.T, v *wycheproofCase) []byte {
	t.Helper()
	gcm := must[cipher.AEAD](t)(cipher.NewGCM(must[cipher.Block](t)(aes.NewCipher(v.Key))))
	sealed := gcm.Seal(nil, v.IV, v.Msg, v.AAD)
	right := sealed[len(sealed)-gcm.Overhead():]
	change := make([]byte, len(right))
	for i := range change {
		change[i] = right[i] ^ v.Tag[i]
	}
	return change
}
