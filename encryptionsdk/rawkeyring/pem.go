package rawkeyring

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"fastness/encryptionsdk"
)

// ParseRSAPublicKey reads an RSA public key: SubjectPublicKeyInfo or PKCS #1, in PEM or DER.
func ParseRSAPublicKey(data []byte) (*rsa.PublicKey, error) {
	der, _ := unarmor(data, "PUBLIC KEY")
	if key, err := x509.ParsePKCS1PublicKey(der); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("%w: RSA public key: %w", encryptionsdk.ErrOptions, err)
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: not an RSA public key but %T", encryptionsdk.ErrOptions, key)
	}
	return public, nil
}

// ParseRSAPrivateKey reads an unencrypted RSA private key: PKCS #8 or PKCS #1, in PEM or
// DER. The caller may wipe data afterwards.
func ParseRSAPrivateKey(data []byte) (*rsa.PrivateKey, error) {
	der, wipe := unarmor(data, "PRIVATE KEY")
	defer wipe()
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		// The parser's text could quote what it has read, which is secret.
		return nil, fmt.Errorf("%w: %w", encryptionsdk.ErrOptions, errNotPrivateKey)
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%w: not an RSA private key but %T", encryptionsdk.ErrOptions, key)
	}
	return private, nil
}

// ParseECDHPublicKey reads a public key on P-256, P-384 or P-521: SubjectPublicKeyInfo in
// PEM or DER.
func ParseECDHPublicKey(data []byte) (*ecdh.PublicKey, error) {
	der, _ := unarmor(data, "PUBLIC KEY")
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("%w: elliptic curve public key: %w", encryptionsdk.ErrOptions, err)
	}
	public, ok := key.(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: not an elliptic curve public key but %T", encryptionsdk.ErrOptions, key)
	}
	agree, err := public.ECDH()
	if err != nil {
		return nil, fmt.Errorf("%w: elliptic curve public key: %w", encryptionsdk.ErrOptions, err)
	}
	return agree, nil
}

// ParseECDHPrivateKey reads an unencrypted private key on P-256, P-384 or P-521: PKCS #8 or
// SEC 1, in PEM or DER. The caller may wipe data afterwards.
func ParseECDHPrivateKey(data []byte) (*ecdh.PrivateKey, error) {
	der, wipe := unarmor(data, "PRIVATE KEY")
	defer wipe()
	private, err := x509.ParseECPrivateKey(der)
	if err != nil {
		key, err := x509.ParsePKCS8PrivateKey(der)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", encryptionsdk.ErrOptions, errNotPrivateKey)
		}
		var ok bool
		if private, ok = key.(*ecdsa.PrivateKey); !ok {
			return nil, fmt.Errorf("%w: not an elliptic curve private key but %T", encryptionsdk.ErrOptions, key)
		}
	}
	agree, err := private.ECDH()
	if err != nil {
		return nil, fmt.Errorf("%w: elliptic curve private key: %w", encryptionsdk.ErrOptions, err)
	}
	return agree, nil
}

var errNotPrivateKey = errors.New("not a private key in PKCS #8, PKCS #1 or SEC 1 form")

// unarmor returns the content of the first PEM block of data whose type ends with kind, of
// the first block if none does, or data itself. (openssl puts the parameters of a curve in
// front of a private key.) wipe overwrites what was copied.
func unarmor(data []byte, kind string) (der []byte, wipe func()) {
	var blocks [][]byte
	wipe = func() {
		for _, b := range blocks {
			clear(b)
		}
	}
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		blocks = append(blocks, block.Bytes)
		if strings.HasSuffix(block.Type, kind) {
			return block.Bytes, wipe
		}
	}
	if len(blocks) > 0 {
		return blocks[0], wipe
	}
	return data, wipe
}
