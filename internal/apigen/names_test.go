package apigen

import "testing"

func TestConstantSuffix(t *testing.T) {
	for value, want := range map[string]string{
		"RSA_2048":               "RSA2048",
		"SYMMETRIC_DEFAULT":      "SymmetricDefault",
		"RSAES_OAEP_SHA_256":     "RSAESOAEPSHA256",
		"RSASSA_PKCS1_V1_5_SHA1": "RSASSAPKCS1V15SHA1",
		"ECC_SECG_P256K1":        "ECCSECGP256K1",
		"ECC_NIST_EDWARDS25519":  "ECCNISTEdwards25519",
		"ML_DSA_44":              "MLDSA44",
		"PendingDeletion":        "PendingDeletion",
		"aws:kms":                "AwsKms",
		"t2.micro":               "T2Micro",
		"AWS":                    "AWS",
		"":                       "Empty",
		"*":                      "Empty",
	} {
		if got := constantSuffix(value); got != want {
			t.Errorf("constantSuffix(%q) = %q, want %q", value, got, want)
		}
	}
}

func TestExported(t *testing.T) {
	for name, want := range map[string]string{
		"keyId": "KeyId", "KeyId": "KeyId", "__type": "Type", "x-amz-id": "XAmzId", "2fa": "N2fa", "a_b": "A_b",
	} {
		if got := exported(name); got != want {
			t.Errorf("exported(%q) = %q, want %q", name, got, want)
		}
	}
}
