package encryptionsdk

import (
	"bytes"
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

// fixedKeyring has one data key and wraps it as itself: for tests of the format.
type fixedKeyring []byte

func (k fixedKeyring) OnEncrypt(_ context.Context, m *EncryptionMaterials) error {
	m.PlaintextDataKey = bytes.Clone(k[:m.Suite.DataKeyLen])
	m.EncryptedDataKeys = []EncryptedDataKey{{ProviderID: "test", ProviderInfo: []byte("fixed"), Ciphertext: []byte{1}}}
	return nil
}

func (k fixedKeyring) OnDecrypt(_ context.Context, m *DecryptionMaterials, _ []EncryptedDataKey) error {
	m.PlaintextDataKey = bytes.Clone(k[:m.Suite.DataKeyLen])
	return nil
}

var testKey = fixedKeyring(bytes.Repeat([]byte{7}, 32))

func gcm(t testing.TB, key []byte) cipher.AEAD {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return aead
}

// handmade builds a message of suite 0x0178 from the specification, without this package's
// code: a header, then a body under the derived key.
type handmade struct {
	info    []byte // of the derivation, instead of suite and message id
	authTag []byte // appended to the additional data of the header
	content byte
	frame   uint32
	pairs   []byte // the context behind its length
}

func (h handmade) build(t testing.TB, body func(aead cipher.AEAD, id []byte) []byte) []byte {
	t.Helper()
	id := bytes.Repeat([]byte{9}, 16)
	m := append([]byte{1, 0x80, 0x01, 0x78}, id...)
	m = binary.BigEndian.AppendUint16(m, uint16(len(h.pairs)))
	m = append(m, h.pairs...)
	m = append(m, 0, 1, 0, 1, 'p', 0, 1, 'i', 0, 1, 'c')
	m = append(m, h.content, 0, 0, 0, 0, 12)
	m = binary.BigEndian.AppendUint32(m, h.frame)
	info := h.info
	if info == nil {
		info = append([]byte{0x01, 0x78}, id...)
	}
	key, err := hkdf.Key(sha256.New, []byte(testKey), make([]byte, 32), string(info), 32)
	if err != nil {
		t.Fatal(err)
	}
	aead := gcm(t, key)
	iv := bytes.Repeat([]byte{5}, 12)
	tag := aead.Seal(nil, iv, nil, append(bytes.Clone(m), h.authTag...))
	m = append(append(m, iv...), tag...)
	return append(m, body(aead, id)...)
}

// unframed is an unframed body.
func unframed(plain []byte) func(cipher.AEAD, []byte) []byte {
	return func(aead cipher.AEAD, id []byte) []byte {
		iv := bytes.Repeat([]byte{6}, 12)
		aad := append(bytes.Clone(id), "AWSKMSEncryptionClient Single Block\x00\x00\x00\x01"...)
		aad = binary.BigEndian.AppendUint64(aad, uint64(len(plain)))
		b := binary.BigEndian.AppendUint64(bytes.Clone(iv), uint64(len(plain)))
		return aead.Seal(b, iv, plain, aad)
	}
}

// bothWays decrypts in memory and as a stream and checks that they agree.
func bothWays(t *testing.T, m []byte, o DecryptOptions) ([]byte, error) {
	t.Helper()
	plain, _, err := Decrypt(t.Context(), m, o)
	d, streamErr := NewDecrypter(t.Context(), bytes.NewReader(m), o)
	var streamed []byte
	if streamErr == nil {
		streamed, streamErr = io.ReadAll(d)
	}
	if (err == nil) != (streamErr == nil) || err == nil && !bytes.Equal(plain, streamed) {
		t.Errorf("in memory: %d bytes, %v; as a stream: %d bytes, %v", len(plain), err, len(streamed), streamErr)
	}
	if err != nil && err.Error() != streamErr.Error() {
		t.Errorf("in memory: %v; as a stream: %v", err, streamErr)
	}
	return plain, err
}

var testRead = DecryptOptions{Keyring: testKey, CommitmentPolicy: ForbidEncryptAllowDecrypt, Concurrency: 2}

func TestUnframedMessagesAreRead(t *testing.T) {
	for _, n := range []int{0, 1, 1000, 3 << 20} {
		plain := make([]byte, n)
		rand.Read(plain)
		m := handmade{content: 1}.build(t, unframed(plain))
		got, err := bothWays(t, m, testRead)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes: %v", n, err)
		}
		h, err := ReadHeader(bytes.NewReader(m))
		if err != nil || h.Framed || h.FrameLength != 0 {
			t.Errorf("header %+v, %v", h, err)
		}
		for _, c := range []struct {
			name   string
			change func([]byte) []byte
			limits DecryptOptions
			want   error
		}{
			{"changed", func(m []byte) []byte { m[len(m)-1] ^= 1; return m }, DecryptOptions{}, ErrFrameAuthentication},
			{"cut", func(m []byte) []byte { return m[:len(m)-1] }, DecryptOptions{}, ErrTruncated},
			{"longer", func(m []byte) []byte { return append(m, 0) }, DecryptOptions{}, ErrTrailingData},
			{"announces 2⁶³ bytes", func(m []byte) []byte { m[h.Length+12] = 0x80; return m }, DecryptOptions{}, ErrMalformedFrame},
			{"announces 2³⁶−32 bytes", func(m []byte) []byte {
				binary.BigEndian.PutUint64(m[h.Length+12:], maxUnframed)
				return m
			}, DecryptOptions{}, ErrTruncated},
			{"above the frame limit", func(m []byte) []byte {
				binary.BigEndian.PutUint64(m[h.Length+12:], 1<<30)
				return m
			}, DecryptOptions{MaxFrameLength: 1 << 20}, ErrFrameLength},
			{"above the length limit", func(m []byte) []byte {
				return handmade{content: 1}.build(t, unframed(make([]byte, 101)))
			}, DecryptOptions{MaxLength: 100}, ErrMessageTooLong},
		} {
			o := testRead
			o.MaxFrameLength, o.MaxLength = c.limits.MaxFrameLength, c.limits.MaxLength
			if got, err := bothWays(t, c.change(bytes.Clone(m)), o); !errors.Is(err, c.want) || got != nil {
				t.Errorf("%d bytes, %s: %v", n, c.name, err)
			}
		}
	}
}

