package pattern

import (
	"errors"
	"strings"
	"testing"
)

func match(t *testing.T, p Pattern, value string) bool {
	t.Helper()
	s, err := Compile([]Pattern{p}, Options{})
	if err != nil {
		t.Fatalf("%q: %v", p.Text, err)
	}
	got := NewBits(1)
	s.Match([]byte(value), nil, got, NewScratch())
	start, end, ok := s.Find(0, []byte(value))
	if ok != got.Has(0) || ok && (start < 0 || end < start || end > len(value)) {
		t.Fatalf("%v %q on %q: matched %v, found %d to %d %v", p.Kind, p.Text, value, got.Has(0), start, end, ok)
	}
	return ok
}

// TestAWSSyntaxIsPCRE has cases of pcresyntax(3) and pcrepattern(3), without the UTF mode.
func TestAWSSyntaxIsPCRE(t *testing.T) {
	for _, c := range []struct {
		text string
		yes  []string
		no   []string
	}{
		{`a.c`, []string{"abc", "a\xffc", "a\rc"}, []string{"a\nc", "ac"}},
		{`(?s)a.c`, []string{"a\nc"}, nil},
		{`^a$`, []string{"a", "a\n"}, []string{"a\n\n", "\na", "ba", "a\nb"}},
		{`^a\z`, []string{"a"}, []string{"a\n"}},
		{`^a\Z`, []string{"a", "a\n"}, []string{"ab"}},
		{`(?m)^a$`, []string{"b\na\nc", "a\n", "\n\na"}, []string{"ba"}},
		{`(?m)\n^$`, []string{"\n\n"}, []string{"\n", "a\n"}},
		{`a$\n`, []string{"a\n"}, []string{"a"}},
		{`\s`, []string{"\v", "\f", " "}, []string{"\xa0", "\x85"}},
		{`\h`, []string{"\t", " ", "\xa0"}, []string{"\n"}},
		{`^\H\V$`, []string{"ab"}, []string{" b", "a\x85"}},
		{`^\v$`, []string{"\v", "\n", "\x85"}, []string{"v"}},
		{`^\N+\z`, []string{"ab"}, []string{"a\nb"}},
		{`\xe9`, []string{"caf\xe9"}, []string{"café"}},
		{`\xc3\xa9`, []string{"café"}, nil},
		{`é`, []string{"café"}, []string{"caf\xe9"}},
		{`\x{41}\x41\101\o{101}\cA`, []string{"AAAA\x01"}, nil},
		{`\x`, []string{"\x00"}, []string{"x"}},
		{`\xg`, []string{"\x00g"}, nil},
		{`\0`, []string{"\x00"}, []string{"0"}},
		{`\08`, []string{"\x008"}, nil},
		{`\a\e\f\n\r\t`, []string{"\a\x1b\f\n\r\t"}, nil},
		{`\Qa.b\E+`, []string{"a.b", "a.bbb"}, []string{"axb"}},
		{`\Q\E^\Q*`, []string{"*"}, nil},
		{`[\b]`, []string{"\b"}, []string{"b"}},
		{`[]a]+\z`, []string{"]a"}, []string{"b"}},
		{`^[^]a]\z`, []string{"b"}, []string{"]", "a"}},
		{`^[a-\d]\z`, []string{"a", "-", "7"}, []string{"b"}},
		{`^[\w-.]\z`, []string{"-", ".", "x"}, []string{","}},
		{`^[a-c-e]\z`, []string{"b", "-", "e"}, []string{"d"}},
		{`^[[:alpha:][:digit:]]+\z`, []string{"a1"}, []string{"_"}},
		{`^[[:^alpha:]]\z`, []string{"1", "\xff"}, []string{"a"}},
		{`^[[:punct:]]\z`, []string{"!", "~", "_"}, []string{"a", " "}},
		{`^[a[:]\z`, []string{"[", ":", "a"}, nil},
		{`(?i)straße`, []string{"STRAßE"}, []string{"STRASSE"}},
		{`(?i)[^k]`, []string{"a"}, []string{"k", "K"}},
		{`(?i)[h-j]`, []string{"I"}, []string{"K"}},
		{`a(?i)b|c`, []string{"aB", "C"}, []string{"AB"}},
		{`a(?i:b)c`, []string{"aBc"}, []string{"aBC"}},
		{`(a(?i)b)c`, []string{"aBc"}, []string{"aBC"}},
		{`(?i)a(?-i)b`, []string{"Ab"}, []string{"AB"}},
		{"(?x) a b # c\n c [ ] \\ d", []string{"abc  d"}, []string{"abcd"}},
		{"(?x)a +", []string{"a"}, nil},
		{`a(?#comment)b`, []string{"ab"}, nil},
		{`a{2}{`, []string{"aa{"}, nil},
		{`a{,2}`, []string{"a{,2}"}, []string{"aa"}},
		{`a{x`, []string{"a{x"}, nil},
		{`^(?:a|b){2,3}\z`, []string{"ab", "bab"}, []string{"a", "abab"}},
		{`^a{0}b`, []string{"b"}, []string{"ab"}},
		{`foo(?=bar)`, []string{"foobar"}, []string{"foobaz", "barfoo"}},
		{`foo(?!bar)`, []string{"foobaz", "foo"}, []string{"foobar"}},
		{`(?<=foo)bar`, []string{"foobar"}, []string{"fobar"}},
		{`(?<!foo)bar`, []string{"bar", "xbar"}, []string{"foobar"}},
		{`(?<=a|bc)d`, []string{"ad", "bcd"}, []string{"cd"}},
		{`^(?!.*admin).*$`, []string{"user", ""}, []string{"the admin"}},
		{`^(?=.*\d)(?=.*[a-z]).{4}\z`, []string{"ab12"}, []string{"abcd", "1234", "ab123"}},
		{`(?=(?!b)a)`, []string{"a"}, []string{"b"}},
		{`(?<name>a)(?P<other>b)(?'third'c)`, []string{"abc"}, nil},
		{`\bcat\b`, []string{"a cat.", "cat"}, []string{"cats", "_cat", "concat"}},
		{`\Bat\b`, []string{"cat"}, []string{"at"}},
		{`(?U)^a+$`, []string{"aaa"}, nil},
		{`\_\-\/\"\é`, []string{`_-/"é`}, nil},
		{``, []string{"", "a"}, nil},
		{`|a`, []string{""}, nil},
		{`()`, []string{""}, nil},
		{`}]`, []string{"}]"}, nil},
		{`(a)\11`, []string{"a\t"}, nil},
	} {
		for _, v := range c.yes {
			if !match(t, Pattern{Kind: Regexp, Text: c.text}, v) {
				t.Errorf("%q does not match %q", c.text, v)
			}
		}
		for _, v := range c.no {
			if match(t, Pattern{Kind: Regexp, Text: c.text}, v) {
				t.Errorf("%q matches %q", c.text, v)
			}
		}
	}
}

