package e2e

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512" // for crypto.SHA512
	"crypto/x509"
	"encoding"
	"encoding/base64"
	endian "encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// canary is a secret that must not be found, and the forms it is looked for in.
type canary struct {
	name  string
	forms [][]byte
	// states are forms of a key that it may have in locked memory only, and must have
	// there after it was used.
	states [][]byte
	// residue is how many copies of its bytes ordinary memory may hold.
	residue int
}

// keyed adds what HMAC makes of a key that is no longer than a block of its hash (RFC
// 2104): the words that its two hashes start with. word is the size of one in bytes, and
// the hash has eight.
func (c canary) keyed(t *testing.T, h crypto.Hash, word int) canary {
	t.Helper()
	for _, pad := range []byte{0x36, 0x5c} {
		d := h.New()
		b := bytes.Repeat([]byte{pad}, d.BlockSize())
		for i, k := range c.forms[0] {
			b[i] ^= k
		}
		d.Write(b)
		state, err := d.(encoding.BinaryMarshaler).MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		// After four bytes that say which hash it is come the words, big-endian.
		const magic = 4
		var words []byte
		for i := range 8 {
			switch at := state[magic+i*word:]; word {
			case 4:
				words = endian.NativeEndian.AppendUint32(words, endian.BigEndian.Uint32(at))
			default:
				words = endian.NativeEndian.AppendUint64(words, endian.BigEndian.Uint64(at))
			}
		}
		c.states = append(c.states, words)
	}
	return c
}

func newCanary(name string, secret []byte, more ...[]byte) canary {
	return canary{name: name, forms: append([][]byte{
		secret, []byte(hex.EncodeToString(secret)), []byte(base64.StdEncoding.EncodeToString(secret)), []byte(base64.RawURLEncoding.EncodeToString(secret)),
	}, more...)}
}

