package badinput

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// What a hostile request leaves in the audit log is bounded, valid JSON, and does not
// say what the caller would like it to say.
func TestRecordsOfHostileRequests(t *testing.T) {
	s := start(t)
	key := s.createKey(t, "{}")
	type record struct {
		SourceIPAddress   string         `json:"sourceIPAddress"`
		UserAgent         string         `json:"userAgent"`
		RequestParameters map[string]any `json:"requestParameters"`
		ErrorMessage      string         `json:"errorMessage"`
	}
	of := func(t *testing.T, q *request, status int) record {
		t.Helper()
		a := s.send(t, q.sign(s.by("kms")))
		if a.status != status {
			t.Fatalf("%d %.300s", a.status, a.body)
		}
		line := s.record(t, a.header.Get("X-Amzn-Requestid"))
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v: %.300s", err, line)
		}
		if len(line) > 256<<10 {
			t.Errorf("a record of %d bytes", len(line))
		}
		if strings.Contains(line, canary) {
			t.Error("the record holds plaintext")
		}
		return r
	}
	list := func() *request { return s.kms("ListKeys", []byte("{}")) }
	t.Run("forwarded addresses", func(t *testing.T) {
		q := list().add("X-Forwarded-For", "6.6.6.6").add("Forwarded", "for=6.6.6.6").add("X-Real-Ip", "6.6.6.6").add("Via", "kms.amazonaws.com")
		if r := of(t, q, http.StatusOK); r.SourceIPAddress != "127.0.0.1" {
			t.Errorf("%+v", r)
		}
	})
	t.Run("long user agent", func(t *testing.T) {
		if r := of(t, list().add("User-Agent", strings.Repeat("é", 20000)), http.StatusOK); len(r.UserAgent) > 1024 || len(r.UserAgent) < 1000 {
			t.Errorf("%d bytes", len(r.UserAgent))
		}
	})
	t.Run("user agent that is not text", func(t *testing.T) {
		if r := of(t, list().add("User-Agent", "\"}\xff\xfe\t{\""), http.StatusOK); !strings.HasPrefix(r.UserAgent, `"}`) {
			t.Errorf("%q", r.UserAgent)
		}
	})
	t.Run("many pairs of context", func(t *testing.T) {
		context := map[string]string{}
		for i := range 1800 {
			context[fmt.Sprint("k", i)] = "\x01\x01"
		}
		body, err := json.Marshal(map[string]any{"KeyId": key, "Plaintext": canary, "EncryptionContext": context})
		if err != nil {
			t.Fatal(err)
		}
		if r := of(t, s.kms("Encrypt", body), http.StatusOK); r.RequestParameters == nil {
			t.Error("no parameters")
		}
	})
	t.Run("many violations", func(t *testing.T) {
		body := []byte(`{"KeyId":"` + strings.Repeat("<", 60000) + `","Plaintext":"` + canary + `"}`)
		if r := of(t, s.kms("Encrypt", body), http.StatusBadRequest); len(r.ErrorMessage) > 1024 {
			t.Errorf("%d bytes of message", len(r.ErrorMessage))
		}
	})
	t.Run("plaintext in the wrong place", func(t *testing.T) {
		for _, body := range []string{
			`{"KeyId":"` + key + `","Plaintext":"` + canary + `","CiphertextBlob":"` + canary + `","Unknown":"` + canary + `"}`,
			`{"KeyId":"` + key + `","Plaintext":"` + canary + `","EncryptionAlgorithm":"RSAES_OAEP_SHA_1"}`,
		} {
			of(t, s.kms("Encrypt", []byte(body)), map[bool]int{true: 200, false: 400}[strings.Contains(body, "Unknown")])
		}
	})
}
