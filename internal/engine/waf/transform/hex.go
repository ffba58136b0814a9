package transform

import (
	"bytes"
	"encoding/hex"
)

// hexDecode decodes a value that is pairs of hexadecimal digits as a whole. Any other value
// stays.
func hexDecode(dst, src []byte) ([]byte, bool) {
	if len(src) == 0 || len(src)%2 != 0 {
		return dst, false
	}
	for _, c := range src {
		if unhex[c] == notHex {
			return dst, false
		}
	}
	for i := 0; i < len(src); i += 2 {
		dst = append(dst, unhex[src[i]]<<4|unhex[src[i+1]])
	}
	return dst, true
}

// hexDecodeAny decodes pairs of bytes as ModSecurity does, which does not check that they
// are digits; a last single one is dropped.
func hexDecodeAny(dst, src []byte) ([]byte, bool) {
	for i := 0; i+1 < len(src); i += 2 {
		dst = append(dst, anyDigit(src[i])<<4+anyDigit(src[i+1]))
	}
	return dst, len(src) > 0
}

// anyDigit is the digit that ModSecurity takes a byte for.
func anyDigit(c byte) byte {
	if c >= 'A' {
		return c&0xdf - 'A' + 10
	}
	return c - '0'
}

func hexEncode(dst, src []byte) ([]byte, bool) {
	return hex.AppendEncode(dst, src), len(src) > 0
}

// sqlHexDecode decodes SQL's hexadecimal literals, 0x and at least one pair of digits,
// wherever they stand.
func sqlHexDecode(dst, src []byte) ([]byte, bool) {
	if firstOfTwo(src, 'x', 'X') < 0 || bytes.IndexByte(src, '0') < 0 {
		return dst, false
	}
	touched := false
	for i := 0; i < len(src); {
		if src[i] == '0' && i+3 < len(src) && src[i+1]|0x20 == 'x' {
			j := i + 2
			for j+1 < len(src) {
				b, ok := hexPair(src[j], src[j+1])
				if !ok {
					break
				}
				dst = append(dst, b)
				j += 2
			}
			if j > i+2 {
				touched = true
				i = j
				continue
			}
		}
		dst = append(dst, src[i])
		i++
	}
	return dst, touched
}
