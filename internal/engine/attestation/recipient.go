package attestation

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
)

// MaxRecipientPlaintextBytes bounds what EncryptForRecipient takes. The longest
// plaintext of a KMS answer, a PKCS#8 RSA-4096 private key, has about 2,400 bytes.
const MaxRecipientPlaintextBytes = 65_536

// EncryptForRecipient seals plaintext for the holder of pub: a CMS ContentInfo
// with EnvelopedData version 2 (RFC 5652, section 6), one KeyTransRecipientInfo
// naming pub by SHA-256 of its SubjectPublicKeyInfo, RSAES-OAEP with SHA-256 and
// MGF1-SHA-256 and an empty label (RFC 4055), AES-256-CBC content (RFC 3565). The
// result is BER with indefinite outer lengths, byte for byte the shape AWS KMS
// returns in CiphertextForRecipient.
//
// pub must have 2,048 to 4,096 bits and plaintext 1 to 65,536 bytes. Errors wrap
// ErrRecipient. The plaintext is not retained.
func EncryptForRecipient(pub *rsa.PublicKey, plaintext []byte) (cms []byte, err error) {
	if pub == nil {
		return nil, fmt.Errorf("%w: the attestation document has no public key", ErrRecipient)
	}
	if err := checkRecipientKey(pub); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRecipient, err)
	}
	if n := len(plaintext); n == 0 || n > MaxRecipientPlaintextBytes {
		return nil, fmt.Errorf("%w: plaintext of %d bytes, want 1 to %d", ErrRecipient, n, MaxRecipientPlaintextBytes)
	}
	spki, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("%w: encode public key: %w", ErrRecipient, err)
	}
	contentKey := make([]byte, 32)
	defer clear(contentKey)
	iv := make([]byte, aes.BlockSize)
	rand.Read(contentKey) // crypto/rand never fails: it ends the process instead
	rand.Read(iv)

	block, err := aes.NewCipher(contentKey)
	if err != nil {
		return nil, fmt.Errorf("%w: content cipher: %w", ErrRecipient, err)
	}
	content := padPKCS7(plaintext)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(content, content)

	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, pub, contentKey, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: wrap content key: %w", ErrRecipient, err)
	}
	keyID := sha256.Sum256(spki)
	cms, err = envelope(keyID[:], wrapped, iv, content)
	if err != nil {
		return nil, fmt.Errorf("%w: encode: %w", ErrRecipient, err)
	}
	return cms, nil
}

func checkRecipientKey(pub *rsa.PublicKey) error {
	if n := pub.N.BitLen(); n < MinRecipientKeyBits || n > MaxRecipientKeyBits {
		return fmt.Errorf("RSA key of %d bits, want %d to %d", n, MinRecipientKeyBits, MaxRecipientKeyBits)
	}
	return nil
}

// padPKCS7 returns a padded copy of p (RFC 5652, section 6.3).
func padPKCS7(p []byte) []byte {
	pad := aes.BlockSize - len(p)%aes.BlockSize
	out := make([]byte, len(p)+pad)
	copy(out, p)
	for i := len(p); i < len(out); i++ {
		out[i] = byte(pad)
	}
	return out
}

var (
	oidEnvelopedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 3}
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidRSAESOAEP     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 7}
	oidMGF1          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}
	oidSHA256        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidAES256CBC     = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
)

// algorithmNull is an AlgorithmIdentifier whose parameters are NULL.
type algorithmNull struct {
	Algorithm  asn1.ObjectIdentifier
	Parameters asn1.RawValue
}

type maskGenAlgorithm struct {
	Algorithm  asn1.ObjectIdentifier
	Parameters algorithmNull
}

// oaepParameters is RSAES-OAEP-params of RFC 4055, section 4.1, without a label.
type oaepParameters struct {
	Hash    algorithmNull    `asn1:"explicit,tag:0"`
	MaskGen maskGenAlgorithm `asn1:"explicit,tag:1"`
}

type oaepAlgorithm struct {
	Algorithm  asn1.ObjectIdentifier
	Parameters oaepParameters
}

// keyTransRecipient is KeyTransRecipientInfo with the subjectKeyIdentifier choice,
// which makes its version 2.
type keyTransRecipient struct {
	Version      int
	KeyID        []byte `asn1:"tag:0"`
	Algorithm    oaepAlgorithm
	EncryptedKey []byte
}

type contentAlgorithm struct {
	Algorithm asn1.ObjectIdentifier
	IV        []byte
}

// Header bytes of BER constructions with indefinite length (X.690, section 8.1.3.6).
var (
	berSequence  = []byte{0x30, 0x80}
	berContext0  = []byte{0xa0, 0x80}
	berEndOfData = []byte{0x00, 0x00}
)

// envelope writes the ContentInfo. encoding/asn1 writes DER only, so the outer,
// indefinite-length layers are laid down by hand around DER parts.
func envelope(keyID, wrappedKey, iv, content []byte) ([]byte, error) {
	sha256ID := algorithmNull{oidSHA256, asn1.NullRawValue}
	recipients := []keyTransRecipient{{
		Version: 2,
		KeyID:   keyID,
		Algorithm: oaepAlgorithm{oidRSAESOAEP, oaepParameters{
			Hash:    sha256ID,
			MaskGen: maskGenAlgorithm{oidMGF1, sha256ID},
		}},
		EncryptedKey: wrappedKey,
	}}
	var out []byte
	var err error
	der := func(value any, params string) {
		var b []byte
		if err == nil {
			b, err = asn1.MarshalWithParams(value, params)
			out = append(out, b...)
		}
	}
	raw := func(parts ...[]byte) {
		for _, p := range parts {
			out = append(out, p...)
		}
	}
	raw(berSequence) // ContentInfo
	der(oidEnvelopedData, "")
	raw(berContext0, berSequence) // EnvelopedData
	der(2, "")
	der(recipients, "set")
	raw(berSequence) // EncryptedContentInfo
	der(oidData, "")
	der(contentAlgorithm{oidAES256CBC, iv}, "")
	raw(berContext0)
	der(content, "") // one segment of the constructed octet string
	raw(berEndOfData, berEndOfData, berEndOfData, berEndOfData, berEndOfData)
	if err != nil {
		return nil, err
	}
	return out, nil
}
