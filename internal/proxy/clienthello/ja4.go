package clienthello

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// JA4 is the JA4 fingerprint of a client over TCP.
func (h *Hello) JA4() string {
	ciphers, extensions := h.sections()
	return h.prefix() + "_" + cut(ciphers) + "_" + cut(extensions)
}

// JA4Raw is the JA4_r text: the lists instead of their hashes.
func (h *Hello) JA4Raw() string {
	ciphers, extensions := h.sections()
	return h.prefix() + "_" + ciphers + "_" + extensions
}

// prefix is the readable part: protocol, version, server name or not, counts, ALPN.
func (h *Hello) prefix() string {
	b := append([]byte{'t'}, h.version()...)
	if h.ServerName {
		b = append(b, 'd')
	} else {
		b = append(b, 'i')
	}
	b = count(b, len(plain(h.Ciphers)))
	b = count(b, len(plain(h.Extensions)))
	return string(append(b, h.alpn()...))
}

// version is that of the highest supported version, two characters.
func (h *Hello) version() string {
	v := h.Version
	if versions := plain(h.Versions); len(versions) > 0 {
		v = slices.Max(versions)
	}
	switch v {
	case 0x0304:
		return "13"
	case 0x0303:
		return "12"
	case 0x0302:
		return "11"
	case 0x0301:
		return "10"
	case 0x0300:
		return "s3"
	case 0x0002:
		return "s2"
	}
	return "00"
}

// count appends two digits.
func count(b []byte, n int) []byte {
	n = min(n, 99)
	return append(b, '0'+byte(n/10), '0'+byte(n%10))
}

// alpn is the first and last character of the first protocol, of its hexadecimal form if one
// of them is no letter or digit.
func (h *Hello) alpn() string {
	if len(h.ALPN) == 0 || h.ALPN[0] == "" {
		return "00"
	}
	p := h.ALPN[0]
	first, last := p[0], p[len(p)-1]
	if !alphanumeric(first) || !alphanumeric(last) {
		digits := hex.EncodeToString([]byte(p))
		first, last = digits[0], digits[len(digits)-1]
	}
	return string([]byte{first, last})
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// sections are the sorted ciphers; and the sorted extensions but server name and ALPN, with
// the signature algorithms in their order.
func (h *Hello) sections() (ciphers, extensions string) {
	sorted := plain(h.Ciphers)
	slices.Sort(sorted)
	ciphers = string(hexList(nil, sorted))
	kept := slices.DeleteFunc(plain(h.Extensions), func(n uint16) bool { return n == extensionServerName || n == extensionALPN })
	slices.Sort(kept)
	b := hexList(nil, kept)
	if algorithms := plain(h.SignatureAlgorithms); len(algorithms) > 0 {
		b = hexList(append(b, '_'), algorithms)
	}
	return ciphers, string(b)
}

// hexList appends numbers of four hexadecimal digits, with commas between.
func hexList(b []byte, all []uint16) []byte {
	for i, n := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = hex.AppendEncode(b, []byte{byte(n >> 8), byte(n)})
	}
	return b
}

// cut is the first twelve digits of the SHA-256 of a text, zeros of an empty one.
func cut(text string) string {
	if text == "" {
		return "000000000000"
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}
