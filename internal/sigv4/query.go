package sigv4

import (
	"bytes"
	"slices"
	"strings"
)

// param is one query parameter. The name is decoded, because the names of the
// signature's own parameters may be escaped; the value stays as it was sent.
type param struct {
	name     string // decoded
	rawName  string
	rawValue string
}

// parseQuery splits the query at ampersands only (a semicolon is data) and refuses
// broken escapes, so that what is signed and what is executed are parsed alike.
func (s *Signature) parseQuery(query string) error {
	if query == "" {
		return nil
	}
	n := strings.Count(query, "&") + 1
	if n > maxParams {
		return &Error{Kind: KindIncomplete, Message: "The query has too many parameters."}
	}
	s.params = make([]param, 0, n)
	for query != "" {
		var piece string
		piece, query, _ = strings.Cut(query, "&")
		if piece == "" {
			continue
		}
		name, value, _ := strings.Cut(piece, "=")
		decoded, ok := unescape(name)
		if _, valueOK := unescape(value); !ok || !valueOK {
			return &Error{Kind: KindIncomplete, Message: "Illegal hex character in escape % pattern of the query."}
		}
		s.params = append(s.params, param{name: decoded, rawName: name, rawValue: value})
	}
	return nil
}

// presignedParams tells whether the query carries a signature. Any X-Amz-*
// parameter must be unique, whichever way its name is escaped.
func (s *Signature) presignedParams() (bool, error) {
	signed, count := false, 0
	for i := range s.params {
		name := s.params[i].name
		if len(name) < 6 || !strings.EqualFold(name[:6], "X-Amz-") {
			continue
		}
		if count++; count > maxAmzParams {
			return false, &Error{Kind: KindIncomplete, Presigned: true, Message: "The query has too many X-Amz-* parameters.", S3Message: textQueryS3}
		}
		for j := range i {
			if strings.EqualFold(s.params[j].name, name) {
				return false, &Error{Kind: KindConflict, Presigned: true, Message: "The query repeats '" + clip(name) + "'.", S3Message: textQueryS3}
			}
		}
		switch name {
		case "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature":
			signed = true
		}
	}
	return signed, nil
}

// rawParam is the decoded value of the parameter with this name.
func (s *Signature) rawParam(name string) (value string, count int) {
	for i := range s.params {
		if s.params[i].name == name {
			if count == 0 {
				value, _ = unescape(s.params[i].rawValue)
			}
			count++
		}
	}
	return value, count
}

// parsePresigned reads the signature from the query.
func (s *Signature) parsePresigned() error {
	get := func(name string) string { v, _ := s.rawParam(name); return v }
	var missing string
	for _, name := range [...]string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"} {
		if get(name) == "" {
			missing += "AWS query-string parameters must include '" + name + "'. "
		}
	}
	if missing != "" {
		return s.fail(KindIncomplete, missing+"Re-examine the query-string parameters.", textQueryS3)
	}
	if err := s.parseAlgorithm(get("X-Amz-Algorithm")); err != nil {
		return err
	}
	if err := s.parseStamp(get("X-Amz-Date")); err != nil {
		return err
	}
	if raw, n := s.rawParam("X-Amz-Expires"); n > 0 {
		if err := s.parseExpires(raw); err != nil {
			return err
		}
	}
	s.SignedHeaders = get("X-Amz-SignedHeaders")
	var inQuery int
	s.SecurityToken, inQuery = s.rawParam("X-Amz-Security-Token")
	if header, n := s.req.header("X-Amz-Security-Token"); n > 0 {
		if inQuery > 0 || n > 1 {
			return s.fail(KindConflict, "The request has more than one session token.", "")
		}
		s.SecurityToken, s.tokenHeader = header, true
	}
	if len(s.SecurityToken) > maxToken {
		return s.fail(KindIncomplete, "The session token is too long.", "")
	}
	s.RegionSet = get("X-Amz-Region-Set")
	if err := s.parseCredential(get("X-Amz-Credential")); err != nil {
		return err
	}
	return s.parseSignature(get("X-Amz-Signature"))
}

// appendQuery appends the canonical query: every parameter but X-Amz-Signature
// (and, where the service adds the token after signing, the token) decoded and
// encoded again, sorted by name and then by value.
func (s *Signature) appendQuery(sc *scratch, dst []byte, dropToken bool) []byte {
	sc.query = sc.query[:0]
	sc.spans = sc.spans[:0]
	for i := range s.params {
		p := &s.params[i]
		if s.Presigned && (p.name == "X-Amz-Signature" || dropToken && p.name == "X-Amz-Security-Token") {
			continue
		}
		start := len(sc.query)
		sc.query = appendEncodedQuery(sc.query, p.rawName)
		eq := len(sc.query)
		sc.query = appendEncodedQuery(sc.query, p.rawValue)
		sc.spans = append(sc.spans, span{start, eq, len(sc.query)})
	}
	q := sc.query
	slices.SortFunc(sc.spans, func(a, b span) int {
		if c := bytes.Compare(q[a.start:a.eq], q[b.start:b.eq]); c != 0 {
			return c
		}
		return bytes.Compare(q[a.eq:a.end], q[b.eq:b.end])
	})
	for i, sp := range sc.spans {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = append(dst, q[sp.start:sp.eq]...)
		dst = append(dst, '=')
		dst = append(dst, q[sp.eq:sp.end]...)
	}
	return dst
}

type span struct{ start, eq, end int }

// appendEncodedQuery decodes a part of the query and encodes it canonically. A plus
// sign is a space, as in every form decoder; a literal plus travels as %2B.
func appendEncodedQuery(dst []byte, raw string) []byte {
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case c == '%': // parseQuery has checked the two digits
			c = unhex(raw[i+1])<<4 | unhex(raw[i+2])
			i += 2
		case c == '+':
			c = ' '
		}
		dst = appendEncoded(dst, c)
	}
	return dst
}

// unescape decodes percent escapes and plus signs; without any it returns v itself.
func unescape(v string) (string, bool) {
	if strings.IndexByte(v, '%') < 0 && strings.IndexByte(v, '+') < 0 {
		return v, true
	}
	out := make([]byte, 0, len(v))
	for i := 0; i < len(v); i++ {
		c := v[i]
		switch c {
		case '%':
			if !escapeAt(v, i) {
				return "", false
			}
			c = unhex(v[i+1])<<4 | unhex(v[i+2])
			i += 2
		case '+':
			c = ' '
		}
		out = append(out, c)
	}
	return string(out), true
}

func escapeAt(v string, i int) bool {
	return i+2 < len(v) && ishex(v[i+1]) && ishex(v[i+2])
}

func ishex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}

// appendEncoded writes an unreserved byte (RFC 3986) as it is, any other as %XX.
func appendEncoded(dst []byte, c byte) []byte {
	if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~' {
		return append(dst, c)
	}
	const digits = "0123456789ABCDEF"
	return append(dst, '%', digits[c>>4], digits[c&15])
}
