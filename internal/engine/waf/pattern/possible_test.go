package pattern

import "testing"

func TestPossibleLeavesOutWhatNeedsOtherBytes(t *testing.T) {
	patterns := []Pattern{
		{Kind: Regexp, Text: `union\s+select`},
		{Kind: Regexp, Text: `<script[^>]*>`},
		{Kind: Regexp, Text: `a(?:;|b)c`},
		{Kind: Regexp, Text: `\bor\b(?!')`},
		{Kind: Contains, Text: "../"},
		{Kind: Exact, Text: "abc"},
		{Kind: Prefix, Text: "ABC", Fold: true},
		{Kind: Suffix, Text: "ABC"},
		{Kind: Regexp, Text: `^$`},
		{Kind: Contains, Text: "SELECT", Fold: true},
	}
	for i := range patterns {
		patterns[i].Syntax = SecLang
	}
	s, err := Compile(patterns, Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := s.Possible("abcdefghijklmnopqrstuvwxyz ")
	for i, want := range []bool{true, false, true, true, false, true, true, false, true, true} {
		if got.Has(i) != want {
			t.Errorf("%s: %v", patterns[i].Text, got.Has(i))
		}
	}
}
