package wire_test

import (
	"bytes"
	"testing"

	"fastness/internal/api/kmsapi"
	"fastness/internal/wire"
)

func TestWipeClearsSensitiveBlobsOnly(t *testing.T) {
	out := &kmsapi.GenerateDataKeyResponse{CiphertextBlob: []byte("ciphertext"), Plaintext: []byte("a key")}
	secret := out.Plaintext
	wire.Wipe(kmsapi.API.Operation("GenerateDataKey").Output(), wire.PointerOf(out))
	if !bytes.Equal(secret, make([]byte, len(secret))) {
		t.Errorf("the plaintext is still %q", secret)
	}
	if string(out.CiphertextBlob) != "ciphertext" {
		t.Error("the ciphertext is gone")
	}
	in := &kmsapi.EncryptRequest{Plaintext: []byte("a key")}
	secret = in.Plaintext
	wire.Wipe(kmsapi.API.Operation("Encrypt").Input(), wire.PointerOf(in))
	if !bytes.Equal(secret, make([]byte, len(secret))) {
		t.Errorf("the input is still %q", secret)
	}
	wire.Wipe(nil, nil)
}
