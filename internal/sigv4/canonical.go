package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// scratch is the reusable memory of one verification.
type scratch struct {
	canonical []byte
	query     []byte
	spans     []span
	sts       []byte
	secret    []byte // cleared after use
	sum       [sha256.Size]byte
	mac       [sha256.Size]byte
}

// appendCanonical appends the canonical request (IAM user guide, "Create a signed
// AWS API request", step 1). complete is false if a signed header is absent from
// the request or the path cannot be read: the signature is then refused, after the
// same work as any other.
func (s *Signature) appendCanonical(sc *scratch, dst []byte, rules *Rules, payload string) (_ []byte, complete bool) {
	dst = append(dst, s.req.Method...)
	dst = append(dst, '\n')
	dst, complete = appendPath(sc, dst, s.path, rules.pathStyle())
	dst = append(dst, '\n')
	dst = s.appendQuery(sc, dst, rules.TokenAfterSigning)
	dst = append(dst, '\n')
	for rest := s.SignedHeaders; rest != ""; {
		var name string
		name, rest, _ = strings.Cut(rest, ";")
		dst = append(dst, name...)
		dst = append(dst, ':')
		var present bool
		dst, present = s.req.appendHeader(dst, name)
		complete = complete && present
		dst = append(dst, '\n')
	}
	dst = append(dst, '\n')
	dst = append(dst, s.SignedHeaders...)
	dst = append(dst, '\n')
	return append(dst, payload...), complete
}

// appendHeader appends the folded value of a header; repeated ones are joined by
// commas in the order they came.
func (r *Request) appendHeader(dst []byte, lower string) ([]byte, bool) {
	switch lower {
	case "host":
		return appendFolded(dst, r.Host), r.Host != ""
	case "content-length":
		if _, kept := r.Header["Content-Length"]; !kept {
			if r.ContentLength < 0 {
				return dst, false
			}
			return strconv.AppendInt(dst, r.ContentLength, 10), true
		}
	case "transfer-encoding":
		for i, coding := range r.TransferEncoding {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, coding...)
		}
		if len(r.TransferEncoding) > 0 {
			return dst, true
		}
	}
	values := r.headerValues(lower)
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendFolded(dst, v)
	}
	return dst, len(values) > 0
}

// appendFolded trims v and turns every run of white space inside it into one space.
func appendFolded(dst []byte, v string) []byte {
	start := len(dst)
	for i := 0; i < len(v); {
		for i < len(v) && space(v[i]) {
			i++
		}
		word := i
		for i < len(v) && !space(v[i]) {
			i++
		}
		if word < i && len(dst) > start {
			dst = append(dst, ' ')
		}
		dst = append(dst, v[word:i]...)
	}
	return dst
}

func space(c byte) bool {
	return c <= ' ' && (c == ' ' || '\t' <= c && c <= '\r') // \t, \n, \v, \f and \r are neighbours
}

// appendStringToSign appends step 2: algorithm, time, scope, hash of the canonical
// request.
func (s *Signature) appendStringToSign(sc *scratch, dst []byte, canonical []byte) []byte {
	dst = append(dst, s.Algorithm.String()...)
	dst = append(dst, '\n')
	dst = append(dst, s.stamp...)
	dst = append(dst, '\n')
	dst = append(dst, s.scope...)
	dst = append(dst, '\n')
	sc.sum = sha256.Sum256(canonical)
	return hex.AppendEncode(dst, sc.sum[:])
}
