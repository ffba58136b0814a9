package wafv2

import "regexp/syntax"

// validRegex tells whether an expression is one that rules can have.
func validRegex(text string) error {
	_, err := syntax.Parse(text, syntax.Perl)
	return err
}
