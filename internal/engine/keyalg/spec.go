package keyalg

import (
	"encoding/asn1"
	"slices"
)

// Spec is the name AWS gives a key spec, for example RSA_2048.
type Spec string

// The key specs of AWS KMS.
const (
	SymmetricDefault Spec = "SYMMETRIC_DEFAULT"
	RSA2048          Spec = "RSA_2048"
	RSA3072          Spec = "RSA_3072"
	RSA4096          Spec = "RSA_4096"
	P256             Spec = "ECC_NIST_P256"
	P384             Spec = "ECC_NIST_P384"
	P521             Spec = "ECC_NIST_P521"
	Secp256k1        Spec = "ECC_SECG_P256K1"
	Edwards25519     Spec = "ECC_NIST_EDWARDS25519"
	HMAC224          Spec = "HMAC_224"
	HMAC256          Spec = "HMAC_256"
	HMAC384          Spec = "HMAC_384"
	HMAC512          Spec = "HMAC_512"
	MLDSA44          Spec = "ML_DSA_44"
	MLDSA65          Spec = "ML_DSA_65"
	MLDSA87          Spec = "ML_DSA_87"
	SM2              Spec = "SM2"
)

// Usage is the name AWS gives a key usage.
type Usage string

// The key usages of AWS KMS. A KMS key has exactly one.
const (
	EncryptDecrypt    Usage = "ENCRYPT_DECRYPT"
	SignVerify        Usage = "SIGN_VERIFY"
	GenerateVerifyMAC Usage = "GENERATE_VERIFY_MAC"
	KeyAgreement      Usage = "KEY_AGREEMENT"
)

// family names the code that implements a spec.
type family uint8

const (
	familySymmetric family = iota + 1
	familyRSA
	familyNIST
	familySecp256k1
	familyEd25519
	familyHMAC
	familyMLDSA
	familySM2
)

// specInfo is one row of the table of key specs.
type specInfo struct {
	spec   Spec
	family family

	// size is in bytes: of the modulus (RSA), of a coordinate (elliptic
	// curves), of generated material (HMAC, symmetric), of the seed (ML-DSA).
	size int
	// maxSize is the longest material an import may bring, in bytes. Zero means
	// the length is fixed or decided by the DER form.
	maxSize int

	sign    []Algorithm
	encrypt []Algorithm
	mac     []Algorithm
	agree   []Algorithm

	dataKeyPair bool // GenerateDataKeyPair accepts it
	importable  bool // ImportKeyMaterial accepts it
	approved    bool // inside the Go FIPS 140-3 module

	keyOID   asn1.ObjectIdentifier // algorithm of SubjectPublicKeyInfo and PKCS #8
	curveOID asn1.ObjectIdentifier // its parameter, for elliptic curves
}

// Object identifiers: RFC 8017, RFC 5480, SEC 2, RFC 8410, RFC 9881, GM/T 0006.
var (
	oidRSA     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidEC      = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidEd25519 = asn1.ObjectIdentifier{1, 3, 101, 112}
	oidMLDSA44 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 17}
	oidMLDSA65 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 18}
	oidMLDSA87 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3, 19}

	oidP256      = asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}
	oidP384      = asn1.ObjectIdentifier{1, 3, 132, 0, 34}
	oidP521      = asn1.ObjectIdentifier{1, 3, 132, 0, 35}
	oidSecp256k1 = asn1.ObjectIdentifier{1, 3, 132, 0, 10}
	oidSM2       = asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 301}
)

var rsaSigning = []Algorithm{
	PSSSHA256, PSSSHA384, PSSSHA512, PKCS1SHA256, PKCS1SHA384, PKCS1SHA512,
}

var rsaEncryption = []Algorithm{OAEPSHA1, OAEPSHA256}

