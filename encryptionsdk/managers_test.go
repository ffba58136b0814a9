package encryptionsdk_test

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"fastness/encryptionsdk"
)

// asked counts the calls that reach a manager.
type asked struct {
	encryptionsdk.MaterialsManager
	encrypts, decrypts atomic.Int32
}

func (a *asked) EncryptionMaterials(ctx context.Context, r *encryptionsdk.EncryptionRequest) (*encryptionsdk.EncryptionMaterials, error) {
	a.encrypts.Add(1)
	return a.MaterialsManager.EncryptionMaterials(ctx, r)
}

func (a *asked) DecryptionMaterials(ctx context.Context, r *encryptionsdk.DecryptionRequest) (*encryptionsdk.DecryptionMaterials, error) {
	a.decrypts.Add(1)
	return a.MaterialsManager.DecryptionMaterials(ctx, r)
}

// Messages under one cached data key are whole messages: they open with and without a
// cache, and differ.
func TestMessagesUnderCachedMaterials(t *testing.T) {
	for _, id := range []encryptionsdk.SuiteID{encryptionsdk.SuiteAES256GCMHKDFSHA512CommitKeyECDSAP384, encryptionsdk.SuiteAES256GCMHKDFSHA512CommitKey} {
		below := &asked{MaterialsManager: encryptionsdk.NewDefaultManager(aesKeyring(t, "a"))}
		c := caching(t, below, encryptionsdk.CachingOptions{Capacity: 10, MaxAge: time.Hour})
		o := encryptionsdk.EncryptOptions{Manager: c, Suite: id, EncryptionContext: encryptionsdk.EncryptionContext{"a": "b"}}
		var messages [][]byte
		for range 3 {
			message, _, err := encryptionsdk.Encrypt(t.Context(), []byte("plaintext"), o)
			if err != nil {
				t.Fatal(err)
			}
			messages = append(messages, message)
		}
		if below.encrypts.Load() != 1 || bytes.Equal(messages[0], messages[1]) {
			t.Errorf("%v: %d data keys", id, below.encrypts.Load())
		}
		for _, manager := range []encryptionsdk.MaterialsManager{c, c, encryptionsdk.NewDefaultManager(aesKeyring(t, "a"))} {
			for _, message := range messages {
				got, _, err := encryptionsdk.Decrypt(t.Context(), message, encryptionsdk.DecryptOptions{Manager: manager})
				if err != nil || string(got) != "plaintext" {
					t.Fatalf("%v: %v", id, err)
				}
			}
		}
		if below.decrypts.Load() != 1 {
			t.Errorf("%v: %d calls to decrypt", id, below.decrypts.Load())
		}
		// A stream of unknown length gets a data key of its own.
		var stream bytes.Buffer
		w, err := encryptionsdk.NewEncrypter(t.Context(), &stream, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if below.encrypts.Load() != 2 {
			t.Errorf("%v: a message of unknown length used a cached data key", id)
		}
	}
}

// Caching on top of required context and the other way around: the required key is in no
// message, and who does not know its value reads none.
func TestManagersStack(t *testing.T) {
	ec := encryptionsdk.EncryptionContext{"tenant": "1", "note": "2"}
	for name, stack := range map[string]func(encryptionsdk.MaterialsManager) (encryptionsdk.MaterialsManager, error){
		"caching on required": func(m encryptionsdk.MaterialsManager) (encryptionsdk.MaterialsManager, error) {
			r, err := encryptionsdk.NewRequiredContextManager(m, "tenant")
			return caching(t, r, encryptionsdk.CachingOptions{Capacity: 10, MaxAge: time.Hour}), err
		},
		"required on caching": func(m encryptionsdk.MaterialsManager) (encryptionsdk.MaterialsManager, error) {
			return encryptionsdk.NewRequiredContextManager(caching(t, m, encryptionsdk.CachingOptions{Capacity: 10, MaxAge: time.Hour}), "tenant")
		},
	} {
		manager, err := stack(encryptionsdk.NewDefaultManager(aesKeyring(t, "a")))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			message, header, err := encryptionsdk.Encrypt(t.Context(), []byte("plaintext"), encryptionsdk.EncryptOptions{Manager: manager, EncryptionContext: ec})
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := header.EncryptionContext["tenant"]; ok || bytes.Contains(message, []byte("tenant")) {
				t.Errorf("%s: the required key is in the message", name)
			}
			for range 2 {
				if got, _, err := encryptionsdk.Decrypt(t.Context(), message, encryptionsdk.DecryptOptions{Manager: manager, EncryptionContext: ec}); err != nil || string(got) != "plaintext" {
					t.Errorf("%s: %v", name, err)
				}
			}
			for value, want := range map[string]error{"": encryptionsdk.ErrEncryptionContext, "2": encryptionsdk.ErrNoDataKey} {
				o := encryptionsdk.DecryptOptions{Manager: manager}
				if value != "" {
					o.EncryptionContext = encryptionsdk.EncryptionContext{"tenant": value}
				}
				if _, _, err := encryptionsdk.Decrypt(t.Context(), message, o); !errors.Is(err, want) {
					t.Errorf("%s: tenant %q: %v", name, value, err)
				}
			}
		}
	}
}
