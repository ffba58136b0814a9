package attestation

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/veraison/go-cose"
)

var testNow = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// platform is a test attestation authority: root, two intermediates and a
// certificate that signs documents. Signing is done by go-cose, which the package
// under test does not use.
type platform struct {
	rootPool *x509.CertPool
	bundle   [][]byte // root first, as AWS orders it
	leaf     []byte
	leafKey  *ecdsa.PrivateKey
	interKey *ecdsa.PrivateKey
	inter    *x509.Certificate
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func issue(t testing.TB, template, parent *x509.Certificate, pub any, signer *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func authority(name string, pathLen int) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber:          big.NewInt(int64(len(name))),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             testNow.Add(-48 * time.Hour),
		NotAfter:              testNow.Add(48 * time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLen:            pathLen,
		MaxPathLenZero:        pathLen == 0,
		KeyUsage:              x509.KeyUsageCertSign,
	}
}

func leafTemplate() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber:          big.NewInt(77),
		Subject:               pkix.Name{CommonName: "i-0123456789abcdef0-enc0123456789abcdef"},
		NotBefore:             testNow.Add(-time.Minute),
		NotAfter:              testNow.Add(3 * time.Hour),
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
	}
}

func newPlatform(t testing.TB) *platform {
	t.Helper()
	rootKey, regionKey, interKey, leafKey := newKey(t), newKey(t), newKey(t), newKey(t)
	rootTemplate := authority("test.nitro-enclaves", 3)
	root := issue(t, rootTemplate, rootTemplate, &rootKey.PublicKey, rootKey)
	region := issue(t, authority("region.test", 1), root, &regionKey.PublicKey, rootKey)
	inter := issue(t, authority("instance.region.test", 0), region, &interKey.PublicKey, regionKey)
	leaf := issue(t, leafTemplate(), inter, &leafKey.PublicKey, interKey)
	pool := x509.NewCertPool()
	pool.AddCert(root)
	return &platform{
		rootPool: pool,
		bundle:   [][]byte{root.Raw, region.Raw, inter.Raw},
		leaf:     leaf.Raw,
		leafKey:  leafKey,
		interKey: interKey,
		inter:    inter,
	}
}

// fields is a payload that a test can break before it is signed.
type fields map[any]any

func (p *platform) fields(public []byte) fields {
	pcr := func(fill byte) []byte {
		b := make([]byte, 48)
		for i := range b {
			b[i] = fill
		}
		return b
	}
	f := fields{
		"module_id":   "i-0123456789abcdef0-enc0123456789abcdef",
		"digest":      "SHA384",
		"timestamp":   uint64(testNow.UnixMilli()),
		"pcrs":        map[any]any{0: pcr(0xa0), 1: pcr(1), 2: pcr(2), 8: pcr(8), 31: pcr(31)},
		"certificate": p.leaf,
		"cabundle":    p.bundle,
	}
	if public != nil {
		f["public_key"] = public
	}
	return f
}

func mustCBOR(t testing.TB, v any) []byte {
	t.Helper()
	b, err := cbor.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sign makes a COSE_Sign1 of payload; tagged with CBOR tag 18 if asked.
func (p *platform) sign(t testing.TB, payload []byte, tagged bool, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	signer, err := cose.NewSigner(cose.AlgorithmES384, key)
	if err != nil {
		t.Fatal(err)
	}
	message := cose.NewSign1Message()
	message.Headers.Protected.SetAlgorithm(cose.AlgorithmES384)
	message.Payload = payload
	if err := message.Sign(rand.Reader, nil, signer); err != nil {
		t.Fatal(err)
	}
	var out []byte
	if tagged {
		out, err = message.MarshalCBOR()
	} else {
		out, err = (*cose.UntaggedSign1Message)(message).MarshalCBOR()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (p *platform) document(t testing.TB, f fields) []byte {
	t.Helper()
	return p.sign(t, mustCBOR(t, f), false, p.leafKey)
}

func recipientKey(t testing.TB, bits int) (*rsa.PrivateKey, []byte) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return key, der
}
