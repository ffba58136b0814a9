package challenge

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// KeySize is the length of a key in bytes.
const KeySize = 32

// Key seals tokens and challenges.
type Key struct {
	// ID tells keys apart. It is not secret, and is not used again for another key.
	ID uint32
	// Secret has KeySize random bytes.
	Secret []byte
}

// purpose is what a sealed text is for; one is never taken for another.
type purpose byte

const (
	_ purpose = iota + 1 // tokens that say nothing of the browser
	forWork
	forPuzzle
	forToken
)

const (
	nonceSize  = 24
	headSize   = 1 + 4 // purpose, key
	tagSize    = 16
	maxPayload = 384
	// maxText bounds a sealed text, in characters.
	maxText = (headSize + nonceSize + maxPayload + tagSize + 2) / 3 * 4
)

// encoding is strict, so that a sealed text has one spelling.
var encoding = base64.RawURLEncoding.Strict()

var (
	errSealed = errors.New("challenge: not sealed by a key of this gate")
	errKeys   = errors.New("challenge: a gate needs keys of 32 bytes with IDs of their own")
)

// keys seal and open. The first one seals.
type keys struct {
	ids  []uint32
	keys []extended
}

func newKeys(from []Key) (*keys, error) {
	if len(from) == 0 || len(from) > 16 {
		return nil, errKeys
	}
	k := new(keys)
	for i := range from {
		for _, id := range k.ids {
			if id == from[i].ID {
				return nil, errKeys
			}
		}
		if len(from[i].Secret) != KeySize {
			return nil, errKeys
		}
		x, err := newExtended(from[i].Secret)
		if err != nil {
			return nil, err
		}
		k.ids, k.keys = append(k.ids, from[i].ID), append(k.keys, x)
	}
	return k, nil
}

// seal makes a text of at most maxText characters of a payload of at most maxPayload bytes.
func (k *keys) seal(random io.Reader, p purpose, payload []byte) (string, error) {
	if len(payload) > maxPayload {
		return "", fmt.Errorf("challenge: a payload of %d bytes", len(payload))
	}
	b := make([]byte, headSize+nonceSize, headSize+nonceSize+len(payload)+tagSize)
	b[0] = byte(p)
	binary.BigEndian.PutUint32(b[1:], k.ids[0])
	nonce := b[headSize:]
	if _, err := io.ReadFull(random, nonce); err != nil {
		return "", fmt.Errorf("challenge: no randomness: %w", err)
	}
	aead, err := k.keys[0].aead(nonce)
	if err != nil {
		return "", err
	}
	return encoding.EncodeToString(aead.Seal(b, nonce[12:], payload, b[:headSize])), nil
}

// open undoes seal.
func (k *keys) open(p purpose, text string) ([]byte, error) {
	if len(text) > maxText {
		return nil, errSealed
	}
	b, err := encoding.DecodeString(text)
	if err != nil || len(b) < headSize+nonceSize+tagSize || b[0] != byte(p) {
		return nil, errSealed
	}
	id := binary.BigEndian.Uint32(b[1:])
	for i := range k.ids {
		if k.ids[i] != id {
			continue
		}
		nonce := b[headSize : headSize+nonceSize]
		aead, err := k.keys[i].aead(nonce)
		if err != nil {
			return nil, err
		}
		payload, err := aead.Open(nil, nonce[12:], b[headSize+nonceSize:], b[:headSize])
		if err != nil {
			return nil, errSealed
		}
		return payload, nil
	}
	return nil, errSealed
}

// extended is a key of XAES-256-GCM (C2SP): AES-256-GCM whose key is derived from 96 bits of a random
// nonce of 192. Anybody can ask for challenges, so a key seals more texts than random nonces of
// 96 bits are good for.
type extended struct {
	block cipher.Block
	k1    [16]byte
}

func newExtended(secret []byte) (x extended, err error) {
	if x.block, err = aes.NewCipher(secret); err != nil {
		return x, err
	}
	x.block.Encrypt(x.k1[:], x.k1[:])
	carry := x.k1[0] >> 7
	for i := range 15 {
		x.k1[i] = x.k1[i]<<1 | x.k1[i+1]>>7
	}
	x.k1[15] = x.k1[15]<<1 ^ carry*0x87
	return x, nil
}

// aead is the AES-256-GCM of a nonce; the nonce's last 12 bytes are the nonce of that.
func (x *extended) aead(nonce []byte) (cipher.AEAD, error) {
	var derived [32]byte
	for i := range 2 {
		half := derived[16*i : 16*i+16]
		half[1], half[2] = byte(i+1), 'X'
		copy(half[4:], nonce[:12])
		subtle.XORBytes(half, half, x.k1[:])
		x.block.Encrypt(half, half)
	}
	block, err := aes.NewCipher(derived[:])
	clear(derived[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
