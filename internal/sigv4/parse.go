package sigv4

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Bounds on what a client controls. All are far above what AWS's clients send.
const (
	maxTarget        = 64 << 10 // bytes of the request target
	maxAuthorization = 16 << 10 // bytes of the Authorization header
	maxParams        = 1000     // query parameters
	maxAmzParams     = 100      // of them X-Amz-*
	maxSignedHeaders = 200      // names in SignedHeaders
	maxAccessKeyID   = 128      // IAM: 16 to 128 characters
	maxScopePart     = 128      // bytes of Region or service in the scope
	maxToken         = 16 << 10 // bytes of the session token
	maxExpires       = 604800   // seconds, seven days
	// defaultExpires applies to a presigned request without X-Amz-Expires, which
	// STS and other services take: their URLs end after 15 minutes.
	defaultExpires = 15 * time.Minute
)

const stampLayout = "20060102T150405Z"

// Parse reads the signature of a request, from the Authorization header or from the
// query, and checks everything that needs no key. A refusal is an *Error.
func Parse(r Request) (*Signature, error) {
	s := new(Signature)
	if err := s.Parse(r); err != nil {
		return nil, err
	}
	return s, nil
}

// Parse is the function of that name, into memory that may have held another signature.
// When it fails, s is good for nothing but another Parse.
func (s *Signature) Parse(r Request) error {
	*s = Signature{req: r}
	path, query, ok := splitTarget(r.Target)
	if !ok {
		return &Error{Kind: KindIncomplete, Message: "The request target is not a path."}
	}
	s.path = path
	auth := r.Header["Authorization"]
	if err := s.parseQuery(query); err != nil {
		return err
	}
	inQuery, err := s.presignedParams()
	if err != nil {
		return err
	}
	s.Presigned = inQuery
	switch {
	case len(auth) > 1:
		return &Error{Kind: KindConflict, Message: "The request has more than one Authorization header.", S3Message: textOneAuthS3}
	case len(auth) == 1 && inQuery:
		return &Error{Kind: KindConflict, Message: "The request is signed both in the Authorization header and in the query.", S3Message: textOneAuthS3}
	case len(auth) == 1:
		err = s.parseAuthorization(auth[0])
	case inQuery:
		err = s.parsePresigned()
	default:
		return &Error{Kind: KindMissing, Message: textMissing}
	}
	if err != nil {
		return err
	}
	if err := s.checkSignedHeaders(); err != nil {
		return err
	}
	return s.parsePayload()
}

// fail builds an Error of this signature.
func (s *Signature) fail(kind Kind, message, s3 string) *Error {
	return &Error{Kind: kind, Message: message, S3Message: s3, Presigned: s.Presigned}
}

