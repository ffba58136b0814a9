package keywrap

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
)

// MaxKey is the longest key that is wrapped or unwrapped, in bytes.
const MaxKey = 8192

const semiblock = 8

var (
	// ErrUnwrap: the wrapped key does not open. It never says why.
	ErrUnwrap = errors.New("wrapped key does not open")
	// ErrLength: a key that the wrap does not take, or a key-encryption key
	// that is not an AES key.
	ErrLength = errors.New("key has a length that cannot be wrapped")
)

// The initial values of RFC 3394 section 2.2.3.1 and RFC 5649 section 3.
const (
	initialValue    uint64 = 0xa6a6a6a6a6a6a6a6
	paddedInitValue uint64 = 0xa65959a600000000 // the low half takes the length
)

// Wrap wraps a key of a multiple of 8 bytes, at least 16, with AES key wrap (RFC
// 3394). kek is an AES key.
func Wrap(kek, key []byte) ([]byte, error) {
	block, err := newBlock(kek)
	if err != nil {
		return nil, err
	}
	if len(key) < 2*semiblock || len(key)%semiblock != 0 || len(key) > MaxKey {
		return nil, ErrLength
	}
	out := make([]byte, semiblock+len(key))
	binary.BigEndian.PutUint64(out, initialValue)
	copy(out[semiblock:], key)
	wrapRounds(block, out)
	return out, nil
}

// Unwrap opens what Wrap made.
func Unwrap(kek, wrapped []byte) ([]byte, error) {
	block, err := newBlock(kek)
	if err != nil {
		return nil, err
	}
	if len(wrapped) < 3*semiblock || len(wrapped)%semiblock != 0 || len(wrapped) > MaxKey+semiblock {
		return nil, ErrUnwrap
	}
	out := make([]byte, len(wrapped))
	copy(out, wrapped)
	unwrapRounds(block, out)
	var want [semiblock]byte
	binary.BigEndian.PutUint64(want[:], initialValue)
	if subtle.ConstantTimeCompare(out[:semiblock], want[:]) != 1 {
		clear(out)
		return nil, ErrUnwrap
	}
	return out[semiblock:], nil
}

// WrapPadded wraps a key of any length from 1 byte with AES key wrap with padding
// (RFC 5649).
func WrapPadded(kek, key []byte) ([]byte, error) {
	block, err := newBlock(kek)
	if err != nil {
		return nil, err
	}
	if len(key) == 0 || len(key) > MaxKey {
		return nil, ErrLength
	}
	padded := (len(key) + semiblock - 1) / semiblock * semiblock
	out := make([]byte, semiblock+padded)
	binary.BigEndian.PutUint64(out, paddedInitValue|uint64(len(key)))
	copy(out[semiblock:], key)
	if padded == semiblock {
		block.Encrypt(out, out)
	} else {
		wrapRounds(block, out)
	}
	return out, nil
}

// UnwrapPadded opens what WrapPadded made. The checks of RFC 5649 section 3 are
// made together, in a time that depends on the length of wrapped alone.
func UnwrapPadded(kek, wrapped []byte) ([]byte, error) {
	block, err := newBlock(kek)
	if err != nil {
		return nil, err
	}
	if len(wrapped) < 2*semiblock || len(wrapped)%semiblock != 0 || len(wrapped) > MaxKey+semiblock {
		return nil, ErrUnwrap
	}
	out := make([]byte, len(wrapped))
	copy(out, wrapped)
	if len(wrapped) == 2*semiblock {
		block.Decrypt(out, out)
	} else {
		unwrapRounds(block, out)
	}
	key := out[semiblock:]
	head := binary.BigEndian.Uint64(out)
	padding := uint64(len(key)) - head&0xffffffff // 0 to 7 if all is well; may wrap around

	// Every term is zero if all is well.
	bad := head>>32 ^ paddedInitValue>>32
	bad |= padding &^ 7
	for i := uint64(1); i < semiblock; i++ { // the padding is in the last semiblock
		isPadding := ^((padding&7 - i) >> 63) & 1 // 1 if i <= padding
		bad |= uint64(key[uint64(len(key))-i]) & -isPadding
	}
	if subtle.ConstantTimeEq(int32(bad>>32)|int32(bad), 0) != 1 {
		clear(out)
		return nil, ErrUnwrap
	}
	return key[:uint64(len(key))-padding], nil
}

func newBlock(kek []byte) (cipher.Block, error) {
	block, err := aes.NewCipher(kek)
	if err != nil {
		return nil, fmt.Errorf("key-encryption key: %w", ErrLength)
	}
	return block, nil
}

// wrapRounds is RFC 3394 section 2.2.1 in the indexed form: b holds A and then
// the registers R.
func wrapRounds(block cipher.Block, b []byte) {
	n := len(b)/semiblock - 1
	var buf [aes.BlockSize]byte
	copy(buf[:], b[:semiblock])
	for j := range 6 {
		for i := 1; i <= n; i++ {
			copy(buf[semiblock:], b[i*semiblock:])
			block.Encrypt(buf[:], buf[:])
			mixCounter(&buf, n*j+i)
			copy(b[i*semiblock:(i+1)*semiblock], buf[semiblock:])
		}
	}
	copy(b, buf[:semiblock])
	clear(buf[:])
}

// unwrapRounds undoes wrapRounds.
func unwrapRounds(block cipher.Block, b []byte) {
	n := len(b)/semiblock - 1
	var buf [aes.BlockSize]byte
	copy(buf[:], b[:semiblock])
	for j := 5; j >= 0; j-- {
		for i := n; i >= 1; i-- {
			mixCounter(&buf, n*j+i)
			copy(buf[semiblock:], b[i*semiblock:])
			block.Decrypt(buf[:], buf[:])
			copy(b[i*semiblock:(i+1)*semiblock], buf[semiblock:])
		}
	}
	copy(b, buf[:semiblock])
	clear(buf[:])
}

// mixCounter adds the step number t to A.
func mixCounter(buf *[aes.BlockSize]byte, t int) {
	a := binary.BigEndian.Uint64(buf[:semiblock])
	binary.BigEndian.PutUint64(buf[:semiblock], a^uint64(t))
}
