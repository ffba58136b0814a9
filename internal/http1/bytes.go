package http1

import "encoding/binary"

// class says where a byte may stand.
type class uint8

const (
	// tokenByte: tchar of RFC 9110 §5.6.2, in methods and field names.
	tokenByte class = 1 << iota
	// targetByte: in a request target. RFC 3986 allows fewer; what clients are seen to
	// send unescaped (quotes, brackets, bytes of UTF-8) cannot be misread as the end of
	// the target. The fragment's number sign can: nginx cuts the path there.
	targetByte
	// hostByte: in uri-host or port of RFC 9110 §7.2, that is RFC 3986 §3.2.2 reg-name,
	// IPv4address and, between brackets, IP-literal.
	hostByte
	// plainByte: in a path that needs no decoding and would be encoded as it is.
	plainByte
	// hexByte: HEXDIG.
	hexByte
)

// classes is a table of constants.
var classes = func() (t [256]class) {
	set := func(c class, bytes string) {
		for i := range len(bytes) {
			t[bytes[i]] |= c
		}
	}
	const alnum = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	set(tokenByte, alnum+"!#$%&'*+-.^_`|~")
	set(hostByte, alnum+"-._~%!$&'()*+,;=:[]")
	set(plainByte, alnum+"-._~/")
	set(hexByte, "0123456789abcdefABCDEF")
	for b := 0x21; b < 256; b++ {
		if b != 0x7f && b != '#' {
			t[b] |= targetByte
		}
	}
	return t
}()

// all tells whether every byte of s is of class c.
func all(s string, c class) bool {
	for i := range len(s) {
		if classes[s[i]]&c == 0 {
			return false
		}
	}
	return true
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// hasControl tells whether b holds a control byte (below 0x20, or 0x7f) other than a
// horizontal tab: what no field value may hold (RFC 9110 §5.5).
func hasControl(b []byte) bool {
	for len(b) >= 8 {
		x := binary.LittleEndian.Uint64(b)
		del := x ^ 0x7f*ones
		// The highest bit of a byte is set where the byte is less than 0x20, or equal
		// to 0x7f; borrows can only set bits above one that is rightly set.
		if ((x-0x20*ones)&^x|(del-ones)&^del)&highs != 0 && hasControlByte(b[:8]) {
			return true
		}
		b = b[8:]
	}
	return hasControlByte(b)
}

func hasControlByte(b []byte) bool {
	for _, c := range b {
		if c < 0x20 && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

// fold tells whether s is lower in letters of either case. lower has no capitals.
func fold(s, lower string) bool {
	if len(s) != len(lower) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// trim removes optional whitespace (OWS of RFC 9110 §5.6.3) from both ends of s.
func trim(s string) string {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for len(s) > 0 && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}
