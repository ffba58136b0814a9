package keyalg

import (
	"crypto/rand"
	"fmt"
)

// MaxMaterial bounds key material that this package reads, in bytes. The longest
// it writes, an RSA_4096 PKCS #8, has about 2400.
const MaxMaterial = 8192

// Generate makes a new key of spec s from the system's random source. RSA takes
// from tens of milliseconds to seconds; see the keypool engine.
func Generate(s Spec) (*Key, error) {
	row := lookup(s)
	if row == nil {
		return nil, fmt.Errorf("%q: %w", s, ErrUnknownSpec)
	}
	if err := checkSpecApproved(row); err != nil {
		return nil, err
	}
	impl, err := generate(row)
	if err != nil {
		return nil, fmt.Errorf("generate %s: %w", s, err)
	}
	return newKey(row, impl), nil
}

func generate(row *specInfo) (secret, error) {
	switch row.family {
	case familySymmetric, familyHMAC:
		b := make([]byte, row.size)
		rand.Read(b)
		return &bareKey{bytes: b}, nil
	case familyRSA:
		return generateRSA(row)
	case familyNIST:
		return generateNIST(row)
	case familySecp256k1:
		return generateSecp256k1()
	case familyEd25519:
		return generateEd25519()
	case familyMLDSA:
		return generateMLDSA(row)
	case familySM2:
		return generateSM2()
	}
	return nil, ErrUnknownSpec
}

// ParseMaterial reads what Key.Material wrote: DER PKCS #8 for asymmetric specs,
// the bare bytes for HMAC and symmetric ones. It copies what it keeps; the caller
// wipes material. Everything that is not a key of exactly this spec is
// ErrInvalidMaterial: another algorithm or curve, a modulus of another length or
// that is not the product of the two primes, a public point or exponent that does
// not fit, explicit curve parameters, trailing data.
func ParseMaterial(s Spec, material []byte) (*Key, error) {
	row := lookup(s)
	if row == nil {
		return nil, fmt.Errorf("%q: %w", s, ErrUnknownSpec)
	}
	if err := checkSpecApproved(row); err != nil {
		return nil, err
	}
	if len(material) > MaxMaterial {
		return nil, fmt.Errorf("%s: more than %d bytes: %w", s, MaxMaterial, ErrInvalidMaterial)
	}
	impl, err := parseMaterial(row, material)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s, ErrInvalidMaterial)
	}
	return newKey(row, impl), nil
}

// ImportMaterial reads key material that a customer brings. It is ParseMaterial
// with the checks that only a stranger's key needs: the spec must be importable
// (else ErrUnsupportedAlgorithm) and the factors of an RSA modulus prime. It can
// take half a second for RSA_4096.
func ImportMaterial(s Spec, material []byte) (*Key, error) {
	if s.Known() && !s.Importable() {
		return nil, fmt.Errorf("import key spec %s: %w", s, ErrUnsupportedAlgorithm)
	}
	k, err := ParseMaterial(s, material)
	if err != nil {
		return nil, err
	}
	if v, ok := k.impl.(interface{ vet() error }); ok {
		if err := v.vet(); err != nil {
			k.Destroy()
			return nil, fmt.Errorf("%s: %w", s, err)
		}
	}
	return k, nil
}

// ParsePKCS8 is ParseMaterial for asymmetric specs only.
func ParsePKCS8(s Spec, der []byte) (*Key, error) {
	if !s.Asymmetric() {
		return nil, fmt.Errorf("%q has no PKCS #8 form: %w", s, ErrUnknownSpec)
	}
	return ParseMaterial(s, der)
}

func parseMaterial(row *specInfo, material []byte) (secret, error) {
	switch row.family {
	case familySymmetric, familyHMAC:
		return parseBareKey(row, material)
	}
	inner, err := parsePKCS8(row, material)
	if err != nil {
		return nil, err
	}
	switch row.family {
	case familyRSA:
		return parseRSA(row, inner)
	case familyNIST:
		return parseNIST(row, inner)
	case familySecp256k1:
		return parseSecp256k1(row, inner)
	case familyEd25519:
		return parseEd25519(inner)
	case familyMLDSA:
		return parseMLDSA(row, inner)
	case familySM2:
		return parseSM2(row, inner)
	}
	return nil, ErrInvalidMaterial
}

func parsePublic(row *specInfo, spki []byte) (publicHalf, error) {
	bits, err := parseSPKI(row, spki)
	if err != nil {
		return nil, err
	}
	var impl publicHalf
	switch row.family {
	case familyRSA:
		impl, err = parseRSAPublic(row, bits)
	case familyNIST:
		impl, err = parseNISTPublic(row, bits)
	case familySecp256k1:
		impl, err = parseSecp256k1Public(bits)
	case familyEd25519:
		impl, err = parseEd25519Public(bits)
	case familyMLDSA:
		impl, err = parseMLDSAPublic(row, bits)
	case familySM2:
		impl, err = parseSM2Public(bits)
	default:
		err = ErrInvalidPublicKey
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", row.spec, ErrInvalidPublicKey)
	}
	return impl, nil
}
