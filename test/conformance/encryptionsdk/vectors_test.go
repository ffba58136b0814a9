//go:build conformance

package encryptionsdk

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fastness/encryptionsdk"
	"fastness/encryptionsdk/rawkeyring"
)

func vectors(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("FASTNESS_VECTORS")
	if dir == "" {
		t.Fatal("FASTNESS_VECTORS does not name the directory of the test vectors")
	}
	return filepath.Join(dir, "encryptionsdk", name)
}

func openZip(t *testing.T, name string) fs.FS {
	t.Helper()
	z, err := zip.OpenReader(vectors(t, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { z.Close() })
	return z
}

func readJSON(t *testing.T, data []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, fsys fs.FS, uri string) []byte {
	t.Helper()
	b, err := fs.ReadFile(fsys, strings.TrimPrefix(uri, "file://"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fixedKey is a keyring that knows one data key and asks nobody.
type fixedKey []byte

func (fixedKey) OnEncrypt(context.Context, *encryptionsdk.EncryptionMaterials) error {
	return errors.New("the keyring of a test vector only decrypts")
}

func (k fixedKey) OnDecrypt(_ context.Context, m *encryptionsdk.DecryptionMaterials, _ []encryptionsdk.EncryptedDataKey) error {
	m.PlaintextDataKey = bytes.Clone(k)
	return nil
}

// decrypt opens a message in all ways, which must agree.
func decrypt(t *testing.T, message []byte, o encryptionsdk.DecryptOptions) ([]byte, error) {
	t.Helper()
	plain, _, err := encryptionsdk.Decrypt(t.Context(), message, o)
	d, streamErr := encryptionsdk.NewDecrypter(t.Context(), bytes.NewReader(message), o)
	var streamed []byte
	if streamErr == nil {
		streamed, streamErr = io.ReadAll(d)
	}
	switch {
	case (err == nil) != (streamErr == nil):
		t.Errorf("in memory: %v; as a stream: %v", err, streamErr)
	case err == nil && !bytes.Equal(plain, streamed):
		t.Error("the plaintext in memory and as a stream differ")
	case err != nil && len(streamed) > 0:
		t.Errorf("plaintext was given out in spite of %v", streamErr)
	}
	return plain, err
}

// rewrite reads the header of a message and checks that it is written again as it was.
func rewrite(t *testing.T, message []byte) *encryptionsdk.Header {
	t.Helper()
	r := bytes.NewReader(message)
	h, err := encryptionsdk.ReadHeader(r)
	if err != nil {
		t.Error(err)
		return nil
	}
	if used := len(message) - r.Len(); used != h.Length {
		t.Errorf("ReadHeader read %d bytes of a header of %d", used, h.Length)
	}
	again, err := h.AppendBinary(nil)
	if err != nil {
		t.Error(err)
		return nil
	}
	if !bytes.Equal(again, message[:h.Length]) {
		t.Error("the header is written again differently")
	}
	return h
}

func TestCommitmentVectors(t *testing.T) {
	data, err := os.ReadFile(vectors(t, "commitment-test-vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Tests []struct {
			Comment    string            `json:"comment"`
			Ciphertext []byte            `json:"ciphertext"`
			DataKey    []byte            `json:"decrypted-dek"`
			Header     string            `json:"header"` // one has a space in front
			MessageID  []byte            `json:"message-id"`
			Commitment []byte            `json:"commitment"`
			Context    map[string]string `json:"encryption-context"`
			Frames     []string          `json:"plaintext-frames"`
			Status     bool              `json:"status"`
		} `json:"tests"`
	}
	readJSON(t, data, &file)
	opened, refused := 0, 0
	for _, c := range file.Tests {
		t.Run(c.Comment, func(t *testing.T) {
			h := rewrite(t, c.Ciphertext)
			if h == nil {
				return
			}
			header, err := base64.StdEncoding.DecodeString(strings.TrimSpace(c.Header))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(c.Ciphertext, header) || !bytes.Equal(h.MessageID, c.MessageID) || !maps.Equal(h.EncryptionContext, c.Context) {
				t.Error("the header was read differently from the vector's")
			}
			plain, err := decrypt(t, c.Ciphertext, encryptionsdk.DecryptOptions{Keyring: fixedKey(c.DataKey)})
			if !c.Status {
				if !errors.Is(err, encryptionsdk.ErrKeyCommitment) {
					t.Errorf("got %v, want a commitment error", err)
				}
				refused++
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
			if !bytes.Equal(h.Commitment, c.Commitment) {
				t.Error("the commitment was read differently from the vector's")
			}
			if string(plain) != strings.Join(c.Frames, "") {
				t.Errorf("plaintext %q, want %q", plain, c.Frames)
			}
			opened++
		})
	}
	if opened != 41 || refused != 5 {
		t.Errorf("%d opened and %d refused, want 41 and 5", opened, refused)
	}
}

// vectorKey is a key of keys.json.
type vectorKey struct {
	Type     string `json:"type"`
	Material string `json:"material"`
	ID       string `json:"key-id"`
}

// manifest is a decrypt manifest of version 4.
type manifest struct {
	Keys  string `json:"keys"`
	Tests map[string]struct {
		Ciphertext string      `json:"ciphertext"`
		MasterKeys []masterKey `json:"master-keys"`
		CMM        string
		Context    map[string]string `json:"encryption-context"`
		Result     struct {
			Output struct {
				Plaintext string `json:"plaintext"`
			} `json:"output"`
		} `json:"result"`
	} `json:"tests"`
}

type masterKey struct {
	Type      string `json:"type"`
	Key       string `json:"key"`
	Provider  string `json:"provider-id"`
	Algorithm string `json:"encryption-algorithm"`
	Padding   string `json:"padding-algorithm"`
	Hash      string `json:"padding-hash"`
}

// keyring is the keyring that a manifest describes.
func keyring(t *testing.T, m masterKey, keys map[string]vectorKey) encryptionsdk.Keyring {
	t.Helper()
	key, ok := keys[m.Key]
	if !ok {
		t.Fatalf("no key %q", m.Key)
	}
	if m.Algorithm == "aes" {
		raw, err := base64.StdEncoding.DecodeString(key.Material)
		if err != nil {
			t.Fatal(err)
		}
		k, err := rawkeyring.NewAES(m.Provider, key.ID, raw)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	paddings := map[string]rawkeyring.Padding{
		"sha1": rawkeyring.OAEPSHA1, "sha256": rawkeyring.OAEPSHA256, "sha384": rawkeyring.OAEPSHA384, "sha512": rawkeyring.OAEPSHA512,
	}
	padding := paddings[m.Hash]
	if m.Padding == "pkcs1" {
		padding = rawkeyring.PKCS1
	}
	var public *rsa.PublicKey
	var private *rsa.PrivateKey
	var err error
	if key.Type == "public" {
		public, err = rawkeyring.ParseRSAPublicKey([]byte(key.Material))
	} else {
		private, err = rawkeyring.ParseRSAPrivateKey([]byte(key.Material))
	}
	if err != nil {
		t.Fatal(err)
	}
	k, err := rawkeyring.NewRSA(m.Provider, key.ID, padding, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestNetVectors(t *testing.T) {
	passed := 0
	for _, name := range []string{"v4-Net-4.0.1.zip", "valid-Net-4.0.0.zip"} {
		fsys := openZip(t, name)
		var m manifest
		readJSON(t, readFile(t, fsys, "manifest.json"), &m)
		var keys struct {
			Keys map[string]vectorKey `json:"keys"`
		}
		readJSON(t, readFile(t, fsys, m.Keys), &keys)
		for _, id := range slices.Sorted(maps.Keys(m.Tests)) {
			c := m.Tests[id]
			if slices.ContainsFunc(c.MasterKeys, func(k masterKey) bool { return k.Type != "raw" }) {
				continue
			}
			t.Run(name+"/"+id, func(t *testing.T) {
				message := readFile(t, fsys, c.Ciphertext)
				rewrite(t, message)
				var all []encryptionsdk.Keyring
				for _, k := range c.MasterKeys {
					all = append(all, keyring(t, k, keys.Keys))
				}
				multi, err := encryptionsdk.NewMultiKeyring(nil, all...)
				if err != nil {
					t.Fatal(err)
				}
				o := encryptionsdk.DecryptOptions{
					Keyring: multi, CommitmentPolicy: encryptionsdk.ForbidEncryptAllowDecrypt, EncryptionContext: c.Context,
				}
				plain, err := decrypt(t, message, o)
				if err != nil {
					t.Error(err)
					return
				}
				if !bytes.Equal(plain, readFile(t, fsys, c.Result.Output.Plaintext)) {
					t.Error("another plaintext than the manifest's")
				}
				passed++
				o.NetV400Retry = encryptionsdk.ForbidNetV400Retry
				if _, err := decrypt(t, message, o); err != nil {
					t.Errorf("a valid message needs the retry: %v", err)
				}
			})
		}
	}
	if passed != 104 {
		t.Errorf("%d messages opened, want 104", passed)
	}
}

func TestPythonHeaders(t *testing.T) {
	fsys := openZip(t, "python-1.3.5.zip")
	var m struct {
		Tests map[string]struct {
			Ciphertext string `json:"ciphertext"`
		} `json:"tests"`
	}
	readJSON(t, readFile(t, fsys, "decrypt_message.json"), &m)
	if len(m.Tests) != 360 {
		t.Errorf("%d messages, want 360", len(m.Tests))
	}
	for _, id := range slices.Sorted(maps.Keys(m.Tests)) {
		t.Run(id, func(t *testing.T) {
			h := rewrite(t, readFile(t, fsys, m.Tests[id].Ciphertext))
			if h != nil && (h.Version != 1 || len(h.EncryptedDataKeys) == 0) {
				t.Errorf("version %d with %d data keys", h.Version, len(h.EncryptedDataKeys))
			}
		})
	}
}
