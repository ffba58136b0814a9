package xks

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// TestDataIntegrityValueOfTheSpecification is the worked example of appendix C.
func TestDataIntegrityValueOfTheSpecification(t *testing.T) {
	decode := func(s string) []byte {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	got := DataIntegrityValue(decode("cHJvamVjdD1uaWxlLGRlcGFydG1lbnQ9bWFya2V0aW5n"), Sealed{
		Ciphertext: decode("ghxkK1txeDNn3q8Y"),
		Metadata:   decode("a2V5X3ZlcnNpb249MQ=="),
		IV:         decode("HMrlRw85cAJUd5Ax"),
		Tag:        decode("vBxN2ncH1oEkR8WVXpmyYQ=="),
	})
	if s := base64.StdEncoding.EncodeToString(got[:]); s != "qHA/ImC9h5HsLRXqCyPmWgYx7tzyoTplzILbP0fPXsc=" {
		t.Errorf("got %s", s)
	}
}

func TestBindMetadata(t *testing.T) {
	for _, c := range []struct {
		aad, metadata string
		want          string
	}{
		{"", "", "0000" + "00"},
		{"ab", "", "0002" + "6162" + "00"},
		{"", "ab", "0000" + "02" + "6162"},
		{"a", "b", "0001" + "61" + "01" + "62"},
	} {
		got, err := BindMetadata([]byte(c.aad), []byte(c.metadata))
		if err != nil || hex.EncodeToString(got) != c.want {
			t.Errorf("%q, %q: %x, %v", c.aad, c.metadata, got, err)
		}
	}
	if _, err := BindMetadata(make([]byte, MaxAADBytes+1), nil); !errors.Is(err, ErrInput) {
		t.Errorf("long AAD: %v", err)
	}
	if _, err := BindMetadata(nil, make([]byte, 21)); !errors.Is(err, ErrInput) {
		t.Errorf("long metadata: %v", err)
	}
}

func TestOpenRefusesEveryChange(t *testing.T) {
	key := bytes.Repeat([]byte{9}, 32)
	plaintext, aad := []byte("a data key, wrapped"), []byte("context")
	s, err := Seal(key, MaxGeneration, plaintext, aad)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Ciphertext) != len(plaintext) || len(s.Metadata) != MaxCiphertextMetadataBytes || len(s.IV) != 12 || len(s.Tag) != 16 {
		t.Fatalf("shape %+v", s)
	}
	if g, err := Generation(s); err != nil || g != MaxGeneration {
		t.Errorf("generation %d, %v", g, err)
	}
	if got, err := Open(key, s, aad); err != nil || !bytes.Equal(got, plaintext) {
		t.Fatalf("%q, %v", got, err)
	}
	refused := func(what string, s Sealed, aad []byte) {
		t.Helper()
		if _, err := Open(key, s, aad); !errors.Is(err, &ProxyError{Name: InvalidCiphertextException}) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, part := range []struct {
		name string
		of   func(*Sealed) *[]byte
	}{
		{"ciphertext", func(s *Sealed) *[]byte { return &s.Ciphertext }},
		{"metadata", func(s *Sealed) *[]byte { return &s.Metadata }},
		{"iv", func(s *Sealed) *[]byte { return &s.IV }},
		{"tag", func(s *Sealed) *[]byte { return &s.Tag }},
	} {
		n := len(*part.of(&s))
		for i := range n {
			changed := s
			b := bytes.Clone(*part.of(&s))
			b[i] ^= 0x80
			*part.of(&changed) = b
			refused(fmt.Sprint(part.name, " byte ", i), changed, aad)
		}
		changed := s
		*part.of(&changed) = (*part.of(&s))[:n-1]
		refused(part.name+" shortened", changed, aad)
		*part.of(&changed) = nil
		refused(part.name+" missing", changed, aad)
	}
	refused("other AAD", s, []byte("Context"))
	refused("no AAD", s, nil)
	refused("long AAD", s, make([]byte, MaxAADBytes+1))
	if _, err := Open(bytes.Repeat([]byte{8}, 32), s, aad); !errors.Is(err, &ProxyError{Name: InvalidCiphertextException}) {
		t.Errorf("other key: %v", err)
	}
	if _, err := Seal(key[:16], 1, plaintext, nil); !errors.Is(err, ErrInput) {
		t.Errorf("short key: %v", err)
	}
	if _, err := Seal(key, MaxGeneration+1, plaintext, nil); !errors.Is(err, ErrInput) {
		t.Errorf("generation too large: %v", err)
	}
}

// TestSealDerivesAsOpenSSL derives the message key with openssl's SP 800-108
// counter KDF and opens the message with it.
func TestSealDerivesAsOpenSSL(t *testing.T) {
	key := bytes.Repeat([]byte{0x5a}, 32)
	s, err := Seal(key, 1, []byte("plaintext"), []byte("aad"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("openssl", "kdf", "-keylen", "32",
		"-kdfopt", "mac:HMAC", "-kdfopt", "digest:SHA256", "-kdfopt", "mode:COUNTER",
		"-kdfopt", "hexkey:"+hex.EncodeToString(key),
		"-kdfopt", "salt:"+sealLabel,
		"-kdfopt", "hexinfo:"+hex.EncodeToString(s.Metadata[sealHeaderBytes:]),
		"KBKDF").CombinedOutput()
	if err != nil {
		t.Fatalf("openssl: %v\n%s", err, out)
	}
	messageKey, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(string(out)), ":", ""))
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(messageKey)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	bound := append([]byte{0, 3, 'a', 'a', 'd', 20}, s.Metadata...)
	got, err := gcm.Open(nil, s.IV, append(bytes.Clone(s.Ciphertext), s.Tag...), bound)
	if err != nil || string(got) != "plaintext" {
		t.Errorf("%q, %v", got, err)
	}
}

func BenchmarkSeal(b *testing.B) {
	key := make([]byte, 32)
	plaintext := make([]byte, 128)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Seal(key, 1, plaintext, nil); err != nil {
			b.Fatal(err)
		}
	}
}
