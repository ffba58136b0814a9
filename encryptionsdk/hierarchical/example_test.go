package hierarchical_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"fastness/encryptionsdk"
	"fastness/encryptionsdk/hierarchical"
)

// A branch key for each tenant, in a directory, under a key that the program holds. With
// NewKMSProtector they are under a key of AWS KMS.
func ExampleNew() {
	dir, err := os.MkdirTemp("", "branch-keys-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	items, err := hierarchical.NewDirItems(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	key := make([]byte, 32)
	rand.Read(key)
	protector, err := hierarchical.NewAESProtector("local key", key)
	if err != nil {
		fmt.Println(err)
		return
	}
	store, err := hierarchical.NewKeyStore("tenants", items, protector, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	if err := store.Create(ctx, "tenant-1", nil); err != nil {
		fmt.Println(err)
		return
	}
	keyring, err := hierarchical.New(store, hierarchical.Options{
		TTL: 10 * time.Minute,
		Supplier: func(ec encryptionsdk.EncryptionContext) (string, error) {
			if ec["tenant"] == "" {
				return "", errors.New("the encryption context names no tenant")
			}
			return "tenant-" + ec["tenant"], nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer keyring.Close()

	message, _, err := encryptionsdk.Encrypt(ctx, []byte("attack at dawn"), encryptionsdk.EncryptOptions{
		Keyring:           keyring,
		EncryptionContext: encryptionsdk.EncryptionContext{"tenant": "1"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := store.Rotate(ctx, "tenant-1"); err != nil { // older messages still open
		fmt.Println(err)
		return
	}
	plaintext, _, err := encryptionsdk.Decrypt(ctx, message, encryptionsdk.DecryptOptions{Keyring: keyring})
	fmt.Println(string(plaintext), err)
	// Output: attack at dawn <nil>
}
