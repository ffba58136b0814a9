package attack

import "fastness/internal/engine/waf/inject"

// special are the bytes that mean something to an interpreter.
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
const maxTokens = 2048

// tokensSteps is what libinjection costs a byte, in steps of package pattern.
const tokensSteps = 30

// sqlByTokens tells whether libinjection takes b for SQL.
func sqlByTokens(b []byte) bool {
	budget := inject.Budget(maxTokens)
	return inject.SQL(b[:min(len(b), maxTokens)], inject.Low, &budget) == inject.Found
}

// scriptByTokens tells whether libinjection takes b for cross-site scripting.
func scriptByTokens(b []byte) bool {
	budget := inject.Budget(maxTokens)
	return inject.XSS(b[:min(len(b), maxTokens)], &budget) == inject.Found
}
