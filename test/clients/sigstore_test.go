package clients

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	signer "github.com/sigstore/sigstore/pkg/signature/kms/aws"
)

// TestSigstoreSigner signs by sigstore's AWS KMS signer. Its references name the
// endpoint: awskms://host:port/key. Such an endpoint is reached by HTTPS.
func TestSigstoreSigner(t *testing.T) {
	ctx := t.Context()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": server.credentials.AccessKeyID, "AWS_SECRET_ACCESS_KEY": server.credentials.SecretAccessKey,
		"AWS_REGION": region, "AWS_CA_BUNDLE": server.caFile(), "AWS_ENDPOINT_URL": "", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": server.configFile(), "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
	} {
		t.Setenv(name, value)
	}
	at := "awskms://" + server.addr + "/"

	created := must[*signer.SignerVerifier](t)(signer.LoadSignerVerifier(ctx, at+"alias/sigstore"))
	public, err := created.CreateKey(ctx, string(types.CustomerMasterKeySpecEccNistP256))
	if err != nil {
		t.Fatal(err)
	}
	made := must[*kms.DescribeKeyOutput](t)(kmsClient().DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String("alias/sigstore")})).KeyMetadata

	for _, reference := range []string{at + "alias/sigstore", at + *made.KeyId, at + *made.Arn} {
		loaded := must[*signer.SignerVerifier](t)(signer.LoadSignerVerifier(ctx, reference))
		signature := must[[]byte](t)(loaded.SignMessage(bytes.NewReader(message)))
		digest := crypto.SHA256.New()
		digest.Write(message)
		if !ecdsa.VerifyASN1(public.(*ecdsa.PublicKey), digest.Sum(nil), signature) {
			t.Errorf("%s: the signature is not the key's", reference)
		}
		if err := loaded.VerifySignature(bytes.NewReader(signature), bytes.NewReader(message)); err != nil {
			t.Errorf("%s: %v", reference, err)
		}
		if err := loaded.VerifySignature(bytes.NewReader(signature), strings.NewReader("another message")); err == nil {
			t.Errorf("%s: a wrong message was accepted", reference)
		}
	}
}
