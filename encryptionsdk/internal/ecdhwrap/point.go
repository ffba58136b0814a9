package ecdhwrap

import (
	"bytes"
	"crypto/ecdh"
	"crypto/elliptic"
	"encoding/binary"
	"errors"
	"fmt"
)

// CurveName is the name of a supported curve in the derivation: P-256, P-384 or P-521. It
// is empty for others.
func CurveName(c ecdh.Curve) string {
	switch c {
	case ecdh.P256():
		return "p256"
	case ecdh.P384():
		return "p384"
	case ecdh.P521():
		return "p521"
	}
	return ""
}

// Compress returns the SEC 1 compressed form of a public key on a supported curve.
func Compress(k *ecdh.PublicKey) []byte {
	b := k.Bytes() // 4, x, y
	n := (len(b) - 1) / 2
	out := make([]byte, 1+n)
	out[0] = 2 | b[len(b)-1]&1
	copy(out[1:], b[1:1+n])
	return out
}

// Decompress is the inverse of Compress. It fails for what is no point of the curve.
func Decompress(c ecdh.Curve, b []byte) (*ecdh.PublicKey, error) {
	var curve elliptic.Curve
	switch c {
	case ecdh.P256():
		curve = elliptic.P256()
	case ecdh.P384():
		curve = elliptic.P384()
	case ecdh.P521():
		curve = elliptic.P521()
	default:
		return nil, errors.New("unsupported curve")
	}
	x, y := elliptic.UnmarshalCompressed(curve, b)
	if x == nil {
		return nil, errors.New("not a compressed point of the curve")
	}
	n := (curve.Params().BitSize + 7) / 8
	point := make([]byte, 1+2*n)
	point[0] = 4
	x.FillBytes(point[1 : 1+n])
	y.FillBytes(point[1+n:])
	return c.NewPublicKey(point)
}

// version is the only version of the provider info.
const version = 1

// Info is the provider info of a wrapping: the public keys, compressed.
type Info struct {
	Sender    []byte
	Recipient []byte
}

// Append appends the serialized form: version, then each key after its length in four
// bytes, the recipient's first.
func (i Info) Append(b []byte) []byte {
	b = append(b, version)
	b = binary.BigEndian.AppendUint32(b, uint32(len(i.Recipient)))
	b = append(b, i.Recipient...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(i.Sender)))
	return append(b, i.Sender...)
}

// Partner finds with whom the party of public key own shares the secret of i, both keys
// compressed. A party that has one partner, whose key is another compressed and partner itself,
// shares it with that one in either role; one without (partner nil) with any sender that named
// it the recipient. nil and no error: the data key is none of own's.
func (i Info) Partner(c ecdh.Curve, own, another []byte, partner *ecdh.PublicKey) (*ecdh.PublicKey, error) {
	switch {
	case partner != nil && bytes.Equal(i.Sender, own) && bytes.Equal(i.Recipient, another),
		partner != nil && bytes.Equal(i.Sender, another) && bytes.Equal(i.Recipient, own):
		return partner, nil
	case partner == nil && bytes.Equal(i.Recipient, own):
		sender, err := Decompress(c, i.Sender)
		if err != nil {
			return nil, fmt.Errorf("sender's public key: %w", err)
		}
		return sender, nil
	}
	return nil, nil
}

// ParseInfo reads what Append writes for a supported curve. The result shares memory with
// b; whether the keys are points of the curve is not checked.
func ParseInfo(b []byte) (Info, error) {
	if len(b) == 0 || b[0] != version {
		return Info{}, errors.New("provider info of an unknown version")
	}
	rest := b[1:]
	var keys [2][]byte
	for i := range keys {
		if len(rest) < 4 {
			return Info{}, errors.New("provider info is truncated")
		}
		n := binary.BigEndian.Uint32(rest)
		rest = rest[4:]
		if n != 33 && n != 49 && n != 67 {
			return Info{}, fmt.Errorf("provider info has a public key of %d bytes", n)
		}
		if uint64(len(rest)) < uint64(n) {
			return Info{}, errors.New("provider info is truncated")
		}
		keys[i], rest = rest[:n], rest[n:]
	}
	if len(rest) != 0 || len(keys[0]) != len(keys[1]) {
		return Info{}, errors.New("provider info does not add up")
	}
	return Info{Recipient: keys[0], Sender: keys[1]}, nil
}
