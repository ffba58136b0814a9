package injection

import (
	"regexp"
	"strings"
)

// Escapes tells whether a value, in a statement, is more than the one literal, name or number that it was to be, by
// how a dialect reads it: it ends the literal that it stands in, or it has operators, calls or keywords.
func (s *Statement) Escapes(value string, d Dialect) bool {
	if s.Quote != 0 {
		rest, closed := behind(value, s.Quote, d)
		if !closed {
			return false
		}
		// A literal beside the literal is still one ('a' 'b'), or no statement at all.
		return strings.Trim(simplify(rest, d), " \t\n\r"+literal) != "" || strings.HasSuffix(value, string(s.Quote)) && rest == ""
	}
	v := strings.TrimRight(simplify(value, d), " ;\t\r\n")
	return strings.Trim(v, " \t\r\n") != literal && active.MatchString(v)
}

// literal stands for a string in what simplify makes.
const literal = "\x01"

// active is what a number, a name, a placeholder or a list of them does not have. Arithmetic with numbers is no sign, because dates and
// versions are that, too.
var active = regexp.MustCompile("(?i)[\x01`=<>|&!^~;{}\\\\]|@@|--|/\\*|[\\w)]\\s*#|[\\w$]\\s*\\(|\\b(?:or|and|xor|not|union|select|like|rlike|regexp|glob|match|between|is|isnull|notnull|in|case|having|group|order|limit|procedure|into|div|mod|except|intersect|collate|values|table|for|lock|where)\\b")

// behind gives what follows the end of the literal that value stands in.
func behind(value string, quote byte, d Dialect) (rest string, closed bool) {
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '\\' && d == MariaDB && quote != '`':
			i++
		case c != quote:
		case i+1 < len(value) && value[i+1] == quote:
			i++
		default:
			return value[i+1:], true
		}
	}
	return "", false
}

// simplify writes each literal in a text as one sign, and names in double quotes, too. The last one may be open: the statement ends it.
func simplify(v string, d Dialect) string {
	var b strings.Builder
	for v != "" {
		i := strings.IndexAny(v, `'"`)
		if i < 0 {
			b.WriteString(v)
			break
		}
		b.WriteString(v[:i])
		b.WriteString(literal)
		v, _ = behind(v[i+1:], v[i], d)
	}
	return b.String()
}
