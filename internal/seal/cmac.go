package seal

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"

	"fastness/internal/securemem"
)

const blockBytes = 16

// maxDerivedBytes bounds one derivation; the counter has 32 bits, callers want keys.
const maxDerivedBytes = 4096

// double multiplies by x in GF(2^128) (NIST SP 800-38B, 6.1), in constant time.
func double(b *[blockBytes]byte) {
	carry := b[0] >> 7
	for i := range blockBytes - 1 {
		b[i] = b[i]<<1 | b[i+1]>>7
	}
	b[blockBytes-1] = b[blockBytes-1]<<1 ^ 0x87&-carry
}

// cmac is AES-CMAC (NIST SP 800-38B) of the concatenated parts.
func cmac(c cipher.Block, parts ...[]byte) (tag [blockBytes]byte) {
	var state, sub [blockBytes]byte
	n := 0 // bytes XORed into state since the last encryption
	for _, p := range parts {
		for len(p) > 0 {
			if n == blockBytes {
				c.Encrypt(state[:], state[:])
				n = 0
			}
			k := subtle.XORBytes(state[n:], state[n:], p)
			n += k
			p = p[k:]
		}
	}
	c.Encrypt(sub[:], sub[:])
	double(&sub)
	if n < blockBytes {
		double(&sub)
		state[n] ^= 0x80
	}
	subtle.XORBytes(state[:], state[:], sub[:])
	c.Encrypt(tag[:], state[:])
	clear(state[:])
	clear(sub[:])
	return tag
}

// kdf fills out with NIST SP 800-108r1 counter mode output (4.1; PRF CMAC-AES256,
// 32-bit counter, label, zero byte, empty context, 32-bit length in bits).
func kdf(c cipher.Block, label string, out []byte) {
	var counter, length [4]byte
	binary.BigEndian.PutUint32(length[:], uint32(len(out))*8)
	for i := uint32(1); len(out) > 0; i++ {
		binary.BigEndian.PutUint32(counter[:], i)
		t := cmac(c, counter[:], []byte(label), []byte{0}, length[:])
		out = out[copy(out, t[:]):]
		clear(t[:])
	}
}

// deriveSecret derives n bytes (1 to maxDerivedBytes) into the arena.
func deriveSecret(a *securemem.Arena, b *securemem.Block, label string, n int) (*securemem.Secret, error) {
	if n < 1 || n > maxDerivedBytes {
		return nil, fmt.Errorf("seal: cannot derive %d bytes (1 to %d)", n, maxDerivedBytes)
	}
	s, err := a.New(n)
	if err != nil {
		return nil, err
	}
	err = b.With(func(c cipher.Block) {
		_ = s.With(func(out []byte) { kdf(c, label, out) })
	})
	if err != nil {
		s.Destroy()
		return nil, sealedErr(err)
	}
	return s, nil
}

// deriveBlock derives a key and expands it.
func deriveBlock(a *securemem.Arena, b *securemem.Block, label string) (*securemem.Block, error) {
	s, err := deriveSecret(a, b, label, 32)
	if err != nil {
		return nil, err
	}
	defer s.Destroy()
	var out *securemem.Block
	_ = s.With(func(key []byte) { out, err = a.NewBlock(key) })
	return out, err
}

// sealedErr is ErrSealed for keys that were destroyed while they were in use.
func sealedErr(err error) error {
	if errors.Is(err, securemem.ErrDestroyed) {
		return ErrSealed
	}
	return err
}
