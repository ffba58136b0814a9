package eventlog

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

// Every event that may be appended has an envelope that is JSON and says all of it.
func FuzzEnvelope(f *testing.F) {
	f.Add("aws.ssm", "Parameter Store Change", "arn:aws:ssm:us-east-1:123456789012:parameter/a", []byte(`{"name":"a","operation":"Create"}`), int64(1513968228))
	f.Add("\u2028", "<\x00>", `"\`, []byte("{\n}"), int64(0))
	f.Add("a", "b", "", []byte(`{"a":{"a":[1e999,-0,"\ud800"]}}`), int64(-62135596800))
	f.Add("a", "b", "\xff", []byte(`{"a":1} x`), int64(1)<<40)
	f.Fuzz(func(t *testing.T, source, detailType, resource string, detail []byte, unix int64) {
		e := Event{
			ID: NewID(), Account: "123456789012", Region: "us-east-1", Time: time.Unix(unix, 0).UTC(),
			Source: source, DetailType: detailType, Resources: []string{resource, "x"}, Detail: detail,
		}
		if e.check() != nil {
			return
		}
		envelope := e.AppendEnvelope(nil)
		if !json.Valid(envelope) {
			t.Fatalf("not JSON: %q", envelope)
		}
		got, err := parseEnvelope(envelope)
		if err != nil {
			t.Fatal(err)
		}
		if string(got.Detail) != strings.Trim(string(detail), " \t\r\n") {
			t.Fatalf("detail %q became %q", detail, got.Detail)
		}
		if got.Detail, e.Detail = nil, nil; !reflect.DeepEqual(got, e) {
			t.Fatalf("%+v became %+v", e, got)
		}
	})
}
