package pattern

import (
	"io/fs"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	crs "github.com/corazawaf/coraza-coreruleset/v4"
	crstests "github.com/corazawaf/coraza-coreruleset/v4/tests"
	"rsc.io/binaryregexp"
)

// rule is an @rx rule of the OWASP Core Rule Set.
type rule struct {
	targets string
	text    string
}

// crsRules reads every @rx of the Core Rule Set, each expression once.
func crsRules(tb testing.TB) []rule {
	tb.Helper()
	files, err := fs.Glob(crs.FS, "@owasp_crs/*.conf")
	if err != nil {
		tb.Fatal(err)
	}
	directive := regexp.MustCompile(`(?m)^\s*SecRule ([^"]*?|"[^"]*")\s+"!?@rx ((?:[^"\\]|\\.)*)"`)
	seen := map[string]bool{}
	var out []rule
	for _, name := range files {
		b, err := fs.ReadFile(crs.FS, name)
		if err != nil {
			tb.Fatal(err)
		}
		for _, m := range directive.FindAllStringSubmatch(string(b), -1) {
			text := strings.ReplaceAll(m[2], `\"`, `"`)
			if !seen[text] && !strings.Contains(text, "%{") {
				seen[text] = true
				out = append(out, rule{m[1], text})
			}
		}
	}
	if len(out) < 250 {
		tb.Fatalf("%d expressions in the Core Rule Set", len(out))
	}
	return out
}

// argumentRules are those that look at arguments.
func argumentRules(tb testing.TB) []Pattern {
	var out []Pattern
	for _, r := range crsRules(tb) {
		if strings.Contains(r.targets, "ARGS") {
			out = append(out, Pattern{Kind: Regexp, Text: r.text, Syntax: SecLang})
		}
	}
	return out
}

// crsValues are the strings of the Core Rule Set's own regression cases: whole, and in the
// parts that a web application would see.
func crsValues(tb testing.TB) [][]byte {
	tb.Helper()
	line := regexp.MustCompile(`(?m)^\s+(?:- )?[\w-]+: (.*)$`)
	seen := map[string]bool{}
	add := func(s string) {
		if len(s) < 20_000 {
			seen[s] = true
		}
	}
	err := fs.WalkDir(crstests.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(crstests.FS, name)
		if err != nil {
			return err
		}
		for _, m := range line.FindAllStringSubmatch(string(b), -1) {
			v := strings.TrimSpace(m[1])
			if len(v) > 1 && (v[0] == '"' || v[0] == '\'') && v[len(v)-1] == v[0] {
				v = strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\n`, "\n", `\r`, "\r", `\0`, "\x00").Replace(v[1 : len(v)-1])
			}
			add(v)
			_, query, _ := strings.Cut(v, "?")
			for _, part := range append(strings.Split(query, "&"), strings.Split(v, "&")...) {
				name, value, _ := strings.Cut(part, "=")
				for _, s := range []string{part, name, value} {
					if u, err := url.QueryUnescape(s); err == nil {
						add(u)
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	var out [][]byte
	for s := range seen {
		out = append(out, []byte(s))
	}
	slices.SortFunc(out, func(a, b []byte) int { return strings.Compare(string(a), string(b)) })
	if len(out) < 3000 {
		tb.Fatalf("%d values of the Core Rule Set's cases", len(out))
	}
	return out
}

// TestCoreRuleSetAgreesWithGo compares every expression of the Core Rule Set on the strings
// of its regression cases with Go's matcher: that for bytes, as we match, and, as Coraza
// does, that for UTF-8 for expressions that name no bytes beyond ASCII.
func TestCoreRuleSetAgreesWithGo(t *testing.T) {
	rules := crsRules(t)
	values := crsValues(t)
	step := 61
	if os.Getenv("PATTERN_CASES") != "" {
		step = 1
	}
	patterns := make([]Pattern, len(rules))
	asBytes := make([]*binaryregexp.Regexp, len(rules))
	asRunes := make([]*regexp.Regexp, len(rules))
	for i, r := range rules {
		patterns[i] = Pattern{Kind: Regexp, Text: r.text, Syntax: SecLang}
		asBytes[i] = binaryregexp.MustCompile("(?sm)" + r.text)
		if !regexp.MustCompile(`\\x\{?[89a-f]`).MatchString(r.text) {
			asRunes[i] = regexp.MustCompile("(?sm)" + r.text)
		}
	}
	set, err := Compile(patterns, Options{})
	if err != nil {
		t.Fatal(err)
	}
	scratch := NewScratch()
	got := NewBits(set.Len())
	ran, matches, differences := 0, 0, 0
	for k := 0; k < len(values); k += step {
		value := values[k]
		got.Reset()
		set.Match(value, nil, got, scratch)
		for i := range rules {
			ran++
			want := asBytes[i].Match(value)
			if got.Has(i) != want {
				t.Errorf("%.200q on %.200q: %v, Go says %v", rules[i].text, value, got.Has(i), want)
			}
			if want {
				matches++
			}
			if asRunes[i] == nil || asRunes[i].Match(value) == want {
				continue
			}
			// A count of characters is a count of bytes to us and to ModSecurity.
			if differences++; !strings.ContainsFunc(string(value), func(r rune) bool { return r >= 0x80 }) {
				t.Errorf("%.200q on %.200q: %v, Go for UTF-8 says %v", rules[i].text, value, want, !want)
			}
		}
	}
	t.Logf("%d cases, %d matches, set of %d bytes, %d other verdicts of Go for UTF-8", ran, matches, set.SizeBytes(), differences)
}