// TestNetV400Messages: AWS's .NET library 4.0.0 left the message id out of the derivation,
// and authenticated an empty required context as two zero bytes.
func TestNetV400Messages(t *testing.T) {
	plain := []byte("written by a faulty library")
	m := handmade{content: 1, info: []byte{0x01, 0x78}, authTag: []byte{0, 0}}.build(t, unframed(plain))
	got, err := bothWays(t, m, testRead)
	if err != nil || !bytes.Equal(got, plain) {
		t.Errorf("allowed: %v", err)
	}
	o := testRead
	o.NetV400Retry = ForbidNetV400Retry
	if got, err := bothWays(t, m, o); !errors.Is(err, ErrHeaderAuthentication) || got != nil {
		t.Errorf("forbidden: %v", err)
	}
	// Half of the fault is not the fault.
	for _, h := range []handmade{{content: 1, info: []byte{0x01, 0x78}}, {content: 1, authTag: []byte{0, 0}}} {
		if _, err := bothWays(t, h.build(t, unframed(plain)), testRead); !errors.Is(err, ErrHeaderAuthentication) {
			t.Errorf("half of the fault: %v", err)
		}
	}
}

func TestContextsAsOldLibrariesWroteThem(t *testing.T) {
	for name, pairs := range map[string]string{
		"a zero count":                      "\x00\x00",
		"in UTF-16 order":                   "\x00\x02\x00\x04\xf0\x90\x80\x80\x00\x01a\x00\x03\xef\xbd\xa1\x00\x01b",
		"in no order":                       "\x00\x03\x00\x01b\x00\x00\x00\x01a\x00\x00\x00\x01c\x00\x00",
		"with an empty key and empty value": "\x00\x01\x00\x00\x00\x00",
	} {
		m := handmade{content: 1, pairs: []byte(pairs)}.build(t, unframed([]byte("x")))
		if _, err := bothWays(t, m, testRead); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		h, err := ReadHeader(bytes.NewReader(m))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if again, err := h.AppendBinary(nil); err != nil || !bytes.Equal(again, m[:h.Length]) {
			t.Errorf("%s: written again differently (%v)", name, err)
		}
	}
}

