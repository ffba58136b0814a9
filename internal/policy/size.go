package policy

import (
	"unicode"
	"unicode/utf8"
)

// Size counts the characters of a document as IAM's quotas do: white space does not
// count. ("IAM and AWS STS quotas": "IAM doesn't count white space when calculating
// the size of a policy".)
func Size(doc []byte) int {
	n := 0
	for len(doc) > 0 {
		r, size := utf8.DecodeRune(doc)
		if !unicode.IsSpace(r) {
			n++
		}
		doc = doc[size:]
	}
	return n
}
