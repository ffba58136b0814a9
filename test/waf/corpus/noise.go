package corpus

import (
	"regexp"
	"strings"
)

var (
	comment  = regexp.MustCompile(`^(#|//|<!--|\* |; )\s?[A-Za-z ]+`)
	wordOnly = regexp.MustCompile(`^[\pL\pN_ .,:@/+-]{0,60}$`)
	single   = regexp.MustCompile(`^(?:(?:%(?:25)*[0-9A-Fa-f]{2}){1,2}|&(?:#[xX]?[0-9A-Fa-f]+|[A-Za-z]+);?|\\\\?[xu]?[0-9A-Fa-f]{2,4})$`)
	dotted   = regexp.MustCompile(`\.\.|/etc/|/proc/|/var/|boot\.ini|win\.ini|[a-z]:[/\\]`)
)

// noise tells whether a line of a collection of attacks is none by its form: a comment between the
// payloads, words and numbers without any character that an interpreter would treat
// as special, or one or two characters. Statements that are words only, such as "union select x from y", stay.
func noise(class Class, v string) bool {
	if class.Benign() {
		return strings.TrimSpace(v) == ""
	}
	t := strings.TrimSpace(v)
	switch {
	case len(t) < 3:
		return true
	case strings.Contains(t, "{cmd}") || strings.Contains(strings.ToLower(t), "{file}"): // templates of payloads
		return true
	case strings.HasPrefix(t, "Exploit Description:"), strings.HasPrefix(t, "Exploit Name:"), strings.HasPrefix(t, "Exploit Tags:"):
		return true
	case single.MatchString(t): // one character in some coding
		return true
	case class != XML && comment.MatchString(t) && !strings.ContainsAny(t, "'\"<>()"):
		return true
	case wordOnly.MatchString(t):
		l := strings.ToLower(t)
		switch class {
		case SQL:
			return !strings.Contains(l, "select ") && !strings.Contains(l, " or ") && !strings.Contains(l, "--") && !strings.Contains(l, "union")
		case Traversal:
			return !dotted.MatchString(l)
		case Mixed:
			return false
		}
		return true
	}
	return false
}
