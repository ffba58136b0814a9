package encryptionsdk

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha512"
	"errors"
	"testing"

	"fastness/encryptionsdk"
	"fastness/encryptionsdk/rawkeyring"
	"fastness/test/encryptionsdk/official"
)

// overheard is a keyring that remembers the data key.
type overheard struct {
	encryptionsdk.Keyring
	key []byte
}

func (o *overheard) OnEncrypt(ctx context.Context, m *encryptionsdk.EncryptionMaterials) error {
	err := o.Keyring.OnEncrypt(ctx, m)
	o.key = bytes.Clone(m.PlaintextDataKey)
	return err
}

// TestNetV400Retry makes a message as AWS's .NET library 4.0.0 did, which no published set
// of vectors has: the header's tag covers two zero bytes behind the header, an empty context
// of required pairs. AWS's library, which allows the retry unless told otherwise, judges
// whether that is the fault.
func TestNetV400Retry(t *testing.T) {
	lib := must(official.New())(t)
	key := make([]byte, 32)
	rand.Read(key)
	ours := &overheard{Keyring: must(rawkeyring.NewAES("interop", "net", key))(t)}
	theirs := must(lib.AES(t.Context(), "interop", "net", key))(t)
	plain := []byte("written by a faulty library")
	message, h, err := encryptionsdk.Encrypt(t.Context(), plain, encryptionsdk.EncryptOptions{Keyring: ours, Suite: 0x0478})
	if err != nil {
		t.Fatal(err)
	}
	prk := must(hkdf.Extract(sha512.New, ours.key, h.MessageID))(t)
	derived := must(hkdf.Expand(sha512.New, prk, "\x04\x78DERIVEKEY", 32))(t)
	aead := must(cipher.NewGCM(must(aes.NewCipher(derived))(t)))(t)
	body := message[:h.Length-len(h.AuthTag)]
	copy(message[len(body):], aead.Seal(nil, make([]byte, aead.NonceSize()), nil, append(bytes.Clone(body), 0, 0)))

	got, err := lib.Decrypt(t.Context(), message, true, nil, theirs)
	if err != nil || !bytes.Equal(got, plain) {
		t.Errorf("AWS's library: %v", err)
	}
	got, _, err = encryptionsdk.Decrypt(t.Context(), message, encryptionsdk.DecryptOptions{Keyring: ours})
	if err != nil || !bytes.Equal(got, plain) {
		t.Errorf("allowed: %v", err)
	}
	o := encryptionsdk.DecryptOptions{Keyring: ours, NetV400Retry: encryptionsdk.ForbidNetV400Retry}
	if got, _, err := encryptionsdk.Decrypt(t.Context(), message, o); !errors.Is(err, encryptionsdk.ErrHeaderAuthentication) || got != nil {
		t.Errorf("forbidden: %v", err)
	}
}
