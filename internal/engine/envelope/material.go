package envelope

import (
	"crypto/hmac"
	"crypto/sha256"
)

// labelMaterialID separates material ids from message keys.
const labelMaterialID = "KMS-MATERIAL-ID-1"

// MaterialID returns the id of key material under a KMS key: a function of both
// and of nothing else, so that material imported a second time is recognized, and
// the replicas of a multi-Region key agree. The key material is the input key of
// the derivation, so the id tells nothing about it; two KMS keys that share
// material have different ids.
//
// Material of any kind and length is accepted: it is hashed first. AWS shows the
// id as 64 hexadecimal digits.
func MaterialID(keyID string, material []byte) [MaterialIDSize]byte {
	var key [sha256.Size]byte
	defer clear(key[:])
	h := sha256.New()
	h.Write(material)
	h.Sum(key[:0])
	// The hash still holds what it has not yet put through: the end of the material.
	var zeros [sha256.BlockSize]byte
	h.Write(zeros[:])
	var id [MaterialIDSize]byte
	fixed := appendFixedInput(nil, labelMaterialID, []byte(keyID), len(id))
	counterKDF(hmac.New(sha256.New, key[:]), id[:], fixed)
	return id
}
