package policy

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDocumentBytes bounds a policy document before it is parsed: twice the 131,072
// bytes that AWS's models let callers send at most (which the services check), because
// AWS's own managed policies are larger, up to 140,000.
const MaxDocumentBytes = 262144

// maxDepth bounds nesting. A policy needs six levels: document, statement list,
// statement, condition block, operator, list of values.
const maxDepth = 16

// shape is the type of a JSON value.
type shape uint8

const (
	shapeNull shape = iota + 1
	shapeBool
	shapeNumber
	shapeString
	shapeArray
	shapeObject
)

// value is a JSON value that remembers where it stood.
type value struct {
	shape   shape
	text    string // strings unquoted; numbers and booleans as written
	items   []value
	members []member
	start   int // byte offset of the first byte
	end     int // byte offset after the last byte
}

type member struct {
	name  string
	start int
	value value
}

// jsonError is a lexical or structural fault at a byte offset.
type jsonError struct {
	offset int
	why    string
	valid  bool // JSON would allow it, policies do not
}

// parser reads JSON (RFC 8259) with duplicate names refused. It is written by hand
// because encoding/json keeps neither positions nor duplicates.
type parser struct {
	in  []byte
	pos int
	err *jsonError
}

func parseJSON(in []byte) (value, *jsonError) {
	p := &parser{in: in}
	p.space()
	v := p.value(0)
	if p.err == nil {
		p.space()
		if p.pos != len(in) {
			p.fail("text after the document")
		}
	}
	return v, p.err
}

func (p *parser) fail(why string) {
	if p.err == nil {
		p.err = &jsonError{offset: p.pos, why: why}
	}
}

// refuse is fail for what is JSON but not a policy.
func (p *parser) refuse(why string) {
	if p.err == nil {
		p.err = &jsonError{offset: p.pos, why: why, valid: true}
	}
}

