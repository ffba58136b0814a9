package keyalg

import (
	"crypto"
	_ "crypto/sha1"   // registers SHA-1 for RSAES_OAEP_SHA_1
	_ "crypto/sha256" // registers SHA-224 and SHA-256
	_ "crypto/sha512" // registers SHA-384 and SHA-512
)

// Algorithm is the name AWS gives a signing, encryption, MAC or key agreement
// algorithm.
type Algorithm string

// The algorithms of AWS KMS.
const (
	SymmetricAlgorithm Algorithm = "SYMMETRIC_DEFAULT"
	OAEPSHA1           Algorithm = "RSAES_OAEP_SHA_1"
	OAEPSHA256         Algorithm = "RSAES_OAEP_SHA_256"
	SM2PKE             Algorithm = "SM2PKE"

	PSSSHA256       Algorithm = "RSASSA_PSS_SHA_256"
	PSSSHA384       Algorithm = "RSASSA_PSS_SHA_384"
	PSSSHA512       Algorithm = "RSASSA_PSS_SHA_512"
	PKCS1SHA256     Algorithm = "RSASSA_PKCS1_V1_5_SHA_256"
	PKCS1SHA384     Algorithm = "RSASSA_PKCS1_V1_5_SHA_384"
	PKCS1SHA512     Algorithm = "RSASSA_PKCS1_V1_5_SHA_512"
	ECDSASHA256     Algorithm = "ECDSA_SHA_256"
	ECDSASHA384     Algorithm = "ECDSA_SHA_384"
	ECDSASHA512     Algorithm = "ECDSA_SHA_512"
	Ed25519SHA512   Algorithm = "ED25519_SHA_512"
	Ed25519PHSHA512 Algorithm = "ED25519_PH_SHA_512"
	MLDSASHAKE256   Algorithm = "ML_DSA_SHAKE_256"
	SM2DSA          Algorithm = "SM2DSA"

	HMACSHA224 Algorithm = "HMAC_SHA_224"
	HMACSHA256 Algorithm = "HMAC_SHA_256"
	HMACSHA384 Algorithm = "HMAC_SHA_384"
	HMACSHA512 Algorithm = "HMAC_SHA_512"

	ECDH Algorithm = "ECDH"
)

// MessageType is the name AWS gives the form of the message in Sign and Verify.
type MessageType string

// The message types of AWS KMS.
const (
	Raw        MessageType = "RAW"         // the whole message; the algorithm hashes it
	Digest     MessageType = "DIGEST"      // the hash of the message
	ExternalMu MessageType = "EXTERNAL_MU" // the ML-DSA message representative, 64 bytes
)

// scheme names the arithmetic of an algorithm, apart from its hash.
type scheme uint8

const (
	schemeAESGCM scheme = iota + 1
	schemeOAEP
	schemeSM2PKE
	schemePSS
	schemePKCS1
	schemeECDSA
	schemeEd25519
	schemeEd25519ph
	schemeMLDSA
	schemeSM2DSA
	schemeHMAC
	schemeECDH
)

// algorithmInfo is one row of the table of algorithms. A length of zero for a
// message type means the algorithm refuses that type.
type algorithmInfo struct {
	name      Algorithm
	scheme    scheme
	hash      crypto.Hash
	raw       bool
	digestLen int // bytes of a DIGEST
	muLen     int // bytes of an EXTERNAL_MU
	approved  bool
}

// algorithms is the table of algorithms. SM3 has no crypto.Hash value; the SM2
// code names it itself.
var algorithms = []algorithmInfo{
	{name: SymmetricAlgorithm, scheme: schemeAESGCM, approved: true},
	{name: OAEPSHA1, scheme: schemeOAEP, hash: crypto.SHA1},
	{name: OAEPSHA256, scheme: schemeOAEP, hash: crypto.SHA256, approved: true},
	{name: SM2PKE, scheme: schemeSM2PKE},

	{name: PSSSHA256, scheme: schemePSS, hash: crypto.SHA256, raw: true, digestLen: 32, approved: true},
	{name: PSSSHA384, scheme: schemePSS, hash: crypto.SHA384, raw: true, digestLen: 48, approved: true},
	{name: PSSSHA512, scheme: schemePSS, hash: crypto.SHA512, raw: true, digestLen: 64, approved: true},
	{name: PKCS1SHA256, scheme: schemePKCS1, hash: crypto.SHA256, raw: true, digestLen: 32, approved: true},
	{name: PKCS1SHA384, scheme: schemePKCS1, hash: crypto.SHA384, raw: true, digestLen: 48, approved: true},
	{name: PKCS1SHA512, scheme: schemePKCS1, hash: crypto.SHA512, raw: true, digestLen: 64, approved: true},
	{name: ECDSASHA256, scheme: schemeECDSA, hash: crypto.SHA256, raw: true, digestLen: 32, approved: true},
	{name: ECDSASHA384, scheme: schemeECDSA, hash: crypto.SHA384, raw: true, digestLen: 48, approved: true},
	{name: ECDSASHA512, scheme: schemeECDSA, hash: crypto.SHA512, raw: true, digestLen: 64, approved: true},
	{name: Ed25519SHA512, scheme: schemeEd25519, hash: crypto.SHA512, raw: true, approved: true},
	{name: Ed25519PHSHA512, scheme: schemeEd25519ph, hash: crypto.SHA512, digestLen: 64, approved: true},
	{name: MLDSASHAKE256, scheme: schemeMLDSA, raw: true, muLen: 64},
	{name: SM2DSA, scheme: schemeSM2DSA, raw: true, digestLen: 32},

	{name: HMACSHA224, scheme: schemeHMAC, hash: crypto.SHA224, raw: true, approved: true},
	{name: HMACSHA256, scheme: schemeHMAC, hash: crypto.SHA256, raw: true, approved: true},
	{name: HMACSHA384, scheme: schemeHMAC, hash: crypto.SHA384, raw: true, approved: true},
	{name: HMACSHA512, scheme: schemeHMAC, hash: crypto.SHA512, raw: true, approved: true},

	{name: ECDH, scheme: schemeECDH, approved: true},
}

// lookupAlgorithm returns the row of a, or nil.
func lookupAlgorithm(a Algorithm) *algorithmInfo {
	for i := range algorithms {
		if algorithms[i].name == a {
			return &algorithms[i]
		}
	}
	return nil
}

// checkMessage refuses a message type the algorithm does not take, and a digest
// or representative of the wrong length.
func (a *algorithmInfo) checkMessage(t MessageType, message []byte) error {
	want := 0
	switch t {
	case Raw:
		if a.raw {
			return nil
		}
	case Digest:
		want = a.digestLen
	case ExternalMu:
		want = a.muLen
	}
	if want == 0 {
		return &MessageTypeError{Algorithm: a.name, MessageType: t}
	}
	if len(message) != want {
		return &DigestLengthError{Algorithm: a.name, MessageType: t, Want: want, Got: len(message)}
	}
	return nil
}

// digest returns the hash to be signed: of the message for RAW, the message
// itself for DIGEST.
func (a *algorithmInfo) digest(t MessageType, message []byte) []byte {
	if t != Raw {
		return message
	}
	h := a.hash.New()
	h.Write(message)
	return h.Sum(nil)
}
