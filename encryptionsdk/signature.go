package encryptionsdk

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
)

// signatureLen is the length of signatures that AWS's libraries write, in bytes: the DER
// encoding whose two integers have one sign byte together.
func signatureLen(c elliptic.Curve) int {
	return 7 + 2*((c.Params().BitSize+7)/8)
}

// newSigningKey makes the key pair of one message.
func newSigningKey(s *Suite) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(s.Curve(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate the signing key: %w", err)
	}
	return key, nil
}

// encodePublicKey is the value of SignatureContextKey for a key.
func encodePublicKey(k *ecdsa.PublicKey) (string, error) {
	point, err := k.Bytes()
	if err != nil {
		return "", fmt.Errorf("encode the public key: %w", err)
	}
	n := (len(point) - 1) / 2
	compressed := append([]byte{2 + point[2*n]&1}, point[1:1+n]...)
	return base64.StdEncoding.EncodeToString(compressed), nil
}

// decodePublicKey reads the value of SignatureContextKey.
func decodePublicKey(c elliptic.Curve, value string) (*ecdsa.PublicKey, error) {
	compressed, err := base64.StdEncoding.Strict().DecodeString(value)
	if err != nil || strings.ContainsAny(value, "\r\n") { // which the decoder skips
		return nil, fmt.Errorf("%w: public key is not base64", ErrSignature)
	}
	x, y := elliptic.UnmarshalCompressed(c, compressed)
	if x == nil {
		return nil, fmt.Errorf("%w: public key is not a compressed point of %s", ErrSignature, c.Params().Name)
	}
	size := (c.Params().BitSize + 7) / 8
	point := make([]byte, 1+2*size)
	point[0] = 4
	x.FillBytes(point[1 : 1+size])
	y.FillBytes(point[1+size:])
	key, err := ecdsa.ParseUncompressedPublicKey(c, point)
	if err != nil {
		return nil, fmt.Errorf("%w: public key: %w", ErrSignature, err)
	}
	return key, nil
}

type ecdsaSignature struct{ R, S *big.Int }

// sign makes a signature of the fixed length that AWS's libraries write. With (r, s) also
// (r, n−s) is a signature, and one of the two has the wanted length unless r is short,
// which happens once in 128 times and is answered by another try.
func sign(key *ecdsa.PrivateKey, digest []byte) ([]byte, error) {
	want := signatureLen(key.Curve)
	for range 64 {
		der, err := ecdsa.SignASN1(rand.Reader, key, digest)
		if err != nil {
			return nil, fmt.Errorf("sign the message: %w", err)
		}
		if len(der) == want {
			return der, nil
		}
		var sig ecdsaSignature
		if _, err := asn1.Unmarshal(der, &sig); err != nil {
			return nil, fmt.Errorf("sign the message: %w", err)
		}
		sig.S.Sub(key.Params().N, sig.S)
		if der, err = asn1.Marshal(sig); err != nil {
			return nil, fmt.Errorf("sign the message: %w", err)
		}
		if len(der) == want {
			return der, nil
		}
	}
	return nil, fmt.Errorf("%w: no signature of %d bytes in 64 tries", ErrSignature, want)
}
