package ssm

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A pattern of java.util.regex is translated into one that package regexp, or if it needs
// backtracking regexp2, takes for the same (Java SE API, class Pattern). What differs is
// spelled out: classes, the shorthands (ASCII in Java), the dot, quotations, possessive
// quantifiers. Not translated is that Java's $ also matches before a line end at the end
// of the text, which means nothing where all of a text must match.

var errPattern = errors.New("ssm: not a regular expression")

// maxPatternDepth bounds the nesting of groups and classes.
const maxPatternDepth = 100

// Members of classes.
const (
	lineEnds  = "\n\r\u0085\u2028\u2029"
	digits    = "0-9"
	words     = "a-zA-Z0-9_"
	spaces    = `\t\n\x0B\f\r `
	blanks    = " \\t\u00a0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000"
	verticals = "\\n\\x0B\\f\\r\u0085\u2028\u2029"
	anything  = `[\s\S]`
)

// posix are the classes of US-ASCII that Java names with \p.
var posix = map[string]string{
	"Lower": "a-z", "Upper": "A-Z", "ASCII": `\x00-\x7F`, "Alpha": "a-zA-Z", "Digit": digits, "Alnum": "a-zA-Z0-9",
	"Punct": `!-/:-@\[-` + "`{-~", "Graph": "!-~", "Print": " -~", "Blank": ` \t`, "Cntrl": `\x00-\x1F\x7F`, "XDigit": "0-9a-fA-F", "Space": spaces,
}

type translator struct {
	in     string
	at     int
	depth  int
	linear bool
	dotAll bool
	multi  bool
}

// translate returns the pattern, and whether package regexp may be able to match it.
func translate(pattern string) (out string, linear bool, err error) {
	if !utf8.ValidString(pattern) {
		return "", false, errPattern
	}
	t := &translator{in: pattern, linear: true}
	if out, err = t.alternatives(); err != nil {
		return "", false, err
	}
	if t.at < len(t.in) { // a closing bracket that nothing opened
		return "", false, errPattern
	}
	return out, t.linear, nil
}

func (t *translator) more() bool { return t.at < len(t.in) }

func (t *translator) peek() byte {
	if t.more() {
		return t.in[t.at]
	}
	return 0
}

// skip takes a prefix off, if it is there.
func (t *translator) skip(prefix string) bool {
	if strings.HasPrefix(t.in[t.at:], prefix) {
		t.at += len(prefix)
		return true
	}
	return false
}

// char takes one character off.
func (t *translator) char() (rune, error) {
	if !t.more() {
		return 0, errPattern
	}
	r, size := utf8.DecodeRuneInString(t.in[t.at:])
	t.at += size
	return r, nil
}

// alternatives reads up to a closing parenthesis or the end.
func (t *translator) alternatives() (string, error) {
	if t.depth++; t.depth > maxPatternDepth {
		return "", errPattern
	}
	defer func() { t.depth-- }()
	var out strings.Builder
	for t.more() && t.peek() != ')' {
		if t.skip("|") {
			out.WriteByte('|')
			continue
		}
		if t.skip(`\Q`) {
			quoted, rest, closed := strings.Cut(t.in[t.at:], `\E`)
			t.at = len(t.in) - len(rest)
			if !closed {
				t.at = len(t.in)
			}
			if quoted == "" {
				continue
			}
			_, last := utf8.DecodeLastRuneInString(quoted)
			out.WriteString(regexp.QuoteMeta(quoted[:len(quoted)-last]))
			atom, err := t.quantified(regexp.QuoteMeta(quoted[len(quoted)-last:]))
			if err != nil {
				return "", err
			}
			out.WriteString(atom)
			continue
		}
		atom, quantifiable, err := t.atom()
		if err == nil && quantifiable {
			atom, err = t.quantified(atom)
		}
		if err != nil {
			return "", err
		}
		out.WriteString(atom)
	}
	return out.String(), nil
}