// random is n bytes that occur nowhere by chance.
func random(t *testing.T, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSecretsAreNotLeftBehind moves secrets of every kind through a server and looks
// for them in its memory, its data directory and its log.
//
// In memory it looks for the bytes themselves. Key material of symmetric and HMAC keys,
// data keys and plaintexts are nowhere in ordinary memory, not once. Only what libraries
// copy to places that nobody can reach may be there a few times: a passphrase (Argon2) and
// private keys of asymmetric algorithms; they are used many times, and copies that pile up
// fail the test. Secret access keys are another matter: every signature is verified with
// them, and they are ordinary memory, as docs/security.md says; here they prove that the
// search finds what is there, as do the forms of keys in locked memory. Nor are the
// buffers of connections searched for encodings: what came in or went out as base64 stays
// in them until they are used again.
//
// On disk, outside the secrets directory, nothing may be found in any form.
func TestSecretsAreNotLeftBehind(t *testing.T) {
	t.Parallel()
	passphrase := hex.EncodeToString(random(t, 24))
	i := newInstallation(t)
	file := i.path("passphrase")
	if err := os.WriteFile(file, []byte(passphrase), 0o600); err != nil {
		t.Fatal(err)
	}
	i.flags = []string{"--seal", "passphrase", "--seal-passphrase-file", file}
	s := i.serve(t, "--log-level", "debug")
	user := s.newUser(t, "alice")
	canaries := []canary{
		{name: "the passphrase", forms: [][]byte{[]byte(passphrase)}, residue: maxResidue},
		s.importCanary(t), s.macCanary(t, "HMAC_256", "HMAC_SHA_256", crypto.SHA256, 4), s.macCanary(t, "HMAC_512", "HMAC_SHA_512", crypto.SHA512, 8),
		s.signingCanary(t), s.plaintextCanary(t), s.dataKeyCanary(t), s.pairCanary(t),
	}
	secrets := []canary{
		newCanary("the root user's secret access key", s.key.Secret), newCanary("a user's secret access key", user.Secret),
	}
	// Errors that could quote what they refuse. (As a blob, which is no secret to the
	// server, the base64 forms would be decoded into the bytes that are looked for.)
	for _, c := range canaries[1:] {
		for _, form := range c.forms[1:] {
			_, _ = s.tryKMS(s.key, "DescribeKey", object{"KeyId": string(form)})
		}
	}
	// Work that uses buffers again.
	for range 200 {
		s.kms(t, "ListKeys", object{"Limit": 1})
	}

	s.mustBeHardened(t)
	s.searchMemory(t, canaries, secrets)

	onDisk := append(slices.Clone(canaries), secrets...)
	searchFiles(t, i.data(), onDisk)
	s.stop(t)
	searchFiles(t, i.data(), onDisk)
	for _, c := range onDisk {
		for _, form := range c.forms {
			if strings.Contains(s.log.String(), string(form)) {
				t.Errorf("the log holds %s", c.name)
			}
		}
	}
	// The history is sealed on disk, so it is asked for.
	s = i.serve(t)
	status, answer, err := s.send(s.key, "cloudtrail", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents", "application/x-amz-json-1.1", []byte(`{"MaxResults":50}`))
	if err != nil || status != 200 || !bytes.Contains(answer, []byte("ImportKeyMaterial")) && !bytes.Contains(answer, []byte("ListKeys")) {
		t.Fatalf("LookupEvents: %d %.200s %v", status, answer, err)
	}
	for _, c := range onDisk {
		for _, form := range c.forms {
			if bytes.Contains(answer, form) {
				t.Errorf("the event history holds %s", c.name)
			}
		}
	}
}

// importKey makes a key of known material.
func (s *server) importKey(t *testing.T, spec, usage string, material []byte) string {
	t.Helper()
	key := s.kms(t, "CreateKey", object{"Origin": "EXTERNAL", "KeySpec": spec, "KeyUsage": usage})["KeyMetadata"].(object)["KeyId"].(string)
	p := s.kms(t, "GetParametersForImport", object{"KeyId": key, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"})
	der, err := base64.StdEncoding.DecodeString(p["PublicKey"].(string))
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public.(*rsa.PublicKey), material, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.kms(t, "ImportKeyMaterial", object{
		"KeyId": key, "ImportToken": p["ImportToken"], "EncryptedKeyMaterial": wrapped, "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
	})
	return key
}

// importCanary imports a symmetric key, and uses it.
func (s *server) importCanary(t *testing.T) canary {
	t.Helper()
	material := random(t, 32)
	key := s.importKey(t, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", material)
	for range uses {
		s.mustDecrypt(t, s.encrypt(t, key, secretText), secretText)
	}
	return newCanary("imported key material", material).keyed(t, crypto.SHA256, 4)
}

// macCanary imports an HMAC key, and uses it.
func (s *server) macCanary(t *testing.T, spec, algorithm string, h crypto.Hash, word int) canary {
	t.Helper()
	material := random(t, h.Size())
	key := s.importKey(t, spec, "GENERATE_VERIFY_MAC", material)
	for range uses {
		in := object{"KeyId": key, "MacAlgorithm": algorithm, "Message": []byte(secretText)}
		in["Mac"] = s.kms(t, "GenerateMac", in)["Mac"]
		s.kms(t, "VerifyMac", in)
	}
	return newCanary("an imported "+spec+" key", material).keyed(t, h, word)
}

// signingCanary imports a private key, and uses it. The bytes that are looked for are the
// secret number.
func (s *server) signingCanary(t *testing.T) canary {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	number, err := private.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	key := s.importKey(t, "ECC_NIST_P256", "SIGN_VERIFY", der)
	for range uses {
		s.kms(t, "Sign", object{"KeyId": key, "SigningAlgorithm": "ECDSA_SHA_256", "Message": []byte(secretText)})
	}
	c := newCanary("an imported private key", number)
	c.residue = maxResidue
	return c
}

// plaintextCanary encrypts a text and decrypts it again.
func (s *server) plaintextCanary(t *testing.T) canary {
	t.Helper()
	text := "plaintext " + hex.EncodeToString(random(t, 24))
	key := s.createKey(t)
	for range uses {
		s.mustDecrypt(t, s.encrypt(t, key, text), text)
	}
	return newCanary("a plaintext", []byte(text))
}

// dataKeyCanary is a data key that the server made.
func (s *server) dataKeyCanary(t *testing.T) canary {
	t.Helper()
	out := s.kms(t, "GenerateDataKey", object{"KeyId": s.createKey(t), "KeySpec": "AES_256"})
	key, err := base64.StdEncoding.DecodeString(out["Plaintext"].(string))
	if err != nil {
		t.Fatal(err)
	}
	return newCanary("a data key", key)
}

// pairCanary is the private key of a pair that the server made.
func (s *server) pairCanary(t *testing.T) canary {
	t.Helper()
	out := s.kms(t, "GenerateDataKeyPair", object{"KeyId": s.createKey(t), "KeyPairSpec": "ECC_NIST_P256"})
	der, err := base64.StdEncoding.DecodeString(out["PrivateKeyPlaintext"].(string))
	if err != nil {
		t.Fatal(err)
	}
	return newCanary("the private key of a data key pair", der)
}

// mustBeHardened checks that the process writes no core file and that other users
// cannot look into it.
func (s *server) mustBeHardened(t *testing.T) {
	t.Helper()
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(limits)) {
		if rest, ok := strings.CutPrefix(line, "Max core file size"); ok {
			if f := strings.Fields(rest); f[0] != "0" || f[1] != "0" {
				t.Errorf("core files are limited to %s", rest)
			}
		}
	}
	// The files of a process that is not dumpable belong to root, whoever runs it. Root's
	// own belong to root anyway; there the mode of its environment tells nothing.
	st, err := os.Stat(fmt.Sprintf("/proc/%d/environ", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		if _, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", s.cmd.Process.Pid)); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("the process is dumpable: %v %v", st.Mode(), err)
		}
	}
}

// maxResidue is how many copies of a secret that libraries copy may be left in ordinary
// memory after it was used uses times.
const (
	maxResidue = 6
	uses       = 40
)

// What is appended to a canary's name for the forms and places it is found in.
const (
	asState  = " (state)"
	inLocked = ", locked"
)

// mapping is a part of a process's memory.
type mapping struct {
	start, end uint64
	what       string
	protected  bool // locked into RAM and left out of core dumps
}

func (s *server) mappings(t *testing.T) []mapping {
	t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/smaps", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []mapping
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if from, to, ok := strings.Cut(fields[0], "-"); ok && len(fields) >= 5 {
			var m mapping
			if m.start, err = strconv.ParseUint(from, 16, 64); err != nil {
				continue
			}
			if m.end, err = strconv.ParseUint(to, 16, 64); err != nil {
				continue
			}
			m.what = lines.Text()
			if strings.HasPrefix(fields[1], "r") && !strings.Contains(m.what, "[vvar]") && !strings.Contains(m.what, "[vsyscall]") {
				all = append(all, m)
			} else {
				all = append(all, mapping{what: m.what}) // empty
			}
		} else if fields[0] == "VmFlags:" && len(all) > 0 {
			all[len(all)-1].protected = slices.Contains(fields, "lo") && slices.Contains(fields, "dd")
		}
	}
	return all
}

// searchMemory looks for the canaries' own bytes. The secrets are there, and must be
// found. A user who may not read the memory of the process has found nothing already.
func (s *server) searchMemory(t *testing.T, canaries, secrets []canary) {
	t.Helper()
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", s.cmd.Process.Pid))
	if errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0 {
		t.Log("the kernel does not let this user look into the process")
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	found := map[string]int{}
	for _, m := range s.mappings(t) {
		for at := m.start; at < m.end; {
			// Parts overlap, so that nothing is missed where they meet.
			const part, overlap = 8 << 20, 4 << 10
			buf := make([]byte, min(part, m.end-at))
			n, err := mem.ReadAt(buf, int64(at))
			if err != nil && n == 0 {
				break // guard pages and the like
			}
			place := ""
			if m.protected {
				place = inLocked
			}
			for _, c := range canaries {
				found[c.name+place] += bytes.Count(buf[:n], c.forms[0])
				for _, state := range c.states {
					found[c.name+asState+place] += bytes.Count(buf[:n], state)
				}
			}
			for _, c := range secrets {
				found[c.name] += bytes.Count(buf[:n], c.forms[0])
			}
			if at+uint64(n) >= m.end || n <= overlap {
				break
			}
			at += uint64(n) - overlap
		}
	}
	t.Logf("found in memory: %v", found)
	for _, c := range canaries {
		if found[c.name] > c.residue {
			t.Errorf("ordinary memory holds %d copies of %s", found[c.name], c.name)
		}
		if n := found[c.name+asState]; n > 0 {
			t.Errorf("ordinary memory holds %d states keyed with %s", n, c.name)
		}
		if n := found[c.name+asState+inLocked]; n < len(c.states) {
			t.Errorf("locked memory holds %d states keyed with %s: it is open, so %d must be there", n, c.name, len(c.states))
		}
	}
	for _, c := range secrets {
		if found[c.name] == 0 {
			t.Errorf("the search did not find %s, which is there", c.name)
		}
	}
}

// searchFiles looks for every form of the canaries in all files below dir.
func searchFiles(t *testing.T, dir string, canaries []canary) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // the store removes files while it runs
			}
			return err
		}
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		defer f.Close()
		text, err := io.ReadAll(f)
		if err != nil {
			return err
		}
		files++
		for _, c := range canaries {
			for _, form := range c.forms {
				if bytes.Contains(text, form) {
					t.Errorf("%s holds %s", path, c.name)
				}
			}
		}
		return nil
	})
	if err != nil || files == 0 {
		t.Errorf("%d files were searched: %v", files, err)
	}
}
