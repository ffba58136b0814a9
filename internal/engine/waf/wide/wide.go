package wide

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// least is the least length of a text whose encoding is told.
const least = 8

// kind is an encoding of text by the first bytes of it, and how many of these are a mark.
func kind(b []byte) (unit int, order binary.ByteOrder, mark int) {
	if len(b) < least {
		return 0, nil, 0
	}
	text := func(c byte) bool { return c >= ' ' && c < 0x7f || c == '\n' || c == '\r' || c == '\t' }
	switch {
	case b[0] == 0xff && b[1] == 0xfe && b[2] == 0 && b[3] == 0:
		return 4, binary.LittleEndian, 4
	case b[0] == 0 && b[1] == 0 && b[2] == 0xfe && b[3] == 0xff:
		return 4, binary.BigEndian, 4
	case b[0] == 0xff && b[1] == 0xfe:
		return 2, binary.LittleEndian, 2
	case b[0] == 0xfe && b[1] == 0xff:
		return 2, binary.BigEndian, 2
	case text(b[0]) && b[1] == 0 && b[2] == 0 && b[3] == 0 && text(b[4]) && b[5] == 0 && b[6] == 0 && b[7] == 0:
		return 4, binary.LittleEndian, 0
	case b[0] == 0 && b[1] == 0 && b[2] == 0 && text(b[3]) && b[4] == 0 && b[5] == 0 && b[6] == 0 && text(b[7]):
		return 4, binary.BigEndian, 0
	case text(b[0]) && b[1] == 0 && text(b[2]) && b[3] == 0 && text(b[4]) && b[5] == 0 && text(b[6]) && b[7] == 0:
		return 2, binary.LittleEndian, 0
	case b[0] == 0 && text(b[1]) && b[2] == 0 && text(b[3]) && b[4] == 0 && text(b[5]) && b[6] == 0 && text(b[7]):
		return 2, binary.BigEndian, 0
	case b[0] == 0x4c && b[1] == 0x6f && b[2] == 0xa7 && b[3] == 0x94: // "<?xm"
		return 1, nil, 0
	}
	return 0, nil, 0
}

// Append appends b to dst in UTF-8, if it is in one of the encodings that are told by their first bytes, and tells whether it
// is. What it appends is at most half as long again as b.
func Append(dst, b []byte) ([]byte, bool) {
	unit, order, b0 := kind(b)
	switch b = b[b0:]; unit {
	case 1:
		return appendEBCDIC(dst, b), true
	case 2:
		for ; len(b) >= 2; b = b[2:] {
			r := rune(order.Uint16(b))
			if utf16.IsSurrogate(r) && len(b) >= 4 {
				if both := utf16.DecodeRune(r, rune(order.Uint16(b[2:]))); both != utf8.RuneError {
					r, b = both, b[2:]
				}
			}
			dst = utf8.AppendRune(dst, r)
		}
		return dst, true
	case 4:
		for ; len(b) >= 4; b = b[4:] {
			dst = utf8.AppendRune(dst, rune(order.Uint32(b)&0x7fffffff))
		}
		return dst, true
	}
	return dst, false
}

// ebcdic has what the bytes of code page 037 stand for in ASCII, as far as they do; a space for the others.
var ebcdic = func() (t [256]byte) {
	for c := range t {
		t[c] = ' '
	}
	for first, letters := range map[byte]string{
		0x81: "abcdefghi", 0x91: "jklmnopqr", 0xa1: "~stuvwxyz", 0xc0: "{ABCDEFGHI", 0xd0: "}JKLMNOPQR", 0xe0: "\\", 0xe2: "STUVWXYZ", 0xf0: "0123456789",
		0x4a: "[.<(+|&", 0x5a: "!$*);", 0x60: "-/", 0x6b: ",%_>?", 0x79: "`:#@'=\"", 0xb0: "^", 0xba: "[]", 0x15: "\n", 0x25: "\n", 0x0d: "\r", 0x05: "\t",
	} {
		for i := range len(letters) {
			t[int(first)+i] = letters[i]
		}
	}
	return
}()

// appendEBCDIC appends a document of XML in EBCDIC in ASCII. In code page 500 two signs change places with those of 037; which
// one it is shows behind a "<".
func appendEBCDIC(dst, b []byte) []byte {
	international := false
	for i, c := range b {
		if c == 0x4f && i > 0 && b[i-1] == 0x4c {
			international = true
			break
		}
	}
	for _, c := range b {
		switch {
		case international && c == 0x4f:
			dst = append(dst, '!')
		case international && c == 0x5a:
			dst = append(dst, ']')
		default:
			dst = append(dst, ebcdic[c])
		}
	}
	return dst
}