// quantified reads the quantifier behind an atom, if there is one.
func (t *translator) quantified(atom string) (string, error) {
	quantifier := ""
	switch c := t.peek(); c {
	case '*', '+', '?':
		quantifier = string(c)
		t.at++
	case '{':
		end := strings.IndexByte(t.in[t.at:], '}')
		if end < 0 {
			return "", errPattern
		}
		quantifier = t.in[t.at : t.at+end+1]
		low, high, ranged := strings.Cut(quantifier[1:end], ",")
		a, err := strconv.ParseUint(low, 10, 31)
		if err != nil {
			return "", errPattern
		}
		if ranged && high != "" {
			if b, err := strconv.ParseUint(high, 10, 31); err != nil || b < a {
				return "", errPattern
			}
		}
		t.at += end + 1
	default:
		return atom, nil
	}
	switch {
	case t.skip("?"):
		return atom + quantifier + "?", nil
	case t.skip("+"): // possessive
		t.linear = false
		return "(?>" + atom + quantifier + ")", nil
	}
	if c := t.peek(); c == '*' || c == '{' {
		return "", errPattern // a quantifier of a quantifier
	}
	return atom + quantifier, nil
}

// atom reads one atom, or a flag or an assertion, which cannot be quantified.
func (t *translator) atom() (out string, quantifiable bool, err error) {
	r, err := t.char()
	if err != nil {
		return "", false, err
	}
	switch r {
	case '.':
		if t.dotAll {
			return anything, true, nil
		}
		return "[^" + lineEnds + "]", true, nil
	case '^':
		if t.multi {
			return "(?m:^)", true, nil
		}
		return `\A`, false, nil
	case '$':
		if t.multi {
			return "(?m:$)", true, nil
		}
		return `\z`, false, nil
	case '(':
		return t.group()
	case '[':
		c, err := t.class()
		return c.expression(t), true, err
	case '\\':
		return t.escape()
	case '*', '+', '?', '{':
		return "", false, errPattern
	}
	return regexp.QuoteMeta(string(r)), true, nil
}

// group reads what follows an opening parenthesis.
func (t *translator) group() (out string, quantifiable bool, err error) {
	open := "("
	dotAll, multi := t.dotAll, t.multi
	if t.skip("?") {
		switch {
		case t.skip(":"):
			open = "(?:"
		case t.skip("="), t.skip("!"), t.skip(">"), t.skip("<="), t.skip("<!"):
			t.linear = false
			from := strings.LastIndex(t.in[:t.at], "(?")
			open = t.in[from:t.at]
		case t.skip("<"):
			name, _, ok := strings.Cut(t.in[t.at:], ">")
			if !ok || name == "" || strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
				return "", false, errPattern
			}
			t.at += len(name) + 1
			open = "(?<" + name + ">"
		default:
			flags, closed, err := t.flags()
			if err != nil {
				return "", false, err
			}
			if closed { // to the end of the group around it
				if flags == "" {
					return "", false, nil
				}
				return "(?" + flags + ")", false, nil
			}
			open = "(?" + flags + ":"
		}
	}
	body, err := t.alternatives()
	if err != nil || !t.skip(")") {
		return "", false, errPattern
	}
	t.dotAll, t.multi = dotAll, multi
	return open + body + ")", true, nil
}

// flags reads flags up to a colon or a parenthesis. Only the case flag is left to the
// engines; s and m decide what dots and anchors become. Unix lines (d), Unicode case (u)
// and canonical forms are not told apart from their absence; comments (x) and Unicode classes (U)
// are not known.
func (t *translator) flags() (out string, closed bool, err error) {
	on := true
	for {
		r, err := t.char()
		if err != nil {
			return "", false, err
		}
		switch r {
		case '-':
			if !on {
				return "", false, errPattern
			}
			on = false
			out += "-"
		case 'i':
			out += "i"
		case 's':
			t.dotAll = on
		case 'm':
			t.multi = on
		case 'd', 'u':
		case ':', ')':
			return strings.TrimSuffix(out, "-"), r == ')', nil
		default:
			return "", false, errPattern
		}
	}
}

