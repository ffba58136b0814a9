package wafv2

import "fastness/internal/engine/waf/pattern"

// validRegex tells whether an expression is one that rules can have: what AWS takes of PCRE.
func validRegex(text string) error {
	_, err := pattern.Compile([]pattern.Pattern{{Kind: pattern.Regexp, Text: text}}, pattern.Options{})
	return err
}
