package encryptionsdk

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"os"
	"slices"
	"testing"

	"fastness/encryptionsdk"
	"fastness/encryptionsdk/rawkeyring"
	"fastness/test/encryptionsdk/official"
)

// pair is one wrapping key in a keyring of ours and in one of AWS's library.
type pair struct {
	name   string
	first  bool // of its kind
	ours   encryptionsdk.Keyring
	theirs official.Keyring
}

// must returns v; an error ends the test.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func pairs(t *testing.T, lib *official.Library) []pair {
	ctx := t.Context()
	var all []pair
	for _, n := range []int{16, 24, 32} {
		key := make([]byte, n)
		rand.Read(key)
		name := fmt.Sprintf("key %d", n)
		all = append(all, pair{
			fmt.Sprintf("AES-%d", 8*n), n == 32,
			must(rawkeyring.NewAES("interop", name, key))(t),
			must(lib.AES(ctx, "interop", name, key))(t),
		})
	}
	key := must(rsa.GenerateKey(rand.Reader, 2048))(t)
	for _, p := range []struct {
		ours   rawkeyring.Padding
		theirs string
	}{
		{rawkeyring.PKCS1, "PKCS1"},
		{rawkeyring.OAEPSHA1, "OAEP_SHA1_MGF1"},
		{rawkeyring.OAEPSHA256, "OAEP_SHA256_MGF1"},
		{rawkeyring.OAEPSHA384, "OAEP_SHA384_MGF1"},
		{rawkeyring.OAEPSHA512, "OAEP_SHA512_MGF1"},
	} {
		all = append(all, pair{
			"RSA " + p.theirs, p.ours == rawkeyring.OAEPSHA256,
			must(rawkeyring.NewRSA("interop", "rsa", p.ours, &key.PublicKey, key))(t),
			must(lib.RSA(ctx, "interop", "rsa", p.theirs, key))(t),
		})
	}
	for _, c := range []struct {
		curve ecdh.Curve
		name  string
	}{{ecdh.P256(), "ECC_NIST_P256"}, {ecdh.P384(), "ECC_NIST_P384"}, {ecdh.P521(), "ECC_NIST_P521"}} {
		a, b := must(c.curve.GenerateKey(rand.Reader))(t), must(c.curve.GenerateKey(rand.Reader))(t)
		// Each side holds its own private key: it is an exchange between two parties.
		all = append(all, pair{
			"ECDH " + c.name, c.curve == ecdh.P384(),
			must(rawkeyring.NewECDHStatic(a, b.PublicKey()))(t),
			must(lib.ECDH(ctx, c.name, b, a.PublicKey()))(t),
		})
	}
	aes, rsa := all[0], all[5]
	all = append(all, pair{
		"multi AES and RSA", true,
		must(encryptionsdk.NewMultiKeyring(aes.ours, rsa.ours))(t),
		must(lib.Multi(ctx, aes.theirs, rsa.theirs))(t),
	})
	return all
}

// wholeInterop, when set, has the frames of one byte go through messages of a mebibyte, too:
// minutes for each suite and keyring in AWS's library. make soak sets it.
const wholeInterop = "FASTNESS_INTEROP_WHOLE"

// TestOfficialLibraryBothWays has each library read what the other wrote: every suite, frame
// length, size around the frames, and keyring.
func TestOfficialLibraryBothWays(t *testing.T) {
	lib := must(official.New())(t)
	all := pairs(t, lib)
	manyFrames := 2048
	if os.Getenv(wholeInterop) != "" {
		manyFrames = 1 << 20
	}
	for _, id := range []encryptionsdk.SuiteID{0x0014, 0x0046, 0x0078, 0x0114, 0x0146, 0x0178, 0x0214, 0x0346, 0x0378, 0x0478, 0x0578} {
		t.Run(id.String(), func(t *testing.T) {
			for _, p := range all {
				for _, frame := range []int{1, 1024, 4096, 2 << 20} {
					largest := 1 << 20
					// A million frames are for one keyring of each kind: how the data key is
					// wrapped has nothing to do with them.
					if frame == 1 && !p.first {
						largest = 2048
					} else if frame == 1 {
						largest = manyFrames
					}
					for _, size := range sizes(frame, largest) {
						exchange(t, lib, p, id, frame, size)
					}
				}
			}
		})
	}
}

// sizes are the lengths of plaintext, up to largest, for frames of the given length.
func sizes(frame, largest int) []int {
	edges := []int{0, 1, frame - 1, frame, frame + 1, largest}
	if frame > largest { // longer than the message
		edges = []int{0, 1, largest}
	}
	slices.Sort(edges)
	return slices.Compact(edges)
}

func exchange(t *testing.T, lib *official.Library, p pair, id encryptionsdk.SuiteID, frame, size int) {
	t.Helper()
	what := fmt.Sprintf("%s, %s, frame %d, size %d", id, p.name, frame, size)
	ctx, suite := t.Context(), id.Suite()
	plain := make([]byte, size)
	rand.Read(plain)
	ec := map[string]string{"purpose": "interop", "é": "ü", "\U0001D7C1": "above", "\uFF61": "below"}
	policy := encryptionsdk.ForbidEncryptAllowDecrypt
	if suite.Commits {
		policy = encryptionsdk.RequireEncryptRequireDecrypt
	}
	message, header, err := encryptionsdk.Encrypt(ctx, plain, encryptionsdk.EncryptOptions{
		Keyring: p.ours, Suite: id, CommitmentPolicy: policy, EncryptionContext: ec, FrameLength: uint32(frame),
	})
	if err != nil {
		t.Fatalf("%s: we encrypt: %v", what, err)
	}
	if n := encryptionsdk.EncryptedLen(suite, header.Length, size, uint32(frame)); n != len(message) {
		t.Fatalf("%s: message has %d bytes, EncryptedLen says %d", what, len(message), n)
	}
	got, err := lib.Decrypt(ctx, message, suite.Commits, ec, p.theirs)
	if err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("%s: they decrypt ours: %v", what, err)
	}
	if message, err = lib.Encrypt(ctx, plain, uint16(id), suite.Commits, int64(frame), ec, p.theirs); err != nil {
		t.Fatalf("%s: they encrypt: %v", what, err)
	}
	o := encryptionsdk.DecryptOptions{Keyring: p.ours, CommitmentPolicy: policy, EncryptionContext: ec}
	got, _, err = encryptionsdk.Decrypt(ctx, message, o)
	if err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("%s: we decrypt theirs: %v", what, err)
	}
	if got, err = readStream(ctx, message, o); err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("%s: we decrypt their stream: %v", what, err)
	}
}

func readStream(ctx context.Context, message []byte, o encryptionsdk.DecryptOptions) ([]byte, error) {
	d, err := encryptionsdk.NewDecrypter(ctx, bytes.NewReader(message), o)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	var out bytes.Buffer
	_, err = d.WriteTo(&out)
	return out.Bytes(), err
}