// TestSecLangDiffersWhereTheCoreRuleSetNeedsIt holds what the dialects differ in.
func TestSecLangDiffersWhereTheCoreRuleSetNeedsIt(t *testing.T) {
	for _, c := range []struct {
		text, value  string
		aws, seclang bool
	}{
		{`a.b`, "a\nb", false, true},
		{`^b`, "a\nb", false, true},
		{`a$`, "a\nb", false, true},
		{`(?-m)a$`, "a\n", true, false},
		{`\s`, "\v", true, false},
		{`^\v`, "\v", true, true},
		{`(?-m)^\v`, "\x85", true, false},
		{`\n^\z`, "a\n", false, true},
	} {
		if got := match(t, Pattern{Kind: Regexp, Text: c.text, Syntax: AWS}, c.value); got != c.aws {
			t.Errorf("AWS %q on %q: %v", c.text, c.value, got)
		}
		if got := match(t, Pattern{Kind: Regexp, Text: c.text, Syntax: SecLang}, c.value); got != c.seclang {
			t.Errorf("SecLang %q on %q: %v", c.text, c.value, got)
		}
	}
}

func TestFoldingIsASCII(t *testing.T) {
	for _, c := range []struct {
		text, value string
		want        bool
	}{
		{"k", "K", true}, {"K", "k", true}, {"s", "S", true},
		{"k", "\u212a", false}, {"s", "\u017f", false}, // KELVIN SIGN, LONG S
		{"å", "Å", false}, {"[\xe5]", "\xc5", false}, {"[^s]", "S", false}, {"@", "`", false}, {"[", "{", false},
	} {
		text := c.text
		if text == "[" {
			text = `\[`
		}
		for _, p := range []Pattern{{Kind: Regexp, Text: text, Fold: true}, {Kind: Regexp, Text: "(?i)" + text, Syntax: SecLang}, {Kind: Contains, Text: c.text, Fold: true}} {
			if p.Kind == Contains && strings.ContainsAny(c.text, "[^") && len(c.text) > 1 {
				continue
			}
			if got := match(t, p, c.value); got != c.want {
				t.Errorf("%v %q on %q: %v", p.Kind, p.Text, c.value, got)
			}
		}
	}
}

