package iam

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"

	"fastness/internal/arn"
)

// Unique ids begin with what they name ("IAM identifiers").
const (
	userPrefix    = "AIDA"
	rolePrefix    = "AROA"
	groupPrefix   = "AGPA"
	policyPrefix  = "ANPA"
	profilePrefix = "AIPA"
)

// The prefixes of access key ids: long-term keys and those of sessions.
const (
	longTermPrefix  = "AKIA"
	temporaryPrefix = "ASIA"
)

var base32Encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// newID makes a unique id: the prefix and 17 random base-32 characters.
func newID(prefix string) string {
	var b [11]byte
	random(b[:])
	return prefix + base32Encoding.EncodeToString(b[:])[:17]
}

// random fills b; crypto/rand ends the process rather than fail.
func random(b []byte) { _, _ = rand.Read(b) }

// An access key id is a prefix and 80 bits in base 32, as AWS makes them: the first
// bit is set, the account's number follows in 40 bits, and the rest is random. The
// account can therefore be read from the id alone.
const accountShift = 7

// newAccessKeyID makes an access key id of the account, which must be 12 digits, with
// a prefix of four characters.
func newAccessKeyID(prefix, account string) (string, error) {
	n, err := strconv.ParseUint(account, 10, 64)
	if err != nil || !arn.IsAccountID(account) {
		return "", fmt.Errorf("iam: %q is not an account id", account)
	}
	var b [10]byte
	random(b[:])
	var head [8]byte
	copy(head[2:], b[:6])
	v := binary.BigEndian.Uint64(head[:])&(1<<accountShift-1) | n<<accountShift | 1<<47
	binary.BigEndian.PutUint64(head[:], v)
	copy(b[:6], head[2:])
	return prefix + base32Encoding.EncodeToString(b[:]), nil
}

// accountOf reads the account from an access key id that newAccessKeyID, or AWS since
// 2019, has made.
func accountOf(accessKeyID string) (account string, ok bool) {
	if len(accessKeyID) != 20 {
		return "", false
	}
	b, err := base32Encoding.DecodeString(accessKeyID[4:])
	if err != nil || len(b) != 10 {
		return "", false
	}
	var head [8]byte
	copy(head[2:], b[:6])
	v := binary.BigEndian.Uint64(head[:])
	n := v &^ (1 << 47) >> accountShift
	if v>>47 != 1 || n > 999_999_999_999 {
		return "", false
	}
	return fmt.Sprintf("%012d", n), true
}

// newSecret makes a secret access key: 240 random bits as 40 characters.
func newSecret() []byte {
	var b [30]byte
	random(b[:])
	out := make([]byte, base64.StdEncoding.EncodedLen(len(b)))
	base64.StdEncoding.Encode(out, b[:])
	clear(b[:])
	return out
}
