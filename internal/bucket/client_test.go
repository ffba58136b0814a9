package bucket

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fastness/internal/clock"
	"fastness/internal/sigv4"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Requests are as the AWS SDK for Go signs them: its signature is made again over what arrives.
func TestRequestsAreSignedAsTheSDKSignsThem(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	objects := make(map[string]string)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		again, err := http.NewRequest(r.Method, "http://"+r.Host+r.RequestURI, nil)
		if err != nil {
			t.Error(err)
			return
		}
		signed, _, _ := strings.Cut(strings.SplitN(r.Header.Get("Authorization"), "SignedHeaders=", 2)[1], ",")
		for _, name := range strings.Split(signed, ";") {
			if name != "host" && name != "x-amz-date" && name != "x-amz-security-token" {
				again.Header.Set(name, r.Header.Get(name))
			}
		}
		err = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).SignHTTP(r.Context(),
			aws.Credentials{AccessKeyID: "AK", SecretAccessKey: "SK", SessionToken: "T"}, again, r.Header.Get("X-Amz-Content-Sha256"), "s3", "eu-west-1", at)
		if err != nil {
			t.Error(err)
		}
		if got, want := r.Header.Get("Authorization"), again.Header.Get("Authorization"); got != want {
			t.Errorf("%s %s is signed\n%s, want\n%s", r.Method, r.RequestURI, got, want)
		}
		switch {
		case strings.HasPrefix(r.URL.Path, "/none"):
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, "<Error><Code>NoSuchBucket</Code></Error>")
		case r.Method == http.MethodPut:
			objects[r.URL.Path] = string(body)
		}
	}))
	defer s.Close()
	c, err := New(Options{Endpoint: s.URL, Region: "eu-west-1", Clock: clock.NewManual(at), Credentials: func(context.Context) (sigv4.Credentials, error) {
		return sigv4.Credentials{AccessKeyID: "AK", Secret: []byte("SK"), SecurityToken: "T"}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Exists(t.Context(), "logs"); err != nil {
		t.Error(err)
	}
	if err := c.Put(t.Context(), "logs", "a b/ü+&=.gz", "application/gzip", []byte("x")); err != nil || objects["/logs/a b/ü+&=.gz"] != "x" {
		t.Errorf("%v: %v", err, objects)
	}
	if err := c.Exists(t.Context(), "none"); err == nil {
		t.Error("a bucket that is not there exists")
	}
	status, ok := errors.AsType[*StatusError](c.Put(t.Context(), "none", "x", "text/plain", nil))
	if !ok || status.Status != 404 || status.Code != "NoSuchBucket" {
		t.Errorf("%v", status)
	}
}

func TestEndpointsAreEncryptedOrOnThisMachine(t *testing.T) {
	for endpoint, want := range map[string]bool{
		"https://s3.example": true, "https://s3.example:9000/": true, "http://127.0.0.1:9000": true, "http://[::1]:9000": true, "http://localhost": true,
		"http://s3.example": false, "https://": false, "https://s3.example/path": false, "ftp://s3.example": false, "https://user:pw@s3.example": false, "https://s3.example?x": false,
	} {
		_, err := New(Options{Endpoint: endpoint, Clock: clock.System{}, Credentials: func(context.Context) (sigv4.Credentials, error) { return sigv4.Credentials{}, nil }})
		if (err == nil) != want {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}
