package securemem

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// FIPS 197, appendix C.3.
func TestBlockEncryptsTheVectorOfFIPS197(t *testing.T) {
	a := NewArena(Options{})
	defer a.Close()
	b, err := a.NewBlock(unhex(t, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"))
	if err != nil {
		t.Fatal(err)
	}
	if !b.OffHeap() {
		t.Error("the key schedule stayed on the Go heap")
	}
	out := make([]byte, 16)
	if err := b.Encrypt(out, unhex(t, "00112233445566778899aabbccddeeff")); err != nil {
		t.Fatal(err)
	}
	if want := unhex(t, "8ea2b7ca516745bfeafc49904b496089"); !bytes.Equal(out, want) {
		t.Errorf("got %x, want %x", out, want)
	}
	b.Destroy()
	if err := b.Encrypt(out, out); !errors.Is(err, ErrDestroyed) {
		t.Errorf("Encrypt after Destroy: %v", err)
	}
	if err := b.With(func(cipher.Block) {}); !errors.Is(err, ErrDestroyed) {
		t.Errorf("With after Destroy: %v", err)
	}
}

// Test case 16 of McGrew and Viega, "The Galois/Counter Mode of Operation".
func TestGCMOpensThePublishedVector(t *testing.T) {
	a := NewArena(Options{})
	defer a.Close()
	key := unhex(t, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")
	g, err := a.NewGCM(key)
	if err != nil {
		t.Fatal(err)
	}
	if !g.OffHeap() {
		t.Error("the key schedule stayed on the Go heap")
	}
	aad := unhex(t, "feedfacedeadbeeffeedfacedeadbeefabaddad2")
	sealed := unhex(t, "cafebabefacedbaddecaf888"+
		"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"+
		"76fc6ece0f4e1768cddf8853bb2d551b")
	want := unhex(t, "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39")
	got, err := g.Open(nil, sealed, aad)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("Open: %x, %v", got, err)
	}
	sealed[20] ^= 1
	if _, err := g.Open(nil, sealed, aad); err == nil {
		t.Error("Open accepted a changed ciphertext")
	}
	// What Seal makes, the plain library opens.
	out, err := g.Seal(nil, want, aad)
	if err != nil || len(out) != len(want)+GCMOverhead {
		t.Fatalf("Seal: %d bytes, %v", len(out), err)
	}
	blk, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	std, err := cipher.NewGCM(blk)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := std.Open(nil, out[:12], out[12:], aad); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the library opens %x, %v", got, err)
	}
	g.Destroy()
	if _, err := g.Seal(nil, want, nil); !errors.Is(err, ErrDestroyed) {
		t.Errorf("Seal after Destroy: %v", err)
	}
	if _, err := g.Open(nil, out, aad); !errors.Is(err, ErrDestroyed) {
		t.Errorf("Open after Destroy: %v", err)
	}
}

func TestOnlyFlatTypesAreMoved(t *testing.T) {
	type in struct{ P *int }
	for _, v := range []any{in{}, "text", []byte{1}, struct{ A [3]in }{}, struct{ F func() }{}} {
		if flat(reflect.TypeOf(v), 0) {
			t.Errorf("%T counts as flat", v)
		}
	}
	if !flat(reflect.TypeFor[struct {
		A [4]uint32
		B struct{ C bool }
	}](), 0) {
		t.Error("a structure of numbers does not count as flat")
	}
}

func TestCipherKeysOfWrongSizeAreRefused(t *testing.T) {
	a := NewArena(Options{})
	defer a.Close()
	for _, n := range []int{0, 16, 24, 31, 33} {
		if _, err := a.NewBlock(make([]byte, n)); err == nil {
			t.Errorf("NewBlock took a key of %d bytes", n)
		}
		if _, err := a.NewGCM(make([]byte, n)); err == nil {
			t.Errorf("NewGCM took a key of %d bytes", n)
		}
	}
}

func BenchmarkNewGCM(b *testing.B) {
	a := NewArena(Options{})
	defer a.Close()
	key := make([]byte, 32)
	b.ReportAllocs()
	for b.Loop() {
		g, err := a.NewGCM(key)
		if err != nil {
			b.Fatal(err)
		}
		g.Destroy()
	}
}

func BenchmarkGCMSealOpen1KiB(b *testing.B) {
	a := NewArena(Options{})
	defer a.Close()
	g, err := a.NewGCM(make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	msg := make([]byte, 1024)
	sealed := make([]byte, 0, 2048)
	plain := make([]byte, 0, 2048)
	b.ReportAllocs()
	for b.Loop() {
		out, err := g.Seal(sealed, msg, nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := g.Open(plain, out, nil); err != nil {
			b.Fatal(err)
		}
	}
}
