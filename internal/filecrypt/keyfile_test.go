//go:build unix

package filecrypt

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func writeFile(t *testing.T, name string, data []byte, mode os.FileMode) string {
	t.Helper()
	if err := os.WriteFile(name, data, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAESKeysComeFromPrivateFiles(t *testing.T) {
	dir := t.TempDir()
	key := []byte("0123456789abcdef0123456789ABCDEF")
	file := func(name string, data []byte, mode os.FileMode) string {
		return "file:" + writeFile(t, filepath.Join(dir, name), data, mode)
	}
	for name, c := range map[string]struct {
		place, encoding, message string
	}{
		"raw":          {file("raw", key, 0o600), "", ""},
		"hex":          {file("hex", []byte(hex.EncodeToString(key)+"\n"), 0o400), "hex", ""},
		"base64":       {file("base64", []byte(" "+base64.StdEncoding.EncodeToString(key)+"\r\n"), 0o600), "base64", ""},
		"group":        {file("group", key, 0o640), "", "group or others"},
		"others":       {file("others", key, 0o604), "", "group or others"},
		"long":         {file("long", append(key, '\n'), 0o600), "", "33 bytes"},
		"huge":         {file("huge", make([]byte, maxKeyFile+1), 0o600), "", "longer than"},
		"empty":        {file("empty", nil, 0o600), "", "0 bytes"},
		"not hex":      {file("not hex", []byte("no"), 0o600), "hex", "is not hex"},
		"no file":      {"file:" + filepath.Join(dir, "nothing"), "", "no such file"},
		"directory":    {"file:" + dir, "", "neither a file nor a pipe"},
		"a closed one": {"fd:999", "", "bad file descriptor"},
	} {
		got, err := (&KeyGroup{Keys: []string{c.place}, Encoding: c.encoding}).aesKey()
		switch {
		case c.message == "" && (err != nil || !bytes.Equal(got, key)):
			t.Errorf("%s: %q, %v", name, got, err)
		case c.message != "" && (err == nil || !strings.Contains(err.Error(), c.message)):
			t.Errorf("%s: %v, without %q", name, err, c.message)
		case err != nil && strings.Contains(err.Error(), string(key[:16])):
			t.Errorf("%s: the error has the key: %v", name, err)
		}
	}
}

func TestKeysComeFromDescriptors(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	key := []byte("0123456789abcdef")
	if _, err := w.Write(key); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	// The reader of a descriptor closes it.
	number := dup(t, r)
	got, err := (&KeyGroup{Keys: []string{number}}).aesKey()
	if err != nil || !bytes.Equal(got, key) {
		t.Errorf("%q, %v", got, err)
	}
}

// Keys that OpenSSL writes, in all four forms.
func TestRSAKeys(t *testing.T) {
	dir := t.TempDir()
	openssl := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "openssl", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("openssl %v: %v\n%s", args, err, out)
		}
	}
	openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "pkcs8")
	openssl("rsa", "-in", "pkcs8", "-traditional", "-out", "pkcs1")
	openssl("rsa", "-in", "pkcs8", "-pubout", "-out", "spki")
	openssl("rsa", "-in", "pkcs8", "-RSAPublicKey_out", "-out", "pkcs1pub")
	openssl("pkcs8", "-topk8", "-in", "pkcs8", "-passout", "pass:x", "-out", "encrypted")
	openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "ec")
	for name, private := range map[string]bool{"pkcs8": true, "pkcs1": true, "spki": false, "pkcs1pub": false} {
		file := filepath.Join(dir, name)
		if err := os.Chmod(file, 0o600); err != nil {
			t.Fatal(err)
		}
		pub, priv, err := (&KeyGroup{Keys: []string{"file:" + file}}).rsaKey()
		if err != nil || pub == nil || (priv != nil) != private {
			t.Errorf("%s: %v %v %v", name, pub, priv, err)
		}
	}
	for _, name := range []string{"encrypted", "ec"} {
		file := filepath.Join(dir, name)
		if err := os.Chmod(file, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := (&KeyGroup{Keys: []string{"file:" + file}}).rsaKey(); err == nil {
			t.Errorf("%s is taken for an RSA key", name)
		}
	}
}

// dup duplicates a descriptor and returns the place of a key on it.
func dup(t *testing.T, f *os.File) string {
	t.Helper()
	n, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return "fd:" + strconv.Itoa(n)
}