// escape reads what follows a backslash outside of classes.
func (t *translator) escape() (out string, quantifiable bool, err error) {
	switch c := t.peek(); c {
	case 'b', 'B':
		t.at++
		return `\` + string(c), false, nil
	case 'A', 'G':
		t.at++
		return `\A`, false, nil
	case 'z', 'Z':
		t.at++
		return `\z`, false, nil
	case 'R':
		t.at++
		return `(?:\r\n|[` + verticals + "])", true, nil
	case '1', '2', '3', '4', '5', '6', '7', '8', '9':
		t.at++
		t.linear = false
		return `(?:\` + string(c) + ")", true, nil
	case 'k':
		t.at++
		name, _, ok := strings.Cut(t.in[t.at:], ">")
		if !ok || !strings.HasPrefix(name, "<") {
			return "", false, errPattern
		}
		t.at += len(name) + 1
		t.linear = false
		return `\k` + name + ">", true, nil
	}
	members, negated, r, err := t.escaped()
	switch {
	case err != nil:
		return "", false, err
	case members == "":
		return regexp.QuoteMeta(string(r)), true, nil
	case negated:
		return "[^" + members + "]", true, nil
	}
	return "[" + members + "]", true, nil
}

// escaped reads what may follow a backslash in a class and outside: a shorthand, by its
// members, or a character.
func (t *translator) escaped() (members string, negated bool, r rune, err error) {
	c, err := t.char()
	if err != nil {
		return "", false, 0, err
	}
	switch c {
	case 'd', 'D':
		return digits, c == 'D', 0, nil
	case 'w', 'W':
		return words, c == 'W', 0, nil
	case 's', 'S':
		return spaces, c == 'S', 0, nil
	case 'h', 'H':
		return blanks, c == 'H', 0, nil
	case 'v', 'V':
		return verticals, c == 'V', 0, nil
	case 'p', 'P':
		members, err := t.property()
		return members, c == 'P', 0, err
	case 't':
		return "", false, '\t', nil
	case 'n':
		return "", false, '\n', nil
	case 'r':
		return "", false, '\r', nil
	case 'f':
		return "", false, '\f', nil
	case 'a':
		return "", false, '\a', nil
	case 'e':
		return "", false, 0x1b, nil
	case 'c':
		r, err := t.char()
		return "", false, r ^ 64, err
	case '0':
		r, err := t.number(8, 1, 3)
		return "", false, r, err
	case 'x':
		if t.skip("{") {
			r, err := t.number(16, 1, 6)
			if err == nil && !t.skip("}") {
				err = errPattern
			}
			return "", false, r, err
		}
		r, err := t.number(16, 2, 2)
		return "", false, r, err
	case 'u':
		r, err := t.number(16, 4, 4)
		return "", false, r, err
	}
	if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' {
		return "", false, 0, errPattern
	}
	return "", false, c, nil
}

// number reads the code of a character.
func (t *translator) number(base, least, most int) (rune, error) {
	n := 0
	for n < most && t.at+n < len(t.in) {
		if _, err := strconv.ParseUint(t.in[t.at+n:t.at+n+1], base, 8); err != nil {
			break
		}
		n++
	}
	if base == 8 && n == 3 && t.in[t.at] > '3' {
		n = 2
	}
	if n < least {
		return 0, errPattern
	}
	code, err := strconv.ParseInt(t.in[t.at:t.at+n], base, 32)
	t.at += n
	if err != nil || !utf8.ValidRune(rune(code)) {
		return 0, errPattern
	}
	return rune(code), nil
}

// property reads the name behind \p.
func (t *translator) property() (members string, err error) {
	name := ""
	if t.skip("{") {
		var ok bool
		if name, _, ok = strings.Cut(t.in[t.at:], "}"); !ok {
			return "", errPattern
		}
		t.at += len(name) + 1
	} else {
		r, err := t.char()
		if err != nil {
			return "", err
		}
		name = string(r)
	}
	if members, ok := posix[name]; ok {
		return members, nil
	}
	name = strings.TrimPrefix(name, "Is")
	if name == "" || strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz_") != "" {
		return "", errPattern
	}
	return `\p{` + name + "}", nil
}
