package securemem

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"testing"
)

// The cases of RFC 4231, sections 4.2 to 4.8, with SHA-256, and 4.7 with the others.
func TestHMACMatchesRFC4231(t *testing.T) {
	a := NewArena(Options{})
	defer a.Close()
	long := bytes.Repeat([]byte{0xaa}, 131)
	for _, c := range []struct {
		hash    crypto.Hash
		key     []byte
		message string
		mac     string
	}{
		{crypto.SHA256, bytes.Repeat([]byte{0x0b}, 20), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{crypto.SHA256, []byte("Jefe"), "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{crypto.SHA256, long, "Test Using Larger Than Block-Size Key - Hash Key First", "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
		{crypto.SHA224, long, "Test Using Larger Than Block-Size Key - Hash Key First", "95e9a0db962095adaebe9b2d6f0dbce2d499f112f2d2b7273fa6870e"},
		{crypto.SHA384, long, "Test Using Larger Than Block-Size Key - Hash Key First", "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952"},
		{crypto.SHA512, long, "Test Using Larger Than Block-Size Key - Hash Key First", "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"},
	} {
		m, err := a.NewHMAC(c.hash, c.key)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time with memory that was used before
			got, err := m.Sum([]byte("x"), []byte(c.message))
			if err != nil || hex.EncodeToString(got[1:]) != c.mac || got[0] != 'x' || m.Size() != len(got)-1 {
				t.Errorf("%v: %x, %v", c.hash, got, err)
			}
		}
		if fips := m.sumWith(c.key, []byte(c.message)); hex.EncodeToString(fips) != c.mac {
			t.Errorf("%v in FIPS mode: %x", c.hash, fips)
		}
	}
}

// sumWith is what Sum does in FIPS mode.
func (m *HMAC) sumWith(key, message []byte) []byte {
	sec := &Secret{b: key}
	return (&HMAC{hash: m.hash, sec: sec}).sumInModule(nil, message)
}

func TestHMACAgreesWithTheStandardLibrary(t *testing.T) {
	a := NewArena(Options{})
	defer a.Close()
	for _, h := range []crypto.Hash{crypto.SHA224, crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		for _, n := range []int{1, 28, 32, 63, 64, 65, 100, 127, 128, 129, 200} {
			key, message := make([]byte, n), make([]byte, 3*n)
			rand.Read(key)
			rand.Read(message)
			m, err := a.NewHMAC(h, key)
			if err != nil {
				t.Fatal(err)
			}
			want := hmac.New(h.New, key)
			want.Write(message)
			if got, err := m.Sum(nil, message); err != nil || !bytes.Equal(got, want.Sum(nil)) {
				t.Errorf("%v, a key of %d bytes: %x, %v", h, n, got, err)
			}
		}
	}
	if n := a.Stats().Secrets; n != 44 {
		t.Errorf("%d secrets, want one for each HMAC", n)
	}
}

// What TestHMACAgreesWithTheStandardLibrary tests must be the way without the key.
func TestHashesOfTheLibraryAreFlat(t *testing.T) {
	for _, h := range []crypto.Hash{crypto.SHA224, crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		if s := newHMACState(h); s.innerBytes == nil || s.outerBytes == nil {
			t.Errorf("%v: a %T cannot be kept in an Arena", h, s.inner)
		}
	}
}

func TestHMACRefusesWhatItIsNotMadeFor(t *testing.T) {
	a := NewArena(Options{})
	for _, h := range []crypto.Hash{0, crypto.MD5, crypto.SHA1, crypto.BLAKE2b_256} {
		if _, err := a.NewHMAC(h, make([]byte, 32)); !errors.Is(err, errNotHMACKey) {
			t.Errorf("hash %d: %v", h, err)
		}
	}
	if _, err := a.NewHMAC(crypto.SHA256, nil); !errors.Is(err, errNotHMACKey) {
		t.Errorf("no key: %v", err)
	}
	m, err := a.NewHMAC(crypto.SHA256, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%v %+v %#v %s %x", m, m, m, m, m); got != "[secret] [secret] [secret] [secret] [secret]" {
		t.Errorf("printed as %s", got)
	}
	m.Destroy()
	m.Destroy()
	if _, err := m.Sum(nil, nil); !errors.Is(err, ErrDestroyed) {
		t.Errorf("destroyed: %v", err)
	}
	a.Close()
	if _, err := a.NewHMAC(crypto.SHA256, make([]byte, 32)); !errors.Is(err, ErrDestroyed) {
		t.Errorf("in a closed arena: %v", err)
	}
}

func TestModuleHMACIsOverwritten(t *testing.T) {
	for _, h := range []crypto.Hash{crypto.SHA256, crypto.SHA512} {
		m := hmac.New(h.New, bytes.Repeat([]byte{7}, 32))
		m.Write([]byte("message"))
		m.Sum(nil)
		wipeHMAC(m)
		v := reflect.ValueOf(m).Elem()
		slices, hashes := 0, 0
		for i := range v.NumField() {
			switch f := v.Field(i); f.Kind() {
			case reflect.Slice:
				slices++
				if !bytes.Equal(f.Bytes(), make([]byte, f.Len())) {
					t.Errorf("%v: field %d still holds the key", h, i)
				}
			case reflect.Interface:
				hashes++
				if !f.Elem().Elem().IsZero() {
					t.Errorf("%v: field %d still holds a keyed state", h, i)
				}
			}
		}
		if slices != 2 || hashes != 2 {
			t.Errorf("%v: HMAC has %d slices and %d hashes: wipeHMAC no longer fits the library", h, slices, hashes)
		}
	}
}

func BenchmarkHMAC(b *testing.B) {
	a := NewArena(Options{})
	defer a.Close()
	m, err := a.NewHMAC(crypto.SHA256, make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	message, dst := make([]byte, 34), make([]byte, 0, 32)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Sum(dst, message); err != nil {
			b.Fatal(err)
		}
	}
}
