package keyrings

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"testing"

	mpltypes "github.com/aws/aws-cryptographic-material-providers-library/releases/go/mpl/awscryptographymaterialproviderssmithygeneratedtypes"
	primitives "github.com/aws/aws-cryptographic-material-providers-library/releases/go/primitives/awscryptographyprimitivessmithygeneratedtypes"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"fastness/encryptionsdk"
	"fastness/encryptionsdk/kmskeyring"
	"fastness/encryptionsdk/rawkeyring"
)

// The Regions of the tests.
const (
	west = "us-west-2"
	east = "us-east-1"
)

// newKey makes a KMS key and returns its ARN.
func newKey(t testing.TB, region string, in *kms.CreateKeyInput) string {
	t.Helper()
	return *must(kmsClient(region).CreateKey(t.Context(), in))(t).KeyMetadata.Arn
}

func TestKMS(t *testing.T) {
	client := kmsClient(west)
	a, b := newKey(t, west, &kms.CreateKeyInput{}), newKey(t, west, &kms.CreateKeyInput{})
	ownA, ownB := must(kmskeyring.New(client, a))(t), must(kmskeyring.New(client, b))(t)
	theirA := must(providers(t).CreateAwsKmsKeyring(t.Context(), mpltypes.CreateAwsKmsKeyringInput{KmsClient: client, KmsKeyId: a}))(t)
	theirB := must(providers(t).CreateAwsKmsKeyring(t.Context(), mpltypes.CreateAwsKmsKeyringInput{KmsClient: client, KmsKeyId: b}))(t)
	exchange(t, allSuites, ours{ownA, ownA}, theirs{theirA, theirA})

	clients := func(region string) (kmskeyring.Client, error) { return kmsClient(region), nil }
	own := must(kmskeyring.NewMulti(clients, a, []string{b}))(t)
	other := must(providers(t).CreateMultiKeyring(t.Context(), mpltypes.CreateMultiKeyringInput{Generator: theirA, ChildKeyrings: []mpltypes.IKeyring{theirB}}))(t)
	exchange(t, unsigned, ours{own, own}, theirs{other, other})
	exchange(t, unsigned, ours{own, ownB}, theirs{other, theirB})

	// A raw keyring generates, KMS only encrypts; and the other way around.
	rawOwn, rawOther := rawAES(t, "raw", 256)
	mixed := must(encryptionsdk.NewMultiKeyring(rawOwn, ownA))(t)
	theirMixed := must(providers(t).CreateMultiKeyring(t.Context(), mpltypes.CreateMultiKeyringInput{Generator: rawOther, ChildKeyrings: []mpltypes.IKeyring{theirA}}))(t)
	exchange(t, unsigned, ours{mixed, ownA}, theirs{theirMixed, theirA})

	// By alias it encrypts; the message carries the key's ARN.
	if _, err := client.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: new("alias/keyrings"), TargetKeyId: &a}); err != nil {
		t.Fatal(err)
	}
	exchange(t, unsigned, ours{must(kmskeyring.New(client, "alias/keyrings"))(t), ownA}, theirs{nil, theirA})
}

