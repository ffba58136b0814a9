package sigv4

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestS3Texts(t *testing.T) {
	s3 := Rules{Region: "us-east-1", Service: "s3", S3: true}
	other := s3
	other.Region = "eu-west-1"
	get := "https://b.s3.amazonaws.com/k?X-Amz-Expires=60"
	for _, c := range []struct {
		name  string
		rules Rules
		after time.Duration
		want  string
	}{
		{"expired", s3, time.Hour, "Request has expired"},
		{"early", s3, -time.Hour, "Request is not valid yet"},
		{"region", other, 0, "Error parsing the X-Amz-Credential parameter; the region 'us-east-1' is wrong; expecting 'eu-west-1'"},
		{"mismatch", Rules{Region: "us-east-1", Service: "s3"}, 0, "The request signature we calculated does not match the signature you provided. Check your key and signing method."},
	} {
		err := check(t, presigned(t, get, "s3", unsignedPayload), c.rules, testTime.Add(c.after), "")
		var e *Error
		if !errors.As(fmt.Errorf("wrapped: %w", err), &e) || e.Text(true) != c.want || !e.Presigned {
			t.Errorf("%s: %+v", c.name, err)
			continue
		}
		if e.Text(false) != e.Message || e.Kind == KindScope && e.Expected != "eu-west-1" {
			t.Errorf("%s: %+v", c.name, e)
		}
	}
}

func TestKindsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for k := KindMissing; k <= KindChecksum; k++ {
		if name := k.String(); name == "unknown" || name == "" || seen[name] {
			t.Errorf("kind %d is named %q", k, name)
		} else {
			seen[name] = true
		}
	}
	if Kind(0).String() != "unknown" || Kind(200).String() != "unknown" {
		t.Error("a kind that is none has a name")
	}
}

// TestErrorsAreBounded: what an error repeats of a hostile request stays small,
// except the canonical request, which its sender wrote.
func TestErrorsAreBounded(t *testing.T) {
	long := strings.Repeat("\xff", maxAuthorization-100)
	for _, auth := range []string{long, "AWS4-HMAC-SHA256 " + long, "AWS4-HMAC-SHA256 Credential=" + long + ",SignedHeaders=host,Signature=" + long} {
		r := kmsRequest(t, "x")
		r.Header.Set("Authorization", auth)
		err := check(t, r, kmsRules, testTime, "x")
		if kindOf(err) != KindIncomplete || len(err.Error()) > 1000 {
			t.Errorf("%d bytes: %.100v", len(err.Error()), err)
		}
	}
}
