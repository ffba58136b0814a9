package encryptionsdk_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"fastness/encryptionsdk"
)

var errBroken = errors.New("broken")

// failAfter is a writer that fails after n bytes.
type failAfter struct{ n int }

func (f *failAfter) Write(p []byte) (int, error) {
	if f.n -= len(p); f.n < 0 {
		return 0, errBroken
	}
	return len(p), nil
}

func TestEncrypterReportsItsDestination(t *testing.T) {
	k := newKeyring(t)
	plain := randomBytes(1 << 20)
	for _, n := range []int{0, 1000, 100_000, 1 << 20} {
		for _, suite := range []encryptionsdk.SuiteID{0x0478, 0x0578} {
			e, err := encryptionsdk.NewEncrypter(t.Context(), &failAfter{n}, encryptionsdk.EncryptOptions{Keyring: k, Suite: suite, Concurrency: 2})
			if err == nil {
				_, err = e.Write(plain)
				if closeErr := e.Close(); err == nil {
					err = closeErr
				}
			}
			if !errors.Is(err, errBroken) {
				t.Errorf("failing after %d bytes: %v", n, err)
			}
		}
	}
}

// TestWriteToKeepsNothingOfItsSource: when w fails, the message ends, because the memory of
// a bytes.Buffer is the buffer's again.
func TestWriteToKeepsNothingOfItsSource(t *testing.T) {
	k := newKeyring(t)
	plain := randomBytes(1 << 20)
	for _, id := range []encryptionsdk.SuiteID{0x0478, 0x0578} {
		m, _, err := encryptionsdk.Encrypt(t.Context(), plain, encryptionsdk.EncryptOptions{Keyring: k, Suite: id})
		if err != nil {
			t.Fatal(err)
		}
		src := bytes.NewBuffer(bytes.Clone(m))
		d, err := encryptionsdk.NewDecrypter(t.Context(), src, encryptionsdk.DecryptOptions{Keyring: k, Concurrency: 3})
		if err != nil {
			t.Fatal(err)
		}
		n, err := d.WriteTo(&failAfter{n: 200_000})
		if err == nil || n > 200_000 {
			t.Errorf("%s: %d bytes written, %v", id, n, err)
		}
		src.Write(make([]byte, len(m))) // over what was there
		if got, again := d.Read(make([]byte, 1)); got != 0 || !errors.Is(again, err) {
			t.Errorf("%s: read %d bytes more, %v", id, got, again)
		}
	}
}

func TestBothEndsReportTheirSource(t *testing.T) {
	k := newKeyring(t)
	plain := randomBytes(200_000)
	var out bytes.Buffer
	e, err := encryptionsdk.NewEncrypter(t.Context(), &out, encryptionsdk.EncryptOptions{Keyring: k})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.ReadFrom(io.MultiReader(bytes.NewReader(plain), iotest.ErrReader(errBroken))); !errors.Is(err, errBroken) {
		t.Errorf("encrypting: %v", err)
	}
	if err := e.Close(); !errors.Is(err, errBroken) {
		t.Errorf("Close after an error: %v", err)
	}
	m, _, err := encryptionsdk.Encrypt(t.Context(), plain, encryptionsdk.EncryptOptions{Keyring: k})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 10, 1000, 100_000, len(m)} {
		d, err := encryptionsdk.NewDecrypter(t.Context(), io.MultiReader(bytes.NewReader(m[:n]), iotest.ErrReader(errBroken)), encryptionsdk.DecryptOptions{Keyring: k})
		if err == nil {
			_, err = io.Copy(io.Discard, d)
		}
		if !errors.Is(err, errBroken) {
			t.Errorf("decrypting, failing after %d bytes: %v", n, err)
		}
	}
}

