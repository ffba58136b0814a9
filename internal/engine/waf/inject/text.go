package inject

import (
	"maps"
	"slices"
	"strings"
)

// TextBytes are the bytes, besides upper-case letters, of values of ordinary text that TextExpressions is for.
const TextBytes = "abcdefghijklmnopqrstuvwxyz0123456789 _-.,:@/()=;?!&*"

// TextExpressions returns expressions of which one matches each value of TextBytes, in lower case, that may be an injection: where none does, SQL
// with the sensitivity Low and XSS are Clean without a look by the library. They are what the prefilters tell, for those who look for much else in the same
// pass over a value, and say more often than these that a value may be one.
func TextExpressions() []string {
	const operator = `[:=!*&/-]`
	keyword := oneOf(slices.Sorted(maps.Keys(keywords)))
	list := []string{
		`&&|--|/\*`,
		`[()].*` + operator, operator + `.*[()]`, `,.*\(`,
		`@.*(?:` + operator + `|[();])`, `(?:` + operator + `|[();]).*@`,
		// A word that is not alone.
		`(?:[^ ].*[^\w]|[^\w ])(?:\d\w*)?` + keyword + `(?:[^\w]|$)`,
		`(?:^|[^\w])(?:\d\w*)?` + keyword + `(?:[^\w ]|[^\w].*[^ ])`,
		// The attributes of tags; there are no tags, which begin with a sign that is not of text.
		`(?:^|[ /=])on[^ /=]+ *=`,
		`(?:^|[ /=])` + oneOf(slices.Sorted(maps.Keys(attributes))) + ` *=`,
	}
	for i, x := range list {
		list[i] = `(?s)` + x
	}
	return list
}

// oneOf is an expression for some sorted words of letters, digits, underscores and colons. What they begin with alike is written once.
func oneOf(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	var b strings.Builder
	b.WriteString("(?:")
	for i := 0; i < len(words); {
		if i > 0 {
			b.WriteByte('|')
		}
		if words[i] == "" {
			i++
			continue
		}
		first, n := words[i][:1], i
		var rest []string
		for ; n < len(words) && strings.HasPrefix(words[n], first); n++ {
			rest = append(rest, words[n][1:])
		}
		b.WriteString(first + oneOf(rest))
		i = n
	}
	b.WriteByte(')')
	return b.String()
}
