package pattern

import "strings"

// escaped reads an escape sequence outside of a class.
func (p *parser) escaped() (*node, bool) {
	start := p.at
	p.at++
	if !p.more() {
		p.fail(Malformed, start, "a backslash ends the expression")
	}
	c := p.peek()
	switch c {
	case 'b':
		p.at++
		return p.assertion(wordEdge)
	case 'B':
		p.at++
		return p.assertion(noWordEdge)
	case 'A':
		p.at++
		return p.assertion(beginText)
	case 'z':
		p.at++
		return p.assertion(endText)
	case 'Z':
		p.at++
		return p.assertion(endTextOrLast)
	case 'Q':
		p.at++
		p.quoted = true
		return nil, false
	case 'E': // without \Q it means nothing
		p.at++
		return nil, false
	case 'N':
		p.at++
		if p.peek() == '{' {
			p.fail(Unsupported, start, `\N{…}`)
		}
		return &node{op: opSet, set: noNewline}, true
	case 'C':
		p.fail(SingleByte, start, "the single byte directive")
	case 'R':
		p.fail(NewlineSequence, start, "the newline sequence")
	case 'K':
		p.fail(MatchReset, start, "the reset of the match's start")
	case 'g':
		if p.at+1 < len(p.text) && (p.text[p.at+1] == '<' || p.text[p.at+1] == '\'') {
			p.fail(Subroutine, start, "a subroutine reference")
		}
		p.fail(BackReference, start, "a back reference")
	case 'k':
		p.fail(BackReference, start, "a back reference")
	case 'X', 'G', 'p', 'P':
		p.fail(Unsupported, start, `\%c`, c)
	}
	if '1' <= c && c <= '9' {
		// Below 10, or as many groups: a reference. PCRE counts all groups, also later ones.
		digits := p.at
		for digits < len(p.text) && digitBytes.has(p.text[digits]) {
			digits++
		}
		if n, _ := count(p.text[p.at:digits]); n < 10 || c >= '8' || n <= strings.Count(p.text, "(") {
			p.fail(BackReference, start, "a back reference")
		}
		n, _ := p.number(8, 3)
		return p.byteOf(start, n), true
	}
	if set, ok := p.shorthand(); ok {
		return &node{op: opSet, set: set}, true
	}
	return p.one(p.escapedByte(start)), true
}

// shorthand reads the letter of an escape that is a class.
func (p *parser) shorthand() (byteSet, bool) {
	space := spacePCRE
	if p.syntax == SecLang {
		space = spaceGo
	}
	var set byteSet
	c := p.peek()
	switch c {
	case 'd', 'D':
		set = digitBytes
	case 'w', 'W':
		set = wordBytes
	case 's', 'S':
		set = space
	case 'h', 'H':
		set = horizontal
	case 'v', 'V':
		// RE2 knows \v as the vertical tab alone.
		set = vertical
		if p.syntax == SecLang && c == 'v' {
			set = oneByte('\v')
		}
	default:
		return set, false
	}
	p.at++
	if c < 'a' {
		set = set.not()
	}
	return set, true
}

func (p *parser) byteOf(start, n int) *node {
	if n > 255 {
		p.fail(Malformed, start, "a number beyond 255, where everything is bytes")
	}
	return p.one(byte(n))
}

// escapedByte reads the rest of an escape that is one byte; the backslash is read.
func (p *parser) escapedByte(start int) byte {
	c := p.peek()
	p.at++
	n := 0
	switch c {
	case 'a':
		return '\a'
	case 'e':
		return 0x1b
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'c':
		if !p.more() || p.peek() < ' ' || p.peek() > '~' {
			p.fail(Malformed, start, `\c without a printable character`)
		}
		p.at++
		b := p.text[p.at-1]
		if 'a' <= b && b <= 'z' {
			b -= 'a' - 'A'
		}
		return b ^ 0x40
	case 'x':
		if p.skip("{") {
			var digits int
			if n, digits = p.number(16, 8); digits == 0 || !p.skip("}") {
				p.fail(Malformed, start, `\x{ without hexadecimal digits and a brace`)
			}
		} else {
			n, _ = p.number(16, 2)
		}
	case 'o':
		var digits int
		if !p.skip("{") {
			p.fail(Malformed, start, `\o without a brace`)
		}
		if n, digits = p.number(8, 8); digits == 0 || !p.skip("}") {
			p.fail(Malformed, start, `\o{ without octal digits and a brace`)
		}
	case '0', '1', '2', '3', '4', '5', '6', '7':
		p.at--
		n, _ = p.number(8, 3)
	default:
		if isWord(c) && c != '_' {
			p.fail(Malformed, start, `unknown escape \%c`, c)
		}
		return c
	}
	if n > 255 {
		p.fail(Malformed, start, "a number beyond 255, where everything is bytes")
	}
	return byte(n)
}

// class reads a class in brackets.
func (p *parser) class() byteSet {
	start := p.at
	p.at++
	negated := p.skip("^")
	var set byteSet
	for first := true; first || !p.skip("]"); first = false {
		at := p.at
		member, single := p.member(start)
		// A hyphen makes a range between two bytes; next to a class, or last, it is itself.
		if single && p.peek() == '-' && p.at+1 < len(p.text) && p.text[p.at+1] != ']' {
			p.at++
			end, one := p.member(start)
			if !one {
				set = set.or(member).or(oneByte('-')).or(end)
				continue
			}
			lo, hi := member.bytes()[0], end.bytes()[0]
			if lo > hi {
				p.fail(Malformed, at, "a range whose ends are in the wrong order")
			}
			set.addRange(lo, hi)
			continue
		}
		set = set.or(member)
	}
	if p.has(flagFold) {
		set = set.folded()
	}
	if negated {
		set = set.not()
	}
	return set
}

// member reads a member of a class: one byte (single) or a class by name.
func (p *parser) member(start int) (set byteSet, single bool) {
	if !p.more() {
		p.fail(Malformed, start, "a class that does not end")
	}
	if p.peek() == '[' && p.at+1 < len(p.text) && strings.IndexByte(":.=", p.text[p.at+1]) >= 0 {
		kind := p.text[p.at+1]
		if end := strings.Index(p.text[p.at+2:], string(kind)+"]"); end >= 0 {
			name := p.text[p.at+2 : p.at+2+end]
			plain := strings.TrimPrefix(name, "^")
			named, ok := posixClasses[plain]
			switch {
			case ok && kind == ':':
				p.at += end + 4
				if plain != name {
					named = named.not()
				}
				return named, false
			case !strings.ContainsAny(name, `]\`):
				p.fail(Malformed, p.at, "an unknown class %q", p.text[p.at:p.at+end+4])
			}
		}
	}
	c := p.peek()
	if c != '\\' {
		p.at++
		return oneByte(c), true
	}
	at := p.at
	p.at++
	if !p.more() {
		p.fail(Malformed, at, "a backslash ends the expression")
	}
	switch c := p.peek(); c {
	case 'b':
		p.at++
		return oneByte('\b'), true
	case 'Q', 'E':
		p.fail(Unsupported, at, "a quotation within a class")
	case 'N', 'R', 'X', 'B', 'C', 'K', 'G', 'p', 'P':
		p.fail(Unsupported, at, `\%c within a class`, c)
	}
	if named, ok := p.shorthand(); ok {
		return named, false
	}
	return oneByte(p.escapedByte(at)), true
}