func TestKMSDiscovery(t *testing.T) {
	client := kmsClient(west)
	arn := newKey(t, west, &kms.CreateKeyInput{})
	key := must(kmskeyring.New(client, arn))(t)
	theirKey := must(providers(t).CreateAwsKmsKeyring(t.Context(), mpltypes.CreateAwsKmsKeyringInput{KmsClient: client, KmsKeyId: arn}))(t)
	clients := func(region string) (kmskeyring.Client, error) { return kmsClient(region), nil }
	for _, filter := range []*kmskeyring.Filter{nil, {Partition: "aws", Accounts: []string{"999999999999", account}}} {
		// Their plain discovery keyring matches no key when a filter has several accounts.
		var theirFilter, oneAccount *mpltypes.DiscoveryFilter
		if filter != nil {
			theirFilter = &mpltypes.DiscoveryFilter{Partition: filter.Partition, AccountIds: filter.Accounts}
			oneAccount = &mpltypes.DiscoveryFilter{Partition: filter.Partition, AccountIds: []string{account}}
		}
		theirDiscovery := must(providers(t).CreateAwsKmsDiscoveryKeyring(t.Context(), mpltypes.CreateAwsKmsDiscoveryKeyringInput{KmsClient: client, DiscoveryFilter: oneAccount}))(t)
		theirMRK := must(providers(t).CreateAwsKmsMrkDiscoveryKeyring(t.Context(), mpltypes.CreateAwsKmsMrkDiscoveryKeyringInput{KmsClient: client, Region: west, DiscoveryFilter: theirFilter}))(t)
		exchange(t, unsigned, ours{key, must(kmskeyring.NewDiscovery(client, filter))(t)}, theirs{theirKey, theirDiscovery})
		exchange(t, unsigned, ours{key, must(kmskeyring.NewMRKDiscovery(client, west, filter))(t)}, theirs{theirKey, theirMRK})
		exchange(t, unsigned, ours{key, must(kmskeyring.NewDiscoveryMulti(clients, []string{east, west}, filter))(t)}, theirs{theirKey, nil})
	}
}

func TestKMSMultiRegion(t *testing.T) {
	primary := newKey(t, west, &kms.CreateKeyInput{MultiRegion: new(true)})
	replica := *must(kmsClient(west).ReplicateKey(t.Context(), &kms.ReplicateKeyInput{KeyId: &primary, ReplicaRegion: new(east)}))(t).ReplicaKeyMetadata.Arn
	ownWest, ownEast := must(kmskeyring.NewMRK(kmsClient(west), primary))(t), must(kmskeyring.NewMRK(kmsClient(east), replica))(t)
	theirWest := must(providers(t).CreateAwsKmsMrkKeyring(t.Context(), mpltypes.CreateAwsKmsMrkKeyringInput{KmsClient: kmsClient(west), KmsKeyId: primary}))(t)
	theirEast := must(providers(t).CreateAwsKmsMrkKeyring(t.Context(), mpltypes.CreateAwsKmsMrkKeyringInput{KmsClient: kmsClient(east), KmsKeyId: replica}))(t)
	exchange(t, allSuites, ours{ownWest, ownEast}, theirs{theirWest, theirEast})
	exchange(t, unsigned, ours{ownEast, ownWest}, theirs{theirEast, theirWest})

	theirDiscovery := must(providers(t).CreateAwsKmsMrkDiscoveryKeyring(t.Context(), mpltypes.CreateAwsKmsMrkDiscoveryKeyringInput{KmsClient: kmsClient(east), Region: east}))(t)
	exchange(t, unsigned, ours{ownWest, must(kmskeyring.NewMRKDiscovery(kmsClient(east), east, nil))(t)}, theirs{theirWest, theirDiscovery})

	clients := func(region string) (kmskeyring.Client, error) { return kmsClient(region), nil }
	exchange(t, unsigned, ours{ownWest, must(kmskeyring.NewMRKDiscoveryMulti(clients, []string{east}, nil))(t)}, theirs{theirWest, nil})
	exchange(t, unsigned, ours{must(kmskeyring.NewMRKMulti(clients, primary, nil))(t), ownEast}, theirs{nil, theirEast})
}

func TestKMSRSA(t *testing.T) {
	client := kmsClient(west)
	for _, algorithm := range []types.EncryptionAlgorithmSpec{types.EncryptionAlgorithmSpecRsaesOaepSha1, types.EncryptionAlgorithmSpecRsaesOaepSha256} {
		arn := newKey(t, west, &kms.CreateKeyInput{KeySpec: types.KeySpecRsa2048, KeyUsage: types.KeyUsageTypeEncryptDecrypt})
		var public *rsa.PublicKey = must(kmskeyring.GetRSAPublicKey(t.Context(), client, arn))(t)
		armored := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(public))(t)})
		encrypts := must(kmskeyring.NewRSA(nil, arn, public, algorithm))(t)
		decrypts := must(kmskeyring.NewRSA(client, arn, nil, algorithm))(t)
		their := must(providers(t).CreateAwsKmsRsaKeyring(t.Context(), mpltypes.CreateAwsKmsRsaKeyringInput{KmsClient: client, KmsKeyId: arn, PublicKey: armored, EncryptionAlgorithm: algorithm}))(t)
		exchange(t, unsigned, ours{encrypts, decrypts}, theirs{their, their})
		for _, k := range []encryptionsdk.Keyring{encrypts} {
			if _, _, err := encryptionsdk.Encrypt(t.Context(), plaintext, encryptionsdk.EncryptOptions{Keyring: k}); err == nil {
				t.Error("encrypted with a suite that signs")
			}
		}
	}
}

