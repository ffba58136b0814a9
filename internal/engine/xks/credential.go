package xks

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Credential is the SigV4 key pair shared by the key service and one proxy.
type Credential struct {
	AccessKeyID     string // 20 to 30 characters of A-Z and 2-7
	SecretAccessKey string // 43 to 64 characters of A-Z, a-z, 0-9, '+', '/' and '='
}

// Validate checks both values against the bounds of the specification. Its error
// never contains the secret.
func (c Credential) Validate() error {
	if n := len(c.AccessKeyID); n < 20 || n > 30 || strings.ContainsFunc(c.AccessKeyID, notAccessKeyCharacter) {
		return errors.New("xks: access key id must have 20 to 30 characters of A-Z and 2-7")
	}
	if n := len(c.SecretAccessKey); n < 43 || n > 64 || strings.ContainsFunc(c.SecretAccessKey, notSecretCharacter) {
		return errors.New("xks: secret access key must have 43 to 64 characters of A-Z, a-z, 0-9, '+', '/' and '='")
	}
	return nil
}

func notAccessKeyCharacter(r rune) bool {
	return !('A' <= r && r <= 'Z' || '2' <= r && r <= '7')
}

func notSecretCharacter(r rune) bool {
	return !(r < 0x80 && isAlphanumeric(byte(r)) || r == '+' || r == '/' || r == '=')
}

// String and its siblings keep the secret out of logs.
func (c Credential) String() string { return fmt.Sprintf("xks credential %s", c.AccessKeyID) }

// GoString is String.
func (c Credential) GoString() string { return c.String() }

// LogValue is String.
func (c Credential) LogValue() slog.Value { return slog.StringValue(c.String()) }
