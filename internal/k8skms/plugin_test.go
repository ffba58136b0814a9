package k8skms

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	kmsapi "k8s.io/kms/apis/v2"
)

// rig is a running plugin and a gRPC client on its socket, as an apiserver has.
type rig struct {
	kmsapi.KeyManagementServiceClient
	kms    *rotatingKMS
	clock  *handClock
	plugin *Plugin
	path   string
	stop   context.CancelFunc
	ended  chan error
}

func start(t *testing.T, change func(*rotatingKMS, *Config)) *rig {
	t.Helper()
	r := &rig{kms: newRotatingKMS(), clock: newHandClock(), ended: make(chan error, 1)}
	r.path = filepath.Join(t.TempDir(), "kms.sock")
	config := Config{KMS: r.kms, Clock: r.clock, EncryptionContext: map[string]string{"cluster": "test"}}
	if change != nil {
		change(r.kms, &config)
	}
	var err error
	if r.plugin, err = New(config); err != nil {
		t.Fatal(err)
	}
	listener, err := Listen("unix://" + r.path)
	if err != nil {
		t.Fatal(err)
	}
	var ctx context.Context
	ctx, r.stop = context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.ended <- r.plugin.Run(ctx, listener)
	}()
	t.Cleanup(func() {
		r.stop()
		<-ended
	})
	conn, err := grpc.NewClient("unix://"+r.path, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	r.KeyManagementServiceClient = kmsapi.NewKeyManagementServiceClient(conn)
	return r
}

// ready waits for the first description of the key.
func (r *rig) ready(t *testing.T) {
	t.Helper()
	r.clock.settle(t, DefaultRefresh)
}