func TestKMSECDH(t *testing.T) {
	client := kmsClient(west)
	for spec, curve := range curves {
		t.Run(string(spec), func(t *testing.T) {
			keySpec := map[primitives.ECDHCurveSpec]types.KeySpec{
				primitives.ECDHCurveSpecEccNistP256: types.KeySpecEccNistP256,
				primitives.ECDHCurveSpecEccNistP384: types.KeySpecEccNistP384,
				primitives.ECDHCurveSpecEccNistP521: types.KeySpecEccNistP521,
			}[spec]
			create := &kms.CreateKeyInput{KeySpec: keySpec, KeyUsage: types.KeyUsageTypeKeyAgreement}
			a, b := newKey(t, west, create), newKey(t, west, create)
			publicA := must(kmskeyring.GetECDHPublicKey(t.Context(), client, a))(t)
			publicB := must(kmskeyring.GetECDHPublicKey(t.Context(), client, b))(t)
			derA, derB := must(x509.MarshalPKIXPublicKey(publicA))(t), must(x509.MarshalPKIXPublicKey(publicB))(t)
			theirECDH := func(scheme mpltypes.KmsEcdhStaticConfigurations) mpltypes.IKeyring {
				t.Helper()
				return must(providers(t).CreateAwsKmsEcdhKeyring(t.Context(), mpltypes.CreateAwsKmsEcdhKeyringInput{KmsClient: client, CurveSpec: spec, KeyAgreementScheme: scheme}))(t)
			}
			theirStaticKMS := func(id string, own, peer []byte) mpltypes.IKeyring {
				t.Helper()
				return theirECDH(&mpltypes.KmsEcdhStaticConfigurationsMemberKmsPrivateKeyToStaticPublicKey{Value: mpltypes.KmsPrivateKeyToStaticPublicKeyInput{
					SenderKmsIdentifier: id, SenderPublicKey: own, RecipientPublicKey: peer,
				}})
			}
			theirDiscoveryB := theirECDH(&mpltypes.KmsEcdhStaticConfigurationsMemberKmsPublicKeyDiscovery{Value: mpltypes.KmsPublicKeyDiscoveryInput{RecipientKmsIdentifier: b}})

			fromA := must(kmskeyring.NewECDHStatic(client, a, publicA, publicB))(t)
			fromB := must(kmskeyring.NewECDHStatic(client, b, publicB, publicA))(t)
			discoveryB := must(kmskeyring.NewECDHDiscovery(client, b, publicB))(t)
			exchange(t, allSuites, ours{fromA, fromA}, theirs{theirStaticKMS(a, derA, derB), theirStaticKMS(a, derA, derB)})
			exchange(t, unsigned, ours{fromA, fromB}, theirs{theirStaticKMS(a, derA, derB), theirStaticKMS(b, derB, derA)})
			exchange(t, unsigned, ours{fromA, discoveryB}, theirs{theirStaticKMS(a, derA, derB), theirDiscoveryB})

			// With a partner who holds his key himself.
			c := newParty(t, curve)
			toC := must(kmskeyring.NewECDHStatic(client, a, publicA, c.key.PublicKey()))(t)
			rawC := must(rawkeyring.NewECDHDiscovery(c.key))(t)
			exchange(t, unsigned, ours{toC, rawC}, theirs{theirStaticKMS(a, derA, c.public), theirDiscovery(t, spec, c)})
			ephemeral := must(rawkeyring.NewECDHEphemeral(publicB))(t)
			exchange(t, unsigned, ours{ephemeral, discoveryB}, theirs{theirEphemeral(t, spec, derB), theirDiscoveryB})
		})
	}
}
