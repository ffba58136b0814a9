package ssm

import (
	"regexp"
	"time"

	"fastness/internal/api/ssmapi"

	"github.com/dlclark/regexp2"
)

// patternTimeout bounds the match of an allowed pattern: patterns that need backtracking
// can take exponential time.
const patternTimeout = 50 * time.Millisecond

// checkPattern matches a value against an allowed pattern, as a whole. Patterns are those of
// Java's java.util.regex. Package regexp matches in linear time what it can express; the
// rest (look-around, back references, possessive quantifiers, intersections of classes)
// needs backtracking.
func checkPattern(pattern, v string) error {
	if pattern == "" {
		return nil
	}
	ok, err := matchJava(pattern, v)
	if err != nil {
		return &ssmapi.InvalidAllowedPatternException{Message: new("The request doesn't meet the regular expression requirement.")}
	}
	if !ok {
		return &ssmapi.ParameterPatternMismatchException{
			Message: new("Parameter value, cannot be validated against allowedPattern: " + pattern),
		}
	}
	return nil
}

// matchJava tells whether a pattern of Java matches all of a text. A match that takes too
// long is none. The error is that of a pattern that is none.
func matchJava(pattern, v string) (bool, error) {
	body, linear, err := translate(pattern)
	if err != nil {
		return false, err
	}
	whole := `\A(?:` + body + `)\z`
	if linear {
		if re, err := regexp.Compile(whole); err == nil {
			return re.MatchString(v), nil
		}
	}
	re, err := regexp2.Compile(whole, regexp2.None)
	if err != nil {
		return false, err
	}
	re.MatchTimeout = patternTimeout
	ok, err := re.MatchString(v)
	return ok && err == nil, nil
}
