package keywrap

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"testing"

	"github.com/c2sp/wycheproof"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRFC3394AndRFC5649Examples(t *testing.T) {
	for _, v := range []struct {
		padded           bool
		kek, key, wanted string
	}{
		// RFC 3394 sections 4.1, 4.3 and 4.6.
		{false, "000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff",
			"1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"},
		{false, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "00112233445566778899aabbccddeeff",
			"64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"},
		{false, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
			"00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
			"28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"},
		// RFC 5649 section 6.
		{true, "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8", "c37b7e6492584340bed12207808941155068f738",
			"138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a"},
		{true, "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8", "466f7250617369",
			"afbeb0f07dfbf5419200f2ccb50bb24f"},
	} {
		wrap, unwrap := Wrap, Unwrap
		if v.padded {
			wrap, unwrap = WrapPadded, UnwrapPadded
		}
		kek, key, wanted := unhex(t, v.kek), unhex(t, v.key), unhex(t, v.wanted)
		if got, err := wrap(kek, key); err != nil || !bytes.Equal(got, wanted) {
			t.Errorf("wrap %s: %x, %v", v.key, got, err)
		}
		if got, err := unwrap(kek, wanted); err != nil || !bytes.Equal(got, key) {
			t.Errorf("unwrap %s: %x, %v", v.wanted, got, err)
		}
	}
}

type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) error {
	*h = make([]byte, hex.DecodedLen(len(text)))
	_, err := hex.Decode(*h, text)
	return err
}

func TestWycheproof(t *testing.T) {
	for file, functions := range map[string]struct {
		wrap, unwrap func(kek, key []byte) ([]byte, error)
		count        int
	}{
		"aes_wrap_test.json": {Wrap, Unwrap, 165},
		"aes_kwp_test.json":  {WrapPadded, UnwrapPadded, 254},
	} {
		data, err := fs.ReadFile(wycheproof.TestVectors, file)
		if err != nil {
			t.Fatal(err)
		}
		var vectors struct {
			Groups []struct {
				Tests []struct {
					ID           int `json:"tcId"`
					Comment      string
					Result       string
					Key, Msg, CT hexBytes
				}
			} `json:"testGroups"`
		}
		if err := json.Unmarshal(data, &vectors); err != nil {
			t.Fatal(err)
		}
		ran := 0
		for _, g := range vectors.Groups {
			for _, v := range g.Tests {
				ran++
				got, err := functions.unwrap(v.Key, v.CT)
				if err != nil && err != ErrUnwrap {
					t.Errorf("%s %d: %v", file, v.ID, err)
				}
				opened := err == nil && bytes.Equal(got, v.Msg)
				if v.Result == "valid" && !opened || v.Result == "invalid" && err == nil || err == nil && !opened {
					t.Errorf("%s %d (%s): %x, %v, want %s", file, v.ID, v.Comment, got, err, v.Result)
				}
				if v.Result != "valid" {
					continue
				}
				if wrapped, err := functions.wrap(v.Key, v.Msg); err != nil || !bytes.Equal(wrapped, v.CT) {
					t.Errorf("%s %d: wraps to %x, %v", file, v.ID, wrapped, err)
				}
			}
		}
		if ran != functions.count {
			t.Errorf("%s: %d vectors ran, want %d", file, ran, functions.count)
		}
	}
}

func TestWrapPaddedEveryLengthAndEveryFlippedBit(t *testing.T) {
	kek := bytes.Repeat([]byte{9}, 32)
	for n := 1; n <= 72; n++ {
		key := bytes.Repeat([]byte{0xaa}, n)
		wrapped, err := WrapPadded(kek, key)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := UnwrapPadded(kek, wrapped); err != nil || !bytes.Equal(got, key) {
			t.Fatalf("%d bytes: %x, %v", n, got, err)
		}
		for i := range wrapped {
			for bit := range 8 {
				bad := bytes.Clone(wrapped)
				bad[i] ^= 1 << bit
				if _, err := UnwrapPadded(kek, bad); err != ErrUnwrap {
					t.Fatalf("%d bytes, byte %d bit %d: %v", n, i, bit, err)
				}
			}
		}
	}
}