func TestCancellationEndsTheMessage(t *testing.T) {
	k := newKeyring(t)
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	e, err := encryptionsdk.NewEncrypter(ctx, &out, encryptionsdk.EncryptOptions{Keyring: k})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Write(randomBytes(100_000)); err != nil {
		t.Fatal(err)
	}
	m, _, err := encryptionsdk.Encrypt(ctx, randomBytes(1<<20), encryptionsdk.EncryptOptions{Keyring: k})
	if err != nil {
		t.Fatal(err)
	}
	d, err := encryptionsdk.NewDecrypter(ctx, bytes.NewReader(m), encryptionsdk.DecryptOptions{Keyring: k})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := e.Close(); !errors.Is(err, context.Canceled) {
		t.Errorf("Close: %v", err)
	}
	if n, err := io.Copy(io.Discard, d); !errors.Is(err, context.Canceled) || n != 0 {
		t.Errorf("decrypting: %d bytes, %v", n, err)
	}
	if _, _, err := encryptionsdk.Encrypt(ctx, nil, encryptionsdk.EncryptOptions{Keyring: k, Suite: 0x0478}); !errors.Is(err, context.Canceled) {
		t.Errorf("Encrypt: %v", err)
	}
	if _, _, err := encryptionsdk.Decrypt(ctx, m, encryptionsdk.DecryptOptions{Keyring: k}); !errors.Is(err, context.Canceled) {
		t.Errorf("Decrypt: %v", err)
	}
}

// TestNoGoroutineStays abandons messages in the middle, and breaks them: synctest fails
// when a goroutine is left that nothing can wake.
func TestNoGoroutineStays(t *testing.T) {
	k := newKeyring(t)
	m, _, err := encryptionsdk.Encrypt(t.Context(), randomBytes(2<<20), encryptionsdk.EncryptOptions{Keyring: k})
	if err != nil {
		t.Fatal(err)
	}
	broken := bytes.Clone(m)
	broken[1<<20] ^= 1
	synctest.Test(t, func(t *testing.T) {
		o := encryptionsdk.EncryptOptions{Keyring: k, Concurrency: 4}
		e, err := encryptionsdk.NewEncrypter(t.Context(), io.Discard, o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.ReadFrom(bytes.NewReader(make([]byte, 1<<20))); err != nil {
			t.Fatal(err)
		}
		for _, message := range [][]byte{m, broken} {
			do := encryptionsdk.DecryptOptions{Keyring: k, Concurrency: 4}
			d, err := encryptionsdk.NewDecrypter(t.Context(), bytes.NewReader(message), do)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(d, make([]byte, 300_000)); err != nil {
				t.Fatal(err)
			}
			if d, err = encryptionsdk.NewDecrypter(t.Context(), bytes.NewReader(message), do); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Read(make([]byte, 10)); err != nil {
				t.Fatal(err)
			}
			d.Close()
			if _, err := d.Read(make([]byte, 10)); !errors.Is(err, fs.ErrClosed) {
				t.Errorf("Read after Close: %v", err)
			}
			_, _, err = encryptionsdk.Decrypt(t.Context(), message, do)
			if (err != nil) != (&message[0] == &broken[0]) {
				t.Error(err)
			}
		}
	})
}

func TestClosedEncrypterTakesNothing(t *testing.T) {
	e, err := encryptionsdk.NewEncrypter(t.Context(), io.Discard, encryptionsdk.EncryptOptions{Keyring: newKeyring(t)})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.Write([]byte("late")); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Write: %v", err)
	}
	if _, err := e.ReadFrom(strings.NewReader("late")); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("ReadFrom: %v", err)
	}
}

func TestPlaintextLengthBound(t *testing.T) {
	o := encryptionsdk.EncryptOptions{Keyring: newKeyring(t), PlaintextLengthBound: 100_000}
	for name, write := range writers {
		if _, err := write(t.Context(), make([]byte, 100_000), o); err != nil {
			t.Errorf("%s: at the bound: %v", name, err)
		}
		if _, err := write(t.Context(), make([]byte, 100_001), o); !errors.Is(err, encryptionsdk.ErrMessageTooLong) {
			t.Errorf("%s: above the bound: %v", name, err)
		}
	}
}

