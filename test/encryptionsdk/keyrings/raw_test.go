package keyrings

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"testing"

	mpltypes "github.com/aws/aws-cryptographic-material-providers-library/releases/go/mpl/awscryptographymaterialproviderssmithygeneratedtypes"
	primitives "github.com/aws/aws-cryptographic-material-providers-library/releases/go/primitives/awscryptographyprimitivessmithygeneratedtypes"

	"fastness/encryptionsdk"
	"fastness/encryptionsdk/rawkeyring"
)

// rawAES is one AES key on both sides.
func rawAES(t testing.TB, name string, bits int) (*rawkeyring.AESKeyring, mpltypes.IKeyring) {
	t.Helper()
	key := make([]byte, bits/8)
	rand.Read(key)
	own := must(rawkeyring.NewAES("пространство", name, key))(t)
	other := must(providers(t).CreateRawAesKeyring(t.Context(), mpltypes.CreateRawAesKeyringInput{
		KeyNamespace: "пространство", KeyName: name, WrappingKey: key,
		WrappingAlg: mpltypes.AesWrappingAlg(fmt.Sprintf("ALG_AES%d_GCM_IV12_TAG16", bits)),
	}))(t)
	return own, other
}

func TestRawAES(t *testing.T) {
	for _, bits := range []int{128, 192, 256} {
		own, other := rawAES(t, "name", bits)
		exchange(t, allSuites, ours{own, own}, theirs{other, other})
	}
}

func TestRawRSA(t *testing.T) {
	key := must(rsa.GenerateKey(rand.Reader, 2048))(t)
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(&key.PublicKey))(t)})
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(key))(t)})
	for padding, scheme := range map[rawkeyring.Padding]mpltypes.PaddingScheme{
		rawkeyring.PKCS1:      mpltypes.PaddingSchemePkcs1,
		rawkeyring.OAEPSHA1:   mpltypes.PaddingSchemeOaepSha1Mgf1,
		rawkeyring.OAEPSHA256: mpltypes.PaddingSchemeOaepSha256Mgf1,
		rawkeyring.OAEPSHA384: mpltypes.PaddingSchemeOaepSha384Mgf1,
		rawkeyring.OAEPSHA512: mpltypes.PaddingSchemeOaepSha512Mgf1,
	} {
		t.Run(string(scheme), func(t *testing.T) {
			own := ours{
				encrypt: must(rawkeyring.NewRSA("ns", "name", padding, must(rawkeyring.ParseRSAPublicKey(public))(t), nil))(t),
				decrypt: must(rawkeyring.NewRSA("ns", "name", padding, nil, must(rawkeyring.ParseRSAPrivateKey(private))(t)))(t),
			}
			other := must(providers(t).CreateRawRsaKeyring(t.Context(), mpltypes.CreateRawRsaKeyringInput{
				KeyNamespace: "ns", KeyName: "name", PaddingScheme: scheme, PublicKey: public, PrivateKey: private,
			}))(t)
			exchange(t, allSuites, own, theirs{other, other})
		})
	}
}

// curves are those that both libraries know.
var curves = map[primitives.ECDHCurveSpec]elliptic.Curve{
	primitives.ECDHCurveSpecEccNistP256: elliptic.P256(),
	primitives.ECDHCurveSpecEccNistP384: elliptic.P384(),
	primitives.ECDHCurveSpecEccNistP521: elliptic.P521(),
}

// party is a key pair in the forms that the libraries want.
type party struct {
	key     *ecdh.PrivateKey
	private []byte // PKCS #8, PEM
	public  []byte // SubjectPublicKeyInfo, DER
}

func newParty(t testing.TB, curve elliptic.Curve) party {
	t.Helper()
	key := must(ecdsa.GenerateKey(curve, rand.Reader))(t)
	p := party{
		private: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(key))(t)}),
		public:  must(x509.MarshalPKIXPublicKey(&key.PublicKey))(t),
	}
	p.key = must(rawkeyring.ParseECDHPrivateKey(p.private))(t)
	if !must(rawkeyring.ParseECDHPublicKey(p.public))(t).Equal(p.key.PublicKey()) {
		t.Fatal("public key is parsed differently")
	}
	return p
}

// rawECDH makes their keyring.
func rawECDH(t testing.TB, curve primitives.ECDHCurveSpec, scheme mpltypes.RawEcdhStaticConfigurations) mpltypes.IKeyring {
	t.Helper()
	return must(providers(t).CreateRawEcdhKeyring(t.Context(), mpltypes.CreateRawEcdhKeyringInput{CurveSpec: curve, KeyAgreementScheme: scheme}))(t)
}

func theirStatic(t testing.TB, curve primitives.ECDHCurveSpec, own, peer party) mpltypes.IKeyring {
	return rawECDH(t, curve, &mpltypes.RawEcdhStaticConfigurationsMemberRawPrivateKeyToStaticPublicKey{
		Value: mpltypes.RawPrivateKeyToStaticPublicKeyInput{SenderStaticPrivateKey: own.private, RecipientPublicKey: peer.public},
	})
}

