package pattern

import (
	"errors"
	"testing"

	"rsc.io/binaryregexp"
)

// FuzzCompile gives the parser of both dialects any text. What compiles must match as its
// own simulation does, and as Go does if Go takes it; nothing may panic or take long.
func FuzzCompile(f *testing.F) {
	for _, text := range explosive {
		f.Add(text, []byte("aaab bbb 12,c"), false)
	}
	for _, seed := range []struct{ text, value string }{
		{`(?i)["'\x60]\s*?\b(?:x?or|and)\b\s*?["'\x60]?\d`, `1' or '1`}, {`(?<=a|bc)d(?!e)`, "bcdf"}, {`(?x) a # b`, "a"}, {`[[:^alpha:]\d-\x41]`, "-"},
		{`\Q.*\E+`, ".**"}, {`(?P<n>a)(?'m'b)`, "ab"}, {`a{2,3}?b{,4}`, "aab{,4}"}, {`\101\x{42}\o{103}\cA`, "ABC\x01"}, {`(?s-i:.)$\Z\z`, "\n"},
		{`(?m)^a$|\Bb\b`, "b\na\n"}, {`(a)\1`, "aa"}, {`(?>a)`, "a"}, {`(*VERB)`, ""}, {`[]-a]`, "]"}, {`(?#`, ""}, {`\`, ""}, {`[a-`, ""}, {`x{1000}{2}`, ""},
	} {
		f.Add(seed.text, []byte(seed.value), true)
	}
	f.Fuzz(func(t *testing.T, text string, value []byte, fold bool) {
		if len(text) > 300 || len(value) > 300 {
			return
		}
		for _, syntax := range []Syntax{AWS, SecLang} {
			p := Pattern{Kind: Regexp, Text: text, Fold: fold, Syntax: syntax}
			set, err := Compile([]Pattern{p, {Kind: Regexp, Text: "a+b"}, {Kind: Regexp, Text: `\d+x`}}, Options{MaxProgram: 5000})
			if err != nil {
				var e *Error
				if !errors.As(err, &e) || e.Index != 0 || e.Offset < 0 || e.Offset > len(text) {
					t.Fatalf("%q: %v", text, err)
				}
				continue
			}
			m, got := NewScratch(), NewBits(set.Len())
			set.Match(value, nil, got, m)
			program := set.patterns[0].program
			m.resolve(program, value)
			if want := m.search(program, value, 0, nil); want != got.Has(0) {
				t.Fatalf("%v %q on %q: %v, simulated %v", syntax, text, value, got.Has(0), want)
			}
			start, end, ok := set.Find(0, value)
			if ok != got.Has(0) || ok && (start < 0 || start > end || end > len(value)) {
				t.Fatalf("%v %q on %q: %v, found %d to %d %v", syntax, text, value, got.Has(0), start, end, ok)
			}
			if syntax != SecLang || fold || !portable(text) {
				continue
			}
			if o, err := binaryregexp.Compile("(?sm)" + text); err == nil && o.Match(value) != got.Has(0) {
				t.Fatalf("%q on %q: %v, Go does not agree", text, value, got.Has(0))
			}
		}
	})
}

// portable tells whether a text means the same to Go if Go takes it: it has no byte beyond
// ASCII, no flags, and no escapes of which Go knows another meaning.
func portable(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 0x80:
			return false
		case c == '?' && i > 0 && text[i-1] == '(':
			return false
		case c == '\\' && i+1 < len(text):
			switch text[i+1] {
			case 'd', 'w', 's', 'D', 'W', 'S', 'n', 't', 'r', '.', '*', '+', '(', ')', '[', ']', '|', '\\':
			default:
				return false
			}
		}
	}
	return true
}
