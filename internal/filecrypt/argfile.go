package filecrypt

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

const (
	maxArgumentFile = 1 << 20 // bytes
	maxArguments    = 1 << 16 // words, of all files together
	maxArgumentNest = 16      // files that name files
)

// expandFiles replaces every @FILE by the arguments in FILE.
func expandFiles(args []string) ([]string, error) { return appendArguments(nil, args, 0) }

func appendArguments(to, args []string, depth int) ([]string, error) {
	for _, a := range args {
		name, isFile := strings.CutPrefix(a, "@")
		if !isFile {
			if len(to) >= maxArguments {
				return nil, usage("more than %d arguments", maxArguments)
			}
			to = append(to, a)
			continue
		}
		if depth == maxArgumentNest {
			return nil, usage("%s: more than %d files of arguments name each other", a, maxArgumentNest)
		}
		text, err := readBounded(name, maxArgumentFile)
		if err != nil {
			return nil, usage("arguments of %s: %w", a, err)
		}
		for n, line := range strings.Split(string(text), "\n") {
			words, err := splitLine(line)
			if err != nil {
				return nil, usage("%s, line %d: %w", name, n+1, err)
			}
			for i, w := range words {
				words[i] = expandWord(w)
			}
			if to, err = appendArguments(to, words, depth+1); err != nil {
				return nil, err
			}
		}
	}
	return to, nil
}

// readBounded reads a whole file of at most limit bytes.
func readBounded(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("longer than %d bytes", limit)
	}
	return text, nil
}

// splitLine splits a line into words as a shell does: quotes of both kinds, a backslash
// before a special character (and before a quote inside quotes), # up to the end of the
// line where a word could begin.
func splitLine(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord := false
	var quote byte
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote != 0 && c == '\\' && i+1 < len(line) && (line[i+1] == quote || line[i+1] == '\\'):
			i++
			word.WriteByte(line[i])
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(c)
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case c == '\\':
			if i++; i == len(line) {
				return nil, errors.New("nothing follows the last backslash")
			}
			word.WriteByte(line[i])
			inWord = true
		case c == ' ' || c == '\t' || c == '\r':
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		case c == '#' && !inWord:
			return words, nil
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("a %c is not closed", quote)
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// expandWord replaces a leading ~ and variables. A variable that is not set stays as it is
// written, as in AWS's tool.
func expandWord(w string) string {
	if rest, ok := strings.CutPrefix(w, "~"); ok && (rest == "" || rest[0] == '/') {
		if home, err := os.UserHomeDir(); err == nil {
			w = home + rest
		}
	}
	if !strings.Contains(w, "$") {
		return w
	}
	var out strings.Builder
	for i := 0; i < len(w); {
		name, length := variableAt(w[i:])
		value, set := "", false
		if name != "" {
			value, set = os.LookupEnv(name)
		}
		if !set {
			length = max(length, 1)
			value = w[i : i+length]
		}
		out.WriteString(value)
		i += length
	}
	return out.String()
}

// variableAt is the name of the variable, $NAME or ${NAME}, that s begins with, and the
// length of its reference; an empty name if s begins with none.
func variableAt(s string) (name string, length int) {
	if len(s) < 2 || s[0] != '$' {
		return "", 1
	}
	if s[1] == '{' {
		end := strings.IndexByte(s, '}')
		if end < 0 {
			return "", 1
		}
		return s[2:end], end + 1
	}
	end := 1
	for end < len(s) && (s[end] == '_' || '0' <= s[end] && s[end] <= '9' || 'a' <= s[end]|0x20 && s[end]|0x20 <= 'z') {
		end++
	}
	return s[1:end], end
}
