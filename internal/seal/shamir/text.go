package shamir

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
)

// The text of a share is "fshare1-" and the base32 (RFC 4648, without padding, shown
// in groups of eight joined by hyphens) of: set (8 bytes), threshold, total, number
// (1 byte each), the share's bytes, and the first 4 bytes of the SHA-256 of "fshare1"
// and all that came before. Case, spaces and hyphens do not matter when it is read.

const (
	textPrefix    = "fshare1-"
	checksumBytes = 4
	headerBytes   = SetBytes + 3
	// SetBytes is the size of a set identifier.
	SetBytes = 8
	// MaxTextBytes bounds the text that ParseText looks at.
	MaxTextBytes = 4096
)

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// Labelled is a share with what its text says about it.
type Labelled struct {
	Set       [SetBytes]byte // random, the same for all shares of one Split
	Threshold int            // shares needed
	Total     int            // shares made
	Share     Share
}

// EncodeText is the text of a share. It is a secret, and a slice so that the caller
// can overwrite it.
func EncodeText(l Labelled) ([]byte, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	raw := make([]byte, 0, headerBytes+len(l.Share.Y)+checksumBytes)
	raw = append(raw, l.Set[:]...)
	raw = append(raw, byte(l.Threshold), byte(l.Total), l.Share.X)
	raw = append(raw, l.Share.Y...)
	sum := checksum(raw)
	raw = append(raw, sum[:]...)
	defer clear(raw)
	code := make([]byte, encoding.EncodedLen(len(raw)))
	defer clear(code)
	encoding.Encode(code, raw)
	out := make([]byte, 0, len(textPrefix)+len(code)+len(code)/8)
	out = append(out, textPrefix...)
	for i, c := range code {
		if i > 0 && i%8 == 0 {
			out = append(out, '-')
		}
		out = append(out, c)
	}
	return out, nil
}

// ParseText reads the text of a share, or returns ErrCorrupt. It does not change or
// keep text.
func ParseText(text []byte) (Labelled, error) {
	if len(text) > MaxTextBytes {
		return Labelled{}, fmt.Errorf("%w: text of %d bytes", ErrCorrupt, len(text))
	}
	code := make([]byte, 0, len(text))
	defer func() { clear(code[:cap(code)]) }()
	for _, c := range text {
		switch {
		case c == '-' || c == ' ' || c == '\t' || c == '\r' || c == '\n':
		case c >= 'a' && c <= 'z':
			code = append(code, c-'a'+'A')
		default:
			code = append(code, c)
		}
	}
	body, ok := bytes.CutPrefix(code, []byte("FSHARE1"))
	if !ok {
		return Labelled{}, fmt.Errorf("%w: it does not begin with %q", ErrCorrupt, textPrefix)
	}
	raw := make([]byte, encoding.DecodedLen(len(body)))
	defer clear(raw)
	n, err := encoding.Decode(raw, body)
	if err != nil {
		// The decoder's error would tell a position only, but nothing of it is needed.
		return Labelled{}, fmt.Errorf("%w: not base32", ErrCorrupt)
	}
	raw = raw[:n]
	if n <= headerBytes+checksumBytes {
		return Labelled{}, fmt.Errorf("%w: too short", ErrCorrupt)
	}
	// Unused bits of the last character must be zero, or a flipped one would pass.
	again := make([]byte, encoding.EncodedLen(n))
	defer clear(again)
	encoding.Encode(again, raw)
	sum := checksum(raw[:n-checksumBytes])
	if subtle.ConstantTimeCompare(again, body) != 1 || subtle.ConstantTimeCompare(sum[:], raw[n-checksumBytes:]) != 1 {
		return Labelled{}, fmt.Errorf("%w: wrong checksum", ErrCorrupt)
	}
	l := Labelled{
		Set:       [SetBytes]byte(raw),
		Threshold: int(raw[SetBytes]),
		Total:     int(raw[SetBytes+1]),
		Share:     Share{X: raw[SetBytes+2], Y: bytes.Clone(raw[headerBytes : n-checksumBytes])},
	}
	if err := l.check(); err != nil {
		clear(l.Share.Y)
		return Labelled{}, err
	}
	return l, nil
}

func (l Labelled) check() error {
	if l.Threshold < MinThreshold || l.Total < l.Threshold || l.Total > MaxShares ||
		l.Share.X < 1 || int(l.Share.X) > l.Total || len(l.Share.Y) < 1 || len(l.Share.Y) > MaxSecretBytes {
		return fmt.Errorf("%w: share %d of %d, threshold %d, %d bytes", ErrCorrupt, l.Share.X, l.Total, l.Threshold, len(l.Share.Y))
	}
	return nil
}

func checksum(b []byte) [checksumBytes]byte {
	h := sha256.New()
	h.Write([]byte("fshare1"))
	h.Write(b)
	return [checksumBytes]byte(h.Sum(nil))
}
