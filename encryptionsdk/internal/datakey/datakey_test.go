package datakey

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"fastness/encryptionsdk"
)

var suite = encryptionsdk.SuiteAES192GCMIV12Tag16HKDFSHA256.Suite()

func TestGetMakesOneKeyAndKeepsIt(t *testing.T) {
	m := &encryptionsdk.EncryptionMaterials{Suite: suite}
	key, err := Get(m)
	if err != nil || len(key) != 24 || bytes.Equal(key, make([]byte, 24)) {
		t.Fatal(err)
	}
	if m.PlaintextDataKey != nil {
		t.Fatal("stored before it was wrapped")
	}
	Drop(m, key)
	if !bytes.Equal(key, make([]byte, 24)) {
		t.Error("a dropped key is not wiped")
	}
	if key, err = Get(m); err != nil {
		t.Fatal(err)
	}
	if err := Put(m, key, encryptionsdk.EncryptedDataKey{ProviderID: "x"}); err != nil {
		t.Fatal(err)
	}
	again, err := Get(m)
	if err != nil || !bytes.Equal(again, key) {
		t.Fatal(err)
	}
	Drop(m, again)
	if !bytes.Equal(m.PlaintextDataKey, key) || bytes.Equal(key, make([]byte, 24)) {
		t.Error("the materials' key was wiped")
	}
	m.Suite = encryptionsdk.SuiteAES256GCMHKDFSHA512CommitKey.Suite()
	for _, bad := range []*encryptionsdk.EncryptionMaterials{nil, {}, m} {
		if _, err := Get(bad); !errors.Is(err, encryptionsdk.ErrMaterials) {
			t.Error(err)
		}
	}
}

func TestPutKeepsToTheFormat(t *testing.T) {
	long := strings.Repeat("x", 65536)
	for _, edk := range []encryptionsdk.EncryptedDataKey{{ProviderID: long}, {ProviderInfo: []byte(long)}, {Ciphertext: []byte(long)}} {
		m := &encryptionsdk.EncryptionMaterials{Suite: suite}
		if err := Put(m, make([]byte, 24), edk); !errors.Is(err, encryptionsdk.ErrMaterials) || m.EncryptedDataKeys != nil || m.PlaintextDataKey != nil {
			t.Error(err)
		}
	}
}

func TestOpenJoinsAFewCauses(t *testing.T) {
	broken := errors.New("broken")
	keys := make([]encryptionsdk.EncryptedDataKey, 65535)
	d := &encryptionsdk.DecryptionMaterials{Suite: suite}
	err := Open(t.Context(), d, keys, func(*encryptionsdk.EncryptedDataKey) ([]byte, error) { return nil, broken })
	if !errors.Is(err, encryptionsdk.ErrNoDataKey) || !errors.Is(err, broken) || len(err.Error()) > 4096 || !strings.Contains(err.Error(), "and 65519 more") {
		t.Errorf("%.5000v", err)
	}
	if err := Open(t.Context(), d, keys, func(*encryptionsdk.EncryptedDataKey) ([]byte, error) { return nil, ErrForeign }); !errors.Is(err, encryptionsdk.ErrNoDataKey) || errors.Is(err, ErrForeign) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := Open(ctx, d, keys, func(*encryptionsdk.EncryptedDataKey) ([]byte, error) { cancel(); return nil, broken }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
