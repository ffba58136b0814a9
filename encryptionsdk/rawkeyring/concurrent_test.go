package rawkeyring

import (
	"bytes"
	"crypto/ecdh"
	"sync"
	"testing"

	"fastness/encryptionsdk"
)

// One keyring of each kind serves 64 goroutines; the race detector watches.
func TestKeyringsAreSharedByManyGoroutines(t *testing.T) {
	aes, err := NewAES("namespace", "name", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	key := rsaKey(t)
	peer := ecdhKey(t, ecdh.P256())
	for name, k := range map[string]encryptionsdk.Keyring{
		"AES":   aes,
		"PKCS1": newRSA(t, "name", PKCS1, &key.PublicKey, key),
		"OAEP":  newRSA(t, "name", OAEPSHA256, &key.PublicKey, key),
		"ECDH":  ring(t)(NewECDHStatic(ecdhKey(t, ecdh.P256()), peer.PublicKey())),
	} {
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				for range 3 {
					m := materials(32, encryptionsdk.EncryptionContext{"a": "b"})
					if err := k.OnEncrypt(t.Context(), m); err != nil {
						t.Error(err)
						return
					}
					d := &encryptionsdk.DecryptionMaterials{Suite: m.Suite, EncryptionContext: m.EncryptionContext}
					if err := k.OnDecrypt(t.Context(), d, m.EncryptedDataKeys); err != nil || !bytes.Equal(d.PlaintextDataKey, m.PlaintextDataKey) {
						t.Errorf("%s: %v", name, err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
}
