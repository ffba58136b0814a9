package encryptionsdk

import (
	"crypto"
	"crypto/elliptic"
	"fmt"
)

// SuiteID is the two-byte algorithm suite identifier of the message header.
type SuiteID uint16

// The algorithm suites of the AWS Encryption SDK (developer guide, "Algorithms reference").
const (
	SuiteAES128GCMIV12Tag16NoKDF               SuiteID = 0x0014
	SuiteAES192GCMIV12Tag16NoKDF               SuiteID = 0x0046
	SuiteAES256GCMIV12Tag16NoKDF               SuiteID = 0x0078
	SuiteAES128GCMIV12Tag16HKDFSHA256          SuiteID = 0x0114
	SuiteAES192GCMIV12Tag16HKDFSHA256          SuiteID = 0x0146
	SuiteAES256GCMIV12Tag16HKDFSHA256          SuiteID = 0x0178
	SuiteAES128GCMIV12Tag16HKDFSHA256ECDSAP256 SuiteID = 0x0214
	SuiteAES192GCMIV12Tag16HKDFSHA384ECDSAP384 SuiteID = 0x0346
	SuiteAES256GCMIV12Tag16HKDFSHA384ECDSAP384 SuiteID = 0x0378
	SuiteAES256GCMHKDFSHA512CommitKey          SuiteID = 0x0478
	SuiteAES256GCMHKDFSHA512CommitKeyECDSAP384 SuiteID = 0x0578
	defaultSuiteID                                     = SuiteAES256GCMHKDFSHA512CommitKeyECDSAP384
	defaultNonCommittingSuiteID                        = SuiteAES256GCMIV12Tag16HKDFSHA384ECDSAP384
)

// Suite describes one algorithm suite. Values are shared and never change.
type Suite struct {
	ID             SuiteID
	Name           string      // AWS's name, such as "AES_256_GCM_HKDF_SHA512_COMMIT_KEY"
	MessageVersion int         // 1 or 2: the message format that carries the suite
	DataKeyLen     int         // bytes of the data key and of the derived key: 16, 24 or 32
	KDFHash        crypto.Hash // hash of HKDF; 0 for the identity KDF
	Commits        bool        // the header carries a commitment to the data key
	SignatureHash  crypto.Hash // hash of the trailing ECDSA signature; 0 for suites that do not sign
}

// IVLen, TagLen and CommitKeyLen are the same in every suite that has them, in bytes.
const (
	IVLen        = 12
	TagLen       = 16
	CommitKeyLen = 32
)

var suites = []Suite{
	{SuiteAES128GCMIV12Tag16NoKDF, "AES_128_GCM_IV12_TAG16", 1, 16, 0, false, 0},
	{SuiteAES192GCMIV12Tag16NoKDF, "AES_192_GCM_IV12_TAG16", 1, 24, 0, false, 0},
	{SuiteAES256GCMIV12Tag16NoKDF, "AES_256_GCM_IV12_TAG16", 1, 32, 0, false, 0},
	{SuiteAES128GCMIV12Tag16HKDFSHA256, "AES_128_GCM_IV12_TAG16_HKDF_SHA256", 1, 16, crypto.SHA256, false, 0},
	{SuiteAES192GCMIV12Tag16HKDFSHA256, "AES_192_GCM_IV12_TAG16_HKDF_SHA256", 1, 24, crypto.SHA256, false, 0},
	{SuiteAES256GCMIV12Tag16HKDFSHA256, "AES_256_GCM_IV12_TAG16_HKDF_SHA256", 1, 32, crypto.SHA256, false, 0},
	{SuiteAES128GCMIV12Tag16HKDFSHA256ECDSAP256, "AES_128_GCM_IV12_TAG16_HKDF_SHA256_ECDSA_P256", 1, 16, crypto.SHA256, false, crypto.SHA256},
	{SuiteAES192GCMIV12Tag16HKDFSHA384ECDSAP384, "AES_192_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384", 1, 24, crypto.SHA384, false, crypto.SHA384},
	{SuiteAES256GCMIV12Tag16HKDFSHA384ECDSAP384, "AES_256_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384", 1, 32, crypto.SHA384, false, crypto.SHA384},
	{SuiteAES256GCMHKDFSHA512CommitKey, "AES_256_GCM_HKDF_SHA512_COMMIT_KEY", 2, 32, crypto.SHA512, true, 0},
	{SuiteAES256GCMHKDFSHA512CommitKeyECDSAP384, "AES_256_GCM_HKDF_SHA512_COMMIT_KEY_ECDSA_P384", 2, 32, crypto.SHA512, true, crypto.SHA384},
}

// Suite returns the description of id, or nil if no such suite exists.
func (id SuiteID) Suite() *Suite {
	for i := range suites {
		if suites[i].ID == id {
			return &suites[i]
		}
	}
	return nil
}

// String is AWS's name of the suite, or its number when there is no such suite.
func (id SuiteID) String() string {
	if s := id.Suite(); s != nil {
		return s.Name
	}
	return fmt.Sprintf("0x%04x", uint16(id))
}

// Signs says whether messages of the suite end with an ECDSA signature.
func (s *Suite) Signs() bool { return s.SignatureHash != 0 }

// Derives says whether message keys are derived from the data key: false for the identity
// KDF, whose data keys must never serve two messages.
func (s *Suite) Derives() bool { return s.KDFHash != 0 }

// Curve is the curve of the trailing signature, or nil for suites that do not sign.
func (s *Suite) Curve() elliptic.Curve {
	switch s.SignatureHash {
	case crypto.SHA256:
		return elliptic.P256()
	case crypto.SHA384:
		return elliptic.P384()
	}
	return nil
}