func TestReadersBounds(t *testing.T) {
	k := newKeyring(t)
	m, _, err := encryptionsdk.Encrypt(t.Context(), make([]byte, 100_000), encryptionsdk.EncryptOptions{Keyring: k})
	if err != nil {
		t.Fatal(err)
	}
	for name, read := range readers {
		for _, c := range []struct {
			o    encryptionsdk.DecryptOptions
			want error
		}{
			{encryptionsdk.DecryptOptions{MaxLength: 100_000, MaxFrameLength: 4096}, nil},
			{encryptionsdk.DecryptOptions{MaxLength: 99_999}, encryptionsdk.ErrMessageTooLong},
			{encryptionsdk.DecryptOptions{MaxFrameLength: 4095}, encryptionsdk.ErrFrameLength},
			{encryptionsdk.DecryptOptions{UnsignedOnly: true}, encryptionsdk.ErrUnsignedOnly},
			{encryptionsdk.DecryptOptions{MaxLength: -1}, encryptionsdk.ErrOptions},
			{encryptionsdk.DecryptOptions{Concurrency: -1}, encryptionsdk.ErrOptions},
			{encryptionsdk.DecryptOptions{MaxEncryptedDataKeys: 65536}, encryptionsdk.ErrOptions},
			{encryptionsdk.DecryptOptions{CommitmentPolicy: 7}, encryptionsdk.ErrOptions},
			{encryptionsdk.DecryptOptions{Manager: encryptionsdk.NewDefaultManager(k)}, encryptionsdk.ErrOptions},
		} {
			c.o.Keyring = k
			if _, err := read(t.Context(), m, c.o); !errors.Is(err, c.want) {
				t.Errorf("%s, %+v: %v", name, c.o, err)
			}
		}
		if _, err := read(t.Context(), m, encryptionsdk.DecryptOptions{}); !errors.Is(err, encryptionsdk.ErrOptions) {
			t.Errorf("%s, no keyring: %v", name, err)
		}
	}
}

func TestSignedPlaintextWaitsForTheSignature(t *testing.T) {
	k := newKeyring(t)
	plain := randomBytes(200_000)
	m, _, err := encryptionsdk.Encrypt(t.Context(), plain, encryptionsdk.EncryptOptions{Keyring: k})
	if err != nil {
		t.Fatal(err)
	}
	m[len(m)-1] ^= 1
	for name, read := range readers {
		got, err := read(t.Context(), m, encryptionsdk.DecryptOptions{Keyring: k})
		if !errors.Is(err, encryptionsdk.ErrSignature) || len(got) >= len(plain)-1 || !bytes.HasPrefix(plain, got) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if name == "one shot" {
			continue
		}
		got, err = read(t.Context(), m, encryptionsdk.DecryptOptions{Keyring: k, ReleaseBeforeVerification: true})
		if !errors.Is(err, encryptionsdk.ErrSignature) || !bytes.Equal(got, plain) {
			t.Errorf("%s, released early: %d bytes, %v", name, len(got), err)
		}
	}
}

