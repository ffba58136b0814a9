package xksproxy

import (
	"net/http/httptest"
	"testing"
)

func TestServes(t *testing.T) {
	p := processes(t, 1)[0]
	for _, prefix := range []string{"/a", "/kms/xks/v1"} {
		if _, err := p.Admin().CreatePrefix(t.Context(), PrefixSpec{Prefix: prefix, Account: "111122223333", Region: "us-east-1"}); err != nil {
			t.Fatal(err)
		}
	}
	const ours = "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/kms-xks-proxy/aws4_request, SignedHeaders=host, Signature=00"
	const kms = "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/kms/aws4_request, SignedHeaders=host, Signature=00"
	for _, c := range []struct {
		method, target, authorization string
		want                          bool
	}{
		{"POST", "/", ours, true},
		{"GET", "/anything?a=b", ours, true},
		{"POST", "/", "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/kms-xks-proxy/aws4_request", true},
		{"POST", "/", kms, false},
		{"POST", "/", "", false},
		{"POST", "/", "Credential=x/kms-xks-proxy", false},
		{"POST", "/a/kms/xks/v1/health", "", true},
		{"POST", "/a/kms/xks/v1/keys/k/encrypt", kms, true},
		{"POST", "/a/kms/xks/v1/keys/k/encrypt?uploads", "", false},
		{"GET", "/a/kms/xks/v1/health", "", false},
		{"POST", "/a/kms/xks/v1/other", "", false},
		{"POST", "/b/kms/xks/v1/health", "", false},
		{"POST", "/kms/xks/v1/kms/xks/v1/health", "", true},
		{"POST", "/kms/xks/v1/health", "", false},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, c.target, nil)
		r.Header.Set("Authorization", c.authorization)
		if p.Serves(r) != c.want {
			t.Errorf("%s %s %q: want %v", c.method, c.target, c.authorization, c.want)
		}
	}
}
