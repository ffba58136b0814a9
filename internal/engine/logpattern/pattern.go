package logpattern

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// The bounds of a pattern. MaxLength is AWS's (API reference, FilterPattern); the others keep the
// work for a message small.
const (
	// MaxLength is in characters.
	MaxLength = 1024
	// MaxRegexes is how many regular expressions a pattern can have: AWS allows two.
	MaxRegexes = 2
	maxDepth   = 32
)

// ErrPattern is wrapped by every error of Compile; the text of the error says what is wrong in words
// for whoever wrote the pattern.
var ErrPattern = errors.New("invalid filter pattern")

// Pattern is a compiled pattern. It is immutable and safe for concurrent use.
type Pattern struct {
	match matcher
}

// matcher is one of the kinds of patterns.
type matcher interface {
	// match tells whether a message matches, and in extract, if that is not nil, what the names of the
	// pattern stand for.
	match(message string, extract map[string]string) bool
}

// Compile reads a pattern.
func Compile(text string) (*Pattern, error) {
	if utf8.RuneCountInString(text) > MaxLength {
		return nil, bad("it is longer than %d characters", MaxLength)
	}
	p := &parser{text: text}
	var m matcher
	var err error
	switch trimmed := strings.TrimSpace(text); {
	case trimmed == "":
		m = everything{}
	case trimmed[0] == '{':
		m, err = p.object()
	case trimmed[0] == '[':
		m, err = p.fields()
	default:
		m, err = p.terms()
	}
	if err != nil {
		return nil, err
	}
	return &Pattern{m}, nil
}

// Match tells whether a message matches.
func (p *Pattern) Match(message string) bool { return p.match.match(message, nil) }

// Extract is Match that also returns what the fields of the pattern have in the message, by their
// names as the pattern writes them: "$.a.b", or "$name" and "$1" for fields that spaces separate.
func (p *Pattern) Extract(message string) (values map[string]string, ok bool) {
	values = make(map[string]string)
	if !p.match.match(message, values) {
		return nil, false
	}
	return values, true
}

// All tells whether the pattern matches every message.
func (p *Pattern) All() bool {
	_, all := p.match.(everything)
	return all
}

type everything struct{}

func (everything) match(string, map[string]string) bool { return true }

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrPattern, fmt.Sprintf(format, args...))
}

// parser reads a pattern from left to right.
type parser struct {
	text    string
	at      int
	regexes int
}

func (p *parser) space() {
	for p.at < len(p.text) && isSpace(p.text[p.at]) {
		p.at++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// peek is the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

// take takes a token if it comes next.
func (p *parser) take(token string) bool {
	if strings.HasPrefix(p.text[p.at:], token) {
		p.at += len(token)
		return true
	}
	return false
}

// word takes a word in any case, behind which no letter may follow.
func (p *parser) word(w string) bool {
	rest := p.text[p.at:]
	if len(rest) < len(w) || !strings.EqualFold(rest[:len(w)], w) || len(rest) > len(w) && isWord(rest[len(w)]) {
		return false
	}
	p.at += len(w)
	return true
}

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= utf8.RuneSelf
}

// quoted reads a string in double quotes; a backslash takes the next character as it is.
func (p *parser) quoted() (string, error) {
	if !p.take(`"`) {
		return "", bad("a double quote is missing")
	}
	var b strings.Builder
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch c {
		case '"':
			return b.String(), nil
		case '\\':
			if p.at == len(p.text) {
				return "", bad("a string does not end")
			}
			b.WriteByte(p.text[p.at])
			p.at++
		default:
			b.WriteByte(c)
		}
	}
	return "", bad("a string does not end")
}
