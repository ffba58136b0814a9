package audit

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"fastness/internal/call"
)

// Event is one record of the history: the attributes that LookupEvents filters on,
// and the record itself.
type Event struct {
	ID          string
	Time        time.Time
	Account     string // recipientAccountId
	Region      string
	Name        string // "Encrypt"
	Source      string // "kms.amazonaws.com"
	AccessKeyID string
	UserName    string
	ReadOnly    bool
	// Service says that a service did it on its own (eventType AwsServiceEvent), Quiet
	// that nobody else hears of that: see Follower. They are not kept.
	Service, Quiet bool
	Resources      []Resource
	// JSON is the CloudTrail record.
	JSON []byte
}

// Resource is something an event touched.
type Resource struct {
	Type    string // "AWS::KMS::Key"; empty when CloudTrail has no type for it
	ARN     string
	Account string
}

// NewID returns a random UUID (RFC 9562, version 4).
func NewID() string {
	var b [16]byte
	// crypto/rand never fails (it crashes the process when the system has no entropy).
	_, _ = rand.Read(b[:])
	return uuid(b, 4)
}

// NewIDs returns the ids of a call, of its request and of its event, for the price of one.
func NewIDs() (request, event string) {
	var b [32]byte
	_, _ = rand.Read(b[:])
	var s [2 * uuidBytes]byte
	putUUID(s[:uuidBytes], [16]byte(b[:16]), 4)
	putUUID(s[uuidBytes:], [16]byte(b[16:]), 4)
	both := string(s[:])
	return both[:uuidBytes], both[uuidBytes:]
}

// EventID is the id of a call's record in an account's history. It is c.EventID in the
// caller's own. Those of other accounts follow from it (RFC 9562, version 8, by SHA-256),
// so that a service can name the record of a resource's owner before it is written.
func EventID(c *call.Call, account string) string {
	if account == "" || account == c.Account || c.EventID == "" {
		return c.EventID
	}
	sum := sha256.Sum256([]byte("fastness event\x00" + c.EventID + "\x00" + account))
	return uuid([16]byte(sum[:16]), 8)
}

// uuid writes a UUID of a version (RFC 9562).
func uuid(b [16]byte, version byte) string {
	var s [uuidBytes]byte
	putUUID(s[:], b, version)
	return string(s[:])
}

// uuidBytes is the length of a UUID as it is written.
const uuidBytes = 36

// putUUID writes a UUID to s.
func putUUID(s []byte, b [16]byte, version byte) {
	b[6] = b[6]&0x0f | version<<4
	b[8] = b[8]&0x3f | 0x80
	hex.Encode(s[0:8], b[0:4])
	s[8] = '-'
	hex.Encode(s[9:13], b[4:6])
	s[13] = '-'
	hex.Encode(s[14:18], b[6:8])
	s[18] = '-'
	hex.Encode(s[19:23], b[8:10])
	s[23] = '-'
	hex.Encode(s[24:36], b[10:16])
}