// specs is the table of key specs. Sources: AWS KMS developer guide, "Key spec
// reference"; API reference, GenerateDataKeyPair; "Requirements for imported key
// material" (HMAC keys up to 1024 bits, no import of ML-DSA).
var specs = []specInfo{
	{spec: SymmetricDefault, family: familySymmetric, size: 32, importable: true, approved: true,
		encrypt: []Algorithm{SymmetricAlgorithm}},

	{spec: RSA2048, family: familyRSA, size: 256, dataKeyPair: true, importable: true, approved: true,
		sign: rsaSigning, encrypt: rsaEncryption, keyOID: oidRSA},
	{spec: RSA3072, family: familyRSA, size: 384, dataKeyPair: true, importable: true, approved: true,
		sign: rsaSigning, encrypt: rsaEncryption, keyOID: oidRSA},
	{spec: RSA4096, family: familyRSA, size: 512, dataKeyPair: true, importable: true, approved: true,
		sign: rsaSigning, encrypt: rsaEncryption, keyOID: oidRSA},

	{spec: P256, family: familyNIST, size: 32, dataKeyPair: true, importable: true, approved: true,
		sign: []Algorithm{ECDSASHA256}, agree: []Algorithm{ECDH}, keyOID: oidEC, curveOID: oidP256},
	{spec: P384, family: familyNIST, size: 48, dataKeyPair: true, importable: true, approved: true,
		sign: []Algorithm{ECDSASHA384}, agree: []Algorithm{ECDH}, keyOID: oidEC, curveOID: oidP384},
	{spec: P521, family: familyNIST, size: 66, dataKeyPair: true, importable: true, approved: true,
		sign: []Algorithm{ECDSASHA512}, agree: []Algorithm{ECDH}, keyOID: oidEC, curveOID: oidP521},
	{spec: Secp256k1, family: familySecp256k1, size: 32, dataKeyPair: true, importable: true,
		sign: []Algorithm{ECDSASHA256}, keyOID: oidEC, curveOID: oidSecp256k1},
	{spec: Edwards25519, family: familyEd25519, size: 32, dataKeyPair: true, importable: true, approved: true,
		sign: []Algorithm{Ed25519SHA512, Ed25519PHSHA512}, keyOID: oidEd25519},

	{spec: HMAC224, family: familyHMAC, size: 28, maxSize: 128, importable: true, approved: true,
		mac: []Algorithm{HMACSHA224}},
	{spec: HMAC256, family: familyHMAC, size: 32, maxSize: 128, importable: true, approved: true,
		mac: []Algorithm{HMACSHA256}},
	{spec: HMAC384, family: familyHMAC, size: 48, maxSize: 128, importable: true, approved: true,
		mac: []Algorithm{HMACSHA384}},
	{spec: HMAC512, family: familyHMAC, size: 64, maxSize: 128, importable: true, approved: true,
		mac: []Algorithm{HMACSHA512}},

	{spec: MLDSA44, family: familyMLDSA, size: 32, sign: []Algorithm{MLDSASHAKE256}, keyOID: oidMLDSA44},
	{spec: MLDSA65, family: familyMLDSA, size: 32, sign: []Algorithm{MLDSASHAKE256}, keyOID: oidMLDSA65},
	{spec: MLDSA87, family: familyMLDSA, size: 32, sign: []Algorithm{MLDSASHAKE256}, keyOID: oidMLDSA87},

	{spec: SM2, family: familySM2, size: 32, dataKeyPair: true, importable: true,
		sign: []Algorithm{SM2DSA}, encrypt: []Algorithm{SM2PKE}, agree: []Algorithm{ECDH},
		keyOID: oidEC, curveOID: oidSM2},
}

// lookup returns the row of s, or nil.
func lookup(s Spec) *specInfo {
	for i := range specs {
		if specs[i].spec == s {
			return &specs[i]
		}
	}
	return nil
}

// Specs returns every key spec, in the order of AWS's documentation.
func Specs() []Spec {
	names := make([]Spec, len(specs))
	for i := range specs {
		names[i] = specs[i].spec
	}
	return names
}

// Known reports whether s is a key spec of AWS KMS.
func (s Spec) Known() bool { return lookup(s) != nil }

// Usages returns the key usages s can have; the first is what CreateKey assumes
// for specs that leave no choice. It is nil for an unknown spec.
func (s Spec) Usages() []Usage {
	row := lookup(s)
	if row == nil {
		return nil
	}
	var usages []Usage
	if row.encrypt != nil {
		usages = append(usages, EncryptDecrypt)
	}
	if row.sign != nil {
		usages = append(usages, SignVerify)
	}
	if row.mac != nil {
		usages = append(usages, GenerateVerifyMAC)
	}
	if row.agree != nil {
		usages = append(usages, KeyAgreement)
	}
	return usages
}

// Algorithms returns the algorithms of s under the given usage, in the order
// DescribeKey shows them. It is nil when s cannot have that usage. The slice
// belongs to the caller.
func (s Spec) Algorithms(u Usage) []Algorithm {
	row := lookup(s)
	if row == nil {
		return nil
	}
	return slices.Clone(row.algorithms(u))
}

// Supports reports whether a is among the algorithms of the spec under usage u.
func (s Spec) Supports(u Usage, a Algorithm) bool {
	row := lookup(s)
	return row != nil && slices.Contains(row.algorithms(u), a)
}

func (row *specInfo) algorithms(u Usage) []Algorithm {
	switch u {
	case EncryptDecrypt:
		return row.encrypt
	case SignVerify:
		return row.sign
	case GenerateVerifyMAC:
		return row.mac
	case KeyAgreement:
		return row.agree
	}
	return nil
}

// Asymmetric reports whether s has a public key.
func (s Spec) Asymmetric() bool {
	row := lookup(s)
	return row != nil && row.keyOID != nil
}

// DataKeyPair reports whether GenerateDataKeyPair can make a pair of spec s.
func (s Spec) DataKeyPair() bool {
	row := lookup(s)
	return row != nil && row.dataKeyPair
}

// Importable reports whether ImportKeyMaterial accepts material of spec s.
func (s Spec) Importable() bool {
	row := lookup(s)
	return row != nil && row.importable
}

// MaxPlaintext returns the longest plaintext, in bytes, that one Encrypt call
// takes under spec s and algorithm a, and false when the pair cannot encrypt.
// SYMMETRIC_DEFAULT takes 4096 (AWS KMS API reference, Encrypt); it is not
// encrypted here but by the envelope engine.
func MaxPlaintext(s Spec, a Algorithm) (int, bool) {
	row, alg := lookup(s), lookupAlgorithm(a)
	if row == nil || alg == nil || !slices.Contains(row.encrypt, a) {
		return 0, false
	}
	switch alg.scheme {
	case schemeOAEP:
		// RFC 8017 section 7.1.1: k - 2 hLen - 2.
		return row.size - 2*alg.hash.Size() - 2, true
	case schemeSM2PKE:
		return maxSM2Plaintext, true
	default:
		return maxSymmetricPlaintext, true
	}
}

const (
	maxSymmetricPlaintext = 4096
	maxSM2Plaintext       = 1024
)
