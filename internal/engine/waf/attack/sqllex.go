package attack

import "bytes"

// sqlToken is a kind of token of SQL.
type sqlToken uint8

const (
	sqlEnd      sqlToken = iota
	sqlRemark            // a comment that hides the rest
	sqlNumber            // 1, .5, 1e0, 0x1f
	sqlString            // 'a', and what N, E, X, B, U&, _utf8 and dollar signs make strings of
	sqlOpen              // a string that does not end
	sqlWord              // a keyword or a name
	sqlQuoted            // a name in backquotes or brackets
	sqlVariable          // @a, @@a
	sqlOperator
	sqlLeft
	sqlRight
	sqlComma
	sqlSemicolon
	sqlBad // none of a database
)

// sqlLexer reads text as databases do: comments of all of them are white space, which includes those to the end of a
// line and the beginnings and ends of MySQL's executable ones.
type sqlLexer struct {
	b []byte
	i int
	// word is the last word in lower case, if it is short; sign the first byte of an operator, or the quotation mark of a string.
	word  [24]byte
	words int
	sign  byte
	size  int  // bytes of an operator
	typed bool // the string has a prefix
	// comments are those that have been read as white space.
	comments int
}

// text is the last word.
func (l *sqlLexer) text() []byte { return l.word[:l.words] }

// skip goes to the next token and tells whether a comment has hidden all that was left.
func (l *sqlLexer) skip() (hidden bool) {
	for l.i < len(l.b) {
		rest := l.b[l.i:]
		switch c := rest[0]; {
		case c > 0 && c <= ' ': // SQL Server takes all control characters for it
			l.i++
		case c == latinSpace:
			l.i++
		case c == 0xc2 && len(rest) > 1 && rest[1] == 0xa0:
			l.i += 2
		case c == 0:
			return true
		case c == '#' || c == '-' && len(rest) > 1 && rest[1] == '-':
			n := bytes.IndexByte(rest, '\n')
			if n < 0 {
				return true
			}
			l.comments++
			l.i += n + 1
		case c == '/' && len(rest) > 1 && rest[1] == '*':
			at := 2
			if at < len(rest) && (rest[at] == 'M' || rest[at] == 'm') {
				at++
			}
			if at < len(rest) && rest[at] == '!' {
				for at++; at < len(rest) && rest[at] >= '0' && rest[at] <= '9'; at++ {
				}
				l.comments++
				l.i += at
				continue
			}
			n := bytes.Index(rest[2:], []byte("*/"))
			if n < 0 {
				return true
			}
			l.comments++
			l.i += 2 + n + 2
		case c == '*' && len(rest) > 1 && rest[1] == '/':
			l.i += 2
		default:
			return false
		}
	}
	return false
}

// latinSpace is white space in Latin 1, and behind 0xc2 in UTF-8.
const latinSpace = 0xa0

// spaceAt tells whether the byte at i, where a character begins or continues, is that white space or begins it.
func spaceAt(b []byte, i int) bool {
	switch b[i] {
	case latinSpace:
		return i == 0 || b[i-1] < 0x80 // otherwise it is of a longer character
	case 0xc2:
		return i+1 < len(b) && b[i+1] == latinSpace
	}
	return false
}

func wordByte(c byte) bool { return word(c) || c == '_' || c >= 0x80 }

// next gives the next token.
func (l *sqlLexer) next() sqlToken {
	if l.skip() {
		return sqlRemark
	}
	if l.i >= len(l.b) {
		return sqlEnd
	}
	c := l.b[l.i]
	switch {
	case c == '\'' || c == '"':
		return l.str(c)
	case c == '`' || c == '[':
		end := byte('`')
		if c == '[' {
			end = ']'
		}
		n := bytes.IndexByte(l.b[l.i+1:], end)
		l.sign = c
		if n < 0 {
			l.i = len(l.b)
			if c == '[' {
				return sqlBad
			}
			return sqlOpen
		}
		if c == '[' && bytes.IndexFunc(l.b[l.i+1:l.i+1+n], func(r rune) bool { return r < 0x80 && !wordByte(byte(r)) }) >= 0 {
			return sqlBad
		}
		l.i += n + 2
		return sqlQuoted
	case c >= '0' && c <= '9' || c == '.' && l.i+1 < len(l.b) && l.b[l.i+1] >= '0' && l.b[l.i+1] <= '9':
		return l.number()
	case wordByte(c):
		start := l.i
		for l.i < len(l.b) && (wordByte(l.b[l.i]) || l.b[l.i] == '$') && !spaceAt(l.b, l.i) {
			l.i++
		}
		l.keep(l.b[start:l.i])
		if l.i < len(l.b) && l.prefixes() {
			t := l.str(l.b[l.i])
			l.typed = true
			return t
		}
		return sqlWord
	case c == '@':
		l.i++
		for l.i < len(l.b) && (wordByte(l.b[l.i]) || l.b[l.i] == '@' || l.b[l.i] == '.' || l.b[l.i] == '$') {
			l.i++
		}
		if l.i < len(l.b) && l.b[l.i-1] == '@' {
			if q := l.b[l.i]; q == '`' || q == '\'' || q == '"' {
				if n := bytes.IndexByte(l.b[l.i+1:], q); n >= 0 {
					l.i += n + 2
				}
			}
		}
		return sqlVariable
	case c == '$':
		return l.dollar()
	}
	l.i++
	switch c {
	case '(':
		return sqlLeft
	case ')':
		return sqlRight
	case ',':
		return sqlComma
	case ';':
		return sqlSemicolon
	case '{', '}':
		l.sign, l.size = c, 1
		return sqlOperator
	case '\\':
		if l.i < len(l.b) && l.b[l.i] == 'N' { // NULL of MySQL
			l.i++
			return sqlNumber
		}
		return sqlBad
	case '=', '<', '>', '!', '|', '&', '^', '+', '-', '*', '/', '%', '~', ':', '.', '?':
	default:
		return sqlBad
	}
	l.sign = c
	start := l.i - 1
	for l.i < len(l.b) && l.i-start < 3 {
		switch d := l.b[l.i]; d {
		case '=', '>', '|', '&', '~', '*', '@', '<', '^', ':':
			if d == '*' && c != '~' && c != '!' || d == '~' && c != '!' && c != '~' || d == '@' && c != '<' && c != '^' || d == '^' || d == ':' && c != ':' || (d == '|' || d == '&') && c != d || d == '<' && c != '<' || c == '+' || c == '*' || c == '%' || c == '?' {
				return l.operator(start)
			}
		default:
			return l.operator(start)
		}
		l.i++
	}
	return l.operator(start)
}

