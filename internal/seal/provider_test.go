package seal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fastness/internal/clock"
	"fastness/internal/seal/shamir"
	"fastness/internal/securemem"
)

// cheap is the weakest stretch that is allowed, to keep tests quick.
var cheap = Stretch{Function: Argon2id, Time: 1, MemoryKiB: 8 << 10, Threads: 1}

func newTestPassphrase(t testing.TB, a *securemem.Arena, pass string) *Passphrase {
	t.Helper()
	p, err := NewPassphrase(a, cheap, func(context.Context) ([]byte, error) { return []byte(pass), nil })
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestKeyFileIsPrivateOrRefused(t *testing.T) {
	x := newFixture(t)
	x.open(t)
	st, err := os.Stat(x.path)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", st.Mode(), err)
	}
	entries, err := os.ReadDir(filepath.Dir(x.path))
	if err != nil || len(entries) != 1 {
		t.Errorf("files beside the key file: %v, %v", entries, err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o602, 0o644, 0o660, 0o610} {
		if err := os.Chmod(x.path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), x.inner, x.provider(), x.options()); !errors.Is(err, ErrKeyFileExposed) {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
	if err := os.Chmod(x.path, 0o400); err != nil {
		t.Fatal(err)
	}
	x.open(t)
	link := x.path + ".link"
	if err := os.Symlink(x.path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), x.inner, NewFile(x.arena, link), x.options()); err != nil {
		t.Errorf("through a symbolic link: %v", err)
	}
	if _, err := Open(t.Context(), x.inner, NewFile(x.arena, filepath.Dir(x.path)), x.options()); !errors.Is(err, ErrKeyFileExposed) {
		t.Errorf("a directory: %v", err)
	}
}

func TestKeyFileContent(t *testing.T) {
	x := newFixture(t)
	x.open(t)
	good, err := os.ReadFile(x.path)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"empty": nil, "cut": good[:40], "longer": append(bytes.Clone(good), '0', '0'), "prefix": bytes.ToUpper(good),
		"digit": bytes.Replace(good, good[20:21], []byte("x"), 1), "twice": bytes.Repeat(good, 2),
	} {
		if err := os.WriteFile(x.path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), x.inner, x.provider(), x.options())
		if !errors.Is(err, ErrKeyFileMalformed) || strings.Contains(err.Error(), string(good[20:40])) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, content := range [][]byte{bytes.TrimSpace(good), append(bytes.TrimSpace(good), "\r\n"...)} {
		if err := os.WriteFile(x.path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		x.open(t)
	}
}

func TestPassphrase(t *testing.T) {
	for _, s := range []Stretch{cheap, {Function: Scrypt, N: 1 << 14, R: 8, P: 1}} {
		x := newFixture(t)
		p, err := NewPassphrase(x.arena, s, func(context.Context) ([]byte, error) { return []byte("a long passphrase"), nil })
		if err != nil {
			t.Fatal(err)
		}
		k, err := Open(t.Context(), x.inner, p, x.options())
		if err != nil {
			t.Fatal(err)
		}
		putValue(t, k.Store(x.inner), "a", "1")
		k2, err := Open(t.Context(), x.inner, newTestPassphrase(t, x.arena, "a long passphrase"), x.options())
		if err != nil {
			t.Fatalf("%s: the parameters are not taken from the record: %v", s.Function, err)
		}
		wantValue(t, k2.Store(x.inner), "a", "1")
		for pass, want := range map[string]error{"a wrong passphrase": ErrWrongKey, "short": ErrPassphrase, strings.Repeat("x", 1025): ErrPassphrase} {
			if _, err := Open(t.Context(), x.inner, newTestPassphrase(t, x.arena, pass), x.options()); !errors.Is(err, want) {
				t.Errorf("passphrase of %d bytes: %v", len(pass), err)
			}
		}
	}
}

func TestPassphraseParametersAreBounded(t *testing.T) {
	a := newArena(t)
	for _, s := range []Stretch{
		{}, {Function: "md5"},
		{Function: Argon2id, Time: 0, MemoryKiB: 64 << 10, Threads: 1}, {Function: Argon2id, Time: 65, MemoryKiB: 64 << 10, Threads: 1},
		{Function: Argon2id, Time: 1, MemoryKiB: 1 << 10, Threads: 1}, {Function: Argon2id, Time: 1, MemoryKiB: 8 << 20, Threads: 1},
		{Function: Argon2id, Time: 1, MemoryKiB: 64 << 10}, {Function: Argon2id, Time: 1, MemoryKiB: 64 << 10, Threads: 1, N: 2},
		{Function: Scrypt, N: 1 << 13, R: 8, P: 1}, {Function: Scrypt, N: 1<<15 + 1, R: 8, P: 1}, {Function: Scrypt, N: 1 << 24, R: 32, P: 1}, {Function: Scrypt, N: 1 << 15, R: 0, P: 1},
	} {
		if _, err := NewPassphrase(a, s, nil); err == nil {
			t.Errorf("%+v was accepted", s)
		}
		config, err := json.Marshal(passphraseConfig{Stretch: s, Salt: make([]byte, 16)})
		if err != nil {
			t.Fatal(err)
		}
		err = newTestPassphrase(t, a, "long enough").Unwrap(t.Context(), "i", Wrapped{Config: config, Root: make([]byte, 32+xaesOverhead)}, make([]byte, 32))
		if !errors.Is(err, ErrIntegrity) {
			t.Errorf("%+v in a record: %v", s, err)
		}
	}
	if err := DefaultStretch().check(); err != nil {
		t.Error(err)
	}
}

// shareTexts initializes a store with shares and returns their texts.
func shareTexts(t *testing.T, x *fixture, u *Unsealer, n, m int) [][]byte {
	t.Helper()
	p, err := NewShamirSplit(x.arena, n, m)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Destroy()
	if err := u.Initialize(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	p.Shares(func(_ int, text []byte) { out = append(out, bytes.Clone(text)) })
	return out
}

func TestUnsealerGoesThroughItsStates(t *testing.T) {
	x := newFixture(t)
	u, err := NewUnsealer(x.inner, x.options())
	if err != nil {
		t.Fatal(err)
	}
	wantStatus := func(state State, submitted int) {
		t.Helper()
		st, err := u.Status(t.Context())
		if err != nil || st.State != state || st.Submitted != submitted {
			t.Fatalf("%v (%+v), %v; want %v with %d shares", st.State, st, err, state, submitted)
		}
	}
	wantStatus(Uninitialized, 0)
	if _, err := u.Keyring(); !errors.Is(err, ErrSealed) {
		t.Errorf("Keyring: %v", err)
	}
	if err := u.Unseal(t.Context(), x.provider()); !errors.Is(err, ErrUninitialized) {
		t.Errorf("Unseal of an empty store: %v", err)
	}
	if _, err := u.SubmitShare(t.Context(), []byte("fshare1-")); !errors.Is(err, ErrUninitialized) {
		t.Errorf("a share for an empty store: %v", err)
	}
	shares := shareTexts(t, x, u, 5, 3)
	if len(shares) != 5 {
		t.Fatalf("%d shares", len(shares))
	}
	wantStatus(Unsealed, 0)
	k, err := u.Keyring()
	if err != nil {
		t.Fatal(err)
	}
	putValue(t, k.Store(x.inner), "a", "1")
	if err := u.Initialize(t.Context(), x.provider()); !errors.Is(err, ErrAlreadyInitialized) {
		t.Errorf("Initialize again: %v", err)
	}
	u.Seal()
	wantStatus(Sealed, 0)
	if st := x.arena.Stats(); st.Secrets != 0 {
		t.Errorf("%d secrets are left after Seal", st.Secrets)
	}
	submit := func(text []byte, want error) {
		t.Helper()
		if _, err := u.SubmitShare(t.Context(), text); !errors.Is(err, want) {
			t.Fatalf("%v, want %v", err, want)
		}
	}
	submit(shares[4], nil)
	wantStatus(Sealed, 1)
	submit(shares[4], ErrDuplicateShare)
	bad := bytes.Clone(shares[0])
	bad[30] ^= 3
	submit(bad, shamir.ErrCorrupt)
	other := newFixture(t)
	ou, err := NewUnsealer(other.inner, other.options())
	if err != nil {
		t.Fatal(err)
	}
	submit(shareTexts(t, other, ou, 5, 3)[0], ErrForeignShare)
	wantStatus(Sealed, 1)
	u.Reset()
	wantStatus(Sealed, 0)
	for i, s := range [][]byte{shares[1], shares[3], shares[0]} {
		submit(s, nil)
		if i < 2 {
			wantStatus(Sealed, i+1)
		}
	}
	wantStatus(Unsealed, 0)
	submit(shares[2], nil) // nothing to do any more
	if k, err = u.Keyring(); err != nil {
		t.Fatal(err)
	}
	wantValue(t, k.Store(x.inner), "a", "1")
	if _, err := k.Rotate(t.Context(), PurposeStore); err != nil {
		t.Errorf("rotation after unsealing by shares: %v", err)
	}
}

// A share that passes its checksum but is not the one that was handed out.
func TestForgedShareUnsealsNothingAndIsForgotten(t *testing.T) {
	x := newFixture(t)
	u, err := NewUnsealer(x.inner, x.options())
	if err != nil {
		t.Fatal(err)
	}
	shares := shareTexts(t, x, u, 3, 2)
	u.Seal()
	l, err := shamir.ParseText(shares[0])
	if err != nil {
		t.Fatal(err)
	}
	l.Share.Y[5] ^= 1
	forged, err := shamir.EncodeText(l)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.SubmitShare(t.Context(), forged); err != nil {
		t.Fatal(err)
	}
	st, err := u.SubmitShare(t.Context(), shares[1])
	if !errors.Is(err, ErrWrongKey) || st.State != Sealed || st.Submitted != 0 {
		t.Errorf("%+v, %v", st, err)
	}
	if n := x.arena.Stats().Secrets; n != 0 {
		t.Errorf("%d secrets are left", n)
	}
	for _, s := range shares[1:] {
		if st, err = u.SubmitShare(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if st.State != Unsealed {
		t.Errorf("%v", st.State)
	}
}

func TestShamirParameters(t *testing.T) {
	a := newArena(t)
	for _, c := range [][2]int{{1, 1}, {3, 1}, {3, 4}, {256, 3}, {0, 0}} {
		if _, err := NewShamirSplit(a, c[0], c[1]); !errors.Is(err, shamir.ErrParameters) {
			t.Errorf("%v: %v", c, err)
		}
	}
	for _, config := range []string{"", "{}", `{"set":"AAAAAAAAAAA=","shares":3,"threshold":9}`, `{"set":"AAAA","shares":3,"threshold":2}`, `{"x":1}`} {
		if _, err := NewShamirCollect(a, []byte(config)); !errors.Is(err, ErrIntegrity) {
			t.Errorf("%s: %v", config, err)
		}
	}
}

// kmsServer answers Encrypt and Decrypt as AWS KMS documents them, with the key held
// in memory and the context as associated data.
type kmsServer struct {
	t     *testing.T
	aead  *xaes
	arn   string
	fails []int // statuses to answer first
	calls int
}

func (s *kmsServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.calls++
	fail := func(status int, name string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"__type":"com.amazonaws.kms#%s","message":"no"}`, name)
	}
	if r.Header.Get("Authorization") != "signed" || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
		fail(400, "MissingAuthenticationTokenException")
		return
	}
	if len(s.fails) > 0 {
		status := s.fails[0]
		s.fails = s.fails[1:]
		name := "KMSInternalException"
		if status == 400 {
			name = "ThrottlingException"
		}
		fail(status, name)
		return
	}
	var in struct {
		KeyId                     string
		Plaintext, CiphertextBlob []byte
		EncryptionContext         map[string]string
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		fail(400, "SerializationException")
		return
	}
	aad, err := json.Marshal(in.EncryptionContext)
	if err != nil || len(in.EncryptionContext) != 2 {
		s.t.Errorf("context %v, %v", in.EncryptionContext, err)
	}
	out := map[string]any{"KeyId": s.arn}
	switch r.Header.Get("X-Amz-Target") {
	case "TrentService.Encrypt":
		if out["CiphertextBlob"], err = s.aead.seal(nil, in.Plaintext, aad); err != nil {
			s.t.Error(err)
		}
	case "TrentService.Decrypt":
		if in.KeyId != s.arn {
			fail(400, "IncorrectKeyException")
			return
		}
		if out["Plaintext"], err = s.aead.open(nil, in.CiphertextBlob, aad); err != nil {
			fail(400, "InvalidCiphertextException")
			return
		}
	default:
		fail(400, "UnknownOperationException")
		return
	}
	if err := json.NewEncoder(w).Encode(out); err != nil {
		s.t.Error(err)
	}
}

// eager is a clock whose sleeps end at once.
type eager struct{ clock.Clock }

func (eager) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func newKMS(t *testing.T, a *securemem.Arena) (*kmsServer, *KMSClient) {
	t.Helper()
	x, err := newXAES(a, bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	h := &kmsServer{t: t, aead: x, arn: "arn:aws:kms:us-east-1:111122223333:key/k"}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c, err := NewKMSClient(KMSClientOptions{
		Endpoint: srv.URL, HTTP: srv.Client(), Clock: eager{},
		Sign: func(_ context.Context, r *http.Request, body []byte) error {
			if len(body) == 0 {
				t.Error("nothing to sign")
			}
			r.Header.Set("Authorization", "signed")
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h, c
}

func TestAWSKMSProvider(t *testing.T) {
	x := newFixture(t)
	h, c := newKMS(t, x.arena)
	h.fails = []int{500, 400, 503}
	k, err := Open(t.Context(), x.inner, NewAWSKMS(c, "alias/fastness"), x.options())
	if err != nil {
		t.Fatal(err)
	}
	putValue(t, k.Store(x.inner), "a", "1")
	h.fails = []int{500}
	k2, err := Open(t.Context(), x.inner, NewAWSKMS(c, "alias/moved-elsewhere"), x.options())
	if err != nil {
		t.Fatal(err)
	}
	wantValue(t, k2.Store(x.inner), "a", "1")

	h.fails, h.calls = []int{500, 500, 500, 500}, 0
	if _, err := Open(t.Context(), x.inner, NewAWSKMS(c, "k"), x.options()); !errors.Is(err, ErrKMS) || h.calls != 4 {
		t.Errorf("after %d calls: %v", h.calls, err)
	}
	arn := h.arn
	h.arn += "2"
	h.calls = 0
	if _, err := Open(t.Context(), x.inner, NewAWSKMS(c, "k"), x.options()); !errors.Is(err, ErrWrongKey) || h.calls != 1 {
		t.Errorf("another key: %v (%d calls)", err, h.calls)
	}
	h.arn = arn
	// The wrapped root of one installation does not open for another.
	rec, err := parseRecord(x.inner.raw(recordKey))
	if err != nil {
		t.Fatal(err)
	}
	root := make([]byte, 32)
	w := Wrapped{Config: rec.Provider.Config, Root: rec.Provider.Wrapped}
	if err := NewAWSKMS(c, "k").Unwrap(t.Context(), "another", w, root); !errors.Is(err, ErrWrongKey) {
		t.Errorf("another installation: %v", err)
	}
	if err := NewAWSKMS(c, "k").Unwrap(t.Context(), rec.Installation, w, root); err != nil {
		t.Errorf("the same installation: %v", err)
	}
}

func TestKMSClientRefusesPlainHTTPToOthers(t *testing.T) {
	o := KMSClientOptions{HTTP: http.DefaultClient, Clock: clock.System{}, Sign: func(context.Context, *http.Request, []byte) error { return nil }}
	for endpoint, ok := range map[string]bool{
		"https://kms.us-east-1.amazonaws.com": true, "http://127.0.0.1:4566": true, "http://localhost": true,
		"http://kms.example": false, "ftp://x": false, "": false, "https://user:pw@host": false, "kms.example": false,
	} {
		o.Endpoint = endpoint
		if _, err := NewKMSClient(o); (err == nil) != ok {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
}
