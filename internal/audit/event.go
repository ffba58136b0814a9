package audit

import (
	"crypto/rand"
	"encoding/hex"
	"time"
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
	Resources   []Resource
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
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var s [36]byte
	hex.Encode(s[0:8], b[0:4])
	s[8] = '-'
	hex.Encode(s[9:13], b[4:6])
	s[13] = '-'
	hex.Encode(s[14:18], b[6:8])
	s[18] = '-'
	hex.Encode(s[19:23], b[8:10])
	s[23] = '-'
	hex.Encode(s[24:36], b[10:16])
	return string(s[:])
}
