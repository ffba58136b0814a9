package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha3"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fastness/internal/securemem"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newArena(t testing.TB) *securemem.Arena {
	t.Helper()
	a := securemem.NewArena(securemem.Options{})
	t.Cleanup(a.Close)
	return a
}

// The test vectors of c2sp.org/XAES-256-GCM.
func TestXAESOpensThePublishedVectors(t *testing.T) {
	for _, v := range []struct{ key, aad, ct string }{
		{strings.Repeat("01", 32), "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
		{strings.Repeat("03", 32), "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},
	} {
		x, err := newXAES(newArena(t), unhex(t, v.key))
		if err != nil {
			t.Fatal(err)
		}
		sealed := append([]byte("ABCDEFGHIJKLMNOPQRSTUVWX"), unhex(t, v.ct)...)
		for range 2 { // the second time from the cache
			got, err := x.open(nil, sealed, []byte(v.aad))
			if err != nil || string(got) != "XAES-256-GCM" {
				t.Errorf("key %s: %q, %v", v.key[:2], got, err)
			}
		}
		for i := range sealed {
			bad := bytes.Clone(sealed)
			bad[i] ^= 0x10
			if _, err := x.open(nil, bad, []byte(v.aad)); !errors.Is(err, errTag) {
				t.Errorf("byte %d changed: %v", i, err)
			}
		}
	}
}

// The accumulated vector of c2sp.org/XAES-256-GCM: 10,000 pseudo-random messages.
func TestXAESAccumulatedVector(t *testing.T) {
	rng, sum := sha3.NewSHAKE128(), sha3.NewSHAKE128()
	read := func(n int) []byte {
		b := make([]byte, n)
		_, _ = rng.Read(b)
		return b
	}
	a := newArena(t)
	for range 10_000 {
		key, nonce := read(32), read(24)
		plaintext := read(int(read(1)[0]))
		aad := read(int(read(1)[0]))
		x, err := newXAES(a, key)
		if err != nil {
			t.Fatal(err)
		}
		// The key derivation is ours; the explicit nonce needs the library's GCM.
		derivedKey := make([]byte, 32)
		_ = x.k1.With(func(k1 []byte) {
			for i := range 2 {
				m := append([]byte{0, byte(i + 1), 'X', 0}, nonce[:12]...)
				for j := range m {
					m[j] ^= k1[j]
				}
				_ = x.block.Encrypt(derivedKey[16*i:], m)
			}
		})
		b, err := aes.NewCipher(derivedKey)
		if err != nil {
			t.Fatal(err)
		}
		g, err := cipher.NewGCM(b)
		if err != nil {
			t.Fatal(err)
		}
		ct := g.Seal(nil, nonce[12:], plaintext, aad)
		_, _ = sum.Write(ct)
		got, err := x.open(nil, append(nonce, ct...), aad)
		if err != nil || !bytes.Equal(got, plaintext) {
			t.Fatalf("open: %v", err)
		}
		x.destroy()
	}
	out := make([]byte, 32)
	_, _ = sum.Read(out)
	if want := "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"; hex.EncodeToString(out) != want {
		t.Errorf("got %x, want %s", out, want)
	}
}

func TestXAESCacheEvictsAndStillOpens(t *testing.T) {
	x, err := newXAES(newArena(t), make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	var sealed [][]byte
	for range cachedCiphers * 2 {
		s, err := x.seal(nil, []byte("value"), nil)
		if err != nil {
			t.Fatal(err)
		}
		sealed = append(sealed, s)
		x.current.Load().used.Store(saltUses) // the next seal takes a new salt
	}
	if bytes.Equal(sealed[0][:saltBytes], sealed[1][:saltBytes]) {
		t.Fatal("the salt was not renewed")
	}
	for range 2 {
		for i, s := range sealed {
			if got, err := x.open(nil, s, nil); err != nil || string(got) != "value" {
				t.Fatalf("value %d: %q, %v", i, got, err)
			}
		}
	}
	if len(x.cache) > cachedCiphers {
		t.Errorf("%d ciphers in the cache", len(x.cache))
	}
	x.destroy()
	x.destroy()
	if _, err := x.seal(nil, nil, nil); !errors.Is(err, ErrSealed) {
		t.Errorf("seal after destroy: %v", err)
	}
	if _, err := x.open(nil, sealed[0], nil); !errors.Is(err, ErrSealed) {
		t.Errorf("open after destroy: %v", err)
	}
}

// RFC 4493 and NIST SP 800-38B, appendix D.3 (AES-256).
func TestCMACVectorsOfNIST(t *testing.T) {
	b, err := aes.NewCipher(unhex(t, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"))
	if err != nil {
		t.Fatal(err)
	}
	msg := unhex(t, "6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51 30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710")
	for n, want := range map[int]string{
		0:  "028962f61b7bf89efc6b551f4667d983",
		16: "28a7023f452e8f82bd4bf28d8c37c35c",
		40: "aaf3d8f1de5640c232f5b169b9c911e6",
		64: "e1992190549f6ed5696a2c056c315410",
	} {
		if got := cmac(b, msg[:n]); hex.EncodeToString(got[:]) != want {
			t.Errorf("%d bytes: %x, want %s", n, got, want)
		}
		if got := cmac(b, msg[:n/3], nil, msg[n/3:n/2], msg[n/2:n]); hex.EncodeToString(got[:]) != want {
			t.Errorf("%d bytes in parts: %x, want %s", n, got, want)
		}
	}
}

func TestCMACWycheproof(t *testing.T) {
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/c2sp/wycheproof").Output()
	if err != nil {
		t.Fatalf("finding the vectors: %v", err)
	}
	raw, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "testvectors_v1", "aes_cmac_test.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		TestGroups []struct {
			TagSize int
			Tests   []struct {
				TcID                  int
				Key, Msg, Tag, Result string
			}
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, g := range file.TestGroups {
		for _, c := range g.Tests {
			b, err := aes.NewCipher(unhex(t, c.Key))
			if err != nil {
				continue // vectors with keys that are not AES keys
			}
			tag := cmac(b, unhex(t, c.Msg))
			if got := bytes.Equal(tag[:g.TagSize/8], unhex(t, c.Tag)); got != (c.Result == "valid") {
				t.Errorf("case %d: match is %v, result %q", c.TcID, got, c.Result)
			}
			ran++
		}
	}
	if ran < 100 {
		t.Errorf("only %d cases ran", ran)
	}
}
