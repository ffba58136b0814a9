package sigv4

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// check parses and verifies r at the given time.
func check(t *testing.T, r *http.Request, rules Rules, now time.Time, body string) error {
	t.Helper()
	s, err := Parse(FromHTTP(r))
	if err != nil {
		return err
	}
	return newVerifier(t, now).Verify(s, []byte(exampleSecret), rules, []byte(body))
}

func TestRefusals(t *testing.T) {
	const body = `{"KeyId":"k"}`
	auth := func(edit func(string) string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", edit(r.Header.Get("Authorization"))) }
	}
	replace := func(old, new string) func(*http.Request) {
		return auth(func(v string) string {
			out := strings.Replace(v, old, new, 1)
			if out == v {
				t.Fatalf("%q is not in %q", old, v)
			}
			return out
		})
	}
	cases := []struct {
		name string
		edit func(*http.Request)
		kind Kind
		text string // contained in Message
	}{
		{"none", func(r *http.Request) { r.Header.Del("Authorization") }, KindMissing, "Authentication Token"},
		{"twice", func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }, KindConflict, ""},
		{"header and query", func(r *http.Request) { r.RequestURI += "?X-Amz-Signature=00" }, KindConflict, ""},
		{"escaped query", func(r *http.Request) { r.RequestURI += "?X%2DAmz%2dAlgorithm=AWS4-HMAC-SHA256" }, KindConflict, ""},
		{"repeated query", func(r *http.Request) { r.RequestURI += "?X-Amz-Foo=1&x-amz-foo=2" }, KindConflict, ""},
		{"basic", func(r *http.Request) { r.Header.Set("Authorization", "Basic YTpi") }, KindIncomplete, "Unsupported AWS 'algorithm': 'Basic'"},
		{"scheme only", func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256") }, KindIncomplete,
			"Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. (Hashed with SHA-256 and encoded with Base64) Authorization="},
		{"no equal sign", replace("Credential=", "Credential"), KindIncomplete, "missing equal-sign"},
		{"unknown parameter", replace("Credential=", "Credentials="), KindIncomplete, ""},
		{"parameter twice", auth(func(v string) string { return v + ", Signature=" + strings.Repeat("0", 64) }), KindConflict, ""},
		{"no date", func(r *http.Request) { r.Header.Del("X-Amz-Date") }, KindIncomplete, "requires existence of either a 'X-Amz-Date' or a 'Date' header"},
		{"date twice", func(r *http.Request) { r.Header.Add("X-Amz-Date", "20260304T050607Z") }, KindConflict, ""},
		{"date form", func(r *http.Request) { r.Header.Set("X-Amz-Date", "2026-03-04T05:06:07Z") }, KindIncomplete, "Date must be in ISO-8601 'basic format'. Got '2026-03-04T05:06:07Z'"},
		{"date fraction", func(r *http.Request) { r.Header.Set("X-Amz-Date", "20260304T050607.1Z") }, KindIncomplete, ""},
		{"four parts", replace("/kms/aws4_request", "/kms"), KindIncomplete, "Credential must have exactly 5 slash-delimited elements"},
		{"six parts", replace("/aws4_request", "/aws4_request/x"), KindIncomplete, "Credential must have exactly 5 slash-delimited elements"},
		{"empty region", replace("eu-central-1", ""), KindIncomplete, ""},
		{"terminator", replace("aws4_request", "aws5_request"), KindScope, "valid terminator: 'aws4_request'"},
		{"scope date", replace("/20260304/", "/20260303/"), KindScope, "'20260303' != '20260304', from '20260304T050607Z'"},
		{"region", replace("eu-central-1", "eu-central-2"), KindScope, "Credential should be scoped to a valid region. "},
		{"service", replace("/kms/", "/s3/"), KindScope, "Credential should be scoped to correct service: 'kms'. "},
		{"unsorted", replace("content-type;host", "host;content-type"), KindIncomplete, ""},
		{"repeated name", replace("content-type;host", "content-type;host;host"), KindIncomplete, ""},
		{"upper case name", replace(";host", ";Host"), KindIncomplete, ""},
		{"empty name", replace(";host", ";;host"), KindIncomplete, ""},
		{"no host", replace(";host", ""), KindUnsignedHeader, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
		{"target not signed", replace(";x-amz-target", ""), KindUnsignedHeader, "'x-amz-target' must be a 'SignedHeader'"},
		{"token not signed", replace(";x-amz-security-token", ""), KindUnsignedHeader, ""},
		{"content-type not signed", replace("content-type;", ""), KindUnsignedHeader, "'Content-Type' must be a 'SignedHeader'"},
		{"x-amz header added", func(r *http.Request) { r.Header.Set("X-Amz-Foo", "1") }, KindUnsignedHeader, ""},
		{"odd case added", func(r *http.Request) { r.Header["x-AMZ-foo"] = []string{"1"} }, KindUnsignedHeader, ""},
		{"signed header gone", func(r *http.Request) { r.Header.Del("X-Amz-Target") }, KindMismatch, textMismatch},
		{"upper case signature", auth(func(v string) string {
			i := strings.Index(v, "Signature=") + 10
			return v[:i] + strings.ToUpper(v[i:])
		}), KindMismatch, ""},
		{"short signature", auth(func(v string) string { return v[:len(v)-2] }), KindMismatch, ""},
		{"token changed", func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "other") }, KindMismatch, ""},
		{"token twice", func(r *http.Request) { r.Header.Add("X-Amz-Security-Token", "other") }, KindConflict, ""},
		{"host", func(r *http.Request) { r.Host = "kms.evil.example" }, KindMismatch, ""},
		{"method", func(r *http.Request) { r.Method = "GET" }, KindMismatch, ""},
		{"path", func(r *http.Request) { r.RequestURI = "/x" }, KindMismatch, ""},
		{"query", func(r *http.Request) { r.RequestURI = "/?Action=Other" }, KindMismatch, ""},
		{"length", func(r *http.Request) { r.ContentLength++ }, KindMismatch, ""},
		{"not a path", func(r *http.Request) { r.RequestURI = "*" }, KindIncomplete, ""},
		{"bad escape", func(r *http.Request) { r.RequestURI = "/?a=%zz" }, KindIncomplete, ""},
		{"unsigned payload", func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", unsignedPayload) }, KindUnsignedHeader, ""},
		{"two hashes", func(r *http.Request) { r.Header["X-Amz-Content-Sha256"] = []string{unsignedPayload, unsignedPayload} }, KindPayloadMode, ""},
		{"not a hash", func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", "abc") }, KindPayloadMode, ""},
		{"ecdsa streaming under hmac", func(r *http.Request) {
			r.Header.Set("X-Amz-Content-Sha256", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD")
		}, KindPayloadMode, ""},
		{"huge header", auth(func(v string) string { return v + strings.Repeat(" ", maxAuthorization) }), KindIncomplete, ""},
		{"many parameters", func(r *http.Request) { r.RequestURI = "/?" + strings.Repeat("a&", maxParams) }, KindIncomplete, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := kmsRequest(t, body)
			c.edit(r)
			err := check(t, r, kmsRules, testTime, body)
			var e *Error
			if !errors.As(err, &e) || e.Kind != c.kind || !strings.Contains(e.Message, c.text) {
				t.Fatalf("%v, want %v with %q", err, c.kind, c.text)
			}
			if strings.Contains(fmt.Sprintf("%+v", *e), exampleSecret) {
				t.Fatal("the error holds the secret")
			}
		})
	}
}