func TestCommitmentPolicies(t *testing.T) {
	k := newKeyring(t)
	for _, c := range []struct {
		policy        encryptionsdk.CommitmentPolicy
		preferred     encryptionsdk.SuiteID
		writes, reads [2]bool // suites that do not commit, and that do
	}{
		{encryptionsdk.RequireEncryptRequireDecrypt, 0x0578, [2]bool{false, true}, [2]bool{false, true}},
		{encryptionsdk.RequireEncryptAllowDecrypt, 0x0578, [2]bool{false, true}, [2]bool{true, true}},
		{encryptionsdk.ForbidEncryptAllowDecrypt, 0x0378, [2]bool{true, false}, [2]bool{true, true}},
	} {
		_, h, err := encryptionsdk.Encrypt(t.Context(), nil, encryptionsdk.EncryptOptions{Keyring: k, CommitmentPolicy: c.policy})
		if err != nil || h.Suite.ID != c.preferred {
			t.Errorf("policy %d prefers %v, %v", c.policy, h, err)
		}
		for i, id := range []encryptionsdk.SuiteID{0x0178, 0x0478} {
			_, _, err := encryptionsdk.Encrypt(t.Context(), nil, encryptionsdk.EncryptOptions{Keyring: k, Suite: id, CommitmentPolicy: c.policy})
			if c.writes[i] != (err == nil) || err != nil && !errors.Is(err, encryptionsdk.ErrCommitmentPolicy) {
				t.Errorf("policy %d writes %s: %v", c.policy, id, err)
			}
			m, _, err := encryptionsdk.Encrypt(t.Context(), nil, encryptionsdk.EncryptOptions{Keyring: k, Suite: id, CommitmentPolicy: policyFor(id)})
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = encryptionsdk.Decrypt(t.Context(), m, encryptionsdk.DecryptOptions{Keyring: k, CommitmentPolicy: c.policy})
			if c.reads[i] != (err == nil) || err != nil && !errors.Is(err, encryptionsdk.ErrCommitmentPolicy) {
				t.Errorf("policy %d reads %s: %v", c.policy, id, err)
			}
		}
	}
}

