package encryptionsdk_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"testing"
	"testing/iotest"

	"fastness/encryptionsdk"
	"fastness/encryptionsdk/rawkeyring"
)

// allSuites are the suites of the format.
var allSuites = []encryptionsdk.SuiteID{
	0x0014, 0x0046, 0x0078, 0x0114, 0x0146, 0x0178, 0x0214, 0x0346, 0x0378, 0x0478, 0x0578,
}

// policyFor is a policy under which messages of the suite are written and read.
func policyFor(id encryptionsdk.SuiteID) encryptionsdk.CommitmentPolicy {
	if id.Suite().Commits {
		return encryptionsdk.RequireEncryptRequireDecrypt
	}
	return encryptionsdk.ForbidEncryptAllowDecrypt
}

func newKeyring(t testing.TB) encryptionsdk.Keyring {
	t.Helper()
	key := make([]byte, 32)
	rand.Read(key)
	k, err := rawkeyring.NewAES("tests", "key", key)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// writers are the ways to encrypt.
var writers = map[string]func(context.Context, []byte, encryptionsdk.EncryptOptions) ([]byte, error){
	"one shot": func(ctx context.Context, p []byte, o encryptionsdk.EncryptOptions) ([]byte, error) {
		m, _, err := encryptionsdk.Encrypt(ctx, p, o)
		return m, err
	},
	"one write": func(ctx context.Context, p []byte, o encryptionsdk.EncryptOptions) ([]byte, error) {
		return stream(ctx, p, o, func(e *encryptionsdk.Encrypter) error { _, err := e.Write(p); return err })
	},
	"odd writes": func(ctx context.Context, p []byte, o encryptionsdk.EncryptOptions) ([]byte, error) {
		return stream(ctx, p, o, func(e *encryptionsdk.Encrypter) error {
			for n := 1; len(p) > 0; n = n*3 + 1 {
				n = min(n, len(p))
				if _, err := e.Write(p[:n]); err != nil {
					return err
				}
				p = p[n:]
				if n > 200_000 {
					n = 0
				}
			}
			return nil
		})
	},
	"copy": func(ctx context.Context, p []byte, o encryptionsdk.EncryptOptions) ([]byte, error) {
		return stream(ctx, p, o, func(e *encryptionsdk.Encrypter) error {
			_, err := e.ReadFrom(bytes.NewReader(p))
			return err
		})
	},
	"slow copy": func(ctx context.Context, p []byte, o encryptionsdk.EncryptOptions) ([]byte, error) {
		return stream(ctx, p, o, func(e *encryptionsdk.Encrypter) error {
			_, err := e.ReadFrom(iotest.HalfReader(&limitedReads{bytes.NewReader(p), 3001}))
			return err
		})
	},
}

// limitedReads gives at most n bytes at once.
type limitedReads struct {
	r io.Reader
	n int
}

func (l *limitedReads) Read(p []byte) (int, error) { return l.r.Read(p[:min(len(p), l.n)]) }

func stream(ctx context.Context, p []byte, o encryptionsdk.EncryptOptions, write func(*encryptionsdk.Encrypter) error) ([]byte, error) {
	var out bytes.Buffer
	e, err := encryptionsdk.NewEncrypter(ctx, &out, o)
	if err != nil {
		return nil, err
	}
	if err := write(e); err != nil {
		return nil, err
	}
	if err := e.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// readers are the ways to decrypt. They return what was given out along with an error.
var readers = map[string]func(context.Context, []byte, encryptionsdk.DecryptOptions) ([]byte, error){
	"one shot": func(ctx context.Context, m []byte, o encryptionsdk.DecryptOptions) ([]byte, error) {
		p, _, err := encryptionsdk.Decrypt(ctx, m, o)
		return p, err
	},
	"read": func(ctx context.Context, m []byte, o encryptionsdk.DecryptOptions) ([]byte, error) {
		d, err := encryptionsdk.NewDecrypter(ctx, bytes.NewReader(m), o)
		if err != nil {
			return nil, err
		}
		defer d.Close()
		return io.ReadAll(struct{ io.Reader }{d})
	},
	"copy": func(ctx context.Context, m []byte, o encryptionsdk.DecryptOptions) ([]byte, error) {
		d, err := encryptionsdk.NewDecrypter(ctx, bytes.NewReader(m), o)
		if err != nil {
			return nil, err
		}
		defer d.Close()
		var out bytes.Buffer
		_, err = d.WriteTo(&out)
		return out.Bytes(), err
	},
	"copy of a stream": func(ctx context.Context, m []byte, o encryptionsdk.DecryptOptions) ([]byte, error) {
		d, err := encryptionsdk.NewDecrypter(ctx, struct{ io.Reader }{bytes.NewReader(m)}, o)
		if err != nil {
			return nil, err
		}
		defer d.Close()
		var out bytes.Buffer
		_, err = d.WriteTo(&out)
		return out.Bytes(), err
	},
	"read and copy": func(ctx context.Context, m []byte, o encryptionsdk.DecryptOptions) ([]byte, error) {
		d, err := encryptionsdk.NewDecrypter(ctx, bytes.NewBuffer(bytes.Clone(m)), o)
		if err != nil {
			return nil, err
		}
		defer d.Close()
		var out bytes.Buffer
		if _, err := io.CopyN(&out, struct{ io.Reader }{d}, 5000); err != nil && err != io.EOF {
			return out.Bytes(), err
		}
		_, err = d.WriteTo(&out)
		return out.Bytes(), err
	},
	"slow copy": func(ctx context.Context, m []byte, o encryptionsdk.DecryptOptions) ([]byte, error) {
		d, err := encryptionsdk.NewDecrypter(ctx, iotest.DataErrReader(&limitedReads{bytes.NewReader(m), 2999}), o)
		if err != nil {
			return nil, err
		}
		defer d.Close()
		var out bytes.Buffer
		_, err = d.WriteTo(&out)
		return out.Bytes(), err
	},
}

func TestEverySuiteOpensWhatItSealed(t *testing.T) {
	k := newKeyring(t)
	for _, id := range allSuites {
		t.Run(id.String(), func(t *testing.T) {
			for _, frame := range []uint32{1, 1024, 4096, 100_000, 1 << 31} {
				sizes := []int{0, 1, int(min(frame, 70_000)) - 1, int(min(frame, 70_000)), int(min(frame, 70_000)) + 1, 300_000}
				if frame == 1 {
					sizes[5] = 9_000
				}
				for _, size := range sizes {
					roundTrip(t, k, id, frame, size)
				}
			}
		})
	}
}

func roundTrip(t *testing.T, k encryptionsdk.Keyring, id encryptionsdk.SuiteID, frame uint32, size int) {
	t.Helper()
	ctx := t.Context()
	plain := randomBytes(size)
	for wn, write := range writers {
		for _, conc := range []int{1, 3} {
			name := fmt.Sprintf("%s, frame %d, size %d, %s, concurrency %d", id, frame, size, wn, conc)
			m, err := write(ctx, plain, encryptionsdk.EncryptOptions{
				Keyring: k, Suite: id, CommitmentPolicy: policyFor(id), FrameLength: frame, Concurrency: conc,
				EncryptionContext: encryptionsdk.EncryptionContext{"purpose": "test", "é": "ü"},
			})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			h, err := encryptionsdk.ReadHeader(bytes.NewReader(m))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if again, err := h.AppendBinary(nil); err != nil || !bytes.Equal(again, m[:h.Length]) {
				t.Fatalf("%s: the header is written again differently (%v)", name, err)
			}
			for rn, read := range readers {
				got, err := read(ctx, m, encryptionsdk.DecryptOptions{Keyring: k, CommitmentPolicy: policyFor(id), Concurrency: conc})
				if err != nil {
					t.Fatalf("%s, %s: %v", name, rn, err)
				}
				if !bytes.Equal(got, plain) {
					t.Fatalf("%s, %s: got %d bytes that are not what was encrypted", name, rn, len(got))
				}
			}
		}
	}
}