func (r *rig) keyID(t *testing.T) string {
	t.Helper()
	s, err := r.Status(t.Context(), &kmsapi.StatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if s.Version != "v2" || s.Healthz != "ok" || s.KeyId == "" || len(s.KeyId) >= 1024 {
		t.Errorf("status %v", s)
	}
	return s.KeyId
}

func wantCode(t *testing.T, err error, want codes.Code) {
	t.Helper()
	if got := status.Code(err); got != want {
		t.Errorf("got %v (%v), want %v", got, err, want)
	}
}

func TestWrapAndUnwrapASeed(t *testing.T) {
	for name, silent := range map[string]bool{"material told": false, "material not told": true} {
		t.Run(name, func(t *testing.T) {
			r := start(t, func(k *rotatingKMS, _ *Config) { k.silent = silent })
			r.ready(t)
			seed := make([]byte, 32)
			rand.Read(seed)
			e, err := r.Encrypt(t.Context(), &kmsapi.EncryptRequest{Plaintext: seed, Uid: "1"})
			if err != nil {
				t.Fatal(err)
			}
			if e.KeyId != r.keyID(t) || len(e.Ciphertext) > MaxCiphertextBytes || bytes.Contains(e.Ciphertext, seed) {
				t.Errorf("answer %v", e)
			}
			domain := regexp.MustCompile(`^([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
			for key := range e.Annotations {
				if !domain.MatchString(key) {
					t.Errorf("annotation %q is not a domain name", key)
				}
			}
			request := &kmsapi.DecryptRequest{Ciphertext: e.Ciphertext, Uid: "2", KeyId: e.KeyId, Annotations: e.Annotations}
			r.kms.rotate()
			d, err := r.Decrypt(t.Context(), request)
			if err != nil || !bytes.Equal(d.Plaintext, seed) {
				t.Errorf("after a rotation: %v, %v", d, err)
			}
			request.Ciphertext[len(request.Ciphertext)-1] ^= 1
			_, err = r.Decrypt(t.Context(), request)
			wantCode(t, err, codes.InvalidArgument)
		})
	}
}

func TestKeyIDChangesExactlyOnRotation(t *testing.T) {
	r := start(t, nil)
	r.ready(t)
	first := r.keyID(t)
	r.clock.advance(DefaultRefresh)
	r.ready(t)
	if again := r.keyID(t); again != first {
		t.Errorf("changed without a rotation: %s, %s", first, again)
	}
	r.kms.rotate()
	r.clock.advance(DefaultRefresh)
	r.ready(t)
	second := r.keyID(t)
	if second == first {
		t.Error("unchanged after a rotation")
	}
	// An Encrypt that tells newer material shows it at once.
	r.kms.rotate()
	e, err := r.Encrypt(t.Context(), &kmsapi.EncryptRequest{Plaintext: []byte{1}})
	if err != nil {
		t.Fatal(err)
	}
	if third := r.keyID(t); third == second || e.KeyId != third {
		t.Errorf("%s, %s, %s", second, e.KeyId, third)
	}
}

func TestKeyIDTellsAllPartsApart(t *testing.T) {
	seen := map[string]Key{}
	for _, k := range []Key{{"a", "b"}, {"ab", ""}, {"", "ab"}, {"a", "c"}, {"b", "b"}} {
		id := k.ID()
		if other, twice := seen[id]; twice || len(id) != 64 {
			t.Errorf("%v and %v: %s", k, other, id)
		}
		seen[id] = k
	}
}

func TestStatusIsAnErrorWhenTheKeyServiceIsDown(t *testing.T) {
	r := start(t, nil)
	r.ready(t)
	r.keyID(t)
	r.kms.set(func(k *rotatingKMS) { k.failure = errDown })
	r.clock.advance(DefaultRefresh)
	r.clock.settle(t, retryPause)
	r.keyID(t) // within the bound
	r.clock.advance(DefaultMaxStale - DefaultRefresh)
	r.clock.settle(t, retryPause)
	r.keyID(t) // at the bound
	r.clock.advance(retryPause)
	r.clock.settle(t, retryPause)
	_, err := r.Status(t.Context(), &kmsapi.StatusRequest{})
	wantCode(t, err, codes.Unavailable)
	_, err = r.Encrypt(t.Context(), &kmsapi.EncryptRequest{Plaintext: []byte{1}})
	wantCode(t, err, codes.Unavailable)

	r.kms.set(func(k *rotatingKMS) { k.failure = nil })
	r.clock.advance(retryPause)
	r.ready(t)
	r.keyID(t)
}

func TestStatusBeforeAndAfterTheFirstAnswer(t *testing.T) {
	r := start(t, func(k *rotatingKMS, _ *Config) { k.failure = errDown })
	r.clock.settle(t, retryPause)
	_, err := r.Status(t.Context(), &kmsapi.StatusRequest{})
	wantCode(t, err, codes.Unavailable)
	// Status itself hurries the next description; no time passes.
	r.kms.set(func(k *rotatingKMS) { k.failure = nil })
	_, _ = r.Status(t.Context(), &kmsapi.StatusRequest{})
	r.ready(t)
	r.keyID(t)
}

func TestEncryptWorksBeforeTheFirstStatus(t *testing.T) {
	plugin, err := New(Config{KMS: newRotatingKMS(), Clock: newHandClock()})
	if err != nil {
		t.Fatal(err)
	}
	e, err := plugin.Encrypt(t.Context(), &kmsapi.EncryptRequest{Plaintext: []byte{1}})
	if err != nil || e.KeyId == "" {
		t.Errorf("%v, %v", e, err)
	}
}

func TestFailuresHaveTheirCodes(t *testing.T) {
	r := start(t, nil)
	r.ready(t)
	good, err := r.Encrypt(t.Context(), &kmsapi.EncryptRequest{Plaintext: []byte{1}})
	if err != nil {
		t.Fatal(err)
	}
	encrypt := func(plaintext []byte, uid string) error {
		_, err := r.Encrypt(t.Context(), &kmsapi.EncryptRequest{Plaintext: plaintext, Uid: uid})
		return err
	}
	decrypt := func(ciphertext []byte, annotations map[string][]byte) error {
		_, err := r.Decrypt(t.Context(), &kmsapi.DecryptRequest{Ciphertext: ciphertext, Annotations: annotations})
		return err
	}
	wantCode(t, encrypt(nil, ""), codes.InvalidArgument)
	wantCode(t, encrypt(make([]byte, MaxPlaintextBytes+1), ""), codes.InvalidArgument)
	wantCode(t, encrypt([]byte{1}, strings.Repeat("u", maxUIDBytes+1)), codes.InvalidArgument)
	wantCode(t, encrypt(make([]byte, maxMessageBytes+1), ""), codes.ResourceExhausted)
	wantCode(t, decrypt(nil, good.Annotations), codes.InvalidArgument)
	wantCode(t, decrypt(make([]byte, MaxCiphertextBytes+1), good.Annotations), codes.InvalidArgument)
	wantCode(t, decrypt(good.Ciphertext, nil), codes.InvalidArgument)
	wantCode(t, decrypt(good.Ciphertext, map[string][]byte{VersionAnnotation: []byte("2")}), codes.InvalidArgument)
	for failure, want := range map[error]codes.Code{
		errDown:                          codes.Unavailable,
		fmt.Errorf("kms: %w", ErrDenied): codes.PermissionDenied,
		fmt.Errorf("x: %w", errors.ErrUnsupported): codes.Unavailable,
	} {
		r.kms.set(func(k *rotatingKMS) { k.failure = failure })
		wantCode(t, encrypt([]byte{1}, "u"), want)
		wantCode(t, decrypt(good.Ciphertext, good.Annotations), want)
	}
	r.kms.set(func(k *rotatingKMS) { k.failure, k.oversized = nil, true })
	wantCode(t, encrypt([]byte{1}, "u"), codes.Unavailable)
}

func TestStatusIsFast(t *testing.T) {
	r := start(t, nil)
	r.ready(t)
	r.keyID(t) // connected
	began := time.Now()
	const calls = 100
	for range calls {
		r.keyID(t)
	}
	if each := time.Since(began) / calls; each >= 10*time.Millisecond {
		t.Errorf("%v for each call", each)
	}
}

func TestSocketIsPrivateAndGoesAway(t *testing.T) {
	r := start(t, nil)
	r.ready(t)
	info, err := os.Lstat(r.path)
	if err != nil || info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if entries, err := os.ReadDir(filepath.Dir(r.path)); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if _, err := Listen("unix://" + r.path); err == nil {
		t.Error("a second process took the socket")
	}
	r.stop()
	if err := <-r.ended; err != nil {
		t.Errorf("Run ended with %v", err)
	}
	if _, err := os.Lstat(r.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("socket still there: %v", err)
	}
}

func TestListenReplacesADeadSocketOnly(t *testing.T) {
	dir := t.TempDir()
	dead := filepath.Join(dir, "dead.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	replaced, err := Listen("unix://" + dead)
	if err != nil {
		t.Fatal(err)
	}
	if err := replaced.Close(); err != nil {
		t.Error(err)
	}
	if err := replaced.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{
		"unix://" + file, "unix://relative", "unix:///a/../b", "tcp://127.0.0.1:1", dead, "unix://" + dir + "/no/such/kms.sock",
	} {
		if _, err := Listen(address); err == nil {
			t.Errorf("%s: accepted", address)
		}
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "precious" {
		t.Errorf("file touched: %q, %v", b, err)
	}
}

// slowKMS lets a test hold an Encrypt in the middle.
type slowKMS struct {
	*rotatingKMS
	entered chan struct{}
	release chan struct{}
}

func (s *slowKMS) Encrypt(ctx context.Context, plaintext []byte, c map[string]string) ([]byte, Key, error) {
	close(s.entered)
	<-s.release
	return s.rotatingKMS.Encrypt(ctx, plaintext, c)
}

func TestStopLetsCallsFinish(t *testing.T) {
	slow := &slowKMS{entered: make(chan struct{}), release: make(chan struct{})}
	r := start(t, func(k *rotatingKMS, config *Config) {
		slow.rotatingKMS = k
		config.KMS = slow
	})
	r.ready(t)
	result := make(chan error, 1)
	go func() {
		_, err := r.Encrypt(context.Background(), &kmsapi.EncryptRequest{Plaintext: []byte{1}})
		result <- err
	}()
	<-slow.entered
	r.stop()
	r.clock.settle(t, drainTime) // Run has begun to drain
	close(slow.release)
	if err := <-result; err != nil {
		t.Errorf("the call in progress: %v", err)
	}
	if err := <-r.ended; err != nil {
		t.Errorf("Run ended with %v", err)
	}
}

func TestStopCutsWhatHangs(t *testing.T) {
	slow := &slowKMS{entered: make(chan struct{}), release: make(chan struct{})}
	r := start(t, func(k *rotatingKMS, config *Config) {
		slow.rotatingKMS = k
		config.KMS = slow
	})
	r.ready(t)
	result := make(chan error, 1)
	go func() {
		_, err := r.Encrypt(context.Background(), &kmsapi.EncryptRequest{Plaintext: []byte{1}})
		result <- err
	}()
	<-slow.entered
	r.stop()
	r.clock.settle(t, drainTime)
	r.clock.advance(drainTime)
	wantCode(t, <-result, codes.Unavailable)
	close(slow.release) // grpc waits for the handler itself to return
	if err := <-r.ended; err != nil {
		t.Errorf("Run ended with %v", err)
	}
}

func TestNewChecksItsConfiguration(t *testing.T) {
	for name, config := range map[string]Config{
		"no KMS":      {Clock: newHandClock()},
		"no clock":    {KMS: newRotatingKMS()},
		"short bound": {KMS: newRotatingKMS(), Clock: newHandClock(), Refresh: time.Minute, MaxStale: time.Second},
	} {
		if _, err := New(config); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func BenchmarkStatus(b *testing.B) {
	plugin, err := New(Config{KMS: newRotatingKMS(), Clock: newHandClock()})
	if err != nil {
		b.Fatal(err)
	}
	if err := plugin.refresh(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := plugin.Status(b.Context(), nil); err != nil {
			b.Fatal(err)
		}
	}
}
