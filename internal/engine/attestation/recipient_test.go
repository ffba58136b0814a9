package attestation

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// opensslDecrypt opens a CMS message with the openssl command.
func opensslDecrypt(t *testing.T, key *rsa.PrivateKey, cms []byte) []byte {
	t.Helper()
	dir := t.TempDir()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	keyFile, cmsFile := filepath.Join(dir, "key.pem"), filepath.Join(dir, "message.cms")
	for name, content := range map[string][]byte{
		keyFile: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		cmsFile: cms,
	} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.Command("openssl", "cms", "-decrypt", "-inform", "DER", "-binary", "-in", cmsFile, "-inkey", keyFile)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("openssl: %v\n%s", err, stderr.Bytes())
	}
	return out
}

func TestEncryptForRecipientOpensWithOpenSSL(t *testing.T) {
	for _, bits := range []int{2048, 3072, 4096} {
		key, _ := recipientKey(t, bits)
		for _, size := range []int{1, 15, 16, 17, 32, 4096, MaxRecipientPlaintextBytes} {
			plaintext := make([]byte, size)
			rand.Read(plaintext)
			cms, err := EncryptForRecipient(&key.PublicKey, plaintext)
			if err != nil {
				t.Fatal(err)
			}
			if got := opensslDecrypt(t, key, cms); !bytes.Equal(got, plaintext) {
				t.Errorf("%d bits, %d bytes: openssl got another plaintext", bits, size)
			}
		}
	}
}

// TestEncryptForRecipientKeepsTheShapeOfKMS walks the bytes as the parser of the
// enclave SDK for C does: indefinite outer layers, version 2 twice, a primitive
// octet string as the only segment of the content.
func TestEncryptForRecipientKeepsTheShapeOfKMS(t *testing.T) {
	key, _ := recipientKey(t, 2048)
	cms, err := EncryptForRecipient(&key.PublicKey, []byte("thirty-two bytes of a data key.."))
	if err != nil {
		t.Fatal(err)
	}
	rest := cms
	expect := func(what string, prefix ...byte) {
		t.Helper()
		if !bytes.HasPrefix(rest, prefix) {
			t.Fatalf("%s: want % x, got % x", what, prefix, rest[:min(len(rest), 16)])
		}
		rest = rest[len(prefix):]
	}
	element := func(what string) asn1.RawValue {
		t.Helper()
		var v asn1.RawValue
		next, err := asn1.Unmarshal(rest, &v)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		rest = next
		return v
	}
	expect("ContentInfo", 0x30, 0x80)
	expect("id-envelopedData", 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03)
	expect("content", 0xa0, 0x80)
	expect("EnvelopedData", 0x30, 0x80)
	expect("version", 0x02, 0x01, 0x02)
	if set := element("recipientInfos"); set.Tag != asn1.TagSet {
		t.Fatalf("recipientInfos has tag %d", set.Tag)
	}
	expect("EncryptedContentInfo", 0x30, 0x80)
	expect("id-data", 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01)
	expect("aes256-CBC", 0x30, 0x1d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a, 0x04, 0x10)
	rest = rest[16:] // the IV
	expect("encryptedContent", 0xa0, 0x80)
	if segment := element("segment"); segment.Tag != asn1.TagOctetString || len(segment.Bytes) != 48 {
		t.Fatalf("segment has tag %d and %d bytes", segment.Tag, len(segment.Bytes))
	}
	expect("ends", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	if len(rest) != 0 {
		t.Errorf("%d bytes too many", len(rest))
	}
}

func TestEncryptForRecipientNeverRepeatsItself(t *testing.T) {
	key, _ := recipientKey(t, 2048)
	a, errA := EncryptForRecipient(&key.PublicKey, []byte("same"))
	b, errB := EncryptForRecipient(&key.PublicKey, []byte("same"))
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	if bytes.Equal(a[len(a)-40:], b[len(b)-40:]) {
		t.Error("content key or IV was used twice")
	}
}

func TestEncryptForRecipientRefusesBadInput(t *testing.T) {
	key, _ := recipientKey(t, 2048)
	weak, _ := recipientKey(t, 1024)
	for name, c := range map[string]struct {
		pub       *rsa.PublicKey
		plaintext []byte
	}{
		"no key":          {nil, []byte{1}},
		"weak key":        {&weak.PublicKey, []byte{1}},
		"empty plaintext": {&key.PublicKey, nil},
		"long plaintext":  {&key.PublicKey, make([]byte, MaxRecipientPlaintextBytes+1)},
	} {
		if _, err := EncryptForRecipient(c.pub, c.plaintext); !errors.Is(err, ErrRecipient) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
