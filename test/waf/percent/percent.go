package percent

import (
	"net/url"
	"strconv"
	"strings"
)

// Readings gives a value as it is, and what decode makes of it once and twice if that is another: one reading at least, three at most.
func Readings(v string, decode func(string) string) []string {
	all := []string{v}
	for range 2 {
		if v = decode(v); v == all[len(all)-1] {
			break
		}
		all = append(all, v)
	}
	return all
}

// Decode decodes percent escapes to bytes, which need not be UTF-8, those of the form %u000a to UTF-8, and leaves what is none.
func Decode(v string) string {
	if !strings.Contains(v, "%") {
		return v
	}
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		if i+2 < len(v) && v[i] == '%' {
			if s, err := url.PathUnescape(v[i : i+3]); err == nil {
				b.WriteString(s)
				i += 2
				continue
			}
		}
		if i+5 < len(v) && v[i] == '%' && v[i+1]|0x20 == 'u' {
			if r, err := strconv.ParseUint(v[i+2:i+6], 16, 16); err == nil {
				b.WriteRune(rune(r))
				i += 5
				continue
			}
		}
		b.WriteByte(v[i])
	}
	return b.String()
}

// DecodeText is Decode for readers of text: bytes that are no UTF-8 are U+FFFD, as browsers read them.
func DecodeText(v string) string {
	if !strings.Contains(v, "%") {
		return v
	}
	return strings.ToValidUTF8(Decode(v), "\ufffd")
}