func TestRequiredContextIsAuthenticatedAndNotStored(t *testing.T) {
	k := newKeyring(t)
	manager, err := encryptionsdk.NewRequiredContextManager(encryptionsdk.NewDefaultManager(k), "tenant")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range allSuites {
		plain := []byte("plaintext")
		m, h, err := encryptionsdk.Encrypt(t.Context(), plain, encryptionsdk.EncryptOptions{
			Manager: manager, Suite: id, CommitmentPolicy: policyFor(id),
			EncryptionContext: encryptionsdk.EncryptionContext{"tenant": "blue tenant", "kind": "letter"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(m, []byte("blue tenant")) || h.RequiredContext["tenant"] != "blue tenant" || h.EncryptionContext["kind"] != "letter" {
			t.Errorf("%s: the message stores what it should not: %+v", id, h)
		}
		o := encryptionsdk.DecryptOptions{Keyring: k, CommitmentPolicy: policyFor(id), EncryptionContext: encryptionsdk.EncryptionContext{"tenant": "blue tenant"}}
		got, h, err := encryptionsdk.Decrypt(t.Context(), m, o)
		if err != nil || !bytes.Equal(got, plain) || h.RequiredContext["tenant"] != "blue tenant" {
			t.Errorf("%s: %v", id, err)
		}
		for name, c := range map[string]encryptionsdk.EncryptionContext{"none": nil, "another": {"tenant": "red tenant"}} {
			o.EncryptionContext = c
			if _, _, err := encryptionsdk.Decrypt(t.Context(), m, o); err == nil {
				t.Errorf("%s: opened with %s", id, name)
			}
		}
	}
}

func TestReservedContextKeysAreRefused(t *testing.T) {
	for _, key := range []string{"aws-crypto-public-key", "aws-crypto-anything"} {
		_, _, err := encryptionsdk.Encrypt(t.Context(), nil, encryptionsdk.EncryptOptions{
			Keyring: newKeyring(t), EncryptionContext: encryptionsdk.EncryptionContext{key: "x"},
		})
		if !errors.Is(err, encryptionsdk.ErrEncryptionContext) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestLongContextsAreRefused(t *testing.T) {
	for _, n := range []int{65_535 - 2 - 4 - 1, 65_535 - 2 - 4} {
		_, _, err := encryptionsdk.Encrypt(t.Context(), nil, encryptionsdk.EncryptOptions{
			Keyring: newKeyring(t), Suite: 0x0478, EncryptionContext: encryptionsdk.EncryptionContext{"k": strings.Repeat("x", n)},
		})
		if fits := n+1+4+2 <= 65_535; fits != (err == nil) || !fits && !errors.Is(err, encryptionsdk.ErrEncryptionContext) {
			t.Errorf("a value of %d bytes: %v", n, err)
		}
	}
}

// spy sees the data key that it passes on.
type spy struct {
	encryptionsdk.Keyring
	sealed, opened []byte
}

func (s *spy) OnEncrypt(ctx context.Context, m *encryptionsdk.EncryptionMaterials) error {
	err := s.Keyring.OnEncrypt(ctx, m)
	s.sealed = m.PlaintextDataKey
	return err
}

func (s *spy) OnDecrypt(ctx context.Context, m *encryptionsdk.DecryptionMaterials, keys []encryptionsdk.EncryptedDataKey) error {
	err := s.Keyring.OnDecrypt(ctx, m, keys)
	s.opened = m.PlaintextDataKey
	return err
}

func TestDataKeysAreWiped(t *testing.T) {
	for _, id := range allSuites {
		s := &spy{Keyring: newKeyring(t)}
		m, _, err := encryptionsdk.Encrypt(t.Context(), nil, encryptionsdk.EncryptOptions{Keyring: s, Suite: id, CommitmentPolicy: policyFor(id)})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := encryptionsdk.Decrypt(t.Context(), m, encryptionsdk.DecryptOptions{Keyring: s, CommitmentPolicy: policyFor(id)}); err != nil {
			t.Fatal(err)
		}
		if len(s.sealed) == 0 || !bytes.Equal(s.sealed, make([]byte, len(s.sealed))) || len(s.opened) == 0 || !bytes.Equal(s.opened, make([]byte, len(s.opened))) {
			t.Errorf("%s: a data key is still there", id)
		}
	}
}

func TestSixtyFourGoroutinesShareAKeyring(t *testing.T) {
	k := newKeyring(t)
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			id := []encryptionsdk.SuiteID{0x0478, 0x0578, 0x0214}[i%3]
			plain := randomBytes(i * 3000)
			for wn, write := range writers {
				m, err := write(t.Context(), plain, encryptionsdk.EncryptOptions{Keyring: k, Suite: id, CommitmentPolicy: policyFor(id), Concurrency: 2})
				if err != nil {
					t.Errorf("%s: %v", wn, err)
					return
				}
				for rn, read := range readers {
					got, err := read(t.Context(), m, encryptionsdk.DecryptOptions{Keyring: k, CommitmentPolicy: policyFor(id), Concurrency: 2})
					if err != nil || !bytes.Equal(got, plain) {
						t.Errorf("%s, %s: %v", wn, rn, err)
					}
				}
			}
		})
	}
	wg.Wait()
}

// TestFramesDoNotWaitForASlowSource: a message whose writer pauses in the middle is passed
// on up to the frame before the pause, in both directions, or the test never ends.
func TestFramesDoNotWaitForASlowSource(t *testing.T) {
	k := newKeyring(t)
	const frame = 1000
	for _, first := range []int{2*frame + 1, 20*frame + 1, 50*frame + 1, 200*frame + 1} {
		plainR, plainW := io.Pipe()
		cipherR, cipherW := io.Pipe()
		go func() {
			e, err := encryptionsdk.NewEncrypter(t.Context(), cipherW, encryptionsdk.EncryptOptions{Keyring: k, Suite: 0x0478, FrameLength: frame, Concurrency: 2})
			if err == nil {
				if _, err = io.Copy(e, plainR); err == nil {
					err = e.Close()
				}
			}
			cipherW.CloseWithError(err)
		}()
		go plainW.Write(make([]byte, first))
		d, err := encryptionsdk.NewDecrypter(t.Context(), cipherR, encryptionsdk.DecryptOptions{Keyring: k, Concurrency: 2})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(d, make([]byte, first-1)); err != nil {
			t.Fatal(err)
		}
		go func() {
			plainW.Write(make([]byte, 10*frame))
			plainW.Close()
		}()
		if n, err := io.Copy(io.Discard, d); err != nil || n != 10*frame+1 {
			t.Errorf("then %d bytes, %v", n, err)
		}
	}
}