// TestSequenceNumbersDoNotWrap starts the numbers near their end: nobody can wait for 2³² frames.
func TestSequenceNumbersDoNotWrap(t *testing.T) {
	for _, c := range []struct {
		first  uint64
		frames int
		want   error
	}{
		{maxSequence - 2, 3, nil}, // the last frame has the last number
		{maxSequence - 2, 4, ErrSequenceEnd},
		{maxSequence - 2, 50_000, ErrSequenceEnd},
	} {
		var out bytes.Buffer
		e, err := NewEncrypter(t.Context(), &out, EncryptOptions{Keyring: testKey, Suite: 0x0478, FrameLength: 1})
		if err != nil {
			t.Fatal(err)
		}
		e.next = c.first
		_, err = e.Write(make([]byte, c.frames))
		if closeErr := e.Close(); err == nil {
			err = closeErr
		}
		if !errors.Is(err, c.want) || c.want != nil && !errors.Is(err, ErrMessageTooLong) {
			t.Errorf("%d frames from %d: %v", c.frames, c.first, err)
		}
		if err != nil {
			continue
		}
		d, err := NewDecrypter(t.Context(), &out, DecryptOptions{Keyring: testKey})
		if err != nil {
			t.Fatal(err)
		}
		d.next = c.first
		if got, err := io.ReadAll(d); err != nil || len(got) != c.frames {
			t.Errorf("reading %d bytes: %v", len(got), err)
		}
	}
	if n := EncryptedLen(SuiteAES256GCMHKDFSHA512CommitKey.Suite(), 100, math.MaxUint32+1, 1); n != -1 {
		t.Errorf("EncryptedLen of 2³² frames: %d", n)
	}
}

// TestSequenceEndOnReading: behind the last number only a final frame may stand, and a
// regular frame cannot have the last number, since it would be the mark of a final one.
func TestSequenceEndOnReading(t *testing.T) {
	frame := func(n uint32) []byte { return append(binary.BigEndian.AppendUint32(nil, n), make([]byte, 12+1+16)...) }
	for _, c := range []struct {
		body []byte
		seq  uint64
		want error
	}{
		{append(frame(maxSequence-1), frame(1)...), maxSequence - 1, ErrFrameRepeated},
		{append(frame(maxSequence-1), frame(0)...), maxSequence - 1, ErrMalformedFrame},
		{append(frame(maxSequence-1), frame(maxSequence)...), maxSequence - 1, ErrMalformedFrame},
	} {
		if _, err := scanFrames(c.body, 1, c.seq, 0); !errors.Is(err, c.want) {
			t.Errorf("got %v, want %v", err, c.want)
		}
	}
}

