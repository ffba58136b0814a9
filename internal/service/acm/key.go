package acm

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"fastness/internal/api/acmapi"
)

// newKey makes a private key of an algorithm.
func newKey(a acmapi.KeyAlgorithm) (crypto.Signer, error) {
	switch a {
	case acmapi.KeyAlgorithmRSA2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case acmapi.KeyAlgorithmECPrime256v1:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case acmapi.KeyAlgorithmECSecp384r1:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	}
	return nil, fmt.Errorf("acm: no keys of the algorithm %s are made", a)
}

// algorithmOf is the algorithm of a public key, "" if it is none that AWS knows.
func algorithmOf(key crypto.PublicKey) acmapi.KeyAlgorithm {
	switch k := key.(type) {
	case *rsa.PublicKey:
		switch k.N.BitLen() {
		case 1024:
			return acmapi.KeyAlgorithmRSA1024
		case 2048:
			return acmapi.KeyAlgorithmRSA2048
		case 3072:
			return acmapi.KeyAlgorithmRSA3072
		case 4096:
			return acmapi.KeyAlgorithmRSA4096
		}
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return acmapi.KeyAlgorithmECPrime256v1
		case elliptic.P384():
			return acmapi.KeyAlgorithmECSecp384r1
		case elliptic.P521():
			return acmapi.KeyAlgorithmECSecp521r1
		}
	}
	return ""
}

var errKey = errors.New("acm: not a private key")

// parseKey reads a private key in PEM: PKCS #8, PKCS #1 or SEC 1, not encrypted.
func parseKey(text []byte) (crypto.Signer, error) {
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			return nil, errKey
		}
		var key any
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case "EC PARAMETERS": // before the key that openssl writes
			text = rest
			continue
		default:
			return nil, errKey
		}
		clear(block.Bytes)
		signer, ok := key.(crypto.Signer)
		if err != nil || !ok {
			return nil, errKey
		}
		return signer, nil
	}
}

// encodeKey writes a private key as PEM.
func encodeKey(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}
