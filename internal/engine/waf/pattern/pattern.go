package pattern

import "fmt"

// Kind says how a pattern's text is compared with a value.
type Kind uint8

// The kinds of patterns. The first five are the positional constraints of AWS WAF's string
// match statement (AWS WAF Developer Guide, "String match rule statement").
const (
	Contains     Kind = iota // the text occurs in the value
	Exact                    // the value is the text
	Prefix                   // the value begins with the text
	Suffix                   // the value ends with the text
	ContainsWord             // the text occurs with no letter, digit or underscore directly before or after it
	ContainsAny              // one of the Texts occurs in the value (a phrase list)
	Regexp                   // the text is a regular expression that matches somewhere in the value
)

var kindNames = [...]string{"contains", "exact", "prefix", "suffix", "contains word", "contains any", "regexp"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Syntax is a dialect of regular expressions.
type Syntax uint8

const (
	// AWS is PCRE without its UTF mode, less what AWS WAF refuses (AWS WAF Developer Guide,
	// "Supported regular expression syntax in AWS WAF"). A dollar also matches before a
	// newline that ends the value; \s has the vertical tab; no flag is set at first.
	AWS Syntax = iota
	// SecLang is what the OWASP Core Rule Set is written in, which has to mean the same to
	// PCRE and to RE2. As in ModSecurity and Coraza a dot takes a newline and the anchors
	// ^ and $ match at lines (the flags s and m are set at first). As in Coraza \s is
	// without the vertical tab and a dollar without the flag m is the end of the value. As
	// in ModSecurity everything is bytes.
	SecLang
)

func (s Syntax) String() string {
	switch s {
	case AWS:
		return "AWS"
	case SecLang:
		return "SecLang"
	}
	return fmt.Sprintf("Syntax(%d)", uint8(s))
}

// Pattern is one thing to look for. An empty text is contained in, begins and ends every
// value.
type Pattern struct {
	Kind Kind
	// Text is the string or the expression, any bytes, at most Options.MaxText long.
	Text string
	// Texts are the strings of ContainsAny, which has no Text.
	Texts []string
	// Fold ignores ASCII case. For an expression it is the flag i.
	Fold bool
	// Syntax is the dialect of a Regexp.
	Syntax Syntax
}

// Options bound what a Set costs. The zero value has the defaults.
type Options struct {
	// MaxText is the longest text of a pattern in bytes: 32,768 by default. (AWS WAF allows
	// expressions of 200 bytes and strings of 200; the Core Rule Set's longest has 13,000.)
	MaxText int
	// MaxProgram is the size of an expression's automaton in instructions: 20,000 by default.
	// (The Core Rule Set's largest has 6,600.) Repetitions multiply what they repeat. In the
	// worst case a byte of a value costs a step for each.
	MaxProgram int
	// CacheBytes bounds the memory of the lazily built automata of the whole Set, shared by
	// all goroutines: 32 MiB by default. Each automaton may have 64 KiB in any case.
	CacheBytes int

	maxPart int // states of a part of a product, for tests
}

func (o Options) withDefaults() Options {
	if o.MaxText <= 0 {
		o.MaxText = 32 << 10
	}
	if o.MaxProgram <= 0 {
		o.MaxProgram = 20_000
	}
	if o.CacheBytes <= 0 {
		o.CacheBytes = 32 << 20
	}
	if o.maxPart <= 0 {
		o.maxPart = maxPart
	}
	return o
}

// maxRepeat is the largest count of a quantifier. PCRE knows counts up to 65,535 and AWS
// refuses "large values" without a number; 1,000 is RE2's bound.
const maxRepeat = 1000

// maxDepth bounds the nesting of groups.
const maxDepth = 250

// Reason says why a pattern was refused.
type Reason uint8

// The reasons. Those from BackReference to AtomicGroup are what AWS WAF lists as
// unsupported.
const (
	Malformed          Reason = iota // not a regular expression, or not a known kind
	TooLong                          // the text is longer than Options.MaxText
	TooLarge                         // the automaton is larger than Options.MaxProgram, or groups nest too deep
	OversizeRepeat                   // a quantifier counts beyond 1,000
	BackReference                    // \1, \g{1}, \k<name>, (?P=name)
	Subroutine                       // (?R), (?1), (?&name), (?P>name)
	Conditional                      // (?(…)…|…)
	Verb                             // (*VERB)
	SingleByte                       // \C
	NewlineSequence                  // \R
	MatchReset                       // \K
	Callout                          // (?C)
	AtomicGroup                      // (?>…) and possessive quantifiers
	VariableLookbehind               // an alternative of a look-behind has no fixed length
	Unsupported                      // another construct that is not supported: \X, \G, \p, branch reset
	NotWord                          // the text of ContainsWord has another byte than letters, digits and underscores
)

var reasonNames = [...]string{
	"malformed", "too long", "too large", "repetition count too large", "back reference", "subroutine reference",
	"conditional pattern", "backtracking control verb", `\C`, `\R`, `\K`, "callout", "atomic group or possessive quantifier",
	"look-behind of variable length", "unsupported construct", "not a word",
}

func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return fmt.Sprintf("Reason(%d)", uint8(r))
}

// Error says which pattern Compile refused, and why.
type Error struct {
	Index  int // of the pattern
	Reason Reason
	Offset int    // where in the text, in bytes
	Detail string // in words
}

func (e *Error) Error() string {
	return fmt.Sprintf("pattern %d: %s at offset %d: %s", e.Index, e.Reason, e.Offset, e.Detail)
}
