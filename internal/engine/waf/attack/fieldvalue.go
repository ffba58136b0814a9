package attack

import "bytes"

// Header fields have a grammar of their own (RFC 9651, and the older ones that it sums up): lists of strings, tokens and
// numbers with parameters. Quotation marks and semicolons are signs of that grammar and of no statement, in the brands
// of Sec-CH-UA for one, which are made to have as many signs in them as may be: "Not;A=Brand";v="8", "Chromium";v="138".
// Whoever takes such a field apart reads its strings, each by itself.

// fieldStrings adds the strings in the value of a header field as readings, and tells whether all of the value is of
// that grammar and all its strings are readings now. The value of a cookie may be one string (RFC 6265, 4.1.1). Elsewhere a
// value counts if it has several strings for parameters: scripts send on what they know of a browser.
func (s *Scratch) fieldStrings(v variant, place Place) bool {
	if bytes.IndexByte(v.b, '"') < 0 {
		return false
	}
	variants, arena := len(s.variants), len(s.arena)
	p := fieldParser{b: v.b}
	for n := 0; p.list(); n++ {
		if p.inside == nil && (place == Field || place == Cookie || p.strings > 1) {
			return true // the end
		}
		if p.inside == nil {
			break
		}
		if n == maxStrings || len(s.variants) >= maxVariants || s.most-len(s.arena) < len(p.inside) {
			break
		}
		start := len(s.arena)
		s.arena = appendUnescaped(s.arena, p.inside)
		s.variants = append(s.variants, variant{s.arena[start:len(s.arena):len(s.arena)], v.depth, plain, false})
	}
	s.variants, s.arena = s.variants[:variants], s.arena[:arena]
	return false
}

// fieldParser reads the value of a header field.
type fieldParser struct {
	b      []byte
	i      int
	inside []byte // what the last string has in it; nil at the end
	nested bool   // in an inner list
	after  bool   // an item is complete
	// strings are those that are values of parameters.
	strings int
}

// list goes on to the next string that has more in it than a word, or to the end; it is false if the value is none
// of the grammar.
func (p *fieldParser) list() bool {
	for {
		space := p.i
		for p.i < len(p.b) && (p.b[p.i] == ' ' || p.b[p.i] == '\t') {
			p.i++
		}
		if p.i == len(p.b) {
			p.inside = nil
			return p.after && !p.nested
		}
		switch c := p.b[p.i]; {
		case c == ',':
			if !p.after || p.nested {
				return false
			}
			p.i, p.after = p.i+1, false
		case c == ';' || c == '|': // some write a bar where a semicolon would end a cookie
			if !p.after || p.i > space {
				return false
			}
			for p.i++; p.i < len(p.b) && p.b[p.i] == ' '; p.i++ {
			}
			if !p.key() {
				return false
			}
			p.after = true
			if p.i < len(p.b) && p.b[p.i] == '=' {
				p.i++
				p.after = false
				if p.i == len(p.b) || p.b[p.i] == ' ' || p.b[p.i] == '(' {
					return false
				}
				p.strings += b2i(p.b[p.i] == '"')
			}
		case c == ')':
			if !p.nested {
				return false
			}
			p.i, p.nested, p.after = p.i+1, false, true
		case p.after && !(p.nested && p.i > space):
			return false // two items without a comma
		case c == '(':
			if p.nested {
				return false
			}
			p.i, p.nested, p.after = p.i+1, true, true
			for p.i < len(p.b) && p.b[p.i] == ' ' {
				p.i++
			}
			p.after = p.i < len(p.b) && p.b[p.i] == ')'
		case c == '"':
			end, more := stringEnd(p.b[p.i+1:])
			if end < 0 {
				return false
			}
			p.inside = p.b[p.i+1 : p.i+1+end]
			p.i, p.after = p.i+end+2, true
			if more {
				return true
			}
		case c == '?' || c == '@' || c == ':':
			if p.i++; !p.word() {
				return false
			}
			p.after = true
		case isKeyByte(c) || c == '*' || c == '-':
			if !p.word() {
				return false
			}
			p.after = true
			if p.i < len(p.b) && p.b[p.i] == '=' && !p.nested { // a member of a dictionary
				p.i++
				p.after = false
			}
		default:
			return false
		}
	}
}

func isKeyByte(c byte) bool { return word(c) || c == '_' }

// key reads the name of a parameter.
func (p *fieldParser) key() bool {
	start := p.i
	for p.i < len(p.b) && (isKeyByte(p.b[p.i]) || p.b[p.i] == '-' || p.b[p.i] == '.' || p.b[p.i] == '*') {
		p.i++
	}
	return p.i > start
}

// word reads a token, a number or bytes in base64.
func (p *fieldParser) word() bool {
	start := p.i
	for p.i < len(p.b) && (isKeyByte(p.b[p.i]) || bytes.IndexByte([]byte("-.+/*:%@"), p.b[p.i]) >= 0) {
		p.i++
	}
	return p.i > start
}
