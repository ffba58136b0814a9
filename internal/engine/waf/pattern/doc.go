// Package pattern matches many patterns against byte strings: a Set is compiled once and
// matched millions of times, by any number of goroutines.
//
// A pattern is a string at a place (exact, prefix, suffix, contained, contained as a word,
// any of a list) or a regular expression, each with or without regard to ASCII case.
// Everything is bytes: a value need not be UTF-8, \xff in an expression is the byte 0xff,
// and a dot is one byte. Case folding is ASCII's, as PCRE's is without its UTF mode: unlike
// Go's (?i), which also takes U+017F for s and U+212A for k, so that a prefilter that only
// lowers ASCII letters loses no match.
//
// Two dialects of regular expressions are known (see Syntax): what AWS WAF takes, and what
// the OWASP Core Rule Set is written in. Neither has anything that needs backtracking:
// back references, atomic groups and their like are refused by Compile. Look-around is
// accepted and is linear, too: where an assertion holds is computed for all positions of
// the value by one pass of an automaton of its own.
//
// # How a value is matched
//
// The cost of a value must not grow with the number of patterns, and must be linear in the
// value whatever its content. Four steps, each of which looks only at what the one before
// has left:
//
//  1. Every pattern gives clauses (package file require.go): sets of strings of which at
//     least one occurs in every value that the pattern matches. One Aho-Corasick automaton
//     finds the strings of all patterns in one pass over the value.
//  2. The same pass collects which bytes occur. Patterns also require bytes of certain
//     classes (a quote, a digit, a parenthesis); patterns without strings are discarded by
//     those, and which remain for a set of bytes is remembered.
//  3. Patterns that remain run on a lazily built deterministic automaton, whose
//     states are kept in memory bounded by Options.CacheBytes.
//  4. When a value makes too many new states, the rest of it is matched by simulating the
//     nondeterministic automaton, from the state reached.
//
// Steps 1 and 2 only discard patterns that cannot match; the tests compare every outcome
// with plain evaluation.
package pattern
