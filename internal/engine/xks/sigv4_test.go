package xks

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// sdkSign signs with AWS's own signer.
func sdkSign(r *http.Request, body []byte, credential Credential, at time.Time) error {
	sum := sha256.Sum256(body)
	return v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{
		AccessKeyID:     credential.AccessKeyID,
		SecretAccessKey: credential.SecretAccessKey,
	}, r, hex.EncodeToString(sum[:]), ServiceName, "eu-west-1", at)
}

// sigV4 verifies the subset of SigV4 that XKS requests use, as appendix A of the
// specification describes it.
type sigV4 struct{ now func() time.Time }

func (v sigV4) Verify(r *http.Request, body []byte, lookup CredentialLookup) (string, error) {
	fields, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if !ok {
		return "", errors.New("no SigV4 authorization")
	}
	values := map[string]string{}
	for field := range strings.SplitSeq(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		values[name] = value
	}
	scope := strings.Split(values["Credential"], "/")
	if len(scope) != 5 || scope[3] != ServiceName || scope[4] != "aws4_request" {
		return "", errors.New("bad credential scope")
	}
	credential, ok := lookup(scope[0])
	if !ok {
		return "", errors.New("unknown access key id")
	}
	date := r.Header.Get("X-Amz-Date")
	at, err := time.Parse("20060102T150405Z", date)
	if err != nil || !strings.HasPrefix(date, scope[1]) || v.now().Sub(at).Abs() > 5*time.Minute {
		return "", errors.New("bad date")
	}
	if !strings.Contains(values["SignedHeaders"], "host") || !strings.Contains(values["SignedHeaders"], "x-amz-date") {
		return "", errors.New("host and date must be signed")
	}
	var canonical strings.Builder
	canonical.WriteString(r.Method + "\n" + r.URL.EscapedPath() + "\n" + r.URL.RawQuery + "\n")
	for name := range strings.SplitSeq(values["SignedHeaders"], ";") {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = r.Header.Get("Content-Length")
			if value == "" {
				value = strconv.FormatInt(r.ContentLength, 10)
			}
		}
		canonical.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
	}
	sum := sha256.Sum256(body)
	canonical.WriteString("\n" + values["SignedHeaders"] + "\n" + hex.EncodeToString(sum[:]))
	sum = sha256.Sum256([]byte(canonical.String()))
	toSign := "AWS4-HMAC-SHA256\n" + date + "\n" + strings.Join(scope[1:], "/") + "\n" + hex.EncodeToString(sum[:])
	key := []byte("AWS4" + credential.SecretAccessKey)
	for _, part := range append(scope[1:], toSign) {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	got, err := hex.DecodeString(values["Signature"])
	if err != nil || subtle.ConstantTimeCompare(got, key) != 1 {
		return "", errors.New("signature mismatch")
	}
	return scope[0], nil
}
