package sigv4

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/aws-http-auth/credentials"
	smithy "github.com/aws/smithy-go/aws-http-auth/sigv4"
	"github.com/aws/smithy-go/aws-http-auth/sigv4a"
	smithyopt "github.com/aws/smithy-go/aws-http-auth/v4"
)

// The example credentials of AWS's documentation.
const (
	exampleID     = "AKIAIOSFODNN7EXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	otherSecret   = "not the secret of anybody"
)

var testTime = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// fixed is a clock that stands still.
type fixed time.Time

func (f fixed) Now() time.Time { return time.Time(f) }

func newVerifier(t testing.TB, now time.Time) *Verifier {
	t.Helper()
	v, err := NewVerifier(Options{Clock: fixed(now)})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var kmsRules = Rules{Region: "eu-central-1", Service: "kms"}

func hexSHA(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// kmsRequest is a GenerateDataKey request signed by the AWS SDK for Go.
func kmsRequest(t testing.TB, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequest("POST", "https://kms.eu-central-1.amazonaws.com/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "TrentService.GenerateDataKey")
	r.Header.Set("User-Agent", "test")
	err := sdk.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: exampleID, SecretAccessKey: exampleSecret, SessionToken: "token"},
		r, hexSHA([]byte(body)), "kms", "eu-central-1", testTime)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func kindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return 0
}

func TestVerifyAcceptsSDK(t *testing.T) {
	body := `{"KeyId":"alias/a","KeySpec":"AES_256"}`
	r := kmsRequest(t, body)
	s, err := Parse(FromHTTP(r))
	if err != nil {
		t.Fatal(err)
	}
	v := newVerifier(t, testTime)
	for range 2 { // the second time from the cache
		if err := v.Verify(s, []byte(exampleSecret), kmsRules, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if s.SecurityToken != "token" || s.AccessKeyID != exampleID || s.Service != "kms" || s.Region != "eu-central-1" {
		t.Fatalf("parsed %+v", s)
	}
}

func TestVerifyAcceptsSmithyHMACAndECDSA(t *testing.T) {
	body := []byte("payload")
	for _, path := range []string{"/", "/a/b%20c/%7Ed/?x=1&y=%2B+z&x=0&empty", "/with%2Fslash:colon"} {
		creds := credentials.Credentials{AccessKeyID: exampleID, SecretAccessKey: exampleSecret, SessionToken: "tok"}
		t.Run("hmac "+path, func(t *testing.T) {
			r := httptest.NewRequest("PUT", "https://example.com"+path, bytes.NewReader(body))
			sum := sha256.Sum256(body)
			if err := smithy.New().SignRequest(&smithy.SignRequestInput{Request: r, PayloadHash: sum[:], Credentials: creds, Service: "lambda", Region: "us-east-1", Time: testTime}); err != nil {
				t.Fatal(err)
			}
			s, err := Parse(FromHTTP(r))
			if err != nil {
				t.Fatal(err)
			}
			if err := newVerifier(t, testTime).Verify(s, []byte(exampleSecret), Rules{Region: "us-east-1", Service: "lambda"}, body); err != nil {
				t.Fatal(err)
			}
		})
		t.Run("ecdsa "+path, func(t *testing.T) {
			r := httptest.NewRequest("PUT", "https://example.com"+path, bytes.NewReader(body))
			sum := sha256.Sum256(body)
			signer := sigv4a.New(func(o *smithyopt.SignerOptions) { o.AddPayloadHashHeader = true })
			if err := signer.SignRequest(&sigv4a.SignRequestInput{Request: r, PayloadHash: sum[:], Credentials: creds, Service: "lambda", RegionSet: []string{"eu-*", "us-east-1"}, Time: testTime}); err != nil {
				t.Fatal(err)
			}
			s, err := Parse(FromHTTP(r))
			if err != nil {
				t.Fatal(err)
			}
			v := newVerifier(t, testTime)
			for _, region := range []string{"us-east-1", "eu-west-3"} {
				if err := v.Verify(s, []byte(exampleSecret), Rules{Region: region, Service: "lambda"}, body); err != nil {
					t.Fatal(err)
				}
			}
			if err := v.Verify(s, []byte(exampleSecret), Rules{Region: "us-east-2", Service: "lambda"}, body); kindOf(err) != KindScope {
				t.Fatalf("us-east-2: %v", err)
			}
			if err := v.Verify(s, []byte(exampleSecret), Rules{Region: "us-east-1", Service: "lambda"}, []byte("other")); err == nil {
				t.Fatal("another payload was accepted")
			}
			if err := v.Verify(s, []byte(otherSecret), Rules{Region: "us-east-1", Service: "lambda"}, body); kindOf(err) != KindMismatch {
				t.Fatalf("wrong secret: %v", err)
			}
		})
	}
}