// parseAuthorization reads "ALGORITHM Credential=…, SignedHeaders=…, Signature=…".
func (s *Signature) parseAuthorization(auth string) error {
	if len(auth) > maxAuthorization {
		return s.fail(KindIncomplete, "The Authorization header is too long.", "")
	}
	name, rest, _ := strings.Cut(strings.Trim(auth, " \t"), " ")
	if err := s.parseAlgorithm(name); err != nil {
		return err
	}
	var credential, headers, signature string
	for rest != "" {
		var piece string
		piece, rest, _ = strings.Cut(rest, ",")
		piece = strings.Trim(piece, " \t")
		if piece == "" {
			continue
		}
		key, value, ok := strings.Cut(piece, "=")
		if !ok {
			return s.fail(KindIncomplete, "'"+clip(piece)+"' not a valid key=value pair (missing equal-sign) in Authorization header"+fingerprint(auth)+".", "The authorization header is malformed; the authorization component \""+clip(piece)+"\" is malformed.")
		}
		var into *string
		switch key {
		case "Credential":
			into = &credential
		case "SignedHeaders":
			into = &headers
		case "Signature":
			into = &signature
		default:
			return s.fail(KindIncomplete, "'"+clip(key)+"' is not a parameter of the Authorization header.", "The authorization header is malformed; the authorization component \""+clip(piece)+"\" is malformed.")
		}
		if *into != "" {
			return s.fail(KindConflict, "The Authorization header repeats '"+key+"'.", "The authorization header is malformed.")
		}
		*into = value
	}
	date, dates := s.req.header("X-Amz-Date")
	httpDate, httpDates := s.req.header("Date")
	var missing string
	if credential == "" {
		missing += "Authorization header requires 'Credential' parameter. "
	}
	if signature == "" {
		missing += "Authorization header requires 'Signature' parameter. "
	}
	if headers == "" {
		missing += "Authorization header requires 'SignedHeaders' parameter. "
	}
	if dates == 0 && httpDates == 0 {
		missing += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
	}
	if missing != "" {
		return s.fail(KindIncomplete, missing+strings.TrimSpace(fingerprint(auth)), "The authorization header is malformed; the authorization header requires three components: Credential, SignedHeaders, and Signature.")
	}
	if dates > 1 || httpDates > 1 {
		return s.fail(KindConflict, "The request has more than one date header.", "")
	}
	if dates == 0 {
		t, err := http.ParseTime(httpDate)
		if err == nil {
			date = t.UTC().Format(stampLayout)
		} else {
			date = httpDate
		}
	}
	if err := s.parseStamp(date); err != nil {
		return err
	}
	s.SignedHeaders = headers
	var tokens int
	s.SecurityToken, tokens = s.req.header("X-Amz-Security-Token")
	s.tokenHeader = tokens > 0
	if tokens > 1 || len(s.SecurityToken) > maxToken {
		return s.fail(KindConflict, "The request has more than one or too long a session token.", "")
	}
	s.RegionSet, _ = s.req.header("X-Amz-Region-Set")
	if err := s.parseCredential(credential); err != nil {
		return err
	}
	return s.parseSignature(signature)
}

