package shamir

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/bits"
	"testing"

	"pgregory.net/rapid"
)

// FIPS 197, sections 4.2 and 4.2.1.
func TestFieldProductsOfFIPS197(t *testing.T) {
	for _, c := range [][3]byte{{0x57, 0x83, 0xc1}, {0x57, 0x13, 0xfe}, {0x57, 0x02, 0xae}, {0x57, 0x04, 0x47}, {0x57, 0x08, 0x8e}, {0x57, 0x10, 0x07}} {
		if got := mul(c[0], c[1]); got != c[2] {
			t.Errorf("%02x * %02x = %02x, want %02x", c[0], c[1], got, c[2])
		}
	}
	if got := inv(0x53); got != 0xca {
		t.Errorf("inverse of 53 is %02x, want ca (the S-box example of FIPS 197)", got)
	}
}

// slowMul is long multiplication and long division of polynomials.
func slowMul(a, b byte) byte {
	var p uint16
	for i := range 8 {
		if b>>i&1 == 1 {
			p ^= uint16(a) << i
		}
	}
	for bits.Len16(p) > 8 {
		p ^= 0x11b << (bits.Len16(p) - 9)
	}
	return byte(p)
}

func TestFieldAgainstLongDivision(t *testing.T) {
	for a := range 256 {
		for b := range 256 {
			if got, want := mul(byte(a), byte(b)), slowMul(byte(a), byte(b)); got != want {
				t.Fatalf("%02x * %02x = %02x, want %02x", a, b, got, want)
			}
		}
		if a > 0 && mul(byte(a), inv(byte(a))) != 1 {
			t.Fatalf("%02x times its inverse is not 1", a)
		}
	}
	if inv(0) != 0 {
		t.Error("the inverse of 0 is not 0")
	}
}

// The test case of draft-mcgrew-tss-03, section 9.
func TestCombineTheVectorOfMcGrew(t *testing.T) {
	y1, _ := hex.DecodeString("b9fa07e185")
	y2, _ := hex.DecodeString("f5409b4511")
	got, err := Combine([]Share{{X: 1, Y: y1}, {X: 2, Y: y2}})
	if err != nil || string(got) != "test\x00" {
		t.Errorf("got %x, %v; want 7465737400", got, err)
	}
}

func TestAnyThresholdSharesRestoreTheSecret(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(t, "secret")
		n := rapid.IntRange(2, 20).Draw(t, "n")
		m := rapid.IntRange(2, n).Draw(t, "m")
		shares, err := Split(secret, n, m)
		if err != nil {
			t.Fatal(err)
		}
		chosen := rapid.Permutation(shares).Draw(t, "chosen")[:m]
		got, err := Combine(chosen)
		if err != nil || !bytes.Equal(got, secret) {
			t.Fatalf("%d of %d: %x, %v; want %x", m, n, got, err, secret)
		}
	})
}

// With one share fewer every value of the secret remains possible, and the value at
// 0 of the polynomial of lower degree is as good as random.
func TestOneShareFewerSaysNothing(t *testing.T) {
	var counts [256]int
	const rounds = 256 * 64
	for range rounds {
		shares, err := Split([]byte{0x42}, 5, 3)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Combine(shares[:2])
		if err != nil {
			t.Fatal(err)
		}
		counts[got[0]]++
	}
	for v, c := range counts {
		if c < 16 || c > 160 { // mean 64, standard deviation 8
			t.Errorf("value %02x came %d times of %d", v, c, rounds)
		}
	}
}

func TestMaximumShares(t *testing.T) {
	secret := bytes.Repeat([]byte{7}, 32)
	shares, err := Split(secret, 255, 255)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Combine(shares); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("%x, %v", got, err)
	}
	if got, err := Combine(shares[:254]); err != nil || bytes.Equal(got, secret) {
		t.Errorf("254 of 255 shares gave the secret (%v)", err)
	}
}

func TestSplitRefusesBadParameters(t *testing.T) {
	for _, c := range []struct{ size, n, m int }{{0, 3, 2}, {MaxSecretBytes + 1, 3, 2}, {8, 256, 2}, {8, 3, 1}, {8, 3, 4}, {8, 1, 1}, {8, -1, -1}} {
		if _, err := Split(make([]byte, c.size), c.n, c.m); !errors.Is(err, ErrParameters) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestCombineRefusesBadShares(t *testing.T) {
	for name, c := range map[string]struct {
		shares []Share
		want   error
	}{
		"one":       {[]Share{{1, []byte{1}}}, ErrCount},
		"none":      {nil, ErrCount},
		"duplicate": {[]Share{{1, []byte{1}}, {1, []byte{1}}}, ErrDuplicate},
		"zero":      {[]Share{{0, []byte{1}}, {1, []byte{1}}}, ErrCorrupt},
		"sizes":     {[]Share{{1, []byte{1}}, {2, []byte{1, 2}}}, ErrCorrupt},
		"empty":     {[]Share{{1, nil}, {2, nil}}, ErrCorrupt},
	} {
		if _, err := Combine(c.shares); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestShareTextRoundTripAndEveryChangedCharacter(t *testing.T) {
	l := Labelled{Set: [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, Threshold: 3, Total: 5, Share: Share{X: 4, Y: bytes.Repeat([]byte{0xD7}, 32)}}
	text, err := EncodeText(l)
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range [][]byte{text, bytes.ToLower(text), bytes.ReplaceAll(text, []byte("-"), []byte(" \n"))} {
		got, err := ParseText(form)
		if err != nil || got.Set != l.Set || got.Threshold != 3 || got.Total != 5 || got.Share.X != 4 || !bytes.Equal(got.Share.Y, l.Share.Y) {
			t.Errorf("%q: %+v, %v", form, got, err)
		}
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	for i := len(textPrefix); i < len(text); i++ {
		if text[i] == '-' {
			continue
		}
		for _, c := range []byte(alphabet) {
			if c == text[i] {
				continue
			}
			bad := bytes.Clone(text)
			bad[i] = c
			if _, err := ParseText(bad); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("character %d changed to %c: %v", i, c, err)
			}
		}
	}
	for cut := range len(text) {
		if _, err := ParseText(text[:cut]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut after %d characters: %v", cut, err)
		}
	}
}

func FuzzParseText(f *testing.F) {
	good, err := EncodeText(Labelled{Threshold: 2, Total: 3, Share: Share{X: 1, Y: make([]byte, 32)}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("fshare1-"))
	f.Add([]byte("fshare1-AAAAAAAA"))
	f.Add(bytes.Repeat([]byte("A"), MaxTextBytes+1))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := ParseText(text)
		if err != nil {
			return
		}
		again, err := EncodeText(l)
		if err != nil {
			t.Fatalf("parsed but not encodable: %v", err)
		}
		m, err := ParseText(again)
		if err != nil || m.Set != l.Set || m.Share.X != l.Share.X || !bytes.Equal(m.Share.Y, l.Share.Y) {
			t.Fatalf("%+v became %+v, %v", l, m, err)
		}
	})
}

func BenchmarkCombine3(b *testing.B) {
	shares, err := Split(make([]byte, 32), 5, 3)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Combine(shares[:3]); err != nil {
			b.Fatal(err)
		}
	}
}
