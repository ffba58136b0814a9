package badinput

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Every way in which a signature can be wrong is refused. Nothing of it is recorded:
// nobody is known to have called.
func TestSignatures(t *testing.T) {
	s := start(t)
	kms := func() *request { return s.kms("CreateKey", []byte("{}")) }
	signed := func(change func(*signing)) *request {
		o := s.by("kms")
		change(&o)
		return kms().sign(o)
	}
	altered := func(change func(*request)) *request {
		q := kms().sign(s.by("kms"))
		change(q)
		return q
	}
	incomplete := func(contains string) want {
		return want{status: 400, code: "IncompleteSignatureException", contains: contains}
	}
	invalid := func(contains string) want {
		return want{status: 400, code: "InvalidSignatureException", contains: contains}
	}
	missing := want{status: 400, code: "MissingAuthenticationTokenException", message: "Request is missing Authentication Token"}
	unknown := want{status: 400, code: "UnrecognizedClientException", message: "The security token included in the request is invalid."}
	auth := kms().sign(s.by("kms")).get("Authorization")
	part := func(name string) string {
		_, rest, _ := strings.Cut(auth, name+"=")
		value, _, _ := strings.Cut(rest, ",")
		return value
	}
	for _, c := range []struct {
		name string
		q    *request
		want want
	}{
		{"none", kms(), missing},
		{"empty Authorization", altered(func(q *request) { q.set("Authorization", "") }), incomplete("Unsupported AWS 'algorithm': ''")},
		{"basic authentication", altered(func(q *request) { q.set("Authorization", "Basic dXNlcjpwYXNz") }), incomplete("Unsupported AWS 'algorithm': 'Basic'")},
		{"bearer token", altered(func(q *request) { q.set("Authorization", "Bearer x") }), incomplete("Unsupported AWS 'algorithm'")},
		{"signature version 2", altered(func(q *request) { q.set("Authorization", "AWS AKIA:x") }), incomplete("Unsupported AWS 'algorithm'")},
		{"SHA-1", altered(func(q *request) { q.set("Authorization", strings.Replace(auth, "SHA256", "SHA1", 1)) }), incomplete("Unsupported AWS 'algorithm'")},
		{"algorithm alone", altered(func(q *request) { q.set("Authorization", "AWS4-HMAC-SHA256") }), incomplete("Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. ")},
		{"no equal sign", altered(func(q *request) { q.set("Authorization", "AWS4-HMAC-SHA256 Credential") }), incomplete("not a valid key=value pair (missing equal-sign) in Authorization header")},
		{"no credential", altered(func(q *request) {
			q.set("Authorization", strings.Replace(auth, "Credential="+part("Credential")+", ", "", 1))
		}), incomplete("Authorization header requires 'Credential' parameter.")},
		{"no signed headers", altered(func(q *request) {
			q.set("Authorization", strings.Replace(auth, "SignedHeaders="+part("SignedHeaders")+", ", "", 1))
		}), incomplete("Authorization header requires 'SignedHeaders' parameter.")},
		{"no signature", altered(func(q *request) {
			q.set("Authorization", strings.Replace(auth, ", Signature="+part("Signature"), "", 1))
		}), incomplete("Authorization header requires 'Signature' parameter.")},
		{"credential twice", altered(func(q *request) { q.set("Authorization", auth+", Credential="+part("Credential")) }), incomplete("repeats 'Credential'")},
		{"another parameter", altered(func(q *request) { q.set("Authorization", auth+", Extra=1") }), incomplete("'Extra'")},
		{"short scope", altered(func(q *request) {
			q.set("Authorization", strings.Replace(auth, "/kms/aws4_request", "/aws4_request", 1))
		}), incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '")},
		{"long scope", altered(func(q *request) { q.set("Authorization", strings.Replace(auth, "/aws4_request", "/x/aws4_request", 1)) }), incomplete("Credential must have exactly 5 slash-delimited elements")},
		{"no date", altered(func(q *request) { q.drop("X-Amz-Date") }), incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")},
		{"date twice", altered(func(q *request) { q.add("X-Amz-Date", q.get("X-Amz-Date")) }), incomplete("more than one date header")},
		{"date in another form", altered(func(q *request) { q.set("X-Amz-Date", "2026-01-01T00:00:00Z") }), incomplete("Date must be in ISO-8601 'basic format'. Got '2026-01-01T00:00:00Z'.")},
		{"30 February", altered(func(q *request) { q.set("X-Amz-Date", "20260230T000000Z") }), incomplete("Date must be in ISO-8601 'basic format'.")},
		{"host not signed", altered(func(q *request) { q.set("Authorization", strings.Replace(auth, "host;", "", 1)) }), invalid("must be a 'SignedHeader'")},
		{"Authorization twice", altered(func(q *request) { q.add("Authorization", auth) }), incomplete("The request has more than one Authorization header.")},
		{"header and query", altered(func(q *request) {
			q.target = "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00"
		}), incomplete("The request is signed both in the Authorization header and in the query.")},
		{"huge Authorization", altered(func(q *request) { q.set("Authorization", auth+strings.Repeat(" ", 1)+strings.Repeat(",", 17<<10)) }), incomplete("The Authorization header is too long.")},

		{"signature of zeros", altered(func(q *request) {
			q.set("Authorization", strings.Replace(auth, part("Signature"), strings.Repeat("0", 64), 1))
		}), mismatch},
		{"signature in capitals", altered(func(q *request) {
			q.set("Authorization", strings.Replace(auth, part("Signature"), strings.ToUpper(part("Signature")), 1))
		}), mismatch},
		{"signature cut short", altered(func(q *request) {
			q.set("Authorization", strings.TrimSuffix(auth, auth[len(auth)-2:]))
		}), mismatch},
		{"longer signature", altered(func(q *request) { q.set("Authorization", auth+"00") }), mismatch},
		{"another secret", signed(func(o *signing) { o.creds.secret += "x" }), mismatch},
		{"another body", altered(func(q *request) { q.body = []byte(`{"Description":"x"}`) }), mismatch},
		{"no body", altered(func(q *request) { q.body = nil }), mismatch},
		{"another operation", altered(func(q *request) { q.set("X-Amz-Target", "TrentService.GenerateRandom") }), mismatch},
		{"another content type", altered(func(q *request) { q.set("Content-Type", "text/plain") }), mismatch},
		{"another method", altered(func(q *request) { q.method = "post" }), want{status: 400, code: "UnknownOperationException"}},
		{"a query added", altered(func(q *request) { q.target = "/?a=b" }), mismatch},
		{"content hash of another body", kms().add("X-Amz-Content-Sha256", strings.Repeat("0", 64)).sign(s.by("kms")), mismatch},

		{"operation not signed", signed(func(o *signing) { o.without = []string{"x-amz-target"} }), invalid("'x-amz-target' must be a 'SignedHeader' in the AWS Authorization.")},
		{"date not signed", signed(func(o *signing) { o.without = []string{"x-amz-date"} }), invalid("'x-amz-date' must be a 'SignedHeader' in the AWS Authorization.")},
		{"X-Amz header added", altered(func(q *request) { q.add("X-Amz-Anything", "1") }), invalid("'x-amz-anything' must be a 'SignedHeader' in the AWS Authorization.")},
		{"x-amz header added in small letters", altered(func(q *request) { q.add("x-amz-small", "1") }), invalid("'x-amz-small' must be a 'SignedHeader' in the AWS Authorization.")},
		{"second content type", altered(func(q *request) { q.add("Content-Type", formType) }), mismatch},

		{"unknown key", signed(func(o *signing) { o.creds.id = "AKIAIOSFODNN7EXAMPLE" }), unknown},
		{"unknown temporary key", signed(func(o *signing) { o.creds.id = "ASIAIOSFODNN7EXAMPLE"; o.creds.token = "x" }), unknown},
		{"key in small letters", signed(func(o *signing) { o.creds.id = strings.ToLower(o.creds.id) }), unknown},
		{"account for a key", signed(func(o *signing) { o.creds.id = account }), unknown},
		{"test/test", signed(func(o *signing) { o.creds = creds{id: "test", secret: "test"} }), unknown},
		{"unknown key, no date of ours", signed(func(o *signing) { o.creds.id = "AKIAIOSFODNN7EXAMPLE"; o.at = time.Now().Add(-time.Hour) }), invalid("Signature expired: ")},
		{"token with a long-term key", signed(func(o *signing) { o.creds.token = "AQoDYXdzEJr" }), unknown},

		{"expired", signed(func(o *signing) { o.at = time.Now().Add(-5*time.Minute - 2*time.Second) }), invalid("Signature expired: ")},
		{"in the future", signed(func(o *signing) { o.at = time.Now().Add(5*time.Minute + 30*time.Second) }), invalid("Signature not yet current: ")},
		{"year 2", signed(func(o *signing) { o.at = time.Date(2, 1, 1, 0, 0, 0, 0, time.UTC) }), invalid("Signature expired: ")},
		{"year 9999", signed(func(o *signing) { o.at = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC) }), invalid("Signature not yet current: ")},
		{"unknown Region", signed(func(o *signing) { o.region = "mars-east-1" }), invalid("Credential should be scoped to a valid region. ")},
		{"Region in capitals", signed(func(o *signing) { o.region = "US-EAST-1" }), invalid("Credential should be scoped to a valid region. ")},
		{"other service", signed(func(o *signing) { o.service = "sts" }), invalid("Credential should be scoped to correct service: 'kms'. ")},
		{"other terminator", signed(func(o *signing) { o.terminator = "aws4_reques" }), invalid("Credential should be scoped with a valid terminator: 'aws4_request', not 'aws4_reques'. ")},
		{"other date in the scope", signed(func(o *signing) { o.date = "20200101" }), invalid("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20200101' != '")},

		{"unsigned payload", kms().add("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD").sign(with(s.by("kms"), "UNSIGNED-PAYLOAD")), invalid("The payload of this request must be signed.")},
		{"streaming payload", kms().add("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD").add("X-Amz-Decoded-Content-Length", "2").sign(with(s.by("kms"), "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")), invalid("The payload of this request must not be streamed in chunks.")},
		{"streaming unsigned payload", kms().add("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER").add("X-Amz-Trailer", "x-amz-checksum-crc32").sign(with(s.by("kms"), "STREAMING-UNSIGNED-PAYLOAD-TRAILER")), invalid("The payload of this request must")},
		{"streaming, signed like a body", kms().add("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD").sign(s.by("kms")), invalid("The payload of this request must not be streamed in chunks.")},
		{"payload hash that is none", kms().add("X-Amz-Content-Sha256", "abc").sign(with(s.by("kms"), "abc")), invalid("The value of 'x-amz-content-sha256' is not valid.")},

		{"SigV4A without a region set", altered(func(q *request) { q.set("Authorization", v4a(auth, "00")) }), incomplete("Authorization with AWS4-ECDSA-P256-SHA256 requires 'X-Amz-Region-Set'.")},
		{"SigV4A for another region set", altered(func(q *request) {
			q.set("Authorization", strings.Replace(v4a(auth, "3006020101020101"), "x-amz-date", "x-amz-date;x-amz-region-set", 1)).add("X-Amz-Region-Set", "mars-*")
		}), invalid("Credential should be scoped to a valid region. ")},
		{"SigV4A with a wrong signature", altered(func(q *request) {
			q.set("Authorization", strings.Replace(v4a(auth, "3006020101020101"), "x-amz-date", "x-amz-date;x-amz-region-set", 1)).add("X-Amz-Region-Set", "*")
		}), mismatch},
	} {
		t.Run(c.name, func(t *testing.T) { s.refused(t, c.q, c.want) })
	}
	t.Run("replayed within its time", func(t *testing.T) {
		q := s.kms("ListKeys", []byte("{}")).sign(s.by("kms"))
		for range 3 { // AWS allows it, too
			if a := s.send(t, q); a.status != http.StatusOK {
				t.Errorf("%d %s", a.status, a.body)
			}
		}
	})
	t.Run("almost expired", func(t *testing.T) {
		o := s.by("kms")
		o.at = time.Now().Add(-4*time.Minute - 30*time.Second)
		if a := s.send(t, s.kms("ListKeys", []byte("{}")).sign(o)); a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}

func with(o signing, payload string) signing {
	o.payload = payload
	return o
}

// v4a turns the Authorization header of SigV4 into one of SigV4A.
func v4a(auth, signature string) string {
	auth = strings.Replace(auth, "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", 1)
	auth = strings.Replace(auth, "/"+region+"/", "/", 1)
	head, _, _ := strings.Cut(auth, "Signature=")
	return head + "Signature=" + signature
}

// The query protocol has its own codes and statuses for the same refusals.
func TestSignaturesOfForms(t *testing.T) {
	s := start(t)
	const list = "Action=CreateUser&UserName=x" + iamVersion
	signed := func(change func(*signing)) *request {
		o := s.by("iam")
		change(&o)
		return s.form(list).sign(o)
	}
	for _, c := range []struct {
		name string
		q    *request
		want want
	}{
		{"none", s.form(list), want{status: 403, code: "MissingAuthenticationToken", message: "Request is missing Authentication Token"}},
		{"garbage", s.form(list).add("Authorization", "AWS4-HMAC-SHA256 Credential"), want{status: 400, code: "IncompleteSignature", contains: "not a valid key=value pair"}},
		{"garbage, and nothing says which service", s.form("a=b").add("Authorization", "AWS4-HMAC-SHA256 Credential"), want{status: 400, code: "IncompleteSignature", contains: "not a valid key=value pair"}},
		{"wrong secret", signed(func(o *signing) { o.creds.secret = "x" }), want{status: 403, code: "SignatureDoesNotMatch", message: mismatch.message}},
		{"unknown key", signed(func(o *signing) { o.creds.id = "AKIAIOSFODNN7EXAMPLE" }), want{status: 403, code: "InvalidClientTokenId", message: "The security token included in the request is invalid."}},
		{"expired", signed(func(o *signing) { o.at = time.Now().Add(-time.Hour) }), want{status: 403, code: "SignatureDoesNotMatch", contains: "Signature expired: "}},
		{"other Region", signed(func(o *signing) { o.region = "mars-1" }), want{status: 403, code: "SignatureDoesNotMatch", message: "Credential should be scoped to a valid region. "}},
	} {
		t.Run(c.name, func(t *testing.T) { s.refused(t, c.q, c.want) })
	}
	t.Run("an action that needs no signature, at our own host", func(t *testing.T) {
		a := s.send(t, s.form("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn:aws:iam::"+account+":role/none&RoleSessionName=abc&WebIdentityToken=garbage.garbage.garbage"))
		if f := parseFault(t, a); a.status/100 != 4 || f.code == "InvalidAction" || f.code == "MissingAuthenticationToken" {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}

func TestPresignedURLs(t *testing.T) {
	s := start(t)
	presign := func(o signing, extra string) *request {
		return s.presign("Action=ListUsers"+iamVersion, o, extra)
	}
	o := s.by("iam")
	if a := s.send(t, presign(o, "&X-Amz-Expires=60")); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	at := func(d time.Duration) signing { o := o; o.at = time.Now().Add(d); return o }
	mismatch := want{status: 403, code: "SignatureDoesNotMatch", message: mismatch.message}
	incomplete := func(contains string) want {
		return want{status: 400, code: "IncompleteSignature", contains: contains}
	}
	for _, c := range []struct {
		name string
		q    *request
		want want
	}{
		{"expired", presign(at(-2*time.Minute), "&X-Amz-Expires=60"), want{status: 403, code: "SignatureDoesNotMatch", contains: "Signature expired: "}},
		{"not yet", presign(at(time.Hour), "&X-Amz-Expires=60"), want{status: 403, code: "SignatureDoesNotMatch", contains: "Signature not yet current: "}},
		{"lives too long", presign(o, "&X-Amz-Expires=604801"), incomplete("X-Amz-Expires must be less than a week (in seconds)")},
		{"lives negatively", presign(o, "&X-Amz-Expires=-1"), incomplete("X-Amz-Expires must be non-negative")},
		{"lives never", presign(o, "&X-Amz-Expires=0"), incomplete("X-Amz-Expires must be less than a week")},
		{"lives a word", presign(o, "&X-Amz-Expires=long"), incomplete("X-Amz-Expires should be a number")},
		{"lives 10^30", presign(o, "&X-Amz-Expires=1000000000000000000000000000000"), incomplete("X-Amz-Expires")},
		{"Expires changed", change(presign(o, "&X-Amz-Expires=60"), "Expires=60", "Expires=61"), mismatch},
		{"Expires twice", presign(o, "&X-Amz-Expires=60&X-Amz-Expires=61"), incomplete("The query repeats 'X-Amz-Expires'.")},
		{"Expires twice, one escaped", presign(o, "&X-Amz-Expires=60&X-Amz-%45xpires=61"), incomplete("The query repeats 'X-Amz-Expires'.")},
		{"Action changed", change(presign(o, "&X-Amz-Expires=60"), "ListUsers", "ListRoles"), mismatch},
		{"parameter added", change(presign(o, "&X-Amz-Expires=60"), "Action=", "PathPrefix=%2Fa&Action="), mismatch},
		{"X-Amz header added", presign(o, "&X-Amz-Expires=60").add("X-Amz-Meta", "1"), want{status: 403, code: "SignatureDoesNotMatch", message: "'x-amz-meta' must be a 'SignedHeader' in the AWS Authorization."}},
		{"X-Amz-Target added", presign(o, "&X-Amz-Expires=60").add("X-Amz-Target", "TrentService.CreateKey"), want{status: 400, code: "SerializationException", message: "The request names more than one operation."}},
		{"no date", change(presign(o, "&X-Amz-Expires=60"), "X-Amz-Date", "X-Amz-Dat"), incomplete("AWS query-string parameters must include 'X-Amz-Date'.")},
		{"no credential", change(presign(o, "&X-Amz-Expires=60"), "X-Amz-Credential", "X-Amz-Cred"), incomplete("AWS query-string parameters must include 'X-Amz-Credential'.")},
		{"signature alone", &request{method: "GET", target: "/?Action=ListUsers" + iamVersion + "&X-Amz-Signature=00", host: s.addr}, incomplete("AWS query-string parameters must include 'X-Amz-Algorithm'. ")},
		{"a body is added", func() *request {
			q := presign(o, "&X-Amz-Expires=60")
			q.body = []byte("PathPrefix=%2Fa")
			return q
		}(), mismatch},
		{"101 parameters X-Amz-*", presign(o, "&X-Amz-Expires=60"+amzParams(100)), incomplete("The query has too many X-Amz-* parameters.")},
		{"1,001 parameters", change(presign(o, "&X-Amz-Expires=60"), "Action", strings.Repeat("a=b&", 1000)+"Action"), incomplete("The query has too many parameters.")},
	} {
		t.Run(c.name, func(t *testing.T) { s.refused(t, c.q, c.want) })
	}
}

func amzParams(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "&X-Amz-P%d=1", i)
	}
	return b.String()
}

func change(q *request, old, text string) *request {
	q.target = strings.Replace(q.target, old, text, 1)
	return q
}