// Bad padding that carries the right check value: each defect of RFC 5649
// section 3 alone.
func TestUnwrapPaddedRefusesEachDefect(t *testing.T) {
	kek := bytes.Repeat([]byte{9}, 32)
	block, err := newBlock(kek)
	if err != nil {
		t.Fatal(err)
	}
	for _, registers := range []int{1, 2, 4} {
		for length := -9; length <= 9*registers+9; length++ {
			for stray := 0; stray <= 8; stray++ {
				plain := make([]byte, semiblock+semiblock*registers)
				copy(plain, []byte{0xa6, 0x59, 0x59, 0xa6, byte(length >> 24), byte(length >> 16), byte(length >> 8), byte(length)})
				if stray > 0 {
					plain[len(plain)-stray] = 1
				}
				if registers == 1 {
					block.Encrypt(plain, plain)
				} else {
					wrapRounds(block, plain)
				}
				padding := semiblock*registers - length
				good := padding >= 0 && padding <= 7 && (stray == 0 || stray > padding)
				got, err := UnwrapPadded(kek, plain)
				if (err == nil) != good || err == nil && len(got) != length {
					t.Errorf("%d registers, length %d, stray byte %d from the end: %v", registers, length, stray, err)
				}
			}
		}
	}
}

func TestLengthsRefused(t *testing.T) {
	kek := make([]byte, 16)
	for _, n := range []int{0, 8, 15, 17, MaxKey + 8} {
		if _, err := Wrap(kek, make([]byte, n)); !errors.Is(err, ErrLength) {
			t.Errorf("Wrap of %d bytes: %v", n, err)
		}
	}
	for _, n := range []int{0, MaxKey + 1} {
		if _, err := WrapPadded(kek, make([]byte, n)); !errors.Is(err, ErrLength) {
			t.Errorf("WrapPadded of %d bytes: %v", n, err)
		}
	}
	for _, n := range []int{0, 8, 16, 23, MaxKey + 16} {
		if _, err := Unwrap(kek, make([]byte, n)); err != ErrUnwrap {
			t.Errorf("Unwrap of %d bytes: %v", n, err)
		}
		if _, err := UnwrapPadded(kek, make([]byte, n)); err != ErrUnwrap {
			t.Errorf("UnwrapPadded of %d bytes: %v", n, err)
		}
	}
	for name, f := range map[string]func(kek, key []byte) ([]byte, error){
		"Wrap": Wrap, "Unwrap": Unwrap, "WrapPadded": WrapPadded, "UnwrapPadded": UnwrapPadded,
	} {
		if _, err := f(make([]byte, 20), make([]byte, 24)); !errors.Is(err, ErrLength) {
			t.Errorf("%s with a key-encryption key of 20 bytes: %v", name, err)
		}
	}
}

func FuzzUnwrap(f *testing.F) {
	kek := make([]byte, 32)
	for _, n := range []int{1, 8, 16, 32, 100} {
		wrapped, err := WrapPadded(kek, make([]byte, n))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wrapped)
	}
	f.Fuzz(func(t *testing.T, wrapped []byte) {
		for _, c := range []struct {
			unwrap, wrap func(kek, key []byte) ([]byte, error)
		}{
			{Unwrap, Wrap}, {UnwrapPadded, WrapPadded},
		} {
			key, err := c.unwrap(kek, wrapped)
			if err != nil {
				if err != ErrUnwrap {
					t.Fatalf("unexpected error %v", err)
				}
				continue
			}
			if again, err := c.wrap(kek, key); err != nil || !bytes.Equal(again, wrapped) {
				t.Fatalf("%x opens to %x, which wraps to %x: %v", wrapped, key, again, err)
			}
		}
	})
}

func BenchmarkUnwrapPaddedRSA4096(b *testing.B) {
	kek := make([]byte, 32)
	wrapped, err := WrapPadded(kek, make([]byte, 2376))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := UnwrapPadded(kek, wrapped); err != nil {
			b.Fatal(err)
		}
	}
}