func TestScopeNeedsRegionAndService(t *testing.T) {
	r := kmsRequest(t, "x")
	for _, rules := range []Rules{{}, {Region: "eu-central-1"}, {Service: "kms"}} {
		if err := check(t, r, rules, testTime, "x"); kindOf(err) != KindScope {
			t.Fatalf("%+v: %v", rules, err)
		}
	}
}

func TestSkew(t *testing.T) {
	r := kmsRequest(t, "x")
	for _, c := range []struct {
		after time.Duration
		rules Rules
		kind  Kind
		text  string
	}{
		{0, kmsRules, 0, ""},
		{5 * time.Minute, kmsRules, 0, ""},
		{-5 * time.Minute, kmsRules, 0, ""},
		{5*time.Minute + time.Second, kmsRules, KindExpired, "Signature expired: 20260304T050607Z is now earlier than 20260304T050608Z (20260304T051108Z - 5 min.)"},
		{-5*time.Minute - time.Second, kmsRules, KindNotYetValid, "Signature not yet current: 20260304T050607Z is still later than 20260304T050606Z (20260304T050106Z + 5 min.)"},
		{15 * time.Minute, Rules{Region: "eu-central-1", Service: "kms", MaxSkew: 15 * time.Minute}, 0, ""},
		{15*time.Minute + time.Second, Rules{Region: "eu-central-1", Service: "kms", MaxSkew: 15 * time.Minute}, KindExpired, "- 15 min.)"},
	} {
		err := check(t, r, c.rules, testTime.Add(c.after), "x")
		if kindOf(err) != c.kind || c.text != "" && !strings.Contains(err.Error(), c.text) {
			t.Errorf("%v: %v", c.after, err)
		}
	}
}

