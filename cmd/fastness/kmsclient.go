package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	flag "github.com/spf13/pflag"

	"fastness/internal/sigv4"
)

// endpoint is an AWS-compatible endpoint with credentials, for the commands that are
// clients. Credentials come from the environment, as every AWS tool takes them.
type endpoint struct {
	url, region string
	credentials sigv4.Credentials
	http        *http.Client
}

// endpointFlags are the flags of commands that call a server.
func endpointFlags(f *flag.FlagSet) func() (*endpoint, error) {
	url := f.String("url", envOr("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"), "endpoint of the server")
	region := f.String("region", envOr("AWS_REGION", "us-east-1"), "Region")
	bundle := f.String("ca-bundle", os.Getenv("AWS_CA_BUNDLE"), "certificates (PEM) to trust for https")
	return func() (*endpoint, error) {
		e := &endpoint{
			url: strings.TrimSuffix(*url, "/"), region: *region,
			credentials: sigv4.Credentials{
				AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), Secret: []byte(os.Getenv("AWS_SECRET_ACCESS_KEY")),
				SecurityToken: os.Getenv("AWS_SESSION_TOKEN"),
			},
			http: &http.Client{Timeout: 10 * time.Second},
		}
		if e.credentials.AccessKeyID == "" || len(e.credentials.Secret) == 0 {
			return nil, errors.New("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
		}
		if *bundle != "" {
			pem, err := os.ReadFile(*bundle)
			if err != nil {
				return nil, err
			}
			roots := x509.NewCertPool()
			if !roots.AppendCertsFromPEM(pem) {
				return nil, fmt.Errorf("no certificate in %s", *bundle)
			}
			e.http.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
		}
		return e, nil
	}
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

// apiError is an error answer of the server.
type apiError struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}

func (e *apiError) Error() string { return e.Type + ": " + e.Message }

// maxAnswer bounds an answer, in bytes.
const maxAnswer = 1 << 20

// kms calls a KMS operation.
func (e *endpoint) kms(ctx context.Context, operation string, in, out any) error {
	return e.post(ctx, "/", "TrentService."+operation, in, out)
}

// post sends a signed awsJson 1.1 request. Fields of type []byte travel as base64, as
// the protocol wants.
func (e *endpoint) post(ctx context.Context, path, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	defer clear(body)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", target)
	if err := sigv4.Sign(req, body, e.credentials, sigv4.Scope{Region: e.region, Service: "kms"}, time.Now()); err != nil {
		return err
	}
	res, err := e.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return err
	}
	defer clear(answer)
	if res.StatusCode != http.StatusOK {
		failure := &apiError{Type: res.Status}
		if err := json.Unmarshal(answer, failure); err != nil {
			return fmt.Errorf("%s: %s", target, res.Status)
		}
		return failure
	}
	return json.Unmarshal(answer, out)
}
