package transform

import (
	"bytes"
	"encoding/binary"
)

// class says what a byte means to a transformation.
type class uint8

const (
	spaceByte   class = 1 << iota // isspace of C: space, \t \n \v \f \r
	wideSpace                     // those and 0xA0, Latin-1's no-break space
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
	set(wideSpace, "\xa0")
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

// mayHaveLetter tells whether s may have one of the 26 bytes from first on. It is never
// wrong when it says no.
func mayHaveLetter(s []byte, first byte) bool {
	from := (0x80 - uint64(first)) * ones
	after := (0x80 - uint64(first) - 26) * ones
	for len(s) >= 8 {
		x := binary.LittleEndian.Uint64(s) &^ highs
		// Adding cannot carry from byte to byte: each is at most 0x7f + 0x3f.
		if (x+from)&^(x+after)&highs != 0 {
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
