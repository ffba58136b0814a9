package attack

import (
	"bytes"
	"unicode/utf8"
)

// A value may have others in it: a document of JSON in a field, a query of GraphQL, base64 in the middle of a path or
// behind the name of an argument. Whoever takes the value apart reads what is inside by itself.

const (
	// minEmbedded is the least length of base64 inside of a value.
	minEmbedded = 12
	// maxStrings bounds the strings of a document that are readings of their own.
	maxStrings = 16
)

// embeddedBase64 decodes the longest piece of src that may be base64, first with slashes as signs of it and then with
// slashes between pieces, if what comes out is text.
func embeddedBase64(dst, src []byte) ([]byte, bool) {
	if bytes.IndexByte(src, '%') >= 0 { // its escapes are decoded first
		return dst, false
	}
	tried := 0
	for _, slash := range [...]bool{true, false} {
		piece := longestCode(src, slash)
		if len(piece) < minEmbedded {
			break
		}
		if len(piece) == tried || len(piece) == len(src) { // src as a whole was tried before
			continue
		}
		tried = len(piece)
		if out, ok := base64Text(dst, piece); ok {
			return out, true
		}
		if out, ok := base64Text(dst, piece[1:]); ok { // behind the length of a message's field
			return out, true
		}
	}
	return dst, false
}

// longestCode is the longest piece of b that is of signs of base64 only, with slashes or without.
func longestCode(b []byte, slash bool) []byte {
	var best []byte
	start := 0
	for i, c := range b {
		if !(word(c) || c == '+' || c == '-' || c == '_' || slash && c == '/') {
			if i-start > len(best) {
				best = b[start:i]
			}
			start = i + 1
		}
	}
	if len(b)-start > len(best) {
		best = b[start:]
	}
	return best
}

// isDocument tells whether b begins as JSON or a query of GraphQL does.
func isDocument(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n")
	if len(b) < 4 {
		return false
	}
	switch b[0] {
	case '[':
		return b[1] != '['
	case '{':
		// A template has another sign behind its brace, or no second one.
		next := bytes.TrimLeft(b[1:], " \t\r\n")
		return len(next) > 0 && (next[0] == '"' || next[0] == '}' || word(next[0]) && bytes.IndexByte(next, '{') > 0)
	}
	for _, w := range [...]string{"query", "mutation", "subscription", "fragment"} {
		if hasFold(b, w) {
			rest := b[len(w):]
			return len(rest) > 0 && (isSpace(rest[0]) || rest[0] == '{' || rest[0] == '(') && bytes.IndexByte(rest, '{') >= 0
		}
	}
	return false
}

// strings adds the strings of a document as readings, those that have more in them than a word. whole tells whether
// all of them are readings now and the rest of the document is of what JSON or GraphQL have outside of strings, so
// that nothing but its names and its form is left to look at in it.
func (s *Scratch) strings(v variant) (whole bool) {
	b := bytes.TrimSpace(v.b)
	whole = b[len(b)-1] == '}' || b[0] == '[' && b[len(b)-1] == ']'
	json := true
	between := byte(0) // the last sign outside of strings
	n := 0
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c != '"' {
			switch {
			case isSpace(c), word(c), c == '-', c == '+', c == '.':
			case c == ',' || c == ':' || c == '{' || c == '}' || c == '[' || c == ']':
				between = c
			case c == '_' || c == '(' || c == ')' || c == '!' || c == '$' || c == '@' || c == '=':
				json = false
			default:
				whole = false
			}
			continue
		}
		end, more := stringEnd(b[i+1:])
		if end < 0 {
			return false
		}
		inside := b[i+1 : i+1+end]
		i += end + 1
		// JSON has a string between two signs only.
		next := bytes.TrimLeft(b[i+1:], " \t\r\n")
		if json && (between == 0 || len(next) == 0 || bytes.IndexByte([]byte(",:]}"), next[0]) < 0) {
			whole = false
		}
		if !more {
			continue
		}
		if n == maxStrings || len(s.variants) >= maxVariants || s.most-len(s.arena) < len(inside) {
			return false
		}
		start := len(s.arena)
		s.arena = appendUnescaped(s.arena, inside)
		s.variants = append(s.variants, variant{s.arena[start:len(s.arena):len(s.arena)], v.depth, plain, false})
		n++
	}
	if json {
		return whole && (b[0] != '[' || areArrays(b))
	}
	return whole && b[0] != '[' && depthEven(b)
}

// areArrays tells whether b has arrays, and nothing that is in none, as far as its brackets go.
func areArrays(b []byte) bool {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			end, _ := stringEnd(b[i+1:])
			if end < 0 {
				return false
			}
			i += end + 1
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case depth == 0 && c != ',' && !isSpace(c):
			return false
		}
	}
	return depth == 0
}

// measured is what stands before and behind a document that Yahoo's pages send to those who measure, in the language
// that its interface for programs once had.
var measured = [2][]byte{[]byte("select * from x where a = '{"), []byte("}'")}

// withoutStatement gives the document that b is about, if it is such a statement.
func withoutStatement(b []byte) []byte {
	if bytes.HasPrefix(b, measured[0]) && bytes.HasSuffix(b, measured[1]) {
		return b[len(measured[0])-1 : len(b)-1]
	}
	return b
}

// depthEven tells whether the brackets of b outside of strings are as many as have to be, and whether all that it has in parentheses
// has names, as arguments of GraphQL have.
func depthEven(b []byte) bool {
	depth := 0
	named := true
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			end, _ := stringEnd(b[i+1:])
			if end < 0 {
				return false
			}
			i += end + 1
		case '(':
			depth++
			named = false
		case ':':
			named = true
		case ')':
			if !named {
				return false
			}
			depth--
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
	}
	return depth == 0
}

// stringEnd is where the string that b begins in ends, -1 if it does not, and whether there is more in it than a word:
// another sign, or so many letters large and small that it may be base64.
func stringEnd(b []byte) (end int, more bool) {
	large, small := false, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i, more || i >= minEmbedded && large && small
		case c == '\\':
			more = true
			i++
		case c >= 'a' && c <= 'z':
			small = true
		case c >= 'A' && c <= 'Z':
			large = true
		case word(c), c == '-', c == '_', c == '.' && !(i+1 < len(b) && b[i+1] == '.'):
		default:
			more = true
		}
	}
	return -1, false
}

// appendUnescaped appends the string of JSON whose inside is b.
func appendUnescaped(dst, b []byte) []byte {
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' || i+1 == len(b) {
			dst = append(dst, b[i])
			continue
		}
		i++
		switch c := b[i]; c {
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, size := escaped(b[i-1:])
			if size != 6 {
				dst = append(dst, '\\', c)
				continue
			}
			dst = utf8.AppendRune(dst, r)
			i += size - 2
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
