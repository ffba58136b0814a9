package sts

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"testing"
)

// The example of RFC 7515, appendix A.3: ECDSA P-256 SHA-256.
const (
	rfc7515A3 = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ." +
		"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
	rfc7515A3x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
	rfc7515A3y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
)

func coordinate(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	must(t, err)
	return b
}

func TestRFC7515ES256(t *testing.T) {
	token, err := parseJWT(rfc7515A3)
	must(t, err)
	point := append(append([]byte{4}, coordinate(t, rfc7515A3x)...), coordinate(t, rfc7515A3y)...)
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	must(t, err)
	if token.Issuer != "joe" || *token.Expires != 1300819380 || !token.verify([]ProviderKey{{Key: key}}) {
		t.Errorf("%+v", token)
	}
	token.signed += "A"
	if token.verify([]ProviderKey{{Key: key}}) {
		t.Error("a changed token verifies")
	}
}

func TestParseJWTRefuses(t *testing.T) {
	for _, token := range []string{
		"", ".", "..", "a.b", "a.b.c.d", "e30.e30.!", "bm8.e30.", "e30.bm8.",
		"eyJjcml0IjpbIngiXX0.e30.", // {"crit":["x"]}
	} {
		if _, err := parseJWT(token); err == nil {
			t.Errorf("%q is accepted", token)
		}
	}
}

func FuzzParseJWT(f *testing.F) {
	f.Add(rfc7515A3)
	f.Add("e30.e30.")
	f.Fuzz(func(t *testing.T, s string) {
		if token, err := parseJWT(s); err == nil && token.verify([]ProviderKey{{Key: "none"}}) {
			t.Fatal("verified without a key")
		}
	})
}
