package sigv4

import (
	"strings"
	"time"
)

// Algorithm is how a request is signed.
type Algorithm uint8

// The two algorithms of Signature Version 4.
const (
	// HMAC is AWS4-HMAC-SHA256.
	HMAC Algorithm = iota + 1
	// ECDSA is AWS4-ECDSA-P256-SHA256 (SigV4A): its scope names no Region, the signed
	// X-Amz-Region-Set does.
	ECDSA
)

const (
	nameHMAC  = "AWS4-HMAC-SHA256"
	nameECDSA = "AWS4-ECDSA-P256-SHA256"
)

// String is the algorithm's name on the wire.
func (a Algorithm) String() string {
	switch a {
	case HMAC:
		return nameHMAC
	case ECDSA:
		return nameECDSA
	}
	return ""
}

// PayloadMode is how a signature covers the body.
type PayloadMode uint8

// The payload modes (S3 user guide, "Authenticating Requests: Using the
// Authorization Header").
const (
	// PayloadImplicit: no X-Amz-Content-Sha256; the hash of the body as it came is
	// covered. S3 takes it in presigned URLs only, where it stands for
	// PayloadUnsigned.
	PayloadImplicit PayloadMode = iota
	// PayloadHash: X-Amz-Content-Sha256 is the lower-case hexadecimal SHA-256 of the
	// body.
	PayloadHash
	// PayloadUnsigned: UNSIGNED-PAYLOAD.
	PayloadUnsigned
	// PayloadStream: STREAMING-AWS4-HMAC-SHA256-PAYLOAD, or the ECDSA form.
	PayloadStream
	// PayloadStreamTrailer: STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, or the ECDSA
	// form.
	PayloadStreamTrailer
	// PayloadUnsignedTrailer: STREAMING-UNSIGNED-PAYLOAD-TRAILER.
	PayloadUnsignedTrailer
)

// Streaming tells whether the body is framed in chunks (aws-chunked).
func (m PayloadMode) Streaming() bool { return m >= PayloadStream }

// Signature is the form of a signed request, checked as far as it can be without a
// key. It refers to the request it was parsed from, which must not change before
// the signature has been verified.
type Signature struct {
	// Algorithm tells HMAC from ECDSA.
	Algorithm Algorithm
	// Presigned tells that the signature stood in the query.
	Presigned bool
	// AccessKeyID is the claimed access key: 1 to 128 bytes, not yet proven.
	AccessKeyID string
	// Date is the scope's day, YYYYMMDD.
	Date string
	// Region is the scope's Region; for ECDSA empty, see RegionSet.
	Region string
	// Service is the scope's signing name.
	Service string
	// RegionSet is the X-Amz-Region-Set of an ECDSA signature: Regions separated by
	// commas, "*" and "us-west-*" forms included.
	RegionSet string
	// SecurityToken is the session token, empty for a long-term key.
	SecurityToken string
	// SignedHeaders is the list as sent, lower case, sorted, separated by semicolons.
	SignedHeaders string
	// Time is when the request was signed, to the second.
	Time time.Time
	// Expires is the life of a presigned request from Time on: 1 s to 604 800 s.
	// Zero if the query gives none (then 15 minutes apply, and S3 refuses).
	Expires time.Duration
	// Payload is how the body is covered.
	Payload PayloadMode
	// PayloadSHA256 is X-Amz-Content-Sha256 verbatim, empty for PayloadImplicit.
	PayloadSHA256 string

	req         Request
	path        string  // raw
	params      []param // of the query, raw values
	stamp       string  // Time as YYYYMMDDTHHMMSSZ
	scope       string  // the credential after the access key id
	provided    string  // the signature as sent
	raw         [80]byte
	rawLen      int
	tokenHeader bool
}

// Signed tells whether the header with this lower-case name is covered.
func (s *Signature) Signed(lower string) bool {
	for rest := s.SignedHeaders; rest != ""; {
		var name string
		name, rest, _ = strings.Cut(rest, ";")
		if name == lower {
			return true
		}
	}
	return false
}

// CoversRegion tells whether the signature is good in region: equal to the scope's
// Region or, for ECDSA, matched by one element of the region set.
func (s *Signature) CoversRegion(region string) bool {
	if region == "" {
		return false
	}
	if s.Algorithm == HMAC {
		return s.Region == region
	}
	for rest := s.RegionSet; rest != ""; {
		var pattern string
		pattern, rest, _ = strings.Cut(rest, ",")
		if matchRegion(strings.TrimSpace(pattern), region) {
			return true
		}
	}
	return false
}

// matchRegion matches a Region against a pattern whose asterisks stand for any run
// of characters, in linear time: on a mismatch only the last asterisk is retried.
func matchRegion(pattern, region string) bool {
	p, r, star, mark := 0, 0, -1, 0
	for r < len(region) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, r
			p++
		case p < len(pattern) && pattern[p] == region[r]:
			p, r = p+1, r+1
		case star >= 0:
			mark++
			p, r = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
