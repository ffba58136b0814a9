package secretsagent

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
)

// maxTokenBytes bounds a token. Session tokens of STS, which serve as one in Lambda,
// have a few kilobytes.
const maxTokenBytes = 16 << 10

// tokenFileMode is the most that a token's file may allow: writing by its owner, reading
// by its group.
const tokenFileMode = 0o640

// Token recognizes the token of requests. It does not hold the token itself.
type Token struct{ sum [sha256.Size]byte }

// NewToken makes what recognizes a token, or returns an error if it is empty.
func NewToken(token string) (Token, error) {
	if token == "" {
		return Token{}, errors.New("secretsagent: the token is empty")
	}
	return Token{sha256.Sum256([]byte(token))}, nil
}

// is tells in a time that says nothing about the token whether s is it.
func (t Token) is(s string) bool {
	sum := sha256.Sum256([]byte(s))
	return subtle.ConstantTimeCompare(sum[:], t.sum[:]) == 1
}

// FindToken returns the token that the first variable of names that is set holds, or
// that the file holds which it refers to as file://PATH.
func FindToken(names []string, lookup func(name string) (string, bool)) (string, error) {
	for _, name := range names {
		text, ok := lookup(name)
		if !ok || text == "" {
			continue
		}
		if len(text) > maxTokenBytes {
			return "", fmt.Errorf("secretsagent: the token in %s is longer than %d bytes", name, maxTokenBytes)
		}
		if file, ok := strings.CutPrefix(text, "file://"); ok {
			return ReadToken(file)
		}
		return text, nil
	}
	return "", fmt.Errorf("secretsagent: no token: set one of %s, to the token or to file://PATH", strings.Join(names, ", "))
}

// ReadToken reads a token from a file, without the space around it. The file must not
// allow more than mode 0640.
func ReadToken(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("secretsagent: token: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("secretsagent: token: %w", err)
	}
	if mode := info.Mode(); runtime.GOOS != "windows" && mode.IsRegular() && mode.Perm()&^tokenFileMode != 0 {
		return "", fmt.Errorf("secretsagent: token: %s has mode %04o; it may have 0640 or less", name, mode.Perm())
	}
	b, err := io.ReadAll(io.LimitReader(f, maxTokenBytes+1))
	defer clear(b)
	if err != nil {
		return "", fmt.Errorf("secretsagent: token: %w", err)
	}
	token := strings.TrimSpace(string(b))
	if token == "" || len(b) > maxTokenBytes {
		return "", fmt.Errorf("secretsagent: token: %s is empty or longer than %d bytes", name, maxTokenBytes)
	}
	return token, nil
}
