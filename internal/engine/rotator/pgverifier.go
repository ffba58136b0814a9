package rotator

import (
	"crypto/fips140"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/xdg-go/scram"
)

const (
	scramSaltBytes         = 16   // as PostgreSQL's own
	scramDefaultIterations = 4096 // PostgreSQL's default, and RFC 7677's least
	// scramMaxIterations bounds the work that a server can make us do: about 0.3 s.
	scramMaxIterations = 1_000_000
)

// pgVerifier makes what pg_authid.rolpassword shall hold. encryption is the server's
// setting: SCRAM unless it says md5, for a server that is set to md5 has clients that
// know nothing else. iterations is empty where the server does not have the setting.
func pgVerifier(encryption, iterations, username string, password []byte) (string, error) {
	switch encryption {
	case "scram-sha-256":
	case "md5", "on":
		if fips140.Enforced() {
			return "", fail(Misconfigured, "the server stores passwords as MD5 (password_encryption), which FIPS 140-3 does not approve")
		}
		h := md5.New()
		h.Write(password)
		h.Write([]byte(username))
		return "md5" + hex.EncodeToString(h.Sum(nil)), nil
	default:
		return "", fail(Refused, "the server's password_encryption is of a kind that is not known")
	}
	count := scramDefaultIterations
	if iterations != "" {
		n, err := strconv.Atoi(iterations)
		if err != nil || n < 1 || n > scramMaxIterations {
			return "", fail(Refused, "the server's scram_iterations is out of bounds")
		}
		count = n
	}
	salt := make([]byte, scramSaltBytes)
	rand.Read(salt) // never fails: crypto/rand
	return scramVerifier(password, salt, count)
}

// scramVerifier is PostgreSQL's text form of RFC 5802's stored and server keys.
func scramVerifier(password, salt []byte, iterations int) (string, error) {
	client, err := scram.SHA256.NewClient("", string(password), "")
	if err != nil {
		// PostgreSQL takes a password that SASLprep forbids as it is.
		if client, err = scram.SHA256.NewClientUnprepped("", string(password), ""); err != nil {
			return "", fail(Misconfigured, "the password does not suit SCRAM")
		}
	}
	keys, err := client.GetStoredCredentialsWithError(scram.KeyFactors{Salt: string(salt), Iters: iterations})
	if err != nil {
		return "", fail(Misconfigured, "the password does not suit SCRAM")
	}
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", iterations, b64(salt), b64(keys.StoredKey), b64(keys.ServerKey)), nil
}