func TestWhatIsNotSupportedIsRefused(t *testing.T) {
	for text, want := range map[string]Reason{
		`(a)\1`: BackReference, `(a)(b)\2`: BackReference, `\k<n>`: BackReference, `(?<n>a)(?P=n)`: BackReference,
		`(a)\g1`: BackReference, `(a)\g{-1}`: BackReference, `a\9`: BackReference,
		`(?R)`: Subroutine, `(a)(?1)`: Subroutine, `(?-1)`: Subroutine, `(?+1)`: Subroutine, `(?&n)`: Subroutine, `(?P>n)`: Subroutine, `\g<n>`: Subroutine,
		`(?(1)a|b)`: Conditional, `(?(?=a)b|c)`: Conditional,
		`(*FAIL)`: Verb, `a(*SKIP)b`: Verb, `(*UTF8)a`: Verb,
		`\C`: SingleByte, `\R`: NewlineSequence, `a\Kb`: MatchReset, `(?C)`: Callout, `(?C1)a`: Callout,
		`(?>a)`: AtomicGroup, `a++`: AtomicGroup, `a*+`: AtomicGroup, `a?+`: AtomicGroup, `a{1,2}+`: AtomicGroup,
		`a{1001}`: OversizeRepeat, `a{1,65535}`: OversizeRepeat, `a{99999999999999999999}`: OversizeRepeat, `a{1001,}`: OversizeRepeat,
		`(?:(?:a{1000}){1000}){1000}`: TooLarge, strings.Repeat("(", 300) + strings.Repeat(")", 300): TooLarge,
		`(?<=a*)b`: VariableLookbehind, `(?<=ab?)c`: VariableLookbehind, `(?<!(a|bc))d`: VariableLookbehind,
		`\X`: Unsupported, `\G`: Unsupported, `\pL`: Unsupported, `\p{Lu}`: Unsupported, `(?|a|b)`: Unsupported, `[\p{L}]`: Unsupported,
		`(`: Malformed, `)`: Malformed, `a)b`: Malformed, `(a`: Malformed, `[a`: Malformed, `[]`: Malformed, `[`: Malformed, `\`: Malformed, `[\`: Malformed,
		`*`: Malformed, `a**`: Malformed, `+a`: Malformed, `|*`: Malformed, `(?:*)`: Malformed, `{2}`: Malformed, `^*`: Malformed, `\b+`: Malformed,
		`a{2}{3}`: Malformed, `a{3,2}`: Malformed, `[z-a]`: Malformed, `[[:foo:]]`: Malformed, `[[.a.]]`: Malformed,
		`(?z)`: Malformed, `(?`: Malformed, `(?<`: Malformed, `(?<1a>b)`: Malformed, `(?<a`: Malformed, `(?P`: Malformed, `(?#`: Malformed,
		`\x{`: Malformed, `\x{100}`: Malformed, `\x{}`: Malformed, `\777`: Malformed, `\o{400}`: Malformed, `\c`: Malformed, `\y`: Malformed, `\u0041`: Malformed, `\L`: Malformed,
	} {
		_, err := Compile([]Pattern{{Text: "fine"}, {Kind: Regexp, Text: text}}, Options{})
		var e *Error
		if !errors.As(err, &e) || e.Index != 1 || e.Reason != want || e.Detail == "" {
			t.Errorf("%.40q: %v, want %v", text, err, want)
		}
	}
}

func TestPatternsAreBounded(t *testing.T) {
	long := strings.Repeat("a", 1000)
	for _, c := range []struct {
		p    Pattern
		o    Options
		want Reason
	}{
		{Pattern{Kind: Regexp, Text: long}, Options{MaxText: 999}, TooLong},
		{Pattern{Kind: Exact, Text: long}, Options{MaxText: 999}, TooLong},
		{Pattern{Kind: ContainsAny, Texts: []string{long}}, Options{MaxText: 999}, TooLong},
		{Pattern{Kind: Regexp, Text: "(?:ab){100}"}, Options{MaxProgram: 100}, TooLarge},
		{Pattern{Kind: Regexp, Text: "(?=(?:ab){60})(?:ab){60}"}, Options{MaxProgram: 200}, TooLarge},
		{Pattern{Kind: Kind(99), Text: "a"}, Options{}, Malformed},
		{Pattern{Kind: Regexp, Text: "a", Syntax: Syntax(9)}, Options{}, Malformed},
		{Pattern{Kind: Regexp, Texts: []string{"a"}}, Options{}, Malformed},
		{Pattern{Kind: ContainsAny, Text: "a"}, Options{}, Malformed},
		{Pattern{Kind: ContainsWord, Text: "a b"}, Options{}, NotWord},
		{Pattern{Kind: ContainsWord}, Options{}, NotWord},
	} {
		_, err := Compile([]Pattern{c.p}, c.o)
		var e *Error
		if !errors.As(err, &e) || e.Reason != c.want {
			t.Errorf("%v: %v, want %v", c.p.Kind, err, c.want)
		}
	}
}

// TestStringsAtPlaces follows AWS's documentation of positional constraints.
func TestStringsAtPlaces(t *testing.T) {
	for _, c := range []struct {
		kind        Kind
		text, value string
		want        bool
	}{
		{Contains, "bad", "a bad bot", true}, {Contains, "bad", "a BAD bot", false}, {Contains, "bad", "ba", false}, {Contains, "", "", true},
		{Contains, "b", "abc", true}, {Contains, "\x00\xff", "a\x00\xffb", true}, {Contains, "aab", "aaab", true},
		{Exact, "bad", "bad", true}, {Exact, "bad", "bad ", false}, {Exact, "bad", "abad", false}, {Exact, "", "", true}, {Exact, "", "a", false},
		{Prefix, "bad", "badbot", true}, {Prefix, "bad", "abad", false}, {Prefix, "bad", "ba", false}, {Prefix, "", "a", true},
		{Suffix, "bot", "badbot", true}, {Suffix, "bot", "bots", false}, {Suffix, "bot", "ot", false}, {Suffix, "", "", true},
		{ContainsWord, "BadBot", "BadBot", true}, {ContainsWord, "BadBot", "BadBot;", true}, {ContainsWord, "BadBot", ";BadBot", true},
		{ContainsWord, "BadBot", "-BadBot;", true}, {ContainsWord, "BadBot", "BadBots", false}, {ContainsWord, "BadBot", "_BadBot", false},
		{ContainsWord, "BadBot", "BadBot1 BadBot", true}, {ContainsWord, "a", "aa_a a", true}, {ContainsWord, "a", "aa", false}, {ContainsWord, "a", "\xe9a\xe9", true},
	} {
		if got := match(t, Pattern{Kind: c.kind, Text: c.text}, c.value); got != c.want {
			t.Errorf("%v %q on %q: %v", c.kind, c.text, c.value, got)
		}
		upper := strings.ToUpper(c.value)
		if c.want && !match(t, Pattern{Kind: c.kind, Text: c.text, Fold: true}, upper) && strings.ToValidUTF8(c.value, "") == c.value {
			t.Errorf("%v %q folded on %q", c.kind, c.text, upper)
		}
	}
	list := Pattern{Kind: ContainsAny, Texts: []string{"sqlmap", "nikto", "x"}}
	for value, want := range map[string]bool{"nikto/2": true, "a x": true, "Nikto": false, "": false, "sqlma": false} {
		if got := match(t, list, value); got != want {
			t.Errorf("list on %q: %v", value, got)
		}
	}
}

func TestCapturesAreThoseOfABacktrackingMatcher(t *testing.T) {
	s, err := Compile([]Pattern{
		{Kind: Regexp, Text: `(a|ab)(c|bcd)?(d*)`},
		{Kind: Regexp, Text: `(?:(x)|(y))+`},
		{Kind: Regexp, Text: `<(.*?)>`},
		{Kind: Contains, Text: "cd"},
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		i     int
		value string
		want  []int
	}{
		{0, "zabcd", []int{1, 5, 1, 2, 2, 5, 5, 5}},
		{1, "xy", []int{0, 2, 0, 1, 1, 2}},
		{1, "z", nil},
		{2, "<a><b>", []int{0, 3, 1, 2}},
		{3, "abcd", []int{2, 4}},
		{3, "c", nil},
	} {
		got := s.Captures(c.i, []byte(c.value))
		if len(got) != len(c.want) {
			t.Errorf("pattern %d on %q: %v", c.i, c.value, got)
			continue
		}
		for k := range got {
			if got[k] != c.want[k] {
				t.Errorf("pattern %d on %q: %v, want %v", c.i, c.value, got, c.want)
				break
			}
		}
	}
}

func TestMatchesOfVeryManyGroupsAreFound(t *testing.T) {
	text := strings.Repeat("(", 200) + "a" + strings.Repeat(")", 200) + "{900}"
	if !match(t, Pattern{Kind: Regexp, Text: text}, strings.Repeat("a", 901)) {
		t.Error("no match")
	}
}

func TestMatchLooksOnlyForWhatIsWanted(t *testing.T) {
	s, err := Compile([]Pattern{{Text: "a"}, {Text: "b"}, {Kind: Regexp, Text: "a|b"}, {Kind: Regexp, Text: "a"}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want, got := NewBits(s.Len()), NewBits(s.Len())
	want.Set(1)
	want.Set(2)
	got.Set(3)
	s.Match([]byte("b"), want, got, NewScratch())
	if got[0] != 1<<1|1<<2|1<<3 {
		t.Errorf("%b", got[0])
	}
	got.Reset()
	s.Match([]byte("a"), want, got, NewScratch())
	if got[0] != 1<<2 {
		t.Errorf("%b", got[0])
	}
}
