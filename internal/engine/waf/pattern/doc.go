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
// value whatever its content.
//
//  1. Every pattern needs strings of which one occurs in whatever it matches, or bytes
//     (require.go). Patterns whose strings are rare in what browsers send wait for them:
//     one Aho-Corasick automaton finds the strings of all in one pass (ahocorasick.go), and
//     a pattern of which they are found is then matched by itself.
//  2. The others, which any text might match, are one group (group.go): the product of
//     their automata (product.go) runs over the value once, for all. It is built while it
//     is used. What is new to it is made up to an allowance; then the products of a dozen parts
//     each go on (bundle.go), whose states are few, and where that is too much for one of
//     them, its parts by themselves, four side by side (lanes.go), except those that the
//     bytes that occur rule out.
//  3. A single pattern runs on a lazily built deterministic automaton (dfa.go). Where that
//     has to make too many states, the nondeterministic one is simulated instead from the
//     state reached (simulate.go): a backtracking matcher there is none.
//
// All states are shared by the goroutines and bounded by Options.CacheBytes. In steady
// state a value allocates nothing and its bytes are moved over twice: by the strings, and
// by the group. The filters only discard patterns that cannot match; tests compare every
// outcome with plain evaluation by other matchers.
//
// A Screen (screen.go) answers less, for a tenth of the cost: that none of some patterns matches a value, of those that have
// only bytes of ordinary text. It is one automaton of all patterns without the ways to match that need other
// bytes. What a pattern is looked for in may be made of the value first, without its spaces or as a command line (reading.go).
//
// Work is counted (Scratch.Steps), so that its bounds can be tested without a clock. A Scratch may have a
// bound (Scratch.Allow), and a Reserve beyond it for the time when automata know nothing yet; Scratch.Learn has
// them learn from text before there is anything to match.
package pattern
