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

// sqlByTokens tells whether libinjection takes b for SQL, and how many steps that took.
func sqlByTokens(b []byte) (found bool, steps int) {
	budget := inject.DefaultBudget
	found = inject.SQL(b[:min(len(b), maxTokens)], inject.Low, &budget) == inject.Found
	return found, min(len(b), maxTokens) + int(inject.DefaultBudget-budget)
}

// scriptByTokens tells whether libinjection takes b for cross-site scripting, and how many steps that took.
func scriptByTokens(b []byte) (found bool, steps int) {
	budget := inject.DefaultBudget
	found = inject.XSS(b[:min(len(b), maxTokens)], &budget) == inject.Found
	return found, min(len(b), maxTokens) + int(inject.DefaultBudget-budget)
}
