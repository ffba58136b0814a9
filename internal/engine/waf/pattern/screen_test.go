package pattern

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// screened checks what a Screen says of a value against a Set of the same patterns, and tells whether it is clear.
func screened(t *testing.T, screen *Screen, set *Set, in string, value []byte, m *Scratch) bool {
	t.Helper()
	if !screen.Clear(value, m) {
		return false
	}
	low := bytes.Clone(value)
	for i, b := range low {
		if low[i] = lower(b); strings.IndexByte(in, low[i]) < 0 {
			t.Fatalf("%q is clear and has a byte that is not of %q", value, in)
		}
	}
	got := NewBits(set.Len())
	set.Match(low, nil, got, m)
	if got.Any() {
		for i := range got.All() {
			t.Fatalf("%q is clear and matches %v %q", value, set.patterns[i].Kind, set.patterns[i].Text)
		}
	}
	return true
}

// TestWhatAScreenClearsMatchesNothing compares Screens of random expressions with Sets of them (which other tests
// compare with other matchers) on random values.
func TestWhatAScreenClearsMatchesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	m := NewScratch()
	clear, ran := 0, 0
	for total := cases(t, 60_000); ran < total; {
		g := &grammar{r: r, look: r.IntN(3) == 0}
		var patterns []Pattern
		for range 1 + r.IntN(6) {
			syntax := Syntax(r.IntN(2))
			patterns = append(patterns, Pattern{Kind: Regexp, Text: g.expression(3), Fold: r.IntN(3) == 0, Syntax: syntax})
		}
		if r.IntN(3) == 0 {
			text := g.literal() + g.literal() + g.literal()
			patterns = append(patterns, Pattern{Kind: Kind(r.IntN(4)), Text: strings.ReplaceAll(text, `\`, ""), Fold: r.IntN(2) == 0}, Pattern{Kind: ContainsAny, Texts: []string{"ab", "k_", "S0"}, Fold: r.IntN(2) == 0}, Pattern{Kind: ContainsWord, Text: "bk"})
		}
		set, err := Compile(patterns, Options{})
		if err != nil {
			continue // some look-behind
		}
		in := "abks01"
		for _, c := range "_ -\n=;'" {
			if r.IntN(2) == 0 {
				in += string(c)
			}
		}
		screen, err := NewScreen(patterns, in, Options{CacheBytes: 1 << (10 + r.IntN(10))})
		if err != nil {
			t.Fatal(err)
		}
		for range 60 {
			ran++
			value := g.value(patterns[r.IntN(len(patterns))].Text)
			if r.IntN(2) == 0 { // of the bytes that it is for, and long
				value = value[:0]
				for n := r.IntN(40); len(value) < n; {
					value = append(value, in[r.IntN(len(in))])
				}
			}
			if screened(t, screen, set, in, value, m) {
				clear++
				if !screen.Clear(value, m) {
					t.Fatalf("%q is clear no more", value)
				}
			}
		}
	}
	t.Logf("%d of %d values are clear", clear, ran)
	if clear < ran/20 {
		t.Errorf("only %d of %d values are clear: the cases say little", clear, ran)
	}
}

func TestScreenRefusesUpperCase(t *testing.T) {
	if _, err := NewScreen(nil, "abC", Options{}); err == nil {
		t.Error("a screen for upper case")
	}
}

// TestScreensShareAScratch has two Screens take turns: what one learned is not the other's.
func TestScreensShareAScratch(t *testing.T) {
	const in = "abcdefghijklmnopqrstuvwxyz "
	a, err := NewScreen([]Pattern{{Kind: Contains, Text: "rock"}}, in, Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewScreen([]Pattern{{Kind: Contains, Text: "roll"}}, in, Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := NewScratch()
	for range 3 {
		for value, want := range map[string][2]bool{
			"rock": {false, true}, "roll": {true, false}, "a lot of Rock music": {false, true}, "a lot of Roll music": {true, false}, "a lot of other music": {true, true}, "": {true, true},
		} {
			if got := [2]bool{a.Clear([]byte(value), m), b.Clear([]byte(value), m)}; got != want {
				t.Errorf("%q: %v", value, got)
			}
		}
	}
}
