package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fastness/test/waf/corpus"
	"fastness/test/waf/verdict"
)

func TestNobodyLooksAtTheTestHalf(t *testing.T) {
	if _, err := load(options{corpus: t.TempDir(), half: "test", class: "xss", show: "all"}); !errors.Is(err, errUnseen) {
		t.Errorf("%v", err)
	}
}

func TestAWholeRequestIsJudgedByItsParts(t *testing.T) {
	s := corpus.Sample{Target: true, Value: "/a/b%20c?q=1+2&x=y", Fields: [][2]string{{"X-A", "v"}, {"Cookie", "k=w; l=z"}}, Body: `{"name":["leaf",{"n":1}]}`}
	got := parts(&s)
	for _, want := range []string{"/a/b%20c?q=1+2&x=y", "b c", "1 2", "y", "v", "w", "z", "name", "leaf", "n"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if got := parts(&corpus.Sample{Value: "a=b&c=d"}); !slices.Equal(got, []string{"a=b&c=d"}) {
		t.Errorf("a value has the parts %q", got)
	}
	if got := parts(&corpus.Sample{Target: true, Value: "/", Body: "a=1&b=&c=2+3"}); !slices.Equal(got, []string{"/", "a=1&b=&c=2+3", "1", "2 3"}) {
		t.Errorf("a form has the parts %q", got)
	}
}

func TestValuesAreReadAsTheyAreOrAsStrings(t *testing.T) {
	name := filepath.Join(t.TempDir(), "values")
	if err := os.WriteFile(name, []byte("a b\n\"c\\nd\"\n\n\"e\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := read(name, corpus.XSS)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range all {
		got = append(got, s.Value)
	}
	if want := []string{"a b", "c\nd", `"e`}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// What is blocked is counted by verdict, and printed by what was asked for.
func TestVerdictsAndWhatIsBlockedStandSideBySide(t *testing.T) {
	samples := []corpus.Sample{{Class: corpus.SQL, Value: "1' union select password from users--"}, {Class: corpus.SQL, Value: "shoes"}, {Class: corpus.SQL, Value: "hats"}}
	all := []judged{{verdict.Shown, "a list", "rows"}, {verdict.Shown, "a list", "rows"}, {verdict.Neither, "", ""}}
	var out strings.Builder
	if err := compare(samples, all, options{show: string(verdict.Shown), kinds: true}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| shown | 2 | 1 | 50.00 % |", "| neither | 1 | 0 | 0.00 % |", "| all that a judge confirms | 2 | 1 | 50.00 % |", "| passes: shown: a list, in a ", `"shoes"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), `"hats"`) || strings.Contains(out.String(), "union") {
		t.Errorf("too much in\n%s", out.String())
	}
}
