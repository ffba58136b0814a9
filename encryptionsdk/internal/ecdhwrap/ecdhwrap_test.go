package ecdhwrap

import (
	"bytes"
	"crypto/ecdh"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"testing"
)

func TestCompressMatchesCryptoElliptic(t *testing.T) {
	for curve, reference := range map[ecdh.Curve]elliptic.Curve{ecdh.P256(): elliptic.P256(), ecdh.P384(): elliptic.P384(), ecdh.P521(): elliptic.P521()} {
		for range 20 {
			key, err := curve.GenerateKey(rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			b := Compress(key.PublicKey())
			if x, _ := elliptic.UnmarshalCompressed(reference, b); x == nil {
				t.Fatalf("%v: not a compressed point: %x", curve, b)
			}
			back, err := Decompress(curve, b)
			if err != nil || !back.Equal(key.PublicKey()) {
				t.Fatalf("%v: another point comes back: %v", curve, err)
			}
		}
	}
}

func TestDecompressRefusesWhatIsNoPoint(t *testing.T) {
	none := make([]byte, 33)
	none[0] = 2
	for i := range 256 { // half of all x coordinates have no point
		none[32] = byte(i)
		if x, _ := elliptic.UnmarshalCompressed(elliptic.P256(), none); x == nil {
			break
		}
	}
	for name, b := range map[string][]byte{"empty": nil, "infinity": {0}, "short": make([]byte, 32), "form": make([]byte, 33), "no point": none, "x too large": append([]byte{2}, bytes.Repeat([]byte{255}, 32)...)} {
		if _, err := Decompress(ecdh.P256(), b); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := Decompress(ecdh.X25519(), make([]byte, 33)); err == nil {
		t.Error("accepted X25519")
	}
}

func TestUnwrapChecksAllItWasGiven(t *testing.T) {
	secret, info, context, key := []byte("secret of thirty-two bytes......"), Info{[]byte("s"), []byte("r")}, []byte("context"), make([]byte, 24)
	wrapped, err := Wrap(secret, "p256", info, context, key)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Unwrap(secret, "p256", info, context, wrapped); err != nil || !bytes.Equal(got, key) {
		t.Fatal(err)
	}
	for name, f := range map[string]func() error{
		"secret": func() error {
			_, err := Unwrap([]byte("secret of thirty-two bytes.....!"), "p256", info, context, wrapped)
			return err
		},
		"curve": func() error { _, err := Unwrap(secret, "p384", info, context, wrapped); return err },
		"parties": func() error {
			_, err := Unwrap(secret, "p256", Info{info.Recipient, info.Sender}, context, wrapped)
			return err
		},
		"context": func() error { _, err := Unwrap(secret, "p256", info, nil, wrapped); return err },
	} {
		if err := f(); !errors.Is(err, ErrCommitment) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	for i := range wrapped {
		wrapped[i] ^= 1
		if _, err := Unwrap(secret, "p256", info, context, wrapped); err == nil {
			t.Errorf("a change in byte %d was not noticed", i)
		}
		wrapped[i] ^= 1
		if _, err := Unwrap(secret, "p256", info, context, wrapped[:i]); err == nil {
			t.Errorf("%d bytes were enough", i)
		}
	}
}

func FuzzParseInfo(f *testing.F) {
	f.Add(Info{make([]byte, 33), make([]byte, 33)}.Append(nil))
	f.Add(Info{make([]byte, 67), make([]byte, 67)}.Append(nil))
	f.Add(Info{make([]byte, 49), make([]byte, 33)}.Append(nil))
	f.Add([]byte{1, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		info, err := ParseInfo(b)
		if err != nil {
			return
		}
		if !bytes.Equal(info.Append(nil), b) {
			t.Fatal("accepted a provider info that is not canonical")
		}
		for _, c := range []ecdh.Curve{ecdh.P256(), ecdh.P384(), ecdh.P521()} {
			if k, err := Decompress(c, info.Sender); err == nil && !bytes.Equal(Compress(k), info.Sender) {
				t.Fatal("decompressing and compressing changed a point")
			}
		}
	})
}
