package badinput

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// want is what a refusal must look like. An empty message means that the answer has
// none; "*" leaves it open.
type want struct {
	status  int
	code    string
	message string
	// contains must be part of the message; it replaces message.
	contains string
	// recorded: the audit log has a record of the call.
	recorded bool
	// closes: the server ends the connection.
	closes bool
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// refused sends q and checks that it is refused as wanted, and has no effect.
func (s *server) refused(t *testing.T, q *request, w want) answer {
	t.Helper()
	return s.refusedRaw(t, q.bytes(), w)
}

func (s *server) refusedRaw(t *testing.T, raw []byte, w want) answer {
	t.Helper()
	before := s.state(t)
	a := s.sendRaw(t, raw)
	s.checkRefusal(t, a, w)
	if after := s.state(t); after != before {
		t.Errorf("a refused request changed the server from\n%s\nto\n%s", before, after)
	}
	return a
}

// fault is an error as its protocol spells it.
type fault struct{ code, message string }

func (s *server) checkRefusal(t *testing.T, a answer, w want) {
	t.Helper()
	s.checkHeaders(t, a)
	f := parseFault(t, a)
	if a.status != w.status || f.code != w.code {
		t.Errorf("got %d %s (%.300s), want %d %s", a.status, f.code, f.message, w.status, w.code)
	}
	switch {
	case w.contains != "":
		if !strings.Contains(f.message, w.contains) {
			t.Errorf("message %.600q, want %q in it", f.message, w.contains)
		}
	case w.message != "*" && f.message != w.message:
		t.Errorf("message %.600q, want %q", f.message, w.message)
	}
	if a.open == w.closes {
		t.Errorf("connection open: %v, want %v", a.open, !w.closes)
	}
	id := a.header.Get("X-Amzn-Requestid")
	record := s.record(t, id)
	if got := record != ""; got != w.recorded {
		t.Errorf("the call is recorded: %v, want %v", got, w.recorded)
	}
	if w.recorded && !strings.Contains(record, `"errorCode":`) {
		t.Errorf("the record of a refused call has no errorCode: %s", record)
	}
	for _, secret := range []string{s.root.secret, canary} {
		if strings.Contains(record, secret) {
			t.Errorf("the record holds a secret: %s", record)
		}
	}
}

// canary stands for plaintext that must not turn up in records, messages or logs.
const canary = "Y2FuYXJ5LXBsYWludGV4dC0wMDE="

func (s *server) checkHeaders(t *testing.T, a answer) {
	t.Helper()
	if id := a.header.Get("X-Amzn-Requestid"); !uuid.MatchString(id) {
		t.Errorf("request id %q", id)
	}
	if _, err := http.ParseTime(a.header.Get("Date")); err != nil {
		t.Errorf("Date: %v", err)
	}
	if bytes.Contains(a.body, []byte(s.root.secret)) || bytes.Contains(a.body, []byte(canary)) {
		t.Error("the answer holds a secret")
	}
}

// parseFault reads an error of any of the protocols, by its content type.
func parseFault(t *testing.T, a answer) fault {
	t.Helper()
	switch ct := a.header.Get("Content-Type"); ct {
	case "application/x-amz-json-1.1", "application/x-amz-json-1.0", "application/json":
		var e struct {
			Type    string `json:"__type"`
			Code    string `json:"code"`
			Message string `json:"message"`
		}
		if err := json.Unmarshal(a.body, &e); err != nil {
			t.Fatalf("error document %q: %v", a.body, err)
		}
		header := a.header.Get("X-Amzn-Errortype")
		if header == "" || e.Type != "" && header != e.Type {
			t.Errorf("X-Amzn-Errortype %q, __type %q", header, e.Type)
		}
		return fault{header, e.Message}
	case "text/xml":
		var e struct {
			XMLName xml.Name `xml:"ErrorResponse"`
			Error   struct{ Type, Code, Message string }
			ID      string `xml:"RequestId"`
		}
		if err := xml.Unmarshal(a.body, &e); err != nil {
			t.Fatalf("error document %q: %v", a.body, err)
		}
		if e.ID != a.header.Get("X-Amzn-Requestid") {
			t.Errorf("RequestId %q in the body, another in the header", e.ID)
		}
		if wantType := map[bool]string{true: "Sender", false: "Receiver"}[a.status < 500]; e.Error.Type != wantType {
			t.Errorf("Type %q for status %d", e.Error.Type, a.status)
		}
		return fault{e.Error.Code, e.Error.Message}
	case "application/cbor":
		return fault{cborType(a.body), "*"}
	default:
		t.Fatalf("content type %q of %d: %q", ct, a.status, a.body)
	}
	return fault{}
}

// cborType finds the value of __type in a small CBOR map.
func cborType(body []byte) string {
	_, rest, ok := bytes.Cut(body, []byte("__type"))
	if !ok || len(rest) == 0 || rest[0]>>5 != 3 {
		return ""
	}
	n, rest := int(rest[0]&31), rest[1:]
	if n == 24 && len(rest) > 0 {
		n, rest = int(rest[0]), rest[1:]
	}
	return string(rest[:min(n, len(rest))])
}

// state is everything that the tests could change, in one string.
func (s *server) state(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, op := range []string{"ListKeys", "ListAliases"} {
		b.Write(s.call(t, s.kms(op, []byte("{}")), "kms"))
	}
	for _, op := range []string{"ListUsers", "ListRoles", "ListPolicies"} {
		body := string(s.call(t, s.form("Action="+op+"&Version=2010-05-08&Scope=Local"), "iam"))
		body, _, _ = strings.Cut(body, "<ResponseMetadata>")
		b.WriteString(body)
	}
	return b.String()
}

// record is the audit record of the request with this id, empty if there is none.
// A record is durable before its answer, so there is nothing to wait for.
func (s *server) record(t *testing.T, requestID string) string {
	t.Helper()
	for line := range strings.Lines(s.history(t)) {
		if strings.Contains(line, quote(requestID)) {
			return line
		}
	}
	return ""
}

// history is the newest records, one a line.
func (s *server) history(t *testing.T) string {
	t.Helper()
	const target = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents"
	body := s.call(t, s.target(target, []byte(`{"MaxResults":50}`)), "cloudtrail")
	var page struct {
		Events []struct{ CloudTrailEvent string }
	}
	if err := json.Unmarshal(body, &page); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range page.Events {
		b.WriteString(e.CloudTrailEvent + "\n")
	}
	return b.String()
}
