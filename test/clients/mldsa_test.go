package clients

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/cloudflare/circl/sign"
	"github.com/cloudflare/circl/sign/mldsa/mldsa44"
	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
	"github.com/cloudflare/circl/sign/mldsa/mldsa87"
)

// TestMLDSAByAnotherImplementation verifies ML-DSA signatures by CIRCL, which is not
// what the server signs with: many an openssl does not know ML-DSA yet.
func TestMLDSAByAnotherImplementation(t *testing.T) {
	client, ctx := kmsClient(), t.Context()
	for spec, scheme := range map[types.KeySpec]sign.Scheme{
		types.KeySpecMlDsa44: mldsa44.Scheme(), types.KeySpecMlDsa65: mldsa65.Scheme(), types.KeySpecMlDsa87: mldsa87.Scheme(),
	} {
		k := createKey(t, &kms.CreateKeyInput{KeySpec: spec, KeyUsage: types.KeyUsageTypeSignVerify})
		der := must[*kms.GetPublicKeyOutput](t)(client.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: aws.String(k.id)})).PublicKey
		var info struct {
			Algorithm pkix.AlgorithmIdentifier
			Key       asn1.BitString
		}
		if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 {
			t.Fatalf("%s: public key: %v, %d bytes too many", spec, err, len(rest))
		}
		public := must[sign.PublicKey](t)(scheme.UnmarshalBinaryPublicKey(info.Key.Bytes))
		signature := must[*kms.SignOutput](t)(client.Sign(ctx, &kms.SignInput{KeyId: &k.id, Message: message, SigningAlgorithm: types.SigningAlgorithmSpecMlDsaShake256})).Signature
		if !scheme.Verify(public, message, signature, nil) {
			t.Errorf("%s: the signature does not verify", spec)
		}
		if scheme.Verify(public, []byte("attack at noon"), signature, nil) {
			t.Errorf("%s: the signature verifies for another message", spec)
		}
	}
}
