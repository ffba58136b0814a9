package inject

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	libinjection "github.com/corazawaf/libinjection-go"
)

// moduleDir is where libinjection's module is, which has its vectors.
func moduleDir(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/corazawaf/libinjection-go").Output()
	if err != nil {
		t.Fatalf("finding libinjection's vectors: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// vector is one of libinjection's test files.
type vector struct{ name, input, expected string }

func vectors(t testing.TB) []vector {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(moduleDir(t), "tests", "test-*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 496 {
		t.Fatalf("libinjection has %d vectors, not 496", len(files))
	}
	var list []vector
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(data), "--INPUT--\n")
		input, expected, ok := strings.Cut(rest, "--EXPECTED--")
		if !ok {
			t.Fatalf("%s is of another form", f)
		}
		list = append(list, vector{filepath.Base(f), strings.TrimSuffix(input, "\n"), strings.TrimSpace(expected)})
	}
	return list
}

// Where a vector says what the verdict is, it is that; for all of them the verdict behind
// the prefilter is the library's.
func TestLibinjectionsVectors(t *testing.T) {
	sql, xss := 0, 0
	for _, v := range vectors(t) {
		b := DefaultBudget
		gotSQL, gotXSS := SQL([]byte(v.input), Low, &b), XSS([]byte(v.input), &b)
		switch {
		case strings.HasPrefix(v.name, "test-sqli-"):
			sql++
			if (gotSQL == Found) != (v.expected != "") {
				t.Errorf("%s: SQL(%q) = %v, want %q", v.name, v.input, gotSQL, v.expected)
			}
		case strings.HasPrefix(v.name, "test-xss-"):
			xss++
			if (gotXSS == Found) != (v.expected == "1") {
				t.Errorf("%s: XSS(%q) = %v, want %q", v.name, v.input, gotXSS, v.expected)
			}
		}
		if want, _ := libinjection.IsSQLi(v.input); (gotSQL == Found) != want {
			t.Errorf("%s: SQL(%q) = %v, the library says %v", v.name, v.input, gotSQL, want)
		}
		if want := libinjection.IsXSS(v.input); (gotXSS == Found) != want {
			t.Errorf("%s: XSS(%q) = %v, the library says %v", v.name, v.input, gotXSS, want)
		}
	}
	if sql != 54 || xss != 7 {
		t.Errorf("%d vectors of SQL and %d of scripting have a verdict, not 54 and 7", sql, xss)
	}
}

// Every word that libinjection knows, behind every form of a number and beside another word,
// is settled as the library settles it.
func TestPrefilterIsSoundForEveryKeyword(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(moduleDir(t), "sqli_data.go"))
	if err != nil {
		t.Fatal(err)
	}
	words := 0
	known := func(word string) {
		for w := range strings.FieldsFuncSeq(word, func(r rune) bool { return r == ' ' || r == '.' }) {
			if strings.IndexFunc(w, func(r rune) bool { return r == '_' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' }) >= 0 && !keywords[strings.ToLower(w)] {
				t.Errorf("%q is not among the keywords", w)
			}
		}
	}
	for line := range strings.Lines(string(data)) {
		_, rest, ok := strings.Cut(line, `"`)
		word, _, ok2 := strings.Cut(rest, `"`)
		if !ok || !ok2 || word == "" || word[0] == '0' {
			continue
		}
		words++
		known(word)
		for _, before := range []string{"", "1", "1e1", "0x1", "1d", "a ", "1 ", "1=", "a,"} {
			for _, after := range []string{"", " a", " 1", "=1", ";a", " 1 = 1", " from a"} {
				sound(t, before+word+after)
			}
		}
	}
	// The prefilter rests on this: no pattern is made of nothing but words that are not known,
	// numbers, operators and separators.
	patterns := 0
	for line := range strings.Lines(string(data)) {
		pattern, ok := strings.CutPrefix(line, "\t\"0")
		if pattern, _, ok2 := strings.Cut(pattern, `"`); ok && ok2 && pattern != "" {
			patterns++
			if strings.Trim(pattern, "N1O,;.:?") == "" {
				t.Errorf("%s is a pattern", pattern)
			}
			if len(pattern) <= 2 && pattern != "1U" && pattern != "VU" && pattern != "X" && pattern[len(pattern)-1] != 'C' {
				t.Errorf("%s is a pattern", pattern)
			}
		}
	}
	if patterns < 8000 {
		t.Errorf("only %d patterns found", patterns)
	}
	if words < 500 {
		t.Errorf("only %d words found", words)
	}
}

// sound checks that what the prefilters settle is what the library says.
func sound(t testing.TB, s string) {
	t.Helper()
	if found, pattern := libinjection.IsSQLi(s); found && !maybeSQL([]byte(s)) {
		t.Errorf("the prefilter settles %q, which the library finds: %s", s, pattern)
	}
	if libinjection.IsXSS(s) && !maybeMarkup([]byte(s)) {
		t.Errorf("the prefilter settles %q, in which the library finds scripting", s)
	}
}
