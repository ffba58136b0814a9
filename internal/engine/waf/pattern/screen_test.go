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
	clear, ran, lost := 0, 0, 0
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
			whole := screened(t, screen, set, in, value, m)
			if whole {
				clear++
				if !screen.Clear(value, m) {
					t.Fatalf("%q is clear no more", value)
				}
			}
			if pieces := piecewise(screen, value, r, m); pieces && !whole {
				t.Fatalf("%q is clear in pieces only", value)
			} else if whole && !pieces {
				lost++
			}
		}
	}
	t.Logf("%d of %d values are clear, %d of these not in pieces", clear, ran, lost)
	if lost > clear/10 {
		t.Errorf("%d of %d values are not clear in pieces", lost, clear)
	}
	if clear < ran/20 {
		t.Errorf("only %d of %d values are clear: the cases say little", clear, ran)
	}
}

// piecewise looks at a value from a Mark behind some of it on, in one of the ways that there are.
func piecewise(s *Screen, value []byte, r *rand.Rand, m *Scratch) bool {
	a := r.IntN(len(value) + 1)
	b := a + r.IntN(len(value)-a+1)
	mark := s.Behind(s.Start(m), value[:a], m)
	if n := b - a; n > 0 && n <= ShortText && r.IntN(2) == 0 {
		word := lastBytes(value[a:b], n)
		short := m.BehindShort(mark, word, n)
		if mark = s.Behind(mark, value[a:b], m); short != (Mark{}) && short != mark {
			panic("a short text leads elsewhere")
		}
		if again := m.BehindShort(mark, word, n); again != (Mark{}) && again != s.Behind(mark, value[a:b], m) {
			panic("a short text leads elsewhere")
		}
	} else {
		mark = s.Behind(mark, value[a:b], m)
	}
	rest := value[b:]
	switch r.IntN(3) {
	case 0:
		clear := s.ClearBehind(mark, rest, m)
		if n := len(rest); n <= ShortText && m.ClearShort(mark, lastBytes(rest, n), n) && !clear {
			panic("a short text is clear when it is short only")
		}
		return clear
	case 1:
		// A quotation mark ends it, and a backslash makes it another matter.
		text := append(bytes.Clone(rest), "\" and \\ more\""[r.IntN(2)*6:]...)
		n, clear := s.ClearQuoted(mark, text, m)
		if text[len(rest)] == '"' && n == len(rest) {
			return clear
		}
		if n >= 0 && bytes.IndexAny(text, "\"\\") != n {
			panic("it ends elsewhere")
		}
		return s.ClearBehind(mark, rest, m)
	}
	return s.ClearBehind(mark, rest, m)
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
