package challenge

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"testing"
)

// The vectors of C2SP's XAES-256-GCM specification.
func TestExtendedKeyMeetsTheSpecification(t *testing.T) {
	for _, c := range []struct {
		key            byte
		aad, encrypted string
	}{
		{0x01, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
		{0x03, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},
	} {
		x, err := newExtended(secret(c.key))
		if err != nil {
			t.Fatal(err)
		}
		nonce := []byte("ABCDEFGHIJKLMNOPQRSTUVWX")
		aead, err := x.aead(nonce)
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(aead.Seal(nil, nonce[12:], []byte("XAES-256-GCM"), []byte(c.aad))); got != c.encrypted {
			t.Errorf("key %d: %s, want %s", c.key, got, c.encrypted)
		}
	}
}

func TestSealedTextOpensOnlyAsItWasSealed(t *testing.T) {
	k, err := newKeys([]Key{{ID: 7, Secret: secret(1)}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := k.seal(rand.Reader, forWork, bytes.Repeat([]byte{'x'}, maxPayload))
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > maxText {
		t.Errorf("%d characters, bound %d", len(text), maxText)
	}
	if _, err := k.open(forToken, text); err == nil {
		t.Error("opened for another purpose")
	}
	if _, err := k.seal(rand.Reader, forWork, make([]byte, maxPayload+1)); err == nil {
		t.Error("sealed too much")
	}
	raw, _ := encoding.DecodeString(text)
	for i := range raw {
		raw[i] ^= 1
		if _, err := k.open(forWork, encoding.EncodeToString(raw)); err == nil {
			t.Errorf("opened with byte %d changed", i)
		}
		raw[i] ^= 1
	}
	for n := range raw {
		if _, err := k.open(forWork, encoding.EncodeToString(raw[:n])); err == nil {
			t.Errorf("opened %d bytes", n)
		}
	}
	if _, err := k.open(forWork, text); err != nil {
		t.Error(err)
	}
}

func TestKeysRotate(t *testing.T) {
	one, two := Key{1, secret(1)}, Key{2, secret(2)}
	before, _ := newKeys([]Key{one})
	both, _ := newKeys([]Key{two, one})
	after, _ := newKeys([]Key{two})
	old, _ := before.seal(rand.Reader, forToken, []byte("x"))
	fresh, _ := both.seal(rand.Reader, forToken, []byte("x"))
	for _, c := range []struct {
		name  string
		keys  *keys
		text  string
		opens bool
	}{
		{"old under both", both, old, true}, {"old under new", after, old, false},
		{"new under both", both, fresh, true}, {"new under new", after, fresh, true}, {"new under old", before, fresh, false},
	} {
		if _, err := c.keys.open(forToken, c.text); (err == nil) != c.opens {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for name, bad := range map[string][]Key{"none": nil, "same ID": {one, one}, "short": {{1, make([]byte, 16)}}} {
		if _, err := newKeys(bad); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
