package clients

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// messageJob is what messages.mjs does with one keyring and one suite.
type messageJob struct {
	Operation   string            `json:"operation"`
	Suite       int               `json:"suite"`
	FrameLength int               `json:"frameLength"`
	Context     map[string]string `json:"context"`
	Keys        messageKeys       `json:"keys"`
	Files       []messageFile     `json:"files"`
}

type messageKeys struct {
	Provider  string `json:"provider"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
	KeyFile   string `json:"keyFile,omitempty"`
	Padding   string `json:"padding,omitempty"`
	ARN       string `json:"arn,omitempty"`
}

type messageFile struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// wrappingKeys are the same keys for fastness.
func (k messageKeys) wrappingKeys() []string {
	switch {
	case k.ARN != "":
		return []string{"-w", "key=" + k.ARN}
	case k.Padding != "":
		return []string{"-w", "provider=" + k.Provider, "namespace=" + k.Namespace, "name=" + k.Name, "key=file:" + k.KeyFile, "padding=" + k.Padding}
	}
	return []string{"-w", "provider=" + k.Provider, "namespace=" + k.Namespace, "name=" + k.Name, "key=file:" + k.KeyFile}
}

// TestEncryptionSDKForJavaScript moves files between fastness encrypt and decrypt and AWS's
// Encryption SDK for JavaScript, in both directions, under raw keys and KMS keys.
func TestEncryptionSDKForJavaScript(t *testing.T) {
	sdk := installEncryptionSDK(t)
	dir := t.TempDir()
	plain := plaintexts(t, dir)
	var jobs []messageJob
	for _, keys := range interopKeys(t, dir) {
		for i, suite := range []int{0x0478, 0x0578, 0x0178, 0x0378} {
			jobs = append(jobs, messageJob{
				Suite: suite, FrameLength: []int{4096, 1024, 4096, 100}[i], Keys: keys,
				Context: map[string]string{"purpose": "interop", "номер": fmt.Sprint(i)},
			})
		}
	}
	// JavaScript encrypts, fastness decrypts.
	foreign := filepath.Join(dir, "by-js")
	for i := range jobs {
		jobs[i].Operation, jobs[i].Files = "encrypt", files(t, plain, filepath.Join(foreign, fmt.Sprint(i)))
	}
	sdk.run(t, jobs)
	for i, j := range jobs {
		from, to := filepath.Join(foreign, fmt.Sprint(i)), filepath.Join(dir, "opened", fmt.Sprint(i))
		mkdir(t, to)
		args := append([]string{"decrypt", "-r", "-i", from, "-o", to, "--suffix", "-c", "purpose=interop", "номер"}, j.Keys.wrappingKeys()...)
		if j.Suite < 0x0400 {
			args = append(args, "--commitment-policy", "require-encrypt-allow-decrypt")
		}
		succeed(t, dir, server.environment(server.credentials), program, args...)
		sameFiles(t, plain, to, j)
	}
	// And the reverse. Node 20 does not decrypt PKCS #1 v1.5 any more (CVE-2023-46809).
	jobs = slices.DeleteFunc(jobs, func(j messageJob) bool { return j.Keys.Padding == "pkcs1" })
	for i := range jobs {
		j, own := &jobs[i], filepath.Join(dir, "own", fmt.Sprint(i))
		mkdir(t, own)
		args := append([]string{"encrypt", "-r", "-i", plain, "-o", own, "--suffix",
			"--algorithm", fmt.Sprintf("0x%04x", j.Suite), "--frame-length", fmt.Sprint(j.FrameLength), "-c", "purpose=interop", "номер=" + j.Context["номер"]}, j.Keys.wrappingKeys()...)
		if j.Suite < 0x0400 {
			args = append(args, "--commitment-policy", "forbid-encrypt-allow-decrypt")
		}
		succeed(t, dir, server.environment(server.credentials), program, args...)
		j.Operation, j.Files = "decrypt", files(t, own, filepath.Join(dir, "read", fmt.Sprint(i)))
	}
	sdk.run(t, jobs)
	for i, j := range jobs {
		sameFiles(t, plain, filepath.Join(dir, "read", fmt.Sprint(i)), j)
	}
}

// encryptionSDK is the installed library with its program.
type encryptionSDK struct{ dir string }

func installEncryptionSDK(t *testing.T) encryptionSDK {
	t.Helper()
	return encryptionSDK{installNode(t, "encryptionsdkjs", "messages.mjs")}
}

func (s encryptionSDK) run(t *testing.T, jobs []messageJob) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "jobs.json")
	if err := os.WriteFile(file, must[[]byte](t)(json.Marshal(jobs)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := succeed(t, s.dir, server.environment(server.credentials), "node", "messages.mjs", file); !strings.Contains(out, "all good") {
		t.Fatalf("messages.mjs: %s", out)
	}
}

// plaintexts makes files around the lengths of frames.
func plaintexts(t *testing.T, dir string) string {
	t.Helper()
	plain := filepath.Join(dir, "plain")
	mkdir(t, plain)
	for _, n := range []int{0, 1, 99, 100, 101, 1024, 4095, 4096, 4097, 100_000} {
		data := make([]byte, n)
		rand.Read(data)
		if err := os.WriteFile(filepath.Join(plain, fmt.Sprint(n)), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return plain
}

// interopKeys are raw AES keys of all sizes, an RSA key under all paddings, and a KMS key.
func interopKeys(t *testing.T, dir string) []messageKeys {
	t.Helper()
	all := []messageKeys{{Provider: "aws-kms", ARN: newKey(t, symmetric).arn}}
	for _, n := range []int{16, 24, 32} {
		key := make([]byte, n)
		rand.Read(key)
		file := filepath.Join(dir, fmt.Sprintf("aes%d", n*8))
		if err := os.WriteFile(file, key, 0o600); err != nil {
			t.Fatal(err)
		}
		all = append(all, messageKeys{Provider: "raw-aes", Namespace: "interop", Name: "key of " + fmt.Sprint(n), KeyFile: file})
	}
	need(t, "openssl")
	file := filepath.Join(dir, "rsa")
	succeed(t, dir, os.Environ(), "openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072", "-out", file)
	succeed(t, dir, os.Environ(), "openssl", "pkey", "-in", file, "-pubout", "-out", file+".pub")
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, padding := range []string{"pkcs1", "oaep-sha1", "oaep-sha256", "oaep-sha384", "oaep-sha512"} {
		all = append(all, messageKeys{Provider: "raw-rsa", Namespace: "interop", Name: "rsa", KeyFile: file, Padding: padding})
	}
	return all
}

// files pairs all files of one directory with the same names in another, which it makes.
func files(t *testing.T, from, to string) []messageFile {
	t.Helper()
	mkdir(t, to)
	var all []messageFile
	for _, e := range must[[]os.DirEntry](t)(os.ReadDir(from)) {
		all = append(all, messageFile{filepath.Join(from, e.Name()), filepath.Join(to, e.Name())})
	}
	return all
}

// sameFiles checks that a directory holds exactly the plaintexts.
func sameFiles(t *testing.T, plain, got string, j messageJob) {
	t.Helper()
	want := must[[]os.DirEntry](t)(os.ReadDir(plain))
	if n := len(must[[]os.DirEntry](t)(os.ReadDir(got))); n != len(want) {
		t.Errorf("0x%04x %+v: %d files of %d", j.Suite, j.Keys, n, len(want))
		return
	}
	for _, e := range want {
		a, b := must[[]byte](t)(os.ReadFile(filepath.Join(plain, e.Name()))), must[[]byte](t)(os.ReadFile(filepath.Join(got, e.Name())))
		if !bytes.Equal(a, b) {
			t.Errorf("0x%04x %+v: %s differs", j.Suite, j.Keys, e.Name())
		}
	}
}

func mkdir(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
}
