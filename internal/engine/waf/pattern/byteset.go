package pattern

import "math/bits"

// byteSet is a set of bytes.
type byteSet [4]uint64

func (s *byteSet) add(b byte)      { s[b>>6] |= 1 << (b & 63) }
func (s *byteSet) has(b byte) bool { return s[b>>6]&(1<<(b&63)) != 0 }

func (s *byteSet) addRange(lo, hi byte) {
	for b := int(lo); b <= int(hi); b++ {
		s.add(byte(b))
	}
}

func (s *byteSet) addString(t string) {
	for i := range len(t) {
		s.add(t[i])
	}
}

func (s byteSet) or(o byteSet) byteSet {
	return byteSet{s[0] | o[0], s[1] | o[1], s[2] | o[2], s[3] | o[3]}
}

func (s byteSet) not() byteSet { return byteSet{^s[0], ^s[1], ^s[2], ^s[3]} }

func (s byteSet) count() int {
	return bits.OnesCount64(s[0]) + bits.OnesCount64(s[1]) + bits.OnesCount64(s[2]) + bits.OnesCount64(s[3])
}

func (s byteSet) empty() bool { return s == byteSet{} }

// bytes lists the set in ascending order.
func (s byteSet) bytes() []byte {
	var out []byte
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			out = append(out, byte(i<<6+bits.TrailingZeros64(w)))
		}
	}
	return out
}

// upperCase are the places of A to Z in the second word; those of a to z are 32 places higher.
const upperCase = uint64(0x07fffffe)

// folded adds the other case of each ASCII letter.
func (s byteSet) folded() byteSet {
	upper := s[1] & upperCase
	lower := s[1] >> 32 & upperCase
	s[1] |= upper<<32 | lower
	return s
}

// oneByte is the set of one byte.
func oneByte(b byte) byteSet {
	var s byteSet
	s.add(b)
	return s
}

func setOf(ranges string, singles string) byteSet {
	var s byteSet
	for i := 0; i+1 < len(ranges); i += 2 {
		s.addRange(ranges[i], ranges[i+1])
	}
	s.addString(singles)
	return s
}

var (
	anyByte    = byteSet{}.not()
	noNewline  = oneByte('\n').not()
	digitBytes = setOf("09", "")
	wordBytes  = setOf("azAZ09", "_")
	spaceGo    = setOf("", "\t\n\f\r ")
	spacePCRE  = setOf("\t\r", " ")
	blankBytes = setOf("", "\t ")
	horizontal = setOf("", "\t \xa0")
	vertical   = setOf("\n\r", "\x85")
)

// posixClasses are those of PCRE in the C locale.
var posixClasses = map[string]byteSet{
	"alnum": setOf("azAZ09", ""), "alpha": setOf("azAZ", ""), "ascii": setOf("\x00\x7f", ""), "blank": blankBytes,
	"cntrl": setOf("\x00\x1f", "\x7f"), "digit": digitBytes, "graph": setOf("!~", ""), "lower": setOf("az", ""),
	"print": setOf(" ~", ""), "punct": setOf("!/:@[`{~", ""), "space": spacePCRE, "upper": setOf("AZ", ""),
	"word": wordBytes, "xdigit": setOf("09afAF", ""),
}

func isWord(b byte) bool { return wordBytes.has(b) }

// lower maps ASCII upper case to lower case.
func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// and is what both sets have.
func (s byteSet) and(o byteSet) byteSet {
	return byteSet{s[0] & o[0], s[1] & o[1], s[2] & o[2], s[3] & o[3]}
}

// without is the set without some bytes.
func (s byteSet) without(bytes string) byteSet {
	var o byteSet
	o.addString(bytes)
	return s.and(o.not())
}