// presigned signs a GET with the AWS SDK.
func presigned(t *testing.T, url, service, payload string) *http.Request {
	t.Helper()
	r := httptest.NewRequest("GET", url, nil)
	signed, _, err := sdk.NewSigner(func(o *sdk.SignerOptions) { o.DisableURIPathEscaping = service == "s3" }).PresignHTTP(context.Background(),
		aws.Credentials{AccessKeyID: exampleID, SecretAccessKey: exampleSecret, SessionToken: "a+token/="}, r, payload, service, "us-east-1", testTime)
	if err != nil {
		t.Fatal(err)
	}
	return httptest.NewRequest("GET", signed, nil)
}

func TestPresigned(t *testing.T) {
	s3 := Rules{Region: "us-east-1", Service: "s3", S3: true}
	sts := Rules{Region: "us-east-1", Service: "sts"}
	url := "https://bucket.s3.amazonaws.com/a/../b//c%2Bd%20e~f?X-Amz-Expires=100&versionId=%20+"
	for _, c := range []struct {
		name  string
		r     *http.Request
		rules Rules
		after time.Duration
		kind  Kind
	}{
		{"s3", presigned(t, url, "s3", unsignedPayload), s3, 0, 0},
		{"s3 late", presigned(t, url, "s3", unsignedPayload), s3, 100 * time.Second, 0},
		{"s3 too late", presigned(t, url, "s3", unsignedPayload), s3, 101 * time.Second, KindExpired},
		{"s3 too early", presigned(t, url, "s3", unsignedPayload), s3, -16 * time.Minute, KindNotYetValid},
		{"s3 without expiry", presigned(t, "https://b.s3.amazonaws.com/", "s3", unsignedPayload), s3, 0, KindIncomplete},
		{"sts without expiry", presigned(t, "https://sts.amazonaws.com/?Action=GetCallerIdentity", "sts", emptySHA256), sts, 14 * time.Minute, 0},
		{"sts after 15 minutes", presigned(t, "https://sts.amazonaws.com/?Action=GetCallerIdentity", "sts", emptySHA256), sts, 16 * time.Minute, KindExpired},
		{"sts unsigned payload", presigned(t, "https://sts.amazonaws.com/?Action=GetCallerIdentity", "sts", unsignedPayload), sts, 0, KindMismatch},
		{"eight days", presigned(t, "https://b.s3.amazonaws.com/?X-Amz-Expires=604801", "s3", unsignedPayload), s3, 0, KindIncomplete},
		{"no life", presigned(t, "https://b.s3.amazonaws.com/?X-Amz-Expires=0", "s3", unsignedPayload), s3, 0, KindIncomplete},
		{"negative life", presigned(t, "https://b.s3.amazonaws.com/?X-Amz-Expires=-1", "s3", unsignedPayload), s3, 0, KindIncomplete},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := check(t, c.r, c.rules, testTime.Add(c.after), "")
			if kindOf(err) != c.kind {
				t.Fatalf("%v, want %v", err, c.kind)
			}
			if c.kind != 0 {
				return
			}
			s, err := Parse(FromHTTP(c.r))
			if err != nil || !s.Presigned || s.SecurityToken != "a+token/=" {
				t.Fatalf("%+v, %v", s, err)
			}
			header := c.r.Clone(context.Background())
			header.Header.Set("X-Amz-Acl", "public-read")
			if err := check(t, header, c.rules, testTime, ""); kindOf(err) != KindUnsignedHeader {
				t.Fatalf("unsigned header: %v", err)
			}
			twice := c.r.Clone(context.Background())
			twice.RequestURI += "&X-Amz-Date=20260304T050607Z"
			if err := check(t, twice, c.rules, testTime, ""); kindOf(err) != KindConflict {
				t.Fatalf("repeated parameter: %v", err)
			}
		})
	}
}

func TestPayloadModes(t *testing.T) {
	sign := func(payload string) *http.Request {
		r := httptest.NewRequest("PUT", "https://s3.amazonaws.com/b/k%20%2B", strings.NewReader("data"))
		if payload != "" {
			r.Header.Set("X-Amz-Content-Sha256", payload)
		}
		err := sdk.NewSigner(func(o *sdk.SignerOptions) { o.DisableURIPathEscaping = true }).SignHTTP(context.Background(),
			aws.Credentials{AccessKeyID: exampleID, SecretAccessKey: exampleSecret}, r, cmpOrHash(payload), "s3", "us-east-1", testTime)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	strict := Rules{Region: "us-east-1", Service: "s3", S3: true}
	open := Rules{Region: "us-east-1", Service: "s3", S3: true, AllowUnsignedPayload: true}
	for _, c := range []struct {
		name, payload, body string
		rules               Rules
		kind                Kind
	}{
		{"hash", hexSHA([]byte("data")), "data", strict, 0},
		{"other body", hexSHA([]byte("data")), "date", strict, KindPayloadMismatch},
		{"longer body", hexSHA([]byte("data")), "data ", strict, KindPayloadMismatch},
		{"unsigned refused", unsignedPayload, "data", strict, KindPayloadMode},
		{"unsigned allowed", unsignedPayload, "anything", open, 0},
		{"no header", "", "data", strict, KindPayloadMode},
		{"streaming refused", modeNames[PayloadStream], "data", open, KindPayloadMode},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := sign(c.payload)
			if err := check(t, r, c.rules, testTime, c.body); kindOf(err) != c.kind {
				t.Fatalf("buffered: %v, want %v", err, c.kind)
			}
			s, err := Parse(FromHTTP(r))
			if err != nil {
				t.Fatal(err)
			}
			body, err := newVerifier(t, testTime).VerifyStream(s, []byte(exampleSecret), c.rules, strings.NewReader(c.body))
			if err == nil {
				var got []byte
				if got, err = io.ReadAll(body); string(got) != c.body {
					t.Fatalf("read %q", got)
				}
			}
			if kindOf(err) != c.kind {
				t.Fatalf("streamed: %v, want %v", err, c.kind)
			}
		})
	}
}

