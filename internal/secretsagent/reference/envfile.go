package reference

import (
	"errors"
	"fmt"
	"strings"
)

// MaxEnvFileBytes bounds a file of variables.
const MaxEnvFileBytes = 1 << 20

// Assignment gives a variable a value.
type Assignment struct{ Name, Value string }

// ParseAssignment reads NAME=VALUE.
func ParseAssignment(s string) (Assignment, error) {
	name, value, ok := strings.Cut(s, "=")
	if !ok || !isName(name) {
		return Assignment{}, errors.New("not NAME=VALUE")
	}
	if strings.ContainsRune(value, 0) {
		return Assignment{}, errors.New("the value has a NUL")
	}
	return Assignment{name, value}, nil
}

// ParseEnvFile reads lines of NAME=VALUE. Empty lines and lines that begin with # say
// nothing. A value is everything after the first =; nothing is quoted or expanded.
func ParseEnvFile(text string) ([]Assignment, error) {
	if len(text) > MaxEnvFileBytes {
		return nil, fmt.Errorf("longer than %d bytes", MaxEnvFileBytes)
	}
	var all []Assignment
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		if start := strings.TrimLeft(line, " \t"); start == "" || start[0] == '#' {
			continue
		}
		a, err := ParseAssignment(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		all = append(all, a)
	}
	return all, nil
}

// isName tells whether s is the name of a variable (POSIX 1003.1 §8.1, with small
// letters).
func isName(s string) bool {
	for i, c := range []byte(s) {
		switch {
		case c == '_', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', i > 0 && c >= '0' && c <= '9':
		default:
			return false
		}
	}
	return s != ""
}
