package rotator

import (
	"bytes"
	"crypto/fips140"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"filippo.io/edwards25519"
)

// The authentication plugins whose hashes we compute.
const (
	pluginNative      = "mysql_native_password" // SHA-1 twice; MariaDB, MySQL to 8.4
	pluginCachingSHA2 = "caching_sha2_password" // SHA-256 crypt; MySQL from 8.0
	pluginEd25519     = "ed25519"               // MariaDB
)

// hashAlphabet has the characters of crypt(3)'s base 64 in its order. A salt of them
// can stand in any statement.
const hashAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// mysqlHash is what an account with a plugin stores for a password. It consists of
// printable ASCII without quotes and backslashes.
func mysqlHash(plugin string, password []byte) (string, error) {
	switch plugin {
	case pluginNative, "":
		if fips140.Enforced() {
			return "", fail(Misconfigured, "the account's plugin %s uses SHA-1, which FIPS 140-3 does not approve for this", pluginNative)
		}
		return nativeHash(password), nil
	case pluginCachingSHA2:
		if len(password) > 255 {
			return "", fail(Misconfigured, "the password is longer than %s takes", plugin)
		}
		salt := make([]byte, cachingSHA2Salt)
		rand.Read(salt) // never fails: crypto/rand
		for i := range salt {
			salt[i] = hashAlphabet[salt[i]&63]
		}
		return cachingSHA2Hash(password, salt), nil
	case pluginEd25519:
		if fips140.Enforced() {
			return "", fail(Misconfigured, "the account's plugin %s is not one that FIPS 140-3 approves", plugin)
		}
		return ed25519Hash(password), nil
	}
	return "", fail(Misconfigured, "the account's authentication plugin is none whose password can be set: %s", plugin)
}

// mysqlMatches tells whether a password is the one that an account stores as its first.
// Only of the plugins of MySQL: MariaDB has no second passwords.
func mysqlMatches(a account, password []byte) bool {
	var want string
	switch salt := len(cachingSHA2Prefix); {
	case a.plugin == pluginNative && !fips140.Enforced():
		want = nativeHash(password)
	case a.plugin == pluginCachingSHA2 && len(a.stored) == salt+cachingSHA2Salt+43 && bytes.HasPrefix(a.stored, []byte(cachingSHA2Prefix)):
		want = cachingSHA2Hash(password, a.stored[salt:salt+cachingSHA2Salt])
	}
	return want != "" && subtle.ConstantTimeCompare([]byte(want), a.stored) == 1
}

// nativeHash is MySQL's PASSWORD(): "*" and SHA1(SHA1(password)) in upper-case hex.
func nativeHash(password []byte) string {
	once := sha1.Sum(password)
	twice := sha1.Sum(once[:])
	return "*" + strings.ToUpper(hex.EncodeToString(twice[:]))
}

// ed25519Hash is MariaDB's: the public key whose secret is the SHA-512 of the password,
// in base 64. It is Ed25519 (RFC 8032) with a seed of any length.
func ed25519Hash(password []byte) string {
	expanded := sha512.Sum512(password)
	defer clear(expanded[:])
	// The only error is a wrong length.
	secret, _ := edwards25519.NewScalar().SetBytesWithClamping(expanded[:32])
	public := new(edwards25519.Point).ScalarBaseMult(secret).Bytes()
	return base64.RawStdEncoding.EncodeToString(public)
}

const (
	cachingSHA2Salt = 20
	// cachingSHA2Rounds is the default of caching_sha2_password_digest_rounds, which the
	// prefix says in thousands.
	cachingSHA2Rounds = 5000
	cachingSHA2Prefix = "$A$005$"
)

// cachingSHA2Hash is the prefix, 20 bytes of salt and 43 of hash.
func cachingSHA2Hash(password, salt []byte) string {
	return cachingSHA2Prefix + string(salt) + sha256Crypt(password, salt, cachingSHA2Rounds)
}

// sha256Crypt is the hash of Ulrich Drepper's "Unix crypt using SHA-256 and SHA-512",
// with a salt of any length: MySQL's has 20 bytes where crypt(3) cuts at 16.
func sha256Crypt(password, salt []byte, rounds int) string {
	// The letters and numbers are the steps of the specification.
	b := sha256.New() // 4-8
	b.Write(password)
	b.Write(salt)
	b.Write(password)
	digestB := b.Sum(nil)

	a := sha256.New() // 1-3
	a.Write(password)
	a.Write(salt)
	for n := len(password); n > 0; n -= 32 { // 9-10
		a.Write(digestB[:min(n, 32)])
	}
	for n := len(password); n > 0; n >>= 1 { // 11
		if n&1 != 0 {
			a.Write(digestB)
		} else {
			a.Write(password)
		}
	}
	digest := a.Sum(nil) // 12

	dp := sha256.New() // 13-16
	for range len(password) {
		dp.Write(password)
	}
	p := stretch(dp.Sum(nil), len(password))
	ds := sha256.New() // 17-20
	for range 16 + int(digest[0]) {
		ds.Write(salt)
	}
	s := stretch(ds.Sum(nil), len(salt))
	defer clear(p)

	c := sha256.New()
	for i := range rounds { // 21
		c.Reset()
		if i%2 != 0 {
			c.Write(p)
		} else {
			c.Write(digest)
		}
		if i%3 != 0 {
			c.Write(s)
		}
		if i%7 != 0 {
			c.Write(p)
		}
		if i%2 != 0 {
			c.Write(digest)
		} else {
			c.Write(p)
		}
		digest = c.Sum(digest[:0])
	}

	// 22: three bytes at a time, in this order, least significant bits first.
	var out strings.Builder
	at := [3]int{0, 10, 20}
	for range 10 {
		base64Crypt(&out, digest[at[0]], digest[at[1]], digest[at[2]], 4)
		at = [3]int{(at[2] + 1) % 30, (at[0] + 1) % 30, (at[1] + 1) % 30}
	}
	base64Crypt(&out, 0, digest[31], digest[30], 3)
	return out.String()
}

// stretch repeats a digest up to a length.
func stretch(digest []byte, length int) []byte {
	out := make([]byte, 0, length+len(digest))
	for len(out) < length {
		out = append(out, digest...)
	}
	return out[:length]
}

func base64Crypt(out *strings.Builder, high, middle, low byte, characters int) {
	w := uint(high)<<16 | uint(middle)<<8 | uint(low)
	for range characters {
		out.WriteByte(hashAlphabet[w&63])
		w >>= 6
	}
}
