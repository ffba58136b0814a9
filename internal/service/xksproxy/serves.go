package xksproxy

import (
	"net/http"
	"strings"

	"fastness/internal/engine/xks"
)

// Serves tells whether a request is for the proxy, on a server that answers other APIs
// too. It is when it is signed for the proxy's service name, which no other API has, or
// when it is a POST without a query to a path of a prefix that exists: a caller that
// does not sign as it should is to hear so in the proxy's words. What AWS's APIs take
// by POST to such a path (S3's, with a bucket of the prefix's name) has a query.
func (s *Service) Serves(r *http.Request) bool {
	if scopedToProxy(r.Header.Get("Authorization")) {
		return true
	}
	if r.Method != http.MethodPost || r.URL.RawQuery != "" {
		return false
	}
	prefix, rest, ok := cutLast(r.URL.EscapedPath(), xks.BasePath+"/")
	if !ok || rest != "health" && !strings.HasPrefix(rest, "keys/") {
		return false
	}
	_, ok = s.tenant(prefix)
	return ok
}

// scopedToProxy looks into the credential of a header: AKID/date/region/service/aws4_request.
func scopedToProxy(authorization string) bool {
	_, credential, ok := strings.Cut(authorization, "Credential=")
	if !ok {
		return false
	}
	if end := strings.IndexAny(credential, ", "); end >= 0 {
		credential = credential[:end]
	}
	scope, ok := strings.CutSuffix(credential, "/aws4_request")
	return ok && strings.HasSuffix(scope, "/"+xks.ServiceName)
}

// cutLast is strings.Cut around the last separator: a prefix may hold anything.
func cutLast(s, separator string) (before, after string, ok bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(separator):], true
}