func (s *Signature) parseAlgorithm(name string) error {
	switch name {
	case nameHMAC:
		s.Algorithm = HMAC
	case nameECDSA:
		s.Algorithm = ECDSA
	default:
		if s.Presigned {
			return s.fail(KindIncomplete, "Unsupported AWS 'algorithm': '"+clip(name)+"'. ", "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"")
		}
		return s.fail(KindIncomplete, "Unsupported AWS 'algorithm': '"+clip(name)+"'. ", "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
	}
	return nil
}

// parseCredential reads the access key id and the scope: AKID/date/region/service/
// aws4_request, for ECDSA without the Region.
func (s *Signature) parseCredential(credential string) error {
	akid, scope, _ := strings.Cut(credential, "/")
	s.AccessKeyID, s.scope = akid, scope
	var terminator string
	var region bool
	ok := true
	if s.Algorithm == ECDSA {
		s.Date, s.Service, terminator, ok = cut3(scope)
	} else {
		var rest string
		s.Date, rest, _ = strings.Cut(scope, "/")
		s.Region, s.Service, terminator, ok = cut3(rest)
		region = true
	}
	if !ok {
		want := "5 slash-delimited elements, e.g. keyid/date/region/service/term"
		if !region {
			want = "4 slash-delimited elements, e.g. keyid/date/service/term"
		}
		return s.fail(KindIncomplete, "Credential must have exactly "+want+", got '"+clip(credential)+"'", s.malformedS3("the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"."))
	}
	if len(akid) == 0 || len(akid) > maxAccessKeyID || !printable(akid) ||
		len(s.Date) != 8 || len(s.Region) > maxScopePart || len(s.Service) == 0 || len(s.Service) > maxScopePart ||
		region && s.Region == "" || !printable(scope) {
		return s.fail(KindIncomplete, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '"+clip(credential)+"'", s.malformedS3("the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"."))
	}
	if terminator != "aws4_request" {
		return s.fail(KindScope, "Credential should be scoped with a valid terminator: 'aws4_request', not '"+clip(terminator)+"'. ", s.malformedS3("incorrect terminal \""+clip(terminator)+"\". This endpoint uses \"aws4_request\"."))
	}
	if s.Date != s.stamp[:8] {
		return s.fail(KindScope, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '"+clip(s.Date)+"' != '"+s.stamp[:8]+"', from '"+s.stamp+"'.", s.malformedS3("Invalid credential date \""+clip(s.Date)+"\". This date is not the same as X-Amz-Date: \""+s.stamp[:8]+"\"."))
	}
	if s.Algorithm == ECDSA && (s.RegionSet == "" || len(s.RegionSet) > maxAuthorization) {
		return s.fail(KindIncomplete, "Authorization with AWS4-ECDSA-P256-SHA256 requires 'X-Amz-Region-Set'. ", s.malformedS3("X-Amz-Region-Set is required."))
	}
	return nil
}

// malformedS3 is S3's wording for a broken header or query.
func (s *Signature) malformedS3(what string) string {
	if s.Presigned {
		return "Error parsing the X-Amz-Credential parameter; " + what
	}
	return "The authorization header is malformed; " + what
}

// parseStamp reads the ISO 8601 basic form; nothing else is taken, fractions
// included.
func (s *Signature) parseStamp(stamp string) error {
	t, ok := readStamp(stamp)
	if !ok {
		return s.fail(KindIncomplete, "Date must be in ISO-8601 'basic format'. Got '"+clip(stamp)+"'. See http://en.wikipedia.org/wiki/ISO_8601", "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
	}
	s.stamp, s.Time = stamp, t
	return nil
}

// readStamp reads YYYYMMDDTHHMMSSZ. It is time.Parse for this one layout, without the
// fractions that time.Parse would take, at a tenth of the cost.
func readStamp(v string) (time.Time, bool) {
	if len(v) != len(stampLayout) || v[8] != 'T' || v[15] != 'Z' {
		return time.Time{}, false
	}
	var n [7]int // century and year, month, day, hour, minute, second
	for i, at := range [...]int{0, 2, 4, 6, 9, 11, 13} {
		tens, ones := v[at]-'0', v[at+1]-'0'
		if tens > 9 || ones > 9 {
			return time.Time{}, false
		}
		n[i] = int(tens)*10 + int(ones)
	}
	month, day := time.Month(n[2]), n[3]
	t := time.Date(n[0]*100+n[1], month, day, n[4], n[5], n[6], 0, time.UTC)
	ok := n[4] < 24 && n[5] < 60 && n[6] < 60 && t.Month() == month && t.Day() == day
	return t, ok
}

// parseSignature decodes the signature. Only lower-case hexadecimal is taken: one
// signature has one spelling.
func (s *Signature) parseSignature(sig string) error {
	s.provided = sig
	n, ok := decodeHex(s.raw[:], sig)
	if !ok || s.Algorithm == HMAC && n != sha256.Size {
		e := s.fail(KindMismatch, textMismatch, textMismatchS3)
		e.AccessKeyID, e.SignatureProvided = s.AccessKeyID, clip(sig)
		return e
	}
	s.rawLen = n
	return nil
}

// checkSignedHeaders checks the list: lower case, sorted, unique, with host.
func (s *Signature) checkSignedHeaders() error {
	previous, count, host := "", 0, false
	for rest, more := s.SignedHeaders, true; more; {
		var name string
		name, rest, more = strings.Cut(rest, ";")
		if count++; count > maxSignedHeaders || !headerName(name) || name <= previous {
			return s.fail(KindIncomplete, "SignedHeaders must be lower-case header names, sorted and unique, separated by semicolons.", "The authorization header is malformed; SignedHeaders is malformed.")
		}
		host = host || name == "host"
		previous = name
	}
	if !host {
		return s.fail(KindUnsignedHeader, textHostSigned, textUnsignedS3)
	}
	return nil
}

// parsePayload reads X-Amz-Content-Sha256, from the header or, in a presigned
// request, from the query.
func (s *Signature) parsePayload() error {
	value, count := s.req.header("X-Amz-Content-Sha256")
	if s.Presigned {
		if q, n := s.rawParam("X-Amz-Content-Sha256"); n > 0 {
			value, count = q, count+n
		}
	}
	if count == 0 {
		return nil
	}
	s.PayloadSHA256 = value
	algorithm := s.Algorithm
	switch value {
	case unsignedPayload:
		s.Payload = PayloadUnsigned
	case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD":
		s.Payload, algorithm = PayloadStream, HMAC
	case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER":
		s.Payload, algorithm = PayloadStreamTrailer, HMAC
	case "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD":
		s.Payload, algorithm = PayloadStream, ECDSA
	case "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER":
		s.Payload, algorithm = PayloadStreamTrailer, ECDSA
	case "STREAMING-UNSIGNED-PAYLOAD-TRAILER":
		s.Payload = PayloadUnsignedTrailer
	default:
		var sum [sha256.Size]byte
		if n, ok := decodeHex(sum[:], value); !ok || n != sha256.Size {
			algorithm = 0
		}
		s.Payload = PayloadHash
	}
	if count > 1 || algorithm != s.Algorithm {
		return s.fail(KindPayloadMode, "The value of 'x-amz-content-sha256' is not valid.", textBadShaS3)
	}
	return nil
}

const unsignedPayload = "UNSIGNED-PAYLOAD"

// parseSeconds reads X-Amz-Expires.
func (s *Signature) parseExpires(raw string) error {
	n, err := strconv.Atoi(raw)
	switch {
	case err != nil || raw == "" || raw[0] == '+':
		return s.fail(KindIncomplete, "X-Amz-Expires should be a number", "X-Amz-Expires should be a number")
	case n < 0:
		return s.fail(KindIncomplete, "X-Amz-Expires must be non-negative", "X-Amz-Expires must be non-negative")
	case n == 0 || n > maxExpires:
		const text = "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"
		return s.fail(KindIncomplete, text, text)
	}
	s.Expires = time.Duration(n) * time.Second
	return nil
}

// fingerprint names an Authorization header without repeating it, the way AWS does.
func fingerprint(auth string) string {
	sum := sha256.Sum256([]byte(auth))
	return " (Hashed with SHA-256 and encoded with Base64) Authorization=" + base64.StdEncoding.EncodeToString(sum[:])
}

// clip bounds what an error message repeats of the request.
func clip(v string) string {
	const most = 200
	if len(v) > most {
		v = v[:most]
	}
	return strings.ToValidUTF8(v, "?")
}

// cut3 splits v into exactly three parts.
func cut3(v string) (a, b, c string, ok bool) {
	a, v, ok = strings.Cut(v, "/")
	if !ok {
		return
	}
	b, c, ok = strings.Cut(v, "/")
	return a, b, c, ok && strings.IndexByte(c, '/') < 0
}

// printable tells whether v is visible ASCII only.
func printable(v string) bool {
	for i := 0; i < len(v); i++ {
		if v[i] <= ' ' || v[i] > '~' {
			return false
		}
	}
	return true
}

// headerName tells whether v is a lower-case token of RFC 9110.
func headerName(v string) bool {
	if v == "" {
		return false
	}
	for i := 0; i < len(v); i++ {
		c := v[i]
		if 'a' <= c && c <= 'z' || c == '-' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+.^_`|~", c) >= 0 {
			continue
		}
		return false
	}
	return true
}

// decodeHex decodes lower-case hexadecimal into dst.
func decodeHex(dst []byte, v string) (int, bool) {
	if len(v)%2 != 0 || len(v)/2 > len(dst) || len(v) == 0 {
		return 0, false
	}
	for i := 0; i < len(v); i += 2 {
		high, low := v[i], v[i+1]
		if !lowerHex(high) || !lowerHex(low) {
			return 0, false
		}
		dst[i/2] = unhex(high)<<4 | unhex(low)
	}
	return len(v) / 2, true
}

func lowerHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' }
