package keyalg

import (
	"bytes"
	"encoding/asn1"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// The outer forms of keys, SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) and
// PrivateKeyInfo (RFC 5958 section 2), for all asymmetric specs. crypto/x509
// refuses secp256k1, SM2 and ML-DSA, and having one path for every spec means
// one set of checks.

// addAlgorithm writes the AlgorithmIdentifier of a spec.
func addAlgorithm(b *cryptobyte.Builder, row *specInfo) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(row.keyOID)
		switch {
		case row.curveOID != nil:
			b.AddASN1ObjectIdentifier(row.curveOID)
		case row.family == familyRSA:
			b.AddASN1NULL() // RFC 8017 appendix A.1 asks for it; the others ask for absence
		}
	})
}

// readAlgorithm reads an AlgorithmIdentifier and reports whether it is exactly
// that of the spec. Curves must be named: explicit parameters do not match.
func readAlgorithm(s *cryptobyte.String, row *specInfo) bool {
	var alg cryptobyte.String
	var key, curve asn1.ObjectIdentifier
	if !s.ReadASN1(&alg, cbasn1.SEQUENCE) || !alg.ReadASN1ObjectIdentifier(&key) || !key.Equal(row.keyOID) {
		return false
	}
	switch {
	case row.curveOID != nil:
		if !alg.ReadASN1ObjectIdentifier(&curve) || !curve.Equal(row.curveOID) {
			return false
		}
	case row.family == familyRSA:
		var null cryptobyte.String
		if !alg.ReadASN1(&null, cbasn1.NULL) || !null.Empty() {
			return false
		}
	}
	return alg.Empty()
}

func marshalSPKI(row *specInfo, bits []byte) []byte {
	b := cryptobyte.NewBuilder(make([]byte, 0, len(bits)+40))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addAlgorithm(b, row)
		b.AddASN1BitString(bits)
	})
	return b.BytesOrPanic() // fails only on nesting errors of this function
}

func parseSPKI(row *specInfo, der []byte) ([]byte, error) {
	var outer cryptobyte.String
	var bits []byte
	input := cryptobyte.String(der)
	if row.keyOID == nil || len(der) > MaxSPKI ||
		!input.ReadASN1(&outer, cbasn1.SEQUENCE) || !input.Empty() ||
		!readAlgorithm(&outer, row) ||
		!outer.ReadASN1BitStringAsBytes(&bits) || !outer.Empty() {
		return nil, fmt.Errorf("%s: %w", row.spec, ErrInvalidPublicKey)
	}
	return bits, nil
}

// marshalPKCS8 wraps the inner private key. The builder has room for all of it,
// so that no reallocation leaves a copy behind.
func marshalPKCS8(row *specInfo, inner []byte) []byte {
	b := cryptobyte.NewBuilder(make([]byte, 0, len(inner)+64))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		addAlgorithm(b, row)
		b.AddASN1OctetString(inner)
	})
	return b.BytesOrPanic() // fails only on nesting errors of this function
}

// parsePKCS8 returns the inner private key, which aliases der. Attributes and
// the public key of version 2 are skipped; a public key there carries no
// authority, since every family derives its own.
func parsePKCS8(row *specInfo, der []byte) ([]byte, error) {
	var outer, inner, skipped cryptobyte.String
	var version int
	input := cryptobyte.String(der)
	if !input.ReadASN1(&outer, cbasn1.SEQUENCE) || !input.Empty() ||
		!outer.ReadASN1Integer(&version) || version < 0 || version > 1 ||
		!readAlgorithm(&outer, row) ||
		!outer.ReadASN1(&inner, cbasn1.OCTET_STRING) {
		return nil, ErrInvalidMaterial
	}
	attributes := cbasn1.Tag(0).Constructed().ContextSpecific()
	publicKey := cbasn1.Tag(1).ContextSpecific()
	if !outer.SkipOptionalASN1(attributes) {
		return nil, ErrInvalidMaterial
	}
	if version == 1 && outer.PeekASN1Tag(publicKey) && !outer.ReadASN1(&skipped, publicKey) {
		return nil, ErrInvalidMaterial
	}
	if !outer.Empty() {
		return nil, ErrInvalidMaterial
	}
	return inner, nil
}

// marshalECPrivateKey writes the ECPrivateKey of RFC 5915. The scalar has the
// length of the curve's order; the point is uncompressed. The curve stands in
// the PKCS #8 algorithm and is not repeated.
func marshalECPrivateKey(scalar, point []byte) []byte {
	b := cryptobyte.NewBuilder(make([]byte, 0, len(scalar)+len(point)+32))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1OctetString(scalar)
		b.AddASN1(cbasn1.Tag(1).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
			b.AddASN1BitString(point)
		})
	})
	return b.BytesOrPanic() // fails only on nesting errors of this function
}

// parseECPrivateKey reads an ECPrivateKey and returns a new slice with the
// scalar, exactly size bytes, and the public point if one is present.
func parseECPrivateKey(row *specInfo, der []byte) (scalar, point []byte, err error) {
	var seq, key, params, pub cryptobyte.String
	var version int
	var hasParams, hasPub bool
	input := cryptobyte.String(der)
	if !input.ReadASN1(&seq, cbasn1.SEQUENCE) || !input.Empty() ||
		!seq.ReadASN1Integer(&version) || version != 1 ||
		!seq.ReadASN1(&key, cbasn1.OCTET_STRING) ||
		!seq.ReadOptionalASN1(&params, &hasParams, cbasn1.Tag(0).Constructed().ContextSpecific()) ||
		!seq.ReadOptionalASN1(&pub, &hasPub, cbasn1.Tag(1).Constructed().ContextSpecific()) ||
		!seq.Empty() {
		return nil, nil, ErrInvalidMaterial
	}
	if hasParams {
		var curve asn1.ObjectIdentifier
		if !params.ReadASN1ObjectIdentifier(&curve) || !params.Empty() || !curve.Equal(row.curveOID) {
			return nil, nil, ErrInvalidMaterial
		}
	}
	if hasPub && (!pub.ReadASN1BitStringAsBytes(&point) || !pub.Empty()) {
		return nil, nil, ErrInvalidMaterial
	}
	// RFC 5915 asks for a fixed length, but older writers strip leading zeros or
	// add one as in an INTEGER.
	for len(key) > row.size && key[0] == 0 {
		key = key[1:]
	}
	if len(key) == 0 || len(key) > row.size {
		return nil, nil, ErrInvalidMaterial
	}
	scalar = make([]byte, row.size)
	copy(scalar[row.size-len(key):], key)
	return scalar, point, nil
}

// samePoint reports whether claimed, the public point found inside a private
// key, is the key's own uncompressed point in any form of SEC 1: compressed,
// uncompressed or hybrid. No claim at all is fine.
func samePoint(claimed, own []byte) bool {
	if claimed == nil {
		return true
	}
	size := (len(own) - 1) / 2
	odd := own[len(own)-1] & 1
	switch {
	case len(claimed) == 1+size && claimed[0] == 2|odd:
		return bytes.Equal(claimed[1:], own[1:1+size])
	case len(claimed) == len(own) && (claimed[0] == 4 || claimed[0] == 6|odd):
		return bytes.Equal(claimed[1:], own[1:])
	}
	return false
}