func cmpOrHash(payload string) string {
	if payload == "" {
		return hexSHA([]byte("data"))
	}
	return payload
}

func TestStreamNeedsHashOutsideS3(t *testing.T) {
	s, err := Parse(FromHTTP(kmsRequest(t, "x")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newVerifier(t, testTime).VerifyStream(s, []byte(exampleSecret), kmsRules, strings.NewReader("x")); kindOf(err) != KindPayloadMode {
		t.Fatal(err)
	}
}

func TestUnknownAccessKey(t *testing.T) {
	s, err := Parse(FromHTTP(kmsRequest(t, "x")))
	if err != nil {
		t.Fatal(err)
	}
	v := newVerifier(t, testTime)
	err = v.VerifyUnknown(s, kmsRules, []byte("x"))
	var e *Error
	if !errors.As(err, &e) || e.Kind != KindUnknownAccessKey || e.CanonicalRequest != "" || !errors.Is(err, &Error{Kind: KindUnknownAccessKey}) {
		t.Fatalf("%+v", err)
	}
	if err := newVerifier(t, testTime.Add(time.Hour)).VerifyUnknown(s, kmsRules, []byte("x")); kindOf(err) != KindExpired {
		t.Fatal(err)
	}
	if v.cache.len() != 0 {
		t.Fatal("a stranger's key was cached")
	}
	u := newUpload(t, PayloadStream, []byte("x"), 10, "")
	if s, err = Parse(FromHTTP(u.request)); err != nil {
		t.Fatal(err)
	}
	if err := v.VerifyStreamUnknown(s, u.rules); kindOf(err) != KindUnknownAccessKey {
		t.Fatal(err)
	}
}

func TestContentTypeMayBeUnsignedWhenAllowed(t *testing.T) {
	r := httptest.NewRequest("POST", "https://kms.eu-central-1.amazonaws.com/", strings.NewReader("x"))
	err := Sign(r, []byte("x"), Credentials{AccessKeyID: exampleID, Secret: []byte(exampleSecret)}, Scope{"eu-central-1", "kms"}, testTime)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1") // as the PHP SDK: after signing
	rules := kmsRules
	if err := check(t, r, rules, testTime, "x"); kindOf(err) != KindUnsignedHeader {
		t.Fatal(err)
	}
	rules.AllowUnsignedContentType = true
	if err := check(t, r, rules, testTime, "x"); err != nil {
		t.Fatal(err)
	}
}

func TestCoversRegion(t *testing.T) {
	for _, c := range []struct {
		set, region string
		want        bool
	}{
		{"*", "eu-west-1", true},
		{"us-east-1", "us-east-1", true},
		{"us-east-1", "us-east-2", false},
		{"us-*", "us-east-2", true},
		{"us-*,eu-west-1", "eu-west-1", true},
		{"us-*, eu-*-1", "eu-west-1", true},
		{"us-*, eu-*-1", "eu-west-2", false},
		{"*-1", "eu-west-1", true},
		{"*" + strings.Repeat("a*", 200) + "b", strings.Repeat("a", 10000), false},
		{"", "eu-west-1", false},
		{"*", "", false},
	} {
		s := Signature{Algorithm: ECDSA, RegionSet: c.set}
		if s.CoversRegion(c.region) != c.want {
			t.Errorf("%.20q covers %.20q: want %v", c.set, c.region, c.want)
		}
	}
}

func TestNormalizePath(t *testing.T) {
	for in, want := range map[string]string{
		"/": "/", "//": "/", "/a/./b/../c": "/a/c", "/a//b/": "/a/b/", "/../..": "/", "/a/..": "/", "/a/.": "/a",
		"/.well-known/x": "/.well-known/x", "/a/...": "/a/...", "/%2e%2e/a": "/%2e%2e/a", "/a/b/../": "/a/",
	} {
		if got := NormalizePath(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
