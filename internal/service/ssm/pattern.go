package ssm

import (
	"regexp"
	"regexp/syntax"
	"time"

	"fastness/internal/api/ssmapi"

	"github.com/dlclark/regexp2"
)

// patternTimeout bounds the match of an allowed pattern: patterns that need backtracking
// can take exponential time.
const patternTimeout = 50 * time.Millisecond

// checkPattern matches a value against an allowed pattern, as a whole. Patterns are those of
// Java. Package regexp takes linear time and does those that mean the same to it; the
// others (look-around, back references, possessive quantifiers) need backtracking.
func checkPattern(pattern, v string) error {
	if pattern == "" {
		return nil
	}
	mismatch := &ssmapi.ParameterPatternMismatchException{
		Message: new("Parameter value, cannot be validated against allowedPattern: " + pattern),
	}
	if re := linear(pattern); re != nil {
		if !re.MatchString(v) {
			return mismatch
		}
		return nil
	}
	re, err := regexp2.Compile(`\A(?:`+pattern+`)\z`, regexp2.None)
	if err == nil {
		// A pattern that is none by itself must not become one by what is put around it.
		_, err = regexp2.Compile(pattern, regexp2.None)
	}
	if err != nil {
		return &ssmapi.InvalidAllowedPatternException{Message: new("The request doesn't meet the regular expression requirement.")}
	}
	re.MatchTimeout = patternTimeout
	if ok, err := re.MatchString(v); err != nil || !ok { // an error: out of time
		return mismatch
	}
	return nil
}

// linear compiles a pattern for package regexp, or returns nil if that does not know it or
// takes it for something else than Java does.
func linear(pattern string) *regexp.Regexp {
	if differs(pattern) {
		return nil
	}
	if _, err := syntax.Parse(pattern, syntax.Perl); err != nil {
		return nil
	}
	re, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
	if err != nil {
		return nil
	}
	return re
}

// differs finds what both Java and package regexp accept, with different meanings:
// inside a class, Java nests classes, intersects them with && and reads [:alpha:] as
// characters; \v, \h and \R are classes of Java; \C and \pN forms of Go; # and white space
// matter to Java's x flag; (?U) is Unicode to Java and ungreedy to Go; "$" of Java also
// matches before a line end, and "." leaves out more line ends than \n.
func differs(pattern string) bool {
	class := 0
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\' && i+1 < len(pattern):
			i++
			switch pattern[i] {
			case 'v', 'h', 'H', 'V', 'R', 'C', 'G', 'Z', 'X', 'p', 'P', 'k', 'c', 'e', 'N', 'x', 'u', '0':
				return true
			}
		case c == '[' && class > 0:
			return true
		case c == '[':
			class++
			// A bracket that comes first is a character to Go and closes nothing; to Java it
			// is an error or opens another class.
			if rest := pattern[i+1:]; len(rest) > 0 && (rest[0] == ']' || len(rest) > 1 && rest[0] == '^' && rest[1] == ']') {
				return true
			}
		case c == ']' && class > 0:
			class--
		case class > 0 && c == '&' && i+1 < len(pattern) && pattern[i+1] == '&':
			return true
		case class == 0 && c == '(' && i+2 < len(pattern) && pattern[i+1] == '?' && pattern[i+2] != ':':
			return true
		}
	}
	return false
}