func (l *sqlLexer) operator(start int) sqlToken {
	l.size = l.i - start
	return sqlOperator
}

// keep keeps a word in lower case.
func (l *sqlLexer) keep(w []byte) {
	l.words = 0
	if len(w) <= len(l.word) {
		for i, c := range w {
			l.word[i] = lowerASCII(c)
		}
		l.words = len(w)
	}
}

// prefixes tells whether the word is one that stands before a string without a space, which follows.
func (l *sqlLexer) prefixes() bool {
	if l.b[l.i] == '&' && l.words == 1 && l.word[0] == 'u' && l.i+1 < len(l.b) && (l.b[l.i+1] == '\'' || l.b[l.i+1] == '"') {
		l.i++
		return true
	}
	if c := l.b[l.i]; c != '\'' && (c != '"' || l.words < 2 || l.word[0] != '_') {
		return false
	}
	return l.words == 1 && bytes.IndexByte([]byte("nexb"), l.word[0]) >= 0 || l.words > 1 && l.word[0] == '_'
}

// str reads the string that begins here.
func (l *sqlLexer) str(quote byte) sqlToken {
	l.sign, l.typed = quote, false
	for l.i++; l.i < len(l.b); l.i++ {
		if l.b[l.i] != quote {
			continue
		}
		if l.i+1 < len(l.b) && l.b[l.i+1] == quote {
			l.i++
			continue
		}
		l.i++
		return sqlString
	}
	return sqlOpen
}

// number reads a number, which no letters follow but those of its own.
func (l *sqlLexer) number() sqlToken {
	start := l.i
	hex := l.b[l.i] == '0' && l.i+1 < len(l.b) && (l.b[l.i+1]|0x20 == 'x' || l.b[l.i+1]|0x20 == 'b')
	if hex {
		l.i += 2
	}
	for l.i < len(l.b) {
		c := l.b[l.i]
		switch {
		case c|0x20 == 'e' && l.b[l.i-1] == '.' && l.i-1 > start && (l.i+1 == len(l.b) || !wordByte(l.b[l.i+1])):
			// "1.e(1)": MySQL takes what is before the parenthesis for nothing.
			l.i++
			l.comments++
			return l.next()
		case c >= '0' && c <= '9' || c == '.' && !hex:
		case hex && isHex(c):
		case !hex && c|0x20 == 'e' && l.i+1 < len(l.b) && (l.b[l.i+1] >= '0' && l.b[l.i+1] <= '9' || (l.b[l.i+1] == '-' || l.b[l.i+1] == '+') && l.i+2 < len(l.b) && l.b[l.i+2] >= '0' && l.b[l.i+2] <= '9'):
			l.i++
		case c == '_' && l.i > start && l.i+1 < len(l.b) && l.b[l.i+1] >= '0' && l.b[l.i+1] <= '9':
		case wordByte(c) && !spaceAt(l.b, l.i):
			// "1or": databases begin a word here, and people write "2nd", "4x4" and "10am". Only keywords count.
			end := l.i
			for end < len(l.b) && wordByte(l.b[end]) && !spaceAt(l.b, end) {
				end++
			}
			l.keep(l.b[l.i:end])
			if sqlWords[string(l.text())] == 0 {
				return sqlBad
			}
			return sqlNumber
		default:
			return sqlNumber
		}
		l.i++
	}
	return sqlNumber
}

// dollar reads PostgreSQL's string in dollar signs.
func (l *sqlLexer) dollar() sqlToken {
	start := l.i
	n := bytes.IndexByte(l.b[start+1:], '$')
	l.i++
	if n < 0 || n > 20 {
		return sqlBad
	}
	tag := l.b[start : start+n+2]
	for _, c := range tag[1 : len(tag)-1] {
		if !wordByte(c) {
			return sqlBad
		}
	}
	l.sign, l.typed = '$', true
	end := bytes.Index(l.b[start+len(tag):], tag)
	if end < 0 {
		return sqlBad
	}
	l.i = start + 2*len(tag) + end
	return sqlString
}
