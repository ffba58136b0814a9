package encryptionsdk

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"hash"
)

// Labels of the key derivation of suites that commit (specification, framework/algorithm-suites.md).
const (
	deriveLabel = "DERIVEKEY"
	commitLabel = "COMMITKEY"
)

// messageKey is what a data key becomes for one message.
type messageKey struct {
	aead       cipher.AEAD
	commitment []byte // of suites that commit
}

func newHash(h crypto.Hash) func() hash.Hash {
	switch h {
	case crypto.SHA256:
		return sha256.New
	case crypto.SHA384:
		return sha512.New384
	}
	return sha512.New
}

// deriveMessageKey makes the key of the message with the given id. withoutID leaves the id out of
// the derivation, which is the fault of AWS's .NET library 4.0.0 in suites that do not commit.
func deriveMessageKey(s *Suite, dataKey, messageID []byte, withoutID bool) (*messageKey, error) {
	if len(dataKey) != s.DataKeyLen {
		return nil, fmt.Errorf("%w: data key of %d bytes for %s", ErrMaterials, len(dataKey), s.Name)
	}
	info := binary.BigEndian.AppendUint16(make([]byte, 0, 64), uint16(s.ID))
	k := &messageKey{}
	key := dataKey
	var err error
	switch {
	case s.Commits:
		var prk []byte
		if prk, err = hkdf.Extract(newHash(s.KDFHash), dataKey, messageID); err != nil {
			break
		}
		defer clear(prk)
		if key, err = hkdf.Expand(newHash(s.KDFHash), prk, string(append(info, deriveLabel...)), s.DataKeyLen); err != nil {
			break
		}
		defer clear(key)
		k.commitment, err = hkdf.Expand(newHash(s.KDFHash), prk, commitLabel, CommitKeyLen)
	case s.Derives():
		if !withoutID {
			info = append(info, messageID...)
		}
		// No salt stands for a salt of zeros (RFC 5869, section 2.2), as the suites want.
		if key, err = hkdf.Key(newHash(s.KDFHash), dataKey, nil, string(info), s.DataKeyLen); err == nil {
			defer clear(key)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("derive the message key: %w", err)
	}
	if k.aead, err = newAEAD(key); err != nil {
		return nil, err
	}
	return k, nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("message key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("message key: %w", err)
	}
	return aead, nil
}

// authenticate checks a header whose body is raw against the data key, and returns the
// message's key. required is the serialized context that the header does not store.
func authenticate(h *Header, raw, required, dataKey []byte, retry NetV400RetryPolicy) (*messageKey, error) {
	k, err := deriveMessageKey(h.Suite, dataKey, h.MessageID, false)
	if err != nil {
		return nil, err
	}
	if h.Suite.Commits && subtle.ConstantTimeCompare(k.commitment, h.Commitment) != 1 {
		return nil, ErrKeyCommitment
	}
	if k.opens(h, raw, required) {
		return k, nil
	}
	if retry == ForbidNetV400Retry {
		return nil, ErrHeaderAuthentication
	}
	// The .NET library 4.0.0 left the message id out of the derivation, and authenticated an
	// empty required context as a zero count instead of as nothing.
	if k, err = deriveMessageKey(h.Suite, dataKey, h.MessageID, true); err != nil {
		return nil, err
	}
	if len(required) == 0 {
		required = []byte{0, 0}
	}
	if k.opens(h, raw, required) {
		return k, nil
	}
	return nil, ErrHeaderAuthentication
}

// opens says whether the header's tag verifies.
func (k *messageKey) opens(h *Header, raw, required []byte) bool {
	iv := h.AuthIV
	if iv == nil {
		iv = make([]byte, IVLen)
	}
	aad := raw
	if len(required) > 0 {
		aad = append(append(make([]byte, 0, len(raw)+len(required)), raw...), required...)
	}
	_, err := k.aead.Open(nil, iv, h.AuthTag, aad)
	return err == nil
}

// seal makes the header's tag; the IV of headers is zero, which no frame has.
func (k *messageKey) seal(h *Header, raw, required []byte) {
	iv := make([]byte, IVLen)
	if h.Version == 1 {
		h.AuthIV = iv
	}
	aad := raw
	if len(required) > 0 {
		aad = append(append(make([]byte, 0, len(raw)+len(required)), raw...), required...)
	}
	h.AuthTag = k.aead.Seal(make([]byte, 0, TagLen), iv, nil, aad)
}
