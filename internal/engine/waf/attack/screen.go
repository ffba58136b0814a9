package attack

import (
	"encoding/binary"
	"slices"

	"fastness/internal/engine/waf/pattern"
)

// Most values that people and programs send are words, numbers and text whose forms are all the same and that
// no coding makes anything else of. That they are, and that no rule matches them, is told in one pass and without a
// form of them (pattern.Screen).

// textBytes are those of values whose forms may all be the same and that percent escapes make nothing else of, in
// lower case.
const textBytes = wordBytes + "!#&()*/;<=>?[]{|}~"

// changingText are the ways in which text of these bytes has forms that differ, as kindsOf knows them, or character
// references (see reference).
var changingText = []string{`^ |  `, `(?:^|[^:])//|\./|^/|/\*`, `&(?:#|[a-z]{1,8};|[lg]t)`}

// statementText are the ways in which text of these bytes may go on with a statement (sqljudge.go).
var statementText = []string{
	`^[ (~!-]*(?:\d|\.\d|\w+ ?\(|(?:null|true|false|current_\w+|session_user|system_user|localtime\w*|not|binary|exists|select|values|table|with|case)\b)(?:(?:.*?[^a-z_])?(?:or|and|xor|is|in|like|rlike|regexp|ilike|glob|match|div|mod|escape|overlaps|collate|not|between|sounds|similar|member|at|isnull|notnull|union|except|intersect|minus|having|where|limit|offset|into|procedure|returning|group|order|for|lock|fetch|window|select|values|table|with|exists|case)\b|.*?(?:[=<>;{@~]|::|:=|\|\||&&|\w\())`,
	`(?:^|[^a-z_])(?:union|except|intersect|minus)\b.*?(?:select|values|table|with|\()`,
	`^[ (~!-]*(?:select|values|table|with)\b`,
}

// addressText are the ways in which text of these bytes may be an address that is not ordinary (address.go).
var addressText = []string{
	`^[ ]*(?:https?|ftps?|wss?):(?:[^/]|/[^/]|///)`,
	`^[ ]*(?:https?|ftps?|wss?)://(?:[^/]*@)?(?:\[|\d|0x|localhost|ip6-)`,
	`^[ ]*//(?:[^/]*@|/|\[|\d)`,
}

// xpathText are the ways in which text of these bytes, which has no quotation marks, may go on with XPath (xpathjudge.go).
var xpathText = []string{
	`^[\w.-]*\s*(?:[)\]]|[!=<>+*|-]|\b(?:or|and|div|mod|eq|ne)\b).*?(?:::|//|@|\.\.|\(\s*\)|/|\[)`,
}

// newScreen makes the screen of all rules that look at values as they came.
func newScreen(rules []rule) (*pattern.Screen, error) {
	var patterns []pattern.Pattern
	for _, x := range changingText {
		patterns = append(patterns, expression(x))
	}
	for _, x := range statementText {
		patterns = append(patterns, expression(x))
	}
	for _, x := range slices.Concat(addressText, xpathText, serialText) {
		patterns = append(patterns, expression(x))
	}
	for _, r := range rules {
		if !r.deep {
			for _, x := range r.regexps {
				patterns = append(patterns, expression(x))
			}
		}
	}
	// An automaton that is full begins anew.
	return pattern.NewScreen(patterns, textBytes, pattern.Options{CacheBytes: 16 << 20})
}

// Clear tells, of many values and at little cost, that they are no attacks at any place. Of others it tells
// nothing.
func (d *Detector) Clear(value []byte, s *Scratch) bool {
	return d.screen.Clear(value, s.matcher()) && !s.IsCode(value)
}

// Screen is that of all rules. A value that it clears is clear if it has fewer than MinCode bytes or IsCode says that it is none.
func (d *Detector) Screen() *pattern.Screen { return d.screen }

// MinCode is the least length of a value that may be base64 or hexadecimal.
const MinCode = minBase64

// IsCode tells whether a value, which the screen clears, is base64 or hexadecimal or has it in it. A name of keys with points between
// them is and has none if that is so of each of its keys of more than MinCode bytes with another byte before it: a
// point is no sign of base64, what is decoded of a value that is not base64 as a whole is its longest piece of such signs, and that of a name
// is the longest one of a key.
func (s *Scratch) IsCode(value []byte) bool {
	return (endsInCode(value) || embedsCode(value)) && !isShortNumber(value) && s.hasCode(value)
}

// isShortNumber tells whether a value is eight to eleven decimal digits that are no base64 of text: too few to be hexadecimal or to stand in other
// text, and what four of them stand for begins with the first byte of a character (0xd0 to 0xf7), whose second one the second digit
// has to make, from 4 to 7. Bodies have hundreds of thousands of such numbers.
func isShortNumber(value []byte) bool {
	if n := len(value); n < minBase64 || n >= minEmbedded {
		return false
	}
	text := len(value)%4 != 2 // the last byte alone is no character
	for i, c := range value {
		if c < '0' || c > '9' {
			return false
		}
		if i%4 == 1 && (c < '4' || c > '7') {
			text = false
		}
	}
	return !text
}

// endsInCode tells whether so much at the end of a value is of signs of base64, which include those of hexadecimal,
// and stands where it has to for decodeBase64 or decodeHex, that the value may be one of them.
func endsInCode(value []byte) bool {
	n := len(value)
	if n < minBase64 {
		return false
	}
	if c := value[n-1]; c != ' ' && c != '=' {
		// A word that ends here is shorter than that.
		if last := binary.LittleEndian.Uint64(value[n-minBase64:]); hasByte(last, ' ')|hasByte(last, '.') != 0 {
			return false
		}
	}
	for n > 0 && value[n-1] == ' ' {
		n--
	}
	for n > 0 && value[n-1] == '=' {
		n--
	}
	i, slash := n, false
	for i > 0 && base64Value[value[i-1]] <= 63 {
		i--
		slash = slash || value[i] == '/'
	}
	if n-i < minBase64 {
		return false
	}
	// Behind other signs it is the last segment of a path.
	return i == 0 || slash || isSeparator(value[i-1])
}

// embedsCode tells whether so many signs of base64 follow each other in a value that embeddedBase64 may take them.
func embedsCode(value []byte) bool {
	// So many have one at a place of these.
	for at := minEmbedded - 1; at < len(value); at += minEmbedded {
		if base64Value[value[at]] > 63 {
			continue
		}
		from, to := at, at+1
		for from > 0 && base64Value[value[from-1]] <= 63 {
			from--
		}
		for to < len(value) && base64Value[value[to]] <= 63 {
			to++
		}
		if to-from >= minEmbedded {
			return true
		}
	}
	return false
}

// hasByte is not zero if one of the bytes of a word is c.
func hasByte(word uint64, c byte) uint64 {
	const ones = 0x0101010101010101
	x := word ^ ones*uint64(c)
	return (x - ones) &^ x & (ones << 7)
}

// hasCode tells whether a value is base64 or hexadecimal.
func (s *Scratch) hasCode(value []byte) bool {
	if cap(s.arena) < len(value) {
		s.arena = make([]byte, 0, max(len(value), 4096))
	}
	out, ok := decodeBase64(s.arena[:0], value)
	if ok && len(out) > 0 {
		return true
	}
	out, ok = decodeHex(s.arena[:0], value)
	return ok && len(out) > 0
}
