package ssm

import (
	"strings"
	"testing"
	"time"
)

// What java.util.regex.Pattern.matches answers, by its documentation.
func TestPatternsAreThoseOfJava(t *testing.T) {
	for _, c := range []struct {
		pattern  string
		yes, no  []string
		backward bool // needs backtracking
	}{
		{`^\d+$`, []string{"1", "123"}, []string{"", "a", "1a", "١"}, false},
		{`a|b`, []string{"a", "b"}, []string{"ab", ""}, false},
		{`a.c`, []string{"abc", "aßc"}, []string{"a\nc", "a\rc", "a\u0085c", "a\u2028c"}, false},
		{`(?s)a.c`, []string{"abc", "a\nc", "a\rc"}, nil, false},
		{`(?i)abc`, []string{"ABC", "abc"}, []string{"abd"}, false},
		{`(?i:a)b`, []string{"Ab"}, []string{"AB"}, false},
		{`[a-z&&[^aeiou]]+`, []string{"xyz"}, []string{"abc"}, true},
		{`[a-z&&[def]]`, []string{"e"}, []string{"a"}, true},
		{`[a-z&&d-f]`, []string{"e"}, []string{"a"}, true},
		{`[a-d[m-p]]+`, []string{"am"}, []string{"e"}, false},
		{`[^a-d[m-p]]+`, []string{"ez"}, []string{"a", "m"}, false},
		{`[\w&&[^\d]]+`, []string{"ab_"}, []string{"a1"}, true},
		{`[a\-z]+`, []string{"a-z"}, []string{"b"}, false},
		{`[a-]+`, []string{"a-"}, []string{"b"}, false},
		{`[\D]+`, []string{"ab"}, []string{"1"}, false},
		{`a++b`, []string{"aab"}, nil, true},
		{`a++a`, nil, []string{"aaa"}, true},
		{`(?=.*\d)(?=.*[a-z]).{4,8}`, []string{"abc1"}, []string{"abcd", "ab1"}, true},
		{`(?<!x)a`, []string{"a"}, nil, true},
		{`(\w)\1`, []string{"aa"}, []string{"ab"}, true},
		{`(?<c>\w)\k<c>`, []string{"aa"}, []string{"ab"}, true},
		{`\Qa.b\E+`, []string{"a.b", "a.bb"}, []string{"axb", "a.ba.b"}, false},
		{`\Qa.b`, []string{"a.b"}, []string{"axb"}, false},
		{`\p{Alpha}+\p{Punct}`, []string{"ab!", "a["}, []string{"é!", "ab"}, false},
		{`\p{Lu}\P{Lu}`, []string{"Éa"}, []string{"éa"}, false},
		{`\p{IsLatin}+`, []string{"é"}, []string{"д"}, false},
		{`\x41\u0042\x{43}\0104\cA`, []string{"ABCD\x01"}, nil, false},
		{`\h\v`, []string{"\t\n", "\u00a0\u2028"}, []string{"\n\t"}, false},
		{`a\Rb`, []string{"a\r\nb", "a\nb"}, []string{"ab"}, false},
		{`\s\S`, []string{"\x0ba"}, []string{"aa"}, false},
		{`a{2,3}?`, []string{"aa", "aaa"}, []string{"a"}, false},
		{`[]a]`, []string{"]", "a"}, []string{"b"}, false},
		{`]}`, []string{"]}"}, nil, false},
		{`(?:a|ab)(?:c|bcd)`, []string{"ac", "abcd"}, []string{"ab"}, false},
	} {
		if _, linear, err := translate(c.pattern); err != nil || linear == c.backward {
			t.Errorf("%s: linear %v, %v", c.pattern, linear, err)
		}
		for _, v := range c.yes {
			if err := checkPattern(c.pattern, v); err != nil {
				t.Errorf("%s, %q: %v", c.pattern, v, err)
			}
		}
		for _, v := range c.no {
			if err := checkPattern(c.pattern, v); codeOf(err) != "ParameterPatternMismatchException" {
				t.Errorf("%s, %q: %v", c.pattern, v, err)
			}
		}
	}
	for _, bad := range []string{"(", ")", "a)", "[", "[a", "[]", "*a", "+", "?", "{1}", "a{", "a{x}", "a{3,2}", "a**", `\`, `\q`, `\xg1`, `\p{`, `\p{Nonsense}`, "(?y)", "(?<1a>x", "[b-a]", `\1`, `\k<n>`, "[a&&]", "(?x)a"} {
		if err := checkPattern(bad, "a"); codeOf(err) != "InvalidAllowedPatternException" {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestPatternsAreBounded(t *testing.T) {
	start := time.Now()
	if err := checkPattern(`(?=a)(a+)+\1b`, strings.Repeat("a", 4000)); codeOf(err) != "ParameterPatternMismatchException" {
		t.Errorf("%v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if err := checkPattern(strings.Repeat("(", 500)+strings.Repeat(")", 500), ""); codeOf(err) != "InvalidAllowedPatternException" {
		t.Errorf("deep: %v", err)
	}
}

func FuzzPattern(f *testing.F) {
	for _, seed := range []string{`^\d+$`, `[a-z&&[^aeiou]]+`, `(?=.*\d)a++`, `\Qa\E`, `[\p{Alpha}-]`, `(?i:x){2,}`} {
		f.Add(seed, "abc")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 1024 || len(text) > 256 {
			return
		}
		_ = checkPattern(pattern, text)
	})
}
