package sigv4

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// benchBody is a GenerateDataKey request of 134 bytes.
var benchBody = `{"KeyId":"1234abcd-12ab-34cd-56ef-1234567890ab","KeySpec":"AES_256","EncryptionContext":{"purpose":"benchmark","tenant":"fastness-01"}}`

func BenchmarkVerify(b *testing.B) {
	r := kmsRequest(b, benchBody)
	v := newVerifier(b, testTime)
	secret, body := []byte(exampleSecret), []byte(benchBody)
	b.ReportAllocs()
	for b.Loop() {
		s, err := Parse(FromHTTP(r))
		if err != nil {
			b.Fatal(err)
		}
		if err := v.Verify(s, secret, kmsRules, body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerifyUnknown must take as long as BenchmarkVerifyWrong.
func BenchmarkVerifyUnknown(b *testing.B) {
	r := kmsRequest(b, benchBody)
	v := newVerifier(b, testTime)
	body := []byte(benchBody)
	b.ReportAllocs()
	for b.Loop() {
		s, err := Parse(FromHTTP(r))
		if err != nil {
			b.Fatal(err)
		}
		if err := v.VerifyUnknown(s, kmsRules, body); err == nil {
			b.Fatal("accepted")
		}
	}
}

// BenchmarkVerifyWrong refuses a wrong signature under a key that is cached.
func BenchmarkVerifyWrong(b *testing.B) {
	r := kmsRequest(b, benchBody)
	v := newVerifier(b, testTime)
	body := []byte(benchBody)
	s, err := Parse(FromHTTP(r))
	if err != nil {
		b.Fatal(err)
	}
	if err := v.Verify(s, []byte(exampleSecret), kmsRules, body); err != nil {
		b.Fatal(err)
	}
	body[0] = '['
	b.ReportAllocs()
	for b.Loop() {
		s, err := Parse(FromHTTP(r))
		if err != nil {
			b.Fatal(err)
		}
		if err := v.Verify(s, []byte(exampleSecret), kmsRules, body); err == nil {
			b.Fatal("accepted")
		}
	}
}

// BenchmarkResign is what a verifier by signing again costs: the SDK's signer over a
// clone of the request.
func BenchmarkResign(b *testing.B) {
	r := kmsRequest(b, benchBody)
	signer := sdk.NewSigner()
	creds := aws.Credentials{AccessKeyID: exampleID, SecretAccessKey: exampleSecret, SessionToken: "token"}
	b.ReportAllocs()
	for b.Loop() {
		c := r.Clone(context.Background())
		c.Header.Del("Authorization")
		if err := signer.SignHTTP(context.Background(), creds, c, hexSHA([]byte(benchBody)), "kms", "eu-central-1", testTime); err != nil {
			b.Fatal(err)
		}
		if !strings.HasPrefix(c.Header.Get("Authorization"), nameHMAC) {
			b.Fatal("not signed")
		}
	}
}

// BenchmarkChunks reads 1 MiB in signed chunks of 64 KiB.
func BenchmarkChunks(b *testing.B) {
	data := make([]byte, 1<<20)
	up := newUpload(b, PayloadStream, data, 64<<10, "")
	v := newVerifier(b, testTime)
	buf := make([]byte, 32<<10)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		body, err := up.open(v)
		if err != nil {
			b.Fatal(err)
		}
		if err := drain(body, buf); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerifyECDSA verifies a SigV4A signature with a cached public key.
func BenchmarkVerifyECDSA(b *testing.B) {
	r := ecdsaRequest(b, http.MethodPost, "https://example.com/", []byte(benchBody))
	v := newVerifier(b, testTime)
	rules := Rules{Region: "us-east-1", Service: "lambda"}
	b.ReportAllocs()
	for b.Loop() {
		s, err := Parse(FromHTTP(r))
		if err != nil {
			b.Fatal(err)
		}
		if err := v.Verify(s, []byte(exampleSecret), rules, []byte(benchBody)); err != nil {
			b.Fatal(err)
		}
	}
}
