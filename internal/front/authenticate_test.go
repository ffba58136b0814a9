package front

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestWhoMayNotComeIn(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*request)
		code   string
	}{
		{"unsigned", func(q *request) { q.service = "" }, "MissingAuthenticationTokenException"},
		{"unknown access key", func(q *request) { q.keyID = "AKIAUNKNOWNUNKNOWN00" }, "UnrecognizedClientException"},
		{"wrong secret", func(q *request) { q.secret = []byte("wrong") }, "InvalidSignatureException"},
		{"unknown token", func(q *request) { q.token = "x" }, "UnrecognizedClientException"},
		{"expired token", func(q *request) { q.token = "expired" }, "ExpiredTokenException"},
		{"Region that is not served", func(q *request) { q.region = "mars-north-1" }, "InvalidSignatureException"},
		{"changed body", func(q *request) {
			q.change = func(r *http.Request) { r.Body = http.NoBody }
		}, "InvalidSignatureException"},
		{"changed target", func(q *request) {
			q.change = func(r *http.Request) { r.Header.Set("X-Amz-Target", "Alpha_2020.Notes.PutNote") }
		}, "InvalidSignatureException"},
		{"two Authorization headers", func(q *request) {
			q.change = func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }
		}, "IncompleteSignatureException"},
		{"torn Authorization", func(q *request) {
			q.change = func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x") }
		}, "IncompleteSignatureException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHarness(t)
			a := h.json("GetNote", `{"Name":"x"}`, c.change)
			if a.code() != c.code || a.status != http.StatusBadRequest {
				t.Errorf("got %d %s", a.status, a.body)
			}
			if len(h.alpha.calls()) != 0 {
				t.Error("the call reached the service")
			}
			if strings.Contains(h.log.String()+string(a.body), string(testSecret)) {
				t.Error("the secret is shown")
			}
		})
	}
}

// A caller cannot tell by the words whether a key is unknown or its signature wrong,
// beyond what AWS says as well.
func TestSignaturesGrowOld(t *testing.T) {
	h := newHarness(t)
	old := h.build(request{service: "alpha", body: "{}", header: map[string]string{"X-Amz-Target": "Alpha_2020.Notes.GetNote", "Content-Type": "application/x-amz-json-1.1"}})
	h.clock.Advance(16 * time.Minute)
	a := h.json("GetNote", "{}", func(q *request) {
		q.change = func(r *http.Request) { r.Header = old.Header }
	})
	if a.code() != "InvalidSignatureException" || !strings.Contains(string(a.body), "Signature expired") {
		t.Errorf("an old signature: %s", a.body)
	}
}

func TestRefusalsAreCounted(t *testing.T) {
	h := newHarness(t)
	h.json("GetNote", "{}", func(q *request) { q.secret = []byte("wrong") })
	h.json("GetNote", "{}")
	if n := h.counted("fastness_authentication_failures_total"); n != 1 {
		t.Errorf("%v refusals counted", n)
	}
}

func TestUnsignedOnlyWhereTheModelSaysSo(t *testing.T) {
	h := newHarness(t)
	unsigned := func(q *request) { q.service = "" }
	if a := h.json("Ping", "", unsigned); a.status != http.StatusOK {
		t.Errorf("unsigned Ping: %d %s", a.status, a.body)
	}
	if a := h.json("PutNote", "{}", unsigned); a.code() != "MissingAuthenticationTokenException" {
		t.Errorf("unsigned PutNote: %s", a.body)
	}
}

// A Content-Type outside the signature is admitted, as AWS admits it (its SDK for PHP sent
// such requests until 2026), but changes nothing of what was signed.
func TestContentTypeNeedNotBeSigned(t *testing.T) {
	h := newHarness(t)
	later := func(contentType string) func(*request) {
		return func(q *request) {
			delete(q.header, "Content-Type")
			q.change = func(r *http.Request) { r.Header.Set("Content-Type", contentType) }
		}
	}
	if a := h.json("GetNote", `{"Name":"x"}`, later("application/x-amz-json-1.1")); a.status != http.StatusOK || !strings.Contains(string(a.body), `"Name":"x"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	form := "Action=GetNote&Version=2020-01-01&Name=x"
	q := request{service: "beta", body: form, header: map[string]string{}}
	later("application/x-www-form-urlencoded; charset=utf-8")(&q)
	if a := h.send(q); a.status != http.StatusOK || !strings.Contains(string(a.body), "<Name>x</Name>") {
		t.Errorf("a form: %d %s", a.status, a.body)
	}
	// Relabelled, a body is what it was (the signed X-Amz-Target says so) or nothing.
	if a := h.json("GetNote", `{"Name":"x"}`, later("application/x-www-form-urlencoded")); a.status != http.StatusOK || !strings.Contains(string(a.body), `"Name":"x"`) {
		t.Errorf("JSON called a form: %d %s", a.status, a.body)
	}
	before := len(h.beta.calls())
	later("application/x-amz-json-1.1")(&q)
	if a := h.send(q); a.status != http.StatusBadRequest || len(h.beta.calls()) != before {
		t.Errorf("a form called JSON: %d %s", a.status, a.body)
	}
}
