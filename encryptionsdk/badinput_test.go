package encryptionsdk_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"fastness/encryptionsdk"
)

// sample is a message and where its parts are.
type sample struct {
	id      encryptionsdk.SuiteID
	plain   []byte
	message []byte
	header  *encryptionsdk.Header
	open    encryptionsdk.DecryptOptions
}

const sampleFrame = 16

// newSample makes a message of four frames of 16 bytes and a last one of 5.
func newSample(t testing.TB, id encryptionsdk.SuiteID) *sample {
	t.Helper()
	k := newKeyring(t)
	s := &sample{id: id, plain: randomBytes(4*sampleFrame + 5)}
	var err error
	s.message, s.header, err = encryptionsdk.Encrypt(t.Context(), s.plain, encryptionsdk.EncryptOptions{
		Keyring: k, Suite: id, CommitmentPolicy: policyFor(id), FrameLength: sampleFrame,
		EncryptionContext: encryptionsdk.EncryptionContext{"a": "1", "b": "2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.open = encryptionsdk.DecryptOptions{Keyring: k, CommitmentPolicy: policyFor(id)}
	return s
}

const wireFrame = 4 + 12 + sampleFrame + 16

// frame is where frame n (from 1) begins in the message.
func (s *sample) frame(n int) int { return s.header.Length + (n-1)*wireFrame }

// changed is the message after a change to a copy.
func (s *sample) changed(change func(m []byte) []byte) []byte { return change(bytes.Clone(s.message)) }

// idLen is the length of the message id in the header.
func (s *sample) idLen() int { return len(s.header.MessageID) }

// contextAt is where the length of the context is.
func (s *sample) contextAt() int {
	if s.header.Version == 1 {
		return 4 + s.idLen()
	}
	return 3 + s.idLen()
}

// keysAt is where the number of encrypted data keys is.
func (s *sample) keysAt() int {
	return s.contextAt() + 2 + int(binary.BigEndian.Uint16(s.message[s.contextAt():]))
}

// contentAt is where the content type is.
func (s *sample) contentAt() int {
	tail := 1 + 4 + 16 // content type, frame length; tag
	if s.header.Version == 1 {
		tail += 5 + 12 // reserved bytes, IV length; IV
	}
	return s.header.Length - tail - len(s.header.Commitment)
}

// refuse checks that all readers fail with want and give out at most whole frames of the
// plaintext, and Decrypt nothing.
func refuse(t *testing.T, s *sample, name string, message []byte, o encryptionsdk.DecryptOptions, want error) {
	t.Helper()
	for rn, read := range readers {
		for _, conc := range []int{1, 2} {
			o.Concurrency = conc
			got, err := read(t.Context(), message, o)
			if err == nil || want != nil && !errors.Is(err, want) {
				t.Errorf("%s, %s: got error %v, want %v", name, rn, err, want)
			}
			if !bytes.HasPrefix(s.plain, got) || len(got)%sampleFrame != 0 && len(got) != len(s.plain) || rn == "one shot" && got != nil {
				t.Errorf("%s, %s: gave out %d bytes", name, rn, len(got))
			}
		}
	}
}

func TestEveryBadInputHasItsError(t *testing.T) {
	v1, v2, signed := newSample(t, 0x0178), newSample(t, 0x0478), newSample(t, 0x0578)
	put16 := func(at int, v uint16) func([]byte) []byte {
		return func(m []byte) []byte { binary.BigEndian.PutUint16(m[at:], v); return m }
	}
	put32 := func(at int, v uint32) func([]byte) []byte {
		return func(m []byte) []byte { binary.BigEndian.PutUint32(m[at:], v); return m }
	}
	set := func(at int, v byte) func([]byte) []byte {
		return func(m []byte) []byte { m[at] = v; return m }
	}
	for _, c := range []struct {
		name   string
		sample *sample
		change func([]byte) []byte
		want   error
	}{
		{"empty", v2, func([]byte) []byte { return nil }, encryptionsdk.ErrTruncated},
		{"version 3", v2, set(0, 3), encryptionsdk.ErrNotAMessage},
		{"type 0x81", v1, set(1, 0x81), encryptionsdk.ErrNotAMessage},
		{"base64 of version 1", v1, toBase64, encryptionsdk.ErrBase64Input},
		{"base64 of version 2", v2, toBase64, encryptionsdk.ErrBase64Input},
		{"two letters of base64", v2, func(m []byte) []byte { return []byte("Ag") }, encryptionsdk.ErrBase64Input},
		{"no such suite", v2, put16(1, 0x0479), encryptionsdk.ErrUnknownSuite},
		{"suite of the other version", v2, put16(1, 0x0178), encryptionsdk.ErrMalformedHeader},
		{"context longer than the message", v2, put16(v2.contextAt(), 65535), encryptionsdk.ErrTruncated},
		{"context shorter than its pairs", v2, put16(v2.contextAt(), 11), encryptionsdk.ErrMalformedContext},
		{"context of one byte", v2, put16(v2.contextAt(), 1), encryptionsdk.ErrMalformedContext},
		{"more pairs than fit", v2, put16(v2.contextAt()+2, 65535), encryptionsdk.ErrMalformedContext},
		{"fewer pairs than there are", v2, put16(v2.contextAt()+2, 1), encryptionsdk.ErrMalformedContext},
		{"no pairs but bytes", v2, put16(v2.contextAt()+2, 0), encryptionsdk.ErrMalformedContext},
		{"key twice", v2, set(v2.contextAt()+12, 'a'), encryptionsdk.ErrDuplicateContextKey},
		{"context not UTF-8", v2, set(v2.contextAt()+6, 0xff), encryptionsdk.ErrMalformedContext},
		{"no data keys", v2, put16(v2.keysAt(), 0), encryptionsdk.ErrNoEncryptedDataKeys},
		{"more data keys than there are", v2, put16(v2.keysAt(), 2), nil},
		{"content type 3", v2, set(v2.contentAt(), 3), encryptionsdk.ErrContentType},
		{"reserved bytes", v1, set(v1.contentAt()+4, 1), encryptionsdk.ErrReservedBytes},
		{"IV of 11 bytes", v1, set(v1.contentAt()+5, 11), encryptionsdk.ErrIVLength},
		{"frame length 0", v2, put32(v2.contentAt()+1, 0), encryptionsdk.ErrFrameLength},
		{"unframed with a frame length", v2, set(v2.contentAt(), 1), encryptionsdk.ErrFrameLength},
		{"another frame length", v2, put32(v2.contentAt()+1, sampleFrame+1), encryptionsdk.ErrHeaderAuthentication},
		{"another commitment", v2, set(v2.contentAt()+5, v2.message[v2.contentAt()+5]^1), encryptionsdk.ErrKeyCommitment},
		{"another header tag", v2, set(v2.header.Length-1, v2.message[v2.header.Length-1]^1), encryptionsdk.ErrHeaderAuthentication},
		{"another header tag in version 1", v1, set(v1.header.Length-1, v1.message[v1.header.Length-1]^1), encryptionsdk.ErrHeaderAuthentication},
		{"another wrapped key", v2, set(v2.contentAt()-1, v2.message[v2.contentAt()-1]^1), encryptionsdk.ErrNoDataKey},
		{"frame number 0", v2, put32(v2.frame(2), 0), encryptionsdk.ErrMalformedFrame},
		{"frame missing", v2, func(m []byte) []byte { return append(m[:v2.frame(2)], m[v2.frame(3):]...) }, encryptionsdk.ErrFrameMissing},
		{"first frame missing", v2, func(m []byte) []byte { return append(m[:v2.frame(1)], m[v2.frame(2):]...) }, encryptionsdk.ErrFrameMissing},
		{"frame before the last missing", v2, func(m []byte) []byte { return append(m[:v2.frame(4)], m[v2.frame(5):]...) }, encryptionsdk.ErrFrameMissing},
		{"frame doubled", v2, func(m []byte) []byte {
			return append(bytes.Clone(m[:v2.frame(3)]), m[v2.frame(2):]...)
		}, encryptionsdk.ErrFrameRepeated},
		{"frames exchanged", v2, func(m []byte) []byte {
			a, b := bytes.Clone(m[v2.frame(2):v2.frame(3)]), bytes.Clone(m[v2.frame(3):v2.frame(4)])
			copy(m[v2.frame(2):], b)
			copy(m[v2.frame(3):], a)
			return m
		}, encryptionsdk.ErrFrameSequence},
		{"frames exchanged and renumbered", v2, func(m []byte) []byte {
			a, b := bytes.Clone(m[v2.frame(2):v2.frame(3)]), bytes.Clone(m[v2.frame(3):v2.frame(4)])
			copy(m[v2.frame(2)+4:], b[4:])
			copy(m[v2.frame(3)+4:], a[4:])
			return m
		}, encryptionsdk.ErrFrameAuthentication},
		{"final frame too long", v2, put32(v2.frame(5)+20, sampleFrame+1), encryptionsdk.ErrFinalFrameLength},
		{"final frame shorter", v2, put32(v2.frame(5)+20, 4), nil},
		{"final frame has another number", v2, put32(v2.frame(5)+4, 6), encryptionsdk.ErrFrameMissing},
		{"final frame early", v2, func(m []byte) []byte { return append(m[:v2.frame(2)], m[v2.frame(5):]...) }, encryptionsdk.ErrFrameMissing},
		{"frame changed", v2, set(v2.frame(3)+20, v2.message[v2.frame(3)+20]^1), encryptionsdk.ErrFrameAuthentication},
		{"bytes behind", v2, func(m []byte) []byte { return append(m, 0) }, encryptionsdk.ErrTrailingData},
		{"bytes behind the signature", signed, func(m []byte) []byte { return append(m, 0) }, encryptionsdk.ErrTrailingData},
		{"no signature", signed, func(m []byte) []byte { return m[:signed.frame(5)+36+4+5] }, encryptionsdk.ErrTruncated},
		{"empty signature", signed, func(m []byte) []byte { return append(m[:signed.frame(5)+40+5], 0, 0) }, encryptionsdk.ErrSignature},
		{"signature changed", signed, set(len(signed.message)-1, signed.message[len(signed.message)-1]^1), encryptionsdk.ErrSignature},
		{"frame of a signed message changed", signed, set(signed.frame(3)+20, signed.message[signed.frame(3)+20]^1), encryptionsdk.ErrFrameAuthentication},
		{"public key changed", signed, func(m []byte) []byte {
			at := bytes.Index(m, []byte("aws-crypto-public-key")) + 21 + 2
			copy(m[at:], "????")
			return m
		}, encryptionsdk.ErrSignature},
	} {
		refuse(t, c.sample, c.name, c.sample.changed(c.change), c.sample.open, c.want)
	}
}

func toBase64(m []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(m)) }

func TestTheWrongKeyOpensNothing(t *testing.T) {
	for _, id := range allSuites {
		s := newSample(t, id)
		o := s.open
		o.Keyring = newKeyring(t)
		refuse(t, s, id.String(), s.message, o, encryptionsdk.ErrNoDataKey)
	}
}

func TestTheWrongContextOpensNothing(t *testing.T) {
	for _, id := range allSuites {
		s := newSample(t, id)
		for name, c := range map[string]encryptionsdk.EncryptionContext{
			"another value":         {"a": "2"},
			"a pair that is not it": {"a": "1", "c": "3"},
		} {
			o := s.open
			o.EncryptionContext = c
			refuse(t, s, id.String()+", "+name, s.message, o, encryptionsdk.ErrEncryptionContext)
		}
		o := s.open
		o.EncryptionContext = encryptionsdk.EncryptionContext{"b": "2"}
		if got, _, err := encryptionsdk.Decrypt(t.Context(), s.message, o); err != nil || !bytes.Equal(got, s.plain) {
			t.Errorf("%s: the right context: %v", id, err)
		}
	}
}

func TestEveryTruncationIsNoticed(t *testing.T) {
	for _, id := range []encryptionsdk.SuiteID{0x0014, 0x0214, 0x0478, 0x0578} {
		s := newSample(t, id)
		for n := range len(s.message) {
			want := encryptionsdk.ErrTruncated
			refuse(t, s, fmt.Sprintf("%s cut to %d of %d bytes", id, n, len(s.message)), s.message[:n], s.open, want)
		}
	}
}

func TestEveryFlippedBitIsNoticed(t *testing.T) {
	for _, id := range []encryptionsdk.SuiteID{0x0014, 0x0214, 0x0478, 0x0578} {
		s := newSample(t, id)
		for i := range s.message {
			m := bytes.Clone(s.message)
			m[i] ^= 1 << (i % 8)
			refuse(t, s, fmt.Sprintf("%s, bit %d of byte %d", id, i%8, i), m, s.open, nil)
		}
	}
}

func TestErrorsSayWhere(t *testing.T) {
	s := newSample(t, 0x0478)
	m := bytes.Clone(s.message)
	m[s.frame(3)+20] ^= 1
	_, _, err := encryptionsdk.Decrypt(t.Context(), m, s.open)
	var p *encryptionsdk.PositionError
	if !errors.As(err, &p) || p.Offset != int64(s.frame(3)) || p.Part != "frame 3" {
		t.Errorf("got %v (%+v), want a PositionError at byte %d", err, p, s.frame(3))
	}
	if _, err = readers["copy"](t.Context(), m, s.open); !errors.As(err, &p) || p.Offset != int64(s.frame(3)) {
		t.Errorf("as a stream: got %v, want byte %d", err, s.frame(3))
	}
}

// TestAnnouncedLengthsAllocateNothing feeds messages that announce much and end early, and
// long ones. No allocation may exceed the length of the message and a mebibyte. All
// allocations together are compared with it, too: a buffer that fills is replaced by a larger
// one, and plaintext needs its own.
func TestAnnouncedLengthsAllocateNothing(t *testing.T) {
	k := newKeyring(t)
	long := func(frame uint32, size int) []byte {
		m, _, err := encryptionsdk.Encrypt(t.Context(), make([]byte, size), encryptionsdk.EncryptOptions{
			Keyring: k, Suite: 0x0478, FrameLength: frame,
		})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	huge := long(1<<32-1, 100_000)
	// A frame that is not the last announces 4 GiB.
	h, err := encryptionsdk.ReadHeader(bytes.NewReader(huge))
	if err != nil {
		t.Fatal(err)
	}
	regular := binary.BigEndian.AppendUint32(bytes.Clone(huge[:h.Length]), 1)
	regular = append(regular, make([]byte, 3_000_000)...)
	manyKeys := append(append([]byte{2, 4, 0x78}, make([]byte, 32)...), 0, 0, 0xff, 0xff)
	manyKeys = append(manyKeys, make([]byte, 6*65535)...)
	manyKeys = append(manyKeys, 2, 0, 0, 16, 0)
	manyKeys = append(manyKeys, make([]byte, 48)...)
	longKeys := append(append([]byte{2, 4, 0x78}, make([]byte, 32)...), 0, 0, 0xff, 0xff)
	for range 40 {
		longKeys = append(longKeys, 0, 1, 'x', 0xff, 0xff)
		longKeys = append(longKeys, make([]byte, 65535)...)
		longKeys = append(longKeys, 0, 1, 'x')
	}
	pairs := append(append([]byte{2, 4, 0x78}, make([]byte, 32)...), 0xff, 0xff, 0x2a, 0xaa)
	for i := range 10_900 {
		pairs = append(pairs, 0, 2, byte(i>>7)&0x7f, byte(i&0x7f), 0, 0)
	}
	for name, m := range map[string][]byte{
		"final frame of 100 KB of 4 GiB": huge, "cut": huge[:50_000], "frame of 4 GiB": regular, "65,535 empty keys": manyKeys,
		"long keys": longKeys, "many pairs": pairs, "5 MiB in frames of 3 MiB": long(3<<20, 5<<20)[:5<<20],
		"frame of 2 MiB, cut": long(2<<20, 4<<20)[:1<<20],
	} {
		for rn, read := range readers {
			if rn != "one shot" && rn != "slow copy" {
				continue // the others collect the plaintext in a buffer that grows
			}
			runtime.GC()
			runtime.GC() // empty pools
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			o := encryptionsdk.DecryptOptions{Keyring: k, Concurrency: 2}
			_, err := read(t.Context(), m, o)
			runtime.ReadMemStats(&after)
			total := int64(after.TotalAlloc - before.TotalAlloc)
			if limit := int64(5*len(m) + 1<<20); total > limit {
				t.Errorf("%s, %s: allocated %d bytes in all for %d bytes of input (%v)", name, rn, total, len(m), err)
			}
			largest := largestAllocation(func() { _, err = read(t.Context(), m, o) })
			if limit := int64(len(m) + 1<<20); largest > limit {
				t.Errorf("%s, %s: one allocation of %d bytes for %d bytes of input (%v)", name, rn, largest, len(m), err)
			}
		}
	}
}

func TestTooManyDataKeys(t *testing.T) {
	a, b := newKeyring(t), newKeyring(t)
	multi, err := encryptionsdk.NewMultiKeyring(a, b)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = encryptionsdk.Encrypt(t.Context(), nil, encryptionsdk.EncryptOptions{Keyring: multi, MaxEncryptedDataKeys: 1})
	if !errors.Is(err, encryptionsdk.ErrTooManyDataKeys) {
		t.Errorf("encrypting with two keys of at most one: %v", err)
	}
	m, _, err := encryptionsdk.Encrypt(t.Context(), nil, encryptionsdk.EncryptOptions{Keyring: multi, MaxEncryptedDataKeys: 2})
	if err != nil {
		t.Fatal(err)
	}
	s := &sample{}
	refuse(t, s, "two keys of at most one", m, encryptionsdk.DecryptOptions{Keyring: a, MaxEncryptedDataKeys: 1}, encryptionsdk.ErrTooManyDataKeys)
	if _, _, err := encryptionsdk.Decrypt(t.Context(), m, encryptionsdk.DecryptOptions{Keyring: b, MaxEncryptedDataKeys: 2}); err != nil {
		t.Error(err)
	}
}

func TestErrorTextsHoldNoPlaintext(t *testing.T) {
	s := newSample(t, 0x0478)
	secret := strings.Repeat("secret", 20)
	m, _, err := encryptionsdk.Encrypt(t.Context(), []byte(secret), encryptionsdk.EncryptOptions{Keyring: s.open.Keyring, Suite: 0x0478})
	if err != nil {
		t.Fatal(err)
	}
	m[len(m)-1] ^= 1
	if _, _, err := encryptionsdk.Decrypt(t.Context(), m, s.open); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v", err)
	}
}
