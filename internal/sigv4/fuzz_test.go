package sigv4

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func FuzzParseAuthorization(f *testing.F) {
	const scope = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260304/us-east-1/kms/aws4_request, "
	f.Add(scope+"SignedHeaders=host;x-amz-date, Signature="+strings.Repeat("0", 64), "20260304T050607Z")
	f.Add(scope+"SignedHeaders=host,Signature=00", "20260304T050607Z")
	f.Add("AWS4-ECDSA-P256-SHA256 Credential=A/20260304/s3/aws4_request,SignedHeaders=host;x-amz-region-set,Signature=3045", "Wed, 04 Mar 2026 05:06:07 GMT")
	f.Add("AWS4-HMAC-SHA256 ,,=,Credential=////,", "")
	f.Fuzz(func(t *testing.T, auth, date string) {
		r := Request{Method: "POST", Target: "/", Host: "h", Header: http.Header{"Authorization": {auth}, "X-Amz-Date": {date}, "X-Amz-Region-Set": {"*"}}}
		s, err := Parse(r)
		if err != nil {
			if kindOf(err) == 0 {
				t.Fatalf("not an *Error: %v", err)
			}
			return
		}
		names := strings.Split(s.SignedHeaders, ";")
		if !slices.IsSorted(names) || !s.Signed("host") || s.stamp[:8] != s.Date || s.AccessKeyID == "" || s.Service == "" {
			t.Fatalf("accepted %q as %+v", auth, s)
		}
		if err := newVerifier(t, s.Time).Verify(s, []byte(otherSecret), Rules{Region: s.Region, Service: s.Service}, nil); kindOf(err) == 0 {
			t.Fatalf("verified: %v", err)
		}
	})
}

// FuzzParseTarget checks the canonical query against net/url: the same parameters,
// sorted, and stable when made canonical again.
func FuzzParseTarget(f *testing.F) {
	for _, q := range []string{"/", "/?a=b&a=%62&%61=+", "/?b&a=1&&=x", "/p?X-Amz-Signature=1&X%2dAmz-Signature=2", "/?a=%E1%88%B4&\xe1\x88\xb4=;", "http://h/x?y", "/%zz?%zz", "//a/../b"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, target string) {
		path, query, ok := splitTarget(target)
		if !ok {
			return
		}
		var sc scratch
		for _, style := range []PathStyle{PathNormalized, PathVerbatim, PathS3} {
			out, _ := appendPath(&sc, nil, path, style)
			if strings.ContainsAny(string(out), " \n?&=+") {
				t.Fatalf("path %q became %q", path, out)
			}
		}
		if n := NormalizePath(path); strings.HasPrefix(path, "/") && (n[0] != '/' || NormalizePath(n) != n || strings.Contains(n, "//") || strings.Contains(n+"/", "/../")) {
			t.Fatalf("normalized %q to %q", path, n)
		}
		var s Signature
		if err := s.parseQuery(query); err != nil {
			return
		}
		canonical := string(s.appendQuery(&sc, nil, false))
		var again Signature
		if err := again.parseQuery(canonical); err != nil {
			t.Fatal(err)
		}
		if second := string(again.appendQuery(&sc, nil, false)); second != canonical {
			t.Fatalf("%q, then %q", canonical, second)
		}
		if strings.Contains(query, ";") { // net/url refuses them
			return
		}
		want, err := url.ParseQuery(query)
		if err != nil {
			t.Fatalf("net/url refuses %q: %v", query, err)
		}
		got, err := url.ParseQuery(canonical)
		if err != nil {
			t.Fatal(err)
		}
		for name, values := range want {
			slices.Sort(values)
			slices.Sort(got[name])
			if !slices.Equal(values, got[name]) {
				t.Fatalf("%q: %q, want %q", name, got[name], values)
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

// FuzzChunkReader: whatever arrives, only signed bytes are released, and the end is
// reported only after the whole of them.
func FuzzChunkReader(f *testing.F) {
	data := bytes.Repeat([]byte("0123456789"), 20)
	signed := newUpload(f, PayloadStreamTrailer, data, 8192, "x-amz-checksum-crc32c")
	unsigned := newUpload(f, PayloadUnsignedTrailer, data, 8192, "x-amz-checksum-crc64nvme")
	f.Add(signed.wire, true)
	f.Add(unsigned.wire, false)
	f.Add([]byte("0\r\n\r\n"), false)
	f.Add([]byte("c8\r\n"), false)
	f.Fuzz(func(t *testing.T, wire []byte, sign bool) {
		u := *unsigned
		if sign {
			u = *signed
		}
		u.wire = wire
		body, err := u.open(newVerifier(t, testTime))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(body)
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("not an *Error: %v", err)
		}
		if sign && (!bytes.HasPrefix(data, got) || err == nil && len(got) != len(data)) {
			t.Fatalf("released %d bytes that nobody signed", len(got))
		}
		if len(got) > len(data) || err == nil && len(got) != len(data) {
			t.Fatalf("released %d bytes of %d announced", len(got), len(data))
		}
	})
}