func (p *parser) space() {
	for p.pos < len(p.in) {
		switch p.in[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

func (p *parser) peek() byte {
	if p.pos < len(p.in) {
		return p.in[p.pos]
	}
	return 0
}

func (p *parser) value(depth int) value {
	if depth > maxDepth {
		p.refuse("nested too deep")
	}
	if p.err != nil {
		return value{}
	}
	v := value{start: p.pos}
	switch c := p.peek(); {
	case c == '{':
		v.shape = shapeObject
		v.members = p.object(depth)
	case c == '[':
		v.shape = shapeArray
		v.items = p.array(depth)
	case c == '"':
		v.shape = shapeString
		v.text = p.str()
	case c == '-' || c >= '0' && c <= '9':
		v.shape = shapeNumber
		v.text = p.number()
	case p.literal("true"):
		v.shape, v.text = shapeBool, "true"
	case p.literal("false"):
		v.shape, v.text = shapeBool, "false"
	case p.literal("null"):
		v.shape = shapeNull
	default:
		p.fail("expected a value")
	}
	v.end = p.pos
	return v
}

func (p *parser) literal(word string) bool {
	if len(p.in)-p.pos < len(word) || string(p.in[p.pos:p.pos+len(word)]) != word {
		return false
	}
	p.pos += len(word)
	return true
}

func (p *parser) object(depth int) []member {
	p.pos++ // {
	members := []member{}
	var seen map[string]bool
	p.space()
	if p.peek() == '}' {
		p.pos++
		return members
	}
	for p.err == nil {
		p.space()
		if p.peek() != '"' {
			p.fail("expected a name")
			break
		}
		m := member{start: p.pos}
		m.name = p.str()
		if seen == nil {
			seen = make(map[string]bool, 8)
		}
		if seen[m.name] {
			p.pos = m.start
			p.refuse("name given twice")
			break
		}
		seen[m.name] = true
		p.space()
		if p.peek() != ':' {
			p.fail("expected a colon")
			break
		}
		p.pos++
		p.space()
		m.value = p.value(depth + 1)
		members = append(members, m)
		p.space()
		switch p.peek() {
		case ',':
			p.pos++
		case '}':
			p.pos++
			return members
		default:
			p.fail("expected a comma or a closing brace")
		}
	}
	return members
}

func (p *parser) array(depth int) []value {
	p.pos++ // [
	items := []value{}
	p.space()
	if p.peek() == ']' {
		p.pos++
		return items
	}
	for p.err == nil {
		p.space()
		items = append(items, p.value(depth+1))
		p.space()
		switch p.peek() {
		case ',':
			p.pos++
		case ']':
			p.pos++
			return items
		default:
			p.fail("expected a comma or a closing bracket")
		}
	}
	return items
}

func (p *parser) number() string {
	start := p.pos
	if p.peek() == '-' {
		p.pos++
	}
	switch c := p.peek(); {
	case c == '0':
		p.pos++
	case c >= '1' && c <= '9':
		p.digits()
	default:
		p.fail("expected a digit")
	}
	if p.peek() == '.' {
		p.pos++
		p.digits()
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.pos++
		if c := p.peek(); c == '+' || c == '-' {
			p.pos++
		}
		p.digits()
	}
	return string(p.in[start:p.pos])
}

func (p *parser) digits() {
	start := p.pos
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.pos++
	}
	if p.pos == start {
		p.fail("expected a digit")
	}
}

// str reads a string. Bytes below 0x20, invalid UTF-8 and lone surrogates are
// refused: the matcher relies on patterns being valid UTF-8.
func (p *parser) str() string {
	p.pos++ // "
	start := p.pos
	for p.pos < len(p.in) {
		c := p.in[p.pos]
		switch {
		case c == '"':
			s := string(p.in[start:p.pos])
			p.pos++
			return s
		case c == '\\':
			return p.escaped(append([]byte(nil), p.in[start:p.pos]...))
		case c < 0x20:
			p.fail("control character in a string")
			return ""
		case c < utf8.RuneSelf:
			p.pos++
		default:
			r, size := utf8.DecodeRune(p.in[p.pos:])
			if r == utf8.RuneError && size <= 1 {
				p.fail("invalid UTF-8")
				return ""
			}
			p.pos += size
		}
	}
	p.fail("unterminated string")
	return ""
}

// escaped continues a string from its first backslash; out holds what came before.
func (p *parser) escaped(out []byte) string {
	for p.pos < len(p.in) {
		c := p.in[p.pos]
		switch {
		case c == '"':
			p.pos++
			return string(out)
		case c == '\\':
			r, ok := p.escape()
			if !ok {
				p.fail("invalid escape")
				return ""
			}
			out = utf8.AppendRune(out, r)
		case c < 0x20:
			p.fail("control character in a string")
			return ""
		default:
			r, size := utf8.DecodeRune(p.in[p.pos:])
			if r == utf8.RuneError && size <= 1 {
				p.fail("invalid UTF-8")
				return ""
			}
			out = append(out, p.in[p.pos:p.pos+size]...)
			p.pos += size
		}
	}
	p.fail("unterminated string")
	return ""
}

func (p *parser) escape() (rune, bool) {
	if p.pos+1 >= len(p.in) {
		return 0, false
	}
	c := p.in[p.pos+1]
	switch c {
	case '"', '\\', '/':
		p.pos += 2
		return rune(c), true
	case 'b':
		p.pos += 2
		return '\b', true
	case 'f':
		p.pos += 2
		return '\f', true
	case 'n':
		p.pos += 2
		return '\n', true
	case 'r':
		p.pos += 2
		return '\r', true
	case 't':
		p.pos += 2
		return '\t', true
	case 'u':
		high, ok := p.unit()
		if !ok {
			return 0, false
		}
		if !utf16.IsSurrogate(high) {
			return high, true
		}
		low, ok := p.unit()
		if !ok {
			return 0, false
		}
		r := utf16.DecodeRune(high, low)
		return r, r != utf8.RuneError
	}
	return 0, false
}

// unit reads one \uXXXX.
func (p *parser) unit() (rune, bool) {
	if p.pos+6 > len(p.in) || p.in[p.pos] != '\\' || p.in[p.pos+1] != 'u' {
		return 0, false
	}
	for _, c := range p.in[p.pos+2 : p.pos+6] {
		if c == '+' || c == '-' || c == '_' {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(string(p.in[p.pos+2:p.pos+6]), 16, 16)
	if err != nil {
		return 0, false
	}
	p.pos += 6
	return rune(n), true
}

// locator turns byte offsets into positions. It remembers the last place, so that a
// walk through a document in order costs one pass.
type locator struct {
	in     []byte
	offset int
	pos    Position
}

func newLocator(in []byte) *locator {
	return &locator{in: in, pos: Position{Line: 1, Column: 1}}
}

func (l *locator) at(offset int) Position {
	offset = min(offset, len(l.in))
	if offset < l.offset {
		l.offset, l.pos = 0, Position{Line: 1, Column: 1}
	}
	for _, c := range l.in[l.offset:offset] {
		switch {
		case c == '\n':
			l.pos = Position{Line: l.pos.Line + 1, Column: 1}
		case utf8.RuneStart(c):
			l.pos.Column++
		}
	}
	l.offset = offset
	return l.pos
}
