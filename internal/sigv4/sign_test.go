package sigv4

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// TestSignEqualsSDK: the AWS SDK's signer, given the same headers, makes the same
// signature.
func TestSignEqualsSDK(t *testing.T) {
	body := []byte(`{"requestMetadata":{}}`)
	for _, token := range []string{"", "a-token"} {
		for _, target := range []string{"https://proxy.example/a/kms/xks/v1/keys/k%20%2F1/encrypt", "https://proxy.example:8443", "https://proxy.example/?b=2&a=%2B+x&a"} {
			ours, err := http.NewRequest("POST", target, bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			ours.Header.Set("Content-Type", "application/json")
			theirs := ours.Clone(context.Background())
			theirs.ContentLength = 0 // which the SDK would sign and we do not
			err = Sign(ours, body, Credentials{AccessKeyID: exampleID, Secret: []byte(exampleSecret), SecurityToken: token}, Scope{"us-east-1", "kms-xks-proxy"}, testTime)
			if err != nil {
				t.Fatal(err)
			}
			err = sdk.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: exampleID, SecretAccessKey: exampleSecret, SessionToken: token},
				theirs, hexSHA(body), "kms-xks-proxy", "us-east-1", testTime)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := ours.Header.Get("Authorization"), theirs.Header.Get("Authorization"); got != want {
				t.Errorf("%s\n%s, want\n%s", target, got, want)
			}
		}
	}
}

func TestSignedRequestsVerify(t *testing.T) {
	for _, scope := range []Scope{{"us-east-1", "s3"}, {"eu-west-1", "kms"}} {
		rules := Rules{Region: scope.Region, Service: scope.Service, S3: scope.Service == "s3"}
		c := Credentials{AccessKeyID: exampleID, Secret: []byte(exampleSecret), SecurityToken: "t+/="}
		body := []byte("body")
		server := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			sent := body
			if r.Method == http.MethodGet {
				sent = nil
			}
			if err := check(t, r, rules, testTime.Add(time.Minute), string(sent)); err != nil {
				t.Errorf("%s %s: %v", r.Method, r.RequestURI, err)
			}
		})
		ts := httptest.NewServer(server)
		defer ts.Close()
		put, err := http.NewRequest("PUT", ts.URL+"/a//b/../c%20d/%E2%82%AC?x=y+z&empty", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		put.Header.Set("X-Amz-Meta-A", "  two   words ")
		if err := Sign(put, body, c, scope, testTime); err != nil {
			t.Fatal(err)
		}
		get, err := http.NewRequest("GET", ts.URL+"/c%20d?x=y", nil)
		if err != nil {
			t.Fatal(err)
		}
		if get.URL, err = Presign(get, c, scope, testTime, time.Hour); err != nil {
			t.Fatal(err)
		}
		for _, r := range []*http.Request{put, get} {
			res, err := ts.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
		}
	}
}

func TestSignNeedsEverything(t *testing.T) {
	r := httptest.NewRequest("GET", "https://example.com/", nil)
	good := Credentials{AccessKeyID: "a", Secret: []byte(otherSecret)}
	if err := Sign(r, nil, Credentials{}, Scope{"r", "s"}, testTime); err == nil {
		t.Error("signed without credentials")
	}
	if err := Sign(r, nil, good, Scope{}, testTime); err == nil {
		t.Error("signed without a scope")
	}
	for _, d := range []time.Duration{0, -time.Second, 8 * 24 * time.Hour} {
		if _, err := Presign(r, good, Scope{"r", "s"}, testTime, d); err == nil {
			t.Errorf("presigned for %v", d)
		}
	}
}
