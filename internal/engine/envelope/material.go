package envelope

import (
	"crypto/hmac"
	"crypto/sha256"
	"runtime"
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
	overwriteStack() // room for what follows, so that it does not move
	h := sha256.New()
	h.Write(material)
	h.Sum(key[:0])
	// The hash still holds what it has not yet put through, the end of the material, and
	// Sum left a copy of that on the stack.
	var zeros [sha256.BlockSize]byte
	h.Write(zeros[:])
	overwriteStack()
	var id [MaterialIDSize]byte
	input := appendFixedInput(nil, labelMaterialID, []byte(keyID), len(id))
	// The only error of a PRF is a destroyed key.
	_ = counterKDF(localPRF(key[:]), id[:], input)
	return id
}

// localPRF is HMAC-SHA-256 under a key that is gone in a moment.
type localPRF []byte

// Sum implements PRF.
func (p localPRF) Sum(dst, message []byte) ([]byte, error) {
	h := hmac.New(sha256.New, p)
	h.Write(message)
	return h.Sum(dst), nil
}

// Destroy implements PRF.
func (p localPRF) Destroy() { clear(p) }

// overwriteStack overwrites what functions that have returned left on the stack.
//
//go:noinline
func overwriteStack() {
	var b [1024]byte
	clear(b[:])
	runtime.KeepAlive(&b)
}
