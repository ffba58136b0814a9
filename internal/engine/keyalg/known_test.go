package keyalg

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
)

// Known answers from standards, and behaviour that other implementations fix.

// RFC 8032 section 7.3, the Ed25519ph vector. The API takes 64 bytes only, so
// the three bytes of the vector enter one level below.
func TestEd25519phMatchesRFC8032(t *testing.T) {
	seed := unhex(t, "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42")
	signature := unhex(t, "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41"+
		"31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406")
	key := &edKey{priv: ed25519.NewKeyFromSeed(seed)}
	a := lookupAlgorithm(Ed25519PHSHA512)
	got, err := key.sign(a, Digest, []byte("abc"))
	if err != nil || !bytes.Equal(got, signature) {
		t.Errorf("signature %x, %v", got, err)
	}
	if v, ok := key.public().(verifier); !ok || !v.verify(a, Digest, []byte("abc"), signature) {
		t.Error("the signature of the RFC does not verify")
	}
}

// RFC 8032 section 7.1, test 2, through the public API.
func TestEd25519MatchesRFC8032(t *testing.T) {
	key, err := ParsePKCS8(Edwards25519, marshalPKCS8(lookup(Edwards25519), append([]byte{4, 32},
		unhex(t, "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")...)))
	if err != nil {
		t.Fatal(err)
	}
	signature, err := key.Sign(Ed25519SHA512, Raw, []byte{0x72})
	want := "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
		"085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
	if err != nil || hex.EncodeToString(signature) != want {
		t.Errorf("signature %x, %v", signature, err)
	}
}

// AWS KMS hashes the digest once more for ED25519_PH_SHA_512.
func TestEd25519phHashesTheDigestAgain(t *testing.T) {
	key := testKeys()[Edwards25519]
	digest := bytes.Repeat([]byte{3}, 64)
	signature, err := key.Sign(Ed25519PHSHA512, Digest, digest)
	if err != nil {
		t.Fatal(err)
	}
	p, ok := key.pub.impl.(*edPublic)
	if !ok {
		t.Fatalf("public half of type %T", key.pub.impl)
	}
	again := lookupAlgorithm(Ed25519PHSHA512).digest(Raw, digest)
	opts := &ed25519.Options{Hash: crypto.SHA512}
	if err := ed25519.VerifyWithOptions(p.pub, again, signature, opts); err != nil {
		t.Error(err)
	}
	if ed25519.VerifyWithOptions(p.pub, digest, signature, opts) == nil {
		t.Error("the digest was not hashed again")
	}
}

// GM/T 0003.5-2012, the signature example on the recommended curve with the
// default identity.
func TestSM2MatchesTheStandard(t *testing.T) {
	row := lookup(SM2)
	key, err := ParsePKCS8(SM2, testECPKCS8(row, unhex(t, "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")))
	if err != nil {
		t.Fatal(err)
	}
	if want := "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020" +
		"ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"; hex.EncodeToString(key.pub.impl.spki()) != want {
		t.Errorf("public key %x", key.pub.impl.spki())
	}
	signature := unhex(t, "3046022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"+
		"022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa")
	if err := key.Verify(SM2DSA, Raw, []byte("message digest"), signature); err != nil {
		t.Error(err)
	}
}

// The blinded signer makes the very signature of RFC 6979 when nothing random
// is mixed in, as the module's own signer does.
func TestSecp256k1BlindingChangesNothing(t *testing.T) {
	for i := range 50 {
		key, err := generateSecp256k1()
		if err != nil {
			t.Fatal(err)
		}
		hash := sha256.Sum256([]byte{byte(i)})
		want := ecdsa.Sign(secp256k1.NewPrivateKey(&key.d), hash[:])
		got := key.signHash(hash[:], nil)
		if !bytes.Equal(got.Serialize(), want.Serialize()) {
			t.Fatalf("signature %x, want %x", got.Serialize(), want.Serialize())
		}
		if !key.pub.pub.IsEqual(secp256k1.NewPrivateKey(&key.d).PubKey()) {
			t.Fatal("another public key")
		}
	}
}

func TestECDSAAcceptsBothValuesOfS(t *testing.T) {
	key := testKeys()[Secp256k1]
	signature, err := key.Sign(ECDSASHA256, Raw, []byte("m"))
	if err != nil {
		t.Fatal(err)
	}
	sig, err := ecdsa.ParseDERSignature(signature)
	if err != nil {
		t.Fatal(err)
	}
	r, s := sig.R(), sig.S()
	s.Negate()
	high := testDERSignature(r.Bytes(), s.Bytes())
	if err := key.Verify(ECDSASHA256, Raw, []byte("m"), high); err != nil {
		t.Errorf("the signature with the other s: %v", err)
	}
}

// testDERSignature writes what ecdsa.Signature.Serialize would normalize.
func testDERSignature(r, s [32]byte) []byte {
	integer := func(b []byte) []byte {
		b = bytes.TrimLeft(b, "\x00")
		if len(b) == 0 || b[0] >= 0x80 {
			b = append([]byte{0}, b...)
		}
		return append([]byte{2, byte(len(b))}, b...)
	}
	body := append(integer(r[:]), integer(s[:])...)
	return append([]byte{0x30, byte(len(body))}, body...)
}
