package rawkeyring_test

import (
	"context"
	"crypto/rand"
	"fmt"

	"fastness/encryptionsdk"
	"fastness/encryptionsdk/rawkeyring"
)

func ExampleNewAES() {
	key := make([]byte, 32)
	rand.Read(key)
	keyring, err := rawkeyring.NewAES("my company", "archive 2026", key)
	clear(key)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer keyring.Close()

	ctx := context.Background()
	message, _, err := encryptionsdk.Encrypt(ctx, []byte("attack at dawn"), encryptionsdk.EncryptOptions{
		Keyring:           keyring,
		EncryptionContext: encryptionsdk.EncryptionContext{"purpose": "example"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	plaintext, header, err := encryptionsdk.Decrypt(ctx, message, encryptionsdk.DecryptOptions{Keyring: keyring})
	fmt.Println(string(plaintext), header.EncryptionContext["purpose"], err)
	// Output: attack at dawn example <nil>
}
