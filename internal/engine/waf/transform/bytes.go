package transform

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// class says what a byte means to a transformation.
type class uint8

const (
	spaceByte   class = 1 << iota // isspace of C: space, \t \n \v \f \r
	wideSpace                     // those and 0xA0, Latin-1's no-break space
	oddSpace                      // the same without the space itself
	commandByte                   // what CmdLine looks at, besides letters
	plainInURL                    // what URLEncode leaves
	commentByte                   // first bytes of comment marks
	upperByte
	lowerByte
)

// classes and unhex are tables of constants.
var classes = func() (t [256]class) {
	set := func(c class, s string) {
		for i := range len(s) {
			t[s[i]] |= c
		}
	}
	const upper, lower = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
	set(spaceByte|wideSpace, " \t\n\v\f\r")
	set(wideSpace|oddSpace, "\xa0")
	set(oddSpace, "\t\n\v\f\r")
	set(commandByte, "\"'\\^ ,;\t\r\n/(")
	set(plainInURL, upper+lower+"0123456789*")
	set(commentByte, "/*-#<")
	set(upperByte, upper)
	set(lowerByte, lower)
	return t
}()

const notHex = 0xff

// unhex is the value of a hexadecimal digit, or notHex.
var unhex = func() (t [256]byte) {
	for i := range t {
		t[i] = notHex
	}
	for i := range byte(10) {
		t['0'+i] = i
	}
	for i := range byte(6) {
		t['a'+i], t['A'+i] = 10+i, 10+i
	}
	return t
}()

// hexPair is the byte that two hexadecimal digits stand for.
func hexPair(hi, lo byte) (byte, bool) {
	h, l := unhex[hi], unhex[lo]
	return h<<4 | l, h != notHex && l != notHex
}

// room is dst with n bytes more, whatever they are.
func room(dst []byte, n int) []byte {
	return slices.Grow(dst, n)[:len(dst)+n]
}

// firstOf is the index of the first byte of class c, or -1.
func firstOf(s []byte, c class) int {
	for i, b := range s {
		if classes[b]&c != 0 {
			return i
		}
	}
	return -1
}

// firstOfTwo is the index of the first a or b, or -1.
func firstOfTwo(s []byte, a, b byte) int {
	i := bytes.IndexByte(s, a)
	rest := s
	if i >= 0 {
		rest = s[:i]
	}
	if j := bytes.IndexByte(rest, b); j >= 0 {
		return j
	}
	return i
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// hasHigh tells whether s has a byte above 0x7f.
func hasHigh(s []byte) bool {
	for len(s) >= 8 {
		if binary.LittleEndian.Uint64(s)&highs != 0 {
			return true
		}
		s = s[8:]
	}
	for _, b := range s {
		if b >= 0x80 {
			return true
		}
	}
	return false
}

// lettersOf marks, in the highest bit of each byte of x, which of them are among the 26 from
// first on.
func lettersOf(x uint64, first byte) uint64 {
	low := x &^ highs
	// Adding cannot carry from byte to byte: each is at most 0x7f + 0x3f.
	return (low + (0x80-uint64(first))*ones) &^ (low + (0x80-uint64(first)-26)*ones) &^ x & highs
}

// hasLetter tells whether s has one of the 26 bytes from first on.
func hasLetter(s []byte, first byte) bool {
	for len(s) >= 8 {
		if lettersOf(binary.LittleEndian.Uint64(s), first) != 0 {
			return true
		}
		s = s[8:]
	}
	for _, b := range s {
		if b-first < 26 {
			return true
		}
	}
	return false
}

// flipLetters turns the case of the 26 bytes from first on, in place.
func flipLetters(s []byte, first byte) {
	for len(s) >= 8 {
		x := binary.LittleEndian.Uint64(s)
		binary.LittleEndian.PutUint64(s, x^lettersOf(x, first)>>2)
		s = s[8:]
	}
	for i, b := range s {
		if b-first < 26 {
			s[i] = b ^ 0x20
		}
	}
}
