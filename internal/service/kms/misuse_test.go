package kms

import (
	"strings"
	"testing"

	"fastness/internal/api/kmsapi"
)

// TestKeysAreUsedForTheirPurposeOnly calls every operation that wants a usage on keys of
// each of the others, and on keys of the right usage with algorithms of other specs.
func TestKeysAreUsedForTheirPurposeOnly(t *testing.T) {
	h := newHarness(t)
	ctx, r := t.Context(), h.in(testRegion)
	keys := map[string]*kmsapi.KeyMetadata{}
	for name, in := range map[string]*kmsapi.CreateKeyRequest{
		"ENCRYPT_DECRYPT":     {},
		"ENCRYPT_DECRYPT RSA": {KeySpec: new(kmsapi.KeySpecRSA2048), KeyUsage: new(kmsapi.KeyUsageTypeEncryptDecrypt)},
		"SIGN_VERIFY":         {KeySpec: new(kmsapi.KeySpecECCNISTP256), KeyUsage: new(kmsapi.KeyUsageTypeSignVerify)},
		"SIGN_VERIFY RSA":     {KeySpec: new(kmsapi.KeySpecRSA2048), KeyUsage: new(kmsapi.KeyUsageTypeSignVerify)},
		"GENERATE_VERIFY_MAC": {KeySpec: new(kmsapi.KeySpecHMAC256), KeyUsage: new(kmsapi.KeyUsageTypeGenerateVerifyMAC)},
		"KEY_AGREEMENT":       {KeySpec: new(kmsapi.KeySpecECCNISTP256), KeyUsage: new(kmsapi.KeyUsageTypeKeyAgreement)},
	} {
		keys[name] = r.create(in)
	}
	public, err := r.GetPublicKey(ctx, &kmsapi.GetPublicKeyRequest{KeyId: keys["KEY_AGREEMENT"].KeyId})
	h.must(err)
	blob := r.encrypt(keys["ENCRYPT_DECRYPT"].KeyId, "x")
	x := []byte("x")
	ecdsa, hmac, pair := new(kmsapi.SigningAlgorithmSpecECDSASHA256), new(kmsapi.MacAlgorithmSpecHMACSHA256), new(kmsapi.DataKeyPairSpecECCNISTP256)
	for _, op := range []struct {
		name, usage string
		call        func(id *string) error
	}{
		{"Encrypt", "ENCRYPT_DECRYPT", func(id *string) error {
			return errorOf(r.Encrypt(ctx, &kmsapi.EncryptRequest{KeyId: id, Plaintext: x}))
		}},
		{"Decrypt", "ENCRYPT_DECRYPT", func(id *string) error {
			return errorOf(r.Decrypt(ctx, &kmsapi.DecryptRequest{KeyId: id, CiphertextBlob: blob}))
		}},
		{"ReEncrypt", "ENCRYPT_DECRYPT", func(id *string) error {
			return errorOf(r.ReEncrypt(ctx, &kmsapi.ReEncryptRequest{CiphertextBlob: blob, DestinationKeyId: id}))
		}},
		{"GenerateDataKey", "ENCRYPT_DECRYPT", func(id *string) error {
			return errorOf(r.GenerateDataKey(ctx, &kmsapi.GenerateDataKeyRequest{KeyId: id, NumberOfBytes: new(int32(1))}))
		}},
		{"GenerateDataKeyWithoutPlaintext", "ENCRYPT_DECRYPT", func(id *string) error {
			return errorOf(r.GenerateDataKeyWithoutPlaintext(ctx, &kmsapi.GenerateDataKeyWithoutPlaintextRequest{KeyId: id, NumberOfBytes: new(int32(1))}))
		}},
		{"GenerateDataKeyPair", "ENCRYPT_DECRYPT", func(id *string) error {
			return errorOf(r.GenerateDataKeyPair(ctx, &kmsapi.GenerateDataKeyPairRequest{KeyId: id, KeyPairSpec: pair}))
		}},
		{"GenerateDataKeyPairWithoutPlaintext", "ENCRYPT_DECRYPT", func(id *string) error {
			return errorOf(r.GenerateDataKeyPairWithoutPlaintext(ctx, &kmsapi.GenerateDataKeyPairWithoutPlaintextRequest{KeyId: id, KeyPairSpec: pair}))
		}},
		{"Sign", "SIGN_VERIFY", func(id *string) error {
			return errorOf(r.Sign(ctx, &kmsapi.SignRequest{KeyId: id, Message: x, SigningAlgorithm: ecdsa}))
		}},
		{"Verify", "SIGN_VERIFY", func(id *string) error {
			return errorOf(r.Verify(ctx, &kmsapi.VerifyRequest{KeyId: id, Message: x, Signature: x, SigningAlgorithm: ecdsa}))
		}},
		{"GenerateMac", "GENERATE_VERIFY_MAC", func(id *string) error {
			return errorOf(r.GenerateMac(ctx, &kmsapi.GenerateMacRequest{KeyId: id, Message: x, MacAlgorithm: hmac}))
		}},
		{"VerifyMac", "GENERATE_VERIFY_MAC", func(id *string) error {
			return errorOf(r.VerifyMac(ctx, &kmsapi.VerifyMacRequest{KeyId: id, Message: x, Mac: x, MacAlgorithm: hmac}))
		}},
		{"DeriveSharedSecret", "KEY_AGREEMENT", func(id *string) error {
			return errorOf(r.DeriveSharedSecret(ctx, &kmsapi.DeriveSharedSecretRequest{KeyId: id, KeyAgreementAlgorithm: new(kmsapi.KeyAgreementAlgorithmSpecECDH), PublicKey: public.PublicKey}))
		}},
	} {
		for name, k := range keys {
			err := op.call(k.KeyId)
			usage, spec, _ := strings.Cut(name, " ")
			switch {
			case usage != op.usage:
				if op.name == "Decrypt" && codeOf(err) == "IncorrectKeyException" {
					t.Errorf("Decrypt with %s tells whose the ciphertext is", name)
				}
				wants(t, err, "InvalidKeyUsageException", *k.Arn+" key usage is "+usage+" which is not valid for "+op.name+".")
			case spec == "RSA": // the algorithm is of another key spec
				if code := codeOf(err); code != "InvalidKeyUsageException" && code != "IncorrectKeyException" && code != "UnsupportedOperationException" {
					t.Errorf("%s with %s: %v", op.name, name, err)
				}
			case op.name == "Verify":
				wantsCode(t, err, "KMSInvalidSignatureException")
			case op.name == "VerifyMac":
				wantsCode(t, err, "KMSInvalidMacException")
			default:
				wantErrorCode(t, op.name, err, "")
			}
		}
	}
}
