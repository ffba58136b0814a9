package attack

import (
	"errors"

	"github.com/corazawaf/libinjection-go"

	"fastness/internal/engine/waf/pattern"
)

func asError(err error, e **pattern.Error) bool { return errors.As(err, e) }

// special are the bytes without which a value is no sequence of tokens that libinjection knows as
// an injection, but for words alone, which the rules know better.
var special = func() (t [256]bool) {
	for _, c := range "'\"`()=<>;#*|&@\\{}[]!^%" {
		t[c] = true
	}
	return
}()

// tokensScore is what an answer of libinjection's counts outside of prose.
const tokensScore = 3

// maxTokens is the longest value that is given to libinjection, which looks at the first few tokens
// anyway.
const maxTokens = 4096

// sqlByTokens tells whether libinjection takes b for SQL, and its fingerprint.
func sqlByTokens(b []byte) (string, bool) {
	if !hasSpecial(b) {
		return "", false
	}
	is, fingerprint := libinjection.IsSQLi(string(b[:min(len(b), maxTokens)]))
	return fingerprint, is
}

// scriptByTokens tells whether libinjection takes b for cross-site scripting.
func scriptByTokens(b []byte) bool {
	return hasSpecial(b) && libinjection.IsXSS(string(b[:min(len(b), maxTokens)]))
}

func hasSpecial(b []byte) bool {
	for _, c := range b {
		if special[c] {
			return true
		}
	}
	return false
}
