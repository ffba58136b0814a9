package keyrings

import (
	"bytes"
	"testing"

	mpl "github.com/aws/aws-cryptographic-material-providers-library/releases/go/mpl/awscryptographymaterialproviderssmithygenerated"
	mpltypes "github.com/aws/aws-cryptographic-material-providers-library/releases/go/mpl/awscryptographymaterialproviderssmithygeneratedtypes"
	official "github.com/aws/aws-encryption-sdk/releases/go/encryption-sdk/awscryptographyencryptionsdksmithygenerated"
	officialtypes "github.com/aws/aws-encryption-sdk/releases/go/encryption-sdk/awscryptographyencryptionsdksmithygeneratedtypes"

	"fastness/encryptionsdk"
)

// must fails the test on err.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// providers is AWS's material providers library.
func providers(t testing.TB) *mpl.Client {
	t.Helper()
	return must(mpl.NewClient(mpltypes.MaterialProvidersConfig{}))(t)
}

var (
	plaintext = []byte("attack at dawn")
	testEC    = encryptionsdk.EncryptionContext{"purpose": "test", "ключ": "значение", "𐀂": "supplementary", "￿": "last of the basic plane"}
)

// Suites with data keys of every length, with and without signature and commitment.
var (
	unsigned = []encryptionsdk.SuiteID{
		encryptionsdk.SuiteAES128GCMIV12Tag16HKDFSHA256,
		encryptionsdk.SuiteAES192GCMIV12Tag16NoKDF,
		encryptionsdk.SuiteAES256GCMHKDFSHA512CommitKey,
	}
	allSuites = append([]encryptionsdk.SuiteID{encryptionsdk.SuiteAES256GCMHKDFSHA512CommitKeyECDSAP384}, unsigned...)
)

// ours and theirs are the same keys, on both sides; nil where a side cannot do that.
type ours struct{ encrypt, decrypt encryptionsdk.Keyring }
type theirs struct{ encrypt, decrypt mpltypes.IKeyring }

// exchange sends messages between the implementations.
func exchange(t *testing.T, suites []encryptionsdk.SuiteID, o ours, th theirs) {
	t.Helper()
	for _, id := range suites {
		for _, ec := range []encryptionsdk.EncryptionContext{nil, testEC} {
			policy, theirPolicy := encryptionsdk.RequireEncryptRequireDecrypt, mpltypes.ESDKCommitmentPolicyRequireEncryptRequireDecrypt
			if !id.Suite().Commits {
				policy, theirPolicy = encryptionsdk.ForbidEncryptAllowDecrypt, mpltypes.ESDKCommitmentPolicyForbidEncryptAllowDecrypt
			}
			client := must(official.NewClient(officialtypes.AwsEncryptionSdkConfig{CommitmentPolicy: &theirPolicy}))(t)
			var messages [][]byte
			if o.encrypt != nil {
				message, _, err := encryptionsdk.Encrypt(t.Context(), plaintext, encryptionsdk.EncryptOptions{Keyring: o.encrypt, Suite: id, CommitmentPolicy: policy, EncryptionContext: ec})
				if err != nil {
					t.Fatalf("%v: ours encrypts: %v", id, err)
				}
				messages = append(messages, message)
			}
			if th.encrypt != nil {
				suite := mpltypes.ESDKAlgorithmSuiteId("0x" + hex4(id))
				out, err := client.Encrypt(t.Context(), officialtypes.EncryptInput{Plaintext: plaintext, Keyring: th.encrypt, AlgorithmSuiteId: &suite, EncryptionContext: ec})
				if err != nil {
					t.Fatalf("%v: theirs encrypts: %v", id, err)
				}
				messages = append(messages, out.Ciphertext)
			}
			for i, message := range messages {
				if o.decrypt != nil {
					got, _, err := encryptionsdk.Decrypt(t.Context(), message, encryptionsdk.DecryptOptions{Keyring: o.decrypt, CommitmentPolicy: policy})
					if err != nil || !bytes.Equal(got, plaintext) {
						t.Fatalf("%v: ours decrypts message %d: %v", id, i, err)
					}
				}
				if th.decrypt != nil {
					out, err := client.Decrypt(t.Context(), officialtypes.DecryptInput{Ciphertext: message, Keyring: th.decrypt})
					if err != nil || !bytes.Equal(out.Plaintext, plaintext) {
						t.Fatalf("%v: theirs decrypts message %d: %v", id, i, err)
					}
				}
			}
		}
	}
}

func hex4(id encryptionsdk.SuiteID) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[id>>12&15], digits[id>>8&15], digits[id>>4&15], digits[id&15]})
}

func officialClient(t testing.TB) *official.Client {
	t.Helper()
	return must(official.NewClient(officialtypes.AwsEncryptionSdkConfig{}))(t)
}

func encryptWith(m mpltypes.ICryptographicMaterialsManager, ec encryptionsdk.EncryptionContext) officialtypes.EncryptInput {
	return officialtypes.EncryptInput{Plaintext: plaintext, MaterialsManager: m, EncryptionContext: ec}
}

func decryptWith(m mpltypes.ICryptographicMaterialsManager, message []byte, ec encryptionsdk.EncryptionContext) officialtypes.DecryptInput {
	return officialtypes.DecryptInput{Ciphertext: message, MaterialsManager: m, EncryptionContext: ec}
}
