package apigen

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
)

// Translation is the Go form of a model pattern that Go's regexp cannot compile, or
// reads differently from Java's, which AWS's servers use.
type Translation struct {
	// Pattern is the model's, to the letter.
	Pattern string `json:"pattern"`
	// Go matches the same whole values.
	Go string `json:"go"`
	// Reason says what had to change, and what it costs if the two differ.
	Reason string `json:"reason"`
	// Match and Reject are values that must and must not match.
	Match  []string `json:"match"`
	Reject []string `json:"reject"`
}

//go:embed patterns.json
var patternsJSON []byte

// Translations reads the table of hand-translated patterns, by model pattern.
func Translations() (map[string]Translation, error) {
	var list []Translation
	if err := json.Unmarshal(patternsJSON, &list); err != nil {
		return nil, fmt.Errorf("patterns.json: %w", err)
	}
	table := make(map[string]Translation, len(list))
	for _, t := range list {
		if _, dup := table[t.Pattern]; dup {
			return nil, fmt.Errorf("patterns.json: %q occurs twice", t.Pattern)
		}
		table[t.Pattern] = t
	}
	return table, nil
}

// matcher is how generated code checks a pattern: with a character set and a minimal
// and maximal number of characters, or with a regular expression.
type matcher struct {
	set      []rune // pairs of first and last; nil means expr
	min, max int    // of characters; max -1 is unbounded
	expr     string // matches the whole value
}

// maxSetPairs bounds the tables of character sets; \p{L} alone has hundreds of ranges.
const maxSetPairs = 24

// compilePattern makes a matcher of a model pattern.
func compilePattern(pattern string, table map[string]Translation) (matcher, error) {
	text := pattern
	if t, ok := table[pattern]; ok {
		text = t.Go
	}
	whole := `\A(?:` + javaSpace(text) + `)\z`
	if _, err := regexp.Compile(whole); err != nil {
		return matcher{}, fmt.Errorf("pattern %q does not compile in Go (%w): translate it in internal/apigen/patterns.json", pattern, err)
	}
	m, err := asSet(whole)
	if err != nil {
		m = matcher{expr: whole}
	}
	return m, nil
}

// javaSpace makes \s mean what it means in Java, where it includes the vertical tab.
func javaSpace(text string) string {
	var b strings.Builder
	class := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			switch {
			case text[i] != 's':
				b.WriteString(text[i-1 : i+1])
			case class:
				b.WriteString(`\s\v`)
			default:
				b.WriteString(`[\s\v]`)
			}
			continue
		case c == '[':
			class = true
		case c == ']':
			class = false
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

var errNoSet = errors.New("not one repeated character class")

// asSet recognises patterns that are one repeated character class, anchored or not.
func asSet(whole string) (matcher, error) {
	re, err := syntax.Parse(whole, syntax.Perl)
	if err != nil {
		return matcher{}, err
	}
	var parts []*syntax.Regexp
	flatten(re, &parts)
	parts = slices.DeleteFunc(parts, func(r *syntax.Regexp) bool {
		return r.Op == syntax.OpBeginText || r.Op == syntax.OpEndText
	})
	if len(parts) != 1 {
		return matcher{}, errNoSet
	}
	m := matcher{min: 1, max: 1}
	switch r := parts[0]; r.Op {
	case syntax.OpStar:
		m.min, m.max = 0, -1
	case syntax.OpPlus:
		m.min, m.max = 1, -1
	case syntax.OpQuest:
		m.min, m.max = 0, 1
	case syntax.OpRepeat:
		m.min, m.max = r.Min, r.Max
	case syntax.OpCharClass:
		parts = []*syntax.Regexp{{Sub: []*syntax.Regexp{r}}}
	default:
		return matcher{}, errNoSet
	}
	class := parts[0].Sub[0]
	for class.Op == syntax.OpCapture {
		class = class.Sub[0]
	}
	switch class.Op {
	case syntax.OpCharClass:
		m.set = class.Rune
	case syntax.OpAnyChar:
		m.set = []rune{0, unicode.MaxRune}
	case syntax.OpAnyCharNotNL:
		m.set = []rune{0, '\n' - 1, '\n' + 1, unicode.MaxRune}
	default:
		return matcher{}, errNoSet
	}
	if len(m.set) > 2*maxSetPairs {
		return matcher{}, errNoSet
	}
	return m, nil
}

func flatten(re *syntax.Regexp, parts *[]*syntax.Regexp) {
	switch re.Op {
	case syntax.OpConcat:
		for _, s := range re.Sub {
			flatten(s, parts)
		}
	case syntax.OpCapture:
		flatten(re.Sub[0], parts)
	case syntax.OpEmptyMatch:
	default:
		*parts = append(*parts, re)
	}
}

// charSet is the composite literal of a wire.CharSet.
func charSet(pairs []rune) string {
	var ascii [2]uint64
	var rest []string
	for i := 0; i < len(pairs); i += 2 {
		lo, hi := pairs[i], pairs[i+1]
		for r := lo; r <= hi && r < 128; r++ {
			ascii[r>>6] |= 1 << (r & 63)
		}
		if hi >= 128 {
			rest = append(rest, fmt.Sprintf("%#x, %#x", max(lo, 128), hi))
		}
	}
	s := fmt.Sprintf("ASCII: [2]uint64{%#x, %#x}", ascii[0], ascii[1])
	if len(rest) > 0 {
		s += ", Ranges: []rune{" + strings.Join(rest, ", ") + "}"
	}
	return "wire.CharSet{" + s + "}"
}

// matches does what the generated code will do, for tests of the translation itself.
func (m matcher) matches(s string) bool {
	if m.set == nil {
		return regexp.MustCompile(m.expr).MatchString(s)
	}
	n := 0
	for _, r := range s {
		n++
		in := false
		for i := 0; i < len(m.set); i += 2 {
			in = in || r >= m.set[i] && r <= m.set[i+1]
		}
		if !in {
			return false
		}
	}
	limit := m.max
	if limit < 0 {
		limit = math.MaxInt
	}
	return n >= m.min && n <= limit
}
