package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fastness/internal/ca"
	"fastness/internal/sigv4"
	"fastness/internal/store"
	"fastness/internal/store/pebble"
)

const secretText = "a text that must come back"

func TestFileSealKeepsKeysOverARestart(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	s := i.serve(t)
	blob := s.encrypt(t, s.createKey(t), secretText)
	s.stop(t)
	s = i.serve(t)
	s.mustDecrypt(t, blob, secretText)
}

func TestFileSealRefusesAKeyFileThatOthersCanRead(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.serve(t).stop(t)
	file := filepath.Join(i.secrets(), "root.key")
	st, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if st.Mode() != 0o600 {
		t.Errorf("the root key file was made with mode %v", st.Mode())
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o602} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		i.refused(t, "not private", "", "serve", "--listen", "127.0.0.1:0")
	}
	if err := os.Chmod(file, 0o400); err != nil {
		t.Fatal(err)
	}
	i.serve(t).stop(t)
	if os.Geteuid() == 0 { // only root can give a file away
		const nobody = 65534
		if err := os.Chown(file, nobody, nobody); err != nil {
			t.Fatal(err)
		}
		i.refused(t, "not private", "", "serve", "--listen", "127.0.0.1:0")
	}
}

func TestALostPartIsNeverReplacedByAFreshOne(t *testing.T) {
	t.Parallel()
	remove := func(name string) func(*testing.T, *installation) {
		return func(t *testing.T, i *installation) {
			t.Helper()
			if err := os.RemoveAll(i.path(name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, tc := range map[string]struct {
		lose    func(*testing.T, *installation)
		message string
	}{
		"root key":  {remove("data-secrets/root.key"), "key file missing"},
		"key slots": {remove("data/keyslots"), "keyslot: file missing"},
		"store":     {remove("data/store"), "the store was lost"},
		"keyring":   {removeKeyring, "keyring record is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newInstallation(t)
			s := i.serve(t)
			s.createKey(t)
			s.stop(t)
			tc.lose(t, i)
			i.refused(t, tc.message, "", "serve", "--listen", "127.0.0.1:0")
			// Nor at the second try.
			i.refused(t, tc.message, "", "serve", "--listen", "127.0.0.1:0")
		})
	}
}

// removeKeyring deletes the keyring record: the one that is JSON.
func removeKeyring(t *testing.T, i *installation) {
	t.Helper()
	s, err := pebble.Open(filepath.Join(i.data(), "store"), pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	removed := 0
	if _, err := s.Update(t.Context(), func(tx store.Txn) error {
		removed = 0
		for item, err := range tx.Scan(store.Range{}) {
			if err != nil {
				return err
			}
			if strings.Contains(string(item.Key), "keyring") {
				removed++
				if err := tx.Delete(item.Key); err != nil {
					return err
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if removed != 1 {
		t.Fatalf("%d keyring records", removed)
	}
}

func TestPassphraseSeal(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	file := i.path("passphrase")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("correct horse battery staple\n")
	i.flags = []string{"--seal", "passphrase", "--seal-passphrase-file", file}
	s := i.serve(t)
	blob := s.encrypt(t, s.createKey(t), secretText)
	s.stop(t)
	write("wrong horse battery staple\n")
	i.refused(t, "does not open the root key", "", "serve", "--listen", "127.0.0.1:0")
	write("short")
	i.refused(t, "8 to 1024 bytes", "", "serve", "--listen", "127.0.0.1:0")

	// Through a descriptor, as service managers hand secrets over.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteString("correct horse battery staple"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	i.flags, i.files = []string{"--seal", "passphrase", "--seal-passphrase-file", "/dev/fd/3"}, []*os.File{r}
	s = i.serve(t)
	r.Close()
	s.mustDecrypt(t, blob, secretText)
	s.stop(t)

	i.flags, i.files = nil, nil
	i.refused(t, "another kind of provider", "", "serve", "--listen", "127.0.0.1:0")
}

// shares takes the shares out of what init and rekey print.
func shares(t *testing.T, out string, want int) []string {
	t.Helper()
	var list []string
	for line := range strings.Lines(out) {
		if _, share, ok := strings.Cut(line, ": "); ok && strings.HasPrefix(line, "share ") {
			list = append(list, strings.TrimSpace(share))
		}
	}
	if len(list) != want {
		t.Fatalf("%d shares, not %d, in\n%s", len(list), want, out)
	}
	return list
}

// mustBeSealed checks that a server says that it is sealed and serves nothing else.
func (s *server) mustBeSealed(t *testing.T) {
	t.Helper()
	if code, body := s.get(t, "/health"); code != http.StatusOK || !strings.Contains(body, `"sealed"`) {
		t.Errorf("/health of a sealed server: %d %s", code, body)
	}
	if code, _ := s.get(t, "/ready"); code != http.StatusServiceUnavailable {
		t.Errorf("/ready of a sealed server: %d", code)
	}
	status, answer, err := s.send(s.keyOrAny(), "kms", "TrentService.ListKeys", "application/x-amz-json-1.1", []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	var out struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(answer, &out); err != nil || status != http.StatusServiceUnavailable ||
		out.Type != "ServiceUnavailableException" || out.Message != "Fastness is sealed." {
		t.Errorf("a sealed server answers %d %s", status, answer)
	}
	if code, _ := s.get(t, "/anything/else"); code != http.StatusServiceUnavailable {
		t.Errorf("a sealed server answers another path with %d", code)
	}
}

func TestShamirSeal(t *testing.T) {
	t.Parallel()
	i := newInstallation(t, "--seal", "shamir")
	i.refused(t, "fastness init", "", "serve", "--listen", "127.0.0.1:0")
	set := shares(t, i.run(t, "", "init", "--shares", "4", "--threshold", "3"), 4)
	i.refused(t, "already initialized", "", "init")
	other := newInstallation(t, "--seal", "shamir")
	foreign := shares(t, other.run(t, "", "init", "--shares", "2", "--threshold", "2"), 2)[0]

	s := i.serve(t)
	s.mustBeSealed(t)
	unseal := func(s *server, share string) (string, error) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		cmd := exec.CommandContext(ctx, binary, "unseal", "--url", "http://"+s.addr)
		cmd.Stdin = strings.NewReader(share + "\n")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	must := func(s *server, share, say string) {
		t.Helper()
		if out, err := unseal(s, share); err != nil || !strings.Contains(out, say) {
			t.Fatalf("unseal: %v\n%s\nwithout %q", err, out, say)
		}
	}
	refuse := func(s *server, share, say string) {
		t.Helper()
		if out, err := unseal(s, share); err == nil || !strings.Contains(out, say) {
			t.Fatalf("unseal of a bad share: %v\n%s\nwithout %q", err, out, say)
		}
	}
	corrupt := []byte(set[0])
	corrupt[len(corrupt)/2] ^= 1
	must(s, set[0], `"submitted":1`)
	refuse(s, set[0], "already submitted")
	refuse(s, string(corrupt), "share")
	refuse(s, foreign, "another set")
	refuse(s, "", "share")
	refuse(s, strings.Repeat("x", 4000), "share")
	must(s, set[1], `"submitted":2`)
	s.mustBeSealed(t)
	must(s, set[3], `"unsealed"`)
	s.readKey(t)
	blob := s.encrypt(t, s.createKey(t), secretText)
	must(s, set[2], `"unsealed"`) // more shares change nothing

	// Sealed again by the operator, and unsealed by another quorum.
	i.run(t, "", "seal")
	s.mustBeSealed(t)
	for _, share := range set[1:] {
		must(s, share, "state")
	}
	s.mustDecrypt(t, blob, secretText)
	if out := i.statusOf(t, s); !strings.Contains(out, `"threshold":3`) {
		t.Errorf("status says %s", out)
	}
	s.stop(t)

	// A restart needs the shares again; a forgotten attempt starts from nothing.
	s = i.serve(t)
	must(s, set[0], `"submitted":1`)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if out, err := exec.CommandContext(ctx, binary, "unseal", "--reset", "--url", "http://"+s.addr).CombinedOutput(); err != nil || !strings.Contains(string(out), `"submitted":0`) {
		t.Fatalf("unseal --reset: %v\n%s", err, out)
	}
	must(s, set[1], `"submitted":1`)
	s.mustBeSealed(t)
}

// statusOf runs fastness status.
func (i *installation) statusOf(t *testing.T, s *server) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, binary, "status", "--url", "http://"+s.addr).CombinedOutput()
	if err != nil {
		t.Fatalf("status: %v\n%s", err, out)
	}
	return string(out)
}

// keyOrAny is a key to sign with, whatever it is worth.
func (s *server) keyOrAny() (key sigv4.Credentials) {
	if s.key.AccessKeyID != "" {
		return s.key
	}
	return sigv4.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", Secret: []byte("any")}
}

func TestOneFastnessUnsealsAnother(t *testing.T) {
	t.Parallel()
	holder := newInstallation(t)
	h := holder.serve(t)
	key := h.createKey(t)
	user := h.newUser(t, "unsealer")
	h.iam(t, "PutUserPolicy", "UserName", "unsealer", "PolicyName", "seal",
		"PolicyDocument", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kms:Encrypt","kms:Decrypt"],"Resource":"*"}]}`)

	i := newInstallation(t, "--seal", "awskms", "--seal-kms-endpoint", "http://"+h.addr, "--seal-kms-key", key)
	i.env = []string{"FASTNESS_SEAL_KMS_ACCESS_KEY_ID=" + user.AccessKeyID, "FASTNESS_SEAL_KMS_SECRET_ACCESS_KEY=" + string(user.Secret)}
	s := i.serve(t)
	blob := s.encrypt(t, s.createKey(t), secretText)
	s.stop(t)
	s = i.serve(t)
	s.mustDecrypt(t, blob, secretText)
	s.stop(t)

	// Without the holder the server starts sealed. When the holder is back, it is
	// unsealed: by itself after a while, or at once when the operator says so.
	h.stop(t)
	s = i.serve(t)
	s.mustBeSealed(t)
	holder.serve(t, "--listen", h.addr)
	i.run(t, "", "unseal", "--again")
	s.mustDecrypt(t, blob, secretText)
}

func TestRekeyMovesTheRootKeyToAnotherSeal(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	s := i.serve(t)
	blob := s.encrypt(t, s.createKey(t), secretText)
	s.stop(t)

	file := i.path("passphrase")
	if err := os.WriteFile(file, []byte("correct horse battery staple"), 0o600); err != nil {
		t.Fatal(err)
	}
	i.run(t, "", "rekey", "--to", "passphrase", "--to-passphrase-file", file)
	i.refused(t, "another kind of provider", "", "serve", "--listen", "127.0.0.1:0")
	i.flags = []string{"--seal", "passphrase", "--seal-passphrase-file", file}
	s = i.serve(t)
	s.mustDecrypt(t, blob, secretText)
	s.stop(t)

	set := shares(t, i.run(t, "", "rekey", "--to", "shamir", "--shares", "3", "--threshold", "2", "--new-root"), 3)
	i.refused(t, "another kind of provider", "", "serve", "--listen", "127.0.0.1:0")
	i.flags = []string{"--seal", "shamir"}
	if out := i.run(t, set[0]+"\n"+set[2]+"\n", "fsck"); !strings.Contains(out, "no problems found") {
		t.Errorf("fsck says %s", out)
	}

	// Back into a file, with shares on the standard input.
	newFile := i.path("new-root.key")
	i.run(t, set[1]+"\n"+set[2]+"\n", "rekey", "--to", "file", "--to-key-file", newFile, "--new-root")
	i.flags = []string{"--seal-key-file", newFile}
	s = i.serve(t)
	s.mustDecrypt(t, blob, secretText)
	s.stop(t)
	i.flags = nil // the first key file opens nothing any more
	i.refused(t, "does not open the root key", "", "serve", "--listen", "127.0.0.1:0")
}

func TestTLSWithTheOwnAuthorityAndWithGivenCertificates(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	s := i.serve(t, "--tls-names", "fastness.example")
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(i.run(t, "", "ca"))) {
		t.Fatal("fastness ca prints no certificate")
	}
	leaf := handshake(t, s.addr, pool, "fastness.example")
	handshake(t, s.addr, pool, "kms.eu-west-1.amazonaws.com")
	handshake(t, s.addr, pool, "127.0.0.1")
	s.stop(t)
	// The same certificate after a restart, and another one when the names change.
	s = i.serve(t, "--tls-names", "fastness.example")
	if again := handshake(t, s.addr, pool, "fastness.example"); !again.Equal(leaf) {
		t.Error("a restart made another certificate")
	}
	s.stop(t)
	s = i.serve(t, "--tls-names", "other.example")
	handshake(t, s.addr, pool, "other.example")
	s.stop(t)

	authority, err := ca.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := authority.IssueServer(time.Now(), time.Hour, []string{"given.example"})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"cert.pem": cert, "key.pem": key} {
		if err := os.WriteFile(i.path(name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	given := x509.NewCertPool()
	given.AppendCertsFromPEM(authority.CertificatePEM())
	s = i.serve(t, "--tls-cert", i.path("cert.pem"), "--tls-key", i.path("key.pem"))
	handshake(t, s.addr, given, "given.example")
	s.stop(t)
	i.refused(t, "together or not at all", "", "serve", "--tls-cert", i.path("cert.pem"))
}

// handshake connects with TLS and returns the server's certificate.
func handshake(t *testing.T, addr string, roots *x509.CertPool, name string) *x509.Certificate {
	t.Helper()
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", addr, &tls.Config{RootCAs: roots, ServerName: name})
	if err != nil {
		t.Fatalf("handshake as %s: %v", name, err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0]
}
