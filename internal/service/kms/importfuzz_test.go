package kms

import (
	"bytes"
	"context"
	"testing"
	"time"

	"fastness/internal/api/kmsapi"
	"fastness/internal/engine/keyalg"
	"fastness/internal/engine/keywrap"
)

func FuzzParseImportToken(f *testing.F) {
	whole := importToken{Expiry: time.Unix(1_800_000_000, 0), Algorithm: keywrap.OAEPSHA256, Spec: keyalg.RSA2048, Private: []byte("key")}
	f.Add(whole.append(nil))
	f.Add([]byte{})
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 255, 1})
	f.Fuzz(func(t *testing.T, plain []byte) {
		tok, err := parseImportToken(plain)
		if err != nil {
			return
		}
		if again := tok.append(nil); !bytes.Equal(again, plain) {
			t.Errorf("%x became %x", plain, again)
		}
	})
}

// FuzzOpenImport feeds wrapped bytes and tokens to an import of each kind of key, and
// looks for a panic or for an answer that is not one of the API's.
func FuzzOpenImport(f *testing.F) {
	service := &Service{tokens: plainTokens{}, clock: fixedClock{time.Unix(1_800_000_000, 0)}}
	der := func(spec keyalg.Spec) []byte {
		k, err := keyalg.Generate(spec)
		if err != nil {
			f.Fatal(err)
		}
		b, err := k.MarshalPKCS8()
		if err != nil {
			f.Fatal(err)
		}
		return b
	}
	rsaKey := der(keyalg.RSA2048)
	specs := []keyalg.Spec{keyalg.SymmetricDefault, keyalg.P256, keyalg.HMAC256, keyalg.RSA2048}
	for i := range specs {
		tok := importToken{Expiry: time.Unix(1_900_000_000, 0), Algorithm: keywrap.RSAAESKeyWrapSHA256, Spec: keyalg.RSA2048, Private: rsaKey}
		f.Add(tok.append(nil), bytes.Repeat([]byte{7}, 256+40), byte(i))
	}
	sm2 := importToken{Expiry: time.Unix(1_900_000_000, 0), Algorithm: keywrap.SM2PKE, Spec: keyalg.SM2, Private: der(keyalg.SM2)}
	f.Add(sm2.append(nil), []byte{0x30, 0x03, 0x02, 0x01, 0x01}, byte(0))
	f.Fuzz(func(t *testing.T, token, wrapped []byte, which byte) {
		k := &keyRecord{Account: testAccount, Region: testRegion, ID: "k", Spec: string(specs[int(which)%len(specs)]), Origin: "EXTERNAL"}
		raw, err := service.openImport(k, &kmsapi.ImportKeyMaterialRequest{ImportToken: token, EncryptedKeyMaterial: wrapped})
		if err == nil && (raw.id == "" || len(raw.bytes) == 0) {
			t.Error("empty material was taken")
		}
	})
}

// plainTokens does not seal, so that the fuzzer reaches what is behind the seal.
type plainTokens struct{}

func (plainTokens) Seal(dst, b, _ []byte) ([]byte, error) { return append(dst, b...), nil }
func (plainTokens) Open(dst, b, _ []byte) ([]byte, error) { return append(dst, b...), nil }

type fixedClock struct{ now time.Time }

func (c fixedClock) Now() time.Time                                   { return c.now }
func (c fixedClock) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }
func (c fixedClock) After(time.Duration) (<-chan time.Time, func())   { return nil, func() {} }
