package sigv4

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Credentials are what a caller of ours signs with. The secret is a byte slice so
// that its owner can clear it; Sign keeps no copy.
type Credentials struct {
	AccessKeyID   string
	Secret        []byte
	SecurityToken string // empty for a long-term key
}

// Scope is what a signature of ours is good for.
type Scope struct {
	Region  string
	Service string // the signing name: "kms", "kms-xks-proxy", "s3"
}

var errIncompleteCredentials = errors.New("sigv4: signing needs an access key id, a secret, a Region and a service")

// Sign signs r, whose body is body, with AWS4-HMAC-SHA256 at the given time. It sets
// X-Amz-Date, X-Amz-Security-Token if there is a token, X-Amz-Content-Sha256 for S3,
// and Authorization, replacing what was there. It covers Host, Content-Type and
// every X-Amz-* header; the caller must not change these, the method or the URL
// afterwards. r.Body is not touched.
func Sign(r *http.Request, body []byte, c Credentials, scope Scope, at time.Time) error {
	s, err := newOutgoing(r, c, scope, at)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	payload := hex.EncodeToString(sum[:])
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Del("Authorization")
	r.Header.Set("X-Amz-Date", s.stamp)
	r.Header.Del("X-Amz-Security-Token")
	if c.SecurityToken != "" {
		r.Header.Set("X-Amz-Security-Token", c.SecurityToken)
	}
	if scope.Service == "s3" {
		r.Header.Set("X-Amz-Content-Sha256", payload)
	}
	s.req.Header = r.Header
	names := []string{"host"}
	for name := range r.Header {
		lower := strings.ToLower(name)
		if lower == "content-type" || strings.HasPrefix(lower, "x-amz-") {
			names = append(names, lower)
		}
	}
	slices.Sort(names)
	s.SignedHeaders = strings.Join(names, ";")
	signature, err := s.sign(c.Secret, scope, payload)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", nameHMAC+" Credential="+c.AccessKeyID+"/"+s.scope+
		", SignedHeaders="+s.SignedHeaders+", Signature="+signature)
	return nil
}

// Presign returns r's URL with a signature in its query that is good for expires (1 s
// to 7 days) from at on. It covers Host only; the body is not covered for S3 and must
// be empty for any other service. r is not changed.
func Presign(r *http.Request, c Credentials, scope Scope, at time.Time, expires time.Duration) (*url.URL, error) {
	s, err := newOutgoing(r, c, scope, at)
	if err != nil {
		return nil, err
	}
	seconds := int64(expires / time.Second)
	if seconds < 1 || seconds > maxExpires {
		return nil, fmt.Errorf("sigv4: a presigned request lives 1 to %d seconds, not %d", maxExpires, seconds)
	}
	var q strings.Builder
	add := func(name, value string) {
		if q.Len() > 0 {
			q.WriteByte('&')
		}
		encoded := []byte(name + "=")
		for i := 0; i < len(value); i++ {
			encoded = appendEncoded(encoded, value[i])
		}
		q.Write(encoded)
	}
	q.WriteString(r.URL.RawQuery)
	add("X-Amz-Algorithm", nameHMAC)
	add("X-Amz-Credential", c.AccessKeyID+"/"+s.scope)
	add("X-Amz-Date", s.stamp)
	add("X-Amz-Expires", strconv.FormatInt(seconds, 10))
	if c.SecurityToken != "" {
		add("X-Amz-Security-Token", c.SecurityToken)
	}
	add("X-Amz-SignedHeaders", "host")
	if err := s.parseQuery(q.String()); err != nil {
		return nil, err
	}
	s.Presigned, s.SignedHeaders = true, "host"
	payload := emptySHA256
	if scope.Service == "s3" {
		payload = unsignedPayload
	}
	signature, err := s.sign(c.Secret, scope, payload)
	if err != nil {
		return nil, err
	}
	add("X-Amz-Signature", signature)
	signed := *r.URL
	signed.RawQuery = q.String()
	return &signed, nil
}

// newOutgoing begins a signature of our own over r.
func newOutgoing(r *http.Request, c Credentials, scope Scope, at time.Time) (*Signature, error) {
	if c.AccessKeyID == "" || len(c.Secret) == 0 || scope.Region == "" || scope.Service == "" {
		return nil, errIncompleteCredentials
	}
	s := &Signature{Algorithm: HMAC, req: FromHTTP(r)}
	if s.req.Host == "" {
		s.req.Host = r.URL.Host
	}
	s.req.Method = cmp.Or(r.Method, http.MethodGet)
	path, query, ok := splitTarget(r.URL.RequestURI())
	if !ok {
		return nil, errors.New("sigv4: the URL of the request has no path that can be signed")
	}
	s.path = path
	if err := s.parseQuery(query); err != nil {
		return nil, err
	}
	s.Time = at.UTC().Truncate(time.Second)
	s.stamp = s.Time.Format(stampLayout)
	s.Date = s.stamp[:8]
	s.scope = s.Date + "/" + scope.Region + "/" + scope.Service + "/aws4_request"
	return s, nil
}

// sign computes the signature of our own request.
func (s *Signature) sign(secret []byte, scope Scope, payload string) (string, error) {
	var sc scratch
	rules := Rules{S3: scope.Service == "s3"}
	canonical, complete := s.appendCanonical(&sc, nil, &rules, payload)
	if !complete {
		return "", errors.New("sigv4: the request has no host or a path that cannot be read")
	}
	sts := s.appendStringToSign(&sc, nil, canonical)
	mac, err := deriveHMAC(secret, s.Date, scope.Region, scope.Service)
	if err != nil {
		return "", err
	}
	key := signingKey{mac: mac}
	clear(mac[:])
	key.sum(&sc.mac, sts)
	clear(key.mac[:])
	return hex.EncodeToString(sc.mac[:]), nil
}
