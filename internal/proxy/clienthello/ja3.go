package clienthello

import (
	"crypto/md5" //nolint:gosec // what JA3 is defined with
	"encoding/hex"
	"strconv"
)

// JA3Text is the text whose MD5 is the JA3 fingerprint: decimal numbers in the order of the
// message.
func (h *Hello) JA3Text() string {
	b := strconv.AppendUint(nil, uint64(h.Version), 10)
	list := func(all []uint16) {
		b = append(b, ',')
		for i, n := range all {
			if i > 0 {
				b = append(b, '-')
			}
			b = strconv.AppendUint(b, uint64(n), 10)
		}
	}
	list(plain(h.Ciphers))
	list(plain(h.Extensions))
	list(plain(h.Groups))
	formats := make([]uint16, len(h.PointFormats))
	for i, f := range h.PointFormats {
		formats[i] = uint16(f)
	}
	list(formats)
	return string(b)
}

// JA3 is the JA3 fingerprint, 32 hexadecimal digits.
func (h *Hello) JA3() string {
	sum := md5.Sum([]byte(h.JA3Text())) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}