func TestSignaturesHaveTheLengthOfAWS(t *testing.T) {
	for _, c := range []struct {
		curve elliptic.Curve
		want  int
	}{{elliptic.P256(), 71}, {elliptic.P384(), 103}} {
		key, err := ecdsa.GenerateKey(c.curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 50 {
			digest := crypto.SHA384.New().Sum([]byte{byte(i)})[:48]
			sig, err := sign(key, digest)
			if err != nil || len(sig) != c.want || !ecdsa.VerifyASN1(&key.PublicKey, digest, sig) {
				t.Fatalf("%s: %d bytes, %v", c.curve.Params().Name, len(sig), err)
			}
		}
		text, err := encodePublicKey(&key.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodePublicKey(c.curve, text)
		if err != nil || !again.Equal(&key.PublicKey) {
			t.Errorf("public key: %v", err)
		}
		for _, bad := range []string{"", "A", text[:len(text)-4], "AAAA" + text[4:], text + "\n"} {
			if _, err := decodePublicKey(c.curve, bad); !errors.Is(err, ErrSignature) {
				t.Errorf("public key %q: %v", bad, err)
			}
		}
	}
}

// badManager returns what it is told.
type badManager struct {
	MaterialsManager
	change func(*EncryptionMaterials)
	open   func(*DecryptionMaterials)
}

func (b *badManager) EncryptionMaterials(ctx context.Context, r *EncryptionRequest) (*EncryptionMaterials, error) {
	m, err := b.MaterialsManager.EncryptionMaterials(ctx, r)
	if err == nil && b.change != nil {
		b.change(m)
	}
	return m, err
}

func (b *badManager) DecryptionMaterials(ctx context.Context, r *DecryptionRequest) (*DecryptionMaterials, error) {
	m, err := b.MaterialsManager.DecryptionMaterials(ctx, r)
	if err == nil && b.open != nil {
		b.open(m)
	}
	return m, err
}

func TestMaterialsAreChecked(t *testing.T) {
	inner := NewDefaultManager(testKey)
	for name, change := range map[string]func(*EncryptionMaterials){
		"no suite":           func(m *EncryptionMaterials) { m.Suite = nil },
		"a copied suite":     func(m *EncryptionMaterials) { c := *m.Suite; m.Suite = &c },
		"another suite":      func(m *EncryptionMaterials) { m.Suite = SuiteAES256GCMHKDFSHA512CommitKey.Suite() },
		"no data key":        func(m *EncryptionMaterials) { m.PlaintextDataKey = nil },
		"a short data key":   func(m *EncryptionMaterials) { m.PlaintextDataKey = make([]byte, 16) },
		"no wrapped keys":    func(m *EncryptionMaterials) { m.EncryptedDataKeys = nil },
		"a long wrapped key": func(m *EncryptionMaterials) { m.EncryptedDataKeys[0].Ciphertext = make([]byte, 65536) },
		"no signing key":     func(m *EncryptionMaterials) { m.SigningKey = nil },
		"no public key":      func(m *EncryptionMaterials) { delete(m.EncryptionContext, SignatureContextKey) },
		"required, not there": func(m *EncryptionMaterials) {
			m.RequiredContextKeys = []string{"absent"}
		},
		"public key not stored": func(m *EncryptionMaterials) { m.RequiredContextKeys = []string{SignatureContextKey} },
		"not UTF-8":             func(m *EncryptionMaterials) { m.EncryptionContext["k"] = "\xff" },
	} {
		_, _, err := Encrypt(t.Context(), nil, EncryptOptions{Manager: &badManager{inner, change, nil}, Suite: defaultSuiteID})
		if err == nil || !errors.Is(err, ErrMaterials) && !errors.Is(err, ErrEncryptionContext) && !errors.Is(err, ErrMalformedHeader) {
			t.Errorf("encrypting, %s: %v", name, err)
		}
	}
	m, _, err := Encrypt(t.Context(), nil, EncryptOptions{Keyring: testKey, EncryptionContext: EncryptionContext{"a": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func(*DecryptionMaterials){
		"another suite":    func(m *DecryptionMaterials) { m.Suite = SuiteAES256GCMHKDFSHA512CommitKey.Suite() },
		"no data key":      func(m *DecryptionMaterials) { m.PlaintextDataKey = nil },
		"a short data key": func(m *DecryptionMaterials) { m.PlaintextDataKey = make([]byte, 16) },
		"no public key":    func(m *DecryptionMaterials) { m.VerificationKey = nil },
		"another context":  func(m *DecryptionMaterials) { m.EncryptionContext = EncryptionContext{"a": "c"} },
	} {
		got, err := bothWays(t, m, DecryptOptions{Manager: &badManager{inner, nil, open}})
		if got != nil || !errors.Is(err, ErrMaterials) && !errors.Is(err, ErrNoDataKey) {
			t.Errorf("decrypting, %s: %v", name, err)
		}
	}
}

func TestHeadersAreBounded(t *testing.T) {
	head := append(append([]byte{2, 4, 0x78}, make([]byte, 32)...), 0, 0, 0xff, 0xff)
	endless := io.MultiReader(bytes.NewReader(head), letters{})
	if _, err := ReadHeader(endless); !errors.Is(err, ErrMalformedHeader) || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("got %v", err)
	}
}

// letters is an endless source of strings that are 24,929 bytes long.
type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}
