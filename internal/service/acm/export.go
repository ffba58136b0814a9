package acm

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"

	"fastness/internal/api/acmapi"
)

// The object identifiers of PBES2 with PBKDF2, HMAC-SHA-256 and AES-256-CBC (RFC 8018 §6.2,
// appendix A).
var (
	oidPBES2      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidHMACSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidAES256CBC  = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
)

// iterations of PBKDF2: OWASP's recommendation for HMAC-SHA-256.
const iterations = 600_000

type pbkdf2Params struct {
	Salt       []byte
	Iterations int
	PRF        pkix.AlgorithmIdentifier
}

type pbes2Params struct {
	KDF, Cipher pkix.AlgorithmIdentifier
}

type encryptedPrivateKeyInfo struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

func algorithm(oid asn1.ObjectIdentifier, parameters any) (a pkix.AlgorithmIdentifier, err error) {
	der, err := asn1.Marshal(parameters)
	return pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.RawValue{FullBytes: der}}, err
}

// encryptKey encrypts a private key (PKCS #8 in DER) under a passphrase, as an EncryptedPrivateKeyInfo
// (RFC 5958) in PEM.
func encryptKey(der, passphrase []byte) ([]byte, error) {
	salt, iv := make([]byte, 16), make([]byte, aes.BlockSize)
	_, _ = rand.Read(salt) // never fails
	_, _ = rand.Read(iv)
	key, err := pbkdf2.Key(sha256.New, string(passphrase), salt, iterations, 32)
	if err != nil {
		return nil, fmt.Errorf("acm: derive a key: %w", err)
	}
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("acm: %w", err)
	}
	pad := aes.BlockSize - len(der)%aes.BlockSize
	data := make([]byte, len(der)+pad)
	copy(data, der)
	for i := len(der); i < len(data); i++ {
		data[i] = byte(pad)
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)
	kdf, err := algorithm(oidPBKDF2, pbkdf2Params{salt, iterations, pkix.AlgorithmIdentifier{Algorithm: oidHMACSHA256, Parameters: asn1.NullRawValue}})
	if err != nil {
		return nil, fmt.Errorf("acm: %w", err)
	}
	enc, err := algorithm(oidAES256CBC, iv)
	if err != nil {
		return nil, fmt.Errorf("acm: %w", err)
	}
	scheme, err := algorithm(oidPBES2, pbes2Params{kdf, enc})
	if err != nil {
		return nil, fmt.Errorf("acm: %w", err)
	}
	out, err := asn1.Marshal(encryptedPrivateKeyInfo{scheme, data})
	if err != nil {
		return nil, fmt.Errorf("acm: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: out}), nil
}

// ExportCertificate implements the operation of that name, for requested certificates that may be
// exported.
func (s *Service) ExportCertificate(ctx context.Context, in *acmapi.ExportCertificateRequest) (*acmapi.ExportCertificateResponse, error) {
	_, t, err := targetOf(ctx)
	if err != nil {
		return nil, err
	}
	r := t.record
	switch {
	case r == nil:
		return nil, notFound(t.arn)
	case r.Export != acmapi.CertificateExportEnabled:
		return nil, invalid(fmt.Sprintf("Certificate %s is not exportable.", t.arn))
	}
	key, err := encryptKey(r.Key, in.Passphrase)
	if err != nil {
		return nil, err
	}
	return &acmapi.ExportCertificateResponse{Certificate: &r.Certificate, CertificateChain: some(r.Chain), PrivateKey: new(string(key))}, nil
}
