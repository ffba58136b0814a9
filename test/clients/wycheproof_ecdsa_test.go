package clients

import (
	"bytes"
	"encoding/asn1"
	"math/big"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// ecdsaSignature is a signature, in ASN.1.
type ecdsaSignature struct{ R, S *big.Int }

// sameShape tells whether two integers have DER encodings of the same length with the
// same sign padding, so that one can take the other's place in any encoding.
func sameShape(a, b *big.Int) bool {
	return len(a.Bytes()) == len(b.Bytes()) && a.BitLen()%8 == 0 == (b.BitLen()%8 == 0)
}

// TestWycheproofECDSA puts the vectors on keys of the server. They have public keys
// only, and KMS verifies under keys it has the private half of. So the vectors about
// one signature, which change its encoding or its integers, are transplanted: a
// signature of the server's over the same message, of the same shape, takes the place
// of the vector's wherever its integers stand. What the vector says of the result then
// holds under the server's key. Vectors about special public keys cannot be moved;
// internal/engine/keyalg runs those.
func TestWycheproofECDSA(t *testing.T) {
	for _, f := range []struct {
		file      string
		spec      types.KeySpec
		algorithm types.SigningAlgorithmSpec
	}{
		{"ecdsa_secp256r1_sha256", types.KeySpecEccNistP256, types.SigningAlgorithmSpecEcdsaSha256},
		{"ecdsa_secp384r1_sha384", types.KeySpecEccNistP384, types.SigningAlgorithmSpecEcdsaSha384},
		{"ecdsa_secp521r1_sha512", types.KeySpecEccNistP521, types.SigningAlgorithmSpecEcdsaSha512},
		{"ecdsa_secp256k1_sha256", types.KeySpecEccSecgP256k1, types.SigningAlgorithmSpecEcdsaSha256},
	} {
		t.Run(f.file, func(t *testing.T) {
			var c tally
			defer c.report(t)
			k := createKey(t, &kms.CreateKeyInput{KeySpec: f.spec, KeyUsage: types.KeyUsageTypeSignVerify})
			for _, g := range vectors(t, f.file+"_test.json") {
				const enoughToBeAboutOne = 100
				base, message := commonSignature(g.Tests)
				if len(g.Tests) < enoughToBeAboutOne || base == nil {
					c.left += len(g.Tests)
					continue
				}
				ours := signatureLike(t, k.id, f.algorithm, message, base)
				for _, v := range g.Tests {
					if !bytes.Equal(v.Msg, message) {
						c.left++
						continue
					}
					hasR, hasS := bytes.Contains(v.Sig, base.R.Bytes()), bytes.Contains(v.Sig, base.S.Bytes())
					if v.Result != "invalid" && !(hasR && hasS) {
						c.left++ // valid by an integer that was computed from the private key
						continue
					}
					moved := bytes.ReplaceAll(v.Sig, base.R.Bytes(), ours.R.Bytes())
					moved = bytes.ReplaceAll(moved, base.S.Bytes(), ours.S.Bytes())
					c.judge(t, &v, v.Result, verifies(t, k.id, f.algorithm, message, types.MessageTypeRaw, moved))
				}
			}
		})
	}
}

// commonSignature finds the valid signature whose integers stand in the most vectors.
func commonSignature(tests []wycheproofCase) (*ecdsaSignature, []byte) {
	var best *ecdsaSignature
	var message []byte
	most := 0
	for _, v := range tests {
		var s ecdsaSignature
		if rest, err := asn1.Unmarshal(v.Sig, &s); err != nil || len(rest) > 0 || v.Result != "valid" {
			continue
		}
		n := 0
		for _, w := range tests {
			if bytes.Contains(w.Sig, s.R.Bytes()) && bytes.Contains(w.Sig, s.S.Bytes()) {
				n++
			}
		}
		if n > most {
			best, message, most = &s, v.Msg, n
		}
	}
	return best, message
}

// signatureLike has the server sign until a signature has the shape of another.
func signatureLike(t *testing.T, keyID string, algorithm types.SigningAlgorithmSpec, message []byte, like *ecdsaSignature) *ecdsaSignature {
	t.Helper()
	const attempts = 1000
	for range attempts {
		signed := must[*kms.SignOutput](t)(kmsClient().Sign(t.Context(), &kms.SignInput{KeyId: &keyID, Message: message, SigningAlgorithm: algorithm}))
		var s ecdsaSignature
		if _, err := asn1.Unmarshal(signed.Signature, &s); err != nil {
			t.Fatal(err)
		}
		if sameShape(s.R, like.R) && sameShape(s.S, like.S) {
			return &s
		}
	}
	t.Fatalf("no signature of the same shape among %d", attempts)
	return nil
}
