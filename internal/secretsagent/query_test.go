package secretsagent

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestParameterQueryIsRefused(t *testing.T) {
	for query, want := range map[string]string{
		"name=a&version=1&label=b":                 "version and label cannot be used together",
		"name=a&version=0":                         "invalid version value",
		"name=a&version=x":                         "invalid version value",
		"name=a&withDecryption=yes":                "invalid withDecryption value",
		"name=%zz":                                 "invalid query",
		"name=a&secretId=b":                        "unknown parameter: secretId",
		"version=1":                                "missing parameter name",
		"name=" + strings.Repeat("a", 2049):        errTooLong.Error(),
		"name=a&label=" + strings.Repeat("a", 101): errTooLong.Error(),
	} {
		if _, _, err := parseParameterQuery(query); err == nil || err.Error() != want {
			t.Errorf("%.60s: %v, want %s", query, err, want)
		}
	}
}

func TestSecretQueryTakesWhatTheAgentTakes(t *testing.T) {
	for query, want := range map[string]bool{"refreshNow=TRUE": true, "refreshNow=1": true, "refreshNow=False": false, "refreshNow=0": false, "": false} {
		q, refresh, err := parseSecretQuery("&secretId=a+b%2Fc&&versionId=v&versionStage=s&"+query, "")
		if err != nil || refresh != want || q != (SecretQuery{"a b/c", "v", "s"}) {
			t.Errorf("%s: %+v, %v, %v", query, q, refresh, err)
		}
	}
}

func FuzzQuery(f *testing.F) {
	f.Add("secretId=a&versionId=b&refreshNow=true")
	f.Add("name=%2Fa&version=3&withDecryption=true")
	f.Add("&&=&%")
	f.Fuzz(func(t *testing.T, query string) {
		if q, _, err := parseSecretQuery(query, ""); err == nil && (q.ID == "" || len(q.ID) > maxSecretID || len(q.VersionStage) > maxVersionStage) {
			t.Errorf("%+v", q)
		}
		if q, _, err := parseParameterQuery(query); err == nil && (q.Name == "" || len(q.name()) > maxParameterName+maxLabel+1) {
			t.Errorf("%+v", q)
		}
	})
}

// What is written must be what encoding/json, which others wrote, reads back.
func FuzzAnswer(f *testing.F) {
	f.Add("plain", []byte{1, 2})
	f.Add("\"\\\x00\x1f\x7f\u2028\xff<>&é\U0001F511", []byte(nil))
	f.Fuzz(func(t *testing.T, s string, binary []byte) {
		var secret struct {
			ARN, Name, SecretString *string
			SecretBinary            []byte
			VersionStages           []string
		}
		b := appendSecret(nil, &Secret{ARN: s, Name: s, String: &s, Binary: binary, VersionStages: []string{s, ""}, CreatedDate: time.Unix(1, 5e8)})
		valid := strings.ToValidUTF8(s, "\uFFFD")
		if err := json.Unmarshal(b, &secret); err != nil || secret.SecretString == nil || secret.VersionStages[1] != "" || string(secret.SecretBinary) != string(binary) {
			t.Fatalf("%v in %s", err, b)
		}
		// Runs of bytes that are not UTF-8 become as many replacements; compare without them.
		without := func(s string) string { return strings.ReplaceAll(s, "\uFFFD", "") }
		if without(*secret.SecretString) != without(valid) {
			t.Errorf("%q became %q", s, *secret.SecretString)
		}
		var parameter struct {
			Parameter struct{ Name, Value *string }
		}
		b = appendParameter(nil, &Parameter{Name: s, Value: s, Type: "String", LastModifiedDate: time.Unix(1, 0)})
		if err := json.Unmarshal(b, &parameter); err != nil || without(*parameter.Parameter.Value) != without(valid) {
			t.Fatalf("%v in %s", err, b)
		}
		var failure struct {
			Type    string `json:"__type"`
			Message string
		}
		b = appendFailure(nil, &Failure{Code: "X", Message: s})
		if err := json.Unmarshal(b, &failure); err != nil || without(failure.Message) != without(valid) {
			t.Fatalf("%v in %s", err, b)
		}
	})
}