func theirEphemeral(t testing.TB, curve primitives.ECDHCurveSpec, peer []byte) mpltypes.IKeyring {
	return rawECDH(t, curve, &mpltypes.RawEcdhStaticConfigurationsMemberEphemeralPrivateKeyToStaticPublicKey{
		Value: mpltypes.EphemeralPrivateKeyToStaticPublicKeyInput{RecipientPublicKey: peer},
	})
}

func theirDiscovery(t testing.TB, curve primitives.ECDHCurveSpec, own party) mpltypes.IKeyring {
	return rawECDH(t, curve, &mpltypes.RawEcdhStaticConfigurationsMemberPublicKeyDiscovery{
		Value: mpltypes.PublicKeyDiscoveryInput{RecipientStaticPrivateKey: own.private},
	})
}

func TestRawECDH(t *testing.T) {
	for spec, curve := range curves {
		t.Run(string(spec), func(t *testing.T) {
			a, b := newParty(t, curve), newParty(t, curve)
			fromA := must(rawkeyring.NewECDHStatic(a.key, b.key.PublicKey()))(t)
			fromB := must(rawkeyring.NewECDHStatic(b.key, a.key.PublicKey()))(t)
			ephemeral := must(rawkeyring.NewECDHEphemeral(b.key.PublicKey()))(t)
			discovery := must(rawkeyring.NewECDHDiscovery(b.key))(t)
			// Between static keys, from both ends.
			exchange(t, allSuites, ours{fromA, fromA}, theirs{theirStatic(t, spec, a, b), theirStatic(t, spec, a, b)})
			exchange(t, unsigned, ours{fromA, fromB}, theirs{theirStatic(t, spec, a, b), theirStatic(t, spec, b, a)})
			// From static and ephemeral keys to whoever holds b.
			exchange(t, unsigned, ours{fromA, discovery}, theirs{theirStatic(t, spec, a, b), theirDiscovery(t, spec, b)})
			exchange(t, allSuites, ours{ephemeral, discovery}, theirs{theirEphemeral(t, spec, b.public), theirDiscovery(t, spec, b)})
		})
	}
}

func TestMulti(t *testing.T) {
	ownA, otherA := rawAES(t, "a", 256)
	ownB, otherB := rawAES(t, "b", 128)
	ownC, otherC := rawAES(t, "c", 192)
	stranger, theirStranger := rawAES(t, "x", 256)
	own := must(encryptionsdk.NewMultiKeyring(ownA, ownB, ownC))(t)
	other := must(providers(t).CreateMultiKeyring(t.Context(), mpltypes.CreateMultiKeyringInput{Generator: otherA, ChildKeyrings: []mpltypes.IKeyring{otherB, otherC}}))(t)
	exchange(t, allSuites, ours{own, own}, theirs{other, other})
	exchange(t, unsigned, ours{own, ownB}, theirs{other, otherC})
	reader := must(encryptionsdk.NewMultiKeyring(nil, stranger, ownC))(t)
	theirReader := must(providers(t).CreateMultiKeyring(t.Context(), mpltypes.CreateMultiKeyringInput{ChildKeyrings: []mpltypes.IKeyring{theirStranger, otherB}}))(t)
	exchange(t, unsigned, ours{own, reader}, theirs{other, theirReader})
}

func TestRequiredContext(t *testing.T) {
	own, other := rawAES(t, "name", 256)
	manager := must(encryptionsdk.NewRequiredContextManager(encryptionsdk.NewDefaultManager(own), "ключ"))(t)
	below := must(providers(t).CreateDefaultCryptographicMaterialsManager(t.Context(), mpltypes.CreateDefaultCryptographicMaterialsManagerInput{Keyring: other}))(t)
	theirManager := must(providers(t).CreateRequiredEncryptionContextCMM(t.Context(), mpltypes.CreateRequiredEncryptionContextCMMInput{UnderlyingCMM: below, RequiredEncryptionContextKeys: []string{"ключ"}}))(t)
	client := officialClient(t)

	message, header, err := encryptionsdk.Encrypt(t.Context(), plaintext, encryptionsdk.EncryptOptions{Manager: manager, EncryptionContext: testEC})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := header.EncryptionContext["ключ"]; ok {
		t.Fatal("a required key is stored in the message")
	}
	got, err := client.Decrypt(t.Context(), decryptWith(theirManager, message, testEC))
	if err != nil || !bytes.Equal(got.Plaintext, plaintext) {
		t.Fatalf("theirs decrypts ours: %v", err)
	}
	sent, err := client.Encrypt(t.Context(), encryptWith(theirManager, testEC))
	if err != nil {
		t.Fatal(err)
	}
	back, _, err := encryptionsdk.Decrypt(t.Context(), sent.Ciphertext, encryptionsdk.DecryptOptions{Manager: manager, EncryptionContext: testEC})
	if err != nil || !bytes.Equal(back, plaintext) {
		t.Fatalf("ours decrypts theirs: %v", err)
	}
	if _, _, err := encryptionsdk.Decrypt(t.Context(), sent.Ciphertext, encryptionsdk.DecryptOptions{Manager: manager}); err == nil {
		t.Fatal("decrypted without the required key")
	}
}
